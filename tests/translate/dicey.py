"""A Gymnasium environment that nobody registered and that rolls dice in every step."""

import random

import gymnasium
import numpy as np
from gymnasium import spaces


class Dicey(gymnasium.Env):
    """Walk on ``places`` places; a step slips one time in three, and a coin pays."""

    def __init__(self, places=8):
        self.observation_space = spaces.Box(0, places, (2,), np.int64)
        self.action_space = spaces.Discrete(2)
        self.places = places
        self.x = 0
        self.elapsed = 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.x = int(self.np_random.integers(self.places))
        self.elapsed = 0
        return self._seen(), {}

    def step(self, action):
        slips = self.np_random.integers(3) == 0
        self.x = (self.x + (2 * int(action) - 1) * (1 - slips)) % self.places
        self.elapsed += 1
        reward = float(random.random() < 0.5) + float(np.random.rand() < 0.5)  # noqa: NPY002
        return self._seen(), reward, False, self.elapsed >= 20, {}

    def _seen(self):
        return np.array([self.x, self.elapsed])


class Odd(Dicey):
    """Draws what no tape gives."""

    def step(self, action):
        self.np_random.bytes(4)
        return super().step(action)
