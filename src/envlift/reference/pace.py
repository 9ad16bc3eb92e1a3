"""How many steps one message should hold: about a second of a side's work.

A slow environment asked for a thousand steps at once cannot be told from one that hangs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from envlift.reference.types import Record

FIRST = 8
"""Steps asked of a side whose speed is not known; longer calls begin with a single one."""

SECONDS = 1.0
"""What one message should take."""

GROWTH = 16
"""A message holds at most so many times the steps of the one before."""


class Pace:
    """The speed of one side, as measured so far."""

    def __init__(self) -> None:
        self._last = 0
        self._per_step = 0.0

    def steps(self, wanted: int) -> int:
        """Return how many of the wanted steps the next message should hold, at least one if any."""
        if wanted == 0:
            return 0
        if not self._last:
            return wanted if wanted <= FIRST else 1
        affordable = int(SECONDS / self._per_step) if self._per_step > 0 else wanted
        return max(1, min(wanted, affordable, max(self._last, FIRST) * GROWTH))

    def took(self, steps: int, seconds: float) -> None:
        """Note what a message took."""
        if steps:
            self._last, self._per_step = steps, seconds / steps


def joined(records: Sequence[Record]) -> Record:
    """Put records of consecutive steps, each [T, B, ...], behind each other."""
    if len(records) == 1:
        return records[0]

    def join(values: Sequence[Any]) -> Any:
        if values[0] is None:
            return None
        if isinstance(values[0], dict):
            return {name: join([value[name] for value in values]) for name in values[0]}
        return np.concatenate(values)

    names = Record.__dataclass_fields__
    return Record(**{name: join([getattr(one, name) for one in records]) for name in names})
