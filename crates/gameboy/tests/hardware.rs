//! What the acceptance tests of mooneye ask for besides the PPU's times. The programs are ours, the
//! expected values are facts of hardware; the names in brackets are those of the tests.

mod common;

use common::Program;
use gameboy::{GameBoy, Model};

const VBLANK: u16 = 0x40;
const STAT: u16 = 0x48;
const TIMER: u16 = 0x50;
const SERIAL: u16 = 0x58;

/// A machine that has just left the boot ROM.
fn booted(model: Model) -> GameBoy {
    GameBoy::new(&Program::new().end().rom(&[]), model)
}

/// What a read shows in M-cycle `cycle` after the boot ROM.
fn read_in_cycle(cycle: u32, address: u16) -> u8 {
    let mut machine = booted(Model::Dmg);
    machine.idle(cycle);
    machine.read(address)
}

/// `boot_hwio-dmgABCmgb`: registers after the boot ROM; 0xFF46 and wave RAM are not defined.
#[test]
fn registers_after_the_boot_rom() {
    let rows: [(u16, [u8; 8]); 10] = [
        (0xFF00, [0xCF, 0x00, 0x7E, 0xFF, 0xAD, 0x00, 0x00, 0xF8]),
        (0xFF08, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xE1]),
        (0xFF10, [0x80, 0xBF, 0xF3, 0xFF, 0xBF, 0xFF, 0x3F, 0x00]),
        (0xFF18, [0xFF, 0xBF, 0x7F, 0xFF, 0x9F, 0xFF, 0xBF, 0xFF]),
        (0xFF20, [0xFF, 0x00, 0x00, 0xBF, 0x77, 0xF3, 0xF1, 0xFF]),
        (0xFF28, [0xFF; 8]),
        (0xFF40, [0x91, 0x80, 0x00, 0x00, 0x0A, 0x00, 0xFF, 0xFC]),
        (0xFF48, [0xFF, 0xFF, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF]),
        (0xFF50, [0xFF; 8]),
        (0xFF70, [0xFF; 8]),
    ];
    for (first, values) in rows {
        for (address, expected) in (first..).zip(values) {
            // The test reads DIV, STAT and LY in these M-cycles.
            let cycle = match address {
                0xFF04 => 86,
                0xFF41 => 1139,
                0xFF44 => 1190,
                _ => 20,
            };
            let found = read_in_cycle(cycle, address);
            assert_eq!(found, expected, "{address:04X}: {found:02X}");
        }
    }
}

/// `boot_regs-dmgABC`, `boot_regs-cgb` (a game of the original in a Color).
#[test]
fn registers_of_the_cpu_after_the_boot_rom() {
    let mut bytes = Program::new().end().rom(&[]).bytes().to_vec();
    bytes[0x14D] = 1;
    let rom = gameboy::Rom::new(&bytes).expect("a ROM of ours");
    let registers = |model| {
        let cpu = GameBoy::new(&rom, model).cpu().clone();
        [cpu.af(), cpu.bc(), cpu.de(), cpu.hl(), cpu.sp, cpu.pc]
    };
    let original = [0x01B0, 0x0013, 0x00D8, 0x014D, 0xFFFE, 0x0100];
    assert_eq!(registers(Model::Dmg), original);
    let color = [0x1180, 0x0000, 0x0008, 0x007C, 0xFFFE, 0x0100];
    assert_eq!(registers(Model::Cgb), color);
}

/// `boot_sclk_align-dmgABCmgb`: the serial clock runs since the machine was switched on.
#[test]
fn a_serial_transfer_ends_where_the_clock_of_the_boot_wants_it() {
    let mut machine = Program::new()
        .set(0xFFFF, 0x08)
        .code(&[0xAF, 0xE0, 0x0F, 0xAF, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00])
        .set(0xFF02, 0x81)
        .code(&[0xFB])
        .code(&[0x03; 1200]) // INC BC: two M-cycles each
        .end()
        .machine(&[(SERIAL, &[common::END])]);
    machine.cpu_mut().b = 0;
    machine.cpu_mut().c = 0;
    common::run_to_end(&mut machine);
    // 1010 M-cycles after EI; BC was 0x0013.
    assert_eq!(machine.cpu().bc(), 505);
}

/// `timer/rapid_toggle`: stopping the timer while its bit is set counts.
#[test]
fn a_timer_that_is_switched_on_and_off_counts_all_the_same() {
    let machine = Program::new()
        .set(0xFFFF, 0x04)
        .code(&[0xAF, 0xE0, 0x0F, 0xE0, 0x04])
        .set(0xFF05, 0xF0)
        .set(0xFF07, 4)
        .code(&[0x01, 0xFF, 0xFF, 0xFB]) // LD BC,0xFFFF; EI
        .set(0xFF07, 4)
        .set(0xFF07, 0)
        .code(&[0x0B, 0x79, 0xB0, 0x20, 0xF3]) // DEC BC; LD A,C; OR B; JR NZ,-13
        .end()
        .run(&[(TIMER, &[common::END])]);
    assert_eq!(machine.cpu().bc(), 0xFFD9);
}

/// HL = where the interrupt of VBlank goes on: the vector holds `JP HL`.
const GO_ON: &[u8] = &[0xE9];

/// `halt_ime1_timing2-GS`: HALT wakes exactly as NOPs would notice.
#[test]
fn halt_adds_no_delay() {
    for (nops, expected) in [(12, 0x11), (11, 0x12)] {
        for halts in [false, true] {
            let mut first = Program::new()
                .code(&[0xF3])
                .wait_line(10)
                .set(0xFFFF, 1)
                .code(&[0xAF, 0xE0, 0x0F]);
            let round = first.here() + 8;
            let [high, low] = round.to_be_bytes();
            first = first.code(&[0x21, low, high, 0xFB, 0x76, 0x00, 0x18, 0xFE]);
            let wait = if halts {
                vec![0x76, 0x00, 0x18, 0xFE]
            } else {
                [vec![0; 18_000], vec![0x18, 0xFE]].concat()
            };
            let finish = round + 3 + 3 + 1 + nops + 3 + wait.len() as u16;
            let [high, low] = finish.to_be_bytes();
            let machine = first
                .code(&[0x21, low, high, 0xAF, 0xE0, 0x0F, 0xFB])
                .nops(usize::from(nops))
                .code(&[0xAF, 0xE0, 0x04])
                .code(&wait)
                .code(&[0xF0, 0x04, 0x47])
                .end()
                .run(&[(VBLANK, GO_ON)]);
            assert_eq!(machine.cpu().b, expected, "{nops} NOPs, halts: {halts}");
        }
    }
}

/// `ppu/vblank_stat_intr-GS`: mode 2's STAT interrupt of line 144 comes with VBlank's.
#[test]
fn the_stat_interrupt_of_line_144_comes_with_vblank() {
    for (nops, expected) in [(54, 1), (55, 0)] {
        for enable in [0x01, 0x02] {
            let halt = |program: Program, enable| {
                program
                    .code(&[0xAF, 0xE0, 0x0F])
                    .set(0xFFFF, enable)
                    .code(&[0xFB, 0x76, 0x00, 0x18, 0xFE])
            };
            // The first VBlank decides where in its loop the program finds line 143.
            let first = halt(
                Program::new().set(0xFF41, 0x20).code(&[0x21, 0x80, 0x01]),
                0x01,
            );
            let gap = usize::from(0x0180 - first.here());
            let second = first.nops(gap).nops(7);
            let code = |finish: u16| {
                let [high, low] = finish.to_be_bytes();
                let program = second
                    .clone()
                    .code(&[0x21, low, high])
                    .nops(12)
                    .wait_line(143)
                    .nops(nops)
                    .code(&[0xE0, 0x04]);
                halt(program, enable)
            };
            let finish = code(0).here();
            let machine = code(finish)
                .nops(7)
                .code(&[0xF0, 0x04, 0x47])
                .end()
                .run(&[(VBLANK, GO_ON), (STAT, GO_ON)]);
            assert_eq!(machine.cpu().b, expected, "{nops} NOPs, IE {enable}");
        }
    }
}

/// `ppu/stat_irq_blocking`: while one condition holds the line up, no other interrupts.
#[test]
fn stat_interrupts_block_each_other() {
    let mut program = Program::new()
        .wait_line(0x90)
        .set(0xFFFF, 2)
        .code(&[0xAF, 0xE0, 0x0F])
        .set(0xFF41, 0x10)
        .code(&[0xF0, 0x0F, 0x57]); // D = IF: mode 1 interrupts at once
    program = program
        .code(&[0xAF, 0xE0, 0x0F])
        .set(0xFF41, 0x78)
        .code(&[0xAF, 0xE0, 0x0F, 0x06, 0x00]); // IF = 0, B = 0
    let machine = program
        .code(&[0x78, 0xFE, 0x90, 0x30, 0x11]) // LD A,B; CP 0x90; JR NC,+17
        .code(&[0xE0, 0x45]) // LYC = B
        .code(&[0xF0, 0x41, 0xE6, 0x04, 0x28, 0xFA]) // until LY = LYC
        .code(&[0xF0, 0x41, 0xE6, 0x03, 0x20, 0xFA]) // until mode 0
        .code(&[0x04, 0x18, 0xEA]) // INC B; JR -22
        .code(&[0xF0, 0x0F, 0x5F]) // E = IF
        .end()
        .run(&[]);
    assert_eq!(machine.cpu().d & 2, 2, "mode 1 is an interrupt at once");
    assert_eq!(machine.cpu().b, 0x90);
    assert_eq!(machine.cpu().e & 2, 0, "no other interrupt came");
}

/// `bits/unused_hwio-GS`: bits and registers that nothing uses read as ones, whatever is written.
#[test]
fn unused_bits_read_as_ones() {
    let used = [
        (0xFF00, 0x3F),
        (0xFF02, 0x81),
        (0xFF07, 0x07),
        (0xFF0F, 0x1F),
        (0xFF41, 0x7F),
        (0xFF10, 0x7F),
        (0xFF1A, 0x80),
        (0xFF1C, 0x60),
        (0xFF23, 0x40),
        (0xFF26, 0x8F),
    ];
    let unmapped = [0xFF03, 0xFF15, 0xFF1F, 0xFF27, 0xFF28, 0xFF29];
    let all = used
        .into_iter()
        .chain(unmapped.map(|address| (address, 0)))
        .chain((0xFF08..=0xFF0E).map(|address| (address, 0)))
        .chain((0xFF4C..=0xFF7F).map(|address| (address, 0)));
    for (address, bits) in all {
        for value in [0, 0xFF] {
            let mut machine = booted(Model::Dmg);
            machine.write(address, value);
            let found = machine.read(address);
            assert_eq!(found | bits, 0xFF, "{address:04X}: {found:02X}");
        }
    }
    let mut machine = booted(Model::Dmg);
    machine.write(0xFFFF, 0xE0);
    assert_eq!(machine.read(0xFFFF), 0xE0, "IE keeps all bits");
}

/// `oam_dma_start`: the transfer takes hold of OAM two M-cycles after the write, and a second one
/// leaves the first alone until then.
#[test]
fn oam_is_taken_two_cycles_after_the_write() {
    // OAM holds INC B, the transfer's source RST $38.
    for (writes, count) in [(1u16, 1), (2, 0)] {
        let mut machine = Program::new()
            .lcd_off()
            .code(&[0x06, 0x00, 0x3E, 0x80, 0x21, 0x46, 0xFF]) // B = 0, A = 0x80, HL = DMA
            .code(&{
                let [high, low] = (0xFE00 - writes).to_be_bytes();
                [0xC3, low, high]
            })
            .machine(&[(0x38, &[common::END])]);
        for offset in 0..0xA0 {
            machine.write(0x8000 + offset, 0xFF);
            machine.write(0xFE00 + offset, 0x04);
        }
        for write in 1..=writes {
            machine.write(0xFE00 - write, 0x77); // LD (HL),A, in the echo of work RAM
        }
        common::run_to_end(&mut machine);
        assert_eq!(machine.cpu().b, count, "{writes} writes");
    }
}

/// `oam_dma_timing`: OAM is free again 162 M-cycles after the write.
#[test]
fn oam_is_free_after_160_bytes() {
    for (nops, expected) in [(156, 0xFF), (157, 0x05)] {
        // In high RAM: LD A,0xC0; LDH (DMA),A; NOPs; LD A,(HL); LD B,A.
        let mut machine = Program::new()
            .lcd_off()
            .code(&[0x21, 0x00, 0xFE, 0x3E, 0x80, 0xC3, 0x00, 0xD0])
            .machine(&[]);
        machine.write(0x8000, 0x05);
        let code = [vec![0xE0, 0x46], vec![0; nops + 3], vec![0x7E, 0x47, 0x40]].concat();
        for (address, byte) in (0xD000..).zip(code) {
            machine.write(address, byte);
        }
        common::run_to_end(&mut machine);
        assert_eq!(machine.cpu().b, expected, "{nops} NOPs");
    }
}

/// `ei_sequence`, `rapid_di_ei`, `halt_ime0_ei`: EI waits for one instruction, a second EI does not
/// wait again, DI at once.
#[test]
fn ei_waits_for_one_instruction() {
    let after = |code: &[u8]| {
        Program::new()
            .set(0xFFFF, 0x04)
            .code(&[0x06, 0x00]) // B = 0
            .set(0xFF0F, 0x04)
            .code(code)
            .code(&[0x18, 0xFE])
            .run_from_vector(TIMER, &[common::END])
            .cpu()
            .b
    };
    assert_eq!(after(&[0xFB, 0x04, 0x04, 0x04]), 1);
    assert_eq!(after(&[0xFB, 0xFB, 0x04, 0x04]), 0);
    // EI, DI, then INC B many times: no interrupt until the next EI.
    assert_eq!(after(&[0xFB, 0xF3, 0x04, 0x04, 0xFB, 0x04, 0x04]), 3);
    let machine = Program::new()
        .set(0xFFFF, 0x04)
        .set(0xFF0F, 0x04)
        .code(&[0xFB, 0x76, 0x04, 0x18, 0xFE]) // EI; HALT
        .run_from_vector(TIMER, &[0xC1, common::END]); // POP BC: where it returns to
    // The interrupt is served before HALT is over, and returns to it.
    let halt = common::START + 9;
    assert_eq!(machine.cpu().bc(), halt);
}

/// `intr_timing`: an interrupt takes five M-cycles.
#[test]
fn an_interrupt_takes_five_cycles() {
    let mut machine = Program::new()
        .set(0xFFFF, 0x04)
        .code(&[0xFB, 0x00])
        .set(0xFF0F, 0x04)
        .code(&[0x18, 0xFE])
        .machine(&[]);
    for _ in 0..20 {
        let before = machine.cycles();
        machine.step();
        if machine.cpu().pc == TIMER {
            assert_eq!(machine.cycles() - before, 20);
            return;
        }
    }
    panic!("no interrupt");
}
