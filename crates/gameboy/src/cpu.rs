//! The SM83: registers, interrupts, HALT. What each opcode does stands in [`crate::instructions`].

mod flags;

use crate::bus::Bus;
use crate::instructions;

/// Flag register bits (Pan Docs, "CPU Registers and Flags").
pub mod flag {
    /// Zero.
    pub const Z: u8 = 0x80;
    /// Subtraction.
    pub const N: u8 = 0x40;
    /// Half carry.
    pub const H: u8 = 0x20;
    /// Carry.
    pub const C: u8 = 0x10;
}

/// The registers of the CPU and what it keeps between two instructions.
#[allow(missing_docs)]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cpu {
    pub a: u8,
    /// Flags; the low four bits are always zero.
    pub f: u8,
    pub b: u8,
    pub c: u8,
    pub d: u8,
    pub e: u8,
    pub h: u8,
    pub l: u8,
    pub sp: u16,
    /// Address of the next opcode.
    pub pc: u16,
    /// Interrupt master enable.
    pub ime: bool,
    /// What the next step does besides fetching an instruction.
    pub mode: Mode,
}

/// What a CPU does next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Mode {
    /// Fetches the next instruction.
    #[default]
    Running,
    /// EI was the last instruction: `ime` is set after the next one.
    EnablingInterrupts,
    /// In HALT.
    Halted,
    /// The next opcode fetch does not advance `pc` (HALT with IME = 0 and an interrupt pending).
    HaltBug,
    /// An unused opcode or STOP has stopped it for good.
    Locked,
}

const VECTOR_OF_LOWEST_BIT: u16 = 0x40;

impl Cpu {
    /// `B` and `C` as one 16-bit register.
    #[inline(always)]
    pub fn bc(&self) -> u16 {
        u16::from(self.b) << 8 | u16::from(self.c)
    }

    /// `D` and `E` as one 16-bit register.
    #[inline(always)]
    pub fn de(&self) -> u16 {
        u16::from(self.d) << 8 | u16::from(self.e)
    }

    /// `H` and `L` as one 16-bit register.
    #[inline(always)]
    pub fn hl(&self) -> u16 {
        u16::from(self.h) << 8 | u16::from(self.l)
    }

    /// `A` and `F` as one 16-bit register.
    #[inline(always)]
    pub fn af(&self) -> u16 {
        u16::from(self.a) << 8 | u16::from(self.f)
    }

    #[inline(always)]
    pub(crate) fn set_bc(&mut self, value: u16) {
        self.b = (value >> 8) as u8;
        self.c = value as u8;
    }

    #[inline(always)]
    pub(crate) fn set_de(&mut self, value: u16) {
        self.d = (value >> 8) as u8;
        self.e = value as u8;
    }

    #[inline(always)]
    pub(crate) fn set_hl(&mut self, value: u16) {
        self.h = (value >> 8) as u8;
        self.l = value as u8;
    }

    #[inline(always)]
    pub(crate) fn set_af(&mut self, value: u16) {
        let [a, f] = value.to_be_bytes();
        self.a = a;
        self.f = f & 0xF0;
    }

    /// Executes one instruction, dispatches one interrupt or spends time in HALT.
    ///
    /// Whatever makes the step after it more than an instruction is announced to the bus, see
    /// [`Bus::attend`].
    #[inline(never)]
    pub fn step<B: Bus>(&mut self, bus: &mut B) {
        if self.mode != Mode::Running {
            self.step_unusual(bus);
        } else if self.ime && bus.pending_interrupts() != 0 {
            self.dispatch_interrupt(bus);
        } else {
            self.step_running(bus);
        }
    }

    /// Executes one instruction; nothing else is to be done first.
    pub(crate) fn step_running<B: Bus>(&mut self, bus: &mut B) {
        let opcode = bus.opcode(self.pc);
        self.pc = self.pc.wrapping_add(1);
        self.execute(bus, opcode);
    }

    /// As [`Self::step_running`], as part of the caller's own loop.
    #[inline(always)]
    pub(crate) fn step_inlined<B: Bus>(&mut self, bus: &mut B) {
        let opcode = bus.opcode(self.pc);
        self.pc = self.pc.wrapping_add(1);
        instructions::execute(self, bus, opcode);
    }

    #[inline(never)]
    fn execute<B: Bus>(&mut self, bus: &mut B, opcode: u8) {
        instructions::execute(self, bus, opcode);
    }

    #[cold]
    fn step_unusual<B: Bus>(&mut self, bus: &mut B) {
        match self.mode {
            Mode::EnablingInterrupts => {
                // Enabled now, looked at after the instruction.
                self.mode = Mode::Running;
                self.ime = true;
                self.step_running(bus);
                bus.attend();
            }
            Mode::HaltBug => {
                // The opcode is read, but the program counter stays on it.
                self.mode = Mode::Running;
                let opcode = bus.opcode(self.pc);
                self.execute(bus, opcode);
            }
            Mode::Halted => self.step_halted(bus),
            Mode::Locked => {
                bus.idle_halted();
                bus.attend();
            }
            Mode::Running => self.step_running(bus),
        }
    }

    fn step_halted<B: Bus>(&mut self, bus: &mut B) {
        if bus.pending_interrupts() == 0 {
            bus.idle_halted();
        }
        if bus.pending_interrupts() != 0 {
            self.mode = Mode::Running;
        }
        bus.attend();
    }

    /// Five M-cycles. The vector is chosen after the high byte of `pc` was pushed: that write may
    /// change `IE`, and with nothing left to serve the CPU goes to 0x0000 (mooneye, `ie_push`).
    #[cold]
    fn dispatch_interrupt<B: Bus>(&mut self, bus: &mut B) {
        self.ime = false;
        bus.idle();
        bus.idle();
        let [high, low] = self.pc.to_be_bytes();
        self.sp = self.sp.wrapping_sub(1);
        bus.write(self.sp, high);
        let enabled = bus.enabled_interrupts();
        self.sp = self.sp.wrapping_sub(1);
        bus.write(self.sp, low);
        bus.catch_up();
        let served = enabled & bus.requested_interrupts();
        bus.idle();
        if served == 0 {
            self.pc = 0;
        } else {
            let bit = served.trailing_zeros() as u16;
            bus.acknowledge_interrupt(1 << bit);
            self.pc = VECTOR_OF_LOWEST_BIT + 8 * bit;
        }
    }

    #[inline(always)]
    pub(crate) fn halt<B: Bus>(&mut self, bus: &mut B) {
        bus.catch_up();
        bus.attend();
        if bus.pending_interrupts() == 0 {
            self.mode = Mode::Halted;
        } else if self.ime {
            // The interrupt is served at once, and returns to the HALT.
            self.pc = self.pc.wrapping_sub(1);
        } else {
            self.mode = Mode::HaltBug;
        }
    }

    #[inline(always)]
    pub(crate) fn stop<B: Bus>(&mut self, bus: &mut B) {
        // STOP skips the byte after it (Pan Docs, "Using the STOP Instruction").
        self.pc = self.pc.wrapping_add(1);
        if !bus.stop() {
            self.lock(bus);
        }
    }

    #[inline(always)]
    pub(crate) fn lock<B: Bus>(&mut self, bus: &mut B) {
        bus.attend();
        self.mode = Mode::Locked;
    }

    #[inline(always)]
    pub(crate) fn enable_interrupts<B: Bus>(&mut self, bus: &mut B) {
        bus.attend();
        if !self.ime {
            self.mode = Mode::EnablingInterrupts;
        }
    }

    // --- accesses ---------------------------------------------------------------------------

    #[inline(always)]
    pub(crate) fn fetch8<B: Bus>(&mut self, bus: &mut B) -> u8 {
        let value = bus.fetch(self.pc);
        self.pc = self.pc.wrapping_add(1);
        value
    }

    #[inline(always)]
    pub(crate) fn fetch16<B: Bus>(&mut self, bus: &mut B) -> u16 {
        let low = self.fetch8(bus);
        let high = self.fetch8(bus);
        u16::from_le_bytes([low, high])
    }

    #[inline(always)]
    pub(crate) fn push<B: Bus>(&mut self, bus: &mut B, value: u16) {
        bus.idle();
        let [high, low] = value.to_be_bytes();
        self.sp = self.sp.wrapping_sub(1);
        bus.write(self.sp, high);
        self.sp = self.sp.wrapping_sub(1);
        bus.write(self.sp, low);
    }

    #[inline(always)]
    pub(crate) fn pop<B: Bus>(&mut self, bus: &mut B) -> u16 {
        let low = bus.read(self.sp);
        self.sp = self.sp.wrapping_add(1);
        let high = bus.read(self.sp);
        self.sp = self.sp.wrapping_add(1);
        u16::from_le_bytes([low, high])
    }

    /// `HL`, then one more.
    #[inline(always)]
    pub(crate) fn hl_increment(&mut self) -> u16 {
        let hl = self.hl();
        self.set_hl(hl.wrapping_add(1));
        hl
    }

    /// `HL`, then one less.
    #[inline(always)]
    pub(crate) fn hl_decrement(&mut self) -> u16 {
        let hl = self.hl();
        self.set_hl(hl.wrapping_sub(1));
        hl
    }

    // --- jumps ------------------------------------------------------------------------------

    #[inline(always)]
    pub(crate) fn is_set(&self, mask: u8) -> bool {
        self.f & mask != 0
    }

    #[inline(always)]
    pub(crate) fn jump_relative<B: Bus>(&mut self, bus: &mut B, condition: bool) {
        let offset = self.fetch8(bus) as i8;
        if condition {
            bus.idle();
            self.pc = self.pc.wrapping_add_signed(i16::from(offset));
            if offset < 0 {
                bus.repeat(self);
            }
        }
    }

    #[inline(always)]
    pub(crate) fn jump<B: Bus>(&mut self, bus: &mut B, condition: bool) {
        let target = self.fetch16(bus);
        if condition {
            bus.idle();
            let is_backward = target < self.pc;
            self.pc = target;
            if is_backward {
                bus.repeat(self);
            }
        }
    }

    #[inline(always)]
    pub(crate) fn call<B: Bus>(&mut self, bus: &mut B, condition: bool) {
        let target = self.fetch16(bus);
        if condition {
            self.push(bus, self.pc);
            self.pc = target;
        }
    }

    #[inline(always)]
    pub(crate) fn restart<B: Bus>(&mut self, bus: &mut B, target: u16) {
        self.push(bus, self.pc);
        self.pc = target;
    }

    #[inline(always)]
    pub(crate) fn ret<B: Bus>(&mut self, bus: &mut B) {
        self.pc = self.pop(bus);
        bus.idle();
    }

    #[inline(always)]
    pub(crate) fn return_from_interrupt<B: Bus>(&mut self, bus: &mut B) {
        self.ret(bus);
        bus.attend();
        self.ime = true;
    }

    #[inline(always)]
    pub(crate) fn ret_if<B: Bus>(&mut self, bus: &mut B, condition: bool) {
        bus.idle();
        if condition {
            self.ret(bus);
        }
    }

    // --- arithmetic -------------------------------------------------------------------------

    #[inline(always)]
    fn set_flags(&mut self, zero: bool, subtract: bool, half: bool, carry: bool) {
        self.f = u8::from(zero) << 7
            | u8::from(subtract) << 6
            | u8::from(half) << 5
            | u8::from(carry) << 4;
    }

    #[inline(always)]
    fn carry(&self) -> u8 {
        self.f >> 4 & 1
    }

    #[inline(always)]
    fn add_with(&mut self, value: u8, carry: u8) {
        let sum = u32::from(self.a) + u32::from(value) + u32::from(carry);
        self.f = flags::zero_and_carry(sum) | flags::half_of(self.a, value, sum);
        self.a = sum as u8;
    }

    #[inline(always)]
    fn subtract_with(&mut self, value: u8, carry: u8) -> u8 {
        let difference = u32::from(self.a)
            .wrapping_sub(u32::from(value))
            .wrapping_sub(u32::from(carry));
        self.f =
            flags::zero_and_carry(difference) | flag::N | flags::half_of(self.a, value, difference);
        difference as u8
    }

    #[inline(always)]
    pub(crate) fn add(&mut self, value: u8) {
        self.add_with(value, 0);
    }

    #[inline(always)]
    pub(crate) fn adc(&mut self, value: u8) {
        self.add_with(value, self.carry());
    }

    #[inline(always)]
    pub(crate) fn sub(&mut self, value: u8) {
        self.a = self.subtract_with(value, 0);
    }

    #[inline(always)]
    pub(crate) fn sbc(&mut self, value: u8) {
        self.a = self.subtract_with(value, self.carry());
    }

    #[inline(always)]
    pub(crate) fn cp(&mut self, value: u8) {
        self.subtract_with(value, 0);
    }

    #[inline(always)]
    pub(crate) fn and(&mut self, value: u8) {
        self.a &= value;
        self.set_flags(self.a == 0, false, true, false);
    }

    #[inline(always)]
    pub(crate) fn xor(&mut self, value: u8) {
        self.a ^= value;
        self.set_flags(self.a == 0, false, false, false);
    }

    #[inline(always)]
    pub(crate) fn or(&mut self, value: u8) {
        self.a |= value;
        self.set_flags(self.a == 0, false, false, false);
    }

    #[inline(always)]
    pub(crate) fn inc(&mut self, value: u8) -> u8 {
        let result = value.wrapping_add(1);
        self.f = self.f & flag::C | flags::of_increment(result);
        result
    }

    #[inline(always)]
    pub(crate) fn dec(&mut self, value: u8) -> u8 {
        let result = value.wrapping_sub(1);
        self.f = self.f & flag::C | flags::of_decrement(result);
        result
    }

    #[inline(always)]
    pub(crate) fn add_hl<B: Bus>(&mut self, bus: &mut B, value: u16) {
        bus.idle();
        let hl = self.hl();
        let (sum, carry) = hl.overflowing_add(value);
        let half = (hl & 0x0FFF) + (value & 0x0FFF) > 0x0FFF;
        self.set_hl(sum);
        self.set_flags(self.is_set(flag::Z), false, half, carry);
    }

    /// `SP` plus a signed operand; carries as of an unsigned addition to the low byte.
    #[inline(always)]
    pub(crate) fn sp_plus_operand<B: Bus>(&mut self, bus: &mut B) -> u16 {
        let operand = self.fetch8(bus);
        bus.idle();
        let half = (self.sp & 0x0F) + u16::from(operand & 0x0F) > 0x0F;
        let carry = (self.sp & 0xFF) + u16::from(operand) > 0xFF;
        self.set_flags(false, false, half, carry);
        self.sp.wrapping_add_signed(i16::from(operand as i8))
    }

    /// Corrects `A` after an addition or subtraction of binary-coded decimals.
    #[inline(always)]
    pub(crate) fn daa(&mut self) {
        let mut carry = self.is_set(flag::C);
        let mut correction = 0;
        if self.is_set(flag::N) {
            correction |= if self.is_set(flag::H) { 0x06 } else { 0 };
            correction |= if carry { 0x60 } else { 0 };
            self.a = self.a.wrapping_sub(correction);
        } else {
            if self.is_set(flag::H) || self.a & 0x0F > 9 {
                correction |= 0x06;
            }
            if carry || self.a > 0x99 {
                correction |= 0x60;
                carry = true;
            }
            self.a = self.a.wrapping_add(correction);
        }
        self.set_flags(self.a == 0, self.is_set(flag::N), false, carry);
    }

    #[inline(always)]
    pub(crate) fn cpl(&mut self) {
        self.a = !self.a;
        self.f |= flag::N | flag::H;
    }

    #[inline(always)]
    pub(crate) fn scf(&mut self) {
        self.set_flags(self.is_set(flag::Z), false, false, true);
    }

    #[inline(always)]
    pub(crate) fn ccf(&mut self) {
        self.set_flags(self.is_set(flag::Z), false, false, !self.is_set(flag::C));
    }

    /// RLCA, RRCA, RLA and RRA: as their prefixed forms, but the zero flag is always cleared.
    #[inline(always)]
    pub(crate) fn rotate_a(&mut self, rotate: impl FnOnce(&mut Self, u8) -> u8) {
        self.a = rotate(self, self.a);
        self.f &= !flag::Z;
    }

    #[inline(always)]
    fn shifted(&mut self, result: u8, carry: u8) -> u8 {
        self.set_flags(result == 0, false, false, carry != 0);
        result
    }

    #[inline(always)]
    pub(crate) fn rlc(&mut self, value: u8) -> u8 {
        self.shifted(value.rotate_left(1), value >> 7)
    }

    #[inline(always)]
    pub(crate) fn rrc(&mut self, value: u8) -> u8 {
        self.shifted(value.rotate_right(1), value & 1)
    }

    #[inline(always)]
    pub(crate) fn rl(&mut self, value: u8) -> u8 {
        self.shifted(value << 1 | self.carry(), value >> 7)
    }

    #[inline(always)]
    pub(crate) fn rr(&mut self, value: u8) -> u8 {
        self.shifted(value >> 1 | self.carry() << 7, value & 1)
    }

    #[inline(always)]
    pub(crate) fn sla(&mut self, value: u8) -> u8 {
        self.shifted(value << 1, value >> 7)
    }

    #[inline(always)]
    pub(crate) fn sra(&mut self, value: u8) -> u8 {
        self.shifted((value as i8 >> 1) as u8, value & 1)
    }

    #[inline(always)]
    pub(crate) fn swap(&mut self, value: u8) -> u8 {
        self.shifted(value.rotate_left(4), 0)
    }

    #[inline(always)]
    pub(crate) fn srl(&mut self, value: u8) -> u8 {
        self.shifted(value >> 1, value & 1)
    }

    #[inline(always)]
    pub(crate) fn test_bit(&mut self, bit: u8, value: u8) {
        let carry = self.is_set(flag::C);
        self.set_flags(value >> bit & 1 == 0, false, true, carry);
    }
}
