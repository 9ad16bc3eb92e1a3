"""Cheetahs for the tests. Each kernel takes 10 to 20 s to compile: few kinds, made once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envlift
from envlift.envs.half_cheetah.state import State

LANES = 33
"""One block of the kernel, and a lane of the next."""


@cache
def make(**options: Any) -> Any:
    """Make a cheetah, once for all tests."""
    return envlift.make("half_cheetah", **options)


@cache
def stepper(**options: Any) -> Callable[..., Any]:
    """Return ``step(state, action, params=None)`` of a batch, always with the same keys."""
    env = make(**options)

    @jax.jit
    def step(state: State, action: Any, params: Any = None) -> Any:
        return jax.vmap(env.step, in_axes=(0, 0, 0, None))(
            keys(len(state.elapsed_steps)), state, jnp.asarray(action), params
        )

    return step


def keys(lanes: int = LANES, seed: int = 0) -> Any:
    return jax.random.split(jax.random.key(seed), lanes)


def actions(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).uniform(-1, 1, (*shape, 6)).astype(np.float32)


def state_of(qpos: Any, qvel: Any, dtype: str = "float64", elapsed_steps: Any = 0) -> State:
    """Make a batch of states."""
    qpos, qvel = (jnp.asarray(a, dtype) for a in (qpos, qvel))
    count = jnp.broadcast_to(jnp.asarray(elapsed_steps, jnp.int32), len(qpos))
    return State(qpos, jnp.zeros_like(qpos), qvel, jnp.zeros_like(qvel), count)


def runners(dtype: str = "float32", lanes: int = LANES, steps: int = 6) -> State:
    """Return states of play, most of them on the floor."""
    state = jax.vmap(make(dtype=dtype).reset)(keys(lanes))[1]
    for action in actions(steps, lanes, seed=1):
        state = stepper(dtype=dtype)(state, action)[1]
    return state


@pytest.fixture
def x64():
    """Numbers of 64 bits, for one test."""
    with jax.enable_x64(True):
        yield
