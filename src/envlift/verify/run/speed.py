"""How fast the two sides are, and how much can be compared in the time that people wait.

Most environments take microseconds a step and nothing here concerns them. Where a step takes
milliseconds or a second, fewer episodes are played side by side and fewer steps of them, and the
report says so. What the command line asks for is never lowered. A busy machine must not make a side
look slow: what seems slow is measured again, the fastest counts, and the time in which a process
waited for a core does not. What is lowered is how much is compared, never what counts as equal.

Shape letters: ``B`` lanes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from envlift.reference.client import ReferenceProcess
from envlift.reference.failure import SideFailure
from envlift.reference.processes.child import waited_for_a_core
from envlift.reference.types import Side
from envlift.verify.engine.actions import random_actions
from envlift.verify.engine.lockstep import MAX_SEED
from envlift.verify.engine.play import First, joined, play
from envlift.verify.sides.probing import can_probe
from envlift.verify.suite import Suite
from envlift.verify.suite.effort import Effort

SLOW = 1e-3
"""Seconds that one step of one lane takes on both sides together, from which on it counts."""

PATIENCE = 60.0
"""Seconds that one check of a slow pair should take, about."""

HURRY = 15.0
"""The same with ``--quick``."""

TOGETHER = 0.25
"""Seconds that a step of all lanes should take on the slower side."""

FEWEST_STEPS = 32
"""Steps per lane that are played however slow a side is."""


@dataclass(frozen=True)
class Speed:
    """Seconds that one lane takes, on both sides together and on the slower one.

    Attributes:
        reset, step: both together.
        slower: a step on the slower side.
    """

    reset: float = 0.0
    step: float = 0.0
    slower: float = 0.0

    def lanes(self, wanted: int) -> int:
        """Return how many lanes to play side by side, at most ``wanted``."""
        if self.step < SLOW:
            return wanted
        return max(1, min(wanted, int(TOGETHER / max(self.slower, 1e-9))))


FIRST_STEPS = 32
"""Steps of the first episodes that are kept."""


FIRST_SECONDS = 0.5
"""Seconds of all lanes' reset and step from which on one step is kept: far above a cheap one's."""


def first_episodes(side: Side) -> First | None:
    """Play what a new side plays first, before anything else; None where it draws nothing itself.

    Its chance is its own, as that of ``measure``. A side that fails here will fail again where it
    is judged.
    """
    if side.spec.chance is not None or can_probe(side):
        return None
    rng, lanes = np.random.default_rng(1), side.num_lanes
    seeds = rng.integers(0, MAX_SEED, size=lanes)
    again = rng.integers(0, MAX_SEED, size=(FIRST_STEPS, lanes))
    try:
        clock = _Clock(side)
        start = side.reset(seeds)
        actions, steps = play(side, rng, again[:1])
        if clock.seconds() < FIRST_SECONDS:
            more, others = play(side, rng, again[1:])
            actions, steps = np.concatenate([actions, more]), joined([steps, others])
    except (SideFailure, ValueError):
        return None
    return First(seeds, start, actions, again[: len(actions)], steps)


def measure(suite: Suite, sides: tuple[Side, Side]) -> Speed:
    """Reset both sides and play a step; what is compiled for every length is not measured.

    Its chance is its own: how fast a machine is must not change what a seed draws. A side that
    fails here will fail again where it is judged.
    """
    resets, steps = [0.0], [0.0]
    for side in sides:
        if can_probe(side) or getattr(side, "paced", True) is False:
            continue
        try:
            reset, step = _of_one(suite, side)
        except (SideFailure, ValueError):
            continue
        resets.append(reset)
        steps.append(step)
    return Speed(sum(resets), sum(steps), max(steps))


TRIES = 5
"""How often a step is measured that seems slow: the fastest counts, on a busy machine too."""

SURELY = 3.0
"""Seconds of one try after which nothing needs to be tried again."""


def _of_one(suite: Suite, side: Side) -> tuple[float, float]:
    """Return the seconds of a reset and of a step of one lane."""
    rng = np.random.default_rng(0)
    lanes = side.num_lanes
    reset = step = float("inf")
    for _ in range(TRIES):
        seeds = rng.integers(0, MAX_SEED, size=lanes)
        chance = None if side.spec.chance is None else suite.draw(rng, (lanes,))
        clock = _Clock(side)
        shown = side.reset(seeds, chance)
        reset = min(reset, clock.seconds())
        legal = None if shown.legal_actions is None else shown.legal_actions[None]
        actions = random_actions(side.spec, rng, (1, lanes), legal)
        clock = _Clock(side)
        side.step(actions, None if chance is None else chance[None], seeds[None])
        step = min(step, clock.seconds())
        if max(reset, step) / lanes < SLOW / 4 or max(reset, step) > SURELY:
            break
    return reset / lanes, step / lanes


class _Clock:
    """Time without that in which this process or the side's waited for a core."""

    def __init__(self, side: Side) -> None:
        self._pids = [os.getpid(), *([side.pid] if isinstance(side, ReferenceProcess) else [])]
        # In this order: asking how long threads waited takes a while itself.
        self._waited, self._started = self._waits(), time.monotonic()

    def _waits(self) -> float:
        return sum(map(waited_for_a_core, self._pids))

    def seconds(self) -> float:
        """Return the seconds since it was made."""
        # Threads that have nothing to do with the side may have waited longer than it took.
        return max(0.0, time.monotonic() - self._started - (self._waits() - self._waited))


def fitting(effort: Effort, speed: Speed, asked: Mapping[str, int]) -> tuple[Effort, str]:
    """Return the effort that a slow pair has time for, and a sentence; "" where nothing changed.

    Args:
        effort: with the lanes that there are.
        speed: of the pair.
        asked: numbers that the command line gives; they stay.
    """
    if speed.step < SLOW:
        return effort, ""
    seconds = HURRY if effort.hurried else PATIENCE
    plays = int(seconds / speed.step)
    each = max(FEWEST_STEPS, plays // effort.lanes)
    wanted: dict[str, Any] = {
        "transitions": max(effort.lanes, plays // 4),
        "pool": max(effort.lanes, plays // 4),
        "min_steps": each,
        # An end may take long to come; too few of them leave the question open.
        "max_steps": 5 * each,
        "min_ends": 1,
        "resets": max(2 * effort.lanes, int(seconds / max(speed.reset, 1e-9) / 2)),
    }
    lower = {
        name: number
        for name, number in wanted.items()
        if name not in asked and number < getattr(effort, name)
    }
    if not lower:
        return effort, ""
    shown = ", ".join(
        f"{name} {number:,} instead of {getattr(effort, name):,}" for name, number in lower.items()
    )
    return replace(effort, **lower), (
        f"as much as usual: a step takes {speed.step * 1e3:.2g} ms, so there were {shown}; the "
        "command line can ask for more (--lanes, --max-steps, --min-ends)"
    )
