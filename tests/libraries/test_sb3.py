"""The batch as Stable-Baselines3 sees it is what single environments show, one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium.error import ResetNeeded

from tests.libraries.toys import TOYS, Free, Toy, actions, leaves, singles, vector

pytestmark = pytest.mark.libraries

B, STEPS = 5, 60


@pytest.fixture
def sb3() -> Any:
    from envlift.adapters import sb3

    return sb3


def assert_equal(found: Any, expected: Any) -> None:
    for one, other in zip(leaves(found), leaves(expected), strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype


@pytest.mark.parametrize("name", TOYS)
def test_equals_dummy_vec_env(sb3: Any, name: str) -> None:
    from stable_baselines3.common.vec_env import DummyVecEnv

    make = TOYS[name]
    batch = sb3.SB3VecEnv(vector(make(), B, "same_step"))
    apart = DummyVecEnv([lambda env=env: env for env in singles(make, B)])
    assert batch.seed(7) == apart.seed(7)
    assert_equal(batch.reset(), apart.reset())
    ends = {"truncated": 0, "terminated": 0}
    for chosen in actions(make(), STEPS, B):
        *found, infos = batch.step(chosen)
        *expected, wanted = apart.step(chosen)
        assert_equal(found, expected)
        for done, info, other in zip(found[2], infos, wanted, strict=True):
            assert ("terminal_observation" in info) == done
            if done:
                assert_equal(info["terminal_observation"], other["terminal_observation"])
                assert info["TimeLimit.truncated"] is other["TimeLimit.truncated"]
                ends["truncated" if info["TimeLimit.truncated"] else "terminated"] += 1
    assert ends["terminated"] > B
    assert (ends["truncated"] > 0) == (name != "ends twice")


def test_a_reset_without_a_seed_goes_on(sb3: Any) -> None:
    batch = sb3.SB3VecEnv(vector(Toy(autoreset="disabled"), B, "same_step", seed=3))
    first, second = batch.reset(), batch.reset()
    assert not np.array_equal(first, second)
    batch.seed(3)
    assert_equal(batch.reset(), first)
    assert_equal(batch.reset(), second)


def test_learns_and_counts(sb3: Any) -> None:
    from stable_baselines3 import PPO
    from stable_baselines3.common.evaluation import evaluate_policy
    from stable_baselines3.common.vec_env import VecMonitor, VecNormalize

    batch = sb3.SB3VecEnv(vector(Free(autoreset="disabled"), B, "same_step"))
    monitored = VecMonitor(batch)
    model = PPO("MlpPolicy", VecNormalize(monitored), n_steps=32, batch_size=32, seed=0)
    model.learn(4 * 32 * B)
    counted = [(episode["r"], episode["l"]) for episode in model.ep_info_buffer]
    assert len(counted) > B
    assert {length for _, length in counted} <= set(range(1, 8))
    # Standing still would be rewarded by 1 a step; a push to the edge is what it must not learn.
    mean, _ = evaluate_policy(model, VecNormalize(monitored), n_eval_episodes=10)
    assert -2.0 < mean <= 7.0 * 1.25


def test_masks_reach_maskable_ppo(sb3: Any) -> None:
    from sb3_contrib import MaskablePPO

    batch = sb3.SB3VecEnv(vector(Toy(autoreset="disabled"), B, "same_step"))
    batch.reset()
    assert batch.has_attr("action_masks")
    played: list[bool] = []
    step = batch.venv.step

    def watched(chosen: Any) -> Any:
        masks = np.stack(batch.env_method("action_masks"))
        played.extend(masks[np.arange(B), chosen].tolist())
        return step(chosen)

    batch.venv.step = watched
    MaskablePPO("MlpPolicy", batch, n_steps=64, batch_size=32, seed=0).learn(64 * B)
    assert len(played) >= 64 * B
    assert all(played)
    masks = np.stack(batch.env_method("action_masks", indices=[0, 2]))
    assert masks.shape == (2, 3)
    assert masks.dtype == np.int8


def test_infos_are_nobody_elses(sb3: Any) -> None:
    batch = sb3.SB3VecEnv(vector(Toy(autoreset="disabled"), B, "same_step"))
    batch.reset()
    *_, infos = batch.step(np.ones(B, int))
    infos[0]["mine"] = 1
    *_, later = batch.step(np.ones(B, int))
    assert not any("mine" in info for info in infos[1:] + later)


def test_draws(sb3: Any) -> None:
    batch = sb3.make("pong", num_envs=2, backend="jax", render_mode="rgb_array")
    batch.reset()
    one, other = batch.get_images()
    assert one.dtype == np.uint8
    np.testing.assert_array_equal(batch.render(), np.concatenate([one, other]))
    assert one.any()


class TestErrors:
    """They say what was wrong, which value, and what to do."""

    @pytest.mark.parametrize("mode", ["next_step", "disabled"])
    def test_another_autoreset(self, sb3: Any, mode: str) -> None:
        with pytest.raises(ValueError, match=r"autoreset_mode='same_step'"):
            sb3.SB3VecEnv(vector(Toy(autoreset="disabled"), B, mode))

    def test_members_are_no_objects(self, sb3: Any) -> None:
        batch = sb3.SB3VecEnv(vector(Toy(autoreset="disabled", continuous=True), B, "same_step"))
        batch.reset()
        assert batch.get_attr("render_mode", indices=1) == [None]
        assert not batch.has_attr("action_masks")
        with pytest.raises(AttributeError, match=r"no attribute 'level'.*\.venv"):
            batch.env_method("level")
        with pytest.raises(AttributeError, match=r"'level' cannot be set to 3"):
            batch.set_attr("level", 3)
        assert batch.env_is_wrapped(object) == [False] * B

    def test_options(self, sb3: Any) -> None:
        batch = sb3.SB3VecEnv(vector(Toy(autoreset="disabled"), B, "same_step"))
        batch.set_options({"wind": 1.0})
        with pytest.raises(ValueError, match=r"'wind': 1\.0.*constructor"):
            batch.reset()

    def test_steps(self, sb3: Any) -> None:
        batch = sb3.make("pong", num_envs=2, backend="jax")
        with pytest.raises(ResetNeeded, match=r"reset\(\) first"):
            batch.step(np.zeros(2, int))
        batch.reset()
        with pytest.raises(ValueError, match="action 9 of environment 1"):
            batch.step(np.array([0, 9]))
