"""The same rows in batches of other sizes, on other numbers of threads.

Shape letters: ``R`` rows, ``n`` lanes, ``T`` steps.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from envlift.candidate.actions import native
from envlift.candidate.keys import keys_of
from envlift.candidate.probes import Answers, Arguments, named, probe, state_argument
from envlift.candidate.probes.ways import bare, resetting
from envlift.candidate.states import AnyEnv
from envlift.targets import chance

THREADS_VARIABLE = "ENVLIFT_NUM_THREADS"
"""As in ``targets.warp_init``, which cannot be imported without Warp."""


@contextlib.contextmanager
def threads(count: int) -> Iterator[None]:
    """Let our targets use so many threads for what is compiled here; 0 leaves it to them."""
    before = os.environ.get(THREADS_VARIABLE)
    if count:
        os.environ[THREADS_VARIABLE] = str(count)
    try:
        yield
    finally:
        if count:
            os.environ.pop(THREADS_VARIABLE)
        if before is not None:
            os.environ[THREADS_VARIABLE] = before


@probe("batch.step")
def step(env: AnyEnv, arguments: Arguments) -> Answers:
    """Call ``reset`` and ``step`` once in a batch of ``lanes`` lanes; lane ``i`` is row ``i % R``.

    Arguments: ``seeds`` int64 [R], ``actions`` [R, ...], ``state.FIELD`` [R, ...], ``lanes``,
    ``threads``, and ``patient``, with which the caller resets and not ``step``.

    Returns:
        What ``step`` gives, and what ``reset`` gives under ``reset...``, each [n, ...].
    """
    lanes = int(arguments["lanes"])
    env = resetting(env, "disabled" if arguments.get("patient", False) else "same_step")
    # Rows are picked before they are JAX's, which would compile that for every leaf and size.
    rows = np.arange(lanes) % len(arguments["seeds"])
    each = ("seeds", "actions")
    picked = {
        name: np.asarray(values)[rows] if name in each or name.startswith("state.") else values
        for name, values in arguments.items()
    }
    state, actions = state_argument(env, picked), native(env, picked["actions"])
    keys = keys_of(picked["seeds"])
    with threads(int(arguments.get("threads", 0))):
        # One program: it is compiled anew for every size, which takes longer than it runs.
        both = jax.jit(lambda k, s, a: (jax.vmap(bare(env.step))(k, s, a), jax.vmap(env.reset)(k)))
        played, fresh = both(keys, state, actions)
        return named(played) | named(fresh, "reset")


@probe("rollout.offered")
def offered(env: AnyEnv, arguments: Arguments) -> Answers:
    """Tell ``offered``, whether there is a ``random_rollout``, and ``replayed``, whether the
    environment also says by ``random_action`` which actions it plays."""
    return {
        "offered": np.asarray(hasattr(env, "random_rollout")),
        "replayed": np.asarray(hasattr(env, "random_action")),
    }


@probe("rollout.whole")
def rollout(env: AnyEnv, arguments: Arguments) -> Answers:
    """Play ``random_rollout`` from given states.

    Arguments: ``state.FIELD`` [n, ...], one ``seed``, ``steps``, ``threads``, and ``keep``.

    Returns:
        ``state...``, ``reward`` and ``episodes`` [n], and with ``keep`` the observations of all
        steps, ``observations`` [T, n, ...].
    """
    anyenv: Any = env
    state, keep = state_argument(env, arguments), bool(arguments["keep"])
    with threads(int(arguments.get("threads", 0))):
        after, seen = anyenv.random_rollout(
            keys_of(arguments["seed"]), state, int(arguments["steps"]), keep_observations=keep
        )
        told = named(after, "state") | {
            "reward": np.asarray(seen.reward),
            "episodes": np.asarray(seen.episodes),
        }
    return told | ({"observations": np.asarray(seen.observations)} if keep else {})


@probe("rollout.by_steps")
def by_steps(env: AnyEnv, arguments: Arguments) -> Answers:
    """Play the same by ``env.step``; also tells the ``actions`` [T, n, ...]."""
    anyenv: Any = resetting(env)
    state = state_argument(env, arguments)
    count = len(jax.tree.leaves(state)[0])
    lanes = chance.lane_keys(keys_of(arguments["seed"]), count)

    def body(carry: Any, number: Any) -> Any:
        state, reward, episodes = carry
        keys = chance.at_step(lanes, number)
        actions = jax.vmap(anyenv.random_action)(keys)
        observation, after, more, terminated, truncated, _ = jax.vmap(anyenv.step)(
            keys, state, actions
        )
        ended = (terminated | truncated).astype(jnp.int32)
        return (after, reward + more, episodes + ended), (observation, actions)

    def play(state: Any) -> Any:
        shape = jax.eval_shape(lambda s: body((s, 0.0, 0), 0)[0][1], state)
        zeros = jnp.zeros(count, shape.dtype), jnp.zeros(count, jnp.int32)
        return jax.lax.scan(body, (state, *zeros), jnp.arange(int(arguments["steps"])))

    (after, reward, episodes), (observations, actions) = jax.jit(play)(state)
    return named(after, "state") | {
        "reward": np.asarray(reward),
        "episodes": np.asarray(episodes),
        "observations": np.asarray(observations),
        "actions": np.asarray(actions) - getattr(env.action_space(), "start", 0),
    }
