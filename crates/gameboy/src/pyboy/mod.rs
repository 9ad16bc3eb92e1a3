//! Saved states of PyBoy 2: their bytes, read field by field.
//!
//! A file begins with the version of its format and has neither a checksum nor the name of its
//! ROM. What a version holds was read in the releases that write it: the methods `save_state` in
//! `pyboy/core/*.py` of PyBoy 2.0.0, 2.3.0, 2.4.1, 2.5.3, 2.7.0 and 2.8.1. A file that is too short
//! or too long for the cartridge at hand is refused.

mod sound;
mod take_over;

use crate::cartridge::header::{Header, Mapper};
use crate::state::{Reader, StateError};
pub(crate) use sound::Sound;

/// Versions of the format that releases wrote: 2.0 to 2.2, 2.3, 2.4, 2.5, 2.6 and 2.7, 2.8.
const VERSIONS: [u8; 6] = [10, 11, 12, 14, 15, 29];
/// The first version of 2.8. Nothing that was released lies between it and 15.
const V2_8: u8 = 16;
const VRAM_BANK: usize = 0x2000;
const RAM_BANK: usize = 0x2000;
/// For each line where it was scrolled to.
const SCROLLING: usize = 5 * crate::ppu::HEIGHT;
const PIXELS: usize = crate::ppu::WIDTH * crate::ppu::HEIGHT;

/// Why a state of PyBoy's was refused.
fn refused(reason: &'static str) -> StateError {
    StateError::PyBoy(reason)
}

/// All that a file holds and that this machine has.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) cpu: Processor,
    pub(crate) is_booting: bool,
    pub(crate) speed_switch: u8,
    pub(crate) double_speed: bool,
    pub(crate) color: bool,
    pub(crate) hdma: Hdma,
    pub(crate) oam_dma: OamDma,
    pub(crate) lcd: Lcd,
    pub(crate) sound: Sound,
    /// Bytes of a picture, red, green, blue and alpha; empty if there is none.
    pub(crate) picture: Vec<u8>,
    pub(crate) window_reached: bool,
    pub(crate) wram: Vec<u8>,
    pub(crate) io: Vec<u8>,
    pub(crate) hram: Vec<u8>,
    pub(crate) wram_bank: u8,
    pub(crate) timer: Timer,
    pub(crate) cartridge: Cartridge,
    /// Directions and the other buttons, a zero for each that is held.
    pub(crate) buttons: [u8; 2],
    pub(crate) serial: Serial,
}

#[derive(Debug, Default)]
pub(crate) struct Processor {
    /// A, F, B, C, D, E.
    pub(crate) bytes: [u8; 6],
    pub(crate) hl: u16,
    pub(crate) sp: u16,
    pub(crate) pc: u16,
    pub(crate) ime: bool,
    pub(crate) is_enabling: bool,
    pub(crate) halted: bool,
    pub(crate) interrupt_enable: u8,
    pub(crate) interrupt_flag: u8,
    /// T-cycles of the CPU since it was switched on.
    pub(crate) cycles: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Hdma {
    pub(crate) control: u8,
    pub(crate) active: bool,
    pub(crate) source: u16,
    pub(crate) destination: u16,
}

#[derive(Debug, Default)]
pub(crate) struct OamDma {
    pub(crate) active: bool,
    pub(crate) source: u8,
    pub(crate) index: u8,
    pub(crate) start_cycle: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Lcd {
    /// One bank, or two.
    pub(crate) vram: Vec<u8>,
    pub(crate) oam: Vec<u8>,
    /// LCDC, BGP, OBP0, OBP1, STAT, LY, LYC, SCY, SCX, WY, WX.
    pub(crate) registers: [u8; 11],
    pub(crate) priority_mode: u8,
    pub(crate) first_frame: bool,
    /// The LCD was switched on, and nothing was done about it yet.
    pub(crate) is_resetting: bool,
    /// Dots since the frame began.
    pub(crate) clock: u64,
    pub(crate) vram_bank: u8,
    /// Of background and objects: the register that selects, and 32 colours.
    pub(crate) palettes: [(u8, Vec<u8>); 2],
}

#[derive(Debug, Default)]
pub(crate) struct Timer {
    pub(crate) counter: u16,
    pub(crate) tima: u8,
    pub(crate) tma: u8,
    pub(crate) tac: u8,
    /// 1: TIMA overflowed, 2: it was loaded from TMA; each for so many cycles more.
    pub(crate) reload: u8,
    pub(crate) reload_cycles: u16,
}

#[derive(Debug, Default)]
pub(crate) struct Cartridge {
    pub(crate) rom_bank: u8,
    pub(crate) ram_bank: u8,
    pub(crate) ram_enabled: bool,
    pub(crate) mode: bool,
    pub(crate) ram: Vec<u8>,
    /// The two bank registers of an MBC1.
    pub(crate) registers: [u8; 2],
    pub(crate) clock: Option<Clock>,
}

/// The clock of an MBC3.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    /// Seconds, minutes, hours, the low byte of the days, their ninth bit with carry and halt.
    pub(crate) registers: [u8; 5],
    /// Cycles of the second that runs.
    pub(crate) cycles: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Serial {
    pub(crate) sb: u8,
    pub(crate) sc: u8,
    pub(crate) transferring: bool,
    pub(crate) cycles_left: u64,
}

impl State {
    /// Reads a file that belongs to a cartridge with this header.
    pub(crate) fn read(bytes: &[u8], header: &Header) -> Result<Self, StateError> {
        let mut input = Reader::new(bytes);
        let version = input.u8()?;
        if !VERSIONS.contains(&version) {
            return Err(match version {
                2..=60 => refused(
                    "no release of PyBoy 2 up to 2.8 writes this version of its format; load it \
                     in PyBoy 2.8 and save it anew",
                ),
                _ => StateError::Foreign,
            });
        }
        Self::read_fields(&mut input, version, header).map_err(|error| match error {
            StateError::Damaged(_) => {
                refused("it is cut off, or was saved from a ROM with another kind of cartridge")
            }
            other => other,
        })
    }

    fn read_fields(input: &mut Reader, version: u8, header: &Header) -> Result<Self, StateError> {
        let mut state = Self::read_machine(input, version)?;
        state.cartridge = Cartridge::read(input, version, header)?;
        state.buttons = input.array()?;
        if version >= 15 {
            state.serial = Serial::read(input)?;
        }
        if version >= V2_8 {
            // A Super Game Boy: seven fields, four joypads, tiles, map and palettes of its border.
            input.bytes(7 + 4 + 0x2000 + 0x800 + 0x80)?;
        }
        input.end()?;
        Ok(state)
    }

    /// Everything up to the cartridge, which looks the same for all of them.
    fn read_machine(input: &mut Reader, version: u8) -> Result<Self, StateError> {
        let mut state = Self {
            is_booting: flag(input)?,
            ..Self::default()
        };
        if version >= V2_8 {
            input.u8()?;
        }
        state.speed_switch = input.u8()? & 1;
        state.double_speed = flag(input)?;
        state.color = flag(input)?;
        if state.color {
            state.hdma = Hdma::read(input)?;
        }
        state.cpu = Processor::read(input, version)?;
        if version >= V2_8 {
            state.oam_dma = OamDma::read(input)?;
        }
        state.lcd = Lcd::read(input, version, state.color)?;
        state.sound = Sound::read(input, version)?;
        state.picture = read_picture(input, version)?;
        state.window_reached = version >= V2_8 && flag(input)?;
        let wram = if state.color { 0x8000 } else { 0x2000 };
        state.wram = input.bytes(wram)?.to_vec();
        input.bytes(0x60)?;
        state.io = input.bytes(0x4C)?.to_vec();
        state.hram = input.bytes(0x7F)?.to_vec();
        if version < V2_8 {
            input.bytes(0x20)?;
            state.lcd.priority_mode = input.u8()?;
            input.bytes(3)?;
        }
        state.wram_bank = input.u8()?;
        if version < V2_8 {
            input.bytes(0x0F)?;
        }
        state.timer = Timer::read(input, version)?;
        Ok(state)
    }
}

/// A flag is any byte; PyBoy keeps some as the bit of a register.
fn flag(input: &mut Reader) -> Result<bool, StateError> {
    Ok(input.u8()? != 0)
}

fn read_picture(input: &mut Reader, version: u8) -> Result<Vec<u8>, StateError> {
    if version < 11 {
        input.bytes(SCROLLING)?;
    }
    // A fifth byte says how the pixel came about.
    let pixels = input.bytes(5 * PIXELS)?.as_chunks::<5>().0;
    Ok(pixels
        .iter()
        .flat_map(|pixel| &pixel[..4])
        .copied()
        .collect())
}

impl Processor {
    fn read(input: &mut Reader, version: u8) -> Result<Self, StateError> {
        let mut cpu = Self {
            bytes: input.array()?,
            hl: input.u16()?,
            sp: input.u16()?,
            pc: input.u16()?,
            ime: flag(input)?,
            ..Self::default()
        };
        cpu.is_enabling = version >= V2_8 && flag(input)?;
        cpu.halted = flag(input)?;
        let _stopped = input.u8()?;
        cpu.interrupt_enable = input.u8()?;
        let _queued = input.u8()?;
        cpu.interrupt_flag = input.u8()?;
        if version >= 12 {
            cpu.cycles = input.u64()?;
        }
        Ok(cpu)
    }
}

impl Hdma {
    fn read(input: &mut Reader) -> Result<Self, StateError> {
        input.bytes(4)?;
        Ok(Self {
            control: input.u8()?,
            active: flag(input)?,
            source: input.u16()?,
            destination: input.u16()?,
        })
    }
}

impl OamDma {
    fn read(input: &mut Reader) -> Result<Self, StateError> {
        let active = flag(input)?;
        let _reading = input.u8()?;
        Ok(Self {
            active,
            source: input.u8()?,
            index: input.u8()?,
            start_cycle: input.u64()?,
        })
    }
}

impl Lcd {
    fn read(input: &mut Reader, version: u8, color: bool) -> Result<Self, StateError> {
        let mut lcd = Self {
            vram: input.bytes(VRAM_BANK)?.to_vec(),
            oam: input.bytes(0xA0)?.to_vec(),
            registers: input.array()?,
            ..Self::default()
        };
        if version >= V2_8 {
            lcd.priority_mode = input.u8()?;
        }
        if version >= 11 {
            input.bytes(SCROLLING)?;
        }
        let runs_as_color = flag(input)?;
        if version >= V2_8 && flag(input)? {
            return Err(refused(
                "in it a Game Boy Color runs a game of the original, which is not offered here; \
                 save it with PyBoy(..., cgb=False)",
            ));
        }
        if runs_as_color != color {
            return Err(refused("its LCD is that of another model"));
        }
        let speed = flag(input)?;
        if version >= 14 {
            let _frame_done = input.u8()?;
            lcd.first_frame = flag(input)?;
            lcd.is_resetting = flag(input)?;
        }
        if version >= 12 {
            let _last_cycles = input.u64()?;
        }
        let (clock, target) = (input.u64()?, input.u64()?);
        lcd.clock = if version >= 14 {
            clock
        } else {
            lcd.clock_of_line(target.saturating_sub(clock) >> u8::from(speed))
        };
        let _next_mode = input.u8()?;
        if version >= V2_8 {
            let _transition = input.u8()?;
        }
        if color {
            lcd.vram.extend_from_slice(input.bytes(VRAM_BANK)?);
            lcd.vram_bank = input.u8()?;
            for (select, colors) in &mut lcd.palettes {
                *select = input.u8()?;
                input.bytes(3)?;
                *colors = input.bytes(64)?.to_vec();
            }
        }
        Ok(lcd)
    }
}

impl Lcd {
    /// Dots since the frame began, from how many are left of a mode: the clock of older versions
    /// begins anywhere.
    fn clock_of_line(&self, dots_left: u64) -> u64 {
        let [.., stat, ly, _, _, _, _, _] = self.registers;
        let end = match stat & 3 {
            _ if self.registers[0] & 0x80 == 0 => return 0,
            2 => 80,
            3 => 250,
            _ => crate::ppu::LINE_DOTS,
        };
        u64::from(ly) * crate::ppu::LINE_DOTS + u64::saturating_sub(end, dots_left)
    }
}

impl Timer {
    fn read(input: &mut Reader, version: u8) -> Result<Self, StateError> {
        let (div, tima) = (input.u8()?, input.u8()?);
        let (counter, reload_cycles) = (input.u16()?, input.u16()?);
        let mut timer = Self {
            // Older versions count the low byte alone.
            counter: u16::from_be_bytes([div, counter as u8]),
            tima,
            reload_cycles,
            tma: input.u8()?,
            tac: input.u8()?,
            reload: 0,
        };
        if version >= V2_8 {
            timer.reload = input.u8()?;
        }
        if version >= 12 {
            let _last_cycles = input.u64()?;
        }
        if version >= 14 {
            let _cycles_to_interrupt = input.u64()?;
        }
        Ok(timer)
    }
}

impl Cartridge {
    fn read(input: &mut Reader, version: u8, header: &Header) -> Result<Self, StateError> {
        let mut cartridge = Self {
            rom_bank: input.u8()?,
            ram_bank: input.u8()?,
            ram_enabled: flag(input)?,
            mode: flag(input)?,
            ..Self::default()
        };
        // There is always a bank of RAM, even of 8 KiB where the cartridge has less or none.
        let banks = header.ram_bytes.div_ceil(RAM_BANK).max(1);
        cartridge.ram = input.bytes(banks * RAM_BANK)?.to_vec();
        if header.has_clock {
            cartridge.clock = Some(Clock::read(input, version)?);
        }
        if matches!(header.mapper, Mapper::Mbc1 | Mapper::Mbc1Multicart) {
            cartridge.registers = input.array()?;
        }
        if version >= V2_8 && header.mapper == Mapper::Mbc5 && flag(input)? {
            let _motor_runs = input.u8()?;
        }
        Ok(cartridge)
    }
}

impl Clock {
    fn read(input: &mut Reader, version: u8) -> Result<Self, StateError> {
        // Before 2.8 there is only the real time of its start, which means nothing here.
        let _started = input.bytes(if version <= 12 { 4 } else { 8 })?;
        let [halt, carry] = input.array::<2>()?.map(|byte| byte & 1);
        let mut clock = Self::default();
        clock.registers[4] = carry << 7 | halt << 6;
        if version >= V2_8 {
            let [seconds, minutes, hours, day_low, day_high, halt, carry] = input.array()?;
            let high = (carry & 1) << 7 | (halt & 1) << 6 | day_high & 1;
            clock.registers = [seconds, minutes, hours, day_low, high];
            clock.cycles = input.u64()?;
            let _saved = input.u64()?;
        }
        Ok(clock)
    }
}

impl Serial {
    fn read(input: &mut Reader) -> Result<Self, StateError> {
        let (sb, sc) = (input.u8()?, input.u8()?);
        let transferring = flag(input)?;
        let _internal_clock = input.u8()?;
        let (_last, _to_interrupt) = (input.u64()?, input.u64()?);
        let (clock, target) = (input.u64()?, input.u64()?);
        Ok(Self {
            sb,
            sc,
            transferring,
            cycles_left: target.saturating_sub(clock),
        })
    }
}
