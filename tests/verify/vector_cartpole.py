"""Gymnasium vector environments as candidates, right and wrong."""

from gymnasium.envs.classic_control.cartpole import CartPoleEnv
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import TimeLimit

from envlift.verify.suite import Field, Suite


def make(num_envs, mode=AutoresetMode.DISABLED, **changes):
    def one():
        env = CartPoleEnv()
        for name, value in changes.items():
            setattr(env, name, value)
        return TimeLimit(env, 500)

    return SyncVectorEnv([one] * num_envs, autoreset_mode=mode)


def heavy(num_envs):
    return make(num_envs, total_mass=1.2)


def next_step(num_envs):
    return make(num_envs, AutoresetMode.NEXT_STEP)


SUITE = Suite(
    name="vector CartPole",
    reference="gymnasium:CartPole-v1",
    candidate=f"vector:{__file__}:make",
    observation=Field("observation"),
    start="seed",
)
