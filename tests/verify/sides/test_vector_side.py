"""What a Gymnasium ``VectorEnv`` returns is looked at before it is converted."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from envlift.candidate.opening import open_here
from envlift.candidate.vector_side import VectorSide
from envlift.reference.bridge import returned
from envlift.reference.failure import PairError

LANES = 3


class Line(VectorEnv):
    """Lanes that count the actions that they were given."""

    metadata = {"autoreset_mode": AutoresetMode.DISABLED}

    def __init__(self, num_envs, space=None):
        self.num_envs = num_envs
        self.single_observation_space = space or gymnasium.spaces.Box(0, 100, (2,), np.float32)
        self.single_action_space = gymnasium.spaces.Discrete(3)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)

    def reset(self, *, seed=None, options=None):
        self.at = np.zeros((self.num_envs, 2), np.float32)
        return self.seen(self.at.copy()), {}

    def step(self, actions):
        self.at += np.asarray(actions)[:, None]
        never = np.zeros(self.num_envs, bool)
        return self.returns(
            self.seen(self.at.copy()), np.ones(self.num_envs), never, never, actions
        )

    def seen(self, observation):
        return observation

    def returns(self, observation, reward, terminated, truncated, actions):
        return observation, reward, terminated, truncated, {}


class Wide(Line):
    def seen(self, observation):
        return observation.astype(np.float64)


class Listed(Line):
    def seen(self, observation):
        return observation.tolist()


class Outside(Line):
    def seen(self, observation):
        return observation - 1


class Buffer(Line):
    def seen(self, observation):
        return self.at


class WritesAction(Line):
    def returns(self, observation, reward, terminated, truncated, actions):
        actions[:] = 0
        return observation, reward, terminated, truncated, {}


class WholeRewards(Line):
    def returns(self, observation, reward, terminated, truncated, actions):
        return observation, reward.astype(np.int64), terminated, truncated, {}


class ListedFlags(Line):
    def returns(self, observation, reward, terminated, truncated, actions):
        return observation, reward, list(terminated), truncated, {}


class Ends(Line):
    """Every step ends every lane."""

    def returns(self, observation, reward, terminated, truncated, actions):
        return observation, reward, ~terminated, truncated, {}


class ResetsWide(Ends):
    """Right where all lanes are reset, of another dtype where some are."""

    def reset(self, *, seed=None, options=None):
        observation, info = super().reset(seed=seed)
        return observation.astype(np.float64) if options else observation, info


class ResetsABuffer(Ends):
    """The reset writes into what the step before it returned."""

    kept = None

    def reset(self, *, seed=None, options=None):
        observation, info = super().reset(seed=seed)
        if self.kept is not None:
            self.kept[:] = observation
        return observation, info

    def returns(self, observation, *others):
        self.kept = observation
        return super().returns(observation, *others)


class LastIsWide(Ends):
    metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}

    def returns(self, observation, *others):
        last = np.empty(self.num_envs, object)
        last[:] = list(observation.astype(np.float64))
        return *super().returns(observation, *others)[:4], {"final_obs": last}


class Cell(Line):
    """One whole number, of a dtype of its own."""

    dtype = np.int32

    def __init__(self, num_envs):
        super().__init__(num_envs, gymnasium.spaces.Discrete(50, start=1))

    def seen(self, observation):
        return (1 + observation[:, 0]).astype(self.dtype)


class CellOutside(Cell):
    def seen(self, observation):
        return super().seen(observation) - 1


class CellLast(Cell):
    """The last number of an episode is as wide as Python's."""

    metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}
    more = 0

    def returns(self, observation, reward, terminated, truncated, actions):
        last = np.empty(self.num_envs, object)
        last[:] = list(observation.astype(np.int64) + self.more)
        return observation, reward, ~terminated, truncated, {"final_obs": last}


class CellLastBeyond(CellLast):
    """In 32 bits it would be the right one."""

    more = 2**32


def played(kind):
    side = VectorSide(kind(LANES), ())
    side.reset(np.arange(LANES))
    side.step(np.ones((3, LANES), np.int64), None, None)
    return side


@pytest.mark.parametrize(
    ("kind", "notes"),
    [
        (Line, set()),
        (Wide, {returned.DTYPE}),
        (Listed, {returned.TYPE}),
        (Outside, {returned.OUTSIDE}),
        (Buffer, {returned.CHANGED}),
        (WritesAction, {returned.ACTION}),
        (WholeRewards, {returned.REWARD_INT}),
        (ListedFlags, {returned.FLAG}),
        (Ends, set()),
        (ResetsWide, {returned.DTYPE}),
        (ResetsABuffer, {returned.CHANGED}),
        (LastIsWide, {returned.DTYPE}),
        (Cell, set()),
        (CellOutside, {returned.OUTSIDE}),
        (CellLast, set()),
        (CellLastBeyond, {returned.DTYPE}),
    ],
)
def test_what_is_odd_is_noted(kind, notes):
    assert set(played(kind).notes()) == notes


def without_lanes(num):
    return Line(num)


def no_vector(num_envs):
    return gymnasium.make("CartPole-v1")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("without_lanes", "takes no num_envs, the number of lanes; it takes num"),
        ("no_vector", "returned a TimeLimit, not a gymnasium.vector.VectorEnv"),
    ],
)
def test_what_makes_no_vector_environment_is_refused(name, said):
    with pytest.raises(PairError, match=said):
        open_here(f"vector:tests.verify.sides.test_vector_side:{name}", {}, LANES)
