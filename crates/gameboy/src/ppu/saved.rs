//! The PPU's state as bytes.

use super::{DOT, HEIGHT, LINE_DOTS, LineSprites, Phase, Ppu, VRAM_BYTES, WIDTH, blocked};
use crate::state::{Reader, StateError, Writer};
use crate::timer::NEVER;

impl Ppu {
    pub(crate) fn save(&self, out: &mut Writer) {
        let vram = if self.color {
            VRAM_BYTES
        } else {
            VRAM_BYTES / 2
        };
        out.bytes(&self.vram[..vram]);
        out.bytes(&self.oam);
        self.save_frame(out);
        out.bytes(&[
            self.vram_bank,
            self.lcdc,
            self.scy,
            self.scx,
            self.lyc,
            self.bgp,
            self.obp[0],
            self.obp[1],
            self.wy,
            self.wx,
            self.stat_enable,
            self.ly,
            self.line,
            self.phase as u8,
            self.mode,
            self.mode_for_interrupt,
            self.compared,
            self.blocked,
            self.window_line,
            self.drawn,
            self.sprites.count(),
        ]);
        for flag in [
            self.sprites_by_x,
            self.coincidence,
            self.coincidence_line,
            self.stat_line,
            self.first_frame,
            self.window_reached,
            self.window_drawn,
            self.rendering,
        ] {
            out.bool(flag);
        }
        out.bytes(&self.sprites.order);
        out.u16(self.penalty);
        out.u64(self.line_start);
        out.u64(self.next);
        if self.color {
            self.color_palettes.save(out);
        }
    }

    /// The picture: four shades to a byte, or colours as they are.
    fn save_frame(&self, out: &mut Writer) {
        if self.color {
            let bytes = self.colors.iter().flat_map(|c| c.to_le_bytes());
            out.out.extend(bytes);
        } else {
            let start = out.out.len();
            out.out.resize(start + WIDTH * HEIGHT / 4, 0);
            let quads = self.shades.as_chunks::<4>().0;
            for (byte, quad) in out.out[start..].iter_mut().zip(quads) {
                let shades = u32::from_le_bytes(*quad);
                *byte = (shades | shades >> 6 | shades >> 12 | shades >> 18) as u8;
            }
        }
    }

    fn load_frame(&mut self, input: &mut Reader) -> Result<(), StateError> {
        if self.color {
            let bytes = input.bytes(2 * WIDTH * HEIGHT)?;
            for (color, pair) in self.colors.iter_mut().zip(bytes.chunks_exact(2)) {
                *color = u16::from_le_bytes([pair[0], pair[1]]) & 0x7FFF;
            }
        } else {
            let bytes = input.bytes(WIDTH * HEIGHT / 4)?;
            for (quad, byte) in self.shades.as_chunks_mut::<4>().0.iter_mut().zip(bytes) {
                let shades = u32::from(*byte);
                let spread = shades | shades << 6 | shades << 12 | shades << 18;
                *quad = (spread & 0x0303_0303).to_le_bytes();
            }
        }
        Ok(())
    }

    pub(crate) fn load(&mut self, input: &mut Reader, now: u64) -> Result<(), StateError> {
        let vram = if self.color {
            VRAM_BYTES
        } else {
            VRAM_BYTES / 2
        };
        input.fill(&mut self.vram[..vram])?;
        input.fill(&mut self.oam)?;
        self.load_frame(input)?;
        let fields: [u8; 21] = input.array()?;
        [
            self.vram_bank,
            self.lcdc,
            self.scy,
            self.scx,
            self.lyc,
            self.bgp,
            self.obp[0],
            self.obp[1],
            self.wy,
            self.wx,
            self.stat_enable,
            self.ly,
            self.line,
            _,
            self.mode,
            self.mode_for_interrupt,
            self.compared,
            self.blocked,
            self.window_line,
            self.drawn,
            _,
        ] = fields;
        self.phase = Phase::from_number(fields[13]).ok_or(StateError::Damaged("PPU phase"))?;
        for flag in [
            &mut self.sprites_by_x,
            &mut self.coincidence,
            &mut self.coincidence_line,
            &mut self.stat_line,
            &mut self.first_frame,
            &mut self.window_reached,
            &mut self.window_drawn,
            &mut self.rendering,
        ] {
            *flag = input.bool()?;
        }
        self.sprites = LineSprites::restore(input.array()?, fields[20])
            .ok_or(StateError::Damaged("PPU sprites"))?;
        self.penalty = input.u16()?;
        self.line_start = input.u64()?;
        self.next = input.u64()?;
        if self.color {
            self.color_palettes.load(input)?;
        }
        self.vram_bank &= if self.color { 1 } else { 0 };
        self.stat_enable &= 0x78;
        self.irq = 0;
        self.hblank_began = false;
        self.check(now)
    }

    /// Refuses what the PPU cannot be in, so that no later step can go wrong.
    fn check(&self, now: u64) -> Result<(), StateError> {
        let draws = matches!(self.phase, Phase::HBlankInterrupt | Phase::Mode0);
        let is_off = self.phase == Phase::Off;
        let time_fits = if is_off {
            self.next == NEVER
        } else {
            self.line_start <= now && now < self.next && self.next - now <= LINE_DOTS * DOT
        };
        let fits = time_fits
            && is_off != self.is_on()
            && self.line < 154
            && (self.line >= 144) == self.phase.is_vertical_blank()
            && self.mode < 4
            && (self.mode == 3) == draws
            && self.blocked <= blocked::ALL
            && usize::from(self.drawn) <= WIDTH
            && self.penalty <= 200;
        if fits {
            Ok(())
        } else {
            Err(StateError::Damaged("PPU"))
        }
    }
}
