"""PyBoy as a batched reference for the Python host.

``python:envlift.envs.gameboy.reference.pyboy:PyBoyReference`` with ``requirements`` set to
``envlift.envs.gameboy.reference:requirements.txt`` (docs/reference-protocol.md). It knows Bricks by
the addresses in its source (``rom/bricks.c``), not by our game file. Shapes: ``T`` steps, ``B``
lanes.

PyBoy is used as it is, but for one thing: what ``LDH A,(DIV)`` reads (``divider.py``).
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
from envlift.envs.gameboy.reference.divider import Divider
from envlift.envs.gameboy.reference.traced import Traced
from envlift.envs.gameboy.rom import BRICKS
from envlift.reference.lanes import component
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
_GAME_STATE, _SCORE = 0xC000, 0xC002
_VARIABLES = (
    ("u8", 0xC000),
    ("u8", 0xC001),
    ("u16", 0xC002),
    *(("u8", address) for address in (0xC004, 0xC005, 0xC006)),
    *(("i8", address) for address in (0xC007, 0xC008)),
    ("u8", 0xC009),
)
"""What ``memory`` shows: type and address of what Bricks keeps, in the order of its source."""
_OVER = 3
_ACTIONS = (0, BUTTONS["left"], BUTTONS["right"])


class PyBoyReference:
    """B machines of PyBoy that play Bricks, without sound.

    An episode begins as the game file says: its seed draws the divider and how many frames pass,
    then START is pressed. Observation: the screen, uint8 [144, 160, 1], or what Bricks keeps in its
    memory, float32 [9].

    Args:
        num_lanes: B.
        frame_skip: frames of a step.
        hold: frames of it during which the buttons are held; None for all.
        buttons: actions are button masks, 0 to 255, not the three of the game.
        observation: ``screen`` or ``memory``.
        max_steps: an episode is truncated after so many; 0 for never.

    Raises:
        ValueError: for another observation.
    """

    batched = True

    def __init__(
        self,
        num_lanes: int,
        *,
        frame_skip: int = 1,
        hold: int | None = None,
        buttons: bool = False,
        observation: str = "screen",
        max_steps: int = 0,
    ) -> None:
        if observation not in _SHOWN:
            raise ValueError(f"observation={observation!r} is not known; use screen or memory")
        self._observation, self._see = _SHOWN[observation]
        self._drawn, self._max_steps = observation == "screen", max_steps
        self._length = [0] * num_lanes
        self._frame_skip = frame_skip
        self._hold_frames = frame_skip if hold is None else hold
        self._masks = tuple(range(256)) if buttons else _ACTIONS
        self._machines = [switched_on(BRICKS) for _ in range(num_lanes)]
        self._held = [0] * num_lanes
        for machine in self._machines:
            machine.tick(20, True)
        self._dividers = [Divider(machine, BRICKS.read_bytes()) for machine in self._machines]
        state = io.BytesIO()
        self._machines[0].save_state(state)
        self._first = state.getvalue()
        self._traced: Traced | None = None

    def spec(self) -> SideSpec:
        """Describe the environment."""
        return SideSpec(
            name=f"PyBoy {importlib.metadata.version('pyboy')}",
            observation=self._observation,
            action=ArraySpec((), "int32"),
            num_actions=len(self._masks),
            state=STATE,
            pins={
                "pyboy": importlib.metadata.version("pyboy"),
                "numpy": np.__version__,
                "bricks.gb sha256": hashlib.sha256(BRICKS.read_bytes()).hexdigest(),
            },
        )

    def reset(self, seeds: Array, chance: Array | None, returns: Sequence[str]) -> dict[str, Any]:
        """Begin an episode in every lane: seeds int64 [B]."""
        for lane, seed in enumerate(seeds):
            self._begin(lane, int(seed))
        record: dict[str, Any] = {"observation": np.stack([self._see(m) for m in self._machines])}
        return {**record, "state": self.get_state()} if "state" in returns else record

    def _begin(self, lane: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        machine = self._machines[lane]
        self._length[lane] = 0
        self._press(lane, 0)
        machine.load_state(
            io.BytesIO(self._dividers[lane].put(self._first, int(rng.integers(0x10000))))
        )
        waited = int(rng.integers(5))
        if waited:
            machine.tick(waited, True, False)
        self._press(lane, BUTTONS["start"])
        machine.tick(4, False, False)
        self._press(lane, 0)
        machine.tick(4, True, False)

    def step(
        self,
        actions: Array,
        chance: Array | None,
        reset_seeds: Array | None,
        returns: Sequence[str],
    ) -> dict[str, Any]:
        """Play T steps: actions int32 [T, B]; the picture is that of a step's last frame."""
        axes = actions.shape[:2]
        record: dict[str, Any] = {
            **{
                name: np.zeros((*axes, *self._observation.shape), self._observation.dtype)
                for name in ("observation", "final_observation")
            },
            "reward": np.zeros(axes),
            "terminated": np.zeros(axes, np.bool_),
            "truncated": np.zeros(axes, np.bool_),
        }
        states = {
            name: {
                field: np.zeros((*axes, *spec.shape), spec.dtype) for field, spec in STATE.items()
            }
            for name in ("state", "final_state")
            if name in returns
        }

        def keep(name: str, at: tuple[int, int]) -> None:
            if name in states:
                for field, value in _state(self._machines[at[1]]).items():
                    states[name][field][at] = value

        for time, lane in np.ndindex(axes):
            at, machine = (time, lane), self._machines[lane]
            score = _score(machine)
            self._run(lane, self._masks[int(actions[at])])
            record["reward"][at] = max(0, _score(machine) - score)
            record["terminated"][at] = ended = machine.memory[_GAME_STATE] == _OVER
            self._length[lane] += 1
            late = 0 < self._max_steps <= self._length[lane] and not ended
            record["truncated"][at] = late
            record["final_observation"][at] = self._see(machine)
            keep("final_state", at)
            if (ended or late) and reset_seeds is not None:
                self._begin(lane, int(reset_seeds[at]))
            record["observation"][at] = self._see(machine)
            keep("state", at)
        return {**record, **states}

    def _run(self, lane: int, mask: int) -> None:
        """Run a step's frames; only its last is drawn, and where pictures are observed."""
        hold, skip, machine = self._hold_frames, self._frame_skip, self._machines[lane]
        held = min(hold, skip)
        if held:
            self._press(lane, mask)
            machine.tick(held, self._drawn and held == skip, False)
        if held < skip:
            self._press(lane, 0)
            machine.tick(skip - held, self._drawn, False)

    def _press(self, lane: int, mask: int) -> None:
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

    @component
    def instructions(self, **arguments: Array) -> dict[str, Array]:
        """Run one instruction a row in PyBoy's pure-Python form; see ``pure.instructions``."""
        return self._trace("instructions", arguments)

    @component
    def programs(self, **arguments: Array) -> dict[str, Array]:
        """Trace a program a row in PyBoy's pure-Python form; see ``pure.programs``."""
        return self._trace("programs", arguments)

    programs_timer = programs_interrupts = programs_banks = programs

    def _trace(self, what: str, arguments: Mapping[str, Array]) -> dict[str, Array]:
        if self._traced is None:
            self._traced = Traced()
        return self._traced.call(what, arguments)

    def close(self) -> None:
        """Stop the machines."""
        if self._traced is not None:
            self._traced.close()
        for machine in self._machines:
            machine.stop(save=False)


def switched_on(rom: Path, **options: Any) -> Any:
    """Return a machine of PyBoy that was just switched on, with our boot ROM and without sound."""
    pyboy: Any = importlib.import_module("pyboy")
    with tempfile.TemporaryDirectory() as folder:
        boot = Path(folder) / "boot.bin"
        boot.write_bytes(BOOT_ROM)
        return pyboy.PyBoy(
            str(rom),
            window="null",
            sound_emulated=False,
            cgb=False,
            bootrom=str(boot),
            log_level="CRITICAL",
            **options,
        )


def _screen(machine: Any) -> Array:
    return np.array(machine.screen.ndarray[:, :, :1])


def _variables(machine: Any) -> Array:
    """Return what Bricks keeps in its memory, float32 [9]."""
    found: list[int] = []
    for kind, address in _VARIABLES:
        low, high = (int(byte) for byte in machine.memory[address : address + 2])
        value = low | high << 8 if kind == "u16" else low
        found.append(value - 256 if kind == "i8" and value > 127 else value)
    return np.array(found, np.float32)


_SHOWN = {
    "screen": (ArraySpec((144, 160, 1), "uint8"), _screen),
    "memory": (ArraySpec((len(_VARIABLES),), "float32"), _variables),
}


def _score(machine: Any) -> int:
    low, high = machine.memory[_SCORE : _SCORE + 2]
    return int(low) | int(high) << 8


def _state(machine: Any) -> dict[str, Any]:
    registers = machine.register_file
    return {
        "registers": [getattr(registers, name) for name in REGISTERS],
        "cycles": machine._cycles(),
        **{name: machine.memory[low:high] for name, (low, high) in _PLACES.items()},
    }
