//! MBC1: up to 2 MiB of ROM and 32 KiB of RAM (Pan Docs, "MBC1").

use super::{Banks, RamMap};
use crate::state::{Reader, StateError, Writer};

#[derive(Clone, Debug)]
pub(crate) struct Mbc1 {
    multicart: bool,
    ram_enabled: bool,
    bank1: u8,
    bank2: u8,
    mode: bool,
}

impl Mbc1 {
    pub(crate) fn new(multicart: bool) -> Self {
        Self {
            multicart,
            ram_enabled: false,
            bank1: 1,
            bank2: 0,
            mode: false,
        }
    }

    pub(crate) fn write(&mut self, address: u16, value: u8) {
        match address >> 13 {
            0 => self.ram_enabled = value & 0x0F == 0x0A,
            // Zero is replaced before unused bits are dropped, so that 0x10 of a multicart is 0.
            1 => self.bank1 = (value & 0x1F).max(1),
            2 => self.bank2 = value & 3,
            _ => self.mode = value & 1 != 0,
        }
    }

    pub(crate) fn banks(&self) -> Banks {
        let (shift, mask) = if self.multicart { (4, 0x0F) } else { (5, 0x1F) };
        let upper = usize::from(self.bank2) << shift;
        Banks {
            low: if self.mode { upper } else { 0 },
            high: upper | usize::from(self.bank1 & mask),
            ram: match (self.ram_enabled, self.mode) {
                (false, _) => RamMap::Disabled,
                (true, true) => RamMap::Bank(usize::from(self.bank2)),
                (true, false) => RamMap::Bank(0),
            },
        }
    }

    pub(crate) fn save(&self, out: &mut Writer) {
        out.bytes(&[self.bank1, self.bank2]);
        out.bool(self.ram_enabled);
        out.bool(self.mode);
    }

    pub(crate) fn load(&mut self, input: &mut Reader) -> Result<(), StateError> {
        self.bank1 = (input.u8()? & 0x1F).max(1);
        self.bank2 = input.u8()? & 3;
        self.ram_enabled = input.bool()?;
        self.mode = input.bool()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{cartridge, visible};

    #[test]
    fn bank_zero_cannot_be_chosen_at_0x4000() {
        let mut cartridge = cartridge(0x01, 6, 0);
        for (value, bank) in [(0, 1), (1, 1), (0x1F, 0x1F), (0x20, 1), (0xE5, 5)] {
            cartridge.write_register(0, 0x2000, value);
            assert_eq!(visible(&cartridge), (0, bank));
        }
        cartridge.write_register(0, 0x4000, 2);
        cartridge.write_register(0, 0x3FFF, 0);
        assert_eq!(visible(&cartridge), (0, 0x41));
    }

    #[test]
    fn mode_one_switches_the_low_bank_and_ram() {
        let mut cartridge = cartridge(0x03, 6, 3);
        cartridge.write_register(0, 0x0000, 0x0A);
        cartridge.write_register(0, 0x4000, 2);
        cartridge.write_ram(0, 0xA000, 1);
        cartridge.write_register(0, 0x6000, 1);
        assert_eq!(visible(&cartridge), (0x40, 0x41));
        cartridge.write_ram(0, 0xA000, 2);
        cartridge.write_register(0, 0x6000, 0);
        assert_eq!(cartridge.read_ram(0xA000), 1);
        cartridge.write_register(0, 0x0000, 0);
        assert_eq!(cartridge.read_ram(0xA000), 0xFF);
    }

    #[test]
    fn small_roms_ignore_high_bits() {
        let mut cartridge = cartridge(0x01, 2, 0);
        cartridge.write_register(0, 0x2000, 0x1A);
        assert_eq!(visible(&cartridge), (0, 2));
        cartridge.write_register(0, 0x2000, 0x10);
        assert_eq!(visible(&cartridge), (0, 0));
    }
}
