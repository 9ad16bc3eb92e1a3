"""A lane that nobody should trust: flagged, without reward, finite again, and alone with it."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envlift.reference.launch import open_reference

from .conftest import LANES, actions, make, runners, stepper
from .test_env import CONFIG, REFERENCE

BAD = 17
"""The lane; its neighbours share vectors and passes with it."""

VALUES = [np.nan, np.inf, -np.inf, 1e12, -1e12]
FIELDS = ["qpos", "qvel", "qpos_rest", "qvel_rest", "action"]


def spoiled(state, action, field, place, value):
    if field == "action":
        action = action.copy()
        action[BAD, place] = value
        return state, action
    return replace(state, **{field: getattr(state, field).at[BAD, place].set(value)}), action


def others(tree):
    return [np.delete(np.asarray(leaf), BAD, axis=0) for leaf in jax.tree.leaves(tree)]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", VALUES)
def test_one_bad_lane(field, value):
    state, action, step = runners(), actions(LANES), stepper()
    clean = step(state, action)
    assert not clean[-1]["unstable"].any()
    for place in range(6 if field == "action" else 9):
        _, after, reward, terminated, truncated, info = played = step(
            *spoiled(state, action, field, place, value)
        )
        np.testing.assert_array_equal(np.flatnonzero(info["unstable"]), [BAD])
        terms = reward, info["x_velocity"], info["reward_forward"], info["reward_ctrl"]
        assert [float(term[BAD]) for term in terms] == [0, 0, 0, 0]
        assert all(np.isfinite(np.asarray(leaf)).all() for leaf in jax.tree.leaves(played))
        assert not (terminated | truncated).any()
        assert after.elapsed_steps[BAD] == state.elapsed_steps[BAD] + 1
        for one, other in zip(others(played), others(clean), strict=True):
            np.testing.assert_array_equal(one, other)
        # It was not kept as it was: a step later nothing is left of it.
        later = step(after, action)
        assert not later[-1]["unstable"].any()
        assert np.abs(later[0][BAD]).max() < 50


def test_a_cheetah_that_is_lost_within_a_step_is_flagged():
    """Not the state is bad, but what follows from it: an acceleration beyond 1e10."""
    state = runners()
    state = replace(state, qvel=state.qvel.at[BAD, 2].set(1e6))
    _, after, reward, _, _, info = stepper()(state, actions(LANES))
    np.testing.assert_array_equal(np.flatnonzero(info["unstable"]), [BAD])
    assert reward[BAD] == 0
    assert np.abs(after.qpos[BAD]).max() < 1


def test_a_large_action_is_clamped_but_costs_what_it_is():
    state, action = runners(), actions(LANES)
    huge, limit = action.copy(), action.copy()
    huge[BAD, 2], limit[BAD, 2] = 1e4, 1.0
    _, after, reward, _, _, info = stepper()(state, huge)
    _, wanted, _, _, _, clamped = stepper()(state, limit)
    for one, other in zip(jax.tree.leaves(after), jax.tree.leaves(wanted), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not info["unstable"].any()
    np.testing.assert_array_equal(info["x_velocity"], clamped["x_velocity"])
    cost = -0.1 * (huge[BAD].astype(np.float64) ** 2).sum()
    assert info["reward_ctrl"][BAD] == pytest.approx(cost, rel=1e-6)
    assert reward[BAD] == pytest.approx(cost, rel=1e-6)


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    cwd = tmp_path_factory.mktemp("cwd")
    with open_reference(REFERENCE, num_lanes=1, config=CONFIG, cwd=cwd) as side:
        yield side


@pytest.mark.parametrize(
    ("field", "value", "warning"),
    [
        ("action", np.nan, "bad_ctrl"),
        ("action", np.inf, None),
        ("action", -1e12, None),
        ("qpos", np.nan, "bad_qpos"),
        ("qpos", 1e12, "bad_qpos"),
        ("qvel", -np.inf, "bad_qvel"),
    ],
)
def test_physics_go_on_as_mujocos(reference, field, value, warning, x64):
    """NaN in an action is no action at all; a lost state becomes the model's first one."""
    state, action = runners("float64"), actions(LANES)
    state, action = spoiled(state, action, field, 4, value)
    _, after, *_ = stepper(dtype="float64")(state, action)
    now = {"qpos": np.asarray(state.qpos[BAD:][:1]), "qvel": np.asarray(state.qvel[BAD:][:1])}
    ctrl, told = action[BAD:][:1].astype(np.float64), set()
    for _ in range(5):
        found = reference.call("mj_Euler", {**now, "ctrl": ctrl})
        told |= {name for name in found if name.startswith("bad_") and found[name][0]}
        if told & {"bad_qpos", "bad_qvel"}:
            ctrl = np.zeros_like(ctrl)  # forgotten with the state, until the end of the step
        now = {name: found[name] for name in ("qpos", "qvel")}
    assert told == ({warning} if warning else set())
    # What the suite holds in float64.
    np.testing.assert_allclose(after.qpos[BAD], now["qpos"][0], rtol=0, atol=1e-9)
    np.testing.assert_allclose(after.qvel[BAD], now["qvel"][0], rtol=0, atol=1e-7)
    assert np.abs(now["qvel"]).max() > 0.4


def test_a_lost_lane_is_counted_like_any_other_in_a_rollout():
    env, state = make(max_episode_steps=9), runners()
    key = jax.random.key(3)
    clean, seen = env.random_rollout(key, state, 20, keep_observations=True)
    bad = replace(state, qvel=state.qvel.at[BAD, 5].set(jnp.nan))
    after, told = env.random_rollout(key, bad, 20, keep_observations=True)
    for one, other in zip(others((after, told[:2])), others((clean, seen[:2])), strict=True):
        np.testing.assert_array_equal(one, other)
    kept, wanted = (np.delete(rollout.observations, BAD, axis=1) for rollout in (told, seen))
    np.testing.assert_array_equal(kept, wanted)
    assert np.isfinite(told.reward).all()
    assert told.reward[BAD] != seen.reward[BAD]
    np.testing.assert_array_equal(told.episodes, seen.episodes)
