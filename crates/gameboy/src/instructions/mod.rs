//! The instruction set as one table: opcode, M-cycles (not taken, taken), mnemonic, effect.
//!
//! The table builds the decoder, the disassembler and the list in the documentation. Operands in a
//! mnemonic say how long an instruction is: `n8`, `e8` (signed) and `a8` (in page 0xFF00) one byte,
//! `n16` and `a16` two. Mnemonics and cycles are those of Pan Docs and of the RGBDS manual, gbz80(7).

use crate::bus::Bus;
use crate::cpu::{Cpu, flag};

mod disassemble;
pub mod prefixed;

pub use disassemble::{Disassembly, disassemble};

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Instruction {
    /// The opcode.
    pub opcode: u8,
    /// As a disassembler writes it, with the operand's kind in place of its value.
    pub mnemonic: &'static str,
    /// M-cycles, of a conditional jump when it is not taken.
    pub cycles: u8,
    /// M-cycles of a conditional jump that is taken.
    pub cycles_taken: u8,
}

macro_rules! instructions {
    ($cpu:ident, $bus:ident;
     $($opcode:literal $cycles:literal $taken:literal $mnemonic:literal => $effect:expr;)*) => {
        /// Every opcode without prefix, in order.
        pub static INSTRUCTIONS: [Instruction; 256] = [
            $(Instruction {
                opcode: $opcode,
                mnemonic: $mnemonic,
                cycles: $cycles,
                cycles_taken: $taken,
            }),*
        ];

        /// Executes an instruction whose opcode was fetched.
        #[inline(always)]
        pub(crate) fn execute<B: Bus>($cpu: &mut Cpu, $bus: &mut B, opcode: u8) {
            match opcode {
                $($opcode => $effect,)*
            }
        }
    };
}

#[rustfmt::skip]
instructions! {
    cpu, bus;
    0x00 1 1 "NOP" => {};
    0x01 3 3 "LD BC,n16" => { let v = cpu.fetch16(bus); cpu.set_bc(v); };
    0x02 2 2 "LD (BC),A" => { let p = cpu.bc(); bus.write(p, cpu.a); };
    0x03 2 2 "INC BC" => { bus.idle(); cpu.set_bc(cpu.bc().wrapping_add(1)); };
    0x04 1 1 "INC B" => cpu.b = cpu.inc(cpu.b);
    0x05 1 1 "DEC B" => cpu.b = cpu.dec(cpu.b);
    0x06 2 2 "LD B,n8" => cpu.b = cpu.fetch8(bus);
    0x07 1 1 "RLCA" => cpu.rotate_a(Cpu::rlc);
    0x08 5 5 "LD (a16),SP" => { let p = cpu.fetch16(bus); let [low, high] = cpu.sp.to_le_bytes(); bus.write(p, low); bus.write(p.wrapping_add(1), high); };
    0x09 2 2 "ADD HL,BC" => cpu.add_hl(bus, cpu.bc());
    0x0A 2 2 "LD A,(BC)" => { let p = cpu.bc(); cpu.a = bus.read(p); };
    0x0B 2 2 "DEC BC" => { bus.idle(); cpu.set_bc(cpu.bc().wrapping_sub(1)); };
    0x0C 1 1 "INC C" => cpu.c = cpu.inc(cpu.c);
    0x0D 1 1 "DEC C" => cpu.c = cpu.dec(cpu.c);
    0x0E 2 2 "LD C,n8" => cpu.c = cpu.fetch8(bus);
    0x0F 1 1 "RRCA" => cpu.rotate_a(Cpu::rrc);
    0x10 1 1 "STOP" => cpu.stop(bus);
    0x11 3 3 "LD DE,n16" => { let v = cpu.fetch16(bus); cpu.set_de(v); };
    0x12 2 2 "LD (DE),A" => { let p = cpu.de(); bus.write(p, cpu.a); };
    0x13 2 2 "INC DE" => { bus.idle(); cpu.set_de(cpu.de().wrapping_add(1)); };
    0x14 1 1 "INC D" => cpu.d = cpu.inc(cpu.d);
    0x15 1 1 "DEC D" => cpu.d = cpu.dec(cpu.d);
    0x16 2 2 "LD D,n8" => cpu.d = cpu.fetch8(bus);
    0x17 1 1 "RLA" => cpu.rotate_a(Cpu::rl);
    0x18 3 3 "JR e8" => cpu.jump_relative(bus, true);
    0x19 2 2 "ADD HL,DE" => cpu.add_hl(bus, cpu.de());
    0x1A 2 2 "LD A,(DE)" => { let p = cpu.de(); cpu.a = bus.read(p); };
    0x1B 2 2 "DEC DE" => { bus.idle(); cpu.set_de(cpu.de().wrapping_sub(1)); };
    0x1C 1 1 "INC E" => cpu.e = cpu.inc(cpu.e);
    0x1D 1 1 "DEC E" => cpu.e = cpu.dec(cpu.e);
    0x1E 2 2 "LD E,n8" => cpu.e = cpu.fetch8(bus);
    0x1F 1 1 "RRA" => cpu.rotate_a(Cpu::rr);
    0x20 2 3 "JR NZ,e8" => cpu.jump_relative(bus, !cpu.is_set(flag::Z));
    0x21 3 3 "LD HL,n16" => { let v = cpu.fetch16(bus); cpu.set_hl(v); };
    0x22 2 2 "LD (HL+),A" => { let p = cpu.hl_increment(); bus.write(p, cpu.a); };
    0x23 2 2 "INC HL" => { bus.idle(); cpu.set_hl(cpu.hl().wrapping_add(1)); };
    0x24 1 1 "INC H" => cpu.h = cpu.inc(cpu.h);
    0x25 1 1 "DEC H" => cpu.h = cpu.dec(cpu.h);
    0x26 2 2 "LD H,n8" => cpu.h = cpu.fetch8(bus);
    0x27 1 1 "DAA" => cpu.daa();
    0x28 2 3 "JR Z,e8" => cpu.jump_relative(bus, cpu.is_set(flag::Z));
    0x29 2 2 "ADD HL,HL" => cpu.add_hl(bus, cpu.hl());
    0x2A 2 2 "LD A,(HL+)" => { let p = cpu.hl_increment(); cpu.a = bus.read(p); };
    0x2B 2 2 "DEC HL" => { bus.idle(); cpu.set_hl(cpu.hl().wrapping_sub(1)); };
    0x2C 1 1 "INC L" => cpu.l = cpu.inc(cpu.l);
    0x2D 1 1 "DEC L" => cpu.l = cpu.dec(cpu.l);
    0x2E 2 2 "LD L,n8" => cpu.l = cpu.fetch8(bus);
    0x2F 1 1 "CPL" => cpu.cpl();
    0x30 2 3 "JR NC,e8" => cpu.jump_relative(bus, !cpu.is_set(flag::C));
    0x31 3 3 "LD SP,n16" => { let v = cpu.fetch16(bus); cpu.sp = v; };
    0x32 2 2 "LD (HL-),A" => { let p = cpu.hl_decrement(); bus.write(p, cpu.a); };
    0x33 2 2 "INC SP" => { bus.idle(); cpu.sp = cpu.sp.wrapping_add(1); };
    0x34 3 3 "INC (HL)" => { let v = bus.read(cpu.hl()); let v = cpu.inc(v); bus.write(cpu.hl(), v); };
    0x35 3 3 "DEC (HL)" => { let v = bus.read(cpu.hl()); let v = cpu.dec(v); bus.write(cpu.hl(), v); };
    0x36 3 3 "LD (HL),n8" => { let v = cpu.fetch8(bus); bus.write(cpu.hl(), v); };
    0x37 1 1 "SCF" => cpu.scf();
    0x38 2 3 "JR C,e8" => cpu.jump_relative(bus, cpu.is_set(flag::C));
    0x39 2 2 "ADD HL,SP" => cpu.add_hl(bus, cpu.sp);
    0x3A 2 2 "LD A,(HL-)" => { let p = cpu.hl_decrement(); cpu.a = bus.read(p); };
    0x3B 2 2 "DEC SP" => { bus.idle(); cpu.sp = cpu.sp.wrapping_sub(1); };
    0x3C 1 1 "INC A" => cpu.a = cpu.inc(cpu.a);
    0x3D 1 1 "DEC A" => cpu.a = cpu.dec(cpu.a);
    0x3E 2 2 "LD A,n8" => cpu.a = cpu.fetch8(bus);
    0x3F 1 1 "CCF" => cpu.ccf();
    0x40 1 1 "LD B,B" => {};
    0x41 1 1 "LD B,C" => cpu.b = cpu.c;
    0x42 1 1 "LD B,D" => cpu.b = cpu.d;
    0x43 1 1 "LD B,E" => cpu.b = cpu.e;
    0x44 1 1 "LD B,H" => cpu.b = cpu.h;
    0x45 1 1 "LD B,L" => cpu.b = cpu.l;
    0x46 2 2 "LD B,(HL)" => cpu.b = bus.read(cpu.hl());
    0x47 1 1 "LD B,A" => cpu.b = cpu.a;
    0x48 1 1 "LD C,B" => cpu.c = cpu.b;
    0x49 1 1 "LD C,C" => {};
    0x4A 1 1 "LD C,D" => cpu.c = cpu.d;
    0x4B 1 1 "LD C,E" => cpu.c = cpu.e;
    0x4C 1 1 "LD C,H" => cpu.c = cpu.h;
    0x4D 1 1 "LD C,L" => cpu.c = cpu.l;
    0x4E 2 2 "LD C,(HL)" => cpu.c = bus.read(cpu.hl());
    0x4F 1 1 "LD C,A" => cpu.c = cpu.a;
    0x50 1 1 "LD D,B" => cpu.d = cpu.b;
    0x51 1 1 "LD D,C" => cpu.d = cpu.c;
    0x52 1 1 "LD D,D" => {};
    0x53 1 1 "LD D,E" => cpu.d = cpu.e;
    0x54 1 1 "LD D,H" => cpu.d = cpu.h;
    0x55 1 1 "LD D,L" => cpu.d = cpu.l;
    0x56 2 2 "LD D,(HL)" => cpu.d = bus.read(cpu.hl());
    0x57 1 1 "LD D,A" => cpu.d = cpu.a;
    0x58 1 1 "LD E,B" => cpu.e = cpu.b;
    0x59 1 1 "LD E,C" => cpu.e = cpu.c;
    0x5A 1 1 "LD E,D" => cpu.e = cpu.d;
    0x5B 1 1 "LD E,E" => {};
    0x5C 1 1 "LD E,H" => cpu.e = cpu.h;
    0x5D 1 1 "LD E,L" => cpu.e = cpu.l;
    0x5E 2 2 "LD E,(HL)" => cpu.e = bus.read(cpu.hl());
    0x5F 1 1 "LD E,A" => cpu.e = cpu.a;
    0x60 1 1 "LD H,B" => cpu.h = cpu.b;
    0x61 1 1 "LD H,C" => cpu.h = cpu.c;
    0x62 1 1 "LD H,D" => cpu.h = cpu.d;
    0x63 1 1 "LD H,E" => cpu.h = cpu.e;
    0x64 1 1 "LD H,H" => {};
    0x65 1 1 "LD H,L" => cpu.h = cpu.l;
    0x66 2 2 "LD H,(HL)" => cpu.h = bus.read(cpu.hl());
    0x67 1 1 "LD H,A" => cpu.h = cpu.a;
    0x68 1 1 "LD L,B" => cpu.l = cpu.b;
    0x69 1 1 "LD L,C" => cpu.l = cpu.c;
    0x6A 1 1 "LD L,D" => cpu.l = cpu.d;
    0x6B 1 1 "LD L,E" => cpu.l = cpu.e;
    0x6C 1 1 "LD L,H" => cpu.l = cpu.h;
    0x6D 1 1 "LD L,L" => {};
    0x6E 2 2 "LD L,(HL)" => cpu.l = bus.read(cpu.hl());
    0x6F 1 1 "LD L,A" => cpu.l = cpu.a;
    0x70 2 2 "LD (HL),B" => bus.write(cpu.hl(), cpu.b);
    0x71 2 2 "LD (HL),C" => bus.write(cpu.hl(), cpu.c);
    0x72 2 2 "LD (HL),D" => bus.write(cpu.hl(), cpu.d);
    0x73 2 2 "LD (HL),E" => bus.write(cpu.hl(), cpu.e);
    0x74 2 2 "LD (HL),H" => bus.write(cpu.hl(), cpu.h);
    0x75 2 2 "LD (HL),L" => bus.write(cpu.hl(), cpu.l);
    0x76 1 1 "HALT" => cpu.halt(bus);
    0x77 2 2 "LD (HL),A" => bus.write(cpu.hl(), cpu.a);
    0x78 1 1 "LD A,B" => cpu.a = cpu.b;
    0x79 1 1 "LD A,C" => cpu.a = cpu.c;
    0x7A 1 1 "LD A,D" => cpu.a = cpu.d;
    0x7B 1 1 "LD A,E" => cpu.a = cpu.e;
    0x7C 1 1 "LD A,H" => cpu.a = cpu.h;
    0x7D 1 1 "LD A,L" => cpu.a = cpu.l;
    0x7E 2 2 "LD A,(HL)" => cpu.a = bus.read(cpu.hl());
    0x7F 1 1 "LD A,A" => {};
    0x80 1 1 "ADD A,B" => cpu.add(cpu.b);
    0x81 1 1 "ADD A,C" => cpu.add(cpu.c);
    0x82 1 1 "ADD A,D" => cpu.add(cpu.d);
    0x83 1 1 "ADD A,E" => cpu.add(cpu.e);
    0x84 1 1 "ADD A,H" => cpu.add(cpu.h);
    0x85 1 1 "ADD A,L" => cpu.add(cpu.l);
    0x86 2 2 "ADD A,(HL)" => { let v = bus.read(cpu.hl()); cpu.add(v); };
    0x87 1 1 "ADD A,A" => cpu.add(cpu.a);
    0x88 1 1 "ADC A,B" => cpu.adc(cpu.b);
    0x89 1 1 "ADC A,C" => cpu.adc(cpu.c);
    0x8A 1 1 "ADC A,D" => cpu.adc(cpu.d);
    0x8B 1 1 "ADC A,E" => cpu.adc(cpu.e);
    0x8C 1 1 "ADC A,H" => cpu.adc(cpu.h);
    0x8D 1 1 "ADC A,L" => cpu.adc(cpu.l);
    0x8E 2 2 "ADC A,(HL)" => { let v = bus.read(cpu.hl()); cpu.adc(v); };
    0x8F 1 1 "ADC A,A" => cpu.adc(cpu.a);
    0x90 1 1 "SUB B" => cpu.sub(cpu.b);
    0x91 1 1 "SUB C" => cpu.sub(cpu.c);
    0x92 1 1 "SUB D" => cpu.sub(cpu.d);
    0x93 1 1 "SUB E" => cpu.sub(cpu.e);
    0x94 1 1 "SUB H" => cpu.sub(cpu.h);
    0x95 1 1 "SUB L" => cpu.sub(cpu.l);
    0x96 2 2 "SUB (HL)" => { let v = bus.read(cpu.hl()); cpu.sub(v); };
    0x97 1 1 "SUB A" => cpu.sub(cpu.a);
    0x98 1 1 "SBC A,B" => cpu.sbc(cpu.b);
    0x99 1 1 "SBC A,C" => cpu.sbc(cpu.c);
    0x9A 1 1 "SBC A,D" => cpu.sbc(cpu.d);
    0x9B 1 1 "SBC A,E" => cpu.sbc(cpu.e);
    0x9C 1 1 "SBC A,H" => cpu.sbc(cpu.h);
    0x9D 1 1 "SBC A,L" => cpu.sbc(cpu.l);
    0x9E 2 2 "SBC A,(HL)" => { let v = bus.read(cpu.hl()); cpu.sbc(v); };
    0x9F 1 1 "SBC A,A" => cpu.sbc(cpu.a);
    0xA0 1 1 "AND B" => cpu.and(cpu.b);
    0xA1 1 1 "AND C" => cpu.and(cpu.c);
    0xA2 1 1 "AND D" => cpu.and(cpu.d);
    0xA3 1 1 "AND E" => cpu.and(cpu.e);
    0xA4 1 1 "AND H" => cpu.and(cpu.h);
    0xA5 1 1 "AND L" => cpu.and(cpu.l);
    0xA6 2 2 "AND (HL)" => { let v = bus.read(cpu.hl()); cpu.and(v); };
    0xA7 1 1 "AND A" => cpu.and(cpu.a);
    0xA8 1 1 "XOR B" => cpu.xor(cpu.b);
    0xA9 1 1 "XOR C" => cpu.xor(cpu.c);
    0xAA 1 1 "XOR D" => cpu.xor(cpu.d);
    0xAB 1 1 "XOR E" => cpu.xor(cpu.e);
    0xAC 1 1 "XOR H" => cpu.xor(cpu.h);
    0xAD 1 1 "XOR L" => cpu.xor(cpu.l);
    0xAE 2 2 "XOR (HL)" => { let v = bus.read(cpu.hl()); cpu.xor(v); };
    0xAF 1 1 "XOR A" => cpu.xor(cpu.a);
    0xB0 1 1 "OR B" => cpu.or(cpu.b);
    0xB1 1 1 "OR C" => cpu.or(cpu.c);
    0xB2 1 1 "OR D" => cpu.or(cpu.d);
    0xB3 1 1 "OR E" => cpu.or(cpu.e);
    0xB4 1 1 "OR H" => cpu.or(cpu.h);
    0xB5 1 1 "OR L" => cpu.or(cpu.l);
    0xB6 2 2 "OR (HL)" => { let v = bus.read(cpu.hl()); cpu.or(v); };
    0xB7 1 1 "OR A" => cpu.or(cpu.a);
    0xB8 1 1 "CP B" => cpu.cp(cpu.b);
    0xB9 1 1 "CP C" => cpu.cp(cpu.c);
    0xBA 1 1 "CP D" => cpu.cp(cpu.d);
    0xBB 1 1 "CP E" => cpu.cp(cpu.e);
    0xBC 1 1 "CP H" => cpu.cp(cpu.h);
    0xBD 1 1 "CP L" => cpu.cp(cpu.l);
    0xBE 2 2 "CP (HL)" => { let v = bus.read(cpu.hl()); cpu.cp(v); };
    0xBF 1 1 "CP A" => cpu.cp(cpu.a);
    0xC0 2 5 "RET NZ" => cpu.ret_if(bus, !cpu.is_set(flag::Z));
    0xC1 3 3 "POP BC" => { let v = cpu.pop(bus); cpu.set_bc(v); };
    0xC2 3 4 "JP NZ,a16" => cpu.jump(bus, !cpu.is_set(flag::Z));
    0xC3 4 4 "JP a16" => cpu.jump(bus, true);
    0xC4 3 6 "CALL NZ,a16" => cpu.call(bus, !cpu.is_set(flag::Z));
    0xC5 4 4 "PUSH BC" => cpu.push(bus, cpu.bc());
    0xC6 2 2 "ADD A,n8" => { let v = cpu.fetch8(bus); cpu.add(v); };
    0xC7 4 4 "RST $00" => cpu.restart(bus, 0x00);
    0xC8 2 5 "RET Z" => cpu.ret_if(bus, cpu.is_set(flag::Z));
    0xC9 4 4 "RET" => cpu.ret(bus);
    0xCA 3 4 "JP Z,a16" => cpu.jump(bus, cpu.is_set(flag::Z));
    0xCB 2 2 "PREFIX" => { let prefixed = cpu.fetch8(bus); prefixed::execute(cpu, bus, prefixed); };
    0xCC 3 6 "CALL Z,a16" => cpu.call(bus, cpu.is_set(flag::Z));
    0xCD 6 6 "CALL a16" => cpu.call(bus, true);
    0xCE 2 2 "ADC A,n8" => { let v = cpu.fetch8(bus); cpu.adc(v); };
    0xCF 4 4 "RST $08" => cpu.restart(bus, 0x08);
    0xD0 2 5 "RET NC" => cpu.ret_if(bus, !cpu.is_set(flag::C));
    0xD1 3 3 "POP DE" => { let v = cpu.pop(bus); cpu.set_de(v); };
    0xD2 3 4 "JP NC,a16" => cpu.jump(bus, !cpu.is_set(flag::C));
    0xD3 1 1 "UNUSED" => cpu.lock(bus);
    0xD4 3 6 "CALL NC,a16" => cpu.call(bus, !cpu.is_set(flag::C));
    0xD5 4 4 "PUSH DE" => cpu.push(bus, cpu.de());
    0xD6 2 2 "SUB n8" => { let v = cpu.fetch8(bus); cpu.sub(v); };
    0xD7 4 4 "RST $10" => cpu.restart(bus, 0x10);
    0xD8 2 5 "RET C" => cpu.ret_if(bus, cpu.is_set(flag::C));
    0xD9 4 4 "RETI" => cpu.return_from_interrupt(bus);
    0xDA 3 4 "JP C,a16" => cpu.jump(bus, cpu.is_set(flag::C));
    0xDB 1 1 "UNUSED" => cpu.lock(bus);
    0xDC 3 6 "CALL C,a16" => cpu.call(bus, cpu.is_set(flag::C));
    0xDD 1 1 "UNUSED" => cpu.lock(bus);
    0xDE 2 2 "SBC A,n8" => { let v = cpu.fetch8(bus); cpu.sbc(v); };
    0xDF 4 4 "RST $18" => cpu.restart(bus, 0x18);
    0xE0 3 3 "LDH (a8),A" => { let p = cpu.fetch8(bus); bus.write(0xFF00 | u16::from(p), cpu.a); };
    0xE1 3 3 "POP HL" => { let v = cpu.pop(bus); cpu.set_hl(v); };
    0xE2 2 2 "LDH (C),A" => bus.write(0xFF00 | u16::from(cpu.c), cpu.a);
    0xE3 1 1 "UNUSED" => cpu.lock(bus);
    0xE4 1 1 "UNUSED" => cpu.lock(bus);
    0xE5 4 4 "PUSH HL" => cpu.push(bus, cpu.hl());
    0xE6 2 2 "AND n8" => { let v = cpu.fetch8(bus); cpu.and(v); };
    0xE7 4 4 "RST $20" => cpu.restart(bus, 0x20);
    0xE8 4 4 "ADD SP,e8" => { cpu.sp = cpu.sp_plus_operand(bus); bus.idle(); };
    0xE9 1 1 "JP HL" => cpu.pc = cpu.hl();
    0xEA 4 4 "LD (a16),A" => { let p = cpu.fetch16(bus); bus.write(p, cpu.a); };
    0xEB 1 1 "UNUSED" => cpu.lock(bus);
    0xEC 1 1 "UNUSED" => cpu.lock(bus);
    0xED 1 1 "UNUSED" => cpu.lock(bus);
    0xEE 2 2 "XOR n8" => { let v = cpu.fetch8(bus); cpu.xor(v); };
    0xEF 4 4 "RST $28" => cpu.restart(bus, 0x28);
    0xF0 3 3 "LDH A,(a8)" => { let p = cpu.fetch8(bus); cpu.a = bus.read(0xFF00 | u16::from(p)); };
    0xF1 3 3 "POP AF" => { let v = cpu.pop(bus); cpu.set_af(v); };
    0xF2 2 2 "LDH A,(C)" => cpu.a = bus.read(0xFF00 | u16::from(cpu.c));
    0xF3 1 1 "DI" => cpu.ime = false;
    0xF4 1 1 "UNUSED" => cpu.lock(bus);
    0xF5 4 4 "PUSH AF" => cpu.push(bus, cpu.af());
    0xF6 2 2 "OR n8" => { let v = cpu.fetch8(bus); cpu.or(v); };
    0xF7 4 4 "RST $30" => cpu.restart(bus, 0x30);
    0xF8 3 3 "LD HL,SP+e8" => { let v = cpu.sp_plus_operand(bus); cpu.set_hl(v); };
    0xF9 2 2 "LD SP,HL" => { bus.idle(); cpu.sp = cpu.hl(); };
    0xFA 4 4 "LD A,(a16)" => { let p = cpu.fetch16(bus); cpu.a = bus.read(p); };
    0xFB 1 1 "EI" => cpu.enable_interrupts(bus);
    0xFC 1 1 "UNUSED" => cpu.lock(bus);
    0xFD 1 1 "UNUSED" => cpu.lock(bus);
    0xFE 2 2 "CP n8" => { let v = cpu.fetch8(bus); cpu.cp(v); };
    0xFF 4 4 "RST $38" => cpu.restart(bus, 0x38);
}
