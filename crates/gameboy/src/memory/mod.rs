//! The memory map (Pan Docs, "Memory Map"), and the clock that all parts share.
//!
//! Time is counted in ticks of 8,388,608 Hz, two to a dot: an M-cycle is eight ticks, at double
//! speed four. Parts compute what they did when somebody looks at them; the machine stops for them
//! only when an interrupt may be due.

mod pyboy;
mod registers;
mod repetition;
mod running;
mod saved;

use std::sync::Arc;

use crate::apu::Apu;
use crate::bus::Bus;
use crate::cartridge::Cartridge;
use crate::cpu::Cpu;
use crate::dma::{BLOCK, OamDma, VramDma};
use crate::interrupts;
use crate::joypad::Joypad;
use crate::ppu::{DOT, FRAME_DOTS, Ppu};
use crate::serial::Serial;
use crate::timer::Timer;
use repetition::{Place, Repetition};

/// Ticks of an M-cycle at normal speed.
pub(crate) const M_CYCLE: u64 = 8;
/// The clock does not start at zero, so that times before it can be written down.
pub(crate) const FIRST_TICK: u64 = 1 << 20;
const WRAM_BYTES: usize = 0x8000;

#[derive(Clone, Debug)]
pub(crate) struct Memory {
    pub(crate) clock: u64,
    /// Ticks of an M-cycle.
    m_cycle: u64,
    /// No part has anything to do before this tick.
    next_event: u64,
    /// Accesses need a closer look: OAM DMA runs, or the boot ROM lies over the cartridge.
    is_slow: bool,
    /// Events are those of a time in which the CPU was in HALT.
    is_halted: bool,
    repetition: Repetition,
    /// Where [`running`] counts its M-cycles from.
    run_end: u64,
    /// It runs with accesses looked at more closely.
    run_slow: bool,
    /// The frame ends at this tick...
    pub(crate) frame_end: u64,
    /// ...and has ended.
    pub(crate) frame_done: bool,

    /// Made as a Game Boy Color, and running with its features.
    pub(crate) color: bool,
    speed_switch: u8,
    boot_rom: Option<Arc<[u8]>>,
    /// The boot ROM lies over the cartridge.
    is_booting: bool,

    pub(crate) cartridge: Cartridge,
    pub(crate) ppu: Ppu,
    pub(crate) timer: Timer,
    pub(crate) joypad: Joypad,
    pub(crate) serial: Serial,
    pub(crate) apu: Apu,
    oam_dma: OamDma,
    vram_dma: VramDma,
    pub(crate) wram: Box<[u8; WRAM_BYTES]>,
    wram_bank: u8,
    pub(crate) hram: [u8; 0x7F],
    pub(crate) interrupt_flag: u8,
    pub(crate) interrupt_enable: u8,
    /// 0xFF72 to 0xFF75 of a Color: registers without a known use.
    unused: [u8; 4],
}

impl Memory {
    pub(crate) fn new(cartridge: Cartridge, color: bool, boot_rom: Option<Arc<[u8]>>) -> Self {
        Self {
            clock: FIRST_TICK,
            m_cycle: M_CYCLE,
            next_event: 0,
            is_slow: boot_rom.is_some(),
            is_halted: false,
            repetition: Repetition::default(),
            run_end: 0,
            run_slow: false,
            frame_end: FIRST_TICK + FRAME_DOTS * DOT,
            frame_done: false,
            color,
            speed_switch: 0,
            is_booting: boot_rom.is_some(),
            boot_rom,
            cartridge,
            ppu: Ppu::new(color),
            timer: Timer::new(FIRST_TICK, 0),
            joypad: Joypad::new(),
            serial: Serial::new(),
            apu: Apu::new(color),
            oam_dma: OamDma::new(),
            vram_dma: VramDma::new(),
            wram: Box::new([0; WRAM_BYTES]),
            wram_bank: 1,
            hram: [0; 0x7F],
            interrupt_flag: 0,
            interrupt_enable: 0,
            unused: [0; 4],
        }
    }

    fn is_double_speed(&self) -> bool {
        self.m_cycle != M_CYCLE
    }

    pub(crate) fn boot_rom_is_mapped(&self) -> bool {
        self.is_booting
    }

    /// T-cycles at normal speed since the machine was switched on.
    pub(crate) fn cycles(&self) -> u64 {
        (self.clock - FIRST_TICK) / DOT
    }

    /// What stands at `address`, without time passing. The PPU keeps nobody away from its memory.
    pub(crate) fn peek(&mut self, address: u16) -> u8 {
        self.catch_up();
        self.sync_oam_dma();
        match address {
            0x0000..=0x08FF if self.is_booting => self.read_boot_rom(address),
            0x8000..=0x9FFF => *self.ppu.vram_byte(self.clock, address),
            0xFE00..=0xFE9F => *self.ppu.oam_byte(self.clock, address),
            _ => self.read_mapped(address),
        }
    }

    /// Writes to `address`, without time passing. The PPU keeps nobody away from its memory.
    pub(crate) fn poke(&mut self, address: u16, value: u8) {
        self.catch_up();
        self.sync_oam_dma();
        self.repetition.is_quiet = false;
        match address {
            0x8000..=0x9FFF => *self.ppu.vram_byte(self.clock, address) = value,
            0xFE00..=0xFE9F => *self.ppu.oam_byte(self.clock, address) = value,
            _ => self.write_mapped(address, value),
        }
    }

    /// The frame that begins now ends when the PPU has drawn as long as a frame lasts.
    pub(crate) fn begin_frame(&mut self) {
        self.frame_done = false;
        while self.frame_end <= self.clock {
            self.frame_end += FRAME_DOTS * DOT;
        }
        self.schedule();
    }

    // --- time -------------------------------------------------------------------------------

    /// Lets an M-cycle pass. What is due meanwhile is done when the instruction is over, or before
    /// somebody looks: nothing but the CPU could notice, and it looks between instructions.
    #[inline]
    fn tick(&mut self) {
        self.clock += self.m_cycle;
    }

    #[inline]
    pub(crate) fn is_event_due(&self) -> bool {
        self.clock >= self.next_event
    }

    #[cold]
    fn run_events(&mut self) {
        let now = self.clock;
        // First of all: what it reads out of video RAM depends on what the PPU does at that time.
        self.sync_oam_dma();
        self.timer.sync(now);
        if self.timer.take_irq() {
            self.interrupt_flag |= interrupts::TIMER;
        }
        self.ppu.sync(now);
        self.interrupt_flag |= self.ppu.take_irq();
        if self.serial.sync(now) {
            self.interrupt_flag |= interrupts::SERIAL;
        }
        if now >= self.frame_end {
            self.frame_done = true;
        }
        // While the CPU is in HALT, a block is left out (Pan Docs, "CGB Registers", FF55).
        if self.vram_dma.waiting && self.ppu.take_hblank() && !self.is_halted {
            self.copy_vram_block();
        }
        self.schedule();
    }

    /// Computes when the next event is due; to be called whenever that may have changed.
    pub(crate) fn schedule(&mut self) {
        // A frame that has ended stays an event until the next one begins.
        let frame_end = if self.frame_done {
            self.clock
        } else {
            self.frame_end
        };
        self.next_event = self
            .timer
            .next_event()
            .min(self.ppu.next_wake(self.vram_dma.waiting))
            .min(self.serial.next_event())
            .min(frame_end);
        if self.oam_dma.is_active() {
            let end = self.oam_dma.clock + self.oam_dma.cycles_left() * self.m_cycle;
            self.next_event = self.next_event.min(end);
        }
        self.is_slow = self.oam_dma.is_active() || self.is_booting;
    }

    // --- DMA --------------------------------------------------------------------------------

    /// Carries OAM DMA out up to now.
    pub(crate) fn sync_oam_dma(&mut self) {
        while self.oam_dma.is_active() && self.oam_dma.clock + self.m_cycle <= self.clock {
            if self.copy_from_work_ram() {
                continue;
            }
            self.oam_dma.clock += self.m_cycle;
            if let Some((address, offset)) = self.oam_dma.step() {
                let value = self.read_for_dma(self.oam_dma.clock, address);
                self.ppu
                    .write_oam_by_dma(self.oam_dma.clock, u16::from(offset), value);
            }
        }
    }

    /// Copies what OAM DMA reads out of work RAM before the PPU does something, in one go; answers
    /// whether it was anything. Work RAM cannot change meanwhile: whoever writes comes here first.
    fn copy_from_work_ram(&mut self) -> bool {
        let shift = self.m_cycle.trailing_zeros();
        let until = self.clock.min(self.ppu.next_change().saturating_sub(1));
        let cycles = until.saturating_sub(self.oam_dma.clock) >> shift;
        let Some((source, offset, count)) = self.oam_dma.copy_from(0xC000, cycles) else {
            return false;
        };
        let from = self.wram_index(source);
        let bytes = &self.wram[from..from + count];
        self.ppu.oam[offset..offset + count].copy_from_slice(bytes);
        self.oam_dma.clock += (count as u64) << shift;
        true
    }

    /// Reads past everything that keeps the CPU away.
    fn read_for_dma(&mut self, now: u64, address: u16) -> u8 {
        match address >> 12 {
            0x8 | 0x9 => self.ppu.read_vram(now, address),
            0xE | 0xF => self.wram[self.wram_index(address)],
            _ => self.read_mapped(address),
        }
    }

    /// Copies 16 bytes, in which time the CPU stands still: eight M-cycles at normal speed.
    fn copy_vram_block(&mut self) {
        let (source, destination) = self.vram_dma.take_block();
        for offset in 0..BLOCK {
            let value = self.read_for_dma(self.clock, source.wrapping_add(offset));
            let to = 0x8000 | destination.wrapping_add(offset) & 0x1FFF;
            self.ppu.write_vram_by_dma(self.clock, to, value);
        }
        self.clock += 8 * M_CYCLE;
    }

    fn start_vram_dma(&mut self, blocks: u8) {
        for _ in 0..blocks {
            self.copy_vram_block();
        }
        if self.vram_dma.waiting {
            self.ppu.take_hblank();
            if self.ppu.in_hblank() {
                self.copy_vram_block();
            }
        }
        self.run_events();
    }

    // --- memory -----------------------------------------------------------------------------

    /// Place in work RAM of an address from 0xC000 on; the echo above repeats it.
    #[inline]
    fn wram_index(&self, address: u16) -> usize {
        let offset = usize::from(address & 0x0FFF);
        if address & 0x1000 == 0 {
            offset
        } else {
            offset | usize::from(self.wram_bank) << 12
        }
    }

    /// Reads what an address shows, without time passing.
    #[inline]
    pub(crate) fn read_mapped(&mut self, address: u16) -> u8 {
        match address >> 13 {
            0 | 1 => self.cartridge.read_low(address),
            2 | 3 => self.cartridge.read_high(address),
            4 => {
                let value = self.ppu.read_vram(self.clock, address);
                self.quiet_until(self.ppu.next_change());
                value
            }
            5 => self.cartridge.read_ram(address),
            6 => self.wram[self.wram_index(address)],
            _ => self.read_high_page(address),
        }
    }

    /// What was just read stays as it is until this tick.
    fn quiet_until(&mut self, tick: u64) {
        self.repetition.quiet_until = self.repetition.quiet_until.min(tick);
    }

    /// As [`Self::read_mapped`], while OAM DMA runs or the boot ROM is mapped.
    #[cold]
    fn read_slow(&mut self, address: u16) -> u8 {
        self.sync_oam_dma();
        if self.oam_dma.is_busy() && self.conflicts(address) {
            return self.read_for_dma(self.clock, self.oam_dma.current());
        }
        if self.is_booting && address < 0x0900 {
            return self.read_boot_rom(address);
        }
        self.read_mapped(address)
    }

    #[cold]
    fn write_slow(&mut self, address: u16, value: u8) {
        self.sync_oam_dma();
        if !(self.oam_dma.is_busy() && self.conflicts(address)) {
            self.write_mapped(address, value);
        }
    }

    fn read_boot_rom(&self, address: u16) -> u8 {
        let at = usize::from(address);
        match &self.boot_rom {
            // The header shows through the boot ROM of a Color.
            Some(rom) if at < 0x100 || (at >= 0x200 && at < rom.len()) => rom[at],
            _ => self.cartridge.read_low(address),
        }
    }

    #[inline]
    fn read_high_page(&mut self, address: u16) -> u8 {
        match address {
            0xFF80..=0xFFFE => self.hram[usize::from(address - 0xFF80)],
            0xFF00..=0xFF7F => self.read_register(address),
            0xFFFF => self.interrupt_enable,
            0xE000..=0xFDFF => self.wram[self.wram_index(address)],
            _ if self.oam_dma.is_busy() => 0xFF,
            _ => {
                let value = self.ppu.read_oam(self.clock, address);
                self.quiet_until(self.ppu.next_change());
                value
            }
        }
    }

    /// Writes what an address shows, without time passing.
    #[inline]
    pub(crate) fn write_mapped(&mut self, address: u16, value: u8) {
        match address >> 13 {
            0..=3 => self.cartridge.write_register(self.clock, address, value),
            4 => self.ppu.write_vram(self.clock, address, value),
            5 => self.cartridge.write_ram(self.clock, address, value),
            6 => {
                let index = self.wram_index(address);
                self.wram[index] = value;
            }
            _ => self.write_high_page(address, value),
        }
    }

    #[inline]
    fn write_high_page(&mut self, address: u16, value: u8) {
        match address {
            0xFF80..=0xFFFE => self.hram[usize::from(address - 0xFF80)] = value,
            0xFF00..=0xFF7F => self.write_register(address, value),
            0xFFFF => {
                self.interrupt_enable = value;
                self.attend();
            }
            0xE000..=0xFDFF => {
                let index = self.wram_index(address);
                self.wram[index] = value;
            }
            _ if self.oam_dma.is_busy() => {}
            _ => self.ppu.write_oam(self.clock, address, value),
        }
    }

    // --- from outside -----------------------------------------------------------------------

    pub(crate) fn set_pressed(&mut self, pressed: u8) {
        self.repetition.is_quiet = false;
        let fell = self.joypad.set_pressed(pressed);
        self.request_joypad(fell);
    }

    fn request_joypad(&mut self, line_fell: bool) {
        if line_fell {
            self.interrupt_flag |= interrupts::JOYPAD;
        }
    }
}

impl Bus for Memory {
    #[inline]
    fn read(&mut self, address: u16) -> u8 {
        self.tick();
        if self.is_slow {
            return self.read_slow(address);
        }
        self.read_mapped(address)
    }

    #[inline]
    fn fetch(&mut self, address: u16) -> u8 {
        self.tick();
        if self.is_slow {
            return self.read_slow(address);
        }
        match address >> 14 {
            0 => self.cartridge.read_low(address),
            1 => self.cartridge.read_high(address),
            _ => self.read_mapped(address),
        }
    }

    #[inline]
    fn write(&mut self, address: u16, value: u8) {
        self.tick();
        self.repetition.is_quiet = false;
        if self.is_slow {
            return self.write_slow(address, value);
        }
        self.write_mapped(address, value);
    }

    #[inline]
    fn idle(&mut self) {
        self.tick();
    }

    #[inline]
    fn catch_up(&mut self) {
        if self.is_event_due() {
            self.run_events();
        }
    }

    #[inline]
    fn attend(&mut self) {
        self.next_event = 0;
    }

    fn repeat(&mut self, cpu: &Cpu) {
        self.repeat_from(&Place::of(cpu));
    }

    #[inline]
    fn pending_interrupts(&self) -> u8 {
        // The CPU asks when it fetches an opcode, an M-cycle after it is asked for here: it sees the
        // interrupt of a timer that overflows now (mooneye, `timer/rapid_toggle`).
        let overflow = if self.timer.is_overflowed() {
            interrupts::TIMER
        } else {
            0
        };
        self.interrupt_enable & (self.interrupt_flag | overflow) & 0x1F
    }

    fn enabled_interrupts(&self) -> u8 {
        self.interrupt_enable & 0x1F
    }

    fn requested_interrupts(&self) -> u8 {
        self.interrupt_flag & 0x1F
    }

    fn acknowledge_interrupt(&mut self, mask: u8) {
        self.interrupt_flag &= !mask;
    }

    /// Nothing happens until the next event, so time may jump there, in whole M-cycles.
    fn idle_halted(&mut self) {
        let cycles = self
            .next_event
            .saturating_sub(self.clock)
            .div_ceil(self.m_cycle);
        self.clock += cycles.max(1) * self.m_cycle;
        self.is_halted = true;
        self.catch_up();
        self.is_halted = false;
    }

    fn stop(&mut self) -> bool {
        self.reset_divider();
        if self.speed_switch == 0 {
            self.schedule();
            return false;
        }
        self.speed_switch = 0;
        let double = !self.is_double_speed();
        self.timer.set_double_speed(self.clock, double);
        self.m_cycle = if double { M_CYCLE / 2 } else { M_CYCLE };
        // The CPU stands still for 0x20000 T-cycles (Pan Docs, "CGB Registers", KEY1).
        self.clock += 0x2_0000 * DOT / 2;
        self.run_events();
        true
    }
}

impl Memory {
    /// The CPU uses the bus that OAM DMA reads from. The Color has one bus for the cartridge and
    /// one for work RAM; the original has one for both.
    #[cold]
    fn conflicts(&self, address: u16) -> bool {
        let bus = |address: u16| match address >> 13 {
            0..=3 | 5 => Some(0),
            4 => Some(1),
            6 if self.color => Some(2),
            6 => Some(0),
            _ if address < 0xFE00 && self.color => Some(2),
            _ if address < 0xFE00 => Some(0),
            _ => None,
        };
        bus(address).is_some() && bus(address) == bus(self.oam_dma.current())
    }
}

impl Memory {
    /// Begins the first frame where the boot ROM ended: it lasts to the PPU's next one.
    pub(crate) fn end_boot(&mut self) {
        self.frame_end = self.ppu.frame_boundary();
        self.begin_frame();
    }
}
