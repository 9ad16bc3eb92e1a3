"""Environments that differ from themselves in one way or another, for ``asking.agreement``."""

from __future__ import annotations

import random

import gymnasium as gym
import numpy as np
from gymnasium import spaces


class Walk(gym.Env):
    """A point that is pushed left or right; its state holds all there is."""

    observation_space = spaces.Box(-np.inf, np.inf, (1,), np.float32)
    action_space = spaces.Discrete(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.state = np.array([self.draw(-1, 1)], np.float32)
        return self.look(), {}

    def draw(self, low, high):
        return self.np_random.uniform(low, high)

    def look(self):
        return self.state.copy()

    def step(self, action):
        self.state = (self.state + 0.1 * (int(action) - 1)).astype(np.float32)
        return self.look(), 1.0, bool(abs(self.state[0]) > 1.2), False, {}


class Clock(Walk):
    """Its own counter, which the state does not hold, ends an episode."""

    def reset(self, **options):
        self.steps = 0
        return super().reset(**options)

    def step(self, action):
        self.steps += 1
        observation, reward, over, _, info = super().step(action)
        return observation, reward, over, self.steps >= 50, info


class Chaos(Walk):
    """What it keeps between steps is far too small to be seen in one, and grows."""

    observation_space = spaces.Box(-np.inf, np.inf, (1,), np.float64)
    kept = 0.0

    def reset(self, **options):
        observation, info = super().reset(**options)
        self.kept, self.state = 0.0, self.state.astype(np.float64)
        return observation.astype(np.float64), info

    def step(self, action):
        before = float(self.state[0])
        self.state = (2.1 * self.state + 1e-9 * self.kept + 0.1 * int(action) + 1) % 2 - 1
        self.kept = before
        return self.look(), 1.0, bool(abs(self.state[0]) < 0.002), False, {}


class Global(Walk):
    """Draws from the generator of the module, which it seeds: lanes of one process share it."""

    def reset(self, *, seed=None, options=None):
        random.seed(seed)
        return super().reset(seed=seed)

    def draw(self, low, high):
        return random.uniform(low, high)

    def step(self, action):
        return super().step(1 + random.choice((-1, 1)))


class Unseeded(Walk):
    """Draws from a generator that no seed reaches, but its state can be written."""

    generator = np.random.default_rng()

    def draw(self, low, high):
        return self.generator.uniform(low, high)


class Lost(Unseeded):
    """Nothing of it can be repeated: no seed, no state."""

    def reset(self, **options):
        observation = super().reset(**options)
        self.place = self.state
        del self.state
        return observation

    def step(self, action):
        self.state = self.place
        shown = super().step(action)
        self.place = self.state
        del self.state
        return shown


class Hashed(Walk):
    """The order of a set decides where it begins."""

    def draw(self, low, high):
        return super().draw(low, high) + sum(
            place * ord(word[0]) for place, word in enumerate({"left", "right", "up", "down"})
        )


class OtherGenerator(Walk):
    """The same walk from another generator, as a port would have it; nothing of it is readable."""

    def reset(self, *, seed=None, options=None):
        self.random = random.Random(seed)
        super().reset(seed=seed)
        return self.hidden(self.look())

    def draw(self, low, high):
        return self.random.uniform(low, high)

    def hidden(self, observation):
        self.place = self.state
        del self.state
        return observation, {}

    def step(self, action):
        self.state = self.place
        observation, *rest = super().step(action)
        self.hidden(observation)
        return observation, *rest


class OtherSlower(OtherGenerator):
    """That port with a fault: it moves half as far."""

    def step(self, action):
        self.place = (self.place - 0.05 * (int(action) - 1)).astype(np.float32)
        return super().step(action)


class Stale(OtherGenerator):
    """That port with a fault: a reset still shows the start of the episode before."""

    old = np.zeros(1, np.float32)

    def hidden(self, observation):
        observation, info = super().hidden(observation)
        return observation, info

    def reset(self, **options):
        observation, info = super().reset(**options)
        shown, self.old = self.old, observation
        return shown, info


for kind in (
    Walk,
    Clock,
    Chaos,
    Global,
    Unseeded,
    Lost,
    Hashed,
    OtherGenerator,
    OtherSlower,
    Stale,
):
    gym.register(f"{kind.__name__}-v0", entry_point=kind)
