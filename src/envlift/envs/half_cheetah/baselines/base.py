"""What every baseline has: a component ``play`` that plays random actions by its own clock.

Shapes: ``B`` environments, ``T`` steps. All of them are given uniform actions in [-1, 1] and keep
the observation of every step.
"""

from __future__ import annotations

import os
from importlib import metadata
from typing import Any

import numpy as np

from envlift.reference.types import Array

ACTIONS, OBSERVATION, FRAME_SKIP = 6, 17, 5
SCALE = 4096
"""Observations enter a checksum as whole multiples of 1/4096."""


class Baseline:
    """A program that only plays; it cannot be stepped by messages.

    Args:
        num_lanes: ignored; ``play`` is told how many environments.
    """

    batched = True
    name = "baseline"
    packages: tuple[str, ...] = ()

    def __init__(self, num_lanes: int) -> None:
        pass

    def spec(self) -> dict[str, Any]:
        """Return what the protocol asks for."""
        return {
            "name": self.name,
            "observation": {"shape": [OBSERVATION], "dtype": "float64"},
            "action": {"shape": [ACTIONS], "dtype": "float64"},
            "pins": {name: metadata.version(name) for name in self.packages},
        }

    def reset(self, *_: Any) -> Any:
        """Refuse: a baseline plays in its own loop."""
        raise NotImplementedError(f"{self.name} has no reset by message; call 'play'")

    def step(self, *_: Any) -> Any:
        """Refuse: a baseline plays in its own loop."""
        raise NotImplementedError(f"{self.name} has no step by message; call 'play'")


def threads() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def number(array: Array) -> int:
    """Return the one number of an argument of ``play``."""
    return int(np.asarray(array).reshape(-1)[0])


def random_actions(seed: int, *axes: int) -> Array:
    """Return float64 [*axes, 6], uniform in [-1, 1]."""
    return np.random.default_rng(seed).uniform(-1.0, 1.0, (*axes, ACTIONS))


def rounds(steps: int, batch: int, length: int) -> int:
    """Return how often ``batch`` environments play ``length`` steps until ``steps`` are played.

    Raises:
        ValueError: if ``steps`` is no whole number of rounds.
    """
    count, rest = divmod(steps, batch * length)
    if rest or count < 1:
        raise ValueError(
            f"{steps} steps are no multiple of {batch} environments times {length} steps"
        )
    return count


def answer(
    seconds: float,
    observations: list[Array],
    compile_seconds: float | None = None,
    repeatable: bool = True,
) -> dict[str, Array]:
    """Return what ``play`` answers: each [1].

    Args:
        seconds: of the loop, without drawing actions and without compilation.
        observations: all that were kept, [..., 17] each.
        compile_seconds: of the program, left out of the answer if it is None.
        repeatable: whether equal seeds give equal bits; otherwise the sum is 0.

    Raises:
        ValueError: if an observation is not finite.
    """
    total, steps = 0, 0
    for kept in observations:
        if not np.isfinite(kept).all():
            raise ValueError("an observation is not finite")
        # Whole numbers: the sum does not depend on its order.
        if repeatable:
            total += int(np.rint(np.asarray(kept, np.float64) * SCALE).astype(np.int64).sum())
        steps += kept.size // OBSERVATION
    found = {"seconds": np.array([seconds]), "steps": np.array([steps]), "sum": np.array([total])}
    if compile_seconds is not None:
        found["compile_seconds"] = np.array([compile_seconds])
    return found
