"""Random programs whose timing shows: timer, interrupts, banks of a cartridge.

When an interrupt comes is seen by the program counter of the next instruction; its handler counts.
The programs keep off what PyBoy is known to do otherwise than hardware (``deviations.toml``): they
read no register of the timer, and halt with interrupts enabled only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from envlift.envs.gameboy.machine_code import HANDLER_BYTES, VECTORS
from envlift.reference.types import Array

CODE_BYTES = 320
DTYPES: Mapping[str, str] = {
    "code": "uint8",
    "vectors": "uint8",
    "kind": "int32",
    "banks": "int32",
    "ram": "int32",
    "steps": "int32",
}
DIV, TIMA, TMA, TAC, IF, LCDC, IE = 0x04, 0x05, 0x06, 0x07, 0x0F, 0x40, 0xFF
EI, DI, HALT, NOP, RETI = 0xFB, 0xF3, 0x76, 0x00, 0xD9
#: EI while interrupts are enabled changes nothing, but in PyBoy puts them off by an instruction.
_ENABLE = (DI, EI)
#: Each handler counts in a register of its own.
_COUNTS = (0x04, 0x0C, 0x14, 0x1C, 0x24)

Rng = np.random.Generator
Kind = tuple[Callable[[Rng], bytes], int, tuple[tuple[int, int, int], ...]]


def draw(kind: Kind, rng: Rng, n: int) -> dict[str, Array]:
    """Draw n programs of a kind."""
    make, steps, cartridges = kind
    code = np.zeros((n, CODE_BYTES), np.uint8)
    for row in code:
        program = make(rng)
        if len(program) > CODE_BYTES:
            raise ValueError(f"a program has {len(program)} bytes; make CODE_BYTES as many")
        row[: len(program)] = list(program)
    handlers = b"".join(
        bytes([count, RETI]).ljust(HANDLER_BYTES, b"\0") for count in _COUNTS[: len(VECTORS)]
    )
    chosen = np.array(cartridges)[rng.integers(0, len(cartridges), n)]
    return {
        "code": code,
        "vectors": np.tile(np.frombuffer(handlers, np.uint8), (n, 1)),
        "kind": chosen[:, 0],
        "banks": chosen[:, 1],
        "ram": chosen[:, 2],
        "steps": np.full(n, steps),
    }


def put(register: int, value: int) -> bytes:
    """Return LD A,value; LDH (register),A."""
    return bytes([0x3E, value, 0xE0, register])


def _stack(rng: Rng) -> bytes:
    return bytes([0x31, int(rng.integers(0x20, 0x40)), 0xC1])  # LD SP,$C12x


def _spent(rng: Rng) -> bytes:
    """Return instructions that take one to six M-cycles and change little."""
    some = (
        bytes([NOP]),
        bytes([0x03]),  # INC BC, 2
        bytes([0x18, 0x00]),  # JR +0, 3
        bytes([0xC5, 0xC1]),  # PUSH BC, 4; POP BC, 3
        bytes([0x36, 0x00]),  # LD (HL),0, 3
        bytes([0x34]),  # INC (HL), 3
    )
    return b"".join(some[rng.integers(len(some))] for _ in range(rng.integers(0, 5)))


def _halt() -> bytes:
    """Wait in HALT for the timer, whose interrupt does not come in the moment of the HALT.

    There the Game Boy returns to the HALT, and PyBoy behind it (``deviations.toml``).
    """
    return put(TAC, 0) + put(TIMA, 0xF4) + put(TAC, 5) + bytes([*_ENABLE, NOP, HALT, NOP])


def timer(rng: Rng) -> bytes:
    """Write to the registers of the timer at odd moments, with and without its interrupt."""
    code = _stack(rng) + b"\x21\x00\xc1" + put(IE, 4) + put(TAC, 4 + int(rng.integers(4)))
    code += put(TMA, int(rng.integers(0xF0, 0xFA))) + put(TIMA, int(rng.integers(0xF8, 0x100)))
    code += bytes(_ENABLE)
    for _ in range(rng.integers(6, 14)):
        what = rng.integers(8)
        if what < 2:
            code += put(DIV, 0)
        elif what == 2:
            # A write in the M-cycle of an overflow undoes its interrupt; PyBoy lets it come.
            code += put(TAC, 0) + put(TIMA, int(rng.integers(0xF8, 0x100))) + put(TAC, 5)
        elif what == 3:
            code += put(TMA, int(rng.integers(0xF0, 0xFA)))
        elif what == 4:
            code += put(TAC, int(rng.choice([0, 4, 5, 5, 5, 6, 7])))
        elif what == 5:
            code += _halt()
        code += _spent(rng)
    return code


def interrupts(rng: Rng) -> bytes:
    """Request and enable interrupts by writing to IF and IE; EI, DI, RETI and HALT between."""
    code = _stack(rng) + b"\x21\x00\xc1"
    # While one interrupt is dispatched the timer may request another. Which is served then is not
    # the same in PyBoy (deviations.toml): a running timer meets sources before it alone.
    runs = rng.random() < 0.5
    most = 0x04 if runs else 0x20
    code += put(TMA, 0xF4) + put(TAC, 5 if runs else 0)
    for _ in range(rng.integers(8, 16)):
        what = rng.integers(7 if runs else 6)
        if what == 0:
            code += put(IE, int(rng.integers(0x20)))
        elif what < 3:
            code += put(IF, int(rng.integers(most)))
        elif what == 3:
            code += bytes(_ENABLE)
        elif what == 4:
            code += bytes([*_ENABLE, DI])
        elif what == 5:
            code += bytes([DI])
        else:
            code += put(IE, 4) + _halt()
        code += _spent(rng)
    return code


def banks(rng: Rng) -> bytes:
    """Write to a cartridge's registers, read ROM and RAM, call code that switches banks."""
    code = _stack(rng) + put(LCDC, 0)
    for _ in range(rng.integers(8, 16)):
        what = rng.integers(6)
        value = int(rng.integers(256)) if rng.random() < 0.5 else int(rng.integers(16))
        if what < 2:
            place = int(rng.choice([0x0000, 0x2000, 0x2100, 0x3000, 0x6000]))
            if place == 0x0000:
                value = int(rng.choice([0x0A, 0x0A, 0x00, 0x1A]))
            code += bytes([0x3E, value, 0xEA, place & 0xFF, place >> 8])  # LD (place),A
        elif what == 2:
            code += bytes([0x3E, int(rng.integers(4)), 0xEA, 0x00, 0x40])
        elif what == 3:
            code += bytes([0xCD, 0x00, 0x40])  # CALL $4000
        elif what == 4:
            # LD HL,$2100; LD B,value; CALL $4010: the routine goes on in another bank.
            code += bytes([0x21, 0x00, 0x21, 0x06, value, 0xCD, 0x10, 0x40])
        else:
            at = int(rng.integers(0xA000, 0xC000))
            code += bytes([0x3E, value, 0xEA, at & 0xFF, at >> 8, 0xFA, at & 0xFF, at >> 8])
        code += bytes([0xFA, 0x34, 0x72])  # LD A,($7234)
    return code


NO_MAPPER = ((0x00, 2, 0),)
MAPPERS = (
    *((0x03, count, 3) for count in (2, 8, 16, 32, 64)),
    *((0x06, count, 0) for count in (2, 16)),
    *((0x13, count, 3) for count in (4, 32, 128)),
    *((0x1B, count, 3) for count in (2, 64, 512)),
)
KINDS: Mapping[str, Kind] = {
    "timer": (timer, 70, NO_MAPPER),
    "interrupts": (interrupts, 70, NO_MAPPER),
    "banks": (banks, 60, MAPPERS),
}
