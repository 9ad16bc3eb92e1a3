//! What the CPU sees of the rest of the machine: one access per M-cycle.

use crate::cpu::Cpu;

/// The bus of an SM83. Each call lasts one M-cycle (4 T-cycles at normal speed).
pub trait Bus {
    /// Reads a byte; one M-cycle.
    fn read(&mut self, address: u16) -> u8;

    /// Reads an opcode; one M-cycle.
    fn opcode(&mut self, address: u16) -> u8 {
        self.fetch(address)
    }

    /// Reads a byte of an instruction; one M-cycle.
    fn fetch(&mut self, address: u16) -> u8 {
        self.read(address)
    }

    /// Writes a byte; one M-cycle.
    fn write(&mut self, address: u16, value: u8);

    /// An M-cycle in which the CPU does not use the bus.
    fn idle(&mut self);

    /// Requested and enabled interrupts, `IE & IF & 0x1F`.
    fn pending_interrupts(&self) -> u8;

    /// `IE & 0x1F`, as the interrupt dispatch samples it.
    fn enabled_interrupts(&self) -> u8;

    /// `IF & 0x1F`, as the interrupt dispatch samples it.
    fn requested_interrupts(&self) -> u8;

    /// Clears the bits `mask` of `IF`.
    fn acknowledge_interrupt(&mut self, mask: u8);

    /// M-cycles of a halted CPU: at least one, at most up to the next event that could wake it.
    fn idle_halted(&mut self) {
        self.idle();
    }

    /// Brings `IF` up to date. A bus may leave that until an instruction is over.
    fn catch_up(&mut self) {}

    /// The next step may be more than an instruction: an interrupt, HALT.
    fn attend(&mut self) {}

    /// The CPU jumped backwards. A bus that knows that nothing changes while the CPU repeats what it
    /// did since it was last here may let the time of whole repetitions pass.
    #[inline(always)]
    fn repeat(&mut self, _cpu: &Cpu) {}

    /// STOP was executed. Answers whether the CPU goes on (a speed switch of the Game Boy Color).
    fn stop(&mut self) -> bool {
        false
    }
}

/// One M-cycle of a [`FlatBus`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// A byte was read.
    Read {
        /// Where it was read.
        address: u16,
        /// The byte.
        value: u8,
    },
    /// A byte was written.
    Write {
        /// Where it was written.
        address: u16,
        /// The byte.
        value: u8,
    },
    /// The bus was not used.
    Internal,
}

/// 64 KiB of plain memory that records each M-cycle: the machine of the single-step cases that the
/// emulation community exchanges (initial registers and memory, one instruction, final ones).
#[derive(Clone, Debug)]
pub struct FlatBus {
    /// The memory, one byte for each address.
    pub memory: Vec<u8>,
    /// What happened, one entry for each M-cycle.
    pub accesses: Vec<Access>,
    /// `IE`, apart from memory: plain memory has no registers in it.
    pub interrupt_enable: u8,
    /// `IF`, likewise.
    pub interrupt_flag: u8,
}

impl Default for FlatBus {
    fn default() -> Self {
        Self {
            memory: vec![0; 0x1_0000],
            accesses: Vec::new(),
            interrupt_enable: 0,
            interrupt_flag: 0,
        }
    }
}

impl Bus for FlatBus {
    fn read(&mut self, address: u16) -> u8 {
        let value = self.memory[usize::from(address)];
        self.accesses.push(Access::Read { address, value });
        value
    }

    fn write(&mut self, address: u16, value: u8) {
        self.memory[usize::from(address)] = value;
        self.accesses.push(Access::Write { address, value });
    }

    fn idle(&mut self) {
        self.accesses.push(Access::Internal);
    }

    fn pending_interrupts(&self) -> u8 {
        self.interrupt_enable & self.interrupt_flag & 0x1F
    }

    fn enabled_interrupts(&self) -> u8 {
        self.interrupt_enable & 0x1F
    }

    fn requested_interrupts(&self) -> u8 {
        self.interrupt_flag & 0x1F
    }

    fn acknowledge_interrupt(&mut self, mask: u8) {
        self.interrupt_flag &= !mask;
    }
}
