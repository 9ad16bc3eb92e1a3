//! When the PPU does what, in dots of a line, as the CPU sees it.
//!
//! The dots are those that the acceptance tests of mooneye measure on hardware (`ppu/lcdon_timing`,
//! `ppu/lcdon_write_timing`, `ppu/intr_2_*`, `ppu/hblank_ly_scx_timing`, `ppu/vblank_stat_intr`); an
//! access of the CPU sees what happened up to the last dot of its M-cycle.

use super::{DOT, HEIGHT, LINE_DOTS, LYC_ENABLE, Ppu, blocked, lcdc};
use crate::interrupts;
use crate::timer::NEVER;

/// No mode drives the interrupt line.
pub(super) const NO_MODE: u8 = 255;
/// LYC is compared with nothing.
pub(super) const NOTHING: u8 = 255;

/// Mode 2 begins here; for the first four dots STAT shows mode 0.
pub(super) const MODE_2: u64 = 4;
/// VRAM can no longer be read, while OAM can be written for four dots.
const OAM_LATE: u64 = 80;
const MODE_3: u64 = 84;
/// Mode 0 requests its interrupt here on a line without sprites, window and scroll...
const MODE_0_INTERRUPT: u64 = 252;
/// ...and STAT shows it one dot later.
const MODE_0: u64 = 253;
/// Mode 1 and its interrupts begin here in line 144.
pub(super) const MODE_1: u64 = 4;

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    /// Nothing: the LCD is off.
    Off,
    /// A visible line begins.
    LineStart,
    Mode2,
    OamLate,
    Mode3,
    HBlankInterrupt,
    Mode0,
    /// The next line begins.
    NextLine,
    /// A line of vertical blanking begins.
    BlankLine,
    /// LY is compared in a line of vertical blanking; in line 144 mode 1 begins.
    BlankStart,
    /// Line 153: LY reads 0, and is not compared.
    LastLineUncompared,
    /// Line 153: LYC is compared with 0.
    LastLineZero,
    /// The next line of vertical blanking begins, or line 0.
    NextBlankLine,
}

impl Phase {
    pub(super) fn from_number(number: u8) -> Option<Self> {
        const ALL: [Phase; 13] = [
            Phase::Off,
            Phase::LineStart,
            Phase::Mode2,
            Phase::OamLate,
            Phase::Mode3,
            Phase::HBlankInterrupt,
            Phase::Mode0,
            Phase::NextLine,
            Phase::BlankLine,
            Phase::BlankStart,
            Phase::LastLineUncompared,
            Phase::LastLineZero,
            Phase::NextBlankLine,
        ];
        ALL.get(usize::from(number)).copied()
    }

    pub(super) fn is_vertical_blank(self) -> bool {
        self as u8 >= Phase::BlankLine as u8
    }
}

impl Ppu {
    pub(super) fn switch_off(&mut self) {
        self.phase = Phase::Off;
        self.next = NEVER;
        self.line = 0;
        self.ly = 0;
        self.mode = 0;
        self.blocked = 0;
        self.mode_for_interrupt = NO_MODE;
        self.drawn = 0;
        self.hblank_began = false;
        // The comparison with LYC stands still (mooneye, `ppu/stat_lyc_onoff`).
        self.update_stat_line();
        self.blank();
    }

    /// The first line has no mode 2 and is four dots shorter.
    pub(super) fn switch_on(&mut self, now: u64) {
        self.line = 0;
        self.ly = 0;
        self.line_start = now - MODE_2 * DOT;
        self.first_frame = true;
        self.window_line = 0;
        self.window_reached = self.wy == 0;
        self.window_drawn = false;
        self.drawn = 0;
        self.compared = 0;
        self.compare();
        self.update_stat_line();
        self.then(Phase::Mode3, MODE_3);
    }

    fn then(&mut self, phase: Phase, dot: u64) {
        self.phase = phase;
        self.next = self.line_start + dot * DOT;
    }

    /// Puts the beginning of `line` at tick `start`.
    pub(super) fn start_line(&mut self, line: u8, start: u64) {
        self.line = line;
        self.line_start = start;
        let phase = if usize::from(line) < HEIGHT {
            Phase::LineStart
        } else {
            Phase::BlankLine
        };
        self.then(phase, 0);
    }

    pub(super) fn compare(&mut self) {
        if self.compared == NOTHING {
            self.coincidence = false;
        } else {
            self.coincidence = self.compared == self.lyc;
            self.coincidence_line = self.coincidence;
        }
    }

    fn compare_with(&mut self, line: u8) {
        self.compared = line;
        self.compare();
    }

    /// Does what is due at `self.next`.
    pub(super) fn advance(&mut self) {
        match self.phase {
            Phase::Off => self.next = NEVER,
            Phase::LineStart => self.line_start(),
            Phase::Mode2 => self.mode_2(),
            Phase::OamLate => {
                self.blocked = blocked::OAM_READ | blocked::VRAM_READ;
                self.then(Phase::Mode3, MODE_3);
            }
            Phase::Mode3 => self.mode_3(),
            Phase::HBlankInterrupt => {
                self.mode_for_interrupt = 0;
                self.update_stat_line();
                self.then(Phase::Mode0, MODE_0 + u64::from(self.penalty));
            }
            Phase::Mode0 => self.mode_0(),
            Phase::NextLine => self.next_line(),
            Phase::BlankLine => self.blank_line(),
            Phase::BlankStart => self.blank_start(),
            Phase::LastLineUncompared => {
                self.compare_with(NOTHING);
                self.update_stat_line();
                self.then(Phase::LastLineZero, 12);
            }
            Phase::LastLineZero => {
                self.compare_with(0);
                self.update_stat_line();
                self.then(Phase::NextBlankLine, LINE_DOTS);
            }
            Phase::NextBlankLine => self.next_line(),
        }
    }

    /// Skips lines that are over and of which nothing can be seen; answers whether there were any.
    ///
    /// The next line begins as if these had been gone through: what they leave behind is LYC's part
    /// of the interrupt line, and which line of the window is next.
    pub(super) fn skip_lines(&mut self, now: u64) -> bool {
        const LAST_VISIBLE: u8 = HEIGHT as u8 - 1;
        // The first line of both kinds and the last of all do more than others.
        let end = match (self.phase, self.line) {
            (Phase::LineStart, 1..=LAST_VISIBLE) if !self.rendering => HEIGHT as u8,
            (Phase::BlankLine, 145..=152) => 153,
            _ => return false,
        };
        let lines = (now - self.line_start) / (LINE_DOTS * DOT);
        if lines == 0 || self.stat_enable & !LYC_ENABLE != 0 || self.line == self.lyc {
            return false;
        }
        let end = if (self.line..end).contains(&self.lyc) {
            self.lyc
        } else {
            end
        };
        let mut lines = lines.min(u64::from(end - self.line)) as u8;
        if end <= HEIGHT as u8 {
            if self.lcdc & lcdc::WINDOW != 0 {
                lines = 1;
            }
            self.window_reached |= (self.line..self.line + lines).contains(&self.wy);
            if self.window_starts().is_some() {
                self.window_line = self.window_line.wrapping_add(1);
            }
            self.hblank_began = true;
        }
        self.coincidence_line = false;
        self.stat_line = false;
        self.line += lines - 1;
        self.line_start += u64::from(lines - 1) * LINE_DOTS * DOT;
        self.next_line();
        true
    }

    fn next_line(&mut self) {
        let line = if self.line == 153 { 0 } else { self.line + 1 };
        self.start_line(line, self.line_start + LINE_DOTS * DOT);
    }

    /// Line 0 requests mode 2's interrupt with mode 2, the others four dots earlier.
    fn line_start(&mut self) {
        self.ly = self.line;
        self.mode = 0;
        self.blocked = blocked::OAM_READ;
        self.drawn = 0;
        self.window_drawn = false;
        if self.line == 0 {
            self.compare_with(0);
            self.mode_for_interrupt = NO_MODE;
            self.window_line = 0;
            self.window_reached = false;
            self.first_frame = false;
        } else {
            self.compare_with(NOTHING);
            self.mode_for_interrupt = 2;
        }
        self.update_stat_line();
        self.then(Phase::Mode2, MODE_2);
    }

    fn mode_2(&mut self) {
        self.mode = 2;
        self.blocked = blocked::OAM_READ | blocked::OAM_WRITE;
        self.compare_with(self.line);
        self.mode_for_interrupt = 2;
        self.update_stat_line();
        // Mode 2 drives the line for a moment, not while it lasts.
        self.mode_for_interrupt = NO_MODE;
        self.update_stat_line();
        self.window_reached |= self.wy == self.line;
        self.then(Phase::OamLate, OAM_LATE);
    }

    fn mode_3(&mut self) {
        self.mode = 3;
        self.mode_for_interrupt = NO_MODE;
        self.blocked = blocked::ALL;
        self.update_stat_line();
        self.window_reached |= self.wy == self.line;
        self.find_sprites();
        self.penalty = u16::from(self.scx & 7) + self.sprite_penalty() + self.window_penalty();
        let dot = MODE_0_INTERRUPT + u64::from(self.penalty);
        self.then(Phase::HBlankInterrupt, dot);
    }

    /// Fetching the window's first tile takes six dots.
    fn window_penalty(&self) -> u16 {
        if self.window_starts().is_some() { 6 } else { 0 }
    }

    /// X at which the window begins on this line, if it is shown.
    pub(super) fn window_starts(&self) -> Option<u8> {
        let enabled = self.lcdc & lcdc::WINDOW != 0
            && (self.color || self.lcdc & lcdc::BACKGROUND != 0)
            && self.window_reached
            && self.wx <= 166;
        enabled.then(|| self.wx.saturating_sub(7))
    }

    fn mode_0(&mut self) {
        self.mode = 0;
        self.blocked = 0;
        self.hblank_began = true;
        self.draw_line();
        self.then(Phase::NextLine, LINE_DOTS);
    }

    fn blank_line(&mut self) {
        self.ly = self.line;
        self.compare_with(NOTHING);
        if usize::from(self.line) == HEIGHT {
            self.mode = 0;
            if self.color {
                self.begin_mode_2_for_a_moment();
            }
        }
        self.update_stat_line();
        self.then(Phase::BlankStart, MODE_1);
    }

    /// Mode 2's condition is true for a moment in line 144 as well: with VBlank, on a Color when the
    /// line begins (mooneye, `ppu/vblank_stat_intr-GS` and `-C`).
    fn begin_mode_2_for_a_moment(&mut self) {
        self.mode_for_interrupt = 2;
        self.update_stat_line();
        self.mode_for_interrupt = NO_MODE;
    }

    fn blank_start(&mut self) {
        self.compare_with(self.line);
        if usize::from(self.line) == HEIGHT {
            self.mode = 1;
            if !self.color {
                self.begin_mode_2_for_a_moment();
            }
            self.mode_for_interrupt = 1;
            self.request(interrupts::VBLANK);
            if self.first_frame && self.rendering {
                self.blank();
            }
        }
        self.update_stat_line();
        if self.line == 153 {
            self.ly = 0;
            self.then(Phase::LastLineUncompared, 8);
        } else {
            self.then(Phase::NextBlankLine, LINE_DOTS);
        }
    }
}
