"""Wrong first observations and wrong resets, for each way of starting an episode."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
from gymnasium import spaces


class Drawn(gym.Env):
    """Start and observation by seed; no attribute ``state``."""

    observation_space = spaces.Box(-np.inf, np.inf, (2,), np.float32)
    action_space = spaces.Discrete(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.x, self.v, self.n = float(self.np_random.uniform(-1, 1)), 0.0, 0
        return self.first(), {}

    def first(self):
        return self.look()

    def look(self):
        return np.array([self.x, self.v], np.float32)

    def step(self, action):
        self.v += 0.125 * (int(action) - 1)
        self.x += self.v
        self.n += 1
        return self.look(), self.x, abs(self.x) > 4, self.n >= 50, {}


class DrawnZeros(Drawn):
    """The first observation is empty, all the others are right."""

    def first(self):
        return np.zeros(2, np.float32)


class DrawnNear(Drawn):
    """The first observation is off by less than a rollout may drift, more than a step may."""

    def first(self):
        return self.look() + np.float32(5e-4)


class Readable(Drawn):
    """The same with the whole state in ``state``."""

    @property
    def state(self):
        return np.array([self.x, self.v, self.n], np.float64)

    @state.setter
    def state(self, new):
        self.x, self.v, self.n = float(new[0]), float(new[1]), int(new[2])


class ReadableZeros(Readable):
    def first(self):
        return np.zeros(2, np.float32)


class ReadableStale(Readable):
    """Shows the last observation of the episode before."""

    last = np.zeros(2, np.float32)

    def first(self):
        return self.last

    def step(self, action):
        answer = super().step(action)
        self.last = answer[0]
        return answer


class Narrow(Readable):
    """Starts in half of the range."""

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.x *= 0.5
        return self.look(), {}


class OneStart(Readable):
    """Ignores its seed."""

    def reset(self, *, seed=None, options=None):
        super().reset(seed=1)
        return self.look(), {}


class Tied(Readable):
    """Two drawn numbers that are independent."""

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.v = float(self.np_random.uniform(-1, 1))
        return self.look(), {}


class TiedTogether(Tied):
    """Each number is right alone; together they are one."""

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.v = self.x
        return self.look(), {}


class FirstReset(Drawn):
    """The first observation that a new environment ever gives is empty."""

    begun = False

    def first(self):
        shown = self.look() if self.begun else np.zeros(2, np.float32)
        self.begun = True
        return shown


class FirstEpisode(Drawn):
    """A new environment counts half until it is reset again."""

    episodes = 0

    def reset(self, **options):
        self.episodes += 1
        return super().reset(**options)

    def step(self, action):
        answer = super().step(action)
        half = self.episodes == 1 and self.n > 3
        return (answer[0], answer[1] * (0.5 if half else 1.0), *answer[2:])


class WideSeed(Drawn):
    """Takes 16 bits of its seed."""

    def reset(self, *, seed=None, options=None):
        return super().reset(seed=None if seed is None else seed % 2**16)


class SmallSeed(Drawn):
    """Wrong for the seeds that people give."""

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.x *= 0.5 if seed is not None and seed < 1000 else 1
        return self.look(), {}


class KeepsCount(Readable):
    """A counter of the episode before lives on: every now and then one is cut too early."""

    total = 0

    def step(self, action):
        answer = super().step(action)
        self.total += 1
        return (*answer[:3], answer[3] or self.total % 35 == 0, {})


for made in list(globals().values()):
    if isinstance(made, type) and issubclass(made, gym.Env) and made is not gym.Env:
        gym.register(f"{made.__name__}-v0", entry_point=made)
