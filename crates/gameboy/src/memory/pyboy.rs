//! A state of PyBoy's, part by part. See [`crate::pyboy`].

use super::{FIRST_TICK, M_CYCLE, Memory, Repetition};
use crate::ppu::{DOT, FRAME_DOTS};
use crate::pyboy::State;
use crate::state::StateError;

/// More T-cycles than this, two centuries, no machine has run.
const LONGEST: u64 = 1 << 54;

impl Memory {
    pub(crate) fn take_over(&mut self, state: &State) -> Result<(), StateError> {
        if state.double_speed && !self.color {
            return Err(StateError::PyBoy("only a Game Boy Color has double speed"));
        }
        if state.is_booting && self.boot_rom.is_none() {
            return Err(StateError::PyBoy(
                "a boot ROM is running in it; save it after the logo, or name the boot ROM",
            ));
        }
        if state.cpu.cycles >= LONGEST {
            return Err(StateError::PyBoy("its count of cycles is out of range"));
        }
        self.clock = FIRST_TICK + state.cpu.cycles * DOT;
        self.m_cycle = if state.double_speed {
            M_CYCLE / 2
        } else {
            M_CYCLE
        };
        let now = self.clock;
        self.is_booting = state.is_booting;
        self.speed_switch = state.speed_switch;
        self.wram[..state.wram.len()].copy_from_slice(&state.wram);
        self.hram.copy_from_slice(&state.hram);
        self.wram_bank = if self.color {
            (state.wram_bank & 7).max(1)
        } else {
            1
        };
        self.interrupt_flag = state.cpu.interrupt_flag & 0x1F;
        self.interrupt_enable = state.cpu.interrupt_enable;
        self.joypad.select = state.io[0] & 0x30;
        let [directions, actions] = state.buttons.map(|lines| !lines & 0x0F);
        self.joypad.pressed = actions << 4 | directions;
        self.unused = [0; 4];
        self.timer.take_over(now, state.double_speed, &state.timer);
        self.serial.take_over(now, &state.serial);
        let counter = self.timer.long_counter(now);
        self.apu
            .take_over(&state.sound, counter, state.double_speed);
        let cycle = if state.double_speed { 1 } else { DOT };
        self.oam_dma
            .take_over(now, state.cpu.cycles, cycle, &state.oam_dma);
        self.vram_dma.take_over(&state.hdma);
        self.ppu.take_over(now, state)?;
        self.cartridge.take_over(now, &state.cartridge);
        self.repetition = Repetition::default();
        self.frame_end = now + (FRAME_DOTS - state.lcd.clock.min(FRAME_DOTS - 1)) * DOT;
        self.frame_done = true;
        self.schedule();
        Ok(())
    }
}
