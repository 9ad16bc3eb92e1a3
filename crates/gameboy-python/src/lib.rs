//! Python's view of the `gameboy` crate. Nothing of a Game Boy is decided here.
//!
//! Arrays belong to the caller and are written in place, with the interpreter's lock released.

mod batch;
mod errors;
mod machine;
mod picture;
mod single_step;

#[pyo3::pymodule]
mod _native {
    #[pymodule_export]
    use super::batch::Batch;
    #[pymodule_export]
    use super::machine::GameBoy;
    #[pymodule_export]
    use super::machine::rom_info;
    #[pymodule_export]
    use super::single_step::disassemble;
    #[pymodule_export]
    use super::single_step::single_step;
}
