//! The LCD of a state of PyBoy's. See [`crate::pyboy`].

use super::{DOT, FRAME_DOTS, LINE_DOTS, Phase, Ppu, WIDTH, timing};
use crate::pyboy::State;
use crate::state::StateError;
use crate::timer::NEVER;

impl Ppu {
    pub(crate) fn take_over(&mut self, now: u64, state: &State) -> Result<(), StateError> {
        let lcd = &state.lcd;
        if lcd.clock >= FRAME_DOTS {
            return Err(StateError::PyBoy("its LCD is past the end of a frame"));
        }
        self.vram[..lcd.vram.len()].copy_from_slice(&lcd.vram);
        self.oam.copy_from_slice(&lcd.oam);
        let lcdc;
        let stat;
        [
            lcdc,
            self.bgp,
            self.obp[0],
            self.obp[1],
            stat,
            _,
            self.lyc,
            self.scy,
            self.scx,
            self.wy,
            self.wx,
        ] = lcd.registers;
        self.lcdc = lcdc;
        self.stat_enable = stat & 0x78;
        self.sprites_by_x = !self.color || lcd.priority_mode & 1 != 0;
        self.vram_bank = lcd.vram_bank & u8::from(self.color);
        if self.color {
            self.color_palettes.take_over(&lcd.palettes);
        }
        self.take_over_picture(&state.picture);
        self.irq = 0;
        self.hblank_began = false;
        self.stat_line = false;
        self.coincidence_line = false;
        self.coincidence = stat & 4 != 0;
        self.window_line = 0;
        self.rendering = true;
        if !self.is_on() {
            self.switch_off_silently();
        } else if lcd.is_resetting {
            self.switch_on(now);
        } else {
            self.go_to(now, state);
        }
        self.irq = 0;
        Ok(())
    }

    fn switch_off_silently(&mut self) {
        self.phase = Phase::Off;
        self.next = NEVER;
        (self.line, self.ly, self.mode, self.blocked) = (0, 0, 0, 0);
        self.mode_for_interrupt = timing::NO_MODE;
        self.drawn = 0;
    }

    /// Goes through the line that is drawn up to `now`, without asking for interrupts.
    fn go_to(&mut self, now: u64, state: &State) {
        // PyBoy counts from where line 0 has its mode 2.
        let dots = (state.lcd.clock + timing::MODE_2) % FRAME_DOTS;
        let (line, dot) = ((dots / LINE_DOTS) as u8, dots % LINE_DOTS);
        self.start_line(line, now - dot * DOT);
        self.window_reached = state.window_reached;
        if usize::from(line) > usize::from(self.wy) && self.window_starts().is_some() {
            self.window_line = line - self.wy;
        }
        while self.next <= now {
            self.advance();
        }
        self.first_frame = state.lcd.first_frame;
        self.window_reached |= state.window_reached;
    }

    /// Colours are taken as they are, shades found by how bright they are.
    fn take_over_picture(&mut self, picture: &[u8]) {
        for (at, pixel) in picture.as_chunks::<4>().0.iter().enumerate() {
            let [red, green, blue, _] = pixel.map(u16::from);
            if let Some(color) = self.colors.get_mut(at) {
                *color = red >> 3 | (green >> 3) << 5 | (blue >> 3) << 10;
            } else if at < WIDTH * super::HEIGHT {
                let brightness = (red + green + blue) / 3;
                self.shades[at] = match brightness {
                    0xCC.. => 0,
                    0x77.. => 1,
                    0x2B.. => 2,
                    _ => 3,
                };
            }
        }
    }
}
