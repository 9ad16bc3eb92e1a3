"""Level 1 and 2 of the Game Boy: single instructions, and programs traced one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from envlift.envs.gameboy.machine_code import HIGH_RAM, WINDOW
from envlift.envs.gameboy.verification import programs
from envlift.reference.types import Array
from envlift.verify.suite import Component, Field

#: No instructions (11), the prefix, and the two that wait: HALT is in the programs, STOP nowhere.
LEFT_OUT = {0xD3, 0xDB, 0xDD, 0xE3, 0xE4, 0xEB, 0xEC, 0xED, 0xF4, 0xFC, 0xFD, 0xCB, 0x10, 0x76}
OPCODES = np.array(
    [(opcode, 0) for opcode in range(256) if opcode not in LEFT_OUT]
    + [(0xCB, opcode) for opcode in range(256)]
)
_WITH_ADDRESS = (0x08, 0xEA, 0xFA)
_HIGH = (0xE0, 0xF0)
_HIGH_C = (0xE2, 0xF2)


def instructions(rng: np.random.Generator, n: int) -> dict[str, Array]:
    """Draw n cases, every opcode as often as any other; addresses lie in the window.

    Registers and memory are any, with 0, 1, 0x0F, 0x10, 0x7F, 0x80 and 0xFF more often than others.
    """
    order = np.concatenate([rng.permutation(len(OPCODES)) for _ in range(n // len(OPCODES) + 1)])
    opcode = OPCODES[order[:n]]
    code = np.zeros((n, 3), np.uint8)
    code[:, 0], code[:, 1] = opcode[:, 0], opcode[:, 1]
    operand = _bytes(rng, (n, 2))
    plain = opcode[:, 0] != 0xCB
    code[plain, 1:] = operand[plain]
    # A pointer to two bytes stays inside of the window, as does the stack.
    address = rng.integers(WINDOW.start + 2, WINDOW.stop - 2, (n, 4))
    whole = np.isin(opcode[:, 0], _WITH_ADDRESS)
    code[whole, 1], code[whole, 2] = address[whole, 0] & 0xFF, address[whole, 0] >> 8
    high = rng.integers(HIGH_RAM.start & 0xFF, HIGH_RAM.stop & 0xFF, n)
    short = np.isin(opcode[:, 0], _HIGH)
    code[short, 1] = high[short]
    registers = _bytes(rng, (n, 8)).astype(np.int32)
    registers[:, 1] &= 0xF0
    # BC, DE and HL are pointers in half of the cases with plain arithmetic, else always.
    points = ~_is_arithmetic(opcode) | (rng.random(n) < 0.5)
    for column, pointer in ((2, address[:, 1]), (4, address[:, 2])):
        registers[points, column], registers[points, column + 1] = (
            pointer[points] >> 8,
            pointer[points] & 0xFF,
        )
    by_c = np.isin(opcode[:, 0], _HIGH_C)
    registers[by_c, 3] = high[by_c]
    registers[:, 6] = np.where(points, address[:, 3], rng.integers(0, 0x10000, n))
    registers[:, 7] = rng.integers(WINDOW.start + 2, WINDOW.stop - 2, n)
    return {
        "code": code,
        "registers": registers,
        "memory": _bytes(rng, (n, len(WINDOW))),
        "high_ram": _bytes(rng, (n, len(HIGH_RAM))),
    }


def _is_arithmetic(opcode: Array) -> Array:
    """Whether an opcode uses 16-bit registers as numbers alone: INC, DEC, ADD HL and LD SP,HL."""
    return (opcode[:, 0] < 0x40) & np.isin(opcode[:, 0] & 0x0F, (0x03, 0x09, 0x0B))


def _bytes(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    edges = np.array([0, 1, 0x0F, 0x10, 0x7F, 0x80, 0x99, 0x9A, 0xFE, 0xFF], np.uint8)
    return np.where(
        rng.random(shape) < 0.3,
        rng.choice(edges, shape),
        rng.integers(0, 256, shape, dtype=np.uint8),
    )


def _of(name: str) -> Callable[[np.random.Generator, int], Mapping[str, Array]]:
    return lambda rng, n: programs.draw(programs.KINDS[name], rng, n)


def _programs(name: str) -> Component:
    return Component(
        f"programs_{name}",
        (Field("trace"), Field("memory"), Field("oam")),
        rows=_of(name),
        dtypes=programs.DTYPES,
        cost=10,
        configs=("frames",),
    )


COMPONENTS = (
    Component(
        "instructions",
        (Field("registers"), Field("cycles"), Field("memory"), Field("high_ram")),
        rows=instructions,
        dtypes={"code": "uint8", "registers": "int32", "memory": "uint8", "high_ram": "uint8"},
        configs=("frames",),
    ),
    *(_programs(name) for name in programs.KINDS),
)
