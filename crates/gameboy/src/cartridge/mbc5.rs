//! MBC5: up to 8 MiB of ROM and 128 KiB of RAM (Pan Docs, "MBC5").

use super::{Banks, RamMap};
use crate::state::{Reader, StateError, Writer};

#[derive(Clone, Debug)]
pub(crate) struct Mbc5 {
    has_rumble: bool,
    ram_enabled: bool,
    rom_bank: u16,
    ram_bank: u8,
}

impl Mbc5 {
    pub(crate) fn new(has_rumble: bool) -> Self {
        Self {
            has_rumble,
            ram_enabled: false,
            rom_bank: 1,
            ram_bank: 0,
        }
    }

    pub(crate) fn write(&mut self, address: u16, value: u8) {
        match address >> 12 {
            // Unlike its predecessors it looks at all eight bits (mooneye, `mbc5/bits_ramg`).
            0 | 1 => self.ram_enabled = value == 0x0A,
            2 => self.rom_bank = self.rom_bank & 0x100 | u16::from(value),
            3 => self.rom_bank = self.rom_bank & 0xFF | u16::from(value & 1) << 8,
            4 | 5 => self.ram_bank = value & 0x0F,
            _ => {}
        }
    }

    pub(crate) fn banks(&self) -> Banks {
        // Bit 3 drives the motor where there is one.
        let mask = if self.has_rumble { 0x07 } else { 0x0F };
        Banks {
            low: 0,
            high: usize::from(self.rom_bank),
            ram: if self.ram_enabled {
                RamMap::Bank(usize::from(self.ram_bank & mask))
            } else {
                RamMap::Disabled
            },
        }
    }

    pub(crate) fn save(&self, out: &mut Writer) {
        out.bool(self.ram_enabled);
        out.u16(self.rom_bank);
        out.u8(self.ram_bank);
    }

    pub(crate) fn load(&mut self, input: &mut Reader) -> Result<(), StateError> {
        self.ram_enabled = input.bool()?;
        self.rom_bank = input.u16()? & 0x1FF;
        self.ram_bank = input.u8()? & 0x0F;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{cartridge, visible};

    #[test]
    fn nine_bits_choose_a_rom_bank_and_zero_is_one_of_them() {
        let mut cartridge = cartridge(0x1B, 8, 4);
        cartridge.write_register(0, 0x3000, 0xFF);
        assert_eq!(visible(&cartridge), (0, 0x101));
        cartridge.write_register(0, 0x2FFF, 0);
        assert_eq!(visible(&cartridge), (0, 0x100));
        cartridge.write_register(0, 0x3000, 0);
        assert_eq!(visible(&cartridge), (0, 0));
    }

    #[test]
    fn ram_wants_exactly_0x0a() {
        let mut cartridge = cartridge(0x1B, 0, 4);
        cartridge.write_register(0, 0x0000, 0x1A);
        cartridge.write_ram(0, 0xA000, 1);
        assert_eq!(cartridge.read_ram(0xA000), 0xFF);
        cartridge.write_register(0, 0x0000, 0x0A);
        for bank in 0..16 {
            cartridge.write_register(0, 0x4000, bank);
            cartridge.write_ram(0, 0xA000, bank);
        }
        cartridge.write_register(0, 0x4000, 9);
        assert_eq!(cartridge.read_ram(0xA000), 9);
    }
}
