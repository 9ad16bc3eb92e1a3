//! One Game Boy.

use gameboy::{Mode, Model, Rom};
use numpy::{PyReadwriteArray3, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::errors::{guarded, value_error};
use crate::picture::Format;

pub(crate) fn model_named(name: &str) -> PyResult<Model> {
    match name {
        "auto" => Ok(Model::Auto),
        "dmg" => Ok(Model::Dmg),
        "cgb" => Ok(Model::Cgb),
        _ => Err(PyValueError::new_err(format!(
            "model is {name:?}; choose \"auto\", \"dmg\" or \"cgb\""
        ))),
    }
}

/// A single Game Boy.
#[pyclass(module = "envlift_gameboy")]
pub(crate) struct GameBoy {
    inner: gameboy::GameBoy,
    state: Vec<u8>,
}

#[pymethods]
impl GameBoy {
    #[new]
    #[pyo3(signature = (rom, model = "auto", boot_rom = None))]
    fn new(rom: &[u8], model: &str, boot_rom: Option<&[u8]>) -> PyResult<Self> {
        let rom = Rom::new(rom).map_err(value_error)?;
        let model = model_named(model)?;
        let inner = match boot_rom {
            None => gameboy::GameBoy::new(&rom, model),
            Some(boot) => {
                gameboy::GameBoy::with_boot_rom(&rom, model, boot).map_err(value_error)?
            }
        };
        Ok(Self {
            inner,
            state: Vec::new(),
        })
    }

    #[getter]
    fn is_color(&self) -> bool {
        self.inner.is_color()
    }

    #[getter]
    fn is_booting(&self) -> bool {
        self.inner.is_booting()
    }

    #[getter]
    fn cycles(&self) -> u64 {
        self.inner.cycles()
    }

    #[getter]
    fn buttons(&self) -> u8 {
        self.inner.buttons()
    }

    #[setter]
    fn set_buttons(&mut self, pressed: u8) {
        self.inner.set_buttons(pressed);
    }

    #[getter]
    fn rom_bank(&self) -> usize {
        self.inner.rom_bank()
    }

    #[getter]
    fn lcdc(&self) -> u8 {
        self.inner.lcdc()
    }

    fn step(&mut self) -> PyResult<()> {
        guarded(|| self.inner.step())
    }

    /// Runs frames; the pixels of the last one alone are drawn, if any.
    #[pyo3(signature = (count = 1, render = true))]
    fn run_frames(&mut self, py: Python<'_>, count: u32, render: bool) -> PyResult<()> {
        let inner = &mut self.inner;
        py.detach(|| {
            guarded(|| {
                for left in (0..count).rev() {
                    inner.run_frame(render && left == 0);
                }
            })
        })
    }

    #[pyo3(signature = (render, places, goes_on))]
    fn run_frame_until(
        &mut self,
        render: bool,
        places: Vec<(usize, u16)>,
        goes_on: bool,
    ) -> PyResult<Option<usize>> {
        guarded(|| self.inner.run_frame_until(render, &places, goes_on))
    }

    fn read(&mut self, address: u16) -> PyResult<u8> {
        guarded(|| self.inner.read(address))
    }

    fn read_range<'py>(
        &mut self,
        py: Python<'py>,
        start: u16,
        count: usize,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let bytes: Vec<u8> = guarded(|| {
            (0..count.min(0x1_0000))
                .map(|offset| self.inner.read(start.wrapping_add(offset as u16)))
                .collect()
        })?;
        Ok(PyBytes::new(py, &bytes))
    }

    fn write(&mut self, address: u16, value: u8) -> PyResult<()> {
        guarded(|| self.inner.write(address, value))
    }

    fn rom_at(&self, bank: usize, address: u16) -> Option<u8> {
        self.inner.rom_at(bank, address)
    }

    fn set_divider(&mut self, counter: u16) {
        self.inner.set_divider(counter);
    }

    /// A, F, B, C, D, E, HL, SP, PC, and IME, HALT and STOP as 0 or 1.
    fn registers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        registers(py, &self.inner)
    }

    fn set_register(&mut self, name: &str, value: u16) -> PyResult<()> {
        let cpu = self.inner.cpu_mut();
        let [high, low] = value.to_be_bytes();
        match name {
            "HL" => (cpu.h, cpu.l) = (high, low),
            "SP" => cpu.sp = value,
            "PC" => cpu.pc = value,
            _ if high != 0 => {
                return Err(PyValueError::new_err(format!(
                    "register {name} holds 0 to 255, not {value}"
                )));
            }
            "A" => cpu.a = low,
            "F" => cpu.f = low & 0xF0,
            "B" => cpu.b = low,
            "C" => cpu.c = low,
            "D" => cpu.d = low,
            "E" => cpu.e = low,
            _ => {
                return Err(PyValueError::new_err(format!(
                    "no register is named {name:?}; known: A, F, B, C, D, E, HL, SP, PC"
                )));
            }
        }
        Ok(())
    }

    fn wram<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.inner.wram())
    }

    fn vram<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.inner.vram())
    }

    fn oam<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.inner.oam())
    }

    fn hram<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.inner.hram())
    }

    fn cartridge_ram<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.inner.cartridge_ram())
    }

    fn set_cartridge_ram(&mut self, ram: &[u8]) -> PyResult<()> {
        let own = self.inner.cartridge_ram_mut();
        if own.len() != ram.len() {
            return Err(PyValueError::new_err(format!(
                "the cartridge has {} bytes of RAM, {} were given",
                own.len(),
                ram.len()
            )));
        }
        own.copy_from_slice(ram);
        Ok(())
    }

    fn serial_output<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.inner.serial_output())
    }

    /// Writes the picture into `out`, uint8 [144 / downscale, 160 / downscale, 1, 3 or 4].
    #[pyo3(signature = (out, downscale = 1))]
    fn picture(&self, mut out: PyReadwriteArray3<'_, u8>, downscale: usize) -> PyResult<()> {
        let format = Format::new(out.shape()[2], downscale)?;
        if out.shape() != format.shape() {
            return Err(PyValueError::new_err(format!(
                "the array has shape {:?}, the picture {:?}",
                out.shape(),
                format.shape()
            )));
        }
        let slice = out.as_slice_mut().map_err(value_error)?;
        guarded(|| format.write(&self.inner, slice))
    }

    fn save_state<'py>(&mut self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        guarded(|| self.inner.save_state_into(&mut self.state))?;
        Ok(PyBytes::new(py, &self.state))
    }

    fn load_state(&mut self, state: &[u8]) -> PyResult<()> {
        guarded(|| self.inner.load_state(state))?.map_err(value_error)
    }
}

/// A, F, B, C, D, E, HL, SP, PC, and IME, HALT and STOP as 0 or 1.
pub(crate) fn registers<'py>(
    py: Python<'py>,
    machine: &gameboy::GameBoy,
) -> PyResult<Bound<'py, PyDict>> {
    let cpu = machine.cpu();
    let registers = PyDict::new(py);
    for (name, value) in [
        ("A", u16::from(cpu.a)),
        ("F", u16::from(cpu.f)),
        ("B", u16::from(cpu.b)),
        ("C", u16::from(cpu.c)),
        ("D", u16::from(cpu.d)),
        ("E", u16::from(cpu.e)),
        ("HL", cpu.hl()),
        ("SP", cpu.sp),
        ("PC", cpu.pc),
        ("IME", u16::from(cpu.ime)),
        ("halted", u16::from(cpu.mode == Mode::Halted)),
        ("locked", u16::from(cpu.mode == Mode::Locked)),
        ("dispatches", u16::from(machine.dispatches_interrupt())),
    ] {
        registers.set_item(name, value)?;
    }
    Ok(registers)
}

/// What a ROM's header says.
#[pyfunction]
pub(crate) fn rom_info<'py>(py: Python<'py>, rom: &[u8]) -> PyResult<Bound<'py, PyDict>> {
    let rom = Rom::new(rom).map_err(value_error)?;
    let header = rom.header();
    let info = PyDict::new(py);
    info.set_item("title", &header.title)?;
    info.set_item("mapper", format!("{:?}", header.mapper))?;
    info.set_item("rom_banks", header.rom_banks)?;
    info.set_item("ram_bytes", header.ram_bytes)?;
    info.set_item("battery", header.has_battery)?;
    info.set_item("clock", header.has_clock)?;
    info.set_item("color", header.color)?;
    info.set_item("checksum_fits", header.checksum_fits)?;
    Ok(info)
}
