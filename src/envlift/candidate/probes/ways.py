"""The same steps, played in several ways, which must all come to the same.

Shape letters: ``T`` steps, ``B`` lanes. Arguments of every way: ``seeds`` int64 [B] and ``actions``
[T, B, ...]; ``steps`` if more are played than there are actions, which then come round again. Step
``t`` of a lane is given the key ``fold_in(key of its seed, t)``.

With ``keep`` a way also answers the states from which its steps began, ``before...`` [T, B, ...].
Given these, another way takes each of its steps from the same states: two compilations may round
differently, and the environment may make that grow.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from envlift.candidate.actions import native
from envlift.candidate.keys import as_keys, keys_of
from envlift.candidate.probes import Answers, Arguments, named, probe, state_argument
from envlift.candidate.states import AnyEnv, state_shape
from envlift.env import autoreset
from envlift.reference.types import Array

BEFORE = "before"


class _Given:
    """The arguments of a way, read."""

    def __init__(self, env: AnyEnv, arguments: Arguments) -> None:
        # Lockstep drives the rules; what users call resets by itself, perhaps by code of its own.
        self.env = resetting(env)
        self.keys = keys_of(arguments["seeds"])
        self.actions = native(env, arguments["actions"])
        self._rows = len(arguments["actions"])
        self.steps = int(arguments.get("steps", np.asarray(self._rows)))
        self.keep = bool(arguments.get("keep", False))
        self.track = _track(self.env, arguments)

    def step_keys(self, t: Any) -> jax.Array:
        return jax.vmap(lambda key: jax.random.fold_in(key, t))(self.keys)

    def action(self, t: Any) -> Any:
        """Return the actions of step ``t``, one for each lane."""
        return jax.tree.map(lambda leaf: leaf[t % self._rows], self.actions)

    def rows(self) -> Iterator[tuple[Array, Any]]:
        """Return each step's data of keys [B, 2] and actions [B, ...], as NumPy arrays.

        Made by one program: picked one by one they cost more than the steps.
        """
        keys = jax.jit(jax.vmap(self.step_keys))(jnp.arange(self.steps))
        data = np.asarray(jax.random.key_data(keys))
        actions = jax.tree.map(np.asarray, self.actions)
        for t in range(self.steps):
            yield data[t], jax.tree.map(lambda leaf: leaf[t % self._rows], actions)  # noqa: B023

    def before(self, t: int, state: Any) -> Any:
        """Return the state from which step ``t`` begins."""
        return state if self.track is None else jax.tree.map(lambda leaf: leaf[t], self.track)


def resetting(env: AnyEnv, autoreset: str = "same_step") -> AnyEnv:
    """Return the same environment with another autoreset."""
    twin = copy.copy(env)
    twin.autoreset = autoreset  # type: ignore[assignment]
    return twin


def _track(env: AnyEnv, arguments: Arguments) -> Any:
    if not any(name.startswith(BEFORE) for name in arguments):
        return None
    paths, structure = jax.tree_util.tree_flatten_with_path(state_shape(env))
    leaves = [arguments[BEFORE + jax.tree_util.keystr(path)] for path, _ in paths]
    return jax.device_put(jax.tree.unflatten(structure, leaves))


def bare(step: Any) -> Any:
    """Leave out of ``info`` what an environment tells besides the contract's own entry."""

    def play(key: Any, state: Any, action: Any) -> Any:
        *shown, info = step(key, state, action)
        return *shown, {"final_observation": info["final_observation"]}

    return play


def compose(env: AnyEnv, key: Any, state: Any, action: Any) -> Any:
    """Play ``step`` by hand out of the contract's functions."""
    step_key, reset_key = env.split_key(key)
    nxt = env.transition(state, action, env.sample(step_key, state, action))
    obs = env.observe(nxt.state)
    if env.autoreset == "disabled":
        return obs, nxt.state, *nxt[1:], {"final_observation": obs}
    ended = nxt.terminated | nxt.truncated
    fresh = env.initial(env.sample_initial(reset_key))
    seen, after = autoreset(ended, (env.observe(fresh), fresh), (obs, nxt.state))
    return seen, after, nxt.reward, nxt.terminated, nxt.truncated, {"final_observation": obs}


def _told(given: _Given, out: Any, before: Any) -> Answers:
    return named(out) | (named(before, BEFORE) if given.keep else {})


def _stack(steps: list[Any]) -> Any:
    return jax.tree.map(lambda *leaves: np.stack([np.asarray(x) for x in leaves]), *steps)


RETYPED = "retyped "
"""Begins the names of answers about leaves that changed their type."""


@probe("ways.vmapped")
def vmapped(env: AnyEnv, arguments: Arguments) -> Answers:
    """Call ``jit(vmap(env.step))`` once for each step; ``traces`` says how often it was traced.

    For each leaf of the state that had another type at a later step there is an answer ``retyped``
    with its name and both types.
    """
    given, traces = _Given(env, arguments), 0
    types: dict[str, str] = {}
    retyped: Answers = {}

    def counted(key: Any, state: Any, action: Any) -> Any:
        nonlocal traces
        traces += 1
        return given.env.step(key, state, action)

    step = jax.jit(jax.vmap(counted))
    _, state = jax.jit(jax.vmap(given.env.reset))(given.keys)
    out, before = [], []
    for t, (keys, action) in enumerate(given.rows()):
        state = given.before(t, state)
        before.append(state)
        for name, kind in leaf_types(state).items():
            first = types.setdefault(name, kind)
            if first != kind:
                retyped[f"{RETYPED}{name}: {first}, then {kind}"] = np.asarray(t)
        out.append(step(as_keys(keys), state, jax.device_put(action)))
        state = out[-1][1]
    return _told(given, _stack(out), _stack(before)) | {"traces": np.asarray(traces), **retyped}


def leaf_types(state: Any) -> dict[str, str]:
    """Return for each leaf what ``jit`` compiles for: dtype, and whether it is weakly typed."""
    leaves = jax.tree_util.tree_flatten_with_path(state)[0]
    return {
        jax.tree_util.keystr(path): ("weak " if getattr(leaf, "weak_type", False) else "")
        + str(jnp.asarray(leaf).dtype)
        for path, leaf in leaves
    }


@probe("ways.singles")
def singles(env: AnyEnv, arguments: Arguments) -> Answers:
    """Play one lane after the other."""
    given = _Given(env, arguments)
    reset, step = jax.jit(given.env.reset), jax.jit(given.env.step)
    lanes, rows = [], list(given.rows())
    for lane, first in enumerate(np.asarray(jax.random.key_data(given.keys))):
        _, state = reset(as_keys(first))
        out = []
        for t, (keys, actions) in enumerate(rows):
            if given.track is not None:
                state = jax.tree.map(lambda leaf: leaf[t, lane], given.track)  # noqa: B023
            action = jax.tree.map(lambda leaf: leaf[lane], actions)  # noqa: B023
            out.append(step(as_keys(keys[lane]), state, jax.device_put(action)))
            state = out[-1][1]
        lanes.append(_stack(out))
    return named(jax.tree.map(lambda *leaves: np.stack(leaves, axis=1), *lanes))


@probe("ways.interpreted")
def interpreted(env: AnyEnv, arguments: Arguments) -> Answers:
    """Play without compiling."""
    given = _Given(env, arguments)
    rows = [(as_keys(keys), jax.device_put(actions)) for keys, actions in given.rows()]
    with jax.disable_jit():
        _, state = jax.vmap(given.env.reset)(given.keys)
        out = []
        for t, (keys, actions) in enumerate(rows):
            state = given.before(t, state)
            out.append(jax.vmap(given.env.step)(keys, state, actions))
            state = out[-1][1]
    return named(_stack(out))


def _scan(given: _Given, step: Any) -> Answers:
    def body(state: Any, inputs: Any) -> Any:
        t, known = inputs
        state = state if known is None else known
        action = given.action(t)
        result = jax.vmap(step)(given.step_keys(t), state, action)
        return result[1], (result, state if given.keep else None)

    _, first = jax.jit(jax.vmap(given.env.reset))(given.keys)
    inputs = (jnp.arange(given.steps), given.track)
    out, before = jax.jit(lambda s, rows: jax.lax.scan(body, s, rows)[1])(first, inputs)
    return _told(given, out, before)


@probe("ways.scanned")
def scanned(env: AnyEnv, arguments: Arguments) -> Answers:
    """Play ``env.step`` inside ``lax.scan``."""
    given = _Given(env, arguments)
    return _scan(given, given.env.step)


@probe("ways.stepped")
def stepped(env: AnyEnv, arguments: Arguments) -> Answers:
    """The same without what ``info`` holds besides the contract's own entry."""
    given = _Given(env, arguments)
    return _scan(given, bare(given.env.step))


@probe("ways.composed")
def composed(env: AnyEnv, arguments: Arguments) -> Answers:
    """Play the contract's functions inside ``lax.scan``, put together as ``step`` should be."""
    given = _Given(env, arguments)
    return _scan(given, functools.partial(compose, given.env))


@probe("step.taken")
def taken(env: AnyEnv, arguments: Arguments) -> Answers:
    """Call ``env.step`` once from many states.

    Arguments: ``seeds`` [B], ``actions`` [B, ...], ``state.FIELD`` [B, ...], and with ``patient``
    the caller resets, not ``step``.
    """
    return _once(env, arguments, by_hand=False)


@probe("step.composed")
def composed_once(env: AnyEnv, arguments: Arguments) -> Answers:
    """The same by the contract's functions."""
    return _once(env, arguments, by_hand=True)


def _once(env: AnyEnv, arguments: Arguments, by_hand: bool) -> Answers:
    env = resetting(env, "disabled" if arguments.get("patient", False) else "same_step")
    step: Any = functools.partial(compose, env) if by_hand else bare(env.step)
    keys, actions = keys_of(arguments["seeds"]), native(env, arguments["actions"])
    return named(jax.jit(jax.vmap(step))(keys, state_argument(env, arguments), actions))
