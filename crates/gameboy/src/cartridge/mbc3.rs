//! MBC3: up to 2 MiB of ROM (4 MiB as MBC30), RAM and a real-time clock (Pan Docs, "MBC3").
//!
//! The clock runs on emulated time, so that the same input gives the same run.

use super::{Banks, RamMap};
use crate::state::{Reader, StateError, Writer};

/// Ticks of a second: twice the dots of 4,194,304 Hz.
const SECOND: u64 = 1 << 23;
const DAY_CARRY: u8 = 0x80;
const STOPPED: u8 = 0x40;

/// Seconds, minutes, hours, days, and the days' ninth bit with carry and halt.
type Registers = [u8; 5];
/// Bits that each register has.
const MASKS: Registers = [0x3F, 0x3F, 0x1F, 0xFF, 0xC1];

#[derive(Clone, Debug)]
pub(crate) struct Mbc3 {
    /// Bits of the bank's number that there are: seven, eight of MBC30.
    bank_bits: u8,
    has_clock: bool,
    enabled: bool,
    rom_bank: u8,
    selected: u8,
    clock: Registers,
    latched: Registers,
    latch_armed: bool,
    /// Tick at which the second that runs began; while stopped, ticks of it that have passed.
    second_began: u64,
}

impl Mbc3 {
    pub(crate) fn new(rom_banks: usize, has_clock: bool, now: u64) -> Self {
        Self {
            bank_bits: if rom_banks > 0x80 { 0xFF } else { 0x7F },
            has_clock,
            enabled: false,
            rom_bank: 1,
            selected: 0,
            clock: [0; 5],
            latched: [0; 5],
            latch_armed: false,
            second_began: now,
        }
    }

    fn is_stopped(&self) -> bool {
        self.clock[4] & STOPPED != 0
    }

    /// Lets the seconds up to `now` pass.
    fn sync(&mut self, now: u64) {
        if self.is_stopped() {
            return;
        }
        let mut seconds = (now - self.second_began) / SECOND;
        self.second_began += seconds * SECOND;
        let regular = self.clock[0] < 60 && self.clock[1] < 60 && self.clock[2] < 24;
        if regular {
            // Whole days at once; the rest, and values no clock shows, one by one.
            for _ in 0..seconds / 86_400 {
                self.next_day();
            }
            seconds %= 86_400;
        }
        for _ in 0..seconds {
            self.next_second();
        }
    }

    /// A register that was set past its range counts to its last bit and wraps without a carry.
    fn next_second(&mut self) {
        for (register, limit) in [(0, 60), (1, 60), (2, 24)] {
            self.clock[register] = (self.clock[register] + 1) & MASKS[register];
            if self.clock[register] != limit {
                return;
            }
            self.clock[register] = 0;
        }
        self.next_day();
    }

    fn next_day(&mut self) {
        let (days, overflow) = self.clock[3].overflowing_add(1);
        self.clock[3] = days;
        if overflow {
            if self.clock[4] & 1 != 0 {
                self.clock[4] |= DAY_CARRY;
            }
            self.clock[4] ^= 1;
        }
    }

    pub(crate) fn write(&mut self, now: u64, address: u16, value: u8) {
        match address >> 13 {
            0 => self.enabled = value & 0x0F == 0x0A,
            1 => self.rom_bank = (value & self.bank_bits).max(1),
            2 => self.selected = value & 0x0F,
            _ => {
                if self.has_clock && self.latch_armed && value == 1 {
                    self.sync(now);
                    self.latched = self.clock;
                }
                self.latch_armed = value == 0;
            }
        }
    }

    pub(crate) fn banks(&self) -> Banks {
        Banks {
            low: 0,
            high: usize::from(self.rom_bank),
            ram: match (self.enabled, self.selected) {
                (true, bank @ 0..=7) => RamMap::Bank(usize::from(bank)),
                (true, register @ 8..=12) if self.has_clock => RamMap::Clock(register - 8),
                _ => RamMap::Disabled,
            },
        }
    }

    pub(crate) fn read_clock(&self, register: u8) -> u8 {
        self.latched[usize::from(register)]
    }

    pub(crate) fn write_clock(&mut self, now: u64, register: u8, value: u8) {
        self.sync(now);
        let register = usize::from(register);
        let was_stopped = self.is_stopped();
        self.clock[register] = value & MASKS[register];
        self.latched[register] = self.clock[register];
        if register == 0 {
            self.second_began = if was_stopped { 0 } else { now };
        }
        if was_stopped != self.is_stopped() {
            self.second_began = now - self.second_began;
        }
    }

    /// Sets the clock and what is latched, `cycles` T-cycles into a second.
    pub(crate) fn set_clock(&mut self, now: u64, registers: Registers, cycles: u64) {
        for ((own, value), mask) in self.clock.iter_mut().zip(registers).zip(MASKS) {
            *own = value & mask;
        }
        self.latched = self.clock;
        let passed = (cycles * 2) % SECOND;
        self.second_began = if self.is_stopped() {
            passed
        } else {
            now.saturating_sub(passed)
        };
    }

    pub(crate) fn save(&self, out: &mut Writer) {
        out.bool(self.enabled);
        out.bool(self.latch_armed);
        out.bytes(&[self.rom_bank, self.selected]);
        out.bytes(&self.clock);
        out.bytes(&self.latched);
        out.u64(self.second_began);
    }

    pub(crate) fn load(&mut self, input: &mut Reader, now: u64) -> Result<(), StateError> {
        self.enabled = input.bool()?;
        self.latch_armed = input.bool()?;
        self.rom_bank = (input.u8()? & self.bank_bits).max(1);
        self.selected = input.u8()? & 0x0F;
        for registers in [&mut self.clock, &mut self.latched] {
            input.fill(registers)?;
            for (value, mask) in registers.iter_mut().zip(MASKS) {
                *value &= mask;
            }
        }
        self.second_began = input.tick_before(now)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Cartridge;
    use super::super::tests::{cartridge, visible};
    use super::SECOND;

    fn latch(cartridge: &mut Cartridge, now: u64) -> [u8; 5] {
        cartridge.write_register(now, 0x6000, 0);
        cartridge.write_register(now, 0x6000, 1);
        std::array::from_fn(|register| {
            cartridge.write_register(now, 0x4000, 8 + register as u8);
            cartridge.read_ram(0xA000)
        })
    }

    fn set(cartridge: &mut Cartridge, now: u64, registers: [u8; 5]) {
        for (register, value) in registers.into_iter().enumerate() {
            cartridge.write_register(now, 0x4000, 8 + register as u8);
            cartridge.write_ram(now, 0xA000, value);
        }
    }

    #[test]
    fn all_seven_bits_choose_a_rom_bank() {
        let mut cartridge = cartridge(0x11, 6, 0);
        cartridge.write_register(0, 0x2000, 0x60);
        assert_eq!(visible(&cartridge), (0, 0x60));
        for none in [0, 0x80] {
            cartridge.write_register(0, 0x2000, none);
            assert_eq!(visible(&cartridge), (0, 1), "{none:#x} written");
        }
    }

    #[test]
    fn mbc30_has_an_eighth_bit() {
        let mut cartridge = cartridge(0x11, 7, 0);
        cartridge.write_register(0, 0x2000, 0x80);
        assert_eq!(visible(&cartridge), (0, 0x80));
    }

    #[test]
    fn the_clock_counts_emulated_seconds_and_shows_them_when_latched() {
        let mut cartridge = cartridge(0x10, 0, 3);
        cartridge.write_register(0, 0, 0x0A);
        set(&mut cartridge, 0, [58, 59, 23, 255, 1]);
        assert_eq!(latch(&mut cartridge, SECOND), [59, 59, 23, 255, 1]);
        assert_eq!(latch(&mut cartridge, 2 * SECOND), [0, 0, 0, 0, 0x80]);
        cartridge.write_register(3 * SECOND, 0x6000, 1);
        cartridge.write_register(3 * SECOND, 0x4000, 8);
        assert_eq!(cartridge.read_ram(0xA000), 0);
        let day = 86_400;
        assert_eq!(
            latch(&mut cartridge, (2 + day) * SECOND),
            [0, 0, 0, 1, 0x80]
        );
    }

    #[test]
    fn a_stopped_clock_keeps_the_part_of_its_second() {
        let mut cartridge = cartridge(0x10, 0, 3);
        cartridge.write_register(0, 0, 0x0A);
        cartridge.write_register(0, 0x4000, 12);
        cartridge.write_ram(SECOND / 2, 0xA000, 0x40);
        assert_eq!(latch(&mut cartridge, 9 * SECOND)[0], 0);
        cartridge.write_register(9 * SECOND, 0x4000, 12);
        cartridge.write_ram(9 * SECOND, 0xA000, 0);
        assert_eq!(latch(&mut cartridge, 9 * SECOND + SECOND / 2)[0], 1);
    }

    #[test]
    fn seconds_past_59_run_to_63_and_do_not_carry() {
        let mut cartridge = cartridge(0x10, 0, 3);
        cartridge.write_register(0, 0, 0x0A);
        set(&mut cartridge, 0, [63, 5, 0, 0, 0]);
        assert_eq!(latch(&mut cartridge, SECOND), [0, 5, 0, 0, 0]);
    }
}
