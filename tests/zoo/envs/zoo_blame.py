"""Environments that raise, die, hang, or answer nonsense, at one point of their life."""

from __future__ import annotations

import os
import sys
import time

import gymnasium as gym
import numpy as np
from gymnasium import spaces


class Fine(gym.Env):
    observation_space = spaces.Box(-np.inf, np.inf, (1,), np.float32)
    action_space = spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.n = 0
        return np.zeros(1, np.float32), {}

    def step(self, action):
        self.n += 1
        if self.n == 5:
            self.fault()
        return self.look(), self.reward(), self.n >= 9, False, {}

    def fault(self):
        pass

    def look(self):
        return np.array([self.n], np.float32)

    def reward(self):
        return 0.0


class Raises(Fine):
    def fault(self):
        raise ValueError("a bug in the step")


class RaisesOdd(Fine):
    """An exception whose text has braces, brackets and lines."""

    def fault(self):
        raise KeyError("a bug [red]in[/red] {the}\nstep %s")


class RaisesAtReset(Fine):
    def reset(self, **options):
        raise ValueError("a bug in the reset")


class RaisesAtSecondReset(Fine):
    resets = 0

    def reset(self, **options):
        self.resets += 1
        if self.resets == 3:
            raise ValueError("a bug in a later reset")
        return super().reset(**options)


class RaisesInInit(Fine):
    def __init__(self):
        raise ValueError("a bug in the constructor")


class Dies(Fine):
    def fault(self):
        os._exit(0)


class DiesLoud(Fine):
    def fault(self):
        os._exit(7)


class Aborts(Fine):
    def fault(self):
        os.abort()


class Leaves(Fine):
    def fault(self):
        sys.exit("enough")


class Hangs(Fine):
    def fault(self):
        time.sleep(3600)


class HangsInInit(Fine):
    def __init__(self):
        time.sleep(3600)


class Interrupts(Fine):
    def fault(self):
        raise KeyboardInterrupt


class Prints(Fine):
    """Writes to its standard output, which is nobody's business."""

    def step(self, action):
        print("step", action, flush=True)
        os.write(1, b"raw bytes\n")
        return super().step(action)


class Nan(Fine):
    def look(self):
        return super().look() * (np.nan if self.n == 5 else 1)


class Infinite(Fine):
    def look(self):
        return super().look() * (np.inf if self.n == 5 else 1)


class NanReward(Fine):
    def reward(self):
        return float("nan") if self.n == 5 else 0.0


class WrongDtype(Fine):
    def look(self):
        return super().look().astype(np.float64)


class WrongShape(Fine):
    def look(self):
        return np.zeros(2, np.float32)


class WrongType(Fine):
    def look(self):
        return None


class ShortAnswer(Fine):
    """Four values, as gym had them before 0.26."""

    def step(self, action):
        return super().step(action)[:4]


class OldReset(Fine):
    """A reset that returns the observation alone."""

    def reset(self, **options):
        return super().reset(**options)[0]


class NoSeed(Fine):
    """A reset that knows no keyword."""

    def reset(self):
        return Fine.reset(self)


for made in list(globals().values()):
    if isinstance(made, type) and issubclass(made, gym.Env) and made is not gym.Env:
        gym.register(f"{made.__name__}-v0", entry_point=made)
