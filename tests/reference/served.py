"""Classes that the tests serve through the Python host."""

import os
import subprocess
import sys

import numpy as np

from envlift.reference.host import component
from envlift.reference.types import ArraySpec, SideSpec

NUMBER = {"shape": [], "dtype": "float32"}


class Talkative:
    """Prints to stdout in every way there is, and reads stdin."""

    def __init__(self, fault=""):
        self.fault = fault
        self.count = 0
        print("hello from __init__")

    def spec(self):
        return {
            "name": "talkative",
            "observation": {"shape": [2], "dtype": "float32"},
            "action": {"shape": [], "dtype": "int32"},
            "num_actions": 3,
            "legal_actions": True,
            "state": {"count": {"shape": [], "dtype": "int64"}},
        }

    def reset(self, seed, chance=None):
        self.count = seed
        return np.zeros(2, np.float32)

    def step(self, action, chance=None):
        print("stray print")
        os.write(1, b"stray write\n")
        subprocess.run(["echo", "stray child"], check=True)
        assert sys.stdin.read() == ""
        self.count += 1
        if self.fault and self.count == 4:
            if self.fault == "raise":
                raise ZeroDivisionError("the rules divide by zero")
            if self.fault == "exit":
                sys.exit(9)
            if self.fault == "nan":
                return np.array([0, np.nan], np.float32), 0.0, False, False
            if self.fault == "shape":
                return np.zeros(3, np.float32), 0.0, False, False
            if self.fault == "dtype":
                return np.zeros(2), 0.0, False, False
            if self.fault == "five":
                return np.zeros(2, np.float32), 0.0, False, False, {}
            if self.fault == "flag":
                return np.zeros(2, np.float32), 0.0, 2, False
        return [self.count, action], 1, False, self.count == 9

    def get_state(self):
        return {"counts" if self.fault == "state" else "count": self.count}

    def set_state(self, state):
        self.count = state["count"]

    def legal_actions(self):
        return [True, self.count % 2 == 0, False]

    def coverage(self):
        return {"step": self.count}

    @component
    def add(self, a, b):
        return a + b

    @component(batched=True)
    def total(self, a):
        return {"total": a.sum(axis=1), "rows": np.full(len(a), len(a))}

    @component
    def modules(self):
        return int("jax" in sys.modules)

    def not_a_component(self):
        return 1


class Dice:
    """Shows the chance that it was given; every second step ends."""

    def spec(self):
        number = {"shape": [2], "dtype": "int32"}
        return {"name": "dice", "observation": number, "action": NUMBER, "chance": number}

    def reset(self, seed, chance=None):
        self.steps = 0
        return np.array([chance[0], -seed], np.int32)

    def step(self, action, chance=None):
        self.steps += 1
        return chance, 0.0, self.steps == 2, False


class Vector:
    """A batched class: all lanes in one object, each action is added to a sum."""

    batched = True

    def __init__(self, num_lanes, *, width=2, wrong=False):
        self.width, self.wrong = width, wrong
        self.sums = np.zeros((num_lanes, width), np.float64)

    def spec(self):
        return SideSpec(
            name="vector",
            observation=ArraySpec((self.width,), "float64"),
            action=ArraySpec((self.width,), "float64"),
            action_low=(-1.0,) * self.width,
            action_high=(1.0,) * self.width,
            state={"sums": ArraySpec((self.width,), "float64")},
            reward=ArraySpec((2,), "float32"),
            self_reset=True,
            pins={"numpy": np.__version__},
        )

    def reset(self, seeds, chance, returns):
        self.sums[:] = seeds[:, None]
        return {"observation": self.sums.copy(), "state": self.get_state()}

    def step(self, actions, chance, reset_seeds, returns):
        trace = self.sums + np.cumsum(actions, axis=0)
        self.sums = trace[-1].copy()
        flags = np.zeros(trace.shape[:2], bool)
        return {
            "observation": trace[..., :1] if self.wrong else trace,
            "reward": np.stack([trace[..., 0], -trace[..., 0]], -1).astype(np.float32),
            "terminated": flags,
            "truncated": flags,
            "state": {"sums": trace},
        }

    def get_state(self):
        return {"sums": self.sums.copy()}

    def set_state(self, state):
        self.sums = state["sums"].copy()
