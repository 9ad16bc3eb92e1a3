"""Right environments that were once failed, each compared with itself, and some with a twin."""

from __future__ import annotations

import random

import gymnasium as gym
import numpy as np
from gymnasium import spaces


class Walk(gym.Env):
    observation_space = spaces.Box(-np.inf, np.inf, (1,), np.float32)
    action_space = spaces.Discrete(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps, self.goal = 0, float(self.np_random.uniform(-1, 1))
        self.state = np.array([self.np_random.uniform(-1, 1)], np.float32)
        return self.state.copy(), {}

    def step(self, action):
        self.steps += 1
        self.state = (self.state + 0.125 * (int(action) - 1)).astype(np.float32)
        return self.state.copy(), self.reward(), bool(abs(self.state[0]) > 2), self.cut(), {}

    def reward(self):
        return 1.0

    def cut(self):
        return self.steps >= 200


class LateCut(Walk):
    """Ends a step later than it should: states seem to restore until then."""

    def cut(self):
        return self.steps >= 201


# -- `state` is not all there is ----------------------------------------------------------------


class Clock(Walk):
    """A step counter of its own truncates."""

    def cut(self):
        return self.steps >= 40


class WrongClock(Walk):
    def cut(self):
        return self.steps >= 41


class Goal(Walk):
    """A goal is drawn at the reset and never shown."""

    def reward(self):
        return -abs(float(self.state[0]) - self.goal)


class WrongGoal(Goal):
    def reward(self):
        return super().reward() * (1 if self.goal < 0.5 else 2)


class Slip(Walk):
    """Chance within a step."""

    odds = 0.7

    def step(self, action):
        return super().step(
            action if self.np_random.random() < self.odds else self.np_random.integers(3)
        )


class OftenSlip(Slip):
    odds = 0.5


class Memory(Walk):
    """The reward counts how often the last action was repeated."""

    last, run = -1, 0

    def reset(self, **options):
        self.last, self.run = -1, 0
        return super().reset(**options)

    def step(self, action):
        self.run = self.run + 1 if action == self.last else 0
        self.last = action
        return super().step(action)

    def reward(self):
        return float(self.run)


class Forgetful(Memory):
    """Counts to three."""

    def reward(self):
        return float(min(self.run, 3))


# -- a reference that does not agree with itself -------------------------------------------------


class Unseeded(Walk):
    """Draws from a generator that no seed reaches."""

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.state = np.random.default_rng().uniform(-1, 1, 1).astype(np.float32)
        return self.state.copy(), {}


class UnseededCut(Unseeded):
    """Ends a step later than it should, which no seed and no written state can show."""

    def cut(self):
        return self.steps >= 201


class UnseededStep(Walk):
    """Its start follows the seed, its steps do not."""

    def step(self, action):
        return super().step(action if random.random() < 0.7 else 1)


class HashSeeded(Walk):
    """The order of a set of texts, which differs between two processes."""

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        where = list({"north", "south", "east", "west", "up", "down"}).index("north")
        self.state = np.array([where / 4], np.float32)
        return self.state.copy(), {}


class GlobalNumpy(Walk):
    """Seeds NumPy's global generator at the reset and draws from it: lanes share it."""

    def reset(self, *, seed=None, options=None):
        np.random.seed(seed)  # noqa: NPY002
        return super().reset(seed=seed)

    def step(self, action):
        return super().step(action if np.random.random() < 0.7 else 1)  # noqa: NPY002


class LateUnseeded(Clock):
    """Episodes without a seed are not repeated, which shows late in them."""

    def reset(self, *, seed=None, options=None):
        self.odd = seed is None
        return super().reset(seed=seed)

    def reward(self):
        return random.random() if self.odd and self.steps > 20 else 1.0


class Running(Walk):
    """Shows its distance from a mean over all its episodes, as NormalizeObservation does."""

    count, mean, weight = 0, 0.0, 1.0

    def shown(self, answer):
        self.count += 1
        self.mean += self.weight * (float(answer[0][0]) - self.mean) / self.count
        return (np.array([answer[0][0] - self.mean], np.float32), *answer[1:])

    @property
    def state(self):
        raise AttributeError("not shown")

    @state.setter
    def state(self, new):
        self.x = new

    def reset(self, *, seed=None, options=None):
        gym.Env.reset(self, seed=seed)
        self.steps, self.x = 0, np.array([self.np_random.uniform(-1, 1)], np.float32)
        return self.shown((self.x, {}))

    def step(self, action):
        self.steps += 1
        self.x = self.x + np.float32(0.125) * (int(action) - 1)
        return self.shown((self.x, 1.0, bool(abs(self.x[0]) > 2), self.cut(), {}))


class RunningWrong(Running):
    weight = 0.9


class OwnLane(Goal):
    """The fourth object of a process, and those that follow, count otherwise; nothing is shared."""

    made = 0

    def __init__(self):
        OwnLane.made += 1
        self.number = OwnLane.made

    def reward(self):
        return super().reward() * (1 if self.number < 4 else 2)


# -- `state` is no state -----------------------------------------------------------------------


class Method(Walk):
    """PettingZoo's form."""

    def reset(self, *, seed=None, options=None):
        gym.Env.reset(self, seed=seed)
        self.steps, self.x = 0, self.np_random.uniform(-1, 1)
        return np.array([self.x], np.float32), {}

    def step(self, action):
        self.steps += 1
        self.x += 0.125 * (int(action) - 1)
        return np.array([self.x], np.float32), 1.0, abs(self.x) > 2, self.steps >= 50, {}

    def state(self):
        return self.x


class Text(Method):
    state = "running"


class Record(Method):
    state = {"x": 0.0}


class Nothing(Method):
    state = None


class Object(Method):
    state = object()


class Ragged(Method):
    state = [[1.0], [2.0, 3.0]]


class ReadOnly(Method):
    @property
    def state(self):
        return np.array([self.x])


class Raising(Method):
    """Has no state before its first step."""

    @property
    def state(self):
        raise RuntimeError("ask me later")


class Grows(Method):
    """Its shape changes from step to step."""

    @property
    def state(self):
        return np.zeros(self.steps, np.float32)

    @state.setter
    def state(self, new):
        pass


class Turns(Method):
    """An int at the reset, floats afterwards."""

    def reset(self, **options):
        first = super().reset(**options)
        self.state = 0
        return first

    def step(self, action):
        self.state += 0.5
        return super().step(action)


class NoEffect(Walk):
    """Writing ``state`` changes nothing: it is a copy."""

    def reset(self, **options):
        first = super().reset(**options)
        self.true = self.state
        return first

    def step(self, action):
        self.state = self.true
        answer = super().step(action)
        self.true = self.state
        return answer


# -- two names for one thing -------------------------------------------------------------------


class OtherNames(Walk):
    """The same rules; the state has another shape."""

    @property
    def state(self):
        return np.array([self.x, self.x * 0], np.float32)

    @state.setter
    def state(self, new):
        self.x = np.asarray(new, np.float32).reshape(-1)[0]

    def reset(self, *, seed=None, options=None):
        gym.Env.reset(self, seed=seed)
        self.steps, self.goal = 0, float(self.np_random.uniform(-1, 1))
        self.x = np.float32(self.np_random.uniform(-1, 1))
        return np.array([self.x], np.float32), {}

    def step(self, action):
        self.steps += 1
        self.x = np.float32(self.x + 0.125 * (int(action) - 1))
        return np.array([self.x], np.float32), 1.0, bool(abs(self.x) > 2), self.cut(), {}


class OtherNamesWrong(OtherNames):
    def cut(self):
        return self.steps >= 20


# -- float64 against float32 ---------------------------------------------------------------------


class Swing(gym.Env):
    """A pendulum in 64 bits; errors of rounding grow."""

    dtype = np.float64
    gravity = 10.0
    observation_space = spaces.Box(-np.inf, np.inf, (3,), np.float32)
    action_space = spaces.Box(-2, 2, (1,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.state = self.np_random.uniform([-3, -1], [3, 1]).astype(self.dtype)
        return self.look(), {}

    def look(self):
        angle, speed = self.state
        return np.array([np.cos(angle), np.sin(angle), speed], np.float32)

    def step(self, action):
        one = self.dtype
        angle, speed = self.state
        force = one(np.clip(action[0], -2, 2))
        speed = speed + (one(1.5 * self.gravity) * np.sin(angle) + one(3) * force) * one(0.05)
        speed = np.clip(speed, one(-8), one(8))
        self.state = np.array([angle + speed * one(0.05), speed], self.dtype)
        return self.look(), float(-(angle**2) - one(0.1) * speed**2), False, False, {}


class SwingNarrow(Swing):
    dtype = np.float32


class SwingWrong(SwingNarrow):
    gravity = 10.01


for made in list(globals().values()):
    if isinstance(made, type) and issubclass(made, gym.Env) and made is not gym.Env:
        limit = 200 if issubclass(made, Swing) else None
        gym.register(f"{made.__name__}-v0", entry_point=made, max_episode_steps=limit)
