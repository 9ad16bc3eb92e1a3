//! The instruction table held against what instructions do on a flat bus.

use gameboy::instructions::{INSTRUCTIONS, disassemble, prefixed};
use gameboy::{Access, Bus, Cpu, FlatBus, Mode, flag};

const CODE: u16 = 0xC000;

fn run(bytes: &[u8], cpu: Cpu) -> (Cpu, FlatBus) {
    let mut bus = FlatBus::default();
    bus.memory[usize::from(CODE)..][..bytes.len()].copy_from_slice(bytes);
    let mut cpu = Cpu {
        pc: CODE,
        sp: 0xDFF0,
        ..cpu
    };
    cpu.step(&mut bus);
    (cpu, bus)
}

fn is_special(opcode: u8) -> bool {
    matches!(opcode, 0x10 | 0x76 | 0xCB)
}

#[test]
fn rows_stand_in_order() {
    for (place, row) in INSTRUCTIONS.iter().enumerate() {
        assert_eq!(usize::from(row.opcode), place);
    }
}

#[test]
fn every_opcode_takes_the_cycles_of_its_row() {
    for row in INSTRUCTIONS.iter().filter(|row| !is_special(row.opcode)) {
        for (flags, name) in [(0, "no flag set"), (flag::Z | flag::C, "Z and C set")] {
            let (_, bus) = run(
                &[row.opcode, 0x05, 0xC1],
                Cpu {
                    f: flags,
                    ..Cpu::default()
                },
            );
            let found = bus.accesses.len();
            let on_flag = row.mnemonic.contains(" Z")
                || row.mnemonic.contains(" C,")
                || row.mnemonic == "RET C";
            let taken = row.cycles != row.cycles_taken && on_flag == (flags != 0);
            let expected = if taken { row.cycles_taken } else { row.cycles };
            assert_eq!(found, usize::from(expected), "{} with {name}", row.mnemonic);
        }
    }
}

#[test]
fn every_prefixed_opcode_takes_its_cycles() {
    for opcode in 0..=255 {
        let (_, bus) = run(&[0xCB, opcode], Cpu::default());
        let expected = usize::from(prefixed::cycles(opcode));
        assert_eq!(
            bus.accesses.len(),
            expected,
            "{}",
            prefixed::mnemonic(opcode)
        );
    }
}

#[test]
fn the_program_counter_moves_by_the_length_in_the_mnemonic() {
    for row in INSTRUCTIONS.iter().filter(|row| !is_special(row.opcode)) {
        let jumps = ["JP", "JR", "CALL", "RET", "RST", "UNUSED"]
            .iter()
            .any(|name| row.mnemonic.starts_with(name));
        if !jumps {
            let (cpu, _) = run(&[row.opcode, 0, 0xC1], Cpu::default());
            let length = disassemble([row.opcode, 0, 0], 0).length;
            assert_eq!(cpu.pc, CODE + u16::from(length), "{}", row.mnemonic);
        }
    }
}

#[test]
fn accesses_happen_in_their_own_machine_cycle() {
    let call = run(&[0xCD, 0x34, 0x12], Cpu::default()).1.accesses;
    assert_eq!(
        call[3..],
        [
            Access::Internal,
            Access::Write {
                address: 0xDFEF,
                value: 0xC0
            },
            Access::Write {
                address: 0xDFEE,
                value: 0x03
            },
        ]
    );
    let increment = run(
        &[0x34],
        Cpu {
            h: 0xC2,
            l: 0x10,
            ..Cpu::default()
        },
    )
    .1
    .accesses;
    assert_eq!(
        increment[1..],
        [
            Access::Read {
                address: 0xC210,
                value: 0
            },
            Access::Write {
                address: 0xC210,
                value: 1
            },
        ]
    );
    let add_sp = run(&[0xE8, 1], Cpu::default()).1.accesses;
    assert_eq!(add_sp[2..], [Access::Internal, Access::Internal]);
}

#[test]
fn decimal_adjustment_follows_additions_and_subtractions() {
    for left in 0..100u8 {
        for right in 0..100u8 {
            let coded = |value: u8| ((value / 10) << 4) | (value % 10);
            for (opcode, total) in [
                (0x80, u16::from(left) + u16::from(right)),
                (0x90, 100 + u16::from(left) - u16::from(right)),
            ] {
                let mut bus = FlatBus::default();
                bus.memory[..2].copy_from_slice(&[opcode, 0x27]);
                let mut cpu = Cpu {
                    a: coded(left),
                    b: coded(right),
                    ..Cpu::default()
                };
                cpu.step(&mut bus);
                cpu.step(&mut bus);
                assert_eq!(
                    cpu.a,
                    coded((total % 100) as u8),
                    "{left} {opcode:02X} {right}"
                );
                let carries = (opcode == 0x80) == (total >= 100);
                assert_eq!(cpu.f & flag::C != 0, carries);
            }
        }
    }
}

#[test]
fn ei_takes_effect_after_the_next_instruction() {
    let mut bus = FlatBus {
        interrupt_enable: 1,
        interrupt_flag: 1,
        ..FlatBus::default()
    };
    bus.memory[..2].copy_from_slice(&[0xFB, 0x00]);
    let mut cpu = Cpu {
        sp: 0xD000,
        ..Cpu::default()
    };
    cpu.step(&mut bus);
    assert!(!cpu.ime);
    cpu.step(&mut bus);
    assert_eq!((cpu.pc, cpu.ime), (2, true));
    bus.accesses.clear();
    cpu.step(&mut bus);
    assert_eq!((cpu.pc, cpu.ime, bus.interrupt_flag), (0x40, false, 0));
    assert_eq!(bus.accesses.len(), 5);
    assert_eq!(bus.memory[0xCFFE..0xD000], [2, 0]);
}

#[test]
fn di_after_ei_keeps_interrupts_out() {
    let mut bus = FlatBus {
        interrupt_enable: 1,
        interrupt_flag: 1,
        ..FlatBus::default()
    };
    bus.memory[..3].copy_from_slice(&[0xFB, 0xF3, 0x00]);
    let mut cpu = Cpu::default();
    for _ in 0..3 {
        cpu.step(&mut bus);
    }
    assert_eq!(cpu.pc, 3);
}

#[test]
fn a_dispatch_that_pushes_over_ie_may_be_lost() {
    struct Registers(FlatBus);
    impl Bus for Registers {
        fn read(&mut self, address: u16) -> u8 {
            self.0.read(address)
        }
        fn write(&mut self, address: u16, value: u8) {
            self.0.write(address, value);
            if address == 0xFFFF {
                self.0.interrupt_enable = value;
            }
        }
        fn idle(&mut self) {
            self.0.idle();
        }
        fn pending_interrupts(&self) -> u8 {
            self.0.pending_interrupts()
        }
        fn enabled_interrupts(&self) -> u8 {
            self.0.enabled_interrupts()
        }
        fn requested_interrupts(&self) -> u8 {
            self.0.requested_interrupts()
        }
        fn acknowledge_interrupt(&mut self, mask: u8) {
            self.0.acknowledge_interrupt(mask);
        }
    }
    for (pc, sp, vector) in [
        (0x0200, 0x0000, 0x0000),
        (0x0400, 0x0000, 0x0050),
        (0x0200, 1, 0x50),
    ] {
        let flat = FlatBus {
            interrupt_enable: 4,
            interrupt_flag: 4,
            ..FlatBus::default()
        };
        let mut bus = Registers(flat);
        let mut cpu = Cpu {
            pc,
            sp,
            ime: true,
            ..Cpu::default()
        };
        cpu.step(&mut bus);
        assert_eq!(cpu.pc, vector, "pc {pc:04X}, sp {sp:04X}");
    }
}

#[test]
fn halt_with_a_pending_interrupt_and_ime_off_reads_the_next_byte_twice() {
    let mut bus = FlatBus {
        interrupt_enable: 1,
        interrupt_flag: 1,
        ..FlatBus::default()
    };
    bus.memory[..2].copy_from_slice(&[0x76, 0x04]);
    let mut cpu = Cpu::default();
    cpu.step(&mut bus);
    cpu.step(&mut bus);
    cpu.step(&mut bus);
    assert_eq!((cpu.b, cpu.pc, cpu.mode), (2, 2, Mode::Running));
}

#[test]
fn text_shows_operands() {
    let text = |bytes| disassemble(bytes, 0x150).text;
    assert_eq!(text([0x3E, 0x12, 0]), "LD A,$12");
    assert_eq!(text([0xFA, 0x44, 0xFF]), "LD A,($FF44)");
    assert_eq!(text([0xF0, 0x44, 0]), "LDH A,($FF44)");
    assert_eq!(text([0x18, 0xFE, 0]), "JR $0150");
    assert_eq!(text([0xCB, 0x7E, 0]), "BIT 7,(HL)");
    assert_eq!(text([0xF8, 0xFF, 0]), "LD HL,SP-1");
}
