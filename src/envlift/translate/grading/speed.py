"""Steps per second of a translated environment by batch size, and of its reference beside it.

Enough to tell whether a change made it faster; ``envlift bench`` is what compares with others.
"""

from __future__ import annotations

import contextlib
import functools
import statistics
import time
from collections.abc import Callable

import numpy as np

from envlift.reference.client import START_TIMEOUT
from envlift.reference.launch import open_reference
from envlift.translate.grading.speed_host import actions_of
from envlift.translate.grading.trees import Trees
from envlift.verify.sides.candidates import Limits, open_apart
from envlift.verify.suite.find import find_suite

BATCHES = (32, 128, 512, 2048, 8192)
STEPS, QUICK_STEPS = 2**18, 2**15
"""Environment steps of one repetition; the fewer where the project is judged quickly."""
REPETITIONS, QUICK_REPETITIONS = 5, 3
HOST = "envlift.translate.grading.speed_host"
REFERENCE = "reference"
REFERENCE_LANES = 64
REFERENCE_STEPS = 2**14
"""Of one repetition, all lanes together."""


def measure(trees: Trees) -> dict[str, float]:
    """Return median steps per second of random play: batch size -> speed, and the reference's.

    The candidate plays where strangers do (``speed_host``), and the time is taken here. The
    reference plays in its own process, many steps to an exchange.
    """
    project = trees.project
    suite, _ = find_suite(str(project.folder / project.suite))
    config = suite.configs[0]
    quick = project.verification.quick
    repetitions = QUICK_REPETITIONS if quick else REPETITIONS
    found = {}
    # Compiling is no play, and takes as long as it does.
    limits = Limits(START_TIMEOUT, place=trees.of_candidate())
    with contextlib.closing(
        open_apart(str(suite.candidate), dict(config.candidate), 1, limits, HOST)
    ) as side:
        for batch in BATCHES:
            steps = max(8, (QUICK_STEPS if quick else STEPS) // batch)
            size = {"batch": np.asarray(batch), "steps": np.asarray(steps)}
            play = functools.partial(side.call, "play", size)
            found[str(batch)] = _median(play, batch * steps, repetitions)
    with contextlib.closing(
        open_reference(
            suite.reference,
            num_lanes=REFERENCE_LANES,
            config=dict(config.reference),
            returns=(),
        )
    ) as reference:
        steps = REFERENCE_STEPS // REFERENCE_LANES // (8 if quick else 1)
        seeds = np.arange(REFERENCE_LANES, dtype=np.int64)
        chance = None
        if suite.start == "chance":
            rng = np.random.default_rng(0)
            chance = suite.draw(rng, (steps, REFERENCE_LANES))
        reference.reset(seeds, None if chance is None else chance[0])
        actions = actions_of(reference, steps, REFERENCE_LANES)

        def play_reference() -> None:
            reference.step(actions, chance, np.tile(seeds, (steps, 1)))

        found[REFERENCE] = _median(play_reference, REFERENCE_LANES * steps, repetitions)
    return found


def _median(play: Callable[[], object], steps: int, repetitions: int) -> float:
    play()
    seconds = []
    for _ in range(repetitions):
        started = time.perf_counter()
        play()
        seconds.append(time.perf_counter() - started)
    return steps / statistics.median(seconds)
