//! The sound registers, 0xFF10 to 0xFF3F, as far as a program can read them (Pan Docs, "Audio").
//!
//! No sound comes out. What a program can see is kept: which bits read back, which channels are on
//! (NR52), and so the length counters, the frequency sweep and the power switch.

use crate::state::{Reader, StateError, Writer};

/// Bits that always read as one, from NR10 (0xFF10) on.
const READ_MASKS: [u8; 0x20] = [
    0x80, 0x3F, 0x00, 0xFF, 0xBF, 0xFF, 0x3F, 0x00, 0xFF, 0xBF, 0x7F, 0xFF, 0x9F, 0xFF, 0xBF, 0xFF,
    0xFF, 0x00, 0x00, 0xBF, 0x00, 0x00, 0x70, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
];
/// T-cycles between two steps of the frame sequencer: 512 Hz.
const STEP: u64 = 8192;
const NR52: usize = 0x16;

#[derive(Clone, Copy, Debug, Default)]
struct Channel {
    on: bool,
    length_enabled: bool,
    length: u16,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sweep {
    enabled: bool,
    /// A frequency was computed downwards since the channel was triggered.
    negated: bool,
    timer: u8,
    shadow: u16,
}

#[derive(Clone, Debug)]
pub(crate) struct Apu {
    registers: [u8; 0x20],
    wave: [u8; 16],
    channels: [Channel; 4],
    sweep: Sweep,
    /// Step of the frame sequencer that comes next.
    step: u8,
    /// Falling edges of the divider that were counted.
    edges: u64,
    color: bool,
}

impl Apu {
    pub(crate) fn new(color: bool) -> Self {
        Self {
            registers: [0; 0x20],
            wave: [0; 16],
            channels: [Channel::default(); 4],
            sweep: Sweep::default(),
            step: 0,
            edges: 0,
            color,
        }
    }

    /// What the boot ROM leaves after its chime.
    pub(crate) fn boot(&mut self) {
        let values = [
            (0x00, 0x80),
            (0x01, 0x80),
            (0x02, 0xF3),
            (0x04, 0x87),
            (0x14, 0x77),
            (0x15, 0xF3),
            (NR52, 0x80),
        ];
        for (register, value) in values {
            self.registers[register] = value;
        }
        self.channels[0].on = true;
    }

    fn is_on(&self) -> bool {
        self.registers[NR52] & 0x80 != 0
    }

    fn maximum_length(channel: usize) -> u16 {
        if channel == 2 { 256 } else { 64 }
    }

    fn has_dac(&self, channel: usize) -> bool {
        match channel {
            2 => self.registers[0x0A] & 0x80 != 0,
            _ => self.registers[5 * channel + 2] & 0xF8 != 0,
        }
    }

    /// Runs the frame sequencer up to `counter`, the divider's count of T-cycles since its reset.
    pub(crate) fn sync(&mut self, counter: u64, double: bool) {
        let edges = counter / (STEP << u8::from(double));
        for _ in self.edges..edges {
            self.sequence();
        }
        self.edges = edges;
    }

    /// The divider was reset at `counter`: a bit that was set falls.
    pub(crate) fn reset_divider(&mut self, counter: u64, double: bool) {
        self.sync(counter, double);
        let step = STEP << u8::from(double);
        if counter & (step / 2) != 0 {
            self.sequence();
        }
        self.edges = 0;
    }

    fn sequence(&mut self) {
        if !self.is_on() {
            return;
        }
        if self.step.is_multiple_of(2) {
            for channel in &mut self.channels {
                Self::count_length(channel);
            }
        }
        if self.step % 4 == 2 {
            self.sweep_step();
        }
        self.step = (self.step + 1) % 8;
    }

    fn count_length(channel: &mut Channel) {
        if channel.length_enabled && channel.length > 0 {
            channel.length -= 1;
            channel.on &= channel.length > 0;
        }
    }

    fn sweep_period(&self) -> u8 {
        match self.registers[0] >> 4 & 7 {
            0 => 8,
            period => period,
        }
    }

    fn swept_frequency(&mut self) -> u16 {
        let change = self.sweep.shadow >> (self.registers[0] & 7);
        let frequency = if self.registers[0] & 8 != 0 {
            self.sweep.negated = true;
            self.sweep.shadow.wrapping_sub(change)
        } else {
            self.sweep.shadow + change
        };
        if frequency > 2047 {
            self.channels[0].on = false;
        }
        frequency
    }

    fn sweep_step(&mut self) {
        self.sweep.timer = self.sweep.timer.saturating_sub(1);
        if self.sweep.timer > 0 {
            return;
        }
        self.sweep.timer = self.sweep_period();
        if !self.sweep.enabled || self.registers[0] & 0x70 == 0 {
            return;
        }
        let frequency = self.swept_frequency();
        if frequency <= 2047 && self.registers[0] & 7 != 0 {
            self.sweep.shadow = frequency;
            let [high, low] = frequency.to_be_bytes();
            self.registers[3] = low;
            self.registers[4] = self.registers[4] & 0xF8 | high;
            self.swept_frequency();
        }
    }

    pub(crate) fn read(&self, address: u16) -> u8 {
        if address >= 0xFF30 {
            return self.wave[usize::from(address - 0xFF30)];
        }
        let register = usize::from(address - 0xFF10);
        let mut value = self.registers[register] | READ_MASKS[register];
        if register == NR52 {
            value &= 0xF0;
            for (number, channel) in self.channels.iter().enumerate() {
                value |= u8::from(channel.on) << number;
            }
        }
        value
    }

    pub(crate) fn write(&mut self, address: u16, value: u8) {
        if address >= 0xFF30 {
            self.wave[usize::from(address - 0xFF30)] = value;
            return;
        }
        let register = usize::from(address - 0xFF10);
        if register == NR52 {
            self.switch(value & 0x80 != 0);
        } else if register < NR52 && self.is_on() {
            self.write_register(register, value);
        } else if !self.color && matches!(register, 0x01 | 0x06 | 0x0B | 0x10) {
            // On the original the length counters can be written while sound is off.
            self.write_length(register / 5, value);
        }
    }

    fn switch(&mut self, on: bool) {
        if on == self.is_on() {
            return;
        }
        if on {
            self.step = 0;
        } else {
            self.registers = [0; 0x20];
            for channel in &mut self.channels {
                channel.on = false;
                channel.length_enabled = false;
                if self.color {
                    channel.length = 0;
                }
            }
            self.sweep = Sweep::default();
        }
        self.registers[NR52] = u8::from(on) << 7;
    }

    fn write_length(&mut self, channel: usize, value: u8) {
        let maximum = Self::maximum_length(channel);
        self.channels[channel].length = maximum - (u16::from(value) & (maximum - 1));
    }

    fn write_register(&mut self, register: usize, value: u8) {
        let was_negative = self.registers[0] & 8 != 0;
        self.registers[register] = value;
        if register >= 0x14 {
            return;
        }
        let channel = register / 5;
        match register % 5 {
            // Leaving the downward mode after it was used switches the channel off.
            0 if channel == 0 && was_negative && value & 8 == 0 => {
                self.channels[0].on &= !self.sweep.negated;
            }
            0 if channel == 2 => self.channels[2].on &= self.has_dac(2),
            1 => self.write_length(channel, value),
            2 if channel != 2 => self.channels[channel].on &= self.has_dac(channel),
            4 => self.write_control(channel, value),
            _ => {}
        }
    }

    /// NRx4: length enable and trigger. Between a step that counts lengths and the next one,
    /// enabling counts once more (Pan Docs, "Obscure Behavior").
    fn write_control(&mut self, channel: usize, value: u8) {
        let extra = self.step % 2 == 1;
        let was_enabled = self.channels[channel].length_enabled;
        self.channels[channel].length_enabled = value & 0x40 != 0;
        if extra && !was_enabled {
            Self::count_length(&mut self.channels[channel]);
        }
        if value & 0x80 == 0 {
            return;
        }
        let has_dac = self.has_dac(channel);
        let state = &mut self.channels[channel];
        state.on = has_dac;
        if state.length == 0 {
            state.length = Self::maximum_length(channel);
            if extra && state.length_enabled {
                state.length -= 1;
            }
        }
        if channel == 0 {
            self.trigger_sweep();
        }
    }

    fn trigger_sweep(&mut self) {
        let shift = self.registers[0] & 7;
        self.sweep = Sweep {
            enabled: self.registers[0] & 0x70 != 0 || shift != 0,
            negated: false,
            timer: self.sweep_period(),
            shadow: u16::from(self.registers[4] & 7) << 8 | u16::from(self.registers[3]),
        };
        if shift != 0 {
            self.swept_frequency();
        }
    }

    /// A state of PyBoy's, see [`crate::pyboy`]. `counter`: the divider's count.
    pub(crate) fn take_over(&mut self, sound: &crate::pyboy::Sound, counter: u64, double: bool) {
        self.registers = [0; 0x20];
        self.registers[..=NR52].copy_from_slice(&sound.registers);
        self.wave = sound.wave;
        for (number, (own, theirs)) in self.channels.iter_mut().zip(&sound.channels).enumerate() {
            *own = Channel {
                on: theirs.on && self.registers[NR52] & 0x80 != 0,
                length_enabled: theirs.length_enabled,
                length: theirs.length.min(Self::maximum_length(number)),
            };
        }
        self.step = sound.step & 7;
        let (shadow, enabled, negated) = sound.sweep;
        self.sweep = Sweep {
            enabled,
            negated,
            timer: self.sweep_period(),
            shadow,
        };
        self.edges = counter / (STEP << u8::from(double));
    }

    pub(crate) fn save(&self, out: &mut Writer) {
        out.bytes(&self.registers);
        out.bytes(&self.wave);
        for channel in &self.channels {
            out.bool(channel.on);
            out.bool(channel.length_enabled);
            out.u16(channel.length);
        }
        out.bool(self.sweep.enabled);
        out.bool(self.sweep.negated);
        out.bytes(&[self.sweep.timer, self.step]);
        out.u16(self.sweep.shadow);
        out.u64(self.edges);
    }

    /// `counter`: the divider's count, which `edges` cannot have passed.
    pub(crate) fn load(&mut self, input: &mut Reader, counter: u64) -> Result<(), StateError> {
        input.fill(&mut self.registers)?;
        input.fill(&mut self.wave)?;
        for channel in &mut self.channels {
            channel.on = input.bool()?;
            channel.length_enabled = input.bool()?;
            channel.length = input.u16()?.min(256);
        }
        self.sweep.enabled = input.bool()?;
        self.sweep.negated = input.bool()?;
        self.sweep.timer = input.u8()? & 15;
        self.step = input.u8()? & 7;
        self.sweep.shadow = input.u16()? & 0x7FF;
        self.edges = input.u64()?;
        let behind = (counter / STEP).checked_sub(self.edges);
        // A machine looks at least once in a few minutes; a state that claims years is damaged.
        if behind.is_some_and(|edges| edges < 1 << 20) || counter / STEP < self.edges {
            self.edges = self.edges.min(counter / STEP);
            Ok(())
        } else {
            Err(StateError::Damaged("sound"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn playing(length: u8) -> Apu {
        let mut apu = Apu::new(false);
        apu.write(0xFF26, 0x80);
        apu.write(0xFF17, 0xF0);
        apu.write(0xFF16, 64 - length);
        apu.write(0xFF19, 0xC0);
        apu
    }

    #[test]
    fn unused_bits_read_as_one() {
        let mut apu = Apu::new(false);
        apu.write(0xFF26, 0x80);
        for (offset, mask) in READ_MASKS.iter().enumerate().take(NR52) {
            let address = 0xFF10 + offset as u16;
            apu.write(address, 0);
            assert_eq!(apu.read(address), *mask, "{address:04X}");
        }
        assert_eq!(apu.read(0xFF26), 0xF0);
    }

    #[test]
    fn a_channel_with_a_length_ends() {
        let mut apu = playing(2);
        assert_eq!(apu.read(0xFF26), 0xF2);
        apu.sync(STEP, false);
        assert_eq!(apu.read(0xFF26), 0xF2);
        apu.sync(3 * STEP, false);
        assert_eq!(apu.read(0xFF26), 0xF0);
    }

    #[test]
    fn without_a_dac_a_channel_is_off() {
        let mut apu = playing(9);
        apu.write(0xFF17, 0x07);
        assert_eq!(apu.read(0xFF26), 0xF0);
        apu.write(0xFF19, 0x80);
        assert_eq!(apu.read(0xFF26), 0xF0);
    }

    #[test]
    fn power_off_clears_registers_but_not_waves() {
        let mut apu = playing(9);
        apu.write(0xFF30, 0x12);
        apu.write(0xFF26, 0);
        apu.write(0xFF25, 0x55);
        assert_eq!(apu.read(0xFF25), 0);
        assert_eq!(apu.read(0xFF30), 0x12);
        assert_eq!(apu.read(0xFF26), 0x70);
    }

    #[test]
    fn a_sweep_that_runs_out_of_range_switches_its_channel_off() {
        let mut apu = Apu::new(false);
        apu.write(0xFF26, 0x80);
        apu.write(0xFF12, 0xF0);
        apu.write(0xFF10, 0x11);
        apu.write(0xFF13, 0x00);
        apu.write(0xFF14, 0x84);
        assert_eq!(apu.read(0xFF26) & 1, 1);
        apu.sync(4 * STEP, false);
        assert_eq!(apu.read(0xFF26) & 1, 0);
    }
}
