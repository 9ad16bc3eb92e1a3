"""A Gymnasium environment with functions that do what components should not."""

import gymnasium
import numpy as np
from gymnasium import spaces


class Odd(gymnasium.Env):
    observation_space = spaces.Box(0.0, 1.0, (), np.float64)
    action_space = spaces.Discrete(2)

    def __init__(self):
        self.count = 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.count = 0
        return np.asarray(self.np_random.random()), {}

    def step(self, action):
        self.count += 1
        return np.asarray(self.np_random.random()), 0.0, False, False, {}

    def halves(self, x):
        return {"half": x / 2, "whole": x}

    def countdown(self, x):
        return (x - n for n in range(3))

    def disturb(self, by):
        self.count += by
        self.np_random.random()
        return self.count

    def break_down(self, by):
        self.count += by
        raise RuntimeError("broken on purpose")


gymnasium.register("envlift-test/Odd-v0", Odd)
