//! Plain instructions, one after the other, while no part of the machine has anything to do.
//!
//! The CPU's registers and the time are local variables of one loop here, which a compiler keeps in
//! the host's registers; an instruction is fetched with its operands at once; work RAM, high RAM
//! and ROM are read without a call. Everything else goes through [`Memory`], which is told the time
//! first.
//! Whatever changes what is plain memory (a bank, OAM DMA) ends the loop with the instruction.

use super::{Memory, Place};
use crate::bus::Bus;
use crate::cartridge::ROM_BANK;
use crate::cpu::Cpu;

/// The longest instruction has three bytes; a fourth makes a word.
const AHEAD: usize = 4;
/// The upper three bits of addresses in work RAM...
const WORK_RAM: u16 = 6;
/// ...and bits that no address has.
const NOWHERE: u16 = 8;

type Bank = [u8; ROM_BANK];

/// The memory, as the loop sees it.
///
/// `COLOR`: work RAM has banks. Without them its 8 KiB stand one after the other.
struct Running<'a, const COLOR: bool> {
    memory: &'a mut Memory,
    /// The ROM banks that are visible.
    low: &'a Bank,
    high: &'a Bank,
    /// What the CPU executes, if that is ROM, and where it begins.
    page: &'a [u8],
    page_start: u16,
    /// ROM is plain memory below this address...
    rom_end: u16,
    /// ...and work RAM is where the upper three bits are these. While accesses need a closer look,
    /// neither is; high RAM is always, as neither OAM DMA nor a boot ROM touches it.
    work_ram: u16,
    /// The instruction, from the byte on that was fetched last.
    ahead: u32,
    /// M-cycles until the next event; the memory's clock is right only while it has the word.
    left: i64,
}

impl Memory {
    /// Executes instructions until an event is due. Nothing but instructions may be to be done.
    ///
    /// `rom`: that of the cartridge, all banks.
    pub(crate) fn run(&mut self, cpu: &mut Cpu, rom: &[u8]) {
        while !self.is_event_due() {
            self.run_slow = self.is_slow;
            let progressed = if self.color {
                Running::<true>::run(self, cpu, rom)
            } else {
                Running::<false>::run(self, cpu, rom)
            };
            if !progressed {
                cpu.step_running(self);
            }
        }
    }

    /// M-cycles until the next event, or none: what is plain memory has changed.
    fn begin_running(&mut self) -> i64 {
        self.run_end = self.clock;
        if self.is_slow != self.run_slow {
            return 0;
        }
        let shift = self.m_cycle.trailing_zeros();
        let ticks = self.next_event.saturating_sub(self.clock);
        let cycles = (ticks + self.m_cycle - 1) >> shift;
        self.run_end += cycles << shift;
        cycles as i64
    }

    fn stop_running(&mut self, left: i64) {
        let ticks = (left as u64) << self.m_cycle.trailing_zeros();
        self.clock = self.run_end.wrapping_sub(ticks);
    }

    #[inline(never)]
    fn read_elsewhere(&mut self, address: u16, left: i64) -> (u8, i64) {
        self.stop_running(left);
        let value = if self.is_slow {
            self.read_slow(address)
        } else {
            self.read_mapped(address)
        };
        (value, self.begin_running())
    }

    #[inline(never)]
    fn write_elsewhere(&mut self, address: u16, value: u8, left: i64) -> i64 {
        self.stop_running(left);
        let banks = self.cartridge.visible_banks();
        if self.is_slow {
            self.write_slow(address, value);
        } else {
            self.write_mapped(address, value);
        }
        if banks == self.cartridge.visible_banks() {
            self.begin_running()
        } else {
            self.run_end = self.clock;
            0
        }
    }

    #[inline(never)]
    fn repeat_elsewhere(&mut self, place: &Place, left: i64) -> i64 {
        self.stop_running(left);
        self.repeat_from(place);
        self.begin_running()
    }
}

impl<'a, const COLOR: bool> Running<'a, COLOR> {
    #[inline(always)]
    fn new(memory: &'a mut Memory, pc: u16, rom: &'a [u8]) -> Self {
        let (low, high) = memory.cartridge.visible_banks();
        let (rom_end, work_ram) = if memory.is_slow {
            (0, NOWHERE)
        } else {
            (0x8000, WORK_RAM)
        };
        let (first, banks, page_start) = match pc {
            _ if pc >= rom_end => (0, 0, 0),
            _ if high == low + 1 => (low, 2, 0),
            0x0000..=0x3FFF => (low, 1, 0),
            _ => (high, 1, 0x4000),
        };
        Self {
            low: bank(rom, low),
            high: bank(rom, high),
            page: &rom[first * ROM_BANK..][..banks * ROM_BANK],
            page_start,
            rom_end,
            work_ram,
            ahead: 0,
            left: memory.begin_running(),
            memory,
        }
    }

    /// Executes instructions until an event is due or the next one is neither in this page of ROM
    /// nor in RAM; answers whether there was any.
    #[inline(never)]
    fn run(memory: &'a mut Memory, cpu: &mut Cpu, rom: &'a [u8]) -> bool {
        let mut bus = Self::new(memory, cpu.pc, rom);
        let mut registers = cpu.clone();
        if bus.code(registers.pc).is_none() {
            return false;
        }
        while bus.left > 0
            && let Some(code) = bus.code(registers.pc)
        {
            bus.ahead = code;
            registers.step_inlined(&mut bus);
        }
        bus.memory.stop_running(bus.left);
        *cpu = registers;
        true
    }

    /// Four bytes from `pc` on, if they lie in the page of ROM or in one page of RAM.
    #[inline(always)]
    fn code(&self, pc: u16) -> Option<u32> {
        let code = word(self.page, usize::from(pc.wrapping_sub(self.page_start)));
        code.or_else(|| self.code_in_ram(pc))
    }

    #[inline(always)]
    fn code_in_ram(&self, pc: u16) -> Option<u32> {
        if let Some(at) = high_ram(pc) {
            word(&self.memory.hram, at)
        } else if pc >> 13 == self.work_ram && usize::from(pc) % 0x1000 <= 0x1000 - AHEAD {
            word(&self.memory.wram[..], self.wram_index(pc))
        } else {
            None
        }
    }

    #[inline(always)]
    fn wram_index(&self, address: u16) -> usize {
        if COLOR {
            self.memory.wram_index(address)
        } else {
            usize::from(address & 0x1FFF)
        }
    }

    /// Lets the memory do something at the right time.
    #[inline(always)]
    fn settled<R>(&mut self, action: impl FnOnce(&mut Memory) -> R) -> R {
        self.memory.stop_running(self.left);
        let answer = action(self.memory);
        self.left = self.memory.begin_running();
        answer
    }
}

impl<const COLOR: bool> Bus for Running<'_, COLOR> {
    #[inline(always)]
    fn read(&mut self, address: u16) -> u8 {
        self.left -= 1;
        if address >> 13 == self.work_ram {
            self.memory.wram[self.wram_index(address)]
        } else if address < self.rom_end {
            let page = if address < 0x4000 {
                self.low
            } else {
                self.high
            };
            page[usize::from(address) % ROM_BANK]
        } else if let Some(byte) = high_ram(address).and_then(|at| self.memory.hram.get(at)) {
            *byte
        } else {
            let (value, left) = self.memory.read_elsewhere(address, self.left);
            self.left = left;
            value
        }
    }

    /// The instruction lies ahead.
    #[inline(always)]
    fn opcode(&mut self, _address: u16) -> u8 {
        self.left -= 1;
        self.ahead as u8
    }

    #[inline(always)]
    fn fetch(&mut self, _address: u16) -> u8 {
        self.left -= 1;
        self.ahead >>= 8;
        self.ahead as u8
    }

    #[inline(always)]
    fn write(&mut self, address: u16, value: u8) {
        self.left -= 1;
        self.memory.repetition.is_quiet = false;
        if address >> 13 == self.work_ram {
            let at = self.wram_index(address);
            self.memory.wram[at] = value;
        } else if let Some(byte) = high_ram(address).and_then(|at| self.memory.hram.get_mut(at)) {
            *byte = value;
        } else {
            self.left = self.memory.write_elsewhere(address, value, self.left);
        }
    }

    #[inline(always)]
    fn idle(&mut self) {
        self.left -= 1;
    }

    #[inline(always)]
    fn repeat(&mut self, cpu: &Cpu) {
        if !self.memory.repetition.begins(cpu.pc) {
            let place = Place::of(cpu);
            self.left = self.memory.repeat_elsewhere(&place, self.left);
        }
    }

    #[inline(always)]
    fn pending_interrupts(&self) -> u8 {
        self.memory.pending_interrupts()
    }

    #[inline(always)]
    fn enabled_interrupts(&self) -> u8 {
        self.memory.enabled_interrupts()
    }

    #[inline(always)]
    fn requested_interrupts(&self) -> u8 {
        self.memory.requested_interrupts()
    }

    #[inline(always)]
    fn acknowledge_interrupt(&mut self, mask: u8) {
        self.memory.acknowledge_interrupt(mask);
    }

    #[inline(always)]
    fn catch_up(&mut self) {
        self.settled(Memory::catch_up);
    }

    #[inline(always)]
    fn attend(&mut self) {
        self.settled(Memory::attend);
    }

    #[inline(always)]
    fn stop(&mut self) -> bool {
        self.settled(Memory::stop)
    }
}

#[inline(always)]
fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + AHEAD)?.first_chunk().copied();
    bytes.map(u32::from_le_bytes)
}

/// A bank of a ROM that has it.
fn bank(rom: &[u8], number: usize) -> &Bank {
    const NONE: &Bank = &[0xFF; ROM_BANK];
    rom.get(number * ROM_BANK..)
        .and_then(<[u8]>::first_chunk)
        .unwrap_or(NONE)
}

/// Place in high RAM of an address above 0xFF7F; 0xFFFF lies behind its end.
#[inline(always)]
fn high_ram(address: u16) -> Option<usize> {
    usize::from(address).checked_sub(0xFF80)
}
