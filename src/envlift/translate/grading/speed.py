"""Steps per second of a translated environment by batch size, and of its reference beside it.

Enough to tell whether a change made it faster; ``envlift bench`` is what compares with others.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from envlift.candidate.env_side import env_of
from envlift.reference.launch import open_reference
from envlift.reference.types import Side
from envlift.translate.project.file import Project
from envlift.verify.sides.candidates import open_candidate
from envlift.verify.suite.find import find_suite

BATCHES = (32, 128, 512, 2048, 8192)
STEPS, QUICK_STEPS = 2**18, 2**15
"""Environment steps of one repetition; the fewer where the project is judged quickly."""
REPETITIONS, QUICK_REPETITIONS = 5, 3
REFERENCE = "reference"
REFERENCE_LANES = 64
REFERENCE_STEPS = 2**14
"""Of one repetition, all lanes together."""


def measure(project: Project) -> dict[str, float]:
    """Return median steps per second of random play: batch size -> speed, and the reference's.

    A JAX environment plays inside one program and keeps every observation. A vector environment is
    stepped from Python with actions drawn beforehand. The reference plays in its own process, many
    steps to an exchange.
    """
    suite, _ = find_suite(project.suite)
    config = suite.configs[0]
    quick = project.verification.quick
    repetitions = QUICK_REPETITIONS if quick else REPETITIONS
    found = {}
    for batch in BATCHES:
        steps = max(8, (QUICK_STEPS if quick else STEPS) // batch)
        with contextlib.closing(
            open_candidate(suite.candidate, dict(config.candidate), batch)
        ) as side:
            env = env_of(side)
            play = _compiled(env, batch, steps) if env is not None else _stepped(side, batch, steps)
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
        actions = _actions(reference, steps, REFERENCE_LANES)

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


def _compiled(env: Any, batch: int, steps: int) -> Callable[[], object]:
    import gymnasium
    import jax

    space = env.action_space()

    def draw(key: Any) -> Any:
        if isinstance(space, gymnasium.spaces.Discrete):
            return jax.random.randint(key, (batch,), 0, int(space.n))
        low, high = space.low, space.high
        return jax.random.uniform(key, (batch, *space.shape), minval=low, maxval=high)

    def step(state: Any, key: Any) -> Any:
        play, choose = jax.random.split(key)
        keys = jax.random.split(play, batch)
        obs, state, reward, *_ = jax.vmap(env.step)(keys, state, draw(choose))
        return state, (obs, reward)

    run = jax.jit(lambda state, key: jax.lax.scan(step, state, jax.random.split(key, steps)))
    _, state = jax.vmap(env.reset)(jax.random.split(jax.random.key(0), batch))
    return lambda: jax.tree.map(lambda a: a.block_until_ready(), run(state, jax.random.key(1)))


def _stepped(side: Side, batch: int, steps: int) -> Callable[[], object]:
    side.reset(np.arange(batch, dtype=np.int64))
    actions = _actions(side, steps, batch)
    env: Any = getattr(side, "env", None)
    if env is None:
        return lambda: side.step(actions)

    def play() -> None:
        for row in actions:
            *_, terminated, truncated, _ = env.step(row)
            ended = terminated | truncated
            if ended.any() and "SAME_STEP" not in str(env.metadata.get("autoreset_mode")):
                env.reset(options={"reset_mask": ended})

    return play


def _actions(side: Side, steps: int, batch: int) -> Any:
    rng = np.random.default_rng(0)
    spec = side.spec
    if spec.num_actions is not None:
        return rng.integers(spec.num_actions, size=(steps, batch)).astype(spec.action.dtype)
    low = np.nan_to_num(spec.action_low or -1.0, neginf=-1.0)
    high = np.nan_to_num(spec.action_high or 1.0, posinf=1.0)
    flat = rng.uniform(low, high, size=(steps, batch, int(np.prod(spec.action.shape))))
    return flat.reshape(steps, batch, *spec.action.shape).astype(spec.action.dtype)
