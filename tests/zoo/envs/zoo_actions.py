"""Every kind of action space, and for each a port that is wrong for a few actions only.

The whole state is in ``state``: no suite is needed. A ``Bad*`` differs from its ``Good*`` in the
reward of the actions that its ``wrong`` names, and nowhere else.
"""

from __future__ import annotations

import gymnasium as gym
import numpy as np
from gymnasium import spaces


class Played(gym.Env):
    """A position that drifts; the action counts only for the reward."""

    observation_space = spaces.Box(-np.inf, np.inf, (2,), np.float32)
    action_space = spaces.MultiBinary(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.state = np.array([self.np_random.uniform(-1, 1), 0], np.float32)
        return self.state.copy(), {}

    def step(self, action):
        reward = float(self.state[0]) + self.worth(action)
        self.state = self.state + np.array([0.125, 1], np.float32)
        return self.state.copy(), reward, bool(self.state[1] >= 20), False, {}

    def worth(self, action):
        return 0.0


PAIRS = {}


def pair(name, space, wrong):
    """Register ``Good<name>-v0``, right everywhere, and ``Bad<name>-v0``, wrong where it says."""

    def worth(self, action):
        return 5.0 if wrong(action) else 0.0

    good = type(f"Good{name}", (Played,), {"action_space": space})
    bad = type(f"Bad{name}", (good,), {"worth": worth})
    for made in (good, bad):
        gym.register(f"{made.__name__}-v0", entry_point=made)
    PAIRS[name] = space


pair("Buttons", spaces.MultiBinary(3), lambda a: np.any(a))
pair("AllButtons", spaces.MultiBinary(4), lambda a: np.all(a))
pair("ButtonGrid", spaces.MultiBinary([2, 2]), lambda a: a[1][0] == 1)
pair("LastChoice", spaces.MultiDiscrete([3, 3]), lambda a: 2 in a)
pair("ChoiceStart", spaces.MultiDiscrete([3, 2], start=[4, -1]), lambda a: a[0] == 6)
pair("ChoiceGrid", spaces.MultiDiscrete([[2, 3], [3, 2]]), lambda a: a[0][1] == 2)
pair("Start", spaces.Discrete(4, start=5), lambda a: a == 8)
pair("NegativeStart", spaces.Discrete(3, start=-1), lambda a: a == -1)
pair("ManyChoices", spaces.Discrete(40), lambda a: a == 39)
pair("IntBox", spaces.Box(-1, 1, (2,), np.int64), lambda a: np.any(a != 0))
pair("IntBoxEnd", spaces.Box(0, 9, (1,), np.int32), lambda a: a[0] == 9)
pair("Bytes", spaces.Box(0, 255, (2,), np.uint8), lambda a: a[0] == 255)
pair("HighEnd", spaces.Box(-2, 2, (2,), np.float32), lambda a: a[0] == np.float32(2))
pair("LowEnd", spaces.Box(-2, 2, (1,), np.float64), lambda a: a[0] == -2)
pair("OneSided", spaces.Box(0, np.inf, (1,), np.float32), lambda a: a[0] > 0.5)
pair("Unbounded", spaces.Box(-np.inf, np.inf, (2,), np.float32), lambda a: a[1] < -1)
pair("Half", spaces.Box(-1, 1, (2,), np.float16), lambda a: a[0] > 0.5)
pair("Wide", spaces.Box(-100, 100, (1,), np.float32), lambda a: abs(a[0]) > 50)
pair("Uneven", spaces.Box(np.array([0, 5]), np.array([1, 9]), dtype=np.float64), lambda a: a[1] > 8)
pair("Scalar", spaces.Box(-1, 1, (), np.float32), lambda a: a > 0.5)
pair(
    "Pair",
    spaces.Tuple((spaces.Discrete(3), spaces.Box(-1, 1, (2,), np.float32))),
    lambda a: a[0] == 2 and a[1][1] > 0,
)
pair(
    "Named",
    spaces.Dict(move=spaces.Discrete(4), fire=spaces.MultiBinary(2)),
    lambda a: a["move"] == 3 and a["fire"][1] == 1,
)
pair(
    "Nested",
    spaces.Dict(a=spaces.Tuple((spaces.Discrete(2), spaces.Discrete(3, start=1)))),
    lambda a: a["a"][1] == 3,
)


class Clips(Played):
    """A continuous action that the environment itself clips, as most of them do."""

    action_space = spaces.Box(-1, 1, (1,), np.float32)

    def worth(self, action):
        return float(np.clip(action[0], -1, 1))


class ForgetsToClip(Clips):
    def worth(self, action):
        return float(action[0])


for made in (Clips, ForgetsToClip):
    gym.register(f"{made.__name__}-v0", entry_point=made)
