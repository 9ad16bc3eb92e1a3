//! The pixel processing unit: registers, video memory and who may access it when.
//!
//! It is brought up to date only when somebody looks: before each access to one of its registers or
//! memories, and when an interrupt may be due. Between two such moments nothing it does can be seen.

mod palettes;
mod pyboy;
mod render;
mod saved;
mod sprites;
mod timing;

use crate::interrupts;
use crate::timer::NEVER;
use palettes::ColorPalettes;
use sprites::LineSprites;
use timing::Phase;

/// Pixels of a line.
pub const WIDTH: usize = 160;
/// Visible lines.
pub const HEIGHT: usize = 144;
/// Dots of a line.
pub(crate) const LINE_DOTS: u64 = 456;
/// Dots of a frame.
pub(crate) const FRAME_DOTS: u64 = 154 * LINE_DOTS;
/// Ticks of a dot.
pub(crate) const DOT: u64 = 2;

/// Bits of LCDC (0xFF40).
mod lcdc {
    pub(super) const BACKGROUND: u8 = 0x01;
    pub(super) const OBJECTS: u8 = 0x02;
    pub(super) const TALL_OBJECTS: u8 = 0x04;
    pub(super) const BACKGROUND_MAP: u8 = 0x08;
    pub(super) const TILE_DATA: u8 = 0x10;
    pub(super) const WINDOW: u8 = 0x20;
    pub(super) const WINDOW_MAP: u8 = 0x40;
    pub(super) const ON: u8 = 0x80;
}

/// Accesses that the PPU does not allow at the moment.
mod blocked {
    pub(super) const OAM_READ: u8 = 1;
    pub(super) const OAM_WRITE: u8 = 2;
    pub(super) const VRAM_READ: u8 = 4;
    pub(super) const VRAM_WRITE: u8 = 8;
    pub(super) const ALL: u8 = 15;
}

/// LYC's bit among STAT's enable bits.
const LYC_ENABLE: u8 = 0x40;
const VRAM_BYTES: usize = 0x4000;
pub(crate) const OAM_BYTES: usize = 0xA0;

/// A picture, row by row from the top left.
#[derive(Clone, Copy, Debug)]
pub enum Frame<'a> {
    /// Shades 0 (light) to 3, of the original.
    Shades(&'a [u8; WIDTH * HEIGHT]),
    /// Colours of 15 bits, red in the lowest five, of a Game Boy Color.
    Colors(&'a [u16]),
}

impl Frame<'_> {
    /// The shade or colour of a pixel; zero outside of the picture.
    pub fn shade(&self, x: usize, y: usize) -> u16 {
        if x >= WIDTH || y >= HEIGHT {
            return 0;
        }
        match self {
            Self::Shades(shades) => u16::from(shades[y * WIDTH + x]),
            Self::Colors(colors) => colors[y * WIDTH + x],
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Ppu {
    /// Two banks; the second exists on a Color alone.
    pub(crate) vram: Box<[u8; VRAM_BYTES]>,
    pub(crate) oam: [u8; OAM_BYTES],
    /// The picture of the original...
    shades: Box<[u8; WIDTH * HEIGHT]>,
    /// ...or of a Color; empty on the original.
    colors: Vec<u16>,
    /// Whether pixels are wanted.
    pub(crate) rendering: bool,
    /// Runs as a Game Boy Color, with its registers.
    color: bool,
    vram_bank: u8,
    color_palettes: ColorPalettes,
    /// OPRI: on a Color, sprites are ordered by their place in OAM or by X as on the original.
    sprites_by_x: bool,

    lcdc: u8,
    scy: u8,
    scx: u8,
    lyc: u8,
    bgp: u8,
    obp: [u8; 2],
    wy: u8,
    wx: u8,
    /// Bits 3 to 6 of STAT.
    stat_enable: u8,

    /// LY as it is read.
    ly: u8,
    /// The line drawn now; line 153 reads as 0 for most of its time.
    line: u8,
    line_start: u64,
    phase: Phase,
    /// Tick of the next phase.
    next: u64,
    /// Mode as STAT shows it.
    mode: u8,
    /// Mode as it drives the interrupt line; 255 is none.
    mode_for_interrupt: u8,
    /// What LYC is compared with; 255 is nothing.
    compared: u8,
    /// Bit 2 of STAT.
    coincidence: bool,
    /// LYC's part of the interrupt line.
    coincidence_line: bool,
    stat_line: bool,
    blocked: u8,
    /// The first frame after the LCD was switched on is not shown.
    first_frame: bool,
    window_reached: bool,
    window_line: u8,
    /// Dots by which this line's mode 3 is longer than the shortest.
    penalty: u16,
    sprites: LineSprites,
    /// Pixels of this line that are drawn.
    drawn: u8,
    window_drawn: bool,
    /// Interrupts to request.
    irq: u8,
    /// HBlank began since somebody asked.
    hblank_began: bool,
}

impl Ppu {
    pub(crate) fn new(color: bool) -> Self {
        Self {
            vram: Box::new([0; VRAM_BYTES]),
            oam: [0; OAM_BYTES],
            shades: Box::new([0; WIDTH * HEIGHT]),
            colors: if color {
                vec![0x7FFF; WIDTH * HEIGHT]
            } else {
                Vec::new()
            },
            rendering: true,
            color,
            vram_bank: 0,
            color_palettes: ColorPalettes::new(),
            sprites_by_x: !color,
            lcdc: 0,
            scy: 0,
            scx: 0,
            lyc: 0,
            bgp: 0xFC,
            obp: [0xFF, 0xFF],
            wy: 0,
            wx: 0,
            stat_enable: 0,
            ly: 0,
            line: 0,
            line_start: 0,
            phase: Phase::Off,
            next: NEVER,
            mode: 0,
            mode_for_interrupt: timing::NO_MODE,
            compared: timing::NOTHING,
            coincidence: false,
            coincidence_line: false,
            stat_line: false,
            blocked: 0,
            first_frame: false,
            window_reached: false,
            window_line: 0,
            penalty: 0,
            sprites: LineSprites::default(),
            drawn: 0,
            window_drawn: false,
            irq: 0,
            hblank_began: false,
        }
    }

    /// The state that a boot ROM leaves: the LCD is on, line 153 is nearly over.
    pub(crate) fn boot(&mut self, now: u64) {
        self.write_lcdc(now, 0x91);
        self.first_frame = false;
        self.start_line(153, now - 400 * DOT);
        while self.next <= now {
            self.advance();
        }
        self.irq = 0;
    }

    pub(crate) fn is_on(&self) -> bool {
        self.lcdc & lcdc::ON != 0
    }

    /// The next tick at which a frame ends: where line 0 has its mode 2.
    pub(crate) fn frame_boundary(&self) -> u64 {
        let lines = 154 - u64::from(self.line);
        self.line_start + lines * LINE_DOTS * DOT + timing::MODE_2 * DOT
    }

    /// LCDC, SCX, SCY, WX and WY, for tools that look at the screen.
    pub(crate) fn lcdc(&self) -> u8 {
        self.lcdc
    }

    pub(crate) fn take_irq(&mut self) -> u8 {
        std::mem::take(&mut self.irq)
    }

    pub(crate) fn take_hblank(&mut self) -> bool {
        std::mem::take(&mut self.hblank_began)
    }

    /// In mode 0, or switched off: memory is free.
    pub(crate) fn in_hblank(&self) -> bool {
        self.phase == Phase::NextLine || !self.is_on()
    }

    /// Brings the PPU up to `now`.
    #[inline]
    pub(crate) fn sync(&mut self, now: u64) {
        while self.next <= now {
            if !self.skip_lines(now) {
                self.advance();
            }
        }
    }

    /// The tick before which nothing changes that the CPU can read here.
    pub(crate) fn next_change(&self) -> u64 {
        self.next
    }

    /// The tick before which LY does not change.
    pub(crate) fn next_line_change(&self) -> u64 {
        if self.phase == Phase::BlankStart || !self.is_on() {
            self.next
        } else {
            self.next.max(self.line_start + LINE_DOTS * DOT)
        }
    }

    // --- memory -----------------------------------------------------------------------------

    fn vram_index(&self, address: u16) -> usize {
        usize::from(address & 0x1FFF) | usize::from(self.vram_bank) << 13
    }

    pub(crate) fn read_vram(&mut self, now: u64, address: u16) -> u8 {
        self.sync(now);
        if self.blocked & blocked::VRAM_READ != 0 {
            0xFF
        } else {
            self.vram[self.vram_index(address)]
        }
    }

    pub(crate) fn write_vram(&mut self, now: u64, address: u16, value: u8) {
        self.sync(now);
        if self.blocked & blocked::VRAM_WRITE == 0 {
            self.vram[self.vram_index(address)] = value;
        }
    }

    /// A byte of the VRAM bank that is selected, whatever the PPU does.
    pub(crate) fn vram_byte(&mut self, now: u64, address: u16) -> &mut u8 {
        self.sync(now);
        let index = self.vram_index(address);
        &mut self.vram[index]
    }

    /// A byte of OAM, 0xFE00 to 0xFE9F, whatever the PPU does.
    pub(crate) fn oam_byte(&mut self, now: u64, address: u16) -> &mut u8 {
        self.sync(now);
        &mut self.oam[usize::from(address & 0xFF) % OAM_BYTES]
    }

    /// A write of VRAM DMA, which waits until the PPU lets it.
    pub(crate) fn write_vram_by_dma(&mut self, now: u64, address: u16, value: u8) {
        self.sync(now);
        self.vram[self.vram_index(address)] = value;
    }

    pub(crate) fn read_oam(&mut self, now: u64, address: u16) -> u8 {
        self.sync(now);
        if self.blocked & blocked::OAM_READ != 0 {
            0xFF
        } else {
            self.oam.get(usize::from(address & 0xFF)).map_or(0, |v| *v)
        }
    }

    pub(crate) fn write_oam(&mut self, now: u64, address: u16, value: u8) {
        self.sync(now);
        if self.blocked & blocked::OAM_WRITE == 0 {
            self.write_oam_by_dma(now, address, value);
        }
    }

    pub(crate) fn write_oam_by_dma(&mut self, now: u64, address: u16, value: u8) {
        self.sync(now);
        if let Some(byte) = self.oam.get_mut(usize::from(address & 0xFF)) {
            *byte = value;
        }
    }

    // --- registers --------------------------------------------------------------------------

    pub(crate) fn read(&mut self, now: u64, address: u16) -> u8 {
        self.sync(now);
        match address {
            0xFF40 => self.lcdc,
            0xFF41 => 0x80 | self.stat_enable | u8::from(self.coincidence) << 2 | self.mode,
            0xFF42 => self.scy,
            0xFF43 => self.scx,
            0xFF44 => self.ly,
            0xFF45 => self.lyc,
            0xFF47 => self.bgp,
            0xFF48 => self.obp[0],
            0xFF49 => self.obp[1],
            0xFF4A => self.wy,
            0xFF4B => self.wx,
            0xFF4F if self.color => 0xFE | self.vram_bank,
            0xFF68..=0xFF6B if self.color => self.color_palettes.read(address, self.mode == 3),
            0xFF6C if self.color => 0xFE | u8::from(self.sprites_by_x),
            _ => 0xFF,
        }
    }

    /// Writes a register; answers whether the LCD was switched on or off.
    pub(crate) fn write(&mut self, now: u64, address: u16, value: u8) -> bool {
        self.sync(now);
        self.draw_until(now);
        match address {
            0xFF40 => return self.write_lcdc(now, value),
            0xFF41 => self.write_stat(value),
            0xFF42 => self.scy = value,
            0xFF43 => self.scx = value,
            0xFF45 => {
                self.lyc = value;
                if self.is_on() {
                    self.compare();
                    self.update_stat_line();
                }
            }
            0xFF47 => self.bgp = value,
            0xFF48 => self.obp[0] = value,
            0xFF49 => self.obp[1] = value,
            0xFF4A => self.wy = value,
            0xFF4B => self.wx = value,
            0xFF4F if self.color => self.vram_bank = value & 1,
            0xFF68..=0xFF6B if self.color => {
                self.color_palettes.write(address, value, self.mode == 3);
            }
            0xFF6C if self.color => self.sprites_by_x = value & 1 != 0,
            _ => {}
        }
        false
    }

    fn write_stat(&mut self, value: u8) {
        if !self.color && self.is_on() {
            // The original behaves as if 0xFF were written for one M-cycle (Pan Docs, "STAT").
            self.stat_enable = 0x78;
            self.update_stat_line();
        }
        self.stat_enable = value & 0x78;
        self.update_stat_line();
    }

    fn write_lcdc(&mut self, now: u64, value: u8) -> bool {
        let was_on = self.is_on();
        self.lcdc = value;
        if was_on == self.is_on() {
            return false;
        }
        if was_on {
            self.switch_off();
        } else {
            self.switch_on(now);
        }
        true
    }

    pub(crate) fn frame(&self) -> Frame<'_> {
        if self.color {
            Frame::Colors(&self.colors)
        } else {
            Frame::Shades(&self.shades)
        }
    }

    /// The screen without a picture.
    pub(crate) fn blank(&mut self) {
        self.colors.fill(0x7FFF);
        self.shades.fill(0);
    }

    /// The tick up to which no interrupt can come from here. `watch_hblank`: HBlank counts as one.
    pub(crate) fn next_wake(&self, watch_hblank: bool) -> u64 {
        if !self.is_on() {
            NEVER
        } else if self.stat_enable & !LYC_ENABLE != 0 || watch_hblank {
            self.next
        } else if self.stat_enable == 0 {
            self.vblank_interrupt()
        } else {
            self.vblank_interrupt().min(self.lyc_interrupt())
        }
    }

    fn vblank_interrupt(&self) -> u64 {
        let is_ahead = match self.line {
            0..=143 => true,
            144 => matches!(self.phase, Phase::BlankLine | Phase::BlankStart),
            _ => false,
        };
        let lines = if is_ahead { 144 } else { 154 + 144 } - u64::from(self.line);
        self.line_start + (lines * LINE_DOTS + timing::MODE_1) * DOT
    }

    /// Not after LYC's interrupt: the beginning of its line, or what comes next in that line.
    fn lyc_interrupt(&self) -> u64 {
        let line = match self.lyc {
            0 => 153,
            lyc => lyc,
        };
        if line > 153 {
            NEVER
        } else if line == self.line {
            self.next
        } else {
            let lines = (154 + u64::from(line) - u64::from(self.line)) % 154;
            self.line_start + lines * LINE_DOTS * DOT
        }
    }

    fn request(&mut self, interrupt: u8) {
        self.irq |= interrupt;
    }

    /// STAT's interrupt is requested when the line that its conditions share rises.
    fn update_stat_line(&mut self) {
        let by_mode = match self.mode_for_interrupt {
            0 => 0x08,
            1 => 0x10,
            2 => 0x20,
            _ => 0,
        };
        let line = self.stat_enable & by_mode != 0
            || (self.coincidence_line && self.stat_enable & 0x40 != 0);
        if line && !self.stat_line {
            self.request(interrupts::STAT);
        }
        self.stat_line = line;
    }
}
