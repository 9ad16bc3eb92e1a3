//! The cartridge header, 0x0100 to 0x014F (Pan Docs, "The Cartridge Header").

use std::fmt;

use super::ROM_BANK;

/// What switches the banks of a cartridge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mapper {
    /// Nothing: 32 KiB of ROM, perhaps RAM.
    None,
    /// MBC1.
    Mbc1,
    /// MBC1 wired for several games of 256 KiB.
    Mbc1Multicart,
    /// MBC2, with 512 half bytes of RAM of its own.
    Mbc2,
    /// MBC3, perhaps with a clock.
    Mbc3,
    /// MBC5, perhaps with a motor.
    Mbc5,
}

/// Why a ROM was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RomError {
    /// Too short to have a header and two banks.
    TooShort(usize),
    /// The header announces more bytes than there are.
    Truncated {
        /// Bytes that the header announces.
        expected: usize,
        /// Bytes that are there.
        found: usize,
    },
    /// No such ROM size.
    RomSize(u8),
    /// No such RAM size.
    RamSize(u8),
    /// No such cartridge, or none that is emulated.
    Mapper(u8),
}

impl fmt::Display for RomError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort(found) => write!(
                f,
                "a Game Boy ROM has at least 32768 bytes, this one has {found}; is it a .gb or \
                 .gbc file?"
            ),
            Self::Truncated { expected, found } => write!(
                f,
                "the header (0x0148) announces {expected} bytes of ROM, the file has {found}; it \
                 was cut off: copy it anew"
            ),
            Self::RomSize(code) => write!(
                f,
                "the header (0x0148) gives the ROM size code 0x{code:02X}, known are 0x00 to \
                 0x08; is it a .gb or .gbc file?"
            ),
            Self::RamSize(code) => write!(
                f,
                "the header (0x0149) gives the RAM size code 0x{code:02X}, known are 0x00 to \
                 0x05; is it a .gb or .gbc file?"
            ),
            Self::Mapper(code) => write!(
                f,
                "the header (0x0147) names cartridge type 0x{code:02X}; supported are ROM only \
                 (00, 08, 09), MBC1 (01-03), MBC2 (05, 06), MBC3 (0F-13) and MBC5 (19-1E)"
            ),
        }
    }
}

impl std::error::Error for RomError {}

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Title, its printable ASCII characters.
    pub title: String,
    /// What switches banks.
    pub mapper: Mapper,
    /// ROM banks of 16 KiB, a power of two.
    pub rom_banks: usize,
    /// Bytes of cartridge RAM; 512 for an MBC2.
    pub ram_bytes: usize,
    /// RAM (or clock) keeps its contents without power.
    pub has_battery: bool,
    /// A real-time clock.
    pub has_clock: bool,
    /// A motor.
    pub has_rumble: bool,
    /// Made for the Game Boy Color (0x0143 has bit 7 set).
    pub color: bool,
    /// The checksum at 0x014D fits; a real boot ROM stops where it does not.
    pub checksum_fits: bool,
}

impl Header {
    /// Reads the header of a whole ROM.
    ///
    /// # Errors
    /// A [`RomError`] that says what is wrong.
    pub fn read(rom: &[u8]) -> Result<Self, RomError> {
        if rom.len() < 2 * ROM_BANK {
            return Err(RomError::TooShort(rom.len()));
        }
        let kind = rom[0x147];
        let (mut mapper, has_battery) = match kind {
            0x00 | 0x08 => (Mapper::None, false),
            0x09 => (Mapper::None, true),
            0x01 | 0x02 => (Mapper::Mbc1, false),
            0x03 => (Mapper::Mbc1, true),
            0x05 => (Mapper::Mbc2, false),
            0x06 => (Mapper::Mbc2, true),
            0x0F | 0x10 | 0x13 => (Mapper::Mbc3, true),
            0x11 | 0x12 => (Mapper::Mbc3, false),
            0x19 | 0x1A | 0x1C | 0x1D => (Mapper::Mbc5, false),
            0x1B | 0x1E => (Mapper::Mbc5, true),
            _ => return Err(RomError::Mapper(kind)),
        };
        let rom_banks = match rom[0x148] {
            code @ 0x00..=0x08 => 2usize << code,
            code => return Err(RomError::RomSize(code)),
        };
        if rom.len() < rom_banks * ROM_BANK {
            return Err(RomError::Truncated {
                expected: rom_banks * ROM_BANK,
                found: rom.len(),
            });
        }
        let ram_bytes = match (mapper, rom[0x149]) {
            (Mapper::Mbc2, _) => 512,
            (_, 0) => 0,
            (_, 1) => 2 << 10,
            (_, 2) => 8 << 10,
            (_, 3) => 32 << 10,
            (_, 4) => 128 << 10,
            (_, 5) => 64 << 10,
            (_, code) => return Err(RomError::RamSize(code)),
        };
        if mapper == Mapper::Mbc1 && is_multicart(rom, rom_banks) {
            mapper = Mapper::Mbc1Multicart;
        }
        let sum = rom[0x134..0x14D]
            .iter()
            .fold(0u8, |sum, byte| sum.wrapping_sub(*byte).wrapping_sub(1));
        Ok(Self {
            title: rom[0x134..0x144]
                .iter()
                .take_while(|byte| matches!(byte, 0x20..=0x7E))
                .map(|byte| char::from(*byte))
                .collect::<String>()
                .trim()
                .to_string(),
            mapper,
            rom_banks,
            ram_bytes,
            has_battery,
            has_clock: matches!(kind, 0x0F | 0x10),
            has_rumble: matches!(kind, 0x1C..=0x1E),
            color: rom[0x143] & 0x80 != 0,
            checksum_fits: sum == rom[0x14D],
        })
    }
}

/// A collection of games of 256 KiB: the logo at 0x0104 stands in bank 0x10 as well. No header says
/// so (Pan Docs, "MBC1", "MBC1M").
fn is_multicart(rom: &[u8], rom_banks: usize) -> bool {
    let logo = |bank: usize| &rom[bank * ROM_BANK + 0x104..bank * ROM_BANK + 0x134];
    rom_banks == 64 && logo(0) == logo(0x10) && logo(0).iter().any(|byte| *byte != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rom(kind: u8, rom_size: u8, ram_size: u8, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        bytes[0x134..0x138].copy_from_slice(b"GAME");
        bytes[0x147..0x14A].copy_from_slice(&[kind, rom_size, ram_size]);
        bytes
    }

    #[test]
    fn a_header_is_read() {
        let header = Header::read(&rom(0x1B, 1, 3, 0x1_0000)).expect("valid");
        assert_eq!(header.title, "GAME");
        assert_eq!(header.mapper, Mapper::Mbc5);
        assert_eq!((header.rom_banks, header.ram_bytes), (4, 32 << 10));
        assert!(header.has_battery && !header.color && !header.checksum_fits);
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert_eq!(Header::read(&[0; 100]), Err(RomError::TooShort(100)));
        assert_eq!(
            Header::read(&rom(0, 2, 0, 0x8000)),
            Err(RomError::Truncated {
                expected: 0x2_0000,
                found: 0x8000
            })
        );
        assert_eq!(
            Header::read(&rom(0xFE, 0, 0, 0x8000)),
            Err(RomError::Mapper(0xFE))
        );
        assert_eq!(
            Header::read(&rom(0, 0x52, 0, 0x8000)),
            Err(RomError::RomSize(0x52))
        );
        assert_eq!(
            Header::read(&rom(3, 0, 9, 0x8000)),
            Err(RomError::RamSize(9))
        );
    }

    #[test]
    fn a_second_logo_makes_a_multicart() {
        let mut bytes = rom(1, 5, 0, 64 * ROM_BANK);
        assert_eq!(Header::read(&bytes).expect("valid").mapper, Mapper::Mbc1);
        for bank in [0, 0x10] {
            bytes[bank * ROM_BANK + 0x104..][..48].fill(0xCE);
        }
        assert_eq!(
            Header::read(&bytes).expect("valid").mapper,
            Mapper::Mbc1Multicart
        );
    }
}
