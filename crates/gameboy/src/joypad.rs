//! P1/JOYP (0xFF00): two rows of four buttons (Pan Docs, "Joypad Input").

/// The buttons as bits of a mask; one that is pressed is 1.
pub mod button {
    /// Right.
    pub const RIGHT: u8 = 0x01;
    /// Left.
    pub const LEFT: u8 = 0x02;
    /// Up.
    pub const UP: u8 = 0x04;
    /// Down.
    pub const DOWN: u8 = 0x08;
    /// A.
    pub const A: u8 = 0x10;
    /// B.
    pub const B: u8 = 0x20;
    /// Select.
    pub const SELECT: u8 = 0x40;
    /// Start.
    pub const START: u8 = 0x80;
}

#[derive(Clone, Debug)]
pub(crate) struct Joypad {
    /// Pressed buttons, see [`button`].
    pub(crate) pressed: u8,
    /// Bits 4 and 5 of P1: a row is selected by a zero.
    pub(crate) select: u8,
}

impl Joypad {
    pub(crate) fn new() -> Self {
        Self {
            pressed: 0,
            select: 0x00,
        }
    }

    /// The low four bits of P1; a pressed button of a selected row is 0.
    fn lines(&self) -> u8 {
        let directions = if self.select & 0x10 == 0 {
            self.pressed & 0x0F
        } else {
            0
        };
        let actions = if self.select & 0x20 == 0 {
            self.pressed >> 4
        } else {
            0
        };
        !(directions | actions) & 0x0F
    }

    pub(crate) fn read(&self) -> u8 {
        0xC0 | self.select | self.lines()
    }

    /// Selects rows; answers whether a line fell, which requests an interrupt.
    pub(crate) fn write(&mut self, value: u8) -> bool {
        let before = self.lines();
        self.select = value & 0x30;
        before & !self.lines() != 0
    }

    /// Sets what is pressed; answers whether a line fell.
    pub(crate) fn set_pressed(&mut self, pressed: u8) -> bool {
        let before = self.lines();
        self.pressed = pressed;
        before & !self.lines() != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_selected_rows_are_read() {
        let mut joypad = Joypad::new();
        joypad.write(0x30);
        joypad.set_pressed(button::LEFT | button::START);
        assert_eq!(joypad.read(), 0xFF);
        joypad.write(0x20);
        assert_eq!(joypad.read(), 0xED);
        joypad.write(0x10);
        assert_eq!(joypad.read(), 0xD7);
    }

    #[test]
    fn a_press_interrupts_once_and_only_in_a_selected_row() {
        let mut joypad = Joypad::new();
        joypad.write(0x20);
        assert!(joypad.set_pressed(button::LEFT));
        assert!(!joypad.set_pressed(button::LEFT));
        assert!(!joypad.set_pressed(button::LEFT | button::A));
        assert!(joypad.write(0x10));
    }
}
