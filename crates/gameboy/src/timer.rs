//! DIV, TIMA, TMA and TAC (Pan Docs, "Timer and Divider Registers" and "Timer Obscure Behaviour").
//!
//! DIV is the high byte of a 16-bit counter of T-cycles. TIMA counts the falling edges of one of
//! its bits, so nothing has to be counted cycle by cycle: edges are computed when somebody looks.

use crate::state::{Reader, StateError, Writer};

/// No event is due.
pub(crate) const NEVER: u64 = u64::MAX;

#[derive(Clone, Debug)]
pub(crate) struct Timer {
    /// Tick at which the counter was zero.
    origin: u64,
    /// Ticks per T-cycle as a shift: 1 at normal speed, 0 at double speed.
    shift: u8,
    tima: u8,
    tma: u8,
    tac: u8,
    /// Tick up to which TIMA is right.
    synced: u64,
    /// TIMA overflowed and is loaded from TMA at this tick.
    reload_at: u64,
    /// Tick of the last load from TMA.
    reloaded_at: u64,
    irq: bool,
}

impl Timer {
    pub(crate) fn new(now: u64, counter: u16) -> Self {
        Self {
            origin: now - (u64::from(counter) << 1),
            shift: 1,
            tima: 0,
            tma: 0,
            tac: 0,
            synced: now,
            reload_at: NEVER,
            reloaded_at: 0,
            irq: false,
        }
    }

    /// The 16-bit counter whose high byte is DIV.
    pub(crate) fn counter(&self, now: u64) -> u16 {
        ((now - self.origin) >> self.shift) as u16
    }

    /// The T-cycles since the counter was reset, without the limit of 16 bits.
    pub(crate) fn long_counter(&self, now: u64) -> u64 {
        (now - self.origin) >> self.shift
    }

    /// The first tick after `now` at which the counter is a multiple of `period` T-cycles, and
    /// `count - 1` such multiples have passed.
    pub(crate) fn tick_of_multiple(&self, now: u64, period: u64, count: u64) -> u64 {
        let multiples = self.long_counter(now) / period + count;
        self.origin + ((multiples * period) << self.shift)
    }

    fn machine_cycle(&self) -> u64 {
        4 << self.shift
    }

    fn enabled(&self) -> bool {
        self.tac & 4 != 0
    }

    /// Ticks between two increments of TIMA, as a shift.
    fn period_shift(&self) -> u8 {
        [10, 4, 6, 8][usize::from(self.tac & 3)] + self.shift
    }

    /// The bit whose falling edge counts, and TAC's enable bit.
    fn signal(&self, now: u64) -> bool {
        self.enabled() && (now - self.origin) >> (self.period_shift() - 1) & 1 != 0
    }

    fn increment(&mut self, now: u64) {
        self.tima = self.tima.wrapping_add(1);
        if self.tima == 0 {
            self.reload_at = now + self.machine_cycle();
        }
    }

    /// Brings TIMA up to `now`.
    pub(crate) fn sync(&mut self, now: u64) {
        loop {
            if self.reload_at <= now {
                self.count_edges(self.reload_at);
                self.tima = self.tma;
                self.reloaded_at = self.reload_at;
                self.reload_at = NEVER;
                self.irq = true;
            }
            if self.count_edges(now) {
                return;
            }
        }
    }

    /// Counts edges up to `until` or to an overflow; answers whether it reached `until`.
    fn count_edges(&mut self, until: u64) -> bool {
        if self.enabled() {
            let shift = self.period_shift();
            let before = (self.synced - self.origin) >> shift;
            let edges = ((until - self.origin) >> shift) - before;
            let missing = 256 - u64::from(self.tima);
            if edges >= missing {
                self.tima = 0;
                self.synced = self.origin + ((before + missing) << shift);
                self.reload_at = self.synced + self.machine_cycle();
                return false;
            }
            self.tima += edges as u8;
        }
        self.synced = until;
        true
    }

    /// Takes the request of an interrupt.
    pub(crate) fn take_irq(&mut self) -> bool {
        std::mem::take(&mut self.irq)
    }

    /// TIMA overflowed and is loaded in the next M-cycle, which requests the interrupt.
    pub(crate) fn is_overflowed(&self) -> bool {
        self.reload_at != NEVER
    }

    /// The tick at which TIMA overflows or is loaded, if nothing is written before.
    pub(crate) fn next_event(&self) -> u64 {
        if self.reload_at != NEVER {
            self.reload_at
        } else if self.enabled() {
            let shift = self.period_shift();
            let edge = ((self.synced - self.origin) >> shift) + 256 - u64::from(self.tima);
            self.origin + (edge << shift)
        } else {
            NEVER
        }
    }

    /// In the M-cycle in which TIMA is loaded from TMA.
    fn is_reloading(&self, now: u64) -> bool {
        self.reloaded_at != 0 && now < self.reloaded_at + self.machine_cycle()
    }

    pub(crate) fn read(&mut self, now: u64, address: u16) -> u8 {
        self.sync(now);
        match address {
            0xFF04 => (self.counter(now) >> 8) as u8,
            0xFF05 => self.tima,
            0xFF06 => self.tma,
            _ => 0xF8 | self.tac,
        }
    }

    pub(crate) fn write(&mut self, now: u64, address: u16, value: u8) {
        self.sync(now);
        match address {
            0xFF04 => self.reset_divider(now),
            0xFF05 => {
                if !self.is_reloading(now) {
                    self.tima = value;
                    self.reload_at = NEVER;
                }
            }
            0xFF06 => {
                self.tma = value;
                if self.is_reloading(now) {
                    self.tima = value;
                }
            }
            _ => {
                let before = self.signal(now);
                self.tac = value & 7;
                if before && !self.signal(now) {
                    self.increment(now);
                }
            }
        }
    }

    /// Writing any value to DIV clears the whole counter.
    pub(crate) fn reset_divider(&mut self, now: u64) {
        self.sync(now);
        if self.signal(now) {
            self.increment(now);
        }
        self.origin = now;
    }

    /// The CPU changes between normal and double speed, with DIV just reset.
    pub(crate) fn set_double_speed(&mut self, now: u64, double: bool) {
        self.reset_divider(now);
        self.shift = u8::from(!double);
    }

    /// Sets the counter, as a start condition.
    pub(crate) fn set_counter(&mut self, now: u64, counter: u16) {
        self.sync(now);
        self.origin = now - (u64::from(counter) << self.shift);
    }

    /// A state of PyBoy's, see [`crate::pyboy`].
    pub(crate) fn take_over(&mut self, now: u64, double: bool, timer: &crate::pyboy::Timer) {
        self.shift = u8::from(!double);
        self.origin = now - (u64::from(timer.counter) << self.shift);
        (self.tima, self.tma, self.tac) = (timer.tima, timer.tma, timer.tac & 7);
        self.synced = now;
        (self.reload_at, self.reloaded_at, self.irq) = (NEVER, 0, false);
        let cycles = u64::from(timer.reload_cycles.min(4));
        match timer.reload {
            // PyBoy has loaded TIMA already and shows zero meanwhile.
            1 => {
                self.tima = 0;
                self.reload_at = now + (cycles.max(1) << self.shift);
            }
            2 => self.reloaded_at = now - ((4 - cycles) << self.shift),
            _ => {}
        }
    }

    pub(crate) fn save(&self, out: &mut Writer) {
        out.u64(self.origin);
        out.u64(self.synced);
        out.u64(self.reload_at);
        out.u64(self.reloaded_at);
        out.bytes(&[self.shift, self.tima, self.tma, self.tac]);
    }

    pub(crate) fn load(&mut self, input: &mut Reader, now: u64) -> Result<(), StateError> {
        self.origin = input.tick_before(now)?;
        self.synced = input.tick_before(now)?;
        self.reload_at = input.u64()?;
        self.reloaded_at = input.tick_before(now)?;
        let [shift, tima, tma, tac] = input.array()?;
        if shift > 1 || self.synced < self.origin || self.reload_at <= now {
            return Err(StateError::Damaged("timer"));
        }
        (self.shift, self.tima, self.tma, self.tac) = (shift, tima, tma, tac & 7);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const M: u64 = 8;
    const START: u64 = 1 << 20;

    fn timer(tac: u8, tima: u8, tma: u8) -> Timer {
        let mut timer = Timer::new(START, 0);
        timer.write(START, 0xFF06, tma);
        timer.write(START, 0xFF05, tima);
        timer.write(START, 0xFF07, tac);
        timer
    }

    #[test]
    fn div_counts_every_64_machine_cycles() {
        let mut timer = timer(0, 0, 0);
        assert_eq!(timer.read(START + 63 * M, 0xFF04), 0);
        assert_eq!(timer.read(START + 64 * M, 0xFF04), 1);
        assert_eq!(timer.read(START + 256 * 64 * M, 0xFF04), 0);
    }

    #[test]
    fn tima_counts_at_the_four_speeds_of_tac() {
        for (select, machine_cycles) in [(0, 256), (1, 4), (2, 16), (3, 64)] {
            let mut timer = timer(4 | select, 0, 0);
            assert_eq!(timer.read(START + (machine_cycles - 1) * M, 0xFF05), 0);
            assert_eq!(timer.read(START + machine_cycles * M, 0xFF05), 1);
            assert_eq!(timer.read(START + 7 * machine_cycles * M, 0xFF05), 7);
        }
    }

    #[test]
    fn an_overflow_reads_zero_for_one_cycle_then_loads_tma_and_interrupts() {
        let mut timer = timer(5, 0xFF, 0x42);
        let overflow = START + 4 * M;
        assert_eq!(timer.next_event(), overflow);
        assert_eq!(timer.read(overflow, 0xFF05), 0);
        assert!(!timer.take_irq() && timer.is_overflowed());
        assert_eq!(timer.next_event(), overflow + M);
        assert_eq!(timer.read(overflow + M, 0xFF05), 0x42);
        assert!(timer.take_irq());
    }

    #[test]
    fn a_write_between_overflow_and_load_cancels_both() {
        let mut timer = timer(5, 0xFF, 0x42);
        timer.write(START + 4 * M, 0xFF05, 0x10);
        assert_eq!(timer.read(START + 5 * M, 0xFF05), 0x10);
        assert!(!timer.take_irq());
    }

    #[test]
    fn while_loading_a_write_to_tima_is_lost_and_one_to_tma_comes_through() {
        let mut loading = timer(5, 0xFF, 0x42);
        loading.write(START + 5 * M, 0xFF05, 0x10);
        assert_eq!(loading.read(START + 5 * M, 0xFF05), 0x42);
        let mut loading = timer(5, 0xFF, 0x42);
        loading.write(START + 5 * M, 0xFF06, 0x77);
        assert_eq!(loading.read(START + 5 * M, 0xFF05), 0x77);
    }

    #[test]
    fn resetting_div_while_its_bit_is_set_counts() {
        let mut timer = timer(5, 0, 0);
        timer.write(START + 2 * M, 0xFF04, 0);
        assert_eq!(timer.read(START + 2 * M, 0xFF05), 1);
        timer.write(START + 3 * M, 0xFF04, 0);
        assert_eq!(timer.read(START + 3 * M, 0xFF05), 1);
    }

    #[test]
    fn stopping_the_timer_while_its_bit_is_set_counts() {
        let mut timer = timer(5, 0, 0);
        timer.write(START + 2 * M, 0xFF07, 1);
        assert_eq!(timer.read(START + 2 * M, 0xFF05), 1);
        assert_eq!(timer.read(START + 900 * M, 0xFF05), 1);
    }

    #[test]
    fn long_gaps_give_what_small_steps_give() {
        for tac in 4..8 {
            let mut at_once = timer(tac, 0xF0, 0xEC);
            let mut stepwise = timer(tac, 0xF0, 0xEC);
            let mut interrupted = false;
            for step in 0..9000 {
                stepwise.sync(START + step * M);
                interrupted |= stepwise.take_irq();
            }
            assert_eq!(
                at_once.read(START + 8999 * M, 0xFF05),
                stepwise.read(START + 8999 * M, 0xFF05)
            );
            assert_eq!(at_once.take_irq(), interrupted);
        }
    }
}
