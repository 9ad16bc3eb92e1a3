"""What has been seen of a state space, in cells, so that play can go where little was seen.

A point is a state (or an observation, where no state can be read) as a vector. The range that was
seen of each coordinate is cut into equal bins, and a cell is a combination of bins; of many
coordinates, a few random mixtures are binned instead. For each cell the first way that led there is
kept. This is Go-Explore (Ecoffet et al. 2019, arXiv 1901.10995) without a notion of success.

Shape letters: ``N`` points, ``D`` coordinates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from envlift.reference.types import Array

FEW = 3
"""Coordinates up to which each is binned by itself, and finely."""

FINE, COARSE = 16, 6
"""Bins of a coordinate where there are few of them, and where there are more."""

MIXED = 4
"""Random mixtures that stand for the coordinates where there are more than so many."""

MOST = 20_000
"""Points that are kept."""

WIDTH, HEIGHT = 40, 12
"""Characters of the picture."""

SHADES = " .:-=+*#%@"


@dataclass(frozen=True)
class _Points:
    """Points with how to come back to each."""

    at: Array
    ways: list[Any]
    cost: Array


class Archive:
    """Keeps one way to every cell.

    Args:
        rng: draws the mixtures and what is returned to.
        width: ``D``.
    """

    def __init__(self, rng: np.random.Generator, width: int) -> None:
        self._rng = rng
        self._mix = None
        if width > 2 * MIXED:
            self._mix = rng.normal(size=(width, MIXED)) / np.sqrt(width)
        self._kept = _Points(np.zeros((0, width)), [], np.zeros(0))
        self._chosen: dict[tuple[int, ...], int] = {}
        self._cells: list[tuple[int, ...]] = []
        self.seen = 0
        self._low = np.full(width, np.inf)
        self._high = np.full(width, -np.inf)

    @property
    def cells(self) -> int:
        """How many cells have been seen."""
        return len(self._kept.at)

    @property
    def points(self) -> Array:
        """One point of every cell, [N, D]."""
        return self._kept.at

    def add(self, points: Array, cost: Array, way: Callable[[int], Any]) -> None:
        """Look at points [N, D]; ``way(i)`` tells how to come back to one, ``cost`` [N] how far."""
        points = np.asarray(points, np.float64)
        good = np.flatnonzero(np.isfinite(points).all(axis=1))
        self.seen += len(good)
        if not len(good):
            return
        self._low = np.minimum(self._low, points[good].min(axis=0))
        self._high = np.maximum(self._high, points[good].max(axis=0))
        at = np.concatenate([self._kept.at, points[good]])
        costs = np.concatenate([self._kept.cost, cost[good]])
        old = len(self._kept.at)
        cells = self._cells_of(at)
        order = np.argsort(costs, kind="stable")
        _, first = np.unique(cells[order], axis=0, return_index=True)
        best = np.sort(order[first])[:MOST]
        ways = [self._kept.ways[i] if i < old else way(int(good[i - old])) for i in best]
        self._kept = _Points(at[best], ways, costs[best])
        self._cells = [tuple(cell) for cell in cells[best].tolist()]

    def choose(self, count: int) -> list[Any]:
        """Return ways to ``count`` cells, mostly ones seldom chosen, or at an end of the range."""
        times = np.array([self._chosen.get(cell, 0) for cell in self._cells])
        weight = 1.0 / (1.0 + times) ** 2
        at = self._kept.at
        spread = np.where(self._high > self._low, self._high - self._low, 1.0)
        place = (at - self._low) / spread
        # What lies at an end of what was seen leads on.
        weight = weight * (1.0 + 4.0 * ((place < 0.05) | (place > 0.95)).any(axis=1))
        picked = self._rng.choice(len(at), size=count, p=weight / weight.sum())
        for one in picked:
            cell = self._cells[one]
            self._chosen[cell] = self._chosen.get(cell, 0) + 1
        return [self._kept.ways[one] for one in picked]

    def _cells_of(self, points: Array) -> Array:
        mixed = points
        low, high = self._low, self._high
        if self._mix is not None:
            middle, spread = (low + high) / 2, np.where(high > low, high - low, 1.0)
            mixed = ((points - middle) / spread) @ self._mix
            low, high = mixed.min(axis=0), mixed.max(axis=0)
        bins = FINE if mixed.shape[1] <= FEW else COARSE
        spread = np.where(high > low, high - low, 1.0)
        return np.minimum(((mixed - low) / spread * bins).astype(np.int64), bins - 1)

    def picture(self, names: list[str]) -> list[str]:
        """Draw which cells were seen, over the two leading coordinates that move at all."""
        moving = np.flatnonzero(self._high > self._low)
        if not len(moving):
            return ["one point alone"]
        first = int(moving[0])
        columns = self._bins(first, WIDTH)
        x = f"{names[first]} {self._low[first]:.4g} to {self._high[first]:.4g}"
        if len(moving) == 1:
            counts = np.bincount(columns, minlength=WIDTH)
            return ["|" + "".join(_shade(n, counts.max()) for n in counts) + "|", f"across: {x}"]
        second = int(moving[1])
        rows = self._bins(second, HEIGHT)
        counts = np.zeros((HEIGHT, WIDTH), np.int64)
        np.add.at(counts, (rows, columns), 1)
        lines = [
            "|" + "".join(_shade(int(n), int(counts.max())) for n in row) + "|"
            for row in counts[::-1]
        ]
        y = f"{names[second]} {self._low[second]:.4g} to {self._high[second]:.4g}"
        lines.append(f"across: {x}; up: {y}")
        if len(moving) > 2:
            more = [f"{names[i]} {self._low[i]:.4g} to {self._high[i]:.4g}" for i in moving[2:8]]
            left = f", and {len(moving) - 8} more" if len(moving) > 8 else ""
            lines.append(f"besides: {'; '.join(more)}{left}")
        return lines

    def _bins(self, coordinate: int, count: int) -> Array:
        low, high = self._low[coordinate], self._high[coordinate]
        place = (self._kept.at[:, coordinate] - low) / (high - low)
        return np.minimum((place * count).astype(np.int64), count - 1)


def _shade(count: int, most: int) -> str:
    if count == 0:
        return SHADES[0]
    return SHADES[1 + int((len(SHADES) - 2) * count / max(most, 1))]
