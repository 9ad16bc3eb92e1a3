//! A frame in one go beside the same frame instruction by instruction: whatever is left out, taken
//! together or looked at late must not be seen.

use gameboy::{GameBoy, Mode, Model, Rom};

/// Bytes of a state before its content: they hold a checksum.
const HEADER: usize = 32;
/// Opcodes that stop the machine, or stay where they are without an interrupt.
const STOPS: [u8; 13] = [
    0x10, 0x76, 0xD3, 0xDB, 0xDD, 0xE3, 0xE4, 0xEB, 0xEC, 0xED, 0xF4, 0xFC, 0xFD,
];
/// Registers that programs read and write, as low bytes: joypad, serial, timer, `IF`, sound, PPU,
/// OAM DMA, the Color's banks and VRAM DMA, `IE`.
const REGISTERS: [u8; 32] = [
    0x00, 0x01, 0x02, 0x04, 0x05, 0x06, 0x07, 0x0F, 0x12, 0x19, 0x26, 0x40, 0x41, 0x41, 0x42, 0x43,
    0x44, 0x45, 0x45, 0x47, 0x4A, 0x4B, 0x4F, 0x51, 0x52, 0x53, 0x54, 0x55, 0x70, 0x80, 0x90, 0xFF,
];
/// `LDH (0x46),A; LD A,40; DEC A; JR NZ,-3; RET`: OAM DMA, waited for in high RAM.
const DMA: [u8; 8] = [0xE0, 0x46, 0x3E, 0x28, 0x3D, 0x20, 0xFD, 0xC9];

/// Numbers that are the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    fn byte(&mut self) -> u8 {
        self.below(256) as u8
    }

    fn of(&mut self, bytes: &[u8]) -> u8 {
        bytes[self.below(bytes.len())]
    }
}

/// A piece of a program: an instruction of any kind, or a loop as games have them.
fn piece(chance: &mut Chance, out: &mut Vec<u8>) {
    match chance.below(20) {
        0 => out.extend([0xF0, 0x44, 0xFE, chance.below(154) as u8, 0x20, 0xFA]),
        1 => out.extend([0xF0, 0x41, 0xE6, 3, 0xFE, chance.below(4) as u8, 0x20, 0xF8]),
        2 => out.extend([0x3E, 1 + chance.below(60) as u8, 0x3D, 0x20, 0xFD]),
        // DMA out of work RAM, a cartridge or video RAM.
        3 => out.extend([
            0x3E,
            chance.of(&[0xC1, 0xD2, 0xE0, 0x41, 0x98]),
            0xCD,
            0x80,
            0xFF,
        ]),
        // Bytes are copied into video or work RAM until a counter is zero.
        4 => {
            let to = chance.of(&[0x80, 0x98, 0xC3, 0xD0]);
            out.extend([
                0x21,
                0,
                to,
                0x06,
                1 + chance.byte() / 4,
                0x22,
                0x05,
                0x20,
                0xFC,
            ]);
        }
        5 => out.extend([0xFB, 0x76, 0x00]),
        // A flag in work RAM that an interrupt sets is waited for.
        6 => out.extend([0xAF, 0xEA, 0, 0xC1, 0xFB, 0xFA, 0, 0xC1, 0xA7, 0x28, 0xFA]),
        7 => out.extend([0x3E, chance.byte(), 0xE0, chance.of(&REGISTERS)]),
        8 => out.extend([0xF0, chance.of(&REGISTERS), 0x47]),
        // Another bank, then code of it.
        9 => out.extend([0x3E, chance.byte() & 3, 0xEA, 0, 0x21, 0xCD, 0x10, 0x40]),
        // Code in work RAM, and of the last bytes of a page.
        10 => out.extend([0xCD, 0xF0 + chance.below(16) as u8, 0xCF]),
        11 => out.extend([0x31, 0xF0, chance.of(&[0xDF, 0xCF, 0xFF])]),
        _ => {
            // Operands may be executed too, where they are none.
            let bytes = [
                plain(chance),
                plain(chance),
                chance.of(&[0xC1, 0xD1, 0x80, 0x21]),
            ];
            out.extend(bytes);
        }
    }
}

/// An opcode that neither stops nor leaves the program, as jumps to anywhere would.
fn plain(chance: &mut Chance) -> u8 {
    loop {
        let opcode = chance.byte();
        let is_jump = matches!(opcode,
            0x18 | 0x20 | 0x28 | 0x30 | 0x38 | 0xC0..=0xC4 | 0xC7..=0xCA | 0xCC | 0xCD | 0xCF | 0xD0
            | 0xD2 | 0xD4 | 0xD7..=0xDA | 0xDC | 0xDF | 0xE7 | 0xE9 | 0xEF | 0xF7 | 0xFF);
        if !STOPS.contains(&opcode) && !is_jump {
            return opcode;
        }
    }
}

/// A cartridge of four banks full of such pieces, that begins with `IE`, STAT, the timer and a DMA
/// routine in high RAM and comes back to its beginning in the end.
fn rom(kind: u8, chance: &mut Chance) -> Rom {
    let mut bytes = vec![0; 0x1_0000];
    for bank in bytes.chunks_exact_mut(0x4000) {
        let mut code = Vec::new();
        while code.len() < 0x3E00 {
            piece(chance, &mut code);
        }
        // A call of 0x4010 comes back.
        code[0x40..0x80].fill(0xC9);
        bank[0x10..][..code.len()].copy_from_slice(&code);
        bank[0x3F00..0x3F04].copy_from_slice(&[0xC3, 0x50, 0x01, 0x00]);
    }
    for (number, vector) in (0x40..0x68).step_by(8).enumerate() {
        // PUSH AF; INC A; LD (0xC100 + number),A; POP AF; RETI
        bytes[vector..vector + 8].copy_from_slice(&[
            0xF5,
            0x3C,
            0xEA,
            number as u8,
            0xC1,
            0xF1,
            0xD9,
            0x00,
        ]);
    }
    bytes[0x00..0x40].fill(0xC9);
    bytes[0x68..0x100].fill(0xC9);
    bytes[0x100..0x104].copy_from_slice(&[0x00, 0xC3, 0x50, 0x01]);
    let mut start = vec![0x31, 0xF0, 0xDF, 0x21, 0x80, 0xFF];
    for byte in DMA {
        start.extend([0x36, byte, 0x23]);
    }
    for (register, value) in [(0xFF, 0x07), (0x41, 0x48), (0x45, chance.byte()), (0x07, 5)] {
        start.extend([0x3E, value, 0xE0, register]);
    }
    start.extend([0xFB, 0xC3, 0x00, 0x02]);
    bytes[0x150..0x150 + start.len()].copy_from_slice(&start);
    bytes[0x147..0x14A].copy_from_slice(&[kind, 1, if kind == 0 { 0 } else { 3 }]);
    Rom::new(&bytes).expect("a header of ours")
}

/// Runs a program twice, each frame by one of two functions, and compares all that a state holds.
fn compare(
    frames: usize,
    programs: u64,
    first: impl Fn(&mut GameBoy, usize),
    second: impl Fn(&mut GameBoy, usize),
    due: impl Fn(usize) -> bool,
) {
    let (mut running, mut copied) = (0, 0);
    for (kind, model) in [(0x03, Model::Dmg), (0x1B, Model::Dmg), (0x1B, Model::Cgb)] {
        for seed in 0..programs {
            let mut chance = Chance(seed + 1000 * u64::from(kind));
            let rom = rom(kind, &mut chance);
            let (mut left, mut right) = (GameBoy::new(&rom, model), GameBoy::new(&rom, model));
            for frame in 0..frames {
                let buttons = chance.byte();
                left.set_buttons(buttons);
                right.set_buttons(buttons);
                first(&mut left, frame);
                second(&mut right, frame);
                if due(frame) {
                    let what = format!("kind {kind:02X}, {model:?}, seed {seed}, frame {frame}");
                    assert_eq!(left.cpu(), right.cpu(), "{what}");
                    assert_eq!(left.cycles(), right.cycles(), "{what}");
                    let (mine, other) = (left.save_state(), right.save_state());
                    let differ: Vec<usize> = (HEADER..mine.len())
                        .filter(|at| mine[*at] != other[*at])
                        .collect();
                    assert!(
                        differ.is_empty(),
                        "{what}: bytes {differ:?} of the state differ"
                    );
                    running += u64::from(left.cpu().mode != Mode::Locked);
                }
            }
            copied += u64::from(left.oam().iter().any(|byte| *byte != 0));
        }
    }
    assert!(
        running >= 3 * programs,
        "{running} states of running machines"
    );
    assert!(4 * copied > 3 * programs, "OAM DMA in {copied} machines");
}

#[test]
fn a_frame_in_one_go_is_the_same_as_instruction_by_instruction() {
    compare(
        40,
        12,
        |machine, frame| machine.run_frame(frame % 7 == 0),
        |machine, frame| {
            machine.run_frame_until(frame % 7 == 0, &[], false);
        },
        |_| true,
    );
}

#[test]
fn lines_that_nobody_sees_leave_behind_what_drawn_ones_do() {
    compare(
        40,
        12,
        |machine, frame| machine.run_frame(frame % 5 == 4),
        |machine, _| machine.run_frame(true),
        |frame| frame % 5 == 4,
    );
}

/// A loop that reads the joypad does not go on as before when buttons change between two frames.
#[test]
fn a_button_is_seen_by_a_loop_that_was_left_in_the_middle() {
    // P1 selects the buttons; LDH A,(P1); AND 8; JR NZ,-6; then B counts.
    let code = [
        0x3E, 0x10, 0xE0, 0x00, 0xF0, 0x00, 0xE6, 0x08, 0x20, 0xFA, 0x04, 0x18, 0xFD,
    ];
    let mut positions = 0;
    for nops in 0..8 {
        let mut bytes = vec![0; 0x8000];
        bytes[0x100..0x104].copy_from_slice(&[0x00, 0xC3, 0x50, 0x01]);
        bytes[0x150 + nops..][..code.len()].copy_from_slice(&code);
        let rom = Rom::new(&bytes).expect("a header of ours");
        let mut machine = GameBoy::new(&rom, Model::Dmg);
        machine.run_frame(false);
        machine.run_frame(false);
        let mut stepped = machine.clone();
        let before = machine.cpu().pc;
        machine.set_buttons(gameboy::button::START);
        stepped.set_buttons(gameboy::button::START);
        machine.run_frame(false);
        let end = machine.cycles();
        while stepped.cycles() < end {
            stepped.step();
            stepped.set_buttons(gameboy::button::START); // nothing is left out after it
        }
        assert_eq!(machine.cpu(), stepped.cpu(), "left at {before:04X}");
        positions |= 1 << ((usize::from(before) - nops) & 0xF);
    }
    assert!(
        i32::count_ones(positions) > 1,
        "always left at the same place"
    );
}
