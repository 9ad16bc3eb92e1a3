//! The registers at 0xFF00 to 0xFF7F, each handed to the part it belongs to.

use super::Memory;
use crate::bus::Bus;
use crate::interrupts;

impl Memory {
    pub(super) fn read_register(&mut self, address: u16) -> u8 {
        self.catch_up_within();
        let now = self.clock;
        match address {
            0xFF00 | 0xFF0F => {}
            0xFF41 => {
                self.ppu.sync(now);
                self.quiet_until(self.ppu.next_change());
            }
            0xFF44 => {
                self.ppu.sync(now);
                self.quiet_until(self.ppu.next_line_change());
            }
            0xFF04 => self.quiet_until(self.timer.tick_of_multiple(now, 256, 1)),
            _ => self.repetition.is_quiet = false,
        }
        match address {
            0xFF00 => self.joypad.read(),
            0xFF01 | 0xFF02 => self.serial.read(address, self.color),
            0xFF04..=0xFF07 => self.timer.read(now, address),
            0xFF0F => 0xE0 | self.interrupt_flag,
            0xFF10..=0xFF3F => {
                self.sync_apu();
                self.apu.read(address)
            }
            0xFF46 => self.oam_dma.register(),
            0xFF40..=0xFF4B | 0xFF4F | 0xFF68..=0xFF6C => self.ppu.read(now, address),
            0xFF4D if self.color => {
                0x7E | self.speed_switch | u8::from(self.is_double_speed()) << 7
            }
            0xFF51..=0xFF55 if self.color => self.vram_dma.read(address),
            0xFF70 if self.color => 0xF8 | self.wram_bank,
            0xFF72..=0xFF74 if self.color => self.unused[usize::from(address - 0xFF72)],
            0xFF75 if self.color => 0x8F | self.unused[3],
            0xFF76 | 0xFF77 if self.color => 0,
            _ => 0xFF,
        }
    }

    /// Brings all up to date in the middle of an instruction: what came of it is looked at when that
    /// is over.
    fn catch_up_within(&mut self) {
        if self.is_event_due() {
            self.run_events();
            self.attend();
        }
    }

    fn sync_apu(&mut self) {
        let counter = self.timer.long_counter(self.clock);
        self.apu.sync(counter, self.is_double_speed());
    }

    pub(super) fn write_register(&mut self, address: u16, value: u8) {
        self.catch_up_within();
        let now = self.clock;
        match address {
            0xFF00 => {
                let fell = self.joypad.write(value);
                self.request_joypad(fell);
            }
            0xFF01 | 0xFF02 => self
                .serial
                .write(now, address, value, self.color, &self.timer),
            0xFF04 => self.reset_divider(),
            0xFF05..=0xFF07 => self.timer.write(now, address, value),
            0xFF0F => self.interrupt_flag = value & 0x1F,
            0xFF10..=0xFF3F => {
                self.sync_apu();
                self.apu.write(address, value);
                return;
            }
            0xFF46 => {
                self.sync_oam_dma();
                self.oam_dma.request(now, value);
            }
            0xFF40..=0xFF4B | 0xFF4F | 0xFF68..=0xFF6C => self.write_ppu(address, value),
            0xFF4D if self.color => self.speed_switch = value & 1,
            0xFF50 => self.is_booting &= value & 1 == 0,
            0xFF51..=0xFF55 if self.color => {
                let blocks = self.vram_dma.write(address, value);
                if address == 0xFF55 {
                    self.start_vram_dma(blocks);
                }
            }
            0xFF70 if self.color => self.wram_bank = (value & 7).max(1),
            0xFF72..=0xFF74 if self.color => self.unused[usize::from(address - 0xFF72)] = value,
            0xFF75 if self.color => self.unused[3] = value & 0x70,
            _ => {}
        }
        if self.timer.take_irq() {
            self.interrupt_flag |= interrupts::TIMER;
        }
        self.schedule();
        if self.interrupt_flag != 0 || self.timer.is_overflowed() {
            self.attend();
        }
    }

    fn write_ppu(&mut self, address: u16, value: u8) {
        let switched = self.ppu.write(self.clock, address, value);
        self.interrupt_flag |= self.ppu.take_irq();
        if switched {
            // A frame ends where the LCD is switched on or off, and the next begins.
            self.frame_end = self.clock;
            self.frame_done = true;
        }
    }

    pub(super) fn reset_divider(&mut self) {
        let counter = self.timer.long_counter(self.clock);
        self.apu.reset_divider(counter, self.is_double_speed());
        self.timer.reset_divider(self.clock);
    }
}
