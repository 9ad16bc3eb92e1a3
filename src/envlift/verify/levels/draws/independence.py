"""Does one number hang on another? P-values that hold for numbers of any distribution.

Shape letters: ``N`` rows.
"""

from __future__ import annotations

import numpy as np
import scipy

from envlift.reference.types import Array, StateDict

EXPECTED = 10
"""Rows that a cell of a table is expected to have at least: below, chi-squared is but a guess."""

MOST_BINS = 24

MOST_COLUMNS = 48
"""Coordinates of each side that are looked at: there are as many pairs as their product."""


def columns(named: StateDict, rng: np.random.Generator) -> dict[str, Array]:
    """Return the coordinates of named arrays [N, ...] that vary as columns [N] with a label.

    Of more than ``MOST_COLUMNS`` as many are drawn.
    """
    places = []
    for name, values in named.items():
        flat = values.reshape(len(values), -1)
        varies: Array = np.flatnonzero((flat != flat[:1]).any(axis=0))
        places += [(name, int(place)) for place in varies]
    if len(places) > MOST_COLUMNS:
        drawn = rng.choice(len(places), MOST_COLUMNS, replace=False)
        places = [places[row] for row in sorted(drawn)]
    found: dict[str, Array] = {}
    for name, place in places:
        shape = named[name].shape[1:]
        index = [int(number) for number in np.unravel_index(place, shape)] if shape else []
        column = named[name].reshape(len(named[name]), -1)[:, place]
        found[f"{name}{index if index else ''}"] = column.astype(np.float64)
    return found


def weakest(
    causes: StateDict, effects: StateDict, rng: np.random.Generator
) -> tuple[float, str, int]:
    """Return the smallest p-value that an effect is independent of a cause, times their number.

    Args:
        causes, effects: fields [N, ...]; every coordinate of one stands against every of the other.

    Returns:
        The p-value, which pair it is of, and how many there were.
    """
    seen = columns(effects, rng)
    found = [
        (independence(x, y), f"{effect} with {cause}")
        for cause, x in columns(causes, rng).items()
        for effect, y in seen.items()
    ]
    if not found:
        return 1.0, "nothing to compare", 0
    smallest, label = min(found)
    return min(1.0, smallest * len(found)), label, len(found)


def independence(x: Array, y: Array) -> float:
    """Return the p-value that two columns [N] are independent: the smaller of two, doubled.

    A table of their bins sees any dependence that is not too fine, the correlation of their ranks
    a trend, however small the bins would have to be.
    """
    return min(1.0, 2 * min(_table(x, y), _trend(x, y)))


def _table(x: Array, y: Array) -> float:
    most = max(2, min(MOST_BINS, int(np.sqrt(len(x) / EXPECTED))))
    rows, cols = bins(x, most), bins(y, most)
    table = np.zeros((rows.max() + 1, cols.max() + 1))
    np.add.at(table, (rows, cols), 1)
    table = _merged(_merged(table).T).T
    if min(table.shape) < 2:
        return 1.0
    return float(scipy.stats.chi2_contingency(table, correction=False).pvalue)


def bins(values: Array, most: int) -> Array:
    """Return the number of each value's bin [N]: one for each value, or bins of equal content."""
    distinct, places = np.unique(values, return_inverse=True)
    if len(distinct) <= most:
        return np.asarray(places)
    edges = np.unique(np.quantile(values, np.linspace(0, 1, most + 1)[1:-1]))
    return np.asarray(np.searchsorted(edges, values, side="right"))


def _merged(table: Array) -> Array:
    """Join rows with their neighbours until each has enough for every column."""
    total = table.sum()
    smallest = table.sum(axis=0).min() if table.size else 0
    needed = EXPECTED * total / smallest if smallest else total
    needed = min(needed, np.sqrt(EXPECTED * total))
    kept: list[Array] = []
    open_row = np.zeros(table.shape[1])
    for row in table:
        open_row = open_row + row
        if open_row.sum() >= needed:
            kept.append(open_row)
            open_row = np.zeros(table.shape[1])
    if open_row.sum():
        if kept:
            kept[-1] = kept[-1] + open_row
        else:
            kept.append(open_row)
    return np.stack(kept)


STEP = 0.5
"""The most, in standard deviations, that one row may move a correlation: rare values that meet once
by chance are no trend."""


def _trend(x: Array, y: Array) -> float:
    ranks = scipy.stats.rankdata(np.stack([x, y], axis=1), axis=0)
    spread = ranks.std(axis=0)
    if (spread == 0).any():
        return 1.0
    ranks = (ranks - ranks.mean(axis=0)) / spread
    root = np.sqrt(len(x))
    if np.prod(np.abs(ranks).max(axis=0)) > STEP * root:
        return 1.0
    return float(2 * scipy.stats.norm.sf(abs(float(ranks.prod(axis=1).sum())) / root))


def neighbours(effects: StateDict, rng: np.random.Generator) -> tuple[float, str, int]:
    """Return the smallest p-value that each row is independent of the next, times their number."""
    own = [
        (independence(x[:-1], x[1:]), f"{label} with the next")
        for label, x in columns(effects, rng).items()
    ]
    if not own:
        return 1.0, "nothing to compare", 0
    smallest, label = min(own)
    return min(1.0, smallest * len(own)), label, len(own)
