"""Errors of the Gymnasium adapter say what was wrong, which value, and what to do."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode

from envlift.adapters.gymnasium import GymnasiumEnv, VectorEnv, parse_autoreset_mode
from tests.contract.duel import Duel
from tests.contract.toy import Toy


@pytest.fixture(scope="module")
def venv() -> VectorEnv:
    return VectorEnv(Toy(autoreset="disabled"), num_envs=3, autoreset_mode="disabled")


@pytest.fixture(scope="module")
def continuous() -> VectorEnv:
    venv = VectorEnv(Toy(autoreset="disabled", continuous=True), num_envs=3)
    venv.reset(seed=0)
    return venv


def test_an_environment_that_resets_itself() -> None:
    for adapter in (GymnasiumEnv, lambda env: VectorEnv(env, num_envs=2)):
        with pytest.raises(ValueError, match=r"made with autoreset='disabled'.*'same_step'"):
            adapter(Toy())


@pytest.mark.parametrize(
    ("num_envs", "error", "message"),
    [(0, ValueError, "num_envs=0"), (2.0, TypeError, "num_envs=2.0"), (True, TypeError, "True")],
)
def test_num_envs(num_envs, error, message) -> None:
    with pytest.raises(error, match=message):
        VectorEnv(Toy(autoreset="disabled"), num_envs=num_envs)


def test_autoreset_mode() -> None:
    with pytest.raises(ValueError, match=r"'later'.*disabled, next_step, same_step"):
        parse_autoreset_mode("later")
    for mode in AutoresetMode:
        assert parse_autoreset_mode(mode) is mode
        assert parse_autoreset_mode(mode.name.lower()) is mode
        assert parse_autoreset_mode(mode.value) is mode


def test_a_step_needs_an_episode() -> None:
    single, batch = (
        GymnasiumEnv(Toy(autoreset="disabled")),
        VectorEnv(Toy(autoreset="disabled"), num_envs=2),
    )
    with pytest.raises(ResetNeeded, match=r"reset\(\) first"):
        single.step(0)
    with pytest.raises(ResetNeeded, match=r"reset\(\) first"):
        batch.step(np.zeros(2, int))
    with pytest.raises(ResetNeeded, match="all lanes once"):
        batch.reset(options={"reset_mask": np.ones(2, bool)})
    for env in (single, batch):
        with pytest.raises(ResetNeeded, match="no state yet"):
            env.state  # noqa: B018
        with pytest.raises(ResetNeeded, match="no random stream yet"):
            env.state = None


def test_a_step_after_the_end() -> None:
    env = GymnasiumEnv(Toy(autoreset="disabled", horizon=1))
    env.reset(seed=0)
    *_, truncated, _ = env.step(1)
    assert truncated
    with pytest.raises(ResetNeeded):
        env.step(1)
    env.reset()
    env.step(1)


@pytest.mark.parametrize(
    ("actions", "error", "message"),
    [
        ([0, 1], ValueError, r"shape \(2,\); expected \(3,\)"),
        ([0, 1, 3], ValueError, r"action 3 of environment 2 is not in Discrete\(3\)"),
        ([0, -1, 2], ValueError, "action -1 of environment 1"),
        ([0.0, 1.0, 2.0], TypeError, "whole numbers, got dtype float64"),
        ([None, 0, 0], TypeError, "whole numbers, got dtype object"),
    ],
)
def test_discrete_actions(venv, actions, error, message) -> None:
    venv.reset(seed=0)
    with pytest.raises(error, match=message):
        venv.step(np.array(actions))


@pytest.mark.parametrize(
    ("actions", "error", "message"),
    [
        ([0.0, 0.0, 0.0], ValueError, r"shape \(3,\); expected \(3, 1\)"),
        ([[0.0], [np.nan], [0.0]], ValueError, "action .nan. of environment 1"),
        ([["a"], ["b"], ["c"]], TypeError, "are numbers"),
    ],
)
def test_continuous_actions(continuous, actions, error, message) -> None:
    with pytest.raises(error, match=message):
        continuous.step(np.array(actions))


@pytest.mark.parametrize(
    ("mask", "error", "message"),
    [
        ([True, False, True], TypeError, "NumPy array of bool"),
        (np.ones(3), TypeError, "NumPy array of bool"),
        (np.ones(2, bool), ValueError, r"shape \(2,\); expected \(3,\)"),
        (np.zeros(3, bool), ValueError, "no environment"),
    ],
)
def test_reset_mask(venv, mask, error, message) -> None:
    venv.reset(seed=0)
    with pytest.raises(error, match=message):
        venv.reset(options={"reset_mask": mask})


def test_seeds(venv) -> None:
    with pytest.raises(ValueError, match="2 seeds for num_envs=3"):
        venv.reset(seed=[1, 2])
    with pytest.raises(ValueError, match="seed -1 is out of range"):
        venv.reset(seed=-1)
    with pytest.raises(ValueError, match="seed -1 is out of range"):
        GymnasiumEnv(Toy(autoreset="disabled")).reset(seed=-1)
    with pytest.raises(ValueError, match="out of range"):
        venv.reset(seed=[0, 1, 2**64])


def test_large_seeds_are_not_cut_off(venv) -> None:
    one, _ = venv.reset(seed=5)
    other, _ = venv.reset(seed=5 + 2**32)
    assert not np.array_equal(one, other)


def test_without_any_seed_episodes_are_fresh() -> None:
    env = Toy(autoreset="disabled")
    first = [VectorEnv(env, num_envs=2, seed=None).reset()[0] for _ in range(3)]
    assert len({one.tobytes() for one in first}) == 3


class Buttons(Toy):
    def action_space(self, params=None):
        return gymnasium.spaces.MultiBinary(2)


def test_what_gymnasium_cannot_hold() -> None:
    with pytest.raises(TypeError, match=r"has 2 players and Gymnasium knows one: .*against"):
        GymnasiumEnv(Duel(autoreset="disabled"))
    buttons = GymnasiumEnv(Buttons(autoreset="disabled"))
    buttons.reset(seed=0)
    with pytest.raises(TypeError, match="Discrete and Box actions, not MultiBinary"):
        buttons.step(np.zeros(2, np.int8))
