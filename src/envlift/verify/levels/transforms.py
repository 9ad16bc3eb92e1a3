"""Does the candidate stay itself under JAX's transformations, and is ``step`` its own rules?

What lockstep drives are the pure functions; users call ``env.step``. Both must be one thing.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np

from envlift.reference.types import StateDict
from envlift.verify.engine.actions import random_actions
from envlift.verify.engine.compare import differs
from envlift.verify.levels.interactions import states_of_play
from envlift.verify.run.context import Context
from envlift.verify.run.result import Check, Verdict
from envlift.verify.sides.env_side import AnyEnv, env_of, keys_of
from envlift.verify.sides.guard import judged
from envlift.verify.suite import Field

EXACT = Field("exact")
LANES = 8
STEPS = 24
LONG = 4096
"""Steps in which ``env.step`` is compared with the contract's functions: episodes end in them."""
STARTS = 8192
"""States from which one such step is played: those that random play does not reach."""


def run(context: Context) -> None:
    """Compare batched with single, compiled with interpreted, scanned with looped."""
    env, rng = env_of(context.candidate), context.rng
    if env is None:
        with context.check("transforms", "vmap, jit, scan") as check:
            check.verdict = Verdict.SKIPPED
            check.detail = "the candidate is not a JAX environment"
        return
    # Lockstep drives the rules; what users call resets by itself, perhaps by code of its own.
    env = copy.copy(env)
    env.autoreset = "same_step"
    seeds = rng.integers(0, 2**62, size=LANES)
    actions = jnp.asarray(random_actions(context.reference.spec, rng, (STEPS, LANES)))
    actions = actions.astype(context.candidate.spec.action.dtype)
    played = _Played(env, keys_of(seeds), actions, context.config.resync is not None)
    _same(context, "vmap(n) = n singles", played.vmapped, played.singles)
    _same(context, "jit = no jit", played.vmapped, played.interpreted)
    _same(context, "scan = loop", played.scanned, played.vmapped)
    _same(context, "step = transition after sample", played.stepped, played.composed)
    if context.reference.spec.state:
        _from_states(context, env)
    _one_trace(context, played)


def _from_states(context: Context, env: AnyEnv) -> None:
    """Compare one ``step`` from states that random play does not reach: a game about to be won."""
    rng = context.rng
    starts = _starts(context)
    actions = random_actions(context.reference.spec, rng, (STARTS,))
    played = jnp.asarray(actions.astype(context.candidate.spec.action.dtype))
    keys = keys_of(rng.integers(0, 2**62, size=STARTS))

    def one_step(step: Any) -> Any:
        out = jax.jit(jax.vmap(_bare(step)))(keys, starts, played)
        return jax.tree.map(np.asarray, out)

    _same(
        context,
        "step = transition after sample, states of play",
        lambda: one_step(env.step),
        lambda: one_step(functools.partial(_compose, env)),
    )
    patient = copy.copy(env)
    patient.autoreset = "disabled"
    _same(
        context,
        "step without a reset = transition after sample",
        lambda: one_step(patient.step),
        lambda: one_step(functools.partial(_compose, patient)),
    )


def _starts(context: Context) -> Any:
    """Return states of purposeful play, half of them generated where the suite does that."""
    suite, rng = context.suite, context.rng
    pools = [states_of_play(context)]
    if suite.random_states is not None:
        pools.append(suite.random_states(rng, STARTS // 2, context.config))
    picked: list[StateDict] = []
    for pool in pools:
        rows = rng.integers(0, len(next(iter(pool.values()))), size=STARTS // len(pools))
        picked.append({name: values[rows] for name, values in pool.items()})
    mixed = {name: np.concatenate([pool[name] for pool in picked]) for name in picked[0]}
    return cast(Any, context.candidate).state_of(suite.candidate_state(mixed))


def _bare(step: Any) -> Any:
    """Leave out of ``info`` what an environment tells besides the contract's own entry."""

    def bare(key: Any, state: Any, action: Any) -> Any:
        *shown, info = step(key, state, action)
        return *shown, {"final_observation": info["final_observation"]}

    return bare


def _compose(env: AnyEnv, key: Any, state: Any, action: Any) -> Any:
    """Play ``step`` by hand out of the contract's functions."""
    step_key, reset_key = env.split_key(key)
    nxt = env.transition(state, action, env.sample(step_key, state, action))
    obs = env.observe(nxt.state)
    if env.autoreset == "disabled":
        return obs, nxt.state, *nxt[1:], {"final_observation": obs}
    ended = nxt.terminated | nxt.truncated
    fresh = env.initial(env.sample_initial(reset_key))
    after = jax.tree.map(lambda new, old: jnp.where(ended, new, old), fresh, nxt.state)
    seen = jnp.where(ended, env.observe(fresh), obs)
    return seen, after, nxt.reward, nxt.terminated, nxt.truncated, {"final_observation": obs}


class _Played:
    """The same few steps, played in several ways; each way returns stacked results.

    Args:
        env: who plays.
        keys: one for each lane.
        actions: [STEPS, LANES, ...].
        resync: every way takes each step from the state that the first way had there, because two
            compilations may round differently and the environment makes that grow.
    """

    def __init__(
        self, env: AnyEnv, keys: jax.Array, actions: jax.Array, resync: bool = False
    ) -> None:
        self.env, self.keys, self.actions = env, keys, actions
        self.resync = resync
        self.traces = 0
        self._track: list[Any] = []
        self._long_track: Any = None
        self._reset = jax.jit(jax.vmap(env.reset))
        self._step = jax.jit(jax.vmap(self._counted))
        self._single_reset = jax.jit(env.reset)
        self._single = jax.jit(env.step)

    def _counted(self, key: Any, state: Any, action: Any) -> Any:
        self.traces += 1
        return self.env.step(key, state, action)

    def _step_keys(self, t: int) -> jax.Array:
        return jax.vmap(lambda key: jax.random.fold_in(key, t))(self.keys)

    def vmapped(self, steps: int = STEPS) -> Any:
        _, state = self._reset(self.keys)
        self._track, out = [], []
        for t in range(steps):
            self._track.append(state)
            result = self._step(self._step_keys(t), state, self.actions[t])
            state = result[1]
            out.append(result)
        return _stack(out)

    def singles(self) -> Any:
        lanes = []
        for lane in range(LANES):
            _, state = self._single_reset(self.keys[lane])
            out = []
            for t in range(STEPS):
                if self.resync:
                    state = jax.tree.map(lambda leaf: leaf[lane], self._track[t])  # noqa: B023
                result = self._single(self._step_keys(t)[lane], state, self.actions[t, lane])
                state = result[1]
                out.append(result)
            lanes.append(_stack(out))
        return jax.tree.map(lambda *leaves: np.stack(leaves, axis=1), *lanes)

    def interpreted(self) -> Any:
        with jax.disable_jit():
            _, state = jax.vmap(self.env.reset)(self.keys)
            out = []
            for t in range(STEPS // 4):
                if self.resync:
                    state = self._track[t]
                result = jax.vmap(self.env.step)(self._step_keys(t), state, self.actions[t])
                state = result[1]
                out.append(result)
        return _stack(out)

    def scanned(self) -> Any:
        track = jax.tree.map(lambda *leaves: jnp.stack(leaves), *self._track)

        def body(state: Any, inputs: Any) -> Any:
            keys, actions, known = inputs
            result = jax.vmap(self.env.step)(keys, known if self.resync else state, actions)
            return result[1], result

        keys = jnp.stack([self._step_keys(t) for t in range(STEPS)])
        _, state = self._reset(self.keys)
        inputs = (keys, self.actions, track)
        out = jax.jit(lambda s, given: jax.lax.scan(body, s, given)[1])(state, inputs)
        return jax.tree.map(np.asarray, out)

    def long(self, step: Any) -> Any:
        """Play many steps of random actions by one way of stepping, episode ends included."""
        step = _bare(step)

        track = self._long_track

        def body(state: Any, inputs: Any) -> Any:
            t, known = inputs
            keys = jax.vmap(lambda key: jax.random.fold_in(key, t))(self.keys)
            actions = self.actions[t % STEPS]
            result = jax.vmap(step)(keys, state if known is None else known, actions)
            return result[1], result

        _, state = self._reset(self.keys)
        inputs = (jnp.arange(LONG), track)
        out = jax.jit(lambda s, given: jax.lax.scan(body, s, given)[1])(state, inputs)
        if self.resync and track is None:
            self._long_track = jax.tree.map(
                lambda first, after: jnp.concatenate([first[None], after[:-1]]), state, out[1]
            )
        return jax.tree.map(np.asarray, out)

    def stepped(self) -> Any:
        return self.long(self.env.step)

    def composed(self) -> Any:
        return self.long(functools.partial(_compose, self.env))


def _stack(steps: list[Any]) -> Any:
    return jax.tree.map(lambda *leaves: np.stack([np.asarray(x) for x in leaves]), *steps)


def _same(context: Context, name: str, one: Callable[[], Any], other: Callable[[], Any]) -> None:
    with context.check("transforms", name) as check:
        with judged(name):
            first, second = one(), other()
        steps = len(jax.tree.leaves(second)[0])
        first = jax.tree.map(lambda leaf: leaf[:steps], first)
        ends = int(np.sum(second[3]) + np.sum(second[4]))
        check.counts = {"steps": int(np.size(second[3])), "episodes": ends}
        _judge(check, first, second, context.suite.observation)


def _judge(check: Check, first: Any, second: Any, tolerance: Field) -> None:
    """Compare all leaves, floats as closely as the suite compares observations."""
    check.verdict = Verdict.PASS
    check.detail = "every leaf of every step"
    paths = jax.tree_util.tree_flatten_with_path(first)[0]
    others = jax.tree.leaves(second)
    for (path, a), b in zip(paths, others, strict=True):
        name = jax.tree_util.keystr(path)
        if a.dtype != b.dtype or a.shape != b.shape:
            check.verdict = Verdict.FAIL
            check.detail = f"{name}: {a.dtype}{a.shape}, {b.dtype}{b.shape}"
            return
        different = differs(a, b, tolerance if a.dtype.kind == "f" else EXACT)
        if different.any():
            at = tuple(np.argwhere(different)[0].tolist())
            check.verdict = Verdict.FAIL
            check.detail = f"{name} at {at}: {a[at]} and {b[at]}"
            return


def _one_trace(context: Context, played: _Played) -> None:
    with context.check("transforms", "one trace") as check:
        check.counts = {"traces": played.traces, "calls": 3 * STEPS}
        check.verdict = Verdict.PASS if played.traces == 1 else Verdict.FAIL
        check.detail = f"{played.traces} trace{'s' if played.traces != 1 else ''} of step"
