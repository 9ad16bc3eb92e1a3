//! A state of PyBoy's, put into a machine: each part is given what PyBoy knows of it.
//!
//! PyBoy saves between two frames, as a rule. Its LCD then stands where ours does, some dots after
//! line 0 has begun; what our PPU keeps besides is found by going through the line up to there.

use super::{State, refused};
use crate::cpu::{Cpu, Mode};
use crate::memory::Memory;
use crate::state::StateError;

impl State {
    /// What the CPU is to be.
    pub(crate) fn cpu(&self) -> Cpu {
        let [a, f, b, c, d, e] = self.cpu.bytes;
        let [h, l] = self.cpu.hl.to_be_bytes();
        let mode = if self.cpu.halted {
            Mode::Halted
        } else if self.cpu.is_enabling {
            Mode::EnablingInterrupts
        } else {
            Mode::Running
        };
        Cpu {
            a,
            f: f & 0xF0,
            b,
            c,
            d,
            e,
            h,
            l,
            sp: self.cpu.sp,
            // PyBoy stays on a HALT until it goes on.
            pc: self.cpu.pc.wrapping_add(u16::from(self.cpu.halted)),
            ime: self.cpu.ime,
            mode,
        }
    }

    /// Puts everything but the CPU into `memory`, whose cartridge is the one of the state.
    ///
    /// # Errors
    /// [`StateError`] if the machine cannot be in this state; `memory` is then of no more use.
    pub(crate) fn take_over(&self, memory: &mut Memory) -> Result<(), StateError> {
        if self.color != memory.color {
            return Err(refused(if self.color {
                "it is of a Game Boy Color and this machine is the original; make it with \
                 cgb=True (model=\"cgb\")"
            } else {
                "it is of the original and this machine is a Game Boy Color; make it with \
                 cgb=False (model=\"dmg\")"
            }));
        }
        memory.take_over(self)
    }
}
