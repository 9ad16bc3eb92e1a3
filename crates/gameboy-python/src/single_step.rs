//! Single-step cases of the SM83: one instruction on flat memory.

use gameboy::{Access, Cpu, FlatBus, Mode};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

/// Runs one instruction of a case: registers `pc`, `sp`, `a`, `b`, `c`, `d`, `e`, `f`, `h`, `l`,
/// `ime` (0 or 1), perhaps `ie`, and `ram`, pairs of address and byte.
///
/// Gives the same keys afterwards, `ram` with the addresses of `initial` and all that were written,
/// and `cycles`, one triple for each M-cycle: address, byte and `"r-m"` or `"-wm"`; without an
/// access `None`, `None` and `"---"`.
#[pyfunction]
pub(crate) fn single_step<'py>(
    py: Python<'py>,
    initial: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyDict>> {
    let number = |name: &str| -> PyResult<u16> {
        match initial.get_item(name)? {
            Some(value) => value.extract(),
            None => Ok(0),
        }
    };
    let byte = |name: &str| number(name).map(|value| value as u8);
    let mut cpu = Cpu {
        a: byte("a")?,
        f: byte("f")? & 0xF0,
        b: byte("b")?,
        c: byte("c")?,
        d: byte("d")?,
        e: byte("e")?,
        h: byte("h")?,
        l: byte("l")?,
        sp: number("sp")?,
        pc: number("pc")?,
        ime: number("ime")? != 0,
        ..Cpu::default()
    };
    let mut bus = FlatBus {
        interrupt_enable: byte("ie")?,
        ..FlatBus::default()
    };
    let ram: Vec<[u16; 2]> = match initial.get_item("ram")? {
        Some(pairs) => pairs.extract()?,
        None => Vec::new(),
    };
    for &[address, value] in &ram {
        bus.memory[usize::from(address)] = value as u8;
    }
    cpu.step(&mut bus);
    let after = PyDict::new(py);
    for (name, value) in [
        ("a", cpu.a),
        ("b", cpu.b),
        ("c", cpu.c),
        ("d", cpu.d),
        ("e", cpu.e),
        ("f", cpu.f),
        ("h", cpu.h),
        ("l", cpu.l),
        ("ime", u8::from(cpu.ime)),
        ("ie", bus.interrupt_enable),
        ("ei", u8::from(cpu.mode == Mode::EnablingInterrupts)),
    ] {
        after.set_item(name, value)?;
    }
    after.set_item("pc", cpu.pc)?;
    after.set_item("sp", cpu.sp)?;
    let mut addresses: Vec<u16> = ram.iter().map(|pair| pair[0]).collect();
    let cycles = PyList::empty(py);
    for access in &bus.accesses {
        match *access {
            Access::Read { address, value } => cycles.append((address, value, "r-m"))?,
            Access::Write { address, value } => {
                addresses.push(address);
                cycles.append((address, value, "-wm"))?;
            }
            Access::Internal => cycles.append((py.None(), py.None(), "---"))?,
        }
    }
    addresses.sort_unstable();
    addresses.dedup();
    let memory = PyList::empty(py);
    for address in addresses {
        memory.append((address, bus.memory[usize::from(address)]))?;
    }
    after.set_item("ram", memory)?;
    after.set_item("cycles", cycles)?;
    Ok(after)
}

/// The instruction that three bytes begin with, as text, and its length.
#[pyfunction]
pub(crate) fn disassemble(bytes: [u8; 3], address: u16) -> (String, u8) {
    let found = gameboy::instructions::disassemble(bytes, address);
    (found.text, found.length)
}
