//! Colour palettes of a Game Boy Color, 0xFF68 to 0xFF6B (Pan Docs, "Palettes").

use crate::state::{Reader, StateError, Writer};

/// Eight palettes of four colours of 15 bits, and the register that selects a byte of them.
#[derive(Clone, Debug)]
struct Bank {
    bytes: [u8; 64],
    /// Bits 0 to 5 select, bit 7 counts up after each write.
    select: u8,
}

#[derive(Clone, Debug)]
pub(super) struct ColorPalettes {
    background: Bank,
    objects: Bank,
}

impl Bank {
    fn color(&self, palette: u8, index: u8) -> u16 {
        let at = usize::from(palette & 7) * 8 + usize::from(index & 3) * 2;
        u16::from_le_bytes([self.bytes[at], self.bytes[at + 1]]) & 0x7FFF
    }

    fn write(&mut self, value: u8, is_blocked: bool) {
        if !is_blocked {
            self.bytes[usize::from(self.select & 0x3F)] = value;
        }
        if self.select & 0x80 != 0 {
            self.select = 0x80 | (self.select + 1) & 0x3F;
        }
    }
}

impl ColorPalettes {
    pub(super) fn new() -> Self {
        let white = Bank {
            bytes: [0xFF; 64],
            select: 0,
        };
        Self {
            background: white.clone(),
            objects: white,
        }
    }

    pub(super) fn background(&self, palette: u8, index: u8) -> u16 {
        self.background.color(palette, index)
    }

    pub(super) fn object(&self, palette: u8, index: u8) -> u16 {
        self.objects.color(palette, index)
    }

    pub(super) fn read(&self, address: u16, is_blocked: bool) -> u8 {
        let bank = if address < 0xFF6A {
            &self.background
        } else {
            &self.objects
        };
        match address & 1 {
            0 => bank.select | 0x40,
            _ if is_blocked => 0xFF,
            _ => bank.bytes[usize::from(bank.select & 0x3F)],
        }
    }

    pub(super) fn write(&mut self, address: u16, value: u8, is_blocked: bool) {
        let bank = if address < 0xFF6A {
            &mut self.background
        } else {
            &mut self.objects
        };
        match address & 1 {
            0 => bank.select = value & 0xBF,
            _ => bank.write(value, is_blocked),
        }
    }

    /// Selects and colours, of background and objects, as a state of PyBoy's has them.
    pub(super) fn take_over(&mut self, palettes: &[(u8, Vec<u8>); 2]) {
        let [background, objects] = palettes;
        for (bank, (select, colors)) in [
            (&mut self.background, background),
            (&mut self.objects, objects),
        ] {
            bank.select = select & 0xBF;
            for (own, theirs) in bank.bytes.iter_mut().zip(colors) {
                *own = *theirs;
            }
        }
    }

    pub(super) fn save(&self, out: &mut Writer) {
        for bank in [&self.background, &self.objects] {
            out.bytes(&bank.bytes);
            out.u8(bank.select);
        }
    }

    pub(super) fn load(&mut self, input: &mut Reader) -> Result<(), StateError> {
        for bank in [&mut self.background, &mut self.objects] {
            input.fill(&mut bank.bytes)?;
            bank.select = input.u8()? & 0xBF;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selected_byte_moves_on_after_each_write_if_asked_to() {
        let mut palettes = ColorPalettes::new();
        palettes.write(0xFF68, 0x80 | 0x3E, false);
        for value in [0x34, 0x12, 0x56] {
            palettes.write(0xFF69, value, false);
        }
        assert_eq!(palettes.background(7, 3), 0x1234);
        assert_eq!(palettes.background(0, 0) & 0xFF, 0x56);
        assert_eq!(palettes.read(0xFF68, false), 0xC1);
        palettes.write(0xFF6A, 0, false);
        palettes.write(0xFF6B, 9, false);
        assert_eq!(palettes.read(0xFF6A, false), 0x40);
        assert_eq!(palettes.read(0xFF6B, false), 9);
    }

    #[test]
    fn during_mode_3_nothing_is_read_or_written_but_the_selection_moves() {
        let mut palettes = ColorPalettes::new();
        palettes.write(0xFF68, 0x80, false);
        palettes.write(0xFF69, 0, true);
        assert_eq!(palettes.read(0xFF69, true), 0xFF);
        assert_eq!(palettes.background(0, 0), 0x7FFF);
        assert_eq!(palettes.read(0xFF68, true), 0xC1);
    }
}
