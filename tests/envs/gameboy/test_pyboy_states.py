"""State files that releases of PyBoy 2 wrote, loaded here."""

from __future__ import annotations

import hashlib
import io
import json
import lzma
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from envlift.envs.gameboy.native import native
from envlift.envs.gameboy.rom import BRICKS
from envlift.envs.gameboy.vector_env import GameBoyVectorEnv
from envlift.gameboy import PyBoy

STATES = Path(__file__).parent / "states"
NAMES = sorted(path.name.removesuffix(".state.xz") for path in STATES.glob("*.xz"))
#: Releases whose machine is as exact as ours: what follows is the same, frame by frame.
EXACT = [name for name in NAMES if name.startswith(("pyboy-2.7", "pyboy-2.8"))]
REGISTERS = ("A", "F", "B", "C", "D", "E", "HL", "SP", "PC")


def rom(name: str) -> bytes:
    data = bytearray(BRICKS.read_bytes())
    if name.endswith("color"):
        data[0x143], data[0x147], data[0x149] = 0x80, 0x1B, 2
    data[0x14D] = -sum(byte + 1 for byte in data[0x134:0x14D]) & 0xFF
    return bytes(data)


def state(name: str) -> bytes:
    return lzma.decompress((STATES / f"{name}.state.xz").read_bytes())


def expected(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((STATES / f"{name}.json").read_text())
    return found


def seen(machine: Any) -> dict[str, Any]:
    registers = machine.registers()
    registers["PC"] -= registers["halted"]
    memory = machine.read_range(0xC000, 0x2000) + machine.read_range(0x8000, 0x2000)
    memory += machine.read_range(0xFE00, 0xA0) + machine.read_range(0xFF80, 0x7F)
    picture = np.zeros((144, 160, 3), np.uint8)
    machine.picture(picture)
    if machine.is_color:
        picture >>= 3
    return {
        "registers": [registers[register] for register in REGISTERS],
        "memory": hashlib.sha256(memory).hexdigest(),
        "screen": hashlib.sha256(picture.tobytes()).hexdigest(),
    }


def loaded(name: str) -> Any:
    machine = native().GameBoy(rom(name))
    machine.load_state(state(name))
    return machine


def test_states_of_all_versions_of_the_format_are_here() -> None:
    assert {expected(name)["version"] for name in NAMES} == {10, 11, 12, 14, 15, 29}


@pytest.mark.parametrize("name", NAMES)
def test_a_state_shows_what_pyboy_showed(name: str) -> None:
    assert state(name)[0] == expected(name)["version"]
    assert seen(loaded(name)) == expected(name)["at_once"]


@pytest.mark.parametrize("name", EXACT)
def test_it_goes_on_as_pyboy_did(name: str) -> None:
    machine = loaded(name)
    machine.run_frames(20)
    assert seen(machine) == expected(name)["last"]


@pytest.mark.parametrize("name", NAMES)
def test_every_state_is_a_game_that_can_be_played(name: str) -> None:
    machine = loaded(name)
    machine.run_frames(20)
    before = machine.read_range(0xC000, 16)
    again = native().GameBoy(rom(name))
    again.load_state(machine.save_state())
    again.run_frames(60)
    machine.run_frames(60)
    assert machine.read_range(0xC000, 16) == again.read_range(0xC000, 16)
    assert machine.read_range(0xC000, 16) != before


def test_scripts_and_batches_load_them() -> None:
    name = "pyboy-2.8.1"
    pyboy = PyBoy(BRICKS, window="null")
    pyboy.load_state(io.BytesIO(state(name)))
    assert seen(pyboy._machine) == expected(name)["at_once"]
    envs = GameBoyVectorEnv(num_envs=2, threads=1)
    envs.reset(seed=0)
    envs.load_state(1, state(name))
    assert envs.values()["score"][1] == pyboy.memory[0xC002]
    assert envs.values()["paddle_x"][1] == pyboy.memory[0xC004]
    envs.close()


def test_what_cannot_be_read_says_why() -> None:
    machine = native().GameBoy(BRICKS.read_bytes())
    good = state("pyboy-2.8.1")
    before = machine.save_state()
    for wrong, message in [
        (good[:-1], "cut off"),
        (good + b"\0", "cut off"),
        (bytes([20]) + good[1:], "save it anew"),
        (bytes([200]) + good[1:], "nor of PyBoy"),
    ]:
        with pytest.raises(ValueError, match=message):
            machine.load_state(wrong)
        assert machine.save_state() == before
    original = native().GameBoy(rom("pyboy-2.8.1-color"), "dmg")
    with pytest.raises(ValueError, match="Game Boy Color"):
        original.load_state(state("pyboy-2.8.1-color"))
