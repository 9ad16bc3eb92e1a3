"""PyBoy in its pure-Python form, one instruction at a time; runs in a process of its own.

The wheel holds compiled modules with their Python sources beside them. A copy without the compiled
ones is the same emulator, some 300 times slower, and open. Shapes: ``N`` rows, ``S`` steps.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from envlift.envs.gameboy.machine_code import (
    CODE,
    CODE_END,
    HIGH_RAM,
    REGISTERS,
    SINGLE,
    VECTORS,
    WINDOW,
    rom,
)
from envlift.reference.types import Array

_LEFT_OUT = ("*.so", "*.pyd", "*.c", "*.pxd", "__pycache__")
#: More than any instruction and any wait for the first one takes.
_MOST_STEPS = 1_000_000
_TIMER, _IF, _TIMER_INTERRUPT = range(0xFF04, 0xFF08), 0xFF0F, 4
_EARLY, _LAST = 4, 4
"""T-cycles from PyBoy's access to hardware's, and from there to the end of the instruction."""
_MBC1 = (0x01, 0x02, 0x03)

_machines: dict[bytes, tuple[Any, bytes]] = {}


def prepare(folder: str) -> None:
    """Make ``import pyboy`` find a copy without compiled modules in ``folder``.

    The compiled modules that this process may have imported are forgotten.

    Raises:
        RuntimeError: if the package cannot be found.
    """
    for name in [name for name in sys.modules if name.partition(".")[0] == "pyboy"]:
        del sys.modules[name]
    spec = importlib.util.find_spec("pyboy")
    if spec is None or spec.origin is None:
        raise RuntimeError("the package pyboy is not installed here")
    package = Path(spec.origin).parent
    shutil.copytree(package, Path(folder) / "pyboy", ignore=shutil.ignore_patterns(*_LEFT_OUT))
    sys.path.insert(0, folder)
    importlib.invalidate_caches()


def call(what: str, arguments: Mapping[str, Array]) -> dict[str, Array]:
    """Run ``instructions`` or ``programs``."""
    return {"instructions": instructions, "programs": programs}[what](arguments)


def instructions(arguments: Mapping[str, Array]) -> dict[str, Array]:
    """Run one instruction a row; see ``watched.Watched.instructions``."""
    mb = _at_code(rom(b"")).mb
    mb.lcd.set_lcdc(0)
    results: dict[str, list[Any]] = {n: [] for n in ("registers", "cycles", "memory", "high_ram")}
    for code, registers, memory, high_ram in zip(
        *(arguments[n].tolist() for n in ("code", "registers", "memory", "high_ram")), strict=True
    ):
        for name, value in zip(REGISTERS, registers, strict=True):
            setattr(mb.cpu, name, value)
        mb.cpu.PC = SINGLE
        mb.cpu.interrupt_master_enable = False
        mb.cpu.interrupt_enable_delay = 0
        mb.cpu.interrupts_enabled_register = mb.cpu.interrupts_flag_register = 0
        _write(mb, SINGLE, code)
        _write(mb, WINDOW.start, memory)
        _write(mb, HIGH_RAM.start, high_ram)
        before = mb.cpu.cycles
        mb.cpu.fetch_and_execute()
        results["registers"].append([getattr(mb.cpu, name) for name in (*REGISTERS, "PC")])
        results["cycles"].append(mb.cpu.cycles - before)
        results["memory"].append([mb.getitem(at) for at in WINDOW])
        results["high_ram"].append([mb.getitem(at) for at in HIGH_RAM])
    return {
        "registers": np.array(results["registers"], np.int32),
        "cycles": np.array(results["cycles"], np.int32),
        "memory": np.array(results["memory"], np.uint8),
        "high_ram": np.array(results["high_ram"], np.uint8),
    }


def programs(arguments: Mapping[str, Array]) -> dict[str, Array]:
    """Trace a program a row; see ``watched.Watched.programs``."""
    steps = int(arguments["steps"][0])
    results: dict[str, list[Any]] = {"trace": [], "memory": [], "oam": []}
    for code, vectors, kind, banks, ram in zip(
        *(arguments[n] for n in ("code", "vectors", "kind", "banks", "ram")), strict=True
    ):
        image = rom(code.tobytes(), vectors.tobytes(), int(kind), int(banks), int(ram))
        machine = _at_code(image)
        mb = machine.mb
        # A state holds nothing of the ROM, which is another one each time.
        for at in (*range(VECTORS[0], VECTORS[-1] + 8), *range(CODE, CODE_END)):
            mb.cartridge.rombanks[0, at] = image[at]
        trace: list[list[int]] = []
        while len(trace) < steps:
            if _is_before_instruction(mb.cpu):
                trace.append([getattr(mb.cpu, n) for n in (*REGISTERS, "PC", "cycles")])
            _step(mb)
        results["trace"].append(trace)
        results["memory"].append([mb.getitem(at) for at in WINDOW])
        results["oam"].append(list(mb.lcd.OAM[:0xA0]))
    return {
        "trace": np.array(results["trace"], np.int32),
        "memory": np.array(results["memory"], np.uint8),
        "oam": np.array(results["oam"], np.uint8),
    }


def _at_code(image: bytes) -> Any:
    """Return a machine with a cartridge like this one that is about to run its program."""
    from envlift.envs.gameboy.reference.pyboy import switched_on

    like = image[0x147:0x14A] + len(image).to_bytes(4, "little")
    if like not in _machines:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "program.gb"
            path.write_bytes(image)
            machine = switched_on(path)
        _wait_long(machine.mb)
        _access_in_time(machine.mb)
        for _ in range(_MOST_STEPS):
            if machine.mb.cpu.PC == CODE:
                break
            _step(machine.mb)
        else:
            raise RuntimeError(f"PyBoy did not reach {CODE:#06x}: {machine.mb.cpu.PC:#06x}")
        # Every access comes so much earlier than the end of its instruction.
        machine.mb.timer.DIV, machine.mb.timer.DIV_counter = 0, _LAST
        state = io.BytesIO()
        machine.save_state(state)
        _machines[like] = machine, state.getvalue()
    machine, first = _machines[like]
    machine.load_state(io.BytesIO(first))
    if image[0x147] in _MBC1:
        # The bank at 0x0000 is not in PyBoy's states; this computes it from what is.
        machine.mb.setitem(0x6000, 0)
    return machine


def _wait_long(mb: Any) -> None:
    """Let a halted CPU wait for the LCD at once, not one M-cycle a step."""
    tick = mb.cpu.tick

    def tick_longer(target: int) -> None:
        cpu = mb.cpu
        pending = cpu.interrupts_flag_register & cpu.interrupts_enabled_register & 0x1F
        if cpu.halted and not pending and not mb.timer.TAC & 4:
            target = max(target, min(mb.lcd._cycles_to_interrupt, mb.lcd._cycles_to_frame))
        tick(target)

    mb.cpu.tick = tick_longer


def _access_in_time(mb: Any) -> None:
    """Let registers of the timer, and IF, be read and written in the instruction's last M-cycle.

    PyBoy does so eight T-cycles before the end of every instruction, hardware four: the CPU looks
    for interrupts an M-cycle after its last access (mooneye ``timer/rapid_toggle``, where the write
    that lets the timer overflow is the last instruction before the interrupt). Only interrupts
    show the difference, or a count between.
    """

    def in_time(access: Callable[..., Any]) -> Callable[..., Any]:
        def accessed(address: int, *value: int) -> Any:
            if not (_TIMER[0] <= address <= _TIMER[-1] or address == _IF):
                return access(address, *value)
            mb.cpu.cycles += _EARLY
            if mb.timer.tick(mb.cpu.cycles):
                mb.cpu.set_interruptflag(_TIMER_INTERRUPT)
            answer = access(address, *value)
            mb.cpu.cycles -= _EARLY
            return answer

        return accessed

    mb.getitem_io_ports = in_time(mb.getitem_io_ports)
    mb.setitem_io_ports = in_time(mb.setitem_io_ports)


def _step(mb: Any) -> None:
    mb.breakpoint_singlestep = 1
    mb.lcd.frame_done = False
    mb.tick()


def _is_before_instruction(cpu: Any) -> bool:
    pending = cpu.interrupts_flag_register & cpu.interrupts_enabled_register & 0x1F
    dispatches = bool(pending) and cpu.interrupt_master_enable and not cpu.interrupt_queued
    return not cpu.halted and not dispatches


def _write(mb: Any, start: int, values: list[int]) -> None:
    for at, value in enumerate(values, start):
        mb.setitem(at, value)
