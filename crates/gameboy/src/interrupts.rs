//! The bits of `IF` (0xFF0F) and `IE` (0xFFFF), in order of priority.

/// The PPU entered vertical blanking.
pub const VBLANK: u8 = 0x01;
/// One of the conditions selected in STAT became true.
pub const STAT: u8 = 0x02;
/// TIMA overflowed.
pub const TIMER: u8 = 0x04;
/// A serial transfer ended.
pub const SERIAL: u8 = 0x08;
/// A button of a selected row was pressed.
pub const JOYPAD: u8 = 0x10;
