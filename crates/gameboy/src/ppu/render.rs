//! Pixels of a line: background, window, sprites, priorities (Pan Docs, "Graphics").
//!
//! A line is drawn when mode 3 ends, or up to the dot at which a register is written during mode 3.

use std::ops::Range;

use super::{DOT, Ppu, WIDTH, lcdc};

/// The first pixel is put out this many dots after the beginning of the line.
const FIRST_PIXEL: u64 = 84 + 12;

/// Bits of a sprite's flags and of a Color's background attributes.
mod attribute {
    pub(super) const COLOR_PALETTE: u8 = 0x07;
    pub(super) const BANK: u8 = 0x08;
    pub(super) const PALETTE: u8 = 0x10;
    pub(super) const FLIP_X: u8 = 0x20;
    pub(super) const FLIP_Y: u8 = 0x40;
    pub(super) const PRIORITY: u8 = 0x80;
}

/// Colour numbers 0 to 3 of a line's pixels, and the attributes of what they are part of.
struct Line {
    colors: [u8; WIDTH],
    attributes: [u8; WIDTH],
}

const EMPTY: Line = Line {
    colors: [0; WIDTH],
    attributes: [0; WIDTH],
};

/// A byte's bits, the highest first, as eight bytes, the first one lowest.
static SPREAD: [u64; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut bit = 0;
        while bit < 8 {
            table[byte] |= (byte as u64 >> (7 - bit) & 1) << (8 * bit);
            bit += 1;
        }
        byte += 1;
    }
    table
};

impl Ppu {
    /// Draws what was put out up to `now`, before a register changes.
    pub(super) fn draw_until(&mut self, now: u64) {
        if self.mode == 3 && self.rendering {
            let dots = (now - self.line_start) / DOT;
            let pixels = dots.saturating_sub(FIRST_PIXEL + u64::from(self.scx & 7));
            self.draw(pixels.min(WIDTH as u64) as u8);
        }
    }

    /// Draws what is left of the line.
    pub(super) fn draw_line(&mut self) {
        if self.rendering {
            self.draw(WIDTH as u8);
        }
        self.window_drawn |= self.window_starts().is_some();
        self.window_line = self.window_line.wrapping_add(u8::from(self.window_drawn));
    }

    /// Draws the pixels of the line from the last one drawn up to `end`, which is not drawn.
    fn draw(&mut self, end: u8) {
        let (from, to) = (usize::from(self.drawn), usize::from(end));
        if from >= to {
            return;
        }
        self.drawn = end;
        let has_sprites = self.lcdc & lcdc::OBJECTS != 0 && self.sprites.count() != 0;
        let is_plain = !(self.color || has_sprites && self.has_sprites_behind());
        if is_plain {
            self.draw_plain(from, to);
            if has_sprites {
                self.draw_sprites_over(from, to);
            }
            return;
        }
        let mut background = EMPTY;
        if self.color || self.lcdc & lcdc::BACKGROUND != 0 {
            self.draw_background(&mut background, from, to);
        }
        let row = usize::from(self.line) * WIDTH;
        let mut sprites = EMPTY;
        if has_sprites {
            self.draw_sprites(&mut sprites);
        }
        for x in from..to {
            let pixel = self.mix(&background, &sprites, x);
            if self.color {
                self.colors[row + x] = pixel;
            } else {
                self.shades[row + x] = pixel as u8;
            }
        }
    }

    /// Some sprite of the line hides behind the background's colours 1 to 3.
    fn has_sprites_behind(&self) -> bool {
        self.sprites
            .iter()
            .any(|at| self.oam[usize::from(*at) + 3] & attribute::PRIORITY != 0)
    }

    /// Sprites of the original that nothing hides, over what is drawn already.
    fn draw_sprites_over(&mut self, from: usize, to: usize) {
        let mut line = [0; WIDTH];
        let row = usize::from(self.line) * WIDTH;
        line.copy_from_slice(&self.shades[row..row + WIDTH]);
        self.each_sprite_pixel(|x, color, flags| {
            if (from..to).contains(&x) {
                let palette = usize::from(flags & attribute::PALETTE != 0);
                line[x] = shade(self.obp[palette], color) as u8;
            }
        });
        self.shades[row..row + WIDTH].copy_from_slice(&line);
    }

    /// The background of a line of the original, straight into the picture.
    fn draw_plain(&mut self, from: usize, to: usize) {
        let mut line = [shade(self.bgp, 0) as u8; WIDTH + 16];
        if self.lcdc & lcdc::BACKGROUND != 0 {
            let window = self.window_starts().map_or(WIDTH, usize::from);
            let split = window.clamp(from, to);
            if from < split {
                let map = self.tile_map(lcdc::BACKGROUND_MAP);
                let y = self.line.wrapping_add(self.scy);
                self.draw_shades(&mut line, from..split, map, self.scx, y);
            }
            if split < to {
                self.window_drawn = true;
                let map = self.tile_map(lcdc::WINDOW_MAP);
                let scroll = 7u8.wrapping_sub(self.wx);
                self.draw_shades(&mut line, split..to, map, scroll, self.window_line);
            }
        }
        let row = usize::from(self.line) * WIDTH;
        self.shades[row + from..row + to].copy_from_slice(&line[8 + from..8 + to]);
    }

    /// Whole tiles, eight pixels at a time; `line` begins eight pixels left of the screen. What a
    /// tile reaches to the right is covered by what is drawn next, to the left it is restored.
    fn draw_shades(
        &self,
        line: &mut [u8; WIDTH + 16],
        range: Range<usize>,
        map: usize,
        scroll: u8,
        y: u8,
    ) {
        let palette = BitPalette::new(self.bgp);
        let row = &self.vram[map + usize::from(y / 8) * 32..][..32];
        let (tile_data, y) = (self.lcdc & lcdc::TILE_DATA != 0, usize::from(y % 8) * 2);
        let mut place = (range.start as u8).wrapping_add(scroll);
        let mut at = 8 + range.start - usize::from(place % 8);
        let left: [u8; 8] = std::array::from_fn(|i| line[range.start + i]);
        while at < 8 + range.end {
            let tile = tile_address(row[usize::from(place / 8)], tile_data) + y;
            let shades = palette.shades(self.vram[tile], self.vram[tile + 1]);
            line[at..at + 8].copy_from_slice(&shades);
            place = place.wrapping_add(8);
            at += 8;
        }
        line[range.start..range.start + 8].copy_from_slice(&left);
    }

    fn draw_background(&mut self, pixels: &mut Line, from: usize, to: usize) {
        let window = self.window_starts().map_or(WIDTH, usize::from);
        let split = window.clamp(from, to);
        if from < split {
            let map = self.tile_map(lcdc::BACKGROUND_MAP);
            let y = self.line.wrapping_add(self.scy);
            self.draw_tiles(pixels, from..split, map, self.scx, y);
        }
        if split < to {
            self.window_drawn = true;
            let map = self.tile_map(lcdc::WINDOW_MAP);
            let scroll = 7u8.wrapping_sub(self.wx);
            let y = self.window_line;
            self.draw_tiles(pixels, split..to, map, scroll, y);
        }
    }

    fn tile_map(&self, select: u8) -> usize {
        if self.lcdc & select != 0 {
            0x1C00
        } else {
            0x1800
        }
    }

    /// Draws the pixels of a range; `scroll` is what is added to their position.
    fn draw_tiles(&self, line: &mut Line, range: Range<usize>, map: usize, scroll: u8, y: u8) {
        let mut x = range.start;
        while x < range.end {
            let place = (x as u8).wrapping_add(scroll);
            let cell = map + usize::from(y / 8) * 32 + usize::from(place / 8);
            let tile = self.vram[cell];
            let attributes = if self.color {
                self.vram[0x2000 + cell]
            } else {
                0
            };
            let colors = colors(self.tile_row(tile, attributes, y % 8), attributes);
            let first = usize::from(place % 8);
            let count = (range.end - x).min(8 - first);
            line.colors[x..x + count].copy_from_slice(&colors[first..first + count]);
            if self.color {
                line.attributes[x..x + count].fill(attributes);
            }
            x += count;
        }
    }

    /// The two bytes of a row of a background tile.
    fn tile_row(&self, tile: u8, attributes: u8, y: u8) -> (u8, u8) {
        let base = tile_address(tile, self.lcdc & lcdc::TILE_DATA != 0);
        let y = if attributes & attribute::FLIP_Y != 0 {
            7 - y
        } else {
            y
        };
        self.row_at(base + usize::from(y) * 2, attributes)
    }

    fn row_at(&self, at: usize, attributes: u8) -> (u8, u8) {
        let bank = if self.color && attributes & attribute::BANK != 0 {
            0x2000
        } else {
            0
        };
        (self.vram[bank + at], self.vram[bank + at + 1])
    }

    /// Draws the line's sprites.
    fn draw_sprites(&self, pixels: &mut Line) {
        self.each_sprite_pixel(|x, color, flags| {
            pixels.colors[x] = color;
            pixels.attributes[x] = flags;
        });
    }

    /// Gives `put` X, colour and flags of each pixel of the line's sprites that is not transparent,
    /// the sprites behind first.
    fn each_sprite_pixel(&self, mut put: impl FnMut(usize, u8, u8)) {
        let height = self.sprite_height();
        for &at in self.sprites.iter().rev() {
            let at = usize::from(at);
            let [y, x, tile, flags] = [0, 1, 2, 3].map(|field| self.oam[at + field]);
            // The size may have changed since the sprite was found.
            let row = self.line.wrapping_add(16).wrapping_sub(y) % height;
            let row = if flags & attribute::FLIP_Y != 0 {
                height - 1 - row
            } else {
                row
            };
            let tile = if height == 16 { tile & 0xFE } else { tile };
            let row = self.row_at(usize::from(tile) * 16 + usize::from(row) * 2, flags);
            for (column, color) in colors(row, flags).into_iter().enumerate() {
                let place = usize::from(x) + column;
                if color != 0 && (8..WIDTH + 8).contains(&place) {
                    put(place - 8, color, flags);
                }
            }
        }
    }

    /// The shade or colour that is shown where background and sprites meet.
    fn mix(&self, background: &Line, sprites: &Line, x: usize) -> u16 {
        let (color, attributes) = (sprites.colors[x], sprites.attributes[x]);
        let behind = if self.color {
            // LCDC's bit 0 takes away all priority of the background.
            self.lcdc & lcdc::BACKGROUND != 0
                && (background.attributes[x] | attributes) & attribute::PRIORITY != 0
        } else {
            attributes & attribute::PRIORITY != 0
        };
        if color == 0 || (behind && background.colors[x] != 0) {
            self.background_color(background, x)
        } else if self.color {
            self.color_palettes
                .object(attributes & attribute::COLOR_PALETTE, color)
        } else {
            let palette = usize::from(attributes & attribute::PALETTE != 0);
            shade(self.obp[palette], color)
        }
    }

    fn background_color(&self, background: &Line, x: usize) -> u16 {
        let color = background.colors[x];
        if self.color {
            let palette = background.attributes[x] & attribute::COLOR_PALETTE;
            self.color_palettes.background(palette, color)
        } else {
            shade(self.bgp, color)
        }
    }
}

/// Place of a tile in video RAM, 16 bytes each; `first`: numbers begin at the first tile, else they
/// are signed and begin at the 257th.
fn tile_address(tile: u8, first: bool) -> usize {
    let behind = usize::from(!first && tile < 0x80) * 0x1000;
    usize::from(tile) * 16 + behind
}

/// A palette of four shades, for eight pixels at a time.
///
/// Each of a shade's two bits is a function of a colour's two bits, as a sum without carries:
/// `c + l * low + h * high + b * low * high`.
struct BitPalette {
    low: [u8; 4],
    high: [u8; 4],
}

impl BitPalette {
    fn new(palette: u8) -> Self {
        let plane = |bit: u8| {
            let [p0, p1, p2, p3] =
                [0, 2, 4, 6].map(|at| (palette >> (at + bit) & 1).wrapping_neg());
            [p0, p0 ^ p1, p0 ^ p2, p0 ^ p1 ^ p2 ^ p3]
        };
        Self {
            low: plane(0),
            high: plane(1),
        }
    }

    /// Shades of a row of a tile, from left to right.
    fn shades(&self, low: u8, high: u8) -> [u8; 8] {
        let plane = |[c, l, h, b]: [u8; 4]| {
            SPREAD[usize::from(c ^ (l & low) ^ (h & high) ^ (b & low & high))]
        };
        (plane(self.low) | plane(self.high) << 1).to_le_bytes()
    }
}

fn shade(palette: u8, color: u8) -> u16 {
    u16::from(palette >> (2 * color) & 3)
}

/// Colour numbers of a row of a tile, from left to right.
fn colors((low, high): (u8, u8), attributes: u8) -> [u8; 8] {
    let flip = |byte: u8| {
        if attributes & attribute::FLIP_X != 0 {
            byte.reverse_bits()
        } else {
            byte
        }
    };
    let (low, high) = (
        SPREAD[usize::from(flip(low))],
        SPREAD[usize::from(flip(high))],
    );
    (low | high << 1).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_palette_gives_eight_pixels_what_it_gives_each() {
        for palette in 0..=255 {
            let eight = BitPalette::new(palette);
            for (low, high) in [(0b0101_0011, 0b0011_0101), (0xFF, 0x00), (0x0F, 0xF0)] {
                let expected = colors((low, high), 0).map(|color| shade(palette, color) as u8);
                assert_eq!(eight.shades(low, high), expected, "{palette:02X}");
            }
        }
    }

    #[test]
    fn sprites_that_nothing_hides_are_the_same_over_the_background_as_mixed_with_it() {
        let mut ppu = Ppu::new(false);
        for (at, byte) in ppu.vram.iter_mut().enumerate() {
            *byte = (at * 37 + at / 256 * 11) as u8;
        }
        (ppu.bgp, ppu.obp, ppu.scx, ppu.line) = (0x1B, [0xE4, 0x6C], 3, 40);
        ppu.lcdc = 0x93;
        for (number, sprite) in ppu.oam.chunks_exact_mut(4).enumerate() {
            let flags = [0x00, 0x10, 0x20, 0x70][number % 4];
            let number = number as u8;
            let (x, tile) = (13u8.wrapping_mul(number), 7u8.wrapping_mul(number));
            sprite.copy_from_slice(&[40 + 16 - number % 8, x, tile, flags]);
        }
        ppu.find_sprites();
        assert_eq!(ppu.sprites.count(), 10);
        let row = 40 * WIDTH..41 * WIDTH;
        for (from, to) in [(0, WIDTH), (30, 77)] {
            let mut mixed = ppu.clone();
            let (mut background, mut sprites) = (EMPTY, EMPTY);
            mixed.draw_background(&mut background, from, to);
            mixed.draw_sprites(&mut sprites);
            for x in from..to {
                mixed.shades[row.start + x] = mixed.mix(&background, &sprites, x) as u8;
            }
            let mut plain = ppu.clone();
            plain.drawn = from as u8;
            plain.draw(to as u8);
            assert!(
                plain.shades[row.clone()] == mixed.shades[row.clone()],
                "{from}..{to}"
            );
            assert!(plain.shades != ppu.shades, "nothing was drawn");
        }
    }
}
