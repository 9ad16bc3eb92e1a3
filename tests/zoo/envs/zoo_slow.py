"""Right environments that take their time, or show much."""

from __future__ import annotations

import time

import gymnasium as gym
import numpy as np
from gymnasium import spaces


class Plain(gym.Env):
    observation_space = spaces.Box(-np.inf, np.inf, (1,), np.float32)
    action_space = spaces.Discrete(2)
    wrong = False

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.n = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.n += 1
        shown = self.n + (self.wrong and self.n == 7)
        return np.array([shown], np.float32), 0.0, self.n >= 9, False, {}


class Slow(Plain):
    def step(self, action):
        time.sleep(0.01)
        return super().step(action)


class SlowWrong(Slow):
    wrong = True


class Slower(Plain):
    def step(self, action):
        time.sleep(0.2)
        return super().step(action)


class SlowMake(Plain):
    def __init__(self):
        time.sleep(1.5)


class Image(Plain):
    observation_space = spaces.Box(0, 255, (96, 96, 3), np.uint8)
    colour = 200

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.x = int(self.np_random.integers(90))
        return self.look(), {}

    def look(self):
        image = np.zeros((96, 96, 3), np.uint8)
        image[self.n % 96, self.x : self.x + 4] = self.colour
        return image

    def step(self, action):
        self.n += 1
        self.x = (self.x + int(action)) % 90
        return self.look(), float(self.x), self.n >= 9, False, {}


class ImageWrong(Image):
    """One pixel of one channel."""

    def look(self):
        image = super().look()
        image[50, 50, 1] = self.n == 8
        return image


for made in list(globals().values()):
    if isinstance(made, type) and issubclass(made, gym.Env) and made is not gym.Env:
        gym.register(f"{made.__name__}-v0", entry_point=made)
