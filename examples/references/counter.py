"""A complete reference in Python: a walk on a line, with a goal, a slip and a time limit.

    python:examples/references/counter.py:Counter

The walker starts at 0 or 1 (the parity of the seed) and steps left (0) or right (1). The chance of
a step is a number in [0, 1): below ``slip`` the walker goes the other way. Each step costs a tenth
of its energy. At ``goal`` or ``-goal`` the episode terminates, with reward 1 or -1; after ``limit``
steps it is truncated. ``counter.c`` and ``counter.mjs`` are the same game.
"""

from typing import Any

import numpy as np

from envlift.reference.host import component


class Counter:
    """One walker."""

    def __init__(self, goal: int = 5, slip: float = 0.25, limit: int = 40) -> None:
        self.goal = goal
        self.slip = slip
        self.limit = limit
        self.position = 0
        self.steps = 0
        self.energy = 1.0

    def spec(self) -> dict[str, Any]:
        scalar: list[int] = []
        return {
            "name": "counter",
            "observation": {"shape": [2], "dtype": "float64"},
            "action": {"shape": scalar, "dtype": "int32"},
            "num_actions": 2,
            "state": {
                "position": {"shape": scalar, "dtype": "int32"},
                "steps": {"shape": scalar, "dtype": "int32"},
                "energy": {"shape": scalar, "dtype": "float64"},
            },
            "chance": {"shape": scalar, "dtype": "float64"},
        }

    def observe(self) -> Any:
        return np.array([self.position / self.goal, self.energy])

    def reset(self, seed: int, chance: float | None = None) -> Any:
        self.position, self.steps, self.energy = seed % 2, 0, 1.0
        return self.observe()

    def step(self, action: int, chance: float | None = None) -> tuple[Any, float, bool, bool]:
        if action not in (0, 1):
            raise ValueError(f"action {action} is neither 0 nor 1")
        assert chance is not None
        self.position += self.move(action, chance)
        self.steps += 1
        self.energy -= 0.1 * self.energy
        terminated = abs(self.position) >= self.goal
        truncated = not terminated and self.steps >= self.limit
        reward = (1.0 if self.position > 0 else -1.0) if terminated else 0.0
        return self.observe(), reward, terminated, truncated

    def get_state(self) -> dict[str, Any]:
        return {"position": self.position, "steps": self.steps, "energy": self.energy}

    def set_state(self, state: dict[str, Any]) -> None:
        self.position = state["position"]
        self.steps = state["steps"]
        self.energy = state["energy"]

    @component
    def move(self, action: int, chance: float) -> int:
        direction = 1 if action == 1 else -1
        return -direction if chance < self.slip else direction
