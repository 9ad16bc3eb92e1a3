//! The sound of PyBoy's states: its channels, as the registers that set them.

use super::{V2_8, flag, refused};
use crate::state::{Reader, StateError};

/// What of sound a program can read.
#[derive(Debug, Default)]
pub(crate) struct Sound {
    /// NR10 to NR52, as they were written.
    pub(crate) registers: [u8; 0x17],
    pub(crate) wave: [u8; 16],
    pub(crate) channels: [Channel; 4],
    /// Step of the frame sequencer that comes next.
    pub(crate) step: u8,
    /// The sweep's shadow frequency, whether it is enabled and whether it went down.
    pub(crate) sweep: (u16, bool, bool),
}

/// What a channel is doing.
#[derive(Debug, Default)]
pub(crate) struct Channel {
    pub(crate) on: bool,
    pub(crate) length: u16,
    pub(crate) length_enabled: bool,
}

impl Sound {
    pub(super) fn read(input: &mut Reader, version: u8) -> Result<Self, StateError> {
        let mut sound = Self::default();
        if version < 14 {
            // Nothing was saved of sound. It is on, as boot ROMs leave it.
            sound.registers[0x16] = 0x80;
            return Ok(sound);
        }
        sound.read_mixer(input, version)?;
        sound.read_tone(input, version, 0)?;
        sound.read_sweep(input, version)?;
        sound.read_tone(input, version, 1)?;
        sound.read_wave(input, version)?;
        sound.read_noise(input, version)?;
        Ok(sound)
    }

    fn read_mixer(&mut self, input: &mut Reader, version: u8) -> Result<(), StateError> {
        let _head = input.u64()?;
        let samples = input.u64()?;
        let _cycles_per_sample = input.u64()?;
        if samples > 100_000 {
            return Err(refused("its sound buffer has no size that a frame has"));
        }
        input.bytes((samples as usize + 1) * 2)?;
        let _speed = input.u8()?;
        // Targets, cycles and the counter of falling edges.
        input.bytes(8 * 6)?;
        self.step = (input.u64()? & 7) as u8;
        if version >= V2_8 {
            input.u8()?;
        }
        self.registers[0x16] = u8::from(flag(input)?) << 7;
        let _sampling = input.u8()?;
        for _ in 0..8 {
            self.registers[0x15] |= input.u8()?;
        }
        if version >= 15 {
            self.registers[0x14] = input.u8()?;
        }
        Ok(())
    }

    fn channel(&mut self, number: usize, on: bool, length: u64, length_enabled: bool) {
        self.channels[number] = Channel {
            on,
            length: length.min(256) as u16,
            length_enabled,
        };
        self.registers[5 * number + 4] |= u8::from(length_enabled) << 6;
    }

    /// The low byte and the three high bits of a frequency.
    fn frequency(&mut self, number: usize, frequency: u16) {
        let [high, low] = frequency.to_be_bytes();
        self.registers[5 * number + 3] = low;
        self.registers[5 * number + 4] |= high & 7;
    }

    fn read_tone(
        &mut self,
        input: &mut Reader,
        version: u8,
        number: usize,
    ) -> Result<(), StateError> {
        let [duty, length, volume, direction, pace] = input.array()?;
        self.registers[5 * number + 1] = duty << 6 | length & 0x3F;
        self.registers[5 * number + 2] = volume << 4 | (direction & 1) << 3 | pace & 7;
        self.frequency_of(input, number)?;
        let (length_enabled, on) = (flag(input)?, flag(input)?);
        let left = input.u64()?;
        self.channel(number, on, left, length_enabled);
        input.bytes(8 * 5)?;
        if version >= V2_8 {
            input.bytes(3)?;
        }
        Ok(())
    }

    fn frequency_of(&mut self, input: &mut Reader, number: usize) -> Result<(), StateError> {
        let frequency = input.u16()?;
        self.frequency(number, frequency);
        Ok(())
    }

    fn read_sweep(&mut self, input: &mut Reader, version: u8) -> Result<(), StateError> {
        let [pace, direction, shift] = input.array()?;
        self.registers[0] = (pace & 7) << 4 | (direction & 1) << 3 | shift & 7;
        input.bytes(8 * if version >= V2_8 { 4 } else { 1 })?;
        let negated = version >= V2_8 && flag(input)?;
        let enabled = flag(input)?;
        self.sweep = (input.u64()? as u16 & 0x7FF, enabled, negated);
        Ok(())
    }

    fn read_wave(&mut self, input: &mut Reader, version: u8) -> Result<(), StateError> {
        self.wave = input.array()?;
        let [power, length, volume] = input.array()?;
        self.registers[0x0A] = u8::from(power != 0) << 7;
        self.registers[0x0B] = length;
        self.registers[0x0C] = (volume & 3) << 5;
        self.frequency_of(input, 2)?;
        let (length_enabled, on) = (flag(input)?, flag(input)?);
        let left = input.u64()?;
        self.channel(2, on, left, length_enabled);
        input.bytes(8 * 4 + if version >= V2_8 { 3 + 8 } else { 0 })?;
        Ok(())
    }

    fn read_noise(&mut self, input: &mut Reader, version: u8) -> Result<(), StateError> {
        let [length, volume, direction, pace, shift, width, divider] = input.array()?;
        self.registers[0x10] = length & 0x3F;
        self.registers[0x11] = volume << 4 | (direction & 1) << 3 | pace & 7;
        self.registers[0x12] = shift << 4 | (width & 1) << 3 | divider & 7;
        let (length_enabled, on) = (flag(input)?, flag(input)?);
        let left = input.u64()?;
        self.channel(3, on, left, length_enabled);
        input.bytes(8 * 6)?;
        if version >= V2_8 {
            input.bytes(8 * 3 + 1)?;
        }
        Ok(())
    }
}
