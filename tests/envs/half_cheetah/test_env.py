"""The cheetah behind its contract: options, observations, rewards, ends, resets, rollouts."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envlift
from envlift.envs.half_cheetah.env import Params
from envlift.reference.launch import open_reference
from envlift.targets import chance

from .conftest import LANES, actions, keys, make, runners, stepper

REFERENCE = "python:envlift.envs.half_cheetah.reference.half_cheetah:HalfCheetahReference"
CONFIG = {
    "requirements": "envlift.envs.half_cheetah.reference:requirements.txt",
    "solver_tolerance": 1e-14,
}


def assert_same(one, other):
    one, other = jax.tree.leaves(one), jax.tree.leaves(other)
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b), strict=True)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"backend": "jax"}, "backend='jax' is not known; HalfCheetah has 'warp' alone"),
        ({"dtype": "float16"}, "dtype='float16' is not known; give 'float32' or 'float64'"),
        ({"dtype": "float64"}, "dtype='float64' needs JAX's 64-bit mode: set JAX_ENABLE_X64=1"),
        ({"frame_skip": 0}, "frame_skip=0 is out of range; give a whole number from 1"),
        ({"frame_skip": 2.0}, "frame_skip=2.0 is out of range"),
        ({"frame_skip": True}, "frame_skip=True is out of range"),
        ({"max_episode_steps": -1}, "max_episode_steps=-1 is out of range"),
        ({"forward_reward_weight": np.nan}, "forward_reward_weight=nan is not a finite number"),
        ({"ctrl_cost_weight": np.inf}, "ctrl_cost_weight=inf is not a finite number"),
        ({"reset_noise_scale": -np.inf}, "reset_noise_scale=-inf is not a finite number"),
        ({"exclude_current_positions_from_observation": 1}, "=1 is not known; give True or False"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_options_that_are_refused(options, says):
    with pytest.raises(ValueError, match=says.replace("(", r"\(")):
        envlift.make("half_cheetah", **options)


def test_an_action_of_another_shape_is_refused():
    env = make()
    state = env.reset(jax.random.key(0))[1]
    with pytest.raises(ValueError, match=r"an action of shape \(6,\) is needed, got \(5,\)"):
        env.step(jax.random.key(0), state, jnp.zeros(5))


def test_options_are_told_and_become_the_params():
    env = envlift.make("half_cheetah", reset_noise_scale=0.5, frame_skip=2, ctrl_cost_weight=0.25)
    assert env.default_params == Params(1.0, 0.25, 0.5)
    assert env.info.options["frame_skip"] == env.frame_skip == 2
    assert env.info.options["max_episode_steps"] == 1000


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("exclude", [True, False])
def test_observations(dtype, exclude, x64):
    env = make(dtype=dtype, exclude_current_positions_from_observation=exclude)
    state = runners(dtype)
    observation = jax.vmap(env.observe)(state)
    first = 1 if exclude else 0
    np.testing.assert_array_equal(observation[:, : 9 - first], state.qpos[:, first:])
    np.testing.assert_array_equal(observation[:, 9 - first :], state.qvel)
    assert (observation.shape, observation.dtype) == ((LANES, 18 - first), dtype)
    space = env.observation_space()
    assert (space.shape, space.dtype) == ((18 - first,), dtype)
    # The remainders are what the numbers themselves cannot hold.
    rest, numbers = np.asarray(state.qpos_rest), np.asarray(state.qpos)
    assert (np.abs(rest) <= np.spacing(np.abs(numbers)) / 2).all()
    assert rest.any() == (dtype == "float32")


def test_terms_of_the_reward_are_gymnasiums(x64, tmp_path):
    before, action = runners("float64"), 1.5 * actions(LANES, seed=2)  # also beyond the limits
    _, after, reward, _, _, info = stepper(dtype="float64")(before, action)
    arguments = {"qpos": before.qpos, "qvel": before.qvel, "action": action}
    arguments = {name: np.asarray(value) for name, value in arguments.items()}
    with open_reference(REFERENCE, num_lanes=1, config=CONFIG, cwd=tmp_path) as side:
        told = side.call("info", arguments)
    for name in ("x_position", "x_velocity", "reward_forward"):
        # Places agree to 1e-9 (spec), and are divided by 0.05 s.
        np.testing.assert_allclose(info[name], told[name], rtol=0, atol=2e-8, err_msg=name)
    # The cost is summed in float32, in another order.
    np.testing.assert_allclose(info["reward_ctrl"], told["reward_ctrl"], rtol=3e-7)
    np.testing.assert_allclose(reward, told["reward"], rtol=0, atol=5e-7)
    assert info["reward_ctrl"].min() < -0.1 * 6  # no clamped action costs as much
    np.testing.assert_array_equal(info["x_position"], after.qpos[:, 0])
    np.testing.assert_array_equal(info["reward_forward"] + info["reward_ctrl"], reward)


def test_params_weigh_each_lane_for_itself():
    state, action = runners(), actions(LANES, seed=3)
    r = np.random.default_rng(0)
    forward, cost = r.uniform(-2, 2, (2, LANES)).astype(np.float32)
    params = Params(jnp.asarray(forward), jnp.asarray(cost), jnp.full(LANES, 0.1))
    env, step = make(), stepper()
    _, after, reward, *_, info = jax.jit(jax.vmap(env.step))(keys(), state, action, params)
    _, plain, *_, unit = step(state, action, Params(1.0, 1.0, 0.1))
    assert_same(after, plain)
    np.testing.assert_array_equal(info["reward_forward"], unit["x_velocity"] * forward)
    np.testing.assert_array_equal(info["reward_ctrl"], unit["reward_ctrl"] * cost)
    np.testing.assert_array_equal(info["reward_forward"] + info["reward_ctrl"], reward)
    # The same for all lanes, as an argument.
    shared = step(state, action, Params(2.0, 0.5, 0.1))[2]
    wanted = 2 * unit["x_velocity"] + np.float32(0.5) * unit["reward_ctrl"]
    np.testing.assert_array_equal(shared, wanted)


def test_the_noise_of_a_reset_is_scaled():
    env = make()
    draws = jax.vmap(env.sample_initial)(keys(2000))
    one = jax.vmap(lambda d: env.initial(d, Params(reset_noise_scale=1.0)))(draws)
    np.testing.assert_array_equal(one.qpos, draws.uniform)
    np.testing.assert_array_equal(one.qvel, draws.normal)
    tenth, none = (
        jax.vmap(lambda d, s=scale: env.initial(d, Params(reset_noise_scale=s)))(draws)
        for scale in (0.1, 0.0)
    )
    np.testing.assert_array_equal(tenth.qpos, np.float32(0.1) * one.qpos)
    np.testing.assert_array_equal(tenth.qvel, np.float32(0.1) * one.qvel)
    # Nothing but the model's first state is left.
    assert not any(np.any(leaf) for leaf in jax.tree.leaves(none))
    # U(-1, 1) and N(0, 1), to four standard errors of 2000 draws.
    uniform, normal = np.asarray(draws.uniform), np.asarray(draws.normal)
    assert -1 <= uniform.min() < -0.99
    assert 0.99 < uniform.max() < 1
    se = 4 / np.sqrt(2000)
    assert np.abs(uniform.mean(0)).max() < se * np.sqrt(1 / 3)
    assert np.abs(normal.mean(0)).max() < se
    assert np.abs(normal.std(0) - 1).max() < se / np.sqrt(2)
    # Nothing hangs on anything else, also not by its size.
    every = [uniform, normal, uniform**2, normal**2]
    both = np.corrcoef(np.concatenate(every, axis=1).T)
    assert np.abs(both - np.eye(36)).max() < 5 / np.sqrt(2000)


@pytest.mark.parametrize("autoreset", ["same_step", "disabled"])
def test_a_time_limit_truncates_and_the_next_episode_begins(autoreset):
    env, limit = make(max_episode_steps=7, autoreset=autoreset), 7
    step = stepper(max_episode_steps=7, autoreset=autoreset)
    count = np.arange(LANES) % (limit + 2)  # also beyond the limit, where nobody should be
    before = replace(runners(), elapsed_steps=jnp.asarray(count, jnp.int32))
    observation, after, _, terminated, truncated, info = step(before, actions(LANES))
    np.testing.assert_array_equal(truncated, count + 1 >= limit)
    assert 0 < truncated.sum() < LANES
    assert not terminated.any()
    plain = stepper()(before, actions(LANES))  # 1000 steps: nothing ends
    np.testing.assert_array_equal(info["final_observation"], plain[0])
    over = np.asarray(truncated)
    fresh, first = jax.vmap(env.reset)(jax.vmap(env.split_key)(keys())[1])
    if autoreset == "disabled":
        assert_same((observation, after), plain[:2])
        return
    for lanes, wanted in ((over, (fresh, first)), (~over, plain[:2])):
        assert_same(
            jax.tree.map(lambda leaf, at=lanes: leaf[at], (observation, after)),
            jax.tree.map(lambda leaf, at=lanes: leaf[at], wanted),
        )
    assert (np.abs(after.qpos[over]) <= 0.1).all()


def replay(env, key, state, steps):
    """Play what ``random_rollout`` plays through ``step``; chance counts, as its docstring says."""
    step = jax.jit(jax.vmap(env.step))
    lanes = chance.lane_keys(key, LANES)
    labels = [chance.ACTION + 32 * joint for joint in range(6)]
    rows = []
    for number in range(steps):
        now = chance.at_step(lanes, number)
        words = jnp.stack([chance.bits(chance.stream(now, label)) for label in labels], axis=-1)
        action = 2 * chance.unit(words) - 1
        observation, state, reward, _, truncated, _ = step(now, state, action)
        rows.append([np.asarray(a) for a in (observation, reward, truncated, action)])
    return state, *(np.stack(column) for column in zip(*rows, strict=True))


def test_a_random_rollout_is_its_steps():
    env, steps, key = make(max_episode_steps=9), 20, jax.random.key(5)
    count = jnp.asarray(np.arange(LANES) % 9, jnp.int32)
    start = replace(runners(), elapsed_steps=count)
    state, observations, reward, truncated, action = replay(env, key, start, steps)
    # Whether observations are kept or not is another kernel: the larger one is tested.
    rolled, seen = env.random_rollout(key, start, steps, keep_observations=True)
    assert_same(rolled, state)
    np.testing.assert_array_equal(seen.observations, observations)
    total = np.zeros(LANES, np.float32)
    for row in reward:  # in the kernel's order
        total = total + row
    np.testing.assert_array_equal(seen.reward, total)
    np.testing.assert_array_equal(seen.episodes, truncated.sum(axis=0))
    assert seen.episodes.min() >= 2
    # The actions are uniform: to four standard errors of their mean and their variance.
    se = 4 / np.sqrt(action.size)
    assert abs(action.mean()) < se * np.sqrt(1 / 3)
    assert abs(action.var() - 1 / 3) < se * np.sqrt(4 / 45)
    plain = jax.eval_shape(lambda: env.random_rollout(key, start, steps))
    assert plain[1].observations is None
    assert plain[1].reward.shape == (LANES,)


def test_a_rollout_of_no_steps_is_refused():
    with pytest.raises(ValueError, match="num_steps=0 is out of range"):
        make().random_rollout(jax.random.key(0), runners(), 0)


def test_there_is_no_gradient():
    env, state = make(), runners(lanes=1)
    one = jax.tree.map(lambda leaf: leaf[0], state)

    def loss(action):
        return env.transition(one, action).reward

    with pytest.raises(NotImplementedError, match=r"half_cheetah\.step.*has no gradient"):
        jax.grad(loss)(jnp.zeros(6))


def test_float32_and_float64_play_the_same_step(x64):
    """From the same numbers, with the digits of the remainders."""
    single = runners("float32")
    wide = {
        name: np.asarray(getattr(single, name), np.float64)
        + np.asarray(getattr(single, f"{name}_rest"), np.float64)
        for name in ("qpos", "qvel")
    }
    double = replace(
        runners("float64"),
        **{n: jnp.asarray(v) for n, v in wide.items()},
        elapsed_steps=single.elapsed_steps,
    )
    action = actions(LANES, seed=4)
    _, fine, *_ = stepper(dtype="float64")(double, action)
    _, rough, *_ = stepper(dtype="float32")(single, action)
    for name, close in (("qpos", 1e-9), ("qvel", 1e-7)):
        parts = (np.asarray(getattr(rough, f"{name}{rest}"), np.float64) for rest in ("", "_rest"))
        np.testing.assert_allclose(sum(parts), getattr(fine, name), rtol=0, atol=close)
    assert np.abs(rough.qvel - fine.qvel).max() > 0
