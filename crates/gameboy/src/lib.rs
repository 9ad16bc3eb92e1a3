//! A Game Boy as a library: deterministic, without a user interface, timed per M-cycle.
//!
//! ```
//! use gameboy::{GameBoy, Model, Rom, button};
//!
//! let bytes = vec![0; 0x8000]; // a ROM without any instruction but NOP
//! let rom = Rom::new(&bytes).expect("a ROM with a sound header");
//! let mut machine = GameBoy::new(&rom, Model::Auto);
//! machine.set_buttons(button::START);
//! machine.run_frame(true);
//! assert_eq!(machine.frame().shade(0, 0), 0); // white
//! ```

mod apu;
mod bus;
mod cartridge;
mod cpu;
mod dma;
mod game_boy;
pub mod instructions;
mod interrupts;
mod joypad;
mod memory;
mod ppu;
mod pyboy;
mod serial;
mod state;
mod timer;

pub use bus::{Access, Bus, FlatBus};
pub use cartridge::Rom;
pub use cartridge::header::{Header, Mapper, RomError};
pub use cpu::{Cpu, Mode, flag};
pub use game_boy::{BootRomError, GameBoy, Model};
pub use joypad::button;
pub use ppu::{Frame, HEIGHT, WIDTH};
pub use state::{STATE_VERSION, StateError};
