"""What of the Game Boy is measured beside PyBoy.

A step is 24 frames; of frames a second there are 24 times as many. "Drawn" draws the last frame of
each step and hands it out, grey. All machines begin in the state after START, with random buttons.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from envlift.bench.benchmark import Form, Loop, ReferenceChild, ReferenceLoop
from envlift.bench.compiled import CompiledBenchmark, CompiledCase
from envlift.envs.gameboy import bench_roms
from envlift.envs.gameboy.bench_roms import PRESSED, start
from envlift.envs.gameboy.native import native

FRAME_SKIP = 24


class Machines:
    """N Game Boys and the buttons that they are given.

    Args:
        num_envs: N.
        threads: of the pool.
        rom: ``bricks``, ``busy`` or ``halt``.
        frame_skip: frames of a step.
        render: the last frame of each step is drawn and handed out.
        states: a step saves and loads every state instead of playing.
    """

    def __init__(
        self,
        num_envs: int,
        threads: int,
        rom: str,
        frame_skip: int,
        render: bool,
        states: bool = False,
    ) -> None:
        self._batch = native().Batch(bench_roms.rom(rom), num_envs, model="dmg", threads=threads)
        self._count, self._skip, self._states = num_envs, frame_skip, states
        shape = (num_envs, *self._batch.picture_shape)
        self._pictures = np.zeros(shape, np.uint8) if render else None
        for mask, frames in start():
            self._batch.run_one(0, mask, frames)
        self._first = self._batch.save_state(0)

    def begin(self) -> None:
        """Put every machine into the first state."""
        for lane in range(self._count):
            self._batch.load_state(lane, self._first)

    def play(self, steps: int, seed: int) -> Mapping[str, int]:
        """Play; return ``cycles`` of all machines and the sum of a pixel over all pictures."""
        batch, pixels = self._batch, 0
        if self._states:
            for _ in range(steps):
                for lane in range(self._count):
                    batch.load_state(lane, batch.save_state(lane))
        else:
            rng = np.random.default_rng(seed)
            pressed = rng.choice(np.array(PRESSED, np.uint8), (steps, self._count))
            for row in pressed:
                batch.step(row, self._skip, self._skip, self._pictures, None)
                if self._pictures is not None:
                    pixels += int(self._pictures[:, 72, 80, 0].sum())
        return {"cycles": sum(batch.cycles(lane) for lane in range(self._count)), "pixels": pixels}


def play_reference(child: ReferenceChild, form: Form, steps: int, seed: int) -> Loop:
    """Play in PyBoy; see ``reference.loop.PyBoyLoop``."""
    numbers = {"steps": np.array([steps]), "seed": np.array([seed])}
    answer = child.call("play", numbers)
    checksum = {name: int(answer[name][0]) for name in ("cycles", "pixels")}
    return Loop(float(answer["seconds"][0]), checksum)


def memory(num_envs: int) -> int | None:
    """Return by how much this process grows when it makes so many machines; None off Linux."""
    before = _resident()
    batch = native().Batch(bench_roms.rom("bricks"), num_envs, model="dmg", threads=1)
    after = _resident()
    del batch
    return None if before is None or after is None else after - before


def _resident() -> int | None:
    path = Path("/proc/self/statm")
    if not path.is_file():
        return None
    return int(path.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _case(name: str, render: bool, **more: Any) -> CompiledCase:
    drawn = "last frame drawn" if render else "not drawn"
    return CompiledCase(
        f"{name}, {FRAME_SKIP} frames, {drawn}",
        {"rom": name, "frame_skip": FRAME_SKIP, "render": render},
        steps=2,
        ratio=(5.0, 10.0) if render else (3.0, 10.0),
        **more,
    )


BENCH = CompiledBenchmark(
    make=Machines,
    reference=ReferenceLoop(
        "python:envlift.envs.gameboy.reference.loop:PyBoyLoop",
        play_reference,
        steps=256,
        name="PyBoy",
        config={"requirements": "envlift.envs.gameboy.reference:requirements.txt"},
    ),
    cases=(
        _case("bricks", True, batches=(1, 4, 16, 64, 256), quick_batches=(1, 64)),
        _case("bricks", False),
        _case("busy", True),
        _case("busy", False),
        _case("halt", True),
        _case("halt", False),
        CompiledCase(
            "a state saved and loaded",
            {"rom": "bricks", "frame_skip": FRAME_SKIP, "render": False, "states": True},
            steps=64,
            batches=(16,),
            quick_batches=(16,),
            reference_steps=16,
            rate=100_000.0,
            threads=False,
        ),
    ),
    memory=memory,
)
