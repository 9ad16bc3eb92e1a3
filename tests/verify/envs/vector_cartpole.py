"""Gymnasium vector environments as candidates, right and wrong."""

import numpy as np
from gymnasium.envs.classic_control.cartpole import CartPoleEnv
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import TimeLimit

from envlift.verify.suite import Feature, Field, Suite


def make(num_envs, mode=AutoresetMode.DISABLED, **changes):
    def one():
        env = CartPoleEnv()
        for name, value in changes.items():
            setattr(env, name, value)
        return TimeLimit(env, 500)

    return SyncVectorEnv([one] * num_envs, autoreset_mode=mode)


def heavy(num_envs):
    return make(num_envs, total_mass=1.2)


class RightInAFew(SyncVectorEnv):
    """Rewards every lane from the 32nd on twice."""

    def step(self, actions):
        observation, reward, *rest = super().step(actions)
        return observation, reward * np.where(np.arange(self.num_envs) < 32, 1, 2), *rest


def right_in_a_few(num_envs):
    env = make(num_envs)
    env.__class__ = RightInAFew
    return env


class RightAtFirst(SyncVectorEnv):
    """Rewards nothing from its 501st step on."""

    steps = 0

    def step(self, actions):
        self.steps += 1
        observation, reward, *rest = super().step(actions)
        return observation, reward * (self.steps <= 500), *rest


def right_at_first(num_envs):
    env = make(num_envs)
    env.__class__ = RightAtFirst
    return env


def next_step(num_envs):
    return make(num_envs, AutoresetMode.NEXT_STEP)


def same_step(num_envs):
    return make(num_envs, AutoresetMode.SAME_STEP)


class OfItsOwn(SyncVectorEnv):
    """Resets its lanes by itself, as compiled batches do, and takes no seed for that."""

    @property
    def unwrapped(self):
        return self.single

    single = None


def same_step_alone(num_envs):
    env = make(num_envs, AutoresetMode.SAME_STEP)
    env.__class__ = OfItsOwn
    return env


SUITE = Suite(
    name="vector CartPole",
    reference="gymnasium:CartPole-v1",
    candidate=f"vector:{__file__}:make",
    observation=Field("observation"),
    start="seed",
    features=(
        Feature("falls", lambda t: t.terminated),
        Feature("leans left", lambda t: t.observation[..., 2] < -0.1),
    ),
)
