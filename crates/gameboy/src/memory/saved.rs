//! The machine's state as bytes, part by part.

use super::{FIRST_TICK, M_CYCLE, Memory, Repetition, WRAM_BYTES};
use crate::ppu::{DOT, FRAME_DOTS};
use crate::state::{Reader, StateError, Writer};

impl Memory {
    pub(crate) fn save(&self, out: &mut Writer) {
        out.u64(self.clock);
        out.u64(self.frame_end);
        out.bool(self.frame_done);
        out.bool(self.is_double_speed());
        out.bool(self.is_booting);
        out.u8(self.speed_switch);
        let wram = if self.color { WRAM_BYTES } else { 0x2000 };
        out.bytes(&self.wram[..wram]);
        out.bytes(&self.hram);
        out.bytes(&[
            self.wram_bank,
            self.interrupt_flag,
            self.interrupt_enable,
            self.joypad.pressed,
            self.joypad.select,
        ]);
        out.bytes(&self.unused);
        self.timer.save(out);
        self.serial.save(out);
        self.apu.save(out);
        self.oam_dma.save(out);
        self.vram_dma.save(out);
        self.ppu.save(out);
        self.cartridge.save(out);
    }

    pub(crate) fn load(&mut self, input: &mut Reader) -> Result<(), StateError> {
        self.clock = input.u64()?;
        if !(FIRST_TICK..1 << 62).contains(&self.clock) {
            return Err(StateError::Damaged("clock"));
        }
        let now = self.clock;
        self.frame_end = input.u64()?;
        if self.frame_end > now + 2 * FRAME_DOTS * DOT {
            return Err(StateError::Damaged("end of the frame"));
        }
        // Not needed to be exact about the past: the next frame begins anew.
        self.frame_end = self.frame_end.max(now.saturating_sub(2 * FRAME_DOTS * DOT));
        self.frame_done = input.bool()?;
        let double = input.bool()?;
        if double && !self.color {
            return Err(StateError::Damaged("double speed"));
        }
        self.m_cycle = if double { M_CYCLE / 2 } else { M_CYCLE };
        self.is_booting = input.bool()?;
        if self.is_booting && self.boot_rom.is_none() {
            return Err(StateError::Damaged(
                "a boot ROM is running, and none is here",
            ));
        }
        self.speed_switch = input.u8()? & 1;
        let wram = if self.color { WRAM_BYTES } else { 0x2000 };
        input.fill(&mut self.wram[..wram])?;
        input.fill(&mut self.hram)?;
        [
            self.wram_bank,
            self.interrupt_flag,
            self.interrupt_enable,
            self.joypad.pressed,
            self.joypad.select,
        ] = input.array()?;
        self.wram_bank = if self.color {
            (self.wram_bank & 7).max(1)
        } else {
            1
        };
        self.interrupt_flag &= 0x1F;
        self.joypad.select &= 0x30;
        self.unused = input.array()?;
        self.unused[3] &= 0x70;
        self.timer.load(input, now)?;
        self.serial.load(input)?;
        self.apu.load(input, self.timer.long_counter(now))?;
        self.oam_dma.load(input, now)?;
        self.repetition = Repetition::default();
        self.vram_dma.load(input)?;
        self.ppu.load(input, now)?;
        self.cartridge.load(input, now)?;
        self.schedule();
        Ok(())
    }

    pub(crate) fn save_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.out.reserve(64 << 10);
        self.save(&mut writer);
        writer.out
    }

    /// Takes over what [`Self::save_bytes`] gave.
    pub(crate) fn restore(&mut self, bytes: &[u8]) {
        let restored = self.load(&mut Reader::new(bytes));
        debug_assert!(restored.is_ok(), "a state of our own: {restored:?}");
    }
}
