"""Damaged states and ROMs: an error in words, or a machine that runs; never a panic.

A panic would come out as a RuntimeError, "a fault of envlift-gameboy". ENVLIFT_FUZZ=100 makes a
hundred times as many cases, for a run by hand.
"""

from __future__ import annotations

import lzma
import os
import random
from pathlib import Path

from envlift.envs.gameboy.native import native
from envlift.envs.gameboy.rom import BRICKS

STATES = Path(__file__).parent / "states"
MORE = int(os.environ.get("ENVLIFT_FUZZ", "1"))


def color_rom() -> bytes:
    data = bytearray(BRICKS.read_bytes())
    data[0x143], data[0x147], data[0x149] = 0x80, 0x1B, 2
    return bytes(data)


def damaged(rng: random.Random, good: bytes) -> bytes:
    """Some bytes changed, mostly in fields: before, between and after memories and picture."""
    wrong = bytearray(good)
    for _ in range(rng.randrange(1, 6)):
        at = rng.choice(
            [
                rng.randrange(60),
                rng.randrange(8000, 9200),
                rng.randrange(len(good)),
                rng.randrange(200),
            ]
        )
        wrong[-1 - at if rng.random() < 0.3 else at] = rng.choice(
            [0, 1, 0x80, 0xFF, rng.randrange(256)]
        )
    if rng.random() < 0.1:
        del wrong[rng.randrange(len(wrong)) :]
    return bytes(wrong)


def test_states_of_pyboy() -> None:
    rng = random.Random(5)
    accepted = refused = 0
    for name in ("pyboy-2.8.1", "pyboy-2.8.1-color", "pyboy-2.7.0", "pyboy-2.2.0"):
        rom = color_rom() if name.endswith("color") else BRICKS.read_bytes()
        machine, again = native().GameBoy(rom), native().GameBoy(rom)
        good = lzma.decompress((STATES / f"{name}.state.xz").read_bytes())
        for _ in range(30 * MORE):
            try:
                machine.load_state(damaged(rng, good))
            except ValueError:
                refused += 1
                continue
            accepted += 1
            machine.run_frames(2)
            again.load_state(machine.save_state())
    assert accepted > 20 * MORE
    assert refused > 10 * MORE


def test_states_of_our_own() -> None:
    rng = random.Random(6)
    machine = native().GameBoy(BRICKS.read_bytes())
    machine.run_frames(30)
    good = machine.save_state()
    for _ in range(100 * MORE):
        wrong = damaged(rng, good)
        if wrong == good:
            continue
        try:
            machine.load_state(wrong)
        except ValueError:
            continue
        raise AssertionError("a damaged state of our own was taken")


def test_roms() -> None:
    rng = random.Random(7)
    accepted = refused = 0
    good = BRICKS.read_bytes()
    for _ in range(100 * MORE):
        wrong = bytearray(good)
        # The header, and the program.
        for low, high, count in (
            (0x134, 0x150, rng.randrange(4)),
            (0x150, 0x1000, rng.randrange(9)),
        ):
            for _ in range(count):
                wrong[rng.randrange(low, high)] = rng.randrange(256)
        wrong[0x147] = rng.choice([wrong[0x147], 1, 3, 6, 0x10, 0x1B, 0x1E, rng.randrange(256)])
        if rng.random() < 0.1:
            del wrong[rng.randrange(len(wrong)) :]
        try:
            machine = native().GameBoy(bytes(wrong))
        except ValueError:
            refused += 1
            continue
        accepted += 1
        machine.buttons = rng.randrange(256)
        machine.run_frames(3)
        machine.load_state(machine.save_state())
    assert accepted > 30 * MORE
    assert refused > 10 * MORE
