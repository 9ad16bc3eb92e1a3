"""Faults of rare states, long histories, large batches and seeds do what their words say."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envlift
from envlift.env import Env
from envlift.envs.pong.env import Pong
from envlift.verify.mutation import behaviour
from envlift.verify.mutation.behaviour import behaviour_mutants

PACKAGE = Path(envlift.__file__).parent


@pytest.fixture(scope="module")
def mutants():
    patch = pytest.MonkeyPatch()
    patch.setattr(behaviour, "STEPS", 512)
    patch.setattr(behaviour, "LANES", 16)
    found = behaviour_mutants("pong", "jax", PACKAGE)
    patch.undo()
    return {mutant.diff.removeprefix("+Pong: "): mutant for mutant in found}


def planted(mutants, words):
    names = [words] if words in mutants else [name for name in mutants if words in name]
    (mutant,) = (mutants[name] for name in names)
    module = ModuleType("planted")
    module.__dict__["__name__"] = "planted"
    exec(compile(mutant.source, "planted", "exec"), module.__dict__)
    return module.__dict__["Pong"](backend="jax"), Pong(backend="jax")


def states(env, n):
    return jax.jit(jax.vmap(env.reset))(jax.random.split(jax.random.key(3), n))[1]


def played(env, state, n):
    """Play one step without chance of its own."""

    @jax.jit
    def play(state):
        draws = jax.vmap(env.sample_initial)(jax.random.split(jax.random.key(4), n))
        return jax.vmap(env.transition)(state, jnp.zeros(n, jnp.int32), draws)

    return play(state)


def rows(one, other):
    """Which lanes differ."""
    different = jax.tree.map(
        lambda a, b: (np.asarray(a) != np.asarray(b)).reshape(len(a), -1).any(axis=1), one, other
    )
    return np.flatnonzero(np.any(jax.tree.leaves(different), axis=0)).tolist()


def test_every_kind_is_there_and_every_fault_can_be_traced(mutants):
    kinds = {mutant.kind for mutant in mutants.values()}
    assert kinds == {"rare", "history", "batch", "seed", "end"}
    ids = [mutant.id for mutant in mutants.values()]
    assert len(set(ids)) == len(ids) > 25
    key = jax.random.split(jax.random.key(0), 2)
    for words in mutants:
        env, right = planted(mutants, words)
        state = jax.eval_shape(jax.vmap(right.reset), key)[1]
        shown = jax.eval_shape(jax.vmap(env.step), key, state, jnp.zeros(2, jnp.int32))
        assert len(shown) == 6, words


@pytest.mark.parametrize(
    ("words", "size", "wrong"),
    [
        ("lanes from 4,096", 4097, [4096]),
        ("lanes from 16,384", 16386, [16384, 16385]),
        ("the last lane of an odd batch", 5, [4]),
        ("the last lane of an odd batch", 6, []),
        ("the last lane of a batch of more than 64", 66, [65]),
        ("in a batch of one", 1, [0]),
        ("in a batch of one", 2, []),
    ],
)
def test_the_lanes_that_are_named_are_wrong(mutants, words, size, wrong):
    env, right = planted(mutants, words)
    state = states(right, size)
    # Every lane differs from lane 0 in what may be copied from it.
    far = jnp.arange(size, dtype=jnp.float32)
    names = ("paddle_yl", "paddle_yr", "ball_x", "ball_y")
    state = dataclasses.replace(state, **dict.fromkeys(names, 100 + far / size * 100))
    assert rows(played(env, state, size), played(right, state, size)) == wrong


def test_the_state_that_is_named_is_wrong(mutants):
    env, right = planted(mutants, "where state.score_l ==")
    condition = next(name for name in mutants if "where state.score_l ==" in name)
    score = int(condition.split("== ")[1].split(",")[0])
    state = dataclasses.replace(states(right, 3), score_l=jnp.int32([score - 1, score, score + 1]))
    assert rows(played(env, state, 3), played(right, state, 3)) == [1]


def test_a_long_history_is_longer_than_random_play(mutants):
    ticks = [int(n.split("> ")[1].split(",")[0]) for n in mutants if "where state.tick >" in n]
    assert len(ticks) == 2
    env, right = planted(mutants, f"where state.tick > {max(ticks)}")
    assert max(ticks) == 8 * min(ticks) or max(ticks) > 7 * min(ticks)
    state = dataclasses.replace(states(right, 2), tick=jnp.int32([max(ticks), max(ticks) + 1]))
    assert rows(played(env, state, 2), played(right, state, 2)) == [1]


def ended(env, n=2):
    """States in which the next step ends the game in lane 1."""
    state = states(env, n)
    return dataclasses.replace(
        state,
        ball_x=jnp.float32([200, 3]),
        ball_vx=jnp.float32([-10, -10]),
        ball_y=jnp.float32([300, 600]),
        paddle_yl=jnp.float32([0, 0]),
        score_r=jnp.int32([20, 20]),
        score_l=jnp.int32([20, 20]),
    )


@pytest.mark.parametrize("words", ["the last reward", "of the last state", "final observation"])
def test_only_the_end_is_wrong(mutants, words):
    env, right = planted(mutants, words)
    state, keys = ended(right), jax.random.split(jax.random.key(0), 2)
    action = jnp.zeros(2, jnp.int32)
    good, bad = (jax.jit(jax.vmap(one.step))(keys, state, action) for one in (right, env))
    assert np.asarray(good[3]).tolist() == [False, True]
    # The final observation is wrong wherever it is told.
    expected = [0, 1] if words == "final observation" else [1]
    if words == "of the last state":
        # A reset follows, so that only the transition shows it.
        good, bad = played(right, state, 2), played(env, state, 2)
    assert rows(bad, good) == expected


def test_constant_keys_start_every_episode_alike(mutants):
    env, right = planted(mutants, "every episode starts from one key")
    keys = jax.random.split(jax.random.key(1), 64)
    assert len(set(jax.vmap(right.sample_initial)(keys).serve.tolist())) == 64
    assert len(set(jax.vmap(env.sample_initial)(keys).serve.tolist())) == 1
    few, _ = planted(mutants, "episodes start from one of 16 keys")
    assert 8 < len(set(jax.vmap(few.sample_initial)(keys).serve.tolist())) <= 16
    again, _ = planted(mutants, "every reset after an end has one key")
    resets = jax.random.key_data(jax.vmap(again.split_key)(keys)[1])
    assert len({tuple(row) for row in resets.tolist()}) == 1


def test_chance_that_looks_at_the_action(mutants):
    env, right = planted(mutants, "where the action is not 0")
    keys, state = jax.random.split(jax.random.key(1), 4), states(right, 4)
    action = jnp.int32([0, 1, 2, 0])
    good, bad = (jax.vmap(one.sample)(keys, state, action) for one in (right, env))
    assert rows(bad, good) == [1, 2]
    assert bad.serve[1] == bad.serve[2]


def test_a_fast_step_of_a_target_does_not_go_without_the_fault(mutants):
    env, _ = planted(mutants, "the last reward")
    assert type(env).step is Env.step
    assert Pong.step is not Env.step
