"""Gymnasium and EnvPool: environments that are stepped from Python.

``python:envlift.envs.half_cheetah.baselines.simulators:Gymnasium`` and ``...:EnvPool``.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from envlift.envs.half_cheetah.baselines.base import (
    OBSERVATION,
    Baseline,
    answer,
    number,
    random_actions,
    rounds,
    threads,
)
from envlift.envs.half_cheetah.reference.model import quiet_mujoco
from envlift.reference.lanes import component
from envlift.reference.types import Array

ID = "HalfCheetah-v5"


class Gymnasium(Baseline):
    """``gymnasium.make``: one environment, stepped from Python."""

    name = "Gymnasium"
    packages = ("gymnasium", "mujoco")

    @component
    def play(self, batch: Array, steps: Array, seed: Array) -> dict[str, Array]:
        """Play random actions; see ``base``.

        Args:
            batch: int [1], 1.
            steps: int [1].
            seed: int [1].
        """
        env = _make()
        actions = random_actions(number(seed), rounds(number(steps), number(batch), 1))
        kept = np.full((len(actions), OBSERVATION), 0.0)
        env.reset(seed=number(seed))
        return answer(_timed(env, actions, kept, alone=True), [kept])


class EnvPool(Baseline):
    """EnvPool's C++ threads, one per core, in its synchronous mode."""

    name = "EnvPool"
    packages = ("envpool",)

    @component
    def play(self, batch: Array, steps: Array, seed: Array) -> dict[str, Array]:
        """Play random actions; see ``base``.

        Args:
            batch: int [1], environments.
            steps: int [1], over all of them.
            seed: int [1].
        """
        import envpool

        size = number(batch)
        actions = random_actions(number(seed), rounds(number(steps), size, 1), size)
        kept = np.full((*actions.shape[:-1], OBSERVATION), 0.0)
        # Made anew, because its chance cannot be set back.
        env = envpool.make_gymnasium(
            ID, num_envs=size, num_threads=threads(), seed=number(seed) % 2**31
        )
        try:
            env.reset()
            return answer(_timed(env, actions, kept, alone=False), [kept])
        finally:
            env.close()


def _make() -> Any:
    import gymnasium

    quiet_mujoco()
    return gymnasium.make(ID, disable_env_checker=True)


def _timed(env: Any, actions: Array, kept: Array, *, alone: bool) -> float:
    """Play, write every observation to ``kept``, and return the seconds; vectors reset alone."""
    started = time.perf_counter()
    for step, action in enumerate(actions):
        observation, _, terminated, truncated, _ = env.step(action)
        kept[step] = observation
        if alone and (terminated or truncated):
            env.reset()
    return time.perf_counter() - started
