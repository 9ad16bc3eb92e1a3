"""Do two samples of many coordinates come from one distribution?

Where rows repeat, their counts are compared. Where they do not, a classifier is trained on one half
of both samples to tell them apart, and guesses on the other half. The guesses on rows that it has
never seen are right as often as a coin if the samples are alike: the p-value is exact, whatever the
coordinates are and however many. A false alarm is as rare as the bar that the p-value is held
against.

What goes with what is told apart more surely where one part of a row explains another, as a state
explains the picture of it: the picture is held against that of the nearest state that is known.

Shape letters: ``N`` and ``M`` rows, ``D`` and ``K`` coordinates.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import scipy

from envlift.reference.types import Array

ALPHA = 1e-6
"""Chance of a false alarm of one check."""

MOST_COORDINATES = 4_096
"""Coordinates that are looked at; of more, so many are drawn."""

CHOSEN = 24
"""Coordinates that differ most in the training half, which the classifiers look at first."""

MIXED = 12
"""Random mixtures of all coordinates that they see besides, and as many main directions."""

WAVES = 256
"""Random waves over those, which tell shapes apart that no plane does."""

NEIGHBOURS = 7
"""Rows that vote on one that nobody has seen."""

SEEN = 10
"""How often a row must come, over both samples, for its count to stand alone."""


def same_joint(reference: Array, candidate: Array, rng: np.random.Generator) -> float:
    """Return the p-value that rows [N, D] and [M, D] are drawn alike; 0 for NaN on one side."""
    ours, theirs = _flat(reference), _flat(candidate)
    if ours.shape[1] != theirs.shape[1]:
        return 0.0
    if ours.shape[1] > MOST_COORDINATES:
        some = np.sort(rng.choice(ours.shape[1], MOST_COORDINATES, replace=False))
        ours, theirs = ours[:, some], theirs[:, some]
    finite = [np.isfinite(side) for side in (ours, theirs)]
    if any(not part.all() for part in finite):
        # Where both have such values, their places are compared like any other coordinate.
        ours = np.concatenate([np.where(finite[0], ours, 0), ~finite[0]], axis=1)
        theirs = np.concatenate([np.where(finite[1], theirs, 0), ~finite[1]], axis=1)
    found = [_same_counts(ours, theirs), *_guessed(ours, theirs, rng)]
    return min(1.0, len(found) * min(found))


def same_given(
    reference: tuple[Array, Array], candidate: tuple[Array, Array], rng: np.random.Generator
) -> float:
    """Return the p-value that one part of the rows goes with another in the same way.

    A half of the reference's rows is what is known. Each other row, of either side, is held against
    the known one that is nearest in the explaining part: how far are the explained parts apart? Of
    like sides these distances are drawn alike (Kolmogorov and Smirnov's test).

    Args:
        reference: the explaining part [N, K] and the explained part [N, D].
        candidate: the same, [M, K] and [M, D].
        rng: draws the half.
    """
    (reason, shown), (their_reason, their_shown) = (
        tuple(np.nan_to_num(_flat(part)) for part in side) for side in (reference, candidate)
    )
    if len(reason) < 16 or len(their_reason) < 16:
        return 1.0
    order = rng.permutation(len(reason))
    known, rest = order[: len(order) // 2], order[len(order) // 2 :]
    scales = [_spread(part[known]) for part in (reason, shown)]

    def distances(reasons: Array, showns: Array) -> Array:
        nearest = _nearest(reason[known] / scales[0], reasons / scales[0])
        return np.asarray((np.abs(showns - shown[known][nearest]) / scales[1]).mean(axis=1))

    ours, theirs = distances(reason[rest], shown[rest]), distances(their_reason, their_shown)
    # What a last bit makes of a distance is no difference.
    ours, theirs = (np.round(side, 6) for side in (ours, theirs))
    return float(smirnov(ours, theirs).pvalue)


def smirnov(ours: Array, theirs: Array) -> Any:
    """Return SciPy's answer for two samples [N] and [M]: exact, or nearly where that is too much.

    For some pairs of sizes the exact number cannot be had, of which SciPy warns.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return scipy.stats.ks_2samp(ours, theirs)


def _spread(rows: Array) -> Array:
    spread = rows.std(axis=0)
    return np.where(spread > 1e-12 * np.maximum(1.0, np.abs(rows).max(axis=0)), spread, 1.0)


def _nearest(known: Array, rows: Array) -> Array:
    """Return for each row [N, K] which of the known ones [M, K] is nearest: int [N]."""
    squares = (known**2).sum(axis=1)
    parts = [rows[first : first + 512] for first in range(0, len(rows), 512)]
    return np.concatenate([(squares - 2 * part @ known.T).argmin(axis=1) for part in parts])


def _flat(rows: Array) -> Array:
    return np.asarray(rows.reshape(len(rows), -1), np.float64)


def _same_counts(ours: Array, theirs: Array) -> float:
    """Compare how often each row comes, rare ones together; 1 where hardly any repeats."""
    whole = np.concatenate([ours, theirs])
    scale = np.abs(whole).max(axis=0)
    rounded = np.round(whole / np.where(scale > 0, scale, 1.0), 6) + 0.0
    places: dict[bytes, int] = {}
    which = np.asarray([places.setdefault(row.tobytes(), len(places)) for row in rounded])
    counts = np.bincount(which)
    common = counts >= SEEN
    if counts[common].sum() < len(whole) / 2:
        return 1.0
    place = np.where(common, np.cumsum(common) - 1, common.sum())
    kinds = int(common.sum()) + int((~common).any())
    if kinds == 1:
        return 1.0
    which = place[which]
    table = np.stack(
        [
            np.bincount(which[: len(ours)], minlength=kinds),
            np.bincount(which[len(ours) :], minlength=kinds),
        ]
    )
    rare = table[:, table.sum(axis=0) < SEEN]
    table = table[:, table.sum(axis=0) >= SEEN]
    if rare.size and table.shape[1]:
        table[:, int(table.sum(axis=0).argmin())] += rare.sum(axis=1)
    if table.shape[1] < 2:
        return 1.0
    return float(scipy.stats.chi2_contingency(table, correction=False).pvalue)


def _guessed(ours: Array, theirs: Array, rng: np.random.Generator) -> list[float]:
    """Return the p-values of two classifiers' guesses on the half that they have not seen."""
    count = min(len(ours), len(theirs))
    if count < 16:
        return [1.0]
    ours, theirs = (side[rng.permutation(len(side))[:count]] for side in (ours, theirs))
    half = count // 2
    train = np.concatenate([ours[:half], theirs[:half]])
    test = np.concatenate([ours[half:], theirs[half:]])
    label = np.repeat([-1.0, 1.0], half)
    truth = np.repeat([False, True], count - half)
    train, test = _features(train, test, label, rng)
    scores = (_near(train, label, test), _waves(train, label, test, rng))
    return [_luck(score, truth, rng) for score in scores]


def _features(
    train: Array, test: Array, label: Array, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Keep what differs most in training, and mixtures of everything, in units of their spread."""
    middle, spread = train.mean(axis=0), train.std(axis=0)
    moves = spread > 1e-12 * np.maximum(1.0, np.abs(middle))
    if not moves.any():
        # Constant in training: what else the other half holds still counts.
        moves, spread = np.ones_like(moves), np.ones_like(spread)
    train, test = ((side[:, moves] - middle[moves]) / spread[moves] for side in (train, test))
    train, test = (np.clip(side, -8, 8) for side in (train, test))
    apart = np.abs((train * label[:, None]).mean(axis=0))
    apart += np.abs((train**2 * label[:, None]).mean(axis=0))
    first = np.argsort(-apart, kind="stable")[:CHOSEN]
    if train.shape[1] <= CHOSEN:
        return train[:, first], test[:, first]
    mix = np.concatenate(
        [rng.normal(size=(train.shape[1], MIXED)), _main(train), train.T @ label[:, None]], axis=1
    )
    mix /= np.maximum((train @ mix).std(axis=0), 1e-12)
    return (
        np.concatenate([train[:, first], train @ mix], axis=1),
        np.concatenate([test[:, first], test @ mix], axis=1),
    )


def _main(rows: Array) -> Array:
    """Return the directions [D, MIXED] in which rows [N, D] vary most."""
    values, vectors = np.linalg.eigh(rows @ rows.T)
    return np.asarray(rows.T @ vectors[:, np.argsort(-values)[:MIXED]])


def _near(train: Array, label: Array, test: Array) -> Array:
    """Let the nearest known rows vote."""
    votes = np.zeros(len(test))
    squares = (train**2).sum(axis=1)
    for first in range(0, len(test), 512):
        rows = test[first : first + 512]
        distance = squares - 2 * rows @ train.T
        near = np.argpartition(distance, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS]
        votes[first : first + 512] = label[near].sum(axis=1)
    return votes


def _waves(train: Array, label: Array, test: Array, rng: np.random.Generator) -> Array:
    """Fit a ridge regression over the coordinates, their products and random waves."""
    width = train.shape[1]
    scale = rng.choice([0.3, 1.0, 3.0], WAVES) / np.sqrt(width)
    direction = rng.normal(size=(width, WAVES)) * scale
    phase = rng.uniform(0, 2 * np.pi, WAVES)
    one, other = np.triu_indices(width)

    def seen(rows: Array) -> Array:
        products = rows[:, one] * rows[:, other]
        return np.concatenate(
            [np.ones((len(rows), 1)), rows, products, np.cos(rows @ direction + phase)], axis=1
        )

    known = seen(train)
    size = known.std(axis=0)
    size = np.where(size > 1e-9, size, 1.0)
    known = known / size
    ridge = 0.1 * len(known) * np.eye(known.shape[1])
    weights = np.linalg.solve(known.T @ known + ridge, known.T @ label)
    return np.asarray((seen(test) / size) @ weights)


def _luck(score: Array, truth: Array, rng: np.random.Generator) -> float:
    """Return how likely guesses as good as these are, were both halves alike (Fisher's test)."""
    guess = np.where(score == 0, rng.random(len(score)) < 0.5, score > 0)
    right = int((guess & truth).sum())
    return float(
        scipy.stats.hypergeom.sf(right - 1, len(truth), int(truth.sum()), int(guess.sum()))
    )
