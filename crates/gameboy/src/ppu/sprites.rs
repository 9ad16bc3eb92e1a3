//! Sprites: which are on a line, and how long fetching them takes (Pan Docs, "OAM", "Rendering").

use super::{OAM_BYTES, Ppu, lcdc};

/// At most ten sprites are drawn on a line.
pub(super) const PER_LINE: usize = 10;

/// The sprites of one line as offsets into OAM, the ones in front first.
#[derive(Clone, Debug, Default)]
pub(super) struct LineSprites {
    pub(super) order: [u8; PER_LINE],
    count: u8,
}

impl LineSprites {
    pub(super) fn count(&self) -> u8 {
        self.count
    }

    pub(super) fn iter(&self) -> std::slice::Iter<'_, u8> {
        self.order[..usize::from(self.count)].iter()
    }

    pub(super) fn restore(order: [u8; PER_LINE], count: u8) -> Option<Self> {
        let fits = usize::from(count) <= PER_LINE
            && order
                .iter()
                .all(|at| usize::from(*at) < OAM_BYTES && at % 4 == 0);
        fits.then_some(Self { order, count })
    }
}

impl Ppu {
    pub(super) fn sprite_height(&self) -> u8 {
        if self.lcdc & lcdc::TALL_OBJECTS != 0 {
            16
        } else {
            8
        }
    }

    /// Finds the first ten sprites in OAM that reach this line, off the screen or not.
    pub(super) fn find_sprites(&mut self) {
        self.sprites.count = 0;
        let line = self.line + 16;
        let height = self.sprite_height();
        for (number, sprite) in self.oam.chunks_exact(4).enumerate() {
            if line.wrapping_sub(sprite[0]) < height {
                self.sprites.order[usize::from(self.sprites.count)] = 4 * number as u8;
                self.sprites.count += 1;
                if usize::from(self.sprites.count) == PER_LINE {
                    break;
                }
            }
        }
        if self.sprites_by_x {
            let oam = &self.oam;
            self.sprites.order[..usize::from(self.sprites.count)]
                .sort_by_key(|at| oam[usize::from(*at) + 1]);
        }
    }

    /// Dots that mode 3 waits for sprites: six each, and up to five more for the first one over each
    /// tile, until that tile has been fetched (mooneye, `ppu/intr_2_mode0_timing_sprites`).
    pub(super) fn sprite_penalty(&self) -> u16 {
        if self.lcdc & lcdc::OBJECTS == 0 {
            return 0;
        }
        // Tiles are those of the background, from the first, partly scrolled out, to the last.
        let mut seen = 0u32;
        let mut penalty = 0;
        for at in self.sprites.iter() {
            let x = self.oam[usize::from(*at) + 1];
            if x >= 168 {
                continue;
            }
            let place = u16::from(x) + u16::from(self.scx & 7);
            let tile = 1 << (place / 8);
            penalty += 6;
            if seen & tile == 0 {
                seen |= tile;
                penalty += 5u16.saturating_sub(place % 8);
            }
        }
        penalty
    }
}

#[cfg(test)]
mod tests {
    use super::super::Ppu;

    /// Machine cycles that sprites at these X add to mode 3: facts of hardware, as mooneye's
    /// `intr_2_mode0_timing_sprites` lists them.
    const EXTRA_CYCLES: [(u16, &[u8]); 44] = [
        (2, &[0]),
        (4, &[0, 0]),
        (5, &[0; 3]),
        (7, &[0; 4]),
        (8, &[0; 5]),
        (10, &[0; 6]),
        (11, &[0; 7]),
        (13, &[0; 8]),
        (14, &[0; 9]),
        (16, &[0; 10]),
        (16, &[1; 10]),
        (15, &[2; 10]),
        (15, &[7; 10]),
        (16, &[8; 10]),
        (15, &[10; 10]),
        (16, &[33; 10]),
        (16, &[161; 10]),
        (15, &[162; 10]),
        (15, &[167; 10]),
        (0, &[168; 10]),
        (0, &[169; 10]),
        (17, &[0, 0, 0, 0, 0, 160, 160, 160, 160, 160]),
        (16, &[2, 2, 2, 2, 2, 162, 162, 162, 162, 162]),
        (15, &[4, 4, 4, 4, 4, 164, 164, 164, 164, 164]),
        (17, &[64, 64, 64, 64, 64, 160, 160, 160, 160, 160]),
        (16, &[67, 67, 67, 67, 67, 163, 163, 163, 163, 163]),
        (2, &[1]),
        (2, &[3]),
        (1, &[4]),
        (1, &[7]),
        (2, &[11]),
        (1, &[12]),
        (2, &[163]),
        (1, &[164]),
        (1, &[167]),
        (5, &[0, 8]),
        (4, &[3, 11]),
        (3, &[4, 12]),
        (5, &[16, 24]),
        (27, &[0, 8, 16, 24, 32, 40, 48, 56, 64, 72]),
        (25, &[1, 9, 17, 25, 33, 41, 49, 57, 65, 73]),
        (20, &[3, 11, 19, 27, 35, 43, 51, 59, 67, 75]),
        (15, &[7, 15, 23, 31, 39, 47, 55, 63, 71, 79]),
        (25, &[73, 65, 57, 49, 41, 33, 25, 17, 9, 1]),
    ];

    #[test]
    fn sprites_lengthen_mode_3_as_on_hardware() {
        for (expected, xs) in EXTRA_CYCLES {
            let mut ppu = Ppu::new(false);
            ppu.lcdc = 0x83;
            ppu.line = 0x42;
            for (sprite, x) in ppu.oam.chunks_exact_mut(4).zip(xs) {
                sprite[..2].copy_from_slice(&[0x52, *x]);
            }
            ppu.find_sprites();
            assert_eq!(ppu.sprite_penalty() / 4, expected, "sprites at {xs:?}");
        }
    }

    #[test]
    fn ten_sprites_are_found_in_the_order_of_oam_and_sorted_by_x() {
        let mut ppu = Ppu::new(false);
        ppu.line = 20;
        for (number, sprite) in ppu.oam.chunks_exact_mut(4).enumerate() {
            sprite[..2].copy_from_slice(&[if number == 3 { 0 } else { 36 }, 100 - number as u8]);
        }
        ppu.find_sprites();
        let found: Vec<u8> = ppu.sprites.iter().map(|at| at / 4).collect();
        assert_eq!(found, [10, 9, 8, 7, 6, 5, 4, 2, 1, 0]);
        ppu.sprites_by_x = false;
        ppu.find_sprites();
        let found: Vec<u8> = ppu.sprites.iter().map(|at| at / 4).collect();
        assert_eq!(found, [0, 1, 2, 4, 5, 6, 7, 8, 9, 10]);
    }
}
