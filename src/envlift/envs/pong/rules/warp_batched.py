"""The rules of ``rules/warp.py`` as JAX functions with the signatures of ``rules/jax.py``."""

from typing import Any

import jax
import jax.numpy as jnp

from envlift.envs.pong.rules import warp as rules
from envlift.envs.pong.state import State
from envlift.targets.warp import BatchedRule, made_once


@made_once
def _batched(make: Any, *options: Any) -> BatchedRule:
    label = ".".join([make.__name__.removeprefix("make_"), *map(str, options)])
    outputs = {"reward": "float32", "ended": "bool"}
    return BatchedRule(make(*options), rules.Game, outputs, name=f"envlift.pong.{label}")


@made_once
def _look() -> BatchedRule:
    return BatchedRule(rules.look, rules.Game, {}, name="envlift.pong.look")


def _arrays(state: State) -> list[jax.Array]:
    return [getattr(state, name) for name in State.__dataclass_fields__]


def step(
    state: State,
    direction: jax.Array,
    serve: jax.Array,
    max_score: jax.Array | int,
    frameskip: int,
) -> tuple[State, jax.Array, jax.Array]:
    """Play one step; arguments and results are those of ``rules/jax.py``'s ``step``."""
    *fields, reward, ended = _batched(rules.make_step, frameskip)(
        *_arrays(state), direction, serve, jnp.int32(max_score)
    )
    return State(*fields), reward, ended


def autoreset_step(
    state: State,
    direction: jax.Array,
    words: tuple[jax.Array, jax.Array],
    max_score: jax.Array | int,
    frameskip: int,
) -> tuple[State, jax.Array, jax.Array]:
    """Draw the chance of a step, play it and start a new game if it ended, in one kernel.

    Args:
        state: the state before the step.
        direction: float32, the agent's direction in [-1, 1].
        words: the two words of the step's key.
        max_score: int32, the points that win a game.
        frameskip: frames per step, static.

    Returns:
        The state (of the new game after an end), the reward and whether a game ended.
    """
    *fields, reward, ended = _batched(rules.make_autoreset_step, frameskip)(
        *_arrays(state), direction, *words, jnp.int32(max_score)
    )
    return State(*fields), reward, ended


def compute_observations(state: State, max_score: jax.Array | int) -> jax.Array:
    """Return what the agent would see of a state, float32 [8]."""
    return State(*_look()(*_arrays(state), jnp.int32(max_score))).observations


def random_rollout(
    state: State,
    words: tuple[jax.Array, jax.Array],
    max_score: jax.Array | int,
    frameskip: int,
    continuous: bool,
    num_steps: int,
    keep_observations: bool,
) -> tuple[State, jax.Array, jax.Array, jax.Array | None]:
    """Play ``num_steps`` steps with random actions inside one kernel; see ``Pong.random_rollout``.

    Takes and returns one lane (call it under ``vmap``); the fourth result is float32 [T, 8].
    """
    results = _batched(rules.make_random_step, frameskip, continuous).rollout(
        *_arrays(state),
        *words,
        jnp.int32(max_score),
        num_steps=num_steps,
        keep=("observations",) if keep_observations else (),
        written=("observations",),
    )
    kept = results.pop() if keep_observations else None
    *fields, reward, ended = results
    return State(*fields), reward, ended, kept
