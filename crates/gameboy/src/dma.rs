//! OAM DMA (0xFF46) and the VRAM DMA of a Game Boy Color (0xFF51 to 0xFF55).

use crate::state::{Reader, StateError, Writer};

/// Bytes of an OAM DMA, one for each M-cycle.
const OAM_LENGTH: u8 = 0xA0;

/// OAM DMA: 160 bytes, one for each M-cycle, after one M-cycle of delay.
#[derive(Clone, Debug, Default)]
pub(crate) struct OamDma {
    /// The last value written to 0xFF46.
    register: u8,
    /// High byte of the source.
    source: u8,
    /// Bytes copied; 160 when nothing runs.
    index: u8,
    /// M-cycles until a requested transfer begins; 0 when none is requested.
    delay: u8,
    /// OAM belongs to the transfer in this M-cycle.
    busy: bool,
    /// Tick up to which the transfer was carried out.
    pub(crate) clock: u64,
}

impl OamDma {
    pub(crate) fn new() -> Self {
        Self {
            register: 0xFF,
            index: OAM_LENGTH,
            ..Self::default()
        }
    }

    pub(crate) fn register(&self) -> u8 {
        self.register
    }

    pub(crate) fn request(&mut self, now: u64, page: u8) {
        self.register = page;
        self.delay = 2;
        self.clock = now;
    }

    /// M-cycles until nothing is left to do.
    pub(crate) fn cycles_left(&self) -> u64 {
        let copying = u64::from(OAM_LENGTH) + 1;
        if self.delay != 0 {
            u64::from(self.delay) + copying
        } else {
            copying - u64::from(self.index)
        }
    }

    /// Something has to be done in the next M-cycle.
    #[inline]
    pub(crate) fn is_active(&self) -> bool {
        self.busy || self.delay != 0
    }

    /// The CPU does not reach OAM.
    #[inline]
    pub(crate) fn is_busy(&self) -> bool {
        self.busy
    }

    /// The address that is read in this M-cycle, and its offset in OAM, once the transfer runs.
    pub(crate) fn step(&mut self) -> Option<(u16, u8)> {
        if self.delay != 0 {
            self.delay -= 1;
            if self.delay == 0 {
                self.source = self.register;
                self.index = 0;
            }
        }
        self.busy = self.index < OAM_LENGTH;
        if !self.busy {
            return None;
        }
        let offset = self.index;
        self.index += 1;
        Some((u16::from_be_bytes([self.page(), offset]), offset))
    }

    /// As up to `cycles` times [`Self::step`], while it copies from `first` on or above: the address
    /// of the first byte, its offset in OAM, and how many bytes; `None` if there is none.
    pub(crate) fn copy_from(&mut self, first: u16, cycles: u64) -> Option<(u16, usize, usize)> {
        let address = u16::from_be_bytes([self.page(), self.index]);
        let count = u64::from(OAM_LENGTH.saturating_sub(self.index)).min(cycles) as u8;
        if self.delay != 0 || count == 0 || address < first {
            return None;
        }
        let offset = usize::from(self.index);
        self.index += count;
        self.busy = true;
        Some((address, offset, usize::from(count)))
    }

    /// The high byte of the source: above work RAM its echo is read, up to the end (mooneye,
    /// `oam_dma/sources`).
    fn page(&self) -> u8 {
        if self.source >= 0xE0 {
            self.source - 0x20
        } else {
            self.source
        }
    }

    /// The address of the byte that the transfer has on its bus now.
    pub(crate) fn current(&self) -> u16 {
        u16::from_be_bytes([self.page(), self.index.saturating_sub(1)])
    }

    /// A state of PyBoy's, see [`crate::pyboy`]. `cycles`: T-cycles of the CPU until now, of
    /// `ticks` each.
    pub(crate) fn take_over(
        &mut self,
        now: u64,
        cycles: u64,
        ticks: u64,
        dma: &crate::pyboy::OamDma,
    ) {
        *self = Self::new();
        self.register = dma.source;
        self.clock = now;
        if !dma.active {
            return;
        }
        self.source = dma.source;
        if cycles < dma.start_cycle {
            self.delay = 1 + u8::from(dma.start_cycle - cycles > 4);
        } else {
            self.index = dma.index.min(OAM_LENGTH);
            self.busy = self.index < OAM_LENGTH;
            self.clock -= ((cycles - dma.start_cycle) % 4) * ticks;
        }
    }

    pub(crate) fn save(&self, out: &mut Writer) {
        out.bytes(&[self.register, self.source, self.index, self.delay]);
        out.bool(self.busy);
        out.u64(self.clock);
    }

    pub(crate) fn load(&mut self, input: &mut Reader, now: u64) -> Result<(), StateError> {
        [self.register, self.source, self.index, self.delay] = input.array()?;
        self.busy = input.bool()?;
        self.clock = input.tick_before(now)?;
        if self.is_active() && now - self.clock > 8 * 256 {
            return Err(StateError::Damaged("OAM DMA"));
        }
        if self.index > OAM_LENGTH || self.delay > 2 {
            return Err(StateError::Damaged("OAM DMA"));
        }
        Ok(())
    }
}

/// Bytes of a block of VRAM DMA.
pub(crate) const BLOCK: u16 = 16;

/// VRAM DMA: at once, or a block of 16 bytes in each HBlank.
#[derive(Clone, Debug, Default)]
pub(crate) struct VramDma {
    source: u16,
    destination: u16,
    /// Blocks that are left, less one; bit 7 is set when no transfer waits for HBlank.
    remaining: u8,
    /// A transfer waits for HBlank.
    pub(crate) waiting: bool,
}

impl VramDma {
    pub(crate) fn new() -> Self {
        Self {
            remaining: 0x7F,
            ..Self::default()
        }
    }

    pub(crate) fn read(&self, address: u16) -> u8 {
        match address {
            0xFF55 => self.remaining | if self.waiting { 0 } else { 0x80 },
            _ => 0xFF,
        }
    }

    /// Writes a register; answers how many blocks are to be copied at once.
    pub(crate) fn write(&mut self, address: u16, value: u8) -> u8 {
        let [source_high, source_low] = self.source.to_be_bytes();
        let [high, low] = self.destination.to_be_bytes();
        match address {
            0xFF51 => self.source = u16::from_be_bytes([value, source_low]),
            0xFF52 => self.source = u16::from_be_bytes([source_high, value & 0xF0]),
            0xFF53 => self.destination = u16::from_be_bytes([value & 0x1F, low]),
            0xFF54 => self.destination = u16::from_be_bytes([high, value & 0xF0]),
            _ if self.waiting && value & 0x80 == 0 => {
                self.waiting = false;
                self.remaining = value & 0x7F;
            }
            _ => {
                self.remaining = value & 0x7F;
                self.waiting = value & 0x80 != 0;
                if !self.waiting {
                    return self.remaining + 1;
                }
            }
        }
        0
    }

    /// Takes the addresses of one block: source and destination (0x8000 to 0x9FFF).
    pub(crate) fn take_block(&mut self) -> (u16, u16) {
        let block = (self.source, 0x8000 | self.destination & 0x1FFF);
        self.source = self.source.wrapping_add(BLOCK);
        self.destination = self.destination.wrapping_add(BLOCK) & 0x1FFF;
        self.remaining = self.remaining.wrapping_sub(1) & 0x7F;
        self.waiting &= self.remaining != 0x7F;
        block
    }

    /// A state of PyBoy's, see [`crate::pyboy`].
    pub(crate) fn take_over(&mut self, dma: &crate::pyboy::Hdma) {
        self.source = dma.source;
        self.destination = dma.destination & 0x1FFF;
        self.remaining = dma.control & 0x7F;
        self.waiting = dma.active;
    }

    pub(crate) fn save(&self, out: &mut Writer) {
        out.u16(self.source);
        out.u16(self.destination);
        out.u8(self.remaining);
        out.bool(self.waiting);
    }

    pub(crate) fn load(&mut self, input: &mut Reader) -> Result<(), StateError> {
        self.source = input.u16()?;
        self.destination = input.u16()? & 0x1FFF;
        self.remaining = input.u8()? & 0x7F;
        self.waiting = input.bool()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oam_dma_takes_a_cycle_to_start_and_160_to_copy() {
        let mut dma = OamDma::new();
        dma.request(0, 0xC1);
        assert_eq!(dma.step(), None);
        assert!(!dma.is_busy());
        for offset in 0..160 {
            assert_eq!(dma.step(), Some((0xC100 + u16::from(offset), offset)));
            assert!(dma.is_busy());
        }
        assert_eq!(dma.step(), None);
        assert!(!dma.is_active());
    }

    #[test]
    fn bytes_taken_together_are_those_taken_one_by_one() {
        for (page, cycles) in [(0xC1, 7), (0xC1, 500), (0xFE, 3), (0xD3, 159)] {
            let (mut together, mut single) = (OamDma::new(), OamDma::new());
            for dma in [&mut together, &mut single] {
                dma.request(0, page);
                dma.step();
                dma.step();
            }
            let taken = together.copy_from(0xC000, cycles).expect("a transfer");
            let bytes = cycles.min(159) as usize;
            let first = single.step().expect("a byte");
            assert_eq!(taken, (first.0, usize::from(first.1), bytes));
            for _ in 1..bytes {
                single.step();
            }
            assert_eq!(format!("{together:?}"), format!("{single:?}"));
        }
        let mut elsewhere = OamDma::new();
        elsewhere.request(0, 0x80);
        elsewhere.step();
        assert_eq!(elsewhere.copy_from(0xC000, 9), None); // has not begun
        elsewhere.step();
        assert_eq!(elsewhere.copy_from(0xC000, 9), None); // is not of work RAM
    }

    #[test]
    fn a_new_request_lets_the_old_transfer_run_one_cycle_more() {
        let mut dma = OamDma::new();
        dma.request(0, 0x80);
        dma.step();
        dma.step();
        dma.request(0, 0x90);
        assert_eq!(dma.step(), Some((0x8001, 1)));
        assert_eq!(dma.step(), Some((0x9000, 0)));
    }

    #[test]
    fn sources_above_work_ram_are_its_echo() {
        let mut dma = OamDma::new();
        dma.request(0, 0xFE);
        dma.step();
        assert_eq!(dma.step(), Some((0xDE00, 0)));
    }

    #[test]
    fn a_transfer_in_hblank_counts_down_and_can_be_stopped() {
        let mut dma = VramDma::new();
        for (address, value) in [
            (0xFF51, 0x12),
            (0xFF52, 0x3F),
            (0xFF53, 0xE1),
            (0xFF54, 0x0F),
        ] {
            assert_eq!(dma.write(address, value), 0);
        }
        assert_eq!(dma.write(0xFF55, 0x82), 0);
        assert_eq!(dma.take_block(), (0x1230, 0x8100));
        assert_eq!(dma.read(0xFF55), 1);
        dma.write(0xFF55, 0x01);
        assert_eq!(dma.read(0xFF55), 0x81);
        assert_eq!(dma.write(0xFF55, 0x01), 2);
    }
}
