"""A task of images that learns in a minute: catch what falls.

A ball falls from a random column, a paddle at the bottom moves left, stays or moves right; the
episode ends when the ball is down, with a reward of 1 if it was caught and -1 if not. Ten balls
make an episode, so that a return tells how many.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

CELLS, PIXELS, BALLS = 10, 4, 10
ID = "Catch-v0"

Array = np.ndarray[Any, np.dtype[Any]]


class Catch(gymnasium.Env[Array, int]):
    """uint8 [40, 40, 1] of 0 and 255; actions ``Discrete(3)``; returns from -10 to 10."""

    def __init__(self) -> None:
        size = CELLS * PIXELS
        self.observation_space = gymnasium.spaces.Box(0, 255, (size, size, 1), np.uint8)
        self.action_space = gymnasium.spaces.Discrete(3)
        self._row = self._column = self._paddle = self._balls = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Start ten balls."""
        super().reset(seed=seed)
        self._balls, self._paddle = 0, CELLS // 2
        self._drop()
        return self._seen(), {}

    def step(self, action: int) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """Move the paddle, then let the ball fall by one cell."""
        self._paddle = min(max(self._paddle + int(action) - 1, 0), CELLS - 1)
        self._row += 1
        if self._row < CELLS - 1:
            return self._seen(), 0.0, False, False, {}
        reward = 1.0 if self._column == self._paddle else -1.0
        self._balls += 1
        seen = self._seen()
        if self._balls < BALLS:
            self._drop()
        return seen, reward, self._balls == BALLS, False, {}

    def _drop(self) -> None:
        self._row, self._column = 0, int(self.np_random.integers(CELLS))

    def _seen(self) -> Array:
        cells = np.zeros((CELLS, CELLS), np.uint8)
        cells[self._row, self._column] = cells[-1, self._paddle] = 255
        return np.kron(cells, np.ones((PIXELS, PIXELS), np.uint8))[..., None]


if ID not in gymnasium.registry:
    gymnasium.register(ID, entry_point=f"{__name__}:Catch")
