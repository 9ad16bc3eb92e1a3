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

/// A byte's bits, the highest first, as eight bytes.
const SPREAD: [[u8; 8]; 256] = {
    let mut table = [[0; 8]; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut bit = 0;
        while bit < 8 {
            table[byte][bit] = (byte >> (7 - bit) & 1) as u8;
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
        if !self.color && !has_sprites {
            self.draw_plain(from, to);
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

    /// A line of the original without sprites, straight into the picture.
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
        let row = map + usize::from(y / 8) * 32;
        let mut place = (range.start as u8).wrapping_add(scroll);
        let mut at = 8 + range.start - usize::from(place % 8);
        let left: [u8; 8] = std::array::from_fn(|i| line[range.start + i]);
        while at < 8 + range.end {
            let tile = self.vram[row + usize::from(place / 8)];
            let (low, high) = self.tile_row(tile, 0, y % 8);
            line[at..at + 8].copy_from_slice(&palette.shades(low, high));
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
        let base = if self.lcdc & lcdc::TILE_DATA != 0 {
            usize::from(tile) * 16
        } else {
            (0x1000 + isize::from(tile as i8) * 16) as usize
        };
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

    /// Draws the line's sprites, the ones behind first.
    fn draw_sprites(&self, pixels: &mut Line) {
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
                    pixels.colors[place - 8] = color;
                    pixels.attributes[place - 8] = flags;
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

/// A palette of four shades, for eight pixels at a time.
struct BitPalette {
    /// For each colour, 0xFF if its shade has the low bit, else 0; then the same of the high bit.
    low: [u8; 4],
    high: [u8; 4],
}

impl BitPalette {
    fn new(palette: u8) -> Self {
        let plane = |bit: usize| {
            std::array::from_fn(|color| (palette >> (2 * color + bit) & 1).wrapping_neg())
        };
        Self {
            low: plane(0),
            high: plane(1),
        }
    }

    /// Shades of a row of a tile, from left to right.
    fn shades(&self, low: u8, high: u8) -> [u8; 8] {
        let masks = [!low & !high, low & !high, !low & high, low & high];
        let plane = |of: &[u8; 4]| {
            let bits = (0..4).fold(0, |bits, color| bits | of[color] & masks[color]);
            u64::from_le_bytes(SPREAD[usize::from(bits)])
        };
        (plane(&self.low) | plane(&self.high) << 1).to_le_bytes()
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
    let low = u64::from_le_bytes(SPREAD[usize::from(flip(low))]);
    let high = u64::from_le_bytes(SPREAD[usize::from(flip(high))]);
    (low | high << 1).to_le_bytes()
}
