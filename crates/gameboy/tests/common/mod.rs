//! Small programs, put together byte by byte, and machines that run them.
#![allow(dead_code)]

use gameboy::{GameBoy, Model, Rom};

/// Where a program begins.
pub const START: u16 = 0x0150;
/// `LD B,B`: programs end with it, as mooneye's do.
pub const END: u8 = 0x40;

/// Bytes of a program.
#[derive(Clone, Default)]
pub struct Program {
    pub bytes: Vec<u8>,
}

impl Program {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn code(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    pub fn nops(mut self, count: usize) -> Self {
        self.bytes.resize(self.bytes.len() + count, 0);
        self
    }

    /// `LD A,value; LDH (register),A`: five M-cycles, the write in the last.
    pub fn set(self, register: u16, value: u8) -> Self {
        self.code(&[0x3E, value, 0xE0, register as u8])
    }

    /// Waits for a line and switches the LCD off.
    pub fn lcd_off(self) -> Self {
        self.wait_line(0x91).set(0xFF40, 0)
    }

    /// `LDH A,(LY); CP line; JR NZ,-6`.
    pub fn wait_line(self, line: u8) -> Self {
        self.code(&[0xF0, 0x44, 0xFE, line, 0x20, 0xFA])
    }

    /// Waits until STAT shows `mode`: `LDH A,(STAT); AND 3; CP mode; JR NZ,-8`.
    pub fn wait_mode(self, mode: u8) -> Self {
        self.code(&[0xF0, 0x41, 0xE6, 3, 0xFE, mode, 0x20, 0xF8])
    }

    /// `LD A,(address)`: four M-cycles, the read in the last; result in B.
    pub fn read_into_b(self, address: u16) -> Self {
        let [high, low] = address.to_be_bytes();
        self.code(&[0xFA, low, high, 0x47])
    }

    pub fn end(self) -> Self {
        self.code(&[END, 0x18, 0xFE])
    }

    /// A ROM whose interrupt vectors return, dropping one address if `drop_return`.
    pub fn rom(&self, vectors: &[(u16, &[u8])]) -> Rom {
        let mut bytes = vec![0; 0x8000];
        bytes[0x100..0x104].copy_from_slice(&[0x00, 0xC3, 0x50, 0x01]);
        bytes[usize::from(START)..][..self.bytes.len()].copy_from_slice(&self.bytes);
        for (address, code) in vectors {
            bytes[usize::from(*address)..][..code.len()].copy_from_slice(code);
        }
        Rom::new(&bytes).expect("a ROM of ours")
    }

    /// The address of the byte that comes next.
    pub fn here(&self) -> u16 {
        START + self.bytes.len() as u16
    }

    /// A machine that is about to run the program.
    pub fn machine(&self, vectors: &[(u16, &[u8])]) -> GameBoy {
        GameBoy::new(&self.rom(vectors), Model::Dmg)
    }

    /// Runs to `LD B,B`.
    pub fn run(&self, vectors: &[(u16, &[u8])]) -> GameBoy {
        let mut machine = self.machine(vectors);
        run_to_end(&mut machine);
        machine
    }

    /// Runs to `LD B,B`; an interrupt goes on behind the program, with `handler`.
    pub fn run_from_vector(self, vector: u16, handler: &[u8]) -> GameBoy {
        let [high, low] = self.here().to_be_bytes();
        self.code(handler).run(&[(vector, &[0xC3, low, high])])
    }
}

/// Runs to `LD B,B`, in the program or in the vector of an interrupt.
pub fn run_to_end(machine: &mut GameBoy) {
    for _ in 0..2_000_000 {
        let pc = machine.cpu().pc;
        if !(0x100..START).contains(&pc) && machine.read(pc) == END {
            return;
        }
        machine.step();
    }
    panic!("the program does not end; pc = {:04X}", machine.cpu().pc);
}

/// `ADD SP,2; RET`: leaves the routine that waited for the interrupt.
pub const LEAVE: &[u8] = &[0xE8, 2, 0xC9];
