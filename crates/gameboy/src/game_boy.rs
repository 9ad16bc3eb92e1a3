//! A whole machine: what a program that uses this crate holds.

use std::fmt;
use std::sync::Arc;

use crate::bus::Bus as _;
use crate::cartridge::header::Header;
use crate::cartridge::{Cartridge, Rom};
use crate::cpu::{Cpu, Mode};
use crate::memory::Memory;
use crate::ppu::Frame;
use crate::pyboy;
use crate::state::{HEADER, MAGIC, Reader, STATE_VERSION, StateError, Writer, checksum};

/// Which machine is emulated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Model {
    /// The one that the cartridge was made for.
    #[default]
    Auto,
    /// The original Game Boy.
    Dmg,
    /// The Game Boy Color, running a cartridge made for it.
    Cgb,
}

/// A boot ROM of a size that no machine has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootRomError(usize);

impl fmt::Display for BootRomError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a boot ROM has 256 bytes, or 2304 for a Game Boy Color; this one has {}",
            self.0
        )
    }
}

impl std::error::Error for BootRomError {}

/// A Game Boy with a cartridge.
#[derive(Clone, Debug)]
pub struct GameBoy {
    cpu: Cpu,
    memory: Memory,
    rom: Arc<[u8]>,
    fingerprint: u64,
    header: Arc<Header>,
}

impl GameBoy {
    /// A machine that is about to run the cartridge's first instruction, in the state that the boot
    /// ROM leaves.
    pub fn new(rom: &Rom, model: Model) -> Self {
        let mut machine = Self::switched_on(rom, model, None);
        machine.skip_boot_rom();
        machine
    }

    /// A machine that runs `boot_rom` first.
    ///
    /// # Errors
    /// [`BootRomError`] if it is neither 256 nor 2304 bytes long.
    pub fn with_boot_rom(rom: &Rom, model: Model, boot_rom: &[u8]) -> Result<Self, BootRomError> {
        match boot_rom.len() {
            0x100 | 0x900 => Ok(Self::switched_on(rom, model, Some(Arc::from(boot_rom)))),
            other => Err(BootRomError(other)),
        }
    }

    fn switched_on(rom: &Rom, model: Model, boot_rom: Option<Arc<[u8]>>) -> Self {
        let color = match model {
            Model::Auto => rom.header().color,
            Model::Dmg => false,
            Model::Cgb => true,
        };
        let cartridge = Cartridge::new(rom, crate::memory::FIRST_TICK);
        let mut memory = Memory::new(cartridge, color, boot_rom);
        memory.begin_frame();
        Self {
            cpu: Cpu::default(),
            memory,
            rom: rom.shared(),
            fingerprint: rom.fingerprint() ^ u64::from(color),
            header: Arc::new(rom.header().clone()),
        }
    }

    /// Registers after the boot ROM (Pan Docs, "Power-Up Sequence"; mooneye, `boot_regs`, `boot_div`,
    /// `boot_hwio`).
    fn skip_boot_rom(&mut self) {
        let now = self.memory.clock;
        let color = self.memory.color;
        let (a, f, b, c, d, e, h, l, counter) = if color && self.header.color {
            (0x11, 0x80, 0x00, 0x00, 0xFF, 0x56, 0x00, 0x0D, 0x2674)
        } else if color {
            (0x11, 0x80, 0x00, 0x00, 0x00, 0x08, 0x00, 0x7C, 0x2674)
        } else {
            // H and C are set unless the header's checksum is zero.
            let flags = if self.memory.cartridge.read_low(0x14D) == 0 {
                0x80
            } else {
                0xB0
            };
            (0x01, flags, 0x00, 0x13, 0x00, 0xD8, 0x01, 0x4D, 0xABCC)
        };
        self.cpu = Cpu {
            a,
            f,
            b,
            c,
            d,
            e,
            h,
            l,
            sp: 0xFFFE,
            pc: 0x0100,
            ..Cpu::default()
        };
        self.memory.timer.set_counter(now, counter);
        self.memory.apu.boot();
        self.memory.joypad.select = if color { 0x30 } else { 0x00 };
        self.memory.interrupt_flag = 0x01;
        self.memory.ppu.boot(now);
        self.memory.end_boot();
    }

    /// The CPU's registers.
    pub fn cpu(&self) -> &Cpu {
        &self.cpu
    }

    /// The CPU's registers, to be changed.
    pub fn cpu_mut(&mut self) -> &mut Cpu {
        &mut self.cpu
    }

    /// Whether the machine runs as a Game Boy Color.
    pub fn is_color(&self) -> bool {
        self.memory.color
    }

    /// Whether the boot ROM is still running.
    pub fn is_booting(&self) -> bool {
        self.memory.boot_rom_is_mapped()
    }

    /// T-cycles at normal speed since the machine was switched on; 70,224 of them are a frame.
    pub fn cycles(&self) -> u64 {
        self.memory.cycles()
    }

    /// Whether the next [`Self::step`] dispatches an interrupt.
    pub fn dispatches_interrupt(&self) -> bool {
        let cpu = &self.cpu;
        cpu.mode == Mode::Running && cpu.ime && self.memory.pending_interrupts() != 0
    }

    /// Executes one instruction, or dispatches one interrupt, or waits in HALT.
    pub fn step(&mut self) {
        self.cpu.step(&mut self.memory);
        self.memory.catch_up();
        self.memory.sync_oam_dma();
    }

    /// Runs to the end of the frame: 70,224 dots, fewer where the LCD is switched on or off.
    ///
    /// `render`: whether pixels of this frame are wanted. Nothing else depends on it.
    pub fn run_frame(&mut self, render: bool) {
        self.begin_frame(render);
        while !self.memory.frame_done {
            self.cpu.step(&mut self.memory);
            // Whatever makes a step more than an instruction makes an event due.
            self.memory.run(&mut self.cpu, &self.rom);
            self.memory.catch_up();
        }
        self.end_frame();
    }

    /// As [`Self::run_frame`], but stops before the instruction at one of these places, a ROM bank
    /// and an address each; outside of ROM the bank does not matter. Answers which place it was, or
    /// `None` at the end of the frame. `goes_on`: continues a frame that was stopped, past the place.
    pub fn run_frame_until(
        &mut self,
        render: bool,
        places: &[(usize, u16)],
        goes_on: bool,
    ) -> Option<usize> {
        if goes_on {
            self.step();
        } else {
            self.begin_frame(render);
        }
        while !self.memory.frame_done {
            let pc = self.cpu.pc;
            let bank = match pc {
                0x4000..=0x7FFF => self.memory.cartridge.high_bank(),
                _ => 0,
            };
            let is_here = |place: &(usize, u16)| {
                place.1 == pc && (place.0 == bank || pc >= 0x8000) && self.cpu.mode != Mode::Halted
            };
            if let Some(found) = places.iter().position(is_here) {
                return Some(found);
            }
            self.step();
        }
        self.end_frame();
        None
    }

    fn begin_frame(&mut self, render: bool) {
        self.memory.ppu.rendering = render;
        self.memory.begin_frame();
    }

    fn end_frame(&mut self) {
        self.memory.sync_oam_dma();
        self.memory.ppu.sync(self.memory.clock);
        if self.memory.ppu.rendering && !self.memory.ppu.is_on() {
            self.memory.ppu.blank();
        }
    }

    /// The buttons that are held from now on, a mask of [`crate::button`].
    pub fn set_buttons(&mut self, pressed: u8) {
        self.memory.set_pressed(pressed);
    }

    /// The buttons that are held.
    pub fn buttons(&self) -> u8 {
        self.memory.joypad.pressed
    }

    /// The picture, row by row from the top left.
    pub fn frame(&self) -> Frame<'_> {
        self.memory.ppu.frame()
    }

    /// The byte at `address`, without time passing. Video memory and OAM are open at any time.
    pub fn read(&mut self, address: u16) -> u8 {
        self.memory.peek(address)
    }

    /// Writes a byte at `address`, without time passing. Video memory and OAM are open at any time.
    pub fn write(&mut self, address: u16, value: u8) {
        self.memory.poke(address, value);
    }

    /// Sets the 16-bit counter whose high byte is DIV: where a program's randomness starts.
    pub fn set_divider(&mut self, counter: u16) {
        self.memory.timer.set_counter(self.memory.clock, counter);
        self.memory.schedule();
    }

    /// Work RAM, eight banks of 4 KiB; the original has the first two.
    pub fn wram(&self) -> &[u8] {
        let bytes = if self.memory.color { 0x8000 } else { 0x2000 };
        &self.memory.wram[..bytes]
    }

    /// Video RAM, two banks of 8 KiB; the original has the first.
    pub fn vram(&self) -> &[u8] {
        let bytes = if self.memory.color { 0x4000 } else { 0x2000 };
        &self.memory.ppu.vram[..bytes]
    }

    /// Sprite attributes, 40 of four bytes.
    pub fn oam(&self) -> &[u8; 0xA0] {
        &self.memory.ppu.oam
    }

    /// High RAM, 0xFF80 to 0xFFFE.
    pub fn hram(&self) -> &[u8; 0x7F] {
        &self.memory.hram
    }

    /// RAM of the cartridge, all banks.
    pub fn cartridge_ram(&self) -> &[u8] {
        &self.memory.cartridge.ram
    }

    /// RAM of the cartridge, to be changed: a saved game goes in here.
    pub fn cartridge_ram_mut(&mut self) -> &mut [u8] {
        &mut self.memory.cartridge.ram
    }

    /// A byte of ROM bank `bank`, if there is such a bank.
    pub fn rom_at(&self, bank: usize, address: u16) -> Option<u8> {
        self.memory.cartridge.rom_at(bank, address)
    }

    /// The ROM bank at 0x4000.
    pub fn rom_bank(&self) -> usize {
        self.memory.cartridge.high_bank()
    }

    /// LCDC, without side effects.
    pub fn lcdc(&self) -> u8 {
        self.memory.ppu.lcdc()
    }

    /// What was sent over the serial port, oldest byte first.
    pub fn serial_output(&self) -> &[u8] {
        &self.memory.serial.sent
    }

    /// The whole state, with version and checksum.
    pub fn save_state(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.out.reserve(64 << 10);
        self.save_state_into(&mut writer.out);
        writer.out
    }

    /// As [`Self::save_state`], into a buffer that is cleared first and can be used again.
    pub fn save_state_into(&self, buffer: &mut Vec<u8>) {
        buffer.clear();
        let mut writer = Writer {
            out: std::mem::take(buffer),
        };
        writer.bytes(&MAGIC);
        writer.bytes(&STATE_VERSION.to_le_bytes());
        writer.bytes(&[0; HEADER - 12]);
        self.save_cpu(&mut writer);
        self.memory.save(&mut writer);
        let mut out = writer.out;
        let length = (out.len() - HEADER) as u32;
        let sum = checksum(&out[HEADER..]) ^ self.fingerprint.rotate_left(32);
        out[12..16].copy_from_slice(&length.to_le_bytes());
        out[16..24].copy_from_slice(&self.fingerprint.to_le_bytes());
        out[24..32].copy_from_slice(&sum.to_le_bytes());
        *buffer = out;
    }

    /// Takes over a saved state, of its own or of PyBoy 2.
    ///
    /// States of PyBoy's have no checksum and do not name their ROM: that they belong to this one is
    /// for the caller to know.
    ///
    /// # Errors
    /// [`StateError`] if it is damaged, of another version or of another ROM; the machine is then as
    /// it was before.
    pub fn load_state(&mut self, state: &[u8]) -> Result<(), StateError> {
        if !state.starts_with(&MAGIC) && state.len() >= HEADER {
            return self.load_pyboy_state(state);
        }
        let body = self.checked_body(state)?;
        let mut cpu = Cpu::default();
        let mut input = Reader::new(body);
        load_cpu(&mut cpu, &mut input)?;
        // What can be wrong now was made with a right checksum; only then a copy is needed.
        let mut probe = input;
        let backup = self.memory.save_bytes();
        match self.memory.load(&mut probe).and_then(|()| probe.end()) {
            Ok(()) => {
                self.cpu = cpu;
                Ok(())
            }
            Err(error) => {
                self.memory.restore(&backup);
                Err(error)
            }
        }
    }

    fn load_pyboy_state(&mut self, state: &[u8]) -> Result<(), StateError> {
        let state = pyboy::State::read(state, &self.header)?;
        let mut memory = self.memory.clone();
        state.take_over(&mut memory)?;
        self.memory = memory;
        self.cpu = state.cpu();
        Ok(())
    }

    fn checked_body<'a>(&self, state: &'a [u8]) -> Result<&'a [u8], StateError> {
        let (header, body) = state.split_at_checked(HEADER).ok_or(StateError::Foreign)?;
        if header[..8] != MAGIC {
            return Err(StateError::Foreign);
        }
        let word = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|i| header[at + i]));
        let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
        if word(8) != STATE_VERSION {
            return Err(StateError::Version(word(8)));
        }
        let expected = word(12) as usize;
        if body.len() != expected {
            return Err(StateError::Length {
                expected: HEADER.saturating_add(expected),
                found: state.len(),
            });
        }
        if long(16) != self.fingerprint {
            return Err(StateError::OtherRom);
        }
        if long(24) != checksum(body) ^ self.fingerprint.rotate_left(32) {
            return Err(StateError::Checksum);
        }
        Ok(body)
    }

    fn save_cpu(&self, out: &mut Writer) {
        let cpu = &self.cpu;
        out.bytes(&[cpu.a, cpu.f, cpu.b, cpu.c, cpu.d, cpu.e, cpu.h, cpu.l]);
        out.u16(cpu.sp);
        out.u16(cpu.pc);
        out.bool(cpu.ime);
        out.u8(cpu.mode as u8);
    }
}

fn load_cpu(cpu: &mut Cpu, input: &mut Reader) -> Result<(), StateError> {
    [cpu.a, cpu.f, cpu.b, cpu.c, cpu.d, cpu.e, cpu.h, cpu.l] = input.array()?;
    cpu.f &= 0xF0;
    cpu.sp = input.u16()?;
    cpu.pc = input.u16()?;
    cpu.ime = input.bool()?;
    cpu.mode = match input.u8()? {
        0 => Mode::Running,
        1 => Mode::EnablingInterrupts,
        2 => Mode::Halted,
        3 => Mode::HaltBug,
        4 => Mode::Locked,
        _ => return Err(StateError::Damaged("CPU")),
    };
    Ok(())
}

impl GameBoy {
    /// Spends M-cycles without executing anything, as a test of the machine's parts may want.
    pub fn idle(&mut self, machine_cycles: u32) {
        for _ in 0..machine_cycles {
            self.memory.idle();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cartridge::tests::numbered_rom;

    /// Numbers that are the same in every run.
    struct Chance(u64);

    impl Chance {
        fn below(&mut self, limit: usize) -> usize {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (self.0 >> 33) as usize % limit
        }
    }

    fn machine(kind: u8, model: Model) -> GameBoy {
        GameBoy::new(&numbered_rom(kind, 2, 3), model)
    }

    /// Gives a changed state a right length and checksum.
    fn seal(machine: &GameBoy, state: &mut [u8]) {
        let length = (state.len() - HEADER) as u32;
        let sum = checksum(&state[HEADER..]) ^ machine.fingerprint.rotate_left(32);
        state[12..16].copy_from_slice(&length.to_le_bytes());
        state[24..32].copy_from_slice(&sum.to_le_bytes());
    }

    #[test]
    fn a_state_brings_everything_back() {
        for (kind, model) in [(0x00, Model::Dmg), (0x10, Model::Dmg), (0x1B, Model::Cgb)] {
            let mut machine = machine(kind, model);
            for _ in 0..3 {
                machine.run_frame(true);
            }
            let state = machine.save_state();
            let mut other = self::machine(kind, model);
            other.load_state(&state).expect("its own state");
            assert_eq!(other.save_state(), state);
            for _ in 0..2 {
                machine.run_frame(true);
                other.run_frame(true);
            }
            assert_eq!(other.save_state(), machine.save_state());
        }
    }

    #[test]
    fn a_state_of_another_machine_is_refused() {
        let state = machine(0x1B, Model::Dmg).save_state();
        let mut other = machine(0x19, Model::Dmg);
        assert_eq!(other.load_state(&state), Err(StateError::OtherRom));
        let mut color = machine(0x1B, Model::Cgb);
        assert_eq!(color.load_state(&state), Err(StateError::OtherRom));
    }

    /// Whatever a state holds, loading it either fails and changes nothing, or gives a machine that
    /// runs. Checksums are made right, so that the content itself is looked at.
    #[test]
    fn no_state_makes_a_machine_that_fails() {
        let mut chance = Chance(1);
        let (mut loaded, mut refused) = (0, 0);
        for (kind, model) in [(0x10, Model::Dmg), (0x1B, Model::Cgb), (0x03, Model::Dmg)] {
            let mut machine = machine(kind, model);
            machine.run_frame(true);
            let good = machine.save_state();
            let memory = if model == Model::Cgb { 0x8000 } else { 0x2000 };
            for round in 0..150 {
                let mut state = good.clone();
                for _ in 0..1 + chance.below(4) {
                    // The fields before and after work RAM, rather than its many bytes.
                    let at = match chance.below(3) {
                        0 => chance.below(40),
                        1 => 40 + memory + chance.below(400),
                        _ => chance.below(state.len() - HEADER),
                    };
                    let at = HEADER + at.min(state.len() - HEADER - 1);
                    state[at] = chance.below(256) as u8;
                }
                if round % 10 == 0 {
                    state.truncate(HEADER + chance.below(state.len() - HEADER));
                }
                seal(&machine, &mut state);
                let before = machine.save_state();
                if machine.load_state(&state).is_ok() {
                    loaded += 1;
                    machine.run_frame(true);
                    machine.load_state(&good).expect("a good state");
                } else {
                    refused += 1;
                    assert_eq!(machine.save_state(), before);
                }
            }
        }
        assert!(
            loaded > 100 && refused > 100,
            "{loaded} loaded, {refused} refused"
        );
    }

    #[test]
    fn no_rom_makes_a_machine_that_fails() {
        let mut chance = Chance(2);
        for kind in [0x00, 0x03, 0x06, 0x10, 0x1B] {
            for model in [Model::Dmg, Model::Cgb] {
                let mut bytes: Vec<u8> = (0..0x1_0000).map(|_| chance.below(256) as u8).collect();
                bytes[0x147..0x14A].copy_from_slice(&[kind, 1, 3]);
                let rom = Rom::new(&bytes).expect("a header of ours");
                let mut machine = GameBoy::new(&rom, model);
                for frame in 0..8 {
                    machine.set_buttons(chance.below(256) as u8);
                    machine.run_frame(frame % 2 == 0);
                }
                assert!(machine.cycles() > 0);
            }
        }
    }
}
