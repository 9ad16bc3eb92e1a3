"""gymnax's calling convention: code written for gymnax runs on every environment here."""

from __future__ import annotations

import inspect
from typing import Any

import gymnax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.contract.cases import Case, assert_same, cases, random_action

LANES, STEPS = 8, 16


@pytest.fixture(params=[case for case in cases() if not case.options], ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    """Every environment as it is made by default: no option changes how it is called.

    That ``params`` are an argument, a scan a loop and an end what it says is asked of every variant
    in ``test_transforms.py`` and ``test_rules.py``.
    """
    return request.param


def rollout(env: Any, params: Any, policy: Any) -> Any:
    """Play as a gymnax training loop does: ``vmap`` inside ``scan`` inside ``jit``."""

    def one(carry: Any, key: jax.Array) -> Any:
        obs, state = carry
        keys = jax.random.split(key, LANES)
        action = jax.vmap(policy)(keys, state)
        obs, state, reward, terminated, truncated, info = jax.vmap(
            env.step, in_axes=(0, 0, 0, None)
        )(keys, state, action, params)
        row = obs, reward, terminated, truncated, info["final_observation"]
        return (obs, state), row

    @jax.jit
    def play(key: jax.Array) -> Any:
        keys = jax.random.split(key, LANES)
        start = jax.vmap(env.reset, in_axes=(0, None))(keys, params)
        return jax.lax.scan(one, start, jax.random.split(key, STEPS))

    return play(jax.random.key(0))


def check_rollout(env: Any, params: Any, policy: Any) -> None:
    (obs, _), (seen, reward, terminated, truncated, final) = rollout(env, params, policy)
    shape = env.observation_space(params).shape
    assert obs.shape == (LANES, *shape)
    assert seen.shape == final.shape == (STEPS, LANES, *shape)
    players = getattr(env, "num_players", 1)
    assert reward.shape == ((STEPS, LANES) if players == 1 else (STEPS, LANES, players))
    assert terminated.shape == truncated.shape == (STEPS, LANES)
    assert terminated.dtype == truncated.dtype == jnp.bool_
    going_on = ~np.asarray(terminated | truncated)
    np.testing.assert_array_equal(np.asarray(seen)[going_on], np.asarray(final)[going_on])
    env.action_space(params)


def test_the_same_loop_runs_gymnax_itself() -> None:
    """Otherwise the loop above would only show that we follow our own idea of gymnax."""
    env, params = gymnax.make("CartPole-v1")
    check_rollout(env, params, lambda key, state: env.action_space(params).sample(key))


def test_the_loop_runs_every_environment(case: Case) -> None:
    env = case.make()
    check_rollout(env, env.default_params, lambda key, state: random_action(env, key, state))


def test_arguments_have_gymnaxs_names_and_order(case: Case) -> None:
    env, (theirs, _) = case.make(), gymnax.make("CartPole-v1")
    for method in ("reset", "step", "observation_space", "action_space"):
        expected = list(inspect.signature(getattr(theirs, method)).parameters)
        assert list(inspect.signature(getattr(env, method)).parameters) == expected, method
    for method in ("reset", "step"):
        assert inspect.signature(getattr(env, method)).parameters["params"].default is None


def test_six_values_and_two(case: Case) -> None:
    env = case.make()
    key = jax.random.key(0)
    obs, state = env.reset(key, env.default_params)
    assert_same((obs, state), env.reset(key), "reset without params", ulps=2)
    out = env.step(key, state, random_action(env, key, state), env.default_params)
    assert len(out) == 6
    assert set(out[5]) >= {"final_observation"}


def test_an_end_keeps_its_observation(case: Case) -> None:
    """At an end ``obs`` is a first observation, ``info["final_observation"]`` the last."""
    states = case.states()
    for seed in range(6):
        keys = jax.random.split(jax.random.key(seed), len(jax.tree.leaves(states)[0]))
        actions = case.batched("act")(keys, states)
        obs, after, _, terminated, truncated, info = case.batched("step")(keys, states, actions)
        last = case.batched("step", "disabled")(keys, states, actions)[0]
        np.testing.assert_array_max_ulp(info["final_observation"], last, maxulp=2)
        over = np.asarray(terminated | truncated)
        if over.any():
            first = case.batched("observe")(after)
            np.testing.assert_array_equal(np.asarray(obs)[over], np.asarray(first)[over])
            return
    pytest.fail("no episode ended, so this test has seen nothing")
