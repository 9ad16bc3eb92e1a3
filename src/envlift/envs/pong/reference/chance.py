"""What is given to the reference in place of its random numbers."""

from __future__ import annotations

import numpy as np

from envlift.reference.types import Array


def draw_chance(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Draw what ``rand()`` returns: int32 in [0, 2**31)."""
    return rng.integers(0, 2**31, size=shape, dtype=np.int32)
