//! MBC2: up to 256 KiB of ROM and 512 half bytes of RAM in the controller (Pan Docs, "MBC2").

use super::{Banks, RamMap};
use crate::state::{Reader, StateError, Writer};

#[derive(Clone, Debug)]
pub(crate) struct Mbc2 {
    ram_enabled: bool,
    bank: u8,
}

impl Mbc2 {
    pub(crate) fn new() -> Self {
        Self {
            ram_enabled: false,
            bank: 1,
        }
    }

    /// Bit 8 of the address chooses the register.
    pub(crate) fn write(&mut self, address: u16, value: u8) {
        match address {
            0x0000..=0x3FFF if address & 0x100 == 0 => self.ram_enabled = value & 0x0F == 0x0A,
            0x0000..=0x3FFF => self.bank = (value & 0x0F).max(1),
            _ => {}
        }
    }

    pub(crate) fn banks(&self) -> Banks {
        Banks {
            low: 0,
            high: usize::from(self.bank),
            ram: if self.ram_enabled {
                RamMap::HalfBytes
            } else {
                RamMap::Disabled
            },
        }
    }

    pub(crate) fn save(&self, out: &mut Writer) {
        out.bool(self.ram_enabled);
        out.u8(self.bank);
    }

    pub(crate) fn load(&mut self, input: &mut Reader) -> Result<(), StateError> {
        self.ram_enabled = input.bool()?;
        self.bank = (input.u8()? & 0x0F).max(1);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{cartridge, visible};

    #[test]
    fn address_bit_8_chooses_the_register() {
        let mut cartridge = cartridge(0x06, 3, 0);
        cartridge.write_register(0, 0x3FFF, 0xF5);
        assert_eq!(visible(&cartridge), (0, 5));
        cartridge.write_register(0, 0x0100, 0);
        assert_eq!(visible(&cartridge), (0, 1));
        cartridge.write_register(0, 0x2000, 0x0A);
        cartridge.write_ram(0, 0xA001, 0xAB);
        assert_eq!(cartridge.read_ram(0xA001), 0xFB);
        assert_eq!(cartridge.read_ram(0xA201), 0xFB);
        cartridge.write_register(0, 0x4000, 0);
        assert_eq!(cartridge.read_ram(0xA001), 0xFB);
        cartridge.write_register(0, 0x0000, 0x0B);
        assert_eq!(cartridge.read_ram(0xA001), 0xFF);
    }
}
