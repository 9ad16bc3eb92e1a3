//! SB and SC (0xFF01, 0xFF02) with no cable attached: transfers end, and 0xFF comes in.

use crate::state::{Reader, StateError, Writer};
use crate::timer::{NEVER, Timer};

#[derive(Clone, Debug)]
pub(crate) struct Serial {
    sb: u8,
    sc: u8,
    /// The tick at which the transfer ends.
    ends_at: u64,
    /// Bytes that were sent, oldest first; test programs print here.
    pub(crate) sent: Vec<u8>,
}

/// More than this is not kept of what was sent.
const SENT_LIMIT: usize = 1 << 16;

impl Serial {
    pub(crate) fn new() -> Self {
        Self {
            sb: 0,
            sc: 0,
            ends_at: NEVER,
            sent: Vec::new(),
        }
    }

    pub(crate) fn next_event(&self) -> u64 {
        self.ends_at
    }

    /// Answers whether a transfer ended, which requests an interrupt.
    pub(crate) fn sync(&mut self, now: u64) -> bool {
        if now < self.ends_at {
            return false;
        }
        self.ends_at = NEVER;
        self.sb = 0xFF;
        self.sc &= 0x7F;
        true
    }

    pub(crate) fn read(&self, address: u16, cgb: bool) -> u8 {
        match address {
            0xFF01 => self.sb,
            _ => self.sc | if cgb { 0x7C } else { 0x7E },
        }
    }

    pub(crate) fn write(&mut self, now: u64, address: u16, value: u8, cgb: bool, timer: &Timer) {
        if address == 0xFF01 {
            self.sb = value;
            return;
        }
        self.sc = value & if cgb { 0x83 } else { 0x81 };
        self.ends_at = NEVER;
        if self.sc & 0x81 == 0x81 {
            if self.sent.len() < SENT_LIMIT {
                self.sent.push(self.sb);
            }
            // The clock is derived from the divider: 8192 Hz, or 32 times that on a Color.
            let period = if self.sc & 2 != 0 { 16 } else { 512 };
            self.ends_at = timer.tick_of_multiple(now, period, 8);
        }
    }

    /// A state of PyBoy's, see [`crate::pyboy`].
    pub(crate) fn take_over(&mut self, now: u64, serial: &crate::pyboy::Serial) {
        self.sb = serial.sb;
        self.sc = serial.sc & 0x83;
        self.ends_at = if serial.transferring {
            now + serial.cycles_left.clamp(1, 1 << 16) * 2
        } else {
            NEVER
        };
        self.sent.clear();
    }

    pub(crate) fn save(&self, out: &mut Writer) {
        out.u64(self.ends_at);
        out.bytes(&[self.sb, self.sc]);
    }

    pub(crate) fn load(&mut self, input: &mut Reader) -> Result<(), StateError> {
        self.ends_at = input.u64()?;
        [self.sb, self.sc] = input.array()?;
        self.sent.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transfer_of_eight_bits_takes_eight_periods_of_the_serial_clock() {
        let start = 1 << 20;
        let timer = Timer::new(start, 0);
        let mut serial = Serial::new();
        serial.write(start, 0xFF01, b'A', false, &timer);
        serial.write(start, 0xFF02, 0x81, false, &timer);
        let end = start + 8 * 512 * 2;
        assert!(!serial.sync(end - 1));
        assert_eq!(serial.read(0xFF02, false), 0xFF);
        assert!(serial.sync(end));
        assert_eq!(serial.read(0xFF02, false), 0x7F);
        assert_eq!(serial.read(0xFF01, false), 0xFF);
        assert_eq!(serial.sent, b"A");
    }

    #[test]
    fn without_a_clock_of_its_own_nothing_moves() {
        let timer = Timer::new(1 << 20, 0);
        let mut serial = Serial::new();
        serial.write(1 << 20, 0xFF02, 0x80, false, &timer);
        assert_eq!(serial.next_event(), NEVER);
    }
}
