//! Times at which the PPU does things, as mooneye's acceptance tests measure them on hardware. The
//! programs are ours, the expected values are facts: `ppu/lcdon_timing-GS`, `lcdon_write_timing-GS`,
//! `hblank_ly_scx_timing-GS`, `intr_2_0_timing`, `intr_2_mode0_timing`, `intr_2_mode3_timing`,
//! `intr_2_oam_ok_timing`, `intr_1_2_timing-GS`, `stat_lyc_onoff`, `stat_irq_blocking`.

mod common;

use common::{LEAVE, Program};

const STAT_VECTOR: u16 = 0x48;

/// Switches the LCD on, waits `cycles` and reads `address`.
fn read_after_lcd_on(lyc: u8, cycles: usize, address: u16) -> u8 {
    let [high, low] = address.to_be_bytes();
    Program::new()
        .lcd_off()
        .set(0xFF45, lyc)
        .code(&[0x11, low, high]) // LD DE,address
        .set(0xFF40, 0x81)
        .nops(cycles)
        .code(&[0x1A, 0x47]) // LD A,(DE); LD B,A
        .end()
        .run(&[])
        .cpu()
        .b
}

#[test]
fn registers_and_memory_after_the_lcd_is_switched_on() {
    let cycles = [
        0, 17, 60, 110, 130, 174, 224, 244, 1, 18, 61, 111, 131, 175, 225, 245, 2, 19, 62, 112,
        132, 176, 226, 246,
    ];
    let tables: [(&str, u8, u16, [u8; 24]); 5] = [
        (
            "LY",
            0,
            0xFF44,
            [
                0, 0, 0, 0, 1, 1, 1, 2, 0, 0, 0, 1, 1, 1, 2, 2, 0, 0, 0, 1, 1, 1, 2, 2,
            ],
        ),
        (
            "STAT, LYC = 0",
            0,
            0xFF41,
            [
                0x84, 0x84, 0x87, 0x84, 0x82, 0x83, 0x80, 0x82, 0x84, 0x87, 0x84, 0x80, 0x82, 0x80,
                0x80, 0x82, 0x84, 0x87, 0x84, 0x82, 0x83, 0x80, 0x82, 0x83,
            ],
        ),
        (
            "STAT, LYC = 1",
            1,
            0xFF41,
            [
                0x80, 0x80, 0x83, 0x80, 0x86, 0x87, 0x84, 0x82, 0x80, 0x83, 0x80, 0x80, 0x86, 0x84,
                0x80, 0x82, 0x80, 0x83, 0x80, 0x86, 0x87, 0x84, 0x82, 0x83,
            ],
        ),
        (
            "OAM",
            0,
            0xFE00,
            [
                0x00, 0x00, 0xFF, 0x00, 0xFF, 0xFF, 0x00, 0xFF, 0x00, 0xFF, 0x00, 0xFF, 0xFF, 0x00,
                0xFF, 0xFF, 0x00, 0xFF, 0x00, 0xFF, 0xFF, 0x00, 0xFF, 0xFF,
            ],
        ),
        (
            "VRAM",
            0,
            0x8000,
            [
                0x00, 0x00, 0xFF, 0x00, 0x00, 0xFF, 0x00, 0x00, 0x00, 0xFF, 0x00, 0x00, 0xFF, 0x00,
                0x00, 0xFF, 0x00, 0xFF, 0x00, 0x00, 0xFF, 0x00, 0x00, 0xFF,
            ],
        ),
    ];
    for (name, lyc, address, expected) in tables {
        for (cycle, value) in cycles.iter().zip(expected) {
            let found = read_after_lcd_on(lyc, *cycle, address);
            assert_eq!(
                found, value,
                "{name} after {cycle} cycles: {found:02X}, not {value:02X}"
            );
        }
    }
}

#[test]
fn writes_after_the_lcd_is_switched_on() {
    let cycles = [
        0, 17, 18, 60, 61, 110, 111, 112, 130, 131, 132, 174, 175, 224, 225, 226, 244, 245, 246,
    ];
    let passes = |table: &str| {
        table
            .bytes()
            .map(|letter| letter == b'+')
            .collect::<Vec<_>>()
    };
    let tables = [
        (0xFE00, passes("++--+++--+--+++--+-")),
        (0x8000, passes("++--++++++--++++++-")),
    ];
    for (address, expected) in tables {
        let [high, low] = u16::to_be_bytes(address);
        for (cycle, passes) in cycles.iter().zip(expected) {
            let mut machine = Program::new()
                .lcd_off()
                .code(&[0x11, low, high])
                .set(0xFF40, 0x81)
                .nops(*cycle)
                .code(&[0x12]) // LD (DE),A
                .lcd_off()
                .end()
                .run(&[]);
            let found = machine.read(address) == 0x81;
            assert_eq!(
                found, passes,
                "a write to {address:04X} after {cycle} cycles"
            );
        }
    }
}

/// A routine that waits on line 0x42 for the interrupt of `stat`; its handler leaves the routine.
fn wait_for(stat: u8, line: u8) -> Vec<u8> {
    Program::new()
        .wait_line(line)
        .wait_mode(0)
        .wait_mode(3)
        .set(0xFF41, stat)
        .code(&[0xAF, 0xE0, 0x0F]) // XOR A; LDH (IF),A
        .code(&[0xFB, 0x76, 0x00]) // EI; HALT; NOP
        .code(&[0x18, 0xFE]) // JR here
        .bytes
}

/// Calls `routine`, which stands behind a jump, with HL = STAT, and goes on after it.
fn calling(routine: &[u8]) -> Program {
    // JP over the routine at 0x0153.
    let after = 0x0153 + routine.len() as u16;
    let [high, low] = after.to_be_bytes();
    Program::new()
        .code(&[0xC3, low, high])
        .code(routine)
        .set(0xFFFF, 0x02)
        .code(&[0x21, 0x41, 0xFF, 0xCD, 0x53, 0x01])
}

#[test]
fn mode_0_begins_64_cycles_after_mode_2s_interrupt() {
    for (nops, tries) in [(46, 1), (45, 2)] {
        let machine = calling(&wait_for(0x20, 0x42))
            .nops(nops)
            .code(&[0x06, 0x00]) // LD B,0
            .code(&[0x04, 0x7E, 0xE6, 3, 0x20, 0xFA]) // INC B; LD A,(HL); AND 3; JR NZ,-6
            .end()
            .run(&[(STAT_VECTOR, LEAVE)]);
        assert_eq!(machine.cpu().b, tries, "{nops} NOPs");
    }
}

#[test]
fn mode_0s_interrupt_comes_63_cycles_after_mode_2s() {
    for (nops, count) in [(4, 7), (3, 8)] {
        let count_up: &[u8] = &[
            0x3E, 0x08, 0xE0, 0x41, 0xAF, 0xE0, 0x0F, 0xFB, 0xAF, 0x47, 0x04, 0x18, 0xFD,
        ];
        let mut routine = wait_for(0x20, 0x42);
        let second = 0x0153 + routine.len() as u16;
        routine.extend_from_slice(count_up);
        let [high, low] = second.to_be_bytes();
        let machine = calling(&routine)
            .nops(nops)
            .code(&[0xCD, low, high])
            .end()
            .run(&[(STAT_VECTOR, LEAVE)]);
        assert_eq!(machine.cpu().b, count, "{nops} NOPs");
    }
}

#[test]
fn scrolling_delays_mode_0s_interrupt() {
    let delays = [
        (0, 2),
        (1, 1),
        (2, 1),
        (3, 1),
        (4, 1),
        (5, 0),
        (6, 0),
        (7, 0),
        (8, 2),
    ];
    for (scx, last_old) in delays {
        for (nops, line) in [(last_old, 0x41), (last_old + 1, 0x42)] {
            let mut routine = Program::new()
                .wait_line(0x90)
                .wait_line(0x41)
                .code(&[0xAF, 0xE0, 0x0F, 0xFB, 0x76, 0x00, 0x18, 0xFE])
                .bytes;
            let delay = 0x0153 + routine.len() as u16;
            routine.extend_from_slice(&[0; 23]);
            routine.push(0xC9);
            let [high, low] = delay.to_be_bytes();
            let machine = {
                let mut program = Program::new();
                let [after_high, after_low] = (0x0153 + routine.len() as u16).to_be_bytes();
                program = program
                    .code(&[0xC3, after_low, after_high])
                    .code(&routine)
                    .wait_line(0x90)
                    .set(0xFF43, scx)
                    .set(0xFF41, 0x08)
                    .set(0xFFFF, 0x02)
                    .code(&[0x21, 0x44, 0xFF]) // LD HL,LY
                    .code(&[0xCD, 0x53, 0x01])
                    .code(&[0xCD, low, high])
                    .nops(nops)
                    .code(&[0x7E, 0x47]) // LD A,(HL); LD B,A
                    .end();
                program.run(&[(STAT_VECTOR, LEAVE)])
            };
            assert_eq!(machine.cpu().b, line, "SCX {scx}, {nops} NOPs");
        }
    }
}

#[test]
fn lyc_is_not_compared_while_the_lcd_is_off() {
    // (LYC before it goes off, LYC while off, STAT while off, STAT after it is on, interrupt)
    let rounds = [
        (0x90, 0x01, 0xC4, 0xC0, false),
        (0x90, 0x00, 0xC4, 0xC4, false),
        (0x00, 0x01, 0xC0, 0xC0, false),
        (0x00, 0x00, 0xC0, 0xC4, true),
    ];
    for (before, during, off, on, interrupts) in rounds {
        let machine = Program::new()
            .set(0xFF41, 0x40)
            .wait_line(0x90)
            .set(0xFF45, before)
            .code(&[0xAF, 0xE0, 0x40, 0xE0, 0x0F]) // LCD off, IF clear
            .set(0xFF45, during)
            .code(&[0xF0, 0x41, 0x47]) // B = STAT
            .set(0xFF40, 0x80)
            .code(&[0xF0, 0x41, 0x4F]) // C = STAT
            .code(&[0xF0, 0x0F, 0x57]) // D = IF
            .end()
            .run(&[]);
        let cpu = machine.cpu();
        let found = (cpu.b, cpu.c, cpu.d & 2 != 0);
        assert_eq!(
            found,
            (off, on, interrupts),
            "LYC {before:02X}, then {during:02X}"
        );
    }
}

#[test]
fn a_frame_has_70224_dots() {
    let program = Program::new().code(&[0x18, 0xFE]);
    let mut machine = gameboy::GameBoy::new(&program.rom(&[]), gameboy::Model::Dmg);
    machine.run_frame(true);
    let start = machine.cycles();
    for _ in 0..60 {
        machine.run_frame(false);
    }
    let dots = machine.cycles() - start;
    assert!(dots.abs_diff(60 * 70_224) < 24, "{dots}");
    assert_eq!(machine.read(0xFF44), 0);
}

#[test]
fn a_frame_ends_where_the_lcd_is_switched() {
    let program = Program::new()
        .wait_line(0x91)
        .code(&[0xAF, 0xE0, 0x0F]) // nothing else makes the machine look up
        .set(0xFF40, 0)
        .nops(100)
        .set(0xFF40, 0x91)
        .code(&[0x18, 0xFE]);
    let mut machine = gameboy::GameBoy::new(&program.rom(&[]), gameboy::Model::Dmg);
    let mut ends = Vec::new();
    for _ in 0..5 {
        machine.run_frame(false);
        ends.push((machine.lcdc(), machine.cycles()));
    }
    let off = ends
        .iter()
        .position(|end| end.0 == 0)
        .expect("the LCD is off once");
    assert_eq!(ends[off + 1].0, 0x91);
    assert_eq!(ends[off + 1].1 - ends[off].1, 4 * 105);
    assert!((ends[off + 2].1 - ends[off + 1].1).abs_diff(70_224) < 24);
}
