"""A walk on ten places: the reference of the loop's own tests."""

from typing import Any

import numpy as np

from envlift.reference.host import component

LAST = 9
LIMIT = 20


class Walk:
    def __init__(self) -> None:
        self.x = 0
        self.elapsed = 0

    def spec(self) -> dict[str, Any]:
        scalar = {"shape": [], "dtype": "int32"}
        return {
            "name": "walk",
            "observation": scalar,
            "action": scalar,
            "num_actions": 3,
            "state": {"x": scalar, "elapsed": scalar},
        }

    def reset(self, seed: int, chance: Any = None) -> int:
        self.x = int(np.random.default_rng(seed).integers(5))
        self.elapsed = 0
        return self.x

    def step(self, action: int, chance: Any = None) -> tuple[int, float, bool, bool]:
        # A step from the fifth place backwards slips: it leads to the first.
        self.x = self.move(self.x, int(action))
        self.elapsed += 1
        ended = self.x == LAST
        return self.x, float(ended), ended, self.elapsed >= LIMIT and not ended

    @component
    def move(self, x: Any, action: Any) -> int:
        place = int(x) + int(action) - 1
        if int(x) == 4 and int(action) == 0:
            place = 0
        return min(max(place, 0), LAST)

    def get_state(self) -> dict[str, Any]:
        return {"x": self.x, "elapsed": self.elapsed}

    def set_state(self, state: dict[str, Any]) -> None:
        self.x, self.elapsed = int(state["x"]), int(state["elapsed"])
