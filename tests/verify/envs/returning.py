"""Environments that differ from one another only in how they return things."""

import random

import gymnasium
import numpy as np
from gymnasium import spaces

GOAL = 9


class Right(gymnasium.Env):
    """A walk of nine steps; the observation is a position between 0 and 1."""

    observation_space = spaces.Box(0, 1, (2,), np.float32)
    action_space = spaces.Discrete(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps, self.x = 0, float(self.np_random.random())
        return self.seen(), self.told()

    def step(self, action):
        self.steps += 1
        self.x = (self.x + 0.1 * float(np.sum(action))) % 1.0
        return self.seen(), self.reward(), self.steps >= GOAL, False, self.told()

    def seen(self):
        return np.array([self.x, self.steps / GOAL], np.float32)

    def reward(self):
        return 1.0

    def told(self):
        return {"x": self.x, "name": f"step {self.steps}"}


class Outside(Right):
    def seen(self):
        return super().seen() + np.float32([0, 1.5])


class Wide(Right):
    def seen(self):
        return super().seen().astype(np.float64)


class Listed(Right):
    def seen(self):
        return super().seen().tolist()


class Shared(Right):
    """Every observation is the same array."""

    buffer = np.zeros(2, np.float32)

    def reset(self, *, seed=None, options=None):
        self.buffer = np.zeros(2, np.float32)
        return super().reset(seed=seed)

    def seen(self):
        self.buffer[:] = super().seen()
        return self.buffer


class RewardArray(Right):
    def reward(self):
        return np.array([1.0])


class RewardInt(Right):
    def reward(self):
        return 1


class OtherInfo(Right):
    def told(self):
        return {**super().told(), "x": self.x + 0.5}


class OtherText(Right):
    def told(self):
        return {**super().told(), "name": "a step"}


class LessInfo(Right):
    def told(self):
        return {"x": self.x}


class Unseeded(Right):
    """A reset without a seed starts somewhere else."""

    def reset(self, *, seed=None, options=None):
        shown = super().reset(seed=seed)
        if seed is None:
            self.x = 0.5
            return self.seen(), self.told()
        return shown


class SeedZero(Right):
    """``if seed`` instead of ``if seed is not None``."""

    def reset(self, *, seed=None, options=None):
        return super().reset(seed=seed or 77)


class Global(Right):
    """Draws from the global generators, and uses nothing of it."""

    def step(self, action):
        random.random()
        np.random.rand()  # noqa: NPY002
        return super().step(action)


class Vector(Right):
    """The action is an array."""

    action_space = spaces.Box(-1, 1, (2,), np.float32)

    def clipped(self, action):
        return np.clip(action, -1, 1)

    def step(self, action):
        return super().step(self.clipped(action))


class Grabbing(Vector):
    def step(self, action):
        action *= 0.5
        return super().step(action * 2)


class NotClipped(Vector):
    def clipped(self, action):
        return action


class Masked(Right):
    """Actions outside of the mask raise."""

    def told(self):
        return {"action_mask": np.array([1, self.steps % 2, 1], np.int8)}

    def step(self, action):
        if action == 1 and not self.steps % 2:
            raise ValueError("an illegal action")
        return super().step(action)


class OtherMask(Right):
    """Another mask, and all actions can be played."""

    def told(self):
        return {"action_mask": np.array([1, 1, 1], np.int8)}


class Graphs(Right):
    action_space = spaces.Graph(spaces.Box(0, 1, (2,)), None)


CLASSES = (
    Graphs,
    *(Right, Outside, Wide, Listed, Shared, RewardArray, RewardInt, OtherInfo, OtherText),
    *(LessInfo, Unseeded, SeedZero, Global, Vector, Grabbing, NotClipped, Masked, OtherMask),
)
for one in CLASSES:
    gymnasium.register(f"returning/{one.__name__}-v0", entry_point=one)
