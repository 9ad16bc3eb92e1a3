//! The opcodes after the prefix 0xCB: eight rotations and shifts, BIT, RES and SET, each for eight
//! operands. The opcode's fields say it all.

use crate::bus::Bus;
use crate::cpu::Cpu;

/// Operands in the order of an opcode's low three bits.
pub const OPERANDS: [&str; 8] = ["B", "C", "D", "E", "H", "L", "(HL)", "A"];
/// Rotations and shifts in the order of bits 3 to 5 of the opcodes 0x00 to 0x3F.
pub const SHIFTS: [&str; 8] = ["RLC", "RRC", "RL", "RR", "SLA", "SRA", "SWAP", "SRL"];

/// As a disassembler writes it.
pub fn mnemonic(opcode: u8) -> String {
    let operand = OPERANDS[usize::from(opcode & 7)];
    let middle = opcode >> 3 & 7;
    match opcode >> 6 {
        0 => format!("{} {operand}", SHIFTS[usize::from(middle)]),
        1 => format!("BIT {middle},{operand}"),
        2 => format!("RES {middle},{operand}"),
        _ => format!("SET {middle},{operand}"),
    }
}

/// M-cycles, with those of the prefix.
pub fn cycles(opcode: u8) -> u8 {
    match (opcode & 7, opcode >> 6) {
        (6, 1) => 3,
        (6, _) => 4,
        _ => 2,
    }
}

#[inline(always)]
pub(crate) fn execute<B: Bus>(cpu: &mut Cpu, bus: &mut B, opcode: u8) {
    let value = match opcode & 7 {
        0 => cpu.b,
        1 => cpu.c,
        2 => cpu.d,
        3 => cpu.e,
        4 => cpu.h,
        5 => cpu.l,
        6 => bus.read(cpu.hl()),
        _ => cpu.a,
    };
    let bit = opcode >> 3 & 7;
    let result = match opcode >> 6 {
        0 => match bit {
            0 => cpu.rlc(value),
            1 => cpu.rrc(value),
            2 => cpu.rl(value),
            3 => cpu.rr(value),
            4 => cpu.sla(value),
            5 => cpu.sra(value),
            6 => cpu.swap(value),
            _ => cpu.srl(value),
        },
        1 => {
            cpu.test_bit(bit, value);
            return;
        }
        2 => value & !(1 << bit),
        _ => value | 1 << bit,
    };
    match opcode & 7 {
        0 => cpu.b = result,
        1 => cpu.c = result,
        2 => cpu.d = result,
        3 => cpu.e = result,
        4 => cpu.h = result,
        5 => cpu.l = result,
        6 => bus.write(cpu.hl(), result),
        _ => cpu.a = result,
    }
}
