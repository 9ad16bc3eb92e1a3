//! Loops that wait: found when the CPU jumps backwards, and gone through in one go.

use super::Memory;
use crate::cpu::Cpu;

/// Where the CPU is and what it holds, but for the clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) pc: u16,
    sp: u16,
    registers: [u8; 8],
}

impl Place {
    #[inline(always)]
    pub(super) fn of(cpu: &Cpu) -> Self {
        Self {
            pc: cpu.pc,
            sp: cpu.sp,
            registers: [cpu.a, cpu.f, cpu.b, cpu.c, cpu.d, cpu.e, cpu.h, cpu.l],
        }
    }
}

/// What was last seen of a loop.
///
/// A loop is believed to wait when it came to the same jump once without having written anything;
/// only then its registers are looked at, and once they were the same, rounds are left out.
#[derive(Clone, Debug, Default)]
pub(super) struct Repetition {
    /// Where the last jump backwards led to.
    pub(super) pc: u16,
    /// Nothing was written since then, and nothing read that changes by itself...
    pub(super) is_quiet: bool,
    /// ...before this tick.
    pub(super) quiet_until: u64,
    /// `place` and `clock` are of the last jump backwards.
    is_placed: bool,
    place: Place,
    clock: u64,
}

impl Repetition {
    /// Answers whether a jump back to `pc` is the first one; it is then remembered.
    #[inline(always)]
    pub(super) fn begins(&mut self, pc: u16) -> bool {
        let is_first = self.pc != pc || !self.is_quiet;
        if is_first {
            self.pc = pc;
            self.is_quiet = true;
            self.is_placed = false;
        }
        is_first
    }
}

impl Memory {
    /// The CPU jumped backwards. Where it is as it was, and saw nothing that changes before some
    /// tick, it will do the same until then: whole rounds are left out.
    pub(super) fn repeat_from(&mut self, place: &Place) {
        if self.repetition.begins(place.pc) {
            return;
        }
        let last = &mut self.repetition;
        if last.is_placed
            && last.place == *place
            && self.interrupt_enable & self.interrupt_flag & 0x1F == 0
        {
            let period = self.clock - last.clock;
            let limit = self.next_event.min(last.quiet_until);
            if limit > self.clock {
                self.clock += (limit - 1 - self.clock) / period * period;
            }
        }
        *last = Repetition {
            pc: place.pc,
            is_quiet: true,
            quiet_until: u64::MAX,
            is_placed: true,
            place: *place,
            clock: self.clock,
        };
    }
}
