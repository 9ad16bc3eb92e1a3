"""PyBoy as a batched reference for the Python host.

``python:envlift.envs.gameboy.reference.pyboy:PyBoyReference`` with ``requirements`` set to
``envlift.envs.gameboy.reference:requirements.txt`` (docs/reference-protocol.md). A step is a frame,
an action a button mask. Shapes: ``T`` steps, ``B`` lanes.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import io
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from envlift.envs.gameboy.boot import BOOT_ROM
from envlift.envs.gameboy.buttons import BUTTONS
from envlift.reference.types import Array, ArraySpec, SideSpec

REGISTERS = ("A", "F", "B", "C", "D", "E", "HL", "SP", "PC")
STATE = {
    "registers": ArraySpec((len(REGISTERS),), "int32"),
    "cycles": ArraySpec((), "int64"),
    "wram": ArraySpec((0x2000,), "uint8"),
    "vram": ArraySpec((0x2000,), "uint8"),
    "oam": ArraySpec((0xA0,), "uint8"),
    "hram": ArraySpec((0x7F,), "uint8"),
}
_PLACES = {
    "wram": (0xC000, 0xE000),
    "vram": (0x8000, 0xA000),
    "oam": (0xFE00, 0xFEA0),
    "hram": (0xFF80, 0xFFFF),
}


class PyBoyReference:
    """B machines of PyBoy with one ROM, without sound.

    Every reset is the same: the machine is switched on, with envlift's boot ROM.

    Args:
        num_lanes: B.
        rom: path of a ROM.
    """

    batched = True

    def __init__(self, num_lanes: int, *, rom: str) -> None:
        pyboy: Any = importlib.import_module("pyboy")
        self._rom = Path(rom)
        with tempfile.TemporaryDirectory() as folder:
            boot = Path(folder) / "boot.bin"
            boot.write_bytes(BOOT_ROM)
            self._machines: list[Any] = [
                pyboy.PyBoy(
                    rom,
                    window="null",
                    sound_emulated=False,
                    cgb=False,
                    bootrom=str(boot),
                    log_level="CRITICAL",
                )
                for _ in range(num_lanes)
            ]
        self._held = [0] * num_lanes
        state = io.BytesIO()
        self._machines[0].save_state(state)
        self._first = state.getvalue()

    def spec(self) -> SideSpec:
        """Describe the environment."""
        return SideSpec(
            name=f"PyBoy {importlib.metadata.version('pyboy')}",
            observation=ArraySpec((144, 160), "uint8"),
            action=ArraySpec((), "int32"),
            num_actions=256,
            state=STATE,
            pins={
                "pyboy": importlib.metadata.version("pyboy"),
                "numpy": np.__version__,
                f"{self._rom.name} sha256": hashlib.sha256(self._rom.read_bytes()).hexdigest(),
            },
        )

    def reset(self, seeds: Array, chance: Array | None, returns: Sequence[str]) -> dict[str, Any]:
        """Switch every machine on; seeds change nothing."""
        for lane, machine in enumerate(self._machines):
            self._hold(lane, 0)
            machine.load_state(io.BytesIO(self._first))
        record: dict[str, Any] = {
            "observation": np.stack([_screen(machine) for machine in self._machines])
        }
        return {**record, "state": self.get_state()} if "state" in returns else record

    def step(
        self,
        actions: Array,
        chance: Array | None,
        reset_seeds: Array | None,
        returns: Sequence[str],
    ) -> dict[str, Any]:
        """Run T frames: actions int32 [T, B], button masks."""
        axes = actions.shape[:2]
        record: dict[str, Any] = {
            "observation": np.zeros((*axes, 144, 160), np.uint8),
            "reward": np.zeros(axes),
            "terminated": np.zeros(axes, np.bool_),
            "truncated": np.zeros(axes, np.bool_),
        }
        wanted = [name for name in ("state", "final_state") if name in returns]
        states = {
            name: {
                field: np.zeros((*axes, *spec.shape), spec.dtype) for field, spec in STATE.items()
            }
            for name in wanted
        }
        for time, lane in np.ndindex(axes):
            machine = self._machines[lane]
            self._hold(lane, int(actions[time, lane]))
            machine.tick(1, True)
            record["observation"][time, lane] = _screen(machine)
            for state in states.values():
                for field, value in _state(machine).items():
                    state[field][time, lane] = value
        if "final_observation" in returns:
            record["final_observation"] = record["observation"]
        return {**record, **states}

    def _hold(self, lane: int, mask: int) -> None:
        machine = self._machines[lane]
        for name, bit in BUTTONS.items():
            if (mask ^ self._held[lane]) & bit:
                (machine.button_press if mask & bit else machine.button_release)(name)
        self._held[lane] = mask

    def get_state(self) -> dict[str, Array]:
        """Return registers, cycles and memory of every machine."""
        states = [_state(machine) for machine in self._machines]
        return {
            field: np.array([state[field] for state in states], spec.dtype)
            for field, spec in STATE.items()
        }

    def set_state(self, state: Mapping[str, Array]) -> None:
        """Refuse: memory and registers are not all of a machine.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("a Game Boy cannot be put together from memory and registers")

    def close(self) -> None:
        """Stop the machines."""
        for machine in self._machines:
            machine.stop(save=False)


def _screen(machine: Any) -> Array:
    return np.array(machine.screen.ndarray[:, :, 0])


def _state(machine: Any) -> dict[str, Any]:
    registers = machine.register_file
    return {
        "registers": [getattr(registers, name) for name in REGISTERS],
        "cycles": machine._cycles(),
        **{name: machine.memory[low:high] for name, (low, high) in _PLACES.items()},
    }
