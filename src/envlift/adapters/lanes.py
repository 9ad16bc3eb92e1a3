"""One lane of an adapter: an environment with its random stream, as pure functions.

Every lane owns one key. A reset and a step each split it once and use one half, so that a lane
of a batch plays exactly what a single environment with the same seed plays.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np

from envlift.opponents import Against, against
from envlift.registry import AnyEnv, list_envs, make

Array = np.ndarray[Any, np.dtype[Any]]


class Lane(NamedTuple):
    """Where a lane stands.

    Attributes:
        key: its random stream.
        state: the environment's state.
        observation: what was returned last.
        mask: int8 [actions], 1 where an action is legal (the dtype ``Discrete.sample`` asks for);
            None if the action space is not discrete.
    """

    key: jax.Array
    state: Any
    observation: Any
    mask: jax.Array | None


class Played(NamedTuple):
    """A lane after one step, with what the step gave."""

    lane: Lane
    reward: jax.Array
    terminated: jax.Array
    truncated: jax.Array


class Rules(NamedTuple):
    """The functions of one lane, ready for ``jax.vmap`` and ``jax.jit``."""

    reset: Callable[[jax.Array, Any], Lane]
    step: Callable[[Lane, jax.Array, Any], Played]
    place: Callable[[jax.Array, Any, Any], Lane]


def rules(env: AnyEnv) -> Rules:
    """Return the functions of one lane of ``env``.

    Raises:
        ValueError: if the environment resets itself; the adapter must decide that.
        TypeError: if the environment has more than one player.
    """
    if env.num_players > 1:
        raise TypeError(
            f"{env!r} has {env.num_players} players and Gymnasium knows one: make it "
            "envlift.against(env, opponent), or play it with envlift.adapters.pettingzoo"
        )
    if env.autoreset != "disabled":
        raise ValueError(
            f"the adapter resets by itself and needs an environment made with "
            f"autoreset='disabled', but {env!r} has autoreset={env.autoreset!r}"
        )
    discrete = isinstance(env.action_space(env.default_params), gymnasium.spaces.Discrete)

    def place(key: jax.Array, state: Any, params: Any) -> Lane:
        mask = env.legal_actions(state, params).astype(jnp.int8) if discrete else None
        return Lane(key, state, env.observe(state, params), mask)

    def reset(key: jax.Array, params: Any) -> Lane:
        key, now = jax.random.split(key)
        _, state = env.reset(now, params)
        return place(key, state, params)

    def step(lane: Lane, action: jax.Array, params: Any) -> Played:
        key, now = jax.random.split(lane.key)
        _, state, reward, terminated, truncated, _ = env.step(now, lane.state, action, params)
        return Played(place(key, state, params), reward, terminated, truncated)

    return Rules(reset, step, place)


def keys_of(seeds: Sequence[int] | Array) -> jax.Array:
    """Return one random stream per seed, [B] keys.

    Raises:
        ValueError: for a seed outside [0, 2**64).
    """
    for seed in seeds:
        if not 0 <= int(seed) < 2**64:
            raise ValueError(f"seed {seed} is out of range: choose one from 0 to 2**64 - 1")
    wide = np.array([int(seed) for seed in seeds], dtype=np.uint64)
    words = np.stack([wide >> np.uint64(32), wide & np.uint64(0xFFFFFFFF)], axis=-1)
    keys: jax.Array = jax.random.wrap_key_data(
        jnp.asarray(words.astype(np.uint32)), impl="threefry2x32"
    )
    return keys


def to_numpy(space: gymnasium.Space[Any], value: Any) -> Any:
    """Copy a tree of JAX arrays out, in the dtypes of ``space`` (single or batched).

    It is a copy because NumPy's view of a JAX array is read-only, and users do write into it.
    """
    if isinstance(space, gymnasium.spaces.Dict):
        return {key: to_numpy(part, value[key]) for key, part in space.spaces.items()}
    if isinstance(space, gymnasium.spaces.Tuple):
        return tuple(to_numpy(part, item) for part, item in zip(space.spaces, value, strict=True))
    return np.array(value, dtype=space.dtype)


def check_actions(space: gymnasium.Space[Any], actions: Any, used: Array) -> Array:
    """Return ``actions`` as the array that a step takes.

    Args:
        space: the space of one action, Discrete or Box.
        actions: [B, *action].
        used: bool [B]; where it is False the action is ignored, and replaced by a valid one so
            that no rule ever meets a value outside its space.

    Raises:
        TypeError: for something that is not a number, or not a whole one where the space is
            Discrete; for a space that the adapter does not know.
        ValueError: for a wrong shape, a value outside a Discrete space, or NaN.
    """
    array = np.asarray(actions)
    if array.shape != (len(used), *(space.shape or ())):
        raise ValueError(
            f"actions have shape {array.shape}; expected {(len(used), *(space.shape or ()))}"
        )
    if isinstance(space, gymnasium.spaces.Discrete):
        if not np.issubdtype(array.dtype, np.integer):
            raise TypeError(f"actions of {space} are whole numbers, got dtype {array.dtype}")
        low, high = int(space.start), int(space.start) + int(space.n)
        wrong = used & ((array < low) | (array >= high))
        valid: Any = low
    elif isinstance(space, gymnasium.spaces.Box):
        if not np.issubdtype(array.dtype, np.number):
            raise TypeError(f"actions of {space} are numbers, got dtype {array.dtype}")
        wrong = used & np.isnan(array).any(axis=tuple(range(1, array.ndim)))
        valid = np.clip(np.zeros(space.shape, space.dtype), space.low, space.high)
    else:
        raise TypeError(f"the Gymnasium adapter takes Discrete and Box actions, not {space}")
    if wrong.any():
        lane = int(np.flatnonzero(wrong)[0])
        raise ValueError(f"action {array[lane]} of environment {lane} is not in {space}")
    keep = used.reshape(-1, *(1,) * (array.ndim - 1))
    dtype = jax.dtypes.canonicalize_dtype(space.dtype)
    return np.where(keep, array, valid).astype(dtype)


# -- copies and other processes --------------------------------------------------------------------


class Recipe(NamedTuple):
    """How a registered environment is made again: the environment itself holds modules."""

    name: str
    backend: str
    options: Mapping[str, Any]
    autoreset: str


class AgainstRecipe(NamedTuple):
    """How one player's view of a game is made again; a function as opponent is pickled itself."""

    game: Any
    opponent: Any
    seat: int | None


def recipe(env: AnyEnv) -> Any:
    """Return what can be pickled in place of an environment; one that is not registered itself."""
    if isinstance(env, Against):
        return AgainstRecipe(recipe(env.game), env.given, env.seat)
    info = env.info
    if info.name in list_envs():
        found = Recipe(info.name, info.backend, dict(info.options), env.autoreset)
        made = made_again(found)
        if type(made) is type(env) and made.info == info:
            return found
    return env


def made_again(kept: Any) -> AnyEnv:
    """Return the environment of what ``recipe`` gave."""
    if isinstance(kept, AgainstRecipe):
        return against(made_again(kept.game), kept.opponent, seat=kept.seat)
    if not isinstance(kept, Recipe):
        found: AnyEnv = kept
        return found
    options = {**kept.options, "autoreset": kept.autoreset}
    env = make(kept.name, **options)
    if env.info.backend != kept.backend:
        env = make(kept.name, backend=kept.backend, **options)
    return env


class ForkedError(RuntimeError):
    """JAX was started before this process was forked; it would wait for ever."""


def refuse_fork() -> None:
    """Refuse to use JAX in a process that was forked from one that had used it.

    Raises:
        ForkedError: in such a process; says what to do.
    """
    if _forked:
        raise ForkedError(
            "this process was forked from one that had used JAX, whose threads did not come along: "
            "start workers by 'spawn' or 'forkserver' (AsyncVectorEnv(..., context='spawn'), "
            "SubprocVecEnv(..., start_method='spawn')), or step many environments in one process "
            "with envlift.make_vec"
        )


def _jax_has_started() -> bool:
    bridge: Any = sys.modules.get("jax._src.xla_bridge")
    return bridge is not None and bool(bridge.backends_are_initialized())


def _has_one_thread() -> bool:
    """Tell whether only one thread runs, where that can be seen: JAX alone has more."""
    threads = Path("/proc/self/task")
    return threads.is_dir() and len(list(threads.iterdir())) == 1


def _note_fork() -> None:
    global _forked
    _forked = _jax_has_started()


# This module may be imported only after a fork; later ones are seen as they happen.
_forked = _jax_has_started() and _has_one_thread()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)
