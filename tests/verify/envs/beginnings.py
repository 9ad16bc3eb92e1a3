"""Environments whose first observation of an episode is wrong, and one where it is right."""

from __future__ import annotations

import random

import gymnasium as gym
import numpy as np
from gymnasium import spaces

SIZE = 84


class Square(gym.Env):
    """A bright square on a dark picture, which an action moves; its place is the state."""

    observation_space = spaces.Box(0, 255, (SIZE, SIZE), np.uint8)
    action_space = spaces.Discrete(2)
    hides = False
    """Whether the place cannot be read."""
    foreign = False
    """Whether places are drawn from another generator than the reference's."""

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        other = random.Random(seed)
        limits = (SIZE - 8, SIZE // 2 - 8)
        self.place = np.array(
            [other.randrange(n) if self.foreign else self.np_random.integers(n) for n in limits]
        )
        self.steps = 0
        return self.first(), {}

    @property
    def state(self):
        if self.hides:
            raise AttributeError("state")
        return self.place

    @state.setter
    def state(self, place):
        self.place = place

    def look(self):
        seen = np.zeros((SIZE, SIZE), np.uint8)
        row, column = self.place
        seen[row : row + 8, column : column + 8] = 200
        return seen

    def first(self):
        return self.look()

    def step(self, action):
        self.steps += 1
        self.place = (self.place + np.array([1, 0]) * (2 * int(action) - 1)).clip(0, SIZE - 8)
        return self.look(), 0.0, bool(self.place[0] % 8 == 0), False, {}


class Zeros(Square):
    def first(self):
        return np.zeros((SIZE, SIZE), np.uint8)


class Turned(Square):
    def first(self):
        return self.look().T.copy()


class Before(Square):
    """A reset shows the last picture of the episode before."""

    kept = np.zeros((SIZE, SIZE), np.uint8)

    def look(self):
        self.kept = super().look()
        return self.kept

    def first(self):
        return self.kept


class Late(Square):
    """A reset shows where the episode before began."""

    kept = np.zeros((SIZE, SIZE), np.uint8)

    def first(self):
        shown, self.kept = self.kept, self.look()
        return shown


def _named(kind, hides, foreign):
    name = kind.__name__ + ("Hidden" if hides else "") + ("Foreign" if foreign else "")
    made = type(name, (kind,), {"hides": hides, "foreign": foreign})
    gym.register(f"{name}-v0", entry_point=made)


for each in (Square, Zeros, Turned, Before, Late):
    for hidden in (False, True):
        for other in (False, True):
            _named(each, hidden, other)
