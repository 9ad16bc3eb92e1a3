"""The two targets are one game, and batching, compiling and looping change nothing."""

import functools
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envlift
from envlift.envs.pong.env import Params
from envlift.targets import chance

from .conftest import assert_same

B = 48
STEPS = 1500


def rollout(env: Any, num_steps: int = STEPS, final: bool = False) -> Any:
    """Half of the lanes play at random, half follow the ball.

    They start in the middle of games with fast balls on their way to the opponent, which it misses.
    """
    params = Params(3)

    def act(key: jax.Array, lane: jax.Array, state: Any) -> jax.Array:
        word = chance.bits(chance.stream(key, chance.ACTION))
        gap = state.ball_y - state.paddle_yr
        if env.continuous:
            noise = 2 * chance.unit(word) - 1
            follow = jnp.where(gap > 8, 1.0, jnp.where(gap < -8, -1.0, 0.0)) + 0.1 * noise
            return jnp.where(lane % 2 == 0, follow, noise)[None]
        follow = jnp.where(gap > 8, 1, jnp.where(gap < -8, 2, 0))
        return jnp.where(lane % 2 == 0, follow, chance.below(word, 3))

    def body(state: Any, step: jax.Array) -> Any:
        keys = chance.at_step(lanes, step)
        actions = jax.vmap(act)(keys, jnp.arange(B), state)
        obs, state, *rest, info = jax.vmap(env.step, (0, 0, 0, None))(keys, state, actions, params)
        return state, (obs, state, rest, info if final else ())

    lanes = chance.lane_keys(jax.random.key(7), B)
    _, state = jax.vmap(env.reset)(lanes)
    lane = jnp.arange(B)
    state = replace(
        state,
        ball_vx=jnp.full(B, -10.0),
        ball_vy=jnp.where(lane % 2 == 0, 13.0, -13.0),
        ball_x=100.0 + 8 * lane,
        score_r=lane % 3,
    )
    return jax.jit(lambda s: jax.lax.scan(body, s, jnp.arange(num_steps)))(state)


@pytest.mark.parametrize(("frameskip", "continuous"), [(1, False), (4, True)])
def test_targets_play_the_same_games(frameskip, continuous):
    options = {"frameskip": frameskip, "continuous": continuous}
    one, two = (
        rollout(envlift.make("pong", backend=backend, **options), final=True)[1]
        for backend in ("jax", "warp")
    )
    assert_same(one, two, observation_ulps=1)
    _, _, (reward, terminated, _), _ = one
    # The comparison means something only if games ended on both sides.
    assert set(np.unique(reward)) == {np.float32(x) for x in (-1, 0, 0.1, 1)}
    assert (terminated & (reward > 0)).any()
    assert (terminated & (reward < 0)).any()


@pytest.mark.parametrize(
    ("frameskip", "continuous", "keep"), [(1, False, True), (4, True, False), (1, True, False)]
)
def test_random_rollouts_are_the_same_in_both_targets(frameskip, continuous, keep):
    results = []
    for backend in ("jax", "warp"):
        env = envlift.make("pong", backend=backend, frameskip=frameskip, continuous=continuous)
        _, state = jax.vmap(env.reset)(jax.random.split(jax.random.key(1), B))
        play = jax.jit(
            lambda key, s, env=env: env.random_rollout(
                key, s, 2000, Params(2), keep_observations=keep
            )
        )
        results.append(play(jax.random.key(5), state))
    assert_same(*results, observation_ulps=1)
    assert int(results[0][1].episodes.sum()) > B
    assert (results[0][1].observations is not None) == keep


def test_random_rollout_is_a_scan_of_steps(backend):
    env = envlift.make("pong", backend=backend)
    key = jax.random.key(5)
    _, start = jax.vmap(env.reset)(jax.random.split(jax.random.key(1), B))
    lanes = chance.lane_keys(key, B)

    @jax.jit
    def play(state: Any) -> Any:
        def body(carry: Any, step: jax.Array) -> Any:
            state, reward, episodes = carry
            keys = chance.at_step(lanes, step)
            actions = chance.below(chance.bits(chance.stream(keys, chance.ACTION)), 3)
            obs, state, r, ended, *_ = jax.vmap(env.step)(keys, state, actions)
            return (state, reward + r, episodes + ended.astype(jnp.int32)), obs

        return jax.lax.scan(body, (state, jnp.zeros(B), jnp.zeros(B, jnp.int32)), jnp.arange(300))

    (state, reward, episodes), obs = play(start)
    after, seen = env.random_rollout(key, start, 300, keep_observations=True)
    assert_same((state, reward, episodes), (after, seen.reward, seen.episodes), 1)
    assert_same(obs, seen.observations, 1)
    if backend == "warp":
        np.testing.assert_array_equal(obs, seen.observations)


def test_random_rollout_starts_anew_whatever_a_step_does(backend):
    seen = []
    for autoreset in ("same_step", "disabled"):
        env = envlift.make("pong", backend=backend, autoreset=autoreset)
        _, start = jax.vmap(env.reset)(jax.random.split(jax.random.key(1), B))
        start = replace(start, score_l=jnp.full(B, 20), score_r=jnp.full(B, 20))
        seen.append(env.random_rollout(jax.random.key(5), start, 1_500))
    assert int(seen[0][1].episodes.sum()) >= B
    assert_same(*seen)


@pytest.mark.parametrize("frameskip", [1, 4])
def test_fused_warp_step_is_the_generic_step(frameskip):
    """The kernel that does a whole step equals ``Env.step`` over the transition alone."""
    env = envlift.make("pong", backend="warp", frameskip=frameskip)

    class Generic:
        continuous = False
        reset = env.reset

        def step(self, *arguments: Any) -> Any:
            return envlift.Env.step(env, *arguments)

    assert_same(rollout(env, 600, final=True), rollout(Generic(), 600, final=True), 1)


@functools.cache
def game(backend: str) -> Any:
    return envlift.make("pong", backend=backend)


@functools.cache
def _inputs(env: Any) -> Any:
    keys = jax.random.split(jax.random.key(3), 6)
    _, states = jax.vmap(env.reset)(keys)
    actions = jnp.array([0, 1, 2, 0, 1, 2])
    step = jax.jit(jax.vmap(env.step))
    for _ in range(41):  # into the first exchange
        _, states, *_ = step(keys, states, actions)
    return keys, states, actions


def test_a_batch_is_its_single_games(backend):
    env = game(backend)
    keys, states, actions = _inputs(env)
    batch = jax.jit(jax.vmap(env.step))(keys, states, actions)
    alone = jax.jit(env.step)
    for lane in range(6):
        take = jax.tree.map(lambda x, lane=lane: x[lane], (keys, states, actions))
        single = alone(*take)
        assert_same(jax.tree.map(lambda x, lane=lane: x[lane], batch), single, 1)


def test_nested_batches_are_flat_ones(backend):
    env = game(backend)
    flat = _inputs(env)
    nested = jax.tree.map(lambda x: x.reshape(2, 3, *x.shape[1:]), flat)
    one = jax.jit(jax.vmap(env.step))(*flat)
    two = jax.jit(jax.vmap(jax.vmap(env.step)))(*nested)
    assert_same(one, jax.tree.map(lambda x: x.reshape(6, *x.shape[2:]), two), 1)


def test_compiled_is_not_compiled(backend):
    env = game(backend)
    inputs = _inputs(env)
    step = jax.vmap(env.step)
    assert_same(step(*inputs), jax.jit(step)(*inputs), 1)


def test_scan_is_a_loop(backend):
    env = game(backend)
    keys, states, actions = _inputs(env)
    step = jax.jit(jax.vmap(env.step))

    def body(state: Any, _: Any) -> Any:
        obs, state, reward, *_ = jax.vmap(env.step)(keys, state, actions)
        return state, (obs, reward)

    last, (obs, rewards) = jax.lax.scan(body, states, length=120)
    for t in range(120):
        o, states, r, *_ = step(keys, states, actions)
        assert_same((o, r), (obs[t], rewards[t]), 1)
    assert_same(states, last, 1)


def test_lanes_may_differ_in_max_score(backend):
    env = game(backend)
    keys, states, actions = _inputs(env)
    params = Params(jnp.arange(1, 7))
    batch = jax.jit(jax.vmap(env.step))(keys, states, actions, params)
    alone = jax.jit(env.step)
    for lane in (0, 5):
        take = jax.tree.map(lambda x, lane=lane: x[lane], (keys, states, actions, params))
        assert_same(jax.tree.map(lambda x, lane=lane: x[lane], batch), alone(*take), 1)
