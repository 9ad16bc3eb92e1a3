"""Every environment that the contract suite runs over, and how it is played there."""

from __future__ import annotations

import copy
import functools
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.vector import AutoresetMode

from envlift.adapters.gymnasium import GymnasiumEnv, VectorEnv
from envlift.env import Autoreset, Game
from envlift.opponents import against
from envlift.registry import AnyEnv, Registration, list_envs, make, registration
from tests.contract import duel, toy

LANES = 16
NUM_ENVS = 4
CHUNK = 128
MAX_STEPS = 16_384


@dataclass(frozen=True)
class Case:
    """A registered environment with one of its option sets."""

    name: str
    options: tuple[tuple[str, Any], ...]
    alone: bool = False
    """Of a game: against a bot."""

    def __str__(self) -> str:
        shown = [f"{key}={value}" for key, value in self.options]
        return "-".join([self.name, *shown, *(["alone"] if self.alone else [])])

    @functools.cache  # noqa: B019 - cases live as long as the run
    def make(self, autoreset: Autoreset = "same_step") -> AnyEnv:
        """Make the environment, once per autoreset mode: compiling is most of the suite's time."""
        env = make(self.name, autoreset=autoreset, **dict(self.options))
        return against(env, "random") if self.alone else env

    @functools.cache  # noqa: B019
    def batched(self, function: str, autoreset: Autoreset = "same_step") -> Callable[..., Any]:
        """Return a function of the environment over lanes, compiled once for all tests.

        ``act`` (keys, states) draws legal actions; every other name is the environment's own.
        """
        env = self.make(autoreset)
        if function == "act":
            return jax.jit(jax.vmap(functools.partial(random_action, env)))
        return jax.jit(jax.vmap(getattr(env, function)))

    @functools.cache  # noqa: B019
    def compiled(self, function: str) -> Callable[..., Any]:
        """Return a function of the environment for one lane, compiled once for all tests."""
        return jax.jit(getattr(self.make(), function))

    @functools.cache  # noqa: B019
    def vector(self, mode: AutoresetMode = AutoresetMode.NEXT_STEP) -> VectorEnv:
        """Return a vector environment; reset it with a seed before use."""
        return VectorEnv(self.make("disabled"), num_envs=NUM_ENVS, autoreset_mode=mode)

    @functools.cache  # noqa: B019
    def _single(self) -> GymnasiumEnv:
        return GymnasiumEnv(self.make("disabled"))

    def single(self) -> GymnasiumEnv:
        """Return a single environment; copies share what is compiled, not their episodes."""
        return copy.copy(self._single())

    @functools.cache  # noqa: B019
    def play(self) -> Play:
        """Play random legal actions until every lane has seen two ends, or ``MAX_STEPS``."""
        return _play(self.make("same_step"))

    @functools.cache  # noqa: B019
    def states(self) -> Any:
        """Return states of a rollout, [LANES, ...], some of them one step before an end."""
        return self.play().before_end()


def cases() -> list[Case]:
    """Return the default of every registered environment, chosen variants, and those of the toys.

    Games are there twice: with all their players, and against a bot.
    """
    # The toys are registered while a test runs, but not yet when tests are collected.
    names = [name for name in list_envs() if name not in {entry.name for entry in TOYS}]
    registrations = [*TOYS, *(registration(name) for name in names)]
    games = [entry for entry in registrations if entry.players > 1]
    return [
        *(
            Case(entry.name, tuple(sorted(options.items())))
            for entry in registrations
            for options in ({}, *pairwise(entry.variants, DEFAULTS.get(entry.name, {})))
        ),
        *(Case(entry.name, (), alone=True) for entry in games),
    ]


def entry_of(case: Case) -> Registration:
    """Return the registration of a case, also while tests are collected."""
    toys = {entry.name: entry for entry in TOYS}
    return toys.get(case.name) or registration(case.name)


DEFAULTS: dict[str, dict[str, Any]] = {
    "pong": {"backend": "warp", "continuous": False, "frameskip": 1},
    "half_cheetah": {"backend": "warp"},
}
"""What a default stands for, among the options that variants have."""


TOYS = (toy.REGISTRATION, duel.REGISTRATION)
"""Environments of the tests alone."""


def pairwise(variants: Sequence[dict[str, Any]], default: dict[str, Any]) -> list[dict[str, Any]]:
    """Choose variants so that each pair of options that occurs is there, as often as not once.

    Compiling is most of the contract suite's time, and what three options do together that no two
    of them do is left to the environment's own tests. The default is played anyway.
    """

    def pairs(options: dict[str, Any]) -> set[Any]:
        entries = sorted(options.items())
        return {*entries, *itertools.combinations(entries, 2)}

    missing = set().union(*map(pairs, variants)) - pairs(default)
    chosen = []
    while missing:
        best = max(variants, key=lambda options: len(pairs(options) & missing))
        chosen.append(best)
        missing -= pairs(best)
    return chosen


def random_action(env: AnyEnv, key: jax.Array, state: Any, params: Any = None) -> jax.Array:
    """Draw a legal action of one environment."""
    if isinstance(env, Game):
        masks = env.legal_actions(state, params)
        return jax.random.categorical(key, jnp.where(masks, 0.0, -jnp.inf)).astype(jnp.int32)
    space = env.action_space(params)
    if isinstance(space, gymnasium.spaces.Discrete):
        mask = env.legal_actions(state, params)
        index = jax.random.categorical(key, jnp.where(mask, 0.0, -jnp.inf))
        return (index + int(space.start)).astype(jax.dtypes.canonicalize_dtype(space.dtype))
    assert isinstance(space, gymnasium.spaces.Box), f"no policy for {space}"
    low, high = jnp.asarray(space.low), jnp.asarray(space.high)
    return jax.random.uniform(key, space.shape, minval=low, maxval=high).astype(space.dtype)


@dataclass(frozen=True)
class Play:
    """What a rollout of ``T`` steps in ``B`` lanes gave.

    ``before`` and the actions are those a step started from; the rest is what it returned.
    Everything has the leading axes [T, B].
    """

    before: Any
    action: Any
    after: Any
    observation: Any
    reward: Any
    terminated: Any
    truncated: Any
    info: Any

    @property
    def ended(self) -> Any:
        """bool [T, B]."""
        return self.terminated | self.truncated

    def before_end(self) -> Any:
        """Return the state of each lane shortly before its first end, [B, ...].

        Lane ``b`` stands ``b % 4`` steps before the step that ends its episode.
        """
        ended = self.ended
        steps = np.argmax(ended, axis=0) - np.arange(ended.shape[1]) % 4
        at = np.maximum(steps, 0), np.arange(ended.shape[1])
        return jax.tree.map(lambda leaf: jnp.asarray(leaf[at]), self.before)


def _play(env: AnyEnv) -> Play:
    def body(carry: tuple[Any, Any], _: None) -> tuple[tuple[Any, Any], Any]:
        keys, state = carry
        keys, now, choice = jnp.moveaxis(jax.vmap(lambda key: jax.random.split(key, 3))(keys), 1, 0)
        action = jax.vmap(lambda key, one: random_action(env, key, one))(choice, state)
        obs, after, reward, terminated, truncated, info = jax.vmap(env.step)(now, state, action)
        row = Play(state, action, after, obs, reward, terminated, truncated, info)
        return (keys, after), tuple(vars(row).values())

    keys = jax.random.split(jax.random.key(7), LANES)
    state = jax.jit(jax.vmap(env.reset))(keys)[1]
    chunk = jax.jit(lambda carry: jax.lax.scan(body, carry, None, length=CHUNK))
    carry, rows, ends = (keys, state), [], np.zeros(LANES, int)
    while len(rows) * CHUNK < MAX_STEPS and ends.min() < 2:
        carry, out = chunk(carry)
        rows.append(jax.tree.map(np.asarray, out))
        ends += (rows[-1][5] | rows[-1][6]).sum(axis=0)
    assert ends.min() >= 2, (
        f"{env!r}: random legal play saw only {ends.min()} ends in some lane in {MAX_STEPS} steps"
    )
    return Play(*jax.tree.map(lambda *parts: np.concatenate(parts), *rows))


def assert_same(one: Any, other: Any, what: str, *, ulps: int = 0) -> None:
    """Assert that two trees are equal in structure, shapes, dtypes and values.

    Args:
        one, other: trees of arrays.
        what: for the message.
        ulps: how many units in the last place floats may differ by. XLA rounds the same formula
            differently from one program to another; within one program it must be 0.
    """
    left, right = jax.tree_util.tree_flatten_with_path(one), jax.tree_util.tree_flatten(other)
    assert left[1] == right[1], f"{what}: {left[1]} and {right[1]}"
    for (path, a), b in zip(left[0], right[0], strict=True):
        place = f"{what}{jax.tree_util.keystr(path)}"
        a, b = np.asarray(a), np.asarray(b)
        assert (a.shape, a.dtype) == (b.shape, b.dtype), (
            f"{place}: {a.dtype}{a.shape}, {b.dtype}{b.shape}"
        )
        if ulps and a.dtype.kind == "f":
            np.testing.assert_array_max_ulp(a, b, maxulp=ulps)
        else:
            np.testing.assert_array_equal(a, b, err_msg=place, strict=True)
