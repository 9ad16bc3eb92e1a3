//! Cartridges: ROM, RAM and what switches their banks (Pan Docs, "MBCs").

use std::sync::Arc;

pub mod header;
mod mbc1;
mod mbc2;
mod mbc3;
mod mbc5;

use crate::state::{Reader, StateError, Writer};
use header::{Header, Mapper, RomError};
use mbc1::Mbc1;
use mbc2::Mbc2;
use mbc3::Mbc3;
use mbc5::Mbc5;

/// Bytes of a ROM bank.
pub(crate) const ROM_BANK: usize = 0x4000;
/// Bytes of a RAM bank.
pub(crate) const RAM_BANK: usize = 0x2000;

/// A ROM with a header that makes sense; shared by all machines that run it.
#[derive(Clone, Debug)]
pub struct Rom {
    bytes: Arc<[u8]>,
    header: Header,
    fingerprint: u64,
}

impl Rom {
    /// Reads the header of `bytes` and checks it.
    ///
    /// # Errors
    /// A [`RomError`] that says what is wrong with the file.
    pub fn new(bytes: &[u8]) -> Result<Self, RomError> {
        let header = Header::read(bytes)?;
        Ok(Self {
            bytes: Arc::from(&bytes[..header.rom_banks * ROM_BANK]),
            fingerprint: crate::state::checksum(bytes),
            header,
        })
    }

    /// What the header says.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The bytes, as many as the header announces.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn shared(&self) -> Arc<[u8]> {
        Arc::clone(&self.bytes)
    }

    /// Tells ROMs apart in saved states.
    pub(crate) fn fingerprint(&self) -> u64 {
        self.fingerprint
    }
}

#[derive(Clone, Debug)]
enum Controller {
    None,
    Mbc1(Mbc1),
    Mbc2(Mbc2),
    Mbc3(Mbc3),
    Mbc5(Mbc5),
}

/// What a controller maps into the address space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RamMap {
    /// Reads give 0xFF, writes are lost.
    Disabled,
    /// RAM bank of this number.
    Bank(usize),
    /// The 512 half bytes of an MBC2.
    HalfBytes,
    /// Register of an MBC3's clock.
    Clock(u8),
}

/// ROM and RAM banks that are visible now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Banks {
    /// Bank at 0x0000.
    pub(crate) low: usize,
    /// Bank at 0x4000.
    pub(crate) high: usize,
    pub(crate) ram: RamMap,
}

/// A cartridge in the slot of one machine.
#[derive(Clone, Debug)]
pub(crate) struct Cartridge {
    rom: Arc<[u8]>,
    pub(crate) ram: Vec<u8>,
    controller: Controller,
    low_offset: usize,
    high_offset: usize,
    ram_map: RamMap,
}

impl Cartridge {
    pub(crate) fn new(rom: &Rom, now: u64) -> Self {
        let header = rom.header();
        let controller = match header.mapper {
            Mapper::None => Controller::None,
            Mapper::Mbc1 => Controller::Mbc1(Mbc1::new(false)),
            Mapper::Mbc1Multicart => Controller::Mbc1(Mbc1::new(true)),
            Mapper::Mbc2 => Controller::Mbc2(Mbc2::new()),
            Mapper::Mbc3 => Controller::Mbc3(Mbc3::new(header.rom_banks, header.has_clock, now)),
            Mapper::Mbc5 => Controller::Mbc5(Mbc5::new(header.has_rumble)),
        };
        let mut cartridge = Self {
            rom: Arc::clone(&rom.bytes),
            ram: vec![0; header.ram_bytes],
            controller,
            low_offset: 0,
            high_offset: ROM_BANK,
            ram_map: RamMap::Disabled,
        };
        cartridge.map();
        cartridge
    }

    /// Recomputes what is visible, after a register of the controller was written.
    fn map(&mut self) {
        let banks = match &self.controller {
            Controller::None => Banks {
                low: 0,
                high: 1,
                ram: RamMap::Bank(0),
            },
            Controller::Mbc1(mbc) => mbc.banks(),
            Controller::Mbc2(mbc) => mbc.banks(),
            Controller::Mbc3(mbc) => mbc.banks(),
            Controller::Mbc5(mbc) => mbc.banks(),
        };
        // Address lines that a chip does not have are ignored. Sizes are powers of two.
        let rom_banks = self.rom.len() / ROM_BANK;
        self.low_offset = (banks.low & (rom_banks - 1)) * ROM_BANK;
        self.high_offset = (banks.high & (rom_banks - 1)) * ROM_BANK;
        self.ram_map = match banks.ram {
            RamMap::Bank(_) if self.ram.is_empty() => RamMap::Disabled,
            RamMap::Bank(bank) => RamMap::Bank(bank & (self.ram.len().div_ceil(RAM_BANK) - 1)),
            other => other,
        };
    }

    #[inline]
    pub(crate) fn read_low(&self, address: u16) -> u8 {
        self.rom[self.low_offset + usize::from(address & 0x3FFF)]
    }

    #[inline]
    pub(crate) fn read_high(&self, address: u16) -> u8 {
        self.rom[self.high_offset + usize::from(address & 0x3FFF)]
    }

    /// A byte of ROM bank `bank`, wherever it is mapped.
    pub(crate) fn rom_at(&self, bank: usize, address: u16) -> Option<u8> {
        self.rom
            .get(bank * ROM_BANK + usize::from(address & 0x3FFF))
            .copied()
    }

    /// Numbers of the banks visible at 0x0000 and 0x4000.
    pub(crate) fn visible_banks(&self) -> (usize, usize) {
        (self.low_offset / ROM_BANK, self.high_offset / ROM_BANK)
    }

    /// Number of the bank visible at 0x4000.
    pub(crate) fn high_bank(&self) -> usize {
        self.high_offset / ROM_BANK
    }

    /// Writes a register of the controller (0x0000 to 0x7FFF).
    pub(crate) fn write_register(&mut self, now: u64, address: u16, value: u8) {
        match &mut self.controller {
            Controller::None => return,
            Controller::Mbc1(mbc) => mbc.write(address, value),
            Controller::Mbc2(mbc) => mbc.write(address, value),
            Controller::Mbc3(mbc) => mbc.write(now, address, value),
            Controller::Mbc5(mbc) => mbc.write(address, value),
        }
        self.map();
    }

    fn ram_index(&self, bank: usize, address: u16) -> usize {
        (bank * RAM_BANK + usize::from(address & 0x1FFF)) & (self.ram.len() - 1)
    }

    pub(crate) fn read_ram(&self, address: u16) -> u8 {
        match self.ram_map {
            RamMap::Disabled => 0xFF,
            RamMap::Bank(bank) => self.ram[self.ram_index(bank, address)],
            RamMap::HalfBytes => 0xF0 | self.ram[usize::from(address & 0x1FF)],
            RamMap::Clock(register) => match &self.controller {
                Controller::Mbc3(mbc) => mbc.read_clock(register),
                _ => 0xFF,
            },
        }
    }

    pub(crate) fn write_ram(&mut self, now: u64, address: u16, value: u8) {
        match self.ram_map {
            RamMap::Disabled => {}
            RamMap::Bank(bank) => {
                let index = self.ram_index(bank, address);
                self.ram[index] = value;
            }
            RamMap::HalfBytes => self.ram[usize::from(address & 0x1FF)] = value & 0x0F,
            RamMap::Clock(register) => {
                if let Controller::Mbc3(mbc) = &mut self.controller {
                    mbc.write_clock(now, register, value);
                }
            }
        }
    }

    /// A state of PyBoy's, see [`crate::pyboy`].
    pub(crate) fn take_over(&mut self, now: u64, theirs: &crate::pyboy::Cartridge) {
        let mask = match &self.controller {
            Controller::Mbc2(_) => 0x0F,
            _ => 0xFF,
        };
        for (own, byte) in self.ram.iter_mut().zip(&theirs.ram) {
            *own = byte & mask;
        }
        // The registers are written as a program would write them: nothing else is known of them.
        let enable = if theirs.ram_enabled { 0x0A } else { 0 };
        let [bank1, bank2] = theirs.registers;
        let writes: &[(u16, u8)] = match &self.controller {
            Controller::None => &[],
            Controller::Mbc1(_) => &[
                (0x0000, enable),
                (0x2000, bank1),
                (0x4000, bank2),
                (0x6000, u8::from(theirs.mode)),
            ],
            Controller::Mbc2(_) => &[(0x0000, enable), (0x2100, theirs.rom_bank)],
            Controller::Mbc3(_) => &[
                (0x0000, enable),
                (0x2000, theirs.rom_bank),
                (0x4000, theirs.ram_bank),
            ],
            Controller::Mbc5(_) => &[
                (0x0000, enable),
                (0x2000, theirs.rom_bank),
                (0x3000, 0),
                (0x4000, theirs.ram_bank),
            ],
        };
        for (address, value) in writes {
            self.write_register(now, *address, *value);
        }
        if let (Controller::Mbc3(mbc), Some(clock)) = (&mut self.controller, &theirs.clock) {
            mbc.set_clock(now, clock.registers, clock.cycles);
        }
        self.map();
    }

    pub(crate) fn save(&self, out: &mut Writer) {
        out.bytes(&self.ram);
        match &self.controller {
            Controller::None => {}
            Controller::Mbc1(mbc) => mbc.save(out),
            Controller::Mbc2(mbc) => mbc.save(out),
            Controller::Mbc3(mbc) => mbc.save(out),
            Controller::Mbc5(mbc) => mbc.save(out),
        }
    }

    pub(crate) fn load(&mut self, input: &mut Reader, now: u64) -> Result<(), StateError> {
        input.fill(&mut self.ram)?;
        match &mut self.controller {
            Controller::None => {}
            Controller::Mbc1(mbc) => mbc.load(input)?,
            Controller::Mbc2(mbc) => mbc.load(input)?,
            Controller::Mbc3(mbc) => mbc.load(input, now)?,
            Controller::Mbc5(mbc) => mbc.load(input)?,
        }
        self.map();
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A ROM whose banks begin with their own number, and the header bytes `kind`, ROM and RAM size.
    pub(crate) fn numbered_rom(kind: u8, rom_size: u8, ram_size: u8) -> Rom {
        let banks = 2usize << rom_size;
        let mut bytes = vec![0; banks * ROM_BANK];
        for bank in 0..banks {
            bytes[bank * ROM_BANK..][..2].copy_from_slice(&(bank as u16).to_le_bytes());
        }
        bytes[0x147..0x14A].copy_from_slice(&[kind, rom_size, ram_size]);
        Rom::new(&bytes).expect("a ROM of ours")
    }

    pub(crate) fn cartridge(kind: u8, rom_size: u8, ram_size: u8) -> Cartridge {
        Cartridge::new(&numbered_rom(kind, rom_size, ram_size), 0)
    }

    /// Numbers of the banks at 0x0000 and 0x4000.
    pub(crate) fn visible(cartridge: &Cartridge) -> (u16, u16) {
        (
            u16::from_le_bytes([cartridge.read_low(0), cartridge.read_low(1)]),
            u16::from_le_bytes([cartridge.read_high(0), cartridge.read_high(1)]),
        )
    }

    #[test]
    fn without_a_controller_nothing_switches() {
        let mut cartridge = cartridge(0x08, 0, 2);
        cartridge.write_register(0, 0x2000, 5);
        assert_eq!(visible(&cartridge), (0, 1));
        cartridge.write_ram(0, 0xA123, 7);
        assert_eq!(cartridge.read_ram(0xA123), 7);
    }

    #[test]
    fn small_ram_is_repeated() {
        let mut cartridge = cartridge(0x03, 0, 1);
        cartridge.write_register(0, 0, 0x0A);
        cartridge.write_ram(0, 0xA001, 9);
        assert_eq!(cartridge.read_ram(0xA801), 9);
    }
}
