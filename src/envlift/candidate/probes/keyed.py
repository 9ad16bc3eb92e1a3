"""Steps whose keys are made as users make them, and where episodes end.

Shape letters: ``N`` rows, ``T`` steps, ``B`` lanes.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from envlift.candidate.actions import native
from envlift.candidate.keys import keys_of
from envlift.candidate.probes import Answers, Arguments, probe, state_argument
from envlift.candidate.probes.ways import resetting
from envlift.candidate.states import AnyEnv, state_to_dict


def _users_keys(seed: Any, count: int) -> jax.Array:
    """Return N keys: half of them split from one, half folded in with a growing number."""
    split, folded = jax.random.split(keys_of(seed))
    half = count // 2
    many = jax.vmap(lambda number: jax.random.fold_in(folded, number))(jnp.arange(count - half))
    return jnp.concatenate([jax.random.split(split, half), many]) if half else many


def _state(state: Any) -> Answers:
    return {f"state.{name}": np.asarray(leaf) for name, leaf in state_to_dict(state).items()}


@probe("step.keyed")
def keyed(env: AnyEnv, arguments: Arguments) -> Answers:
    """Call ``env.step``, which resets by itself, once in each row.

    Arguments: ``state.FIELD`` [N, ...], ``actions`` [N, ...] and one ``seed``.

    Returns:
        ``ended`` bool [N], ``observation`` [N, ...] and ``state.FIELD`` [N, ...] after the step.
    """
    actions = native(env, arguments["actions"])
    keys = _users_keys(arguments["seed"], len(arguments["actions"]))
    step = jax.jit(jax.vmap(resetting(env).step))
    observation, state, _, terminated, truncated, _ = step(
        keys, state_argument(env, arguments), actions
    )
    ended = np.asarray(terminated | truncated)
    return {"ended": ended, "observation": np.asarray(observation), **_state(state)}


@probe("step.endings")
def endings(env: AnyEnv, arguments: Arguments) -> Answers:
    """Play ``env.step`` inside ``lax.scan`` and tell before which states episodes ended.

    Arguments: ``seeds`` int64 [B] and ``actions`` [T, B, ...].

    Returns:
        ``ended`` bool [T, B] and ``state.FIELD`` [T, B, ...] before each step.
    """
    env, keys = resetting(env), keys_of(arguments["seeds"])

    def body(state: Any, inputs: Any) -> Any:
        number, actions = inputs
        now = jax.vmap(lambda key: jax.random.fold_in(key, number))(keys)
        _, after, _, terminated, truncated, _ = jax.vmap(env.step)(now, state, actions)
        return after, (terminated | truncated, state)

    actions = native(env, arguments["actions"])
    _, first = jax.jit(jax.vmap(env.reset))(keys)
    rows = (jnp.arange(len(arguments["actions"])), actions)
    ended, before = jax.jit(lambda state, given: jax.lax.scan(body, state, given)[1])(first, rows)
    return {"ended": np.asarray(ended), **_state(before)}
