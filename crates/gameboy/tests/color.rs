//! What a Game Boy Color has besides: banks, palettes, priorities, VRAM DMA, double speed (Pan Docs,
//! "CGB Registers", "Palettes", "OAM", "BG Map Attributes").

mod common;

use common::Program;
use gameboy::{Frame, GameBoy, Model, Rom};

fn color(program: &Program) -> GameBoy {
    let mut bytes = program.rom(&[]).bytes().to_vec();
    bytes[0x143] = 0xC0;
    let rom = Rom::new(&bytes).expect("a ROM of ours");
    GameBoy::new(&rom, Model::Auto)
}

fn run(program: Program) -> GameBoy {
    let mut machine = color(&program.end());
    common::run_to_end(&mut machine);
    machine
}

/// A machine whose LCD is off, so that its memory is free.
fn idle() -> GameBoy {
    run(Program::new().lcd_off())
}

#[test]
fn the_header_chooses_the_model() {
    let machine = idle();
    assert!(machine.is_color());
    let cpu = machine.cpu();
    assert_eq!((cpu.sp, cpu.de()), (0xFFFE, 0xFF56));
}

#[test]
fn work_ram_has_eight_banks_and_bank_0_means_1() {
    let mut machine = idle();
    for bank in 1..8 {
        machine.write(0xFF70, bank);
        machine.write(0xD000, 0x10 + bank);
    }
    machine.write(0xC000, 0x99);
    for (bank, value) in [(0, 0x11), (1, 0x11), (2, 0x12), (7, 0x17), (0xFA, 0x12)] {
        machine.write(0xFF70, bank);
        assert_eq!(machine.read(0xD000), value, "bank {bank}");
        assert_eq!(machine.read(0xF000), value, "the echo of bank {bank}");
        assert_eq!(machine.read(0xC000), 0x99);
    }
}

#[test]
fn video_ram_has_two_banks() {
    let mut machine = idle();
    machine.write(0xFF4F, 0);
    machine.write(0x8000, 1);
    machine.write(0xFF4F, 0xFF);
    machine.write(0x8000, 2);
    assert_eq!((machine.read(0xFF4F), machine.read(0x8000)), (0xFF, 2));
    machine.write(0xFF4F, 0xFE);
    assert_eq!((machine.read(0xFF4F), machine.read(0x8000)), (0xFE, 1));
}

/// M-cycles of a program, by the clock of the LCD, up to `LD B,B`.
fn dots(program: Program) -> u64 {
    let mut machine = color(&program.end());
    while machine.cpu().pc < common::START {
        machine.step();
    }
    let start = machine.cycles();
    common::run_to_end(&mut machine);
    machine.cycles() - start
}

/// `LD A,1; LDH (KEY1),A; STOP`.
fn fast() -> Program {
    Program::new().set(0xFF4D, 1).code(&[0x10, 0x00])
}

#[test]
fn at_double_speed_the_cpu_takes_half_the_time() {
    let slow = dots(Program::new().nops(200)) - dots(Program::new());
    let double = dots(fast().nops(200)) - dots(fast());
    assert_eq!((slow, double), (800, 400));
    let machine = run(fast().read_into_b(0xFF4D));
    assert_eq!(
        machine.cpu().b,
        0xFE,
        "KEY1 shows the speed, and the switch is done"
    );
    let machine = run(fast().code(&fast().bytes).read_into_b(0xFF4D));
    assert_eq!(machine.cpu().b, 0x7E, "a second switch goes back");
}

#[test]
fn the_timer_goes_with_the_cpu_and_the_lcd_does_not() {
    // TIMA counts every 4 M-cycles at either speed.
    // By reference: rustc 1.95 and 1.96 free a value twice that is moved into a closure here
    // (rust-lang/rust#158830, optimised builds, mended in 1.97).
    let count = |program: &Program| {
        run(program
            .clone()
            .code(&[0xAF, 0xE0, 0x04])
            .set(0xFF05, 0)
            .set(0xFF07, 5)
            .nops(400)
            .read_into_b(0xFF05))
        .cpu()
        .b
    };
    assert_eq!(count(&Program::new()), count(&fast()));
    assert!(count(&Program::new()) >= 100);
}

/// A transfer of some blocks from 0x4000 to 0x8100.
fn transfer(program: Program, control: u8) -> Program {
    program
        .set(0xFF51, 0x40)
        .set(0xFF52, 0x0F) // the low four bits do not count
        .set(0xFF53, 0xE1) // nor do the high three
        .set(0xFF54, 0x00)
        .set(0xFF55, control)
}

#[test]
fn general_vram_dma_stops_the_cpu_for_eight_cycles_a_block() {
    for blocks in [1u64, 2, 128] {
        let control = (blocks - 1) as u8;
        let with = dots(transfer(Program::new(), control));
        let without = dots(transfer(Program::new(), 0));
        assert_eq!(with - without, 32 * (blocks - 1), "{blocks} blocks");
        let with = dots(transfer(fast(), control));
        let without = dots(transfer(fast(), 0));
        assert_eq!(
            with - without,
            32 * (blocks - 1),
            "{blocks} at double speed"
        );
    }
}

#[test]
fn vram_dma_copies_from_rom_and_says_that_it_is_done() {
    let mut program = transfer(Program::new().lcd_off(), 0x01)
        .read_into_b(0xFF55)
        .end();
    program.bytes.resize(0x4000 - usize::from(common::START), 0);
    let data: Vec<u8> = (0..32).map(|byte| byte ^ 0xA5).collect();
    let mut machine = color(&program.code(&data));
    common::run_to_end(&mut machine);
    assert_eq!(machine.cpu().b, 0xFF);
    let copied: Vec<u8> = (0x8100..0x8120).map(|at| machine.read(at)).collect();
    assert_eq!(copied, data);
    assert_eq!(machine.read(0x8120), 0);
}

/// Sets HBlank DMA of four blocks going in line 0x10, lets `lines` pass and reads 0xFF55.
fn hblank(lines: u8, code: &[u8]) -> u8 {
    let program = Program::new().wait_line(0x0F).wait_line(0x10).wait_mode(2);
    run(transfer(program, 0x83)
        .code(code)
        .wait_line(0x10 + lines)
        .wait_mode(2)
        .read_into_b(0xFF55))
    .cpu()
    .b
}

#[test]
fn hblank_vram_dma_copies_a_block_in_each_hblank() {
    let left: Vec<u8> = [1, 2, 3, 4].map(|lines| hblank(lines, &[])).to_vec();
    assert_eq!(left, [2, 1, 0, 0xFF]);
    // Bit 7 clear: the transfer ends where it is, and what is left can be read.
    assert_eq!(hblank(3, &[0x3E, 0x00, 0xE0, 0x55]) & 0x80, 0x80);
}

#[test]
fn hblank_vram_dma_waits_while_the_cpu_is_in_halt() {
    // HALT until VBlank's interrupt (IME is off): 128 lines with an HBlank each, and no block.
    let program = Program::new()
        .wait_line(0x0F)
        .wait_line(0x10)
        .wait_mode(2)
        .set(0xFFFF, 0x01)
        .code(&[0xAF, 0xE0, 0x0F]);
    let program = transfer(program, 0x83)
        .code(&[0x76, 0x00])
        .read_into_b(0xFF55);
    let left = run(program).cpu().b;
    assert!((2..=3).contains(&left), "{left}");
}

#[test]
fn palettes_take_15_bits_and_count_up() {
    let mut machine = idle();
    machine.write(0xFF68, 0x80);
    for byte in [0x1F, 0x00, 0xE0, 0x03, 0x00, 0x7C, 0xFF, 0xFF] {
        machine.write(0xFF69, byte);
    }
    assert_eq!(machine.read(0xFF68), 0xC8);
    machine.write(0xFF68, 0x02);
    assert_eq!(machine.read(0xFF69), 0xE0);
    machine.write(0xFF69, 0x12);
    assert_eq!((machine.read(0xFF68), machine.read(0xFF69)), (0x42, 0x12));
}

const RED: u16 = 0x001F;
const GREEN: u16 = 0x03E0;
const BLUE: u16 = 0x7C00;

/// A machine with tile 1 full of colour 1, background palette 0 blue where it is 1, and sprite
/// palettes 0 (red) and 1 (green); its LCD is off.
fn scene() -> GameBoy {
    let mut machine = idle();
    for offset in (0..16).step_by(2) {
        machine.write(0x8010 + offset, 0xFF);
        machine.write(0x8011 + offset, 0x00);
    }
    machine.write(0xFF68, 0x82);
    for byte in BLUE.to_le_bytes() {
        machine.write(0xFF69, byte);
    }
    for (palette, shade) in [(0, RED), (1, GREEN)] {
        machine.write(0xFF6A, 0x82 + 8 * palette);
        for byte in shade.to_le_bytes() {
            machine.write(0xFF6B, byte);
        }
    }
    machine
}

/// Puts a sprite with tile 1 at the upper left corner.
fn sprite(machine: &mut GameBoy, number: u16, x: u8, flags: u8) {
    for (field, value) in (0..).zip([16, 8 + x, 1, flags]) {
        machine.write(0xFE00 + 4 * number + field, value);
    }
}

/// Switches the LCD on and answers the colour of a pixel of the second frame.
fn pixel(machine: &mut GameBoy, lcdc: u8, x: usize) -> u16 {
    machine.write(0xFF40, lcdc);
    for _ in 0..3 {
        machine.run_frame(true);
    }
    assert!(matches!(machine.frame(), Frame::Colors(_)));
    machine.frame().shade(x, 0)
}

#[test]
fn the_first_sprite_in_oam_is_in_front_and_opri_brings_back_the_order_by_x() {
    for (priority, front) in [(0, RED), (1, GREEN)] {
        let mut machine = scene();
        machine.write(0xFF6C, priority);
        sprite(&mut machine, 0, 4, 0);
        sprite(&mut machine, 1, 2, 1);
        assert_eq!(pixel(&mut machine, 0x93, 5), front, "OPRI {priority}");
    }
}

#[test]
fn background_sprite_and_lcdc_decide_together_who_is_in_front() {
    // (attribute of the background, flags of the sprite, LCDC's bit 0, what is seen)
    let cases = [
        (0x00, 0x00, 1, RED),
        (0x00, 0x80, 1, BLUE),
        (0x80, 0x00, 1, BLUE),
        (0x80, 0x80, 1, BLUE),
        (0x00, 0x80, 0, RED),
        (0x80, 0x00, 0, RED),
    ];
    for (attribute, flags, master, seen) in cases {
        let mut machine = scene();
        machine.write(0x9800, 1);
        machine.write(0xFF4F, 1);
        machine.write(0x9800, attribute);
        machine.write(0xFF4F, 0);
        sprite(&mut machine, 0, 0, flags);
        let found = pixel(&mut machine, 0x92 | master, 3);
        assert_eq!(found, seen, "{attribute:02X} {flags:02X} {master}");
    }
}

#[test]
fn attributes_choose_bank_palette_and_direction() {
    let mut machine = scene();
    // Tile 2 of bank 1: its first row has colour 1 at the left alone.
    machine.write(0xFF4F, 1);
    machine.write(0x8020, 0x80);
    machine.write(0x9800, 0x08 | 0x20 | 0x01); // bank 1, flipped, palette 1
    machine.write(0xFF4F, 0);
    machine.write(0x9800, 2);
    machine.write(0xFF68, 0x8A);
    for byte in GREEN.to_le_bytes() {
        machine.write(0xFF69, byte);
    }
    assert_eq!(pixel(&mut machine, 0x91, 7), GREEN);
    assert_ne!(pixel(&mut machine, 0x91, 0), GREEN);
    let mut machine = scene();
    machine.write(0xFF4F, 1);
    machine.write(0x8010, 0x00);
    machine.write(0xFF4F, 0);
    sprite(&mut machine, 0, 0, 0x08); // its tile is that of bank 1, whose first row is empty
    assert_ne!(pixel(&mut machine, 0x93, 0), RED);
}

/// What reads as ones on a Color that runs a game made for it.
#[test]
fn unused_bits_of_a_color() {
    let used = [
        (0xFF02, 0x83),
        (0xFF4D, 0x81),
        (0xFF4F, 0x01),
        (0xFF68, 0xBF),
        (0xFF6A, 0xBF),
        (0xFF6C, 0x01),
        (0xFF70, 0x07),
        (0xFF75, 0x70),
    ];
    for (address, bits) in used {
        for value in [0, 0x7E] {
            let mut machine = idle();
            machine.write(address, value);
            let found = machine.read(address);
            assert_eq!(found | bits, 0xFF, "{address:04X}: {found:02X}");
        }
    }
    let mut machine = idle();
    for address in [0xFF72, 0xFF73, 0xFF74] {
        machine.write(address, 0x5A);
        assert_eq!(machine.read(address), 0x5A);
    }
    assert_eq!((machine.read(0xFF76), machine.read(0xFF77)), (0, 0));
}
