"""PyBoy's own loop, as fast as it can be run: what ``envlift bench gameboy`` measures beside ours.

Without window, sound and speed limit; ``tick(n, render)`` runs a step's frames inside compiled
code and draws the last alone.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from envlift.envs.gameboy.bench_roms import PRESSED, start
from envlift.envs.gameboy.bench_roms import rom as rom_of
from envlift.envs.gameboy.buttons import BUTTONS
from envlift.envs.gameboy.reference.pyboy import switched_on
from envlift.reference.lanes import component
from envlift.reference.types import Array, ArraySpec, SideSpec

_NAMES = {bit: name for name, bit in BUTTONS.items()}


class PyBoyLoop:
    """One machine that plays random buttons, or saves and loads its state.

    Args:
        num_lanes: 1.
        rom: ``bricks``, ``busy`` or ``halt``, see ``bench_roms``.
        frame_skip: frames of a step.
        render: the last frame of each step is drawn and copied out.
        states: a step saves and loads the state instead of playing.
    """

    batched = True

    def __init__(
        self, num_lanes: int, *, rom: str, frame_skip: int, render: bool, states: bool = False
    ) -> None:
        self._frame_skip, self._render, self._states = frame_skip, render, states
        self._rom = rom_of(rom)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "program.gb"
            path.write_bytes(self._rom)
            self._machine = switched_on(path)
        self._machine.set_emulation_speed(0)
        self._held = 0
        for mask, frames in start():
            self._press(mask)
            self._machine.tick(frames, False, False)
        state = io.BytesIO()
        self._machine.save_state(state)
        self._first = state.getvalue()

    def spec(self) -> SideSpec:
        """Describe the loop; nobody plays it step by step."""
        return SideSpec(
            name=f"PyBoy {importlib.metadata.version('pyboy')}",
            observation=ArraySpec((), "uint8"),
            action=ArraySpec((), "int32"),
            num_actions=len(PRESSED),
            pins={
                "pyboy": importlib.metadata.version("pyboy"),
                "ROM sha256": hashlib.sha256(self._rom).hexdigest(),
            },
        )

    @component
    def play(self, steps: Array, seed: Array) -> dict[str, Array]:
        """Play from the first state.

        Args:
            steps, seed: one number each.

        Returns:
            ``seconds``; ``cycles`` that passed; ``pixels``, the sum of one pixel over all pictures.
        """
        machine, skip, render = self._machine, self._frame_skip, self._render
        self._press(0)
        machine.load_state(io.BytesIO(self._first))
        count = int(steps[0])
        pressed = np.random.default_rng(int(seed[0])).choice(PRESSED, count).tolist()
        cycles, pixels = machine._cycles(), 0
        started = time.perf_counter()
        if self._states:
            buffer = io.BytesIO()
            for _ in range(count):
                buffer.seek(0)
                machine.save_state(buffer)
                buffer.seek(0)
                machine.load_state(buffer)
        else:
            for mask in pressed:
                if mask != self._held:
                    self._press(mask)
                machine.tick(skip, render, False)
                if render:
                    picture = np.array(machine.screen.ndarray[:, :, 0])
                    pixels += int(picture[72, 80])
        return {
            "seconds": np.array([time.perf_counter() - started]),
            "cycles": np.array([machine._cycles() - cycles], np.int64),
            "pixels": np.array([pixels], np.int64),
        }

    def _press(self, mask: int) -> None:
        for bit, name in _NAMES.items():
            if (mask ^ self._held) & bit:
                (self._machine.button_press if mask & bit else self._machine.button_release)(name)
        self._held = mask

    def reset(self, seeds: Array, chance: Array | None, returns: Sequence[str]) -> dict[str, Any]:
        """Answer nothing of worth: only ``play`` is used."""
        return {"observation": np.zeros(len(seeds), np.uint8)}

    def step(
        self,
        actions: Array,
        chance: Array | None,
        reset_seeds: Array | None,
        returns: Sequence[str],
    ) -> dict[str, Any]:
        """Refuse.

        Raises:
            NotImplementedError: always; ``play`` is what is timed.
        """
        raise NotImplementedError("the loop is only timed; PyBoyReference is what can be compared")

    def get_state(self) -> dict[str, Array]:
        """Return nothing."""
        return {}

    def set_state(self, state: Mapping[str, Array]) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Stop the machine."""
        self._machine.stop(save=False)
