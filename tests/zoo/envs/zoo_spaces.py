"""Observation spaces of every kind, for an environment against itself and against a wrong twin."""

from __future__ import annotations

import gymnasium as gym
import numpy as np
from gymnasium import spaces


class Seen(gym.Env):
    action_space = spaces.Discrete(2)
    wrong = False

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.n, self.x = 0, int(self.np_random.integers(8))
        return self.look(self.x), {}

    def step(self, action):
        self.n += 1
        self.x = (self.x + 1 + 2 * int(action)) % 8
        shown = (self.x + 1) % 8 if self.wrong and self.n == 6 else self.x
        return self.look(shown), float(self.x), self.n >= 12, False, {}


def kind(name, space, look):
    """Register ``<name>-v0`` and ``Wrong<name>-v0``, which shows another number at step 6."""
    attributes = {"observation_space": space, "look": lambda self, x: look(x)}
    right = type(name, (Seen,), attributes)
    wrong = type(f"Wrong{name}", (right,), {"wrong": True})
    for made in (right, wrong):
        gym.register(f"{made.__name__}-v0", entry_point=made)


def floats(x, dtype=np.float32):
    return np.array([x, 1], dtype)


BOX = spaces.Box(-9, 9, (2,), np.float32)
kind(
    "Nested",
    spaces.Dict(
        far=spaces.Dict(image=spaces.Box(0, 255, (2, 2), np.uint8), number=spaces.Discrete(8)),
        near=BOX,
    ),
    lambda x: {"far": {"image": np.full((2, 2), 9, np.uint8), "number": x}, "near": floats(1)},
)
kind("Pairs", spaces.Tuple((spaces.Discrete(8), BOX)), lambda x: (x, floats(2)))
kind(
    "Deep",
    spaces.Tuple((spaces.Tuple((spaces.MultiBinary(3), spaces.Discrete(9, start=1))), BOX)),
    lambda x: ((np.array([x & 1, x & 2, x & 4], bool).astype(np.int8), x + 1), floats(2)),
)
kind("Words", spaces.Text(12), lambda x: "walk " + "abcdefgh"[x])
kind(
    "Mission",
    spaces.Dict(image=BOX, mission=spaces.Text(20)),
    lambda x: {"image": floats(0), "mission": "go to " + "abcdefgh"[x]},
)
kind("Several", spaces.Sequence(spaces.Discrete(8)), lambda x: tuple(range(x)))
kind("Stack", spaces.Sequence(BOX, stack=True), lambda x: np.ones((x % 3, 2), np.float32) * x)
kind("Half", spaces.Box(-9, 9, (2,), np.float16), lambda x: floats(x, np.float16))
kind(
    "Graph",
    spaces.Graph(spaces.Box(0, 9, (1,)), spaces.Discrete(3)),
    lambda x: spaces.GraphInstance(
        nodes=np.array([[x], [1]], np.float32), edges=np.array([1]), edge_links=np.array([[0, 1]])
    ),
)
kind("OneOf", spaces.OneOf((spaces.Discrete(8), BOX)), lambda x: (0, x))
kind("Big", spaces.Box(-(2**62), 2**62, (1,), np.int64), lambda x: np.array([2**61 + x]))
kind(
    "BigInDict",
    spaces.Dict(big=spaces.Box(-(2**62), 2**62, (1,), np.int64), small=BOX),
    lambda x: {"big": np.array([2**61 + x]), "small": floats(0)},
)
kind("Flags", spaces.Box(0, 1, (3,), bool), lambda x: np.array([x & 1, x & 2, x & 4], bool))
