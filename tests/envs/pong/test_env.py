"""Pong behind the contract: options, spaces, chance, resets."""

import subprocess
import sys

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envlift
from envlift.envs.pong.env import Params
from envlift.envs.pong.state import Draws

from .conftest import make_state


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backend": "torch"}, "backend='torch' is not known; choose one of jax, warp"),
        ({"frameskip": 0}, "frameskip=0 is out of range"),
        ({"frameskip": 2.0}, "frameskip=2.0 is out of range"),
        ({"frameskip": True}, "frameskip=True is out of range"),
        ({"continuous": 1}, "continuous=1 is not known; give True or False"),
        ({"autoreset": "next_step"}, "autoreset='next_step' is not known"),
    ],
)
def test_bad_options_are_refused_by_name(options, message):
    with pytest.raises(ValueError, match=message):
        envlift.make("pong", **options)


def test_unknown_options_are_refused():
    with pytest.raises(TypeError, match="speed"):
        envlift.make("pong", speed=3)


def test_an_action_of_a_wrong_shape_is_refused(backend):
    env = envlift.make("pong", backend=backend)
    with pytest.raises(ValueError, match=r"shape \(\) or \(1,\) is needed, got \(2,\)"):
        env.transition(make_state(), jnp.zeros(2, jnp.int32), Draws(jnp.int32(0)))


def test_the_default_target_on_a_cpu_is_the_measured_one():
    assert envlift.make("pong").info.backend == "warp"


def test_spaces():
    env = envlift.make("pong", backend="jax")
    assert env.action_space() == gymnasium.spaces.Discrete(3)
    assert env.legal_actions(make_state()).tolist() == [True] * 3
    env = envlift.make("pong", backend="jax", continuous=True)
    assert env.action_space() == gymnasium.spaces.Box(-1, 1, (1,), np.float32)
    with pytest.raises(TypeError, match="only a Discrete space has a mask"):
        env.legal_actions(make_state())


def test_observations_stay_in_their_space(backend):
    env = envlift.make("pong", backend=backend)
    _, state = jax.vmap(env.reset)(jax.random.split(jax.random.key(0), 64))
    _, seen = env.random_rollout(jax.random.key(1), state, 3000, keep_observations=True)
    space = env.observation_space()
    low, high = seen.observations.min((0, 1)), seen.observations.max((0, 1))
    assert space.contains(np.asarray(low))
    assert space.contains(np.asarray(high))
    assert low[2] < 0  # the bound is not there for nothing


@pytest.mark.parametrize("side", ["l", "r"])
def test_same_step_reset_starts_anew_and_keeps_the_final_observation(backend, side):
    fields = (
        {"ball_x": 5, "ball_vx": -10, "ball_y": 600, "paddle_yl": 0, "score_r": 20}
        if side == "r"
        else {"ball_x": 465, "ball_y": 600, "paddle_yr": 0, "score_l": 20}
    )
    env = envlift.make("pong", backend=backend)
    obs, state, reward, terminated, truncated, info = env.step(
        jax.random.key(4), make_state(**fields), 0
    )
    assert terminated
    assert not truncated
    assert reward == (1 if side == "r" else -1)
    assert (state.score_l, state.score_r, state.win, state.tick, state.ball_x) == (0, 0, 0, 0, 100)
    np.testing.assert_array_equal(obs, state.observations)
    assert obs[2] == np.float32(0.2)
    np.testing.assert_array_equal(info["final_observation"], np.full(8, 0.125))


def test_disabled_autoreset_shows_the_end(backend):
    env = envlift.make("pong", backend=backend, autoreset="disabled")
    state = make_state(ball_x=465, ball_y=600, paddle_yr=0, score_l=20)
    _, state, _, terminated, _, _ = env.step(jax.random.key(4), state, 0)
    assert terminated
    assert state.score_l == 21


def test_serves_are_even_and_differ_between_keys_and_resets(backend):
    env = envlift.make("pong", backend=backend)
    keys = jax.random.split(jax.random.key(2), 20_000)
    serve = np.asarray(jax.vmap(env.sample_initial)(keys).serve)
    assert (serve >= 0).all()
    parity = serve & 1
    assert abs(parity.mean() - 0.5) < 5 * 0.5 / np.sqrt(20_000)
    # The reset that follows a step has its own chance.
    _, reset_keys = jax.vmap(env.split_key)(keys)
    other = np.asarray(jax.vmap(env.sample_initial)(reset_keys).serve) & 1
    assert abs((parity == other).mean() - 0.5) < 5 * 0.5 / np.sqrt(20_000)


def test_equal_keys_give_equal_resets(backend):
    env = envlift.make("pong", backend=backend)
    np.testing.assert_array_equal(env.reset(jax.random.key(9))[0], env.reset(jax.random.key(9))[0])


def test_params_default_is_the_reference(backend):
    env = envlift.make("pong", backend=backend)
    assert env.default_params == Params(max_score=21)


def test_bad_rollout_lengths_are_refused(backend):
    env = envlift.make("pong", backend=backend)
    _, state = jax.vmap(env.reset)(jax.random.split(jax.random.key(0), 2))
    with pytest.raises(ValueError, match="num_steps=0 is out of range"):
        env.random_rollout(jax.random.key(0), state, 0)


def test_pure_jax_never_loads_warp():
    code = (
        "import sys, jax, envlift; env = envlift.make('pong', backend='jax'); "
        "env.step(jax.random.key(0), env.reset(jax.random.key(0))[1], 0); "
        "sys.exit('warp' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_score_counts_points_and_not_bounces() -> None:
    reward = jax.numpy.asarray([1.0, -1.0, 0.1, 0.0])
    assert envlift.make("pong", backend="jax").score(reward).tolist() == [1.0, -1.0, 0.0, 0.0]
