"""Ratings of contenders from their scores against each other, in Elo's points.

Bradley and Terry (1952): the odds of i against j are those of two positive strengths. In Elo's
points a difference of 400 is odds of ten to one. Shape letter: ``N`` contenders.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]

POINTS = 400 / np.log(10)
ANCHOR, ANCHOR_RATING = "random", 1000.0
"""Ratings are relative: this contender has this one, or, without it, all have it on average."""
PRIOR = 0.5
"""Wins added to both sides of every pair that met: who won all is not infinitely strong."""
STEPS, CLOSE = 10_000, 1e-6


def bradley_terry(wins: Array, names: Sequence[str] = ()) -> Array:
    """Return the most likely ratings, float64 [N].

    By minorisation and maximisation (Hunter 2004), with ``PRIOR``.

    Args:
        wins: [N, N], the score of row against column: 1 a win, 0.5 to both for a tie.
        names: of the contenders, to find the anchor.

    Raises:
        ValueError: if some contenders are not joined to the others by any games.
    """
    games = wins + wins.T
    if not _joined(games > 0):
        raise ValueError("ratings need games that join all contenders, directly or by others")
    wins = wins + PRIOR * (games > 0)
    games = wins + wins.T
    strength = np.ones(len(wins))
    for _ in range(STEPS):
        fresh = wins.sum(axis=1) / (games / (strength[:, None] + strength)).sum(axis=1)
        fresh /= np.exp(np.log(fresh).mean())
        moved = np.abs(np.log(fresh / strength)).max() * POINTS
        strength = fresh
        if moved < CLOSE:
            break
    points = POINTS * np.log(strength)
    zero = points[list(names).index(ANCHOR)] if ANCHOR in names else points.mean()
    return np.asarray(points - zero + ANCHOR_RATING)


def _joined(met: np.ndarray[Any, np.dtype[np.bool_]]) -> bool:
    reached = np.zeros(len(met), bool)
    reached[0] = True
    for _ in range(len(met)):
        reached = reached | met[reached].any(axis=0)
    return bool(reached.all())


def intervals(
    scores: Array,
    names: Sequence[str] = (),
    *,
    draws: int = 300,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[Array, Array]:
    """Return the ends of bootstrap intervals of all ratings, float64 [N] each.

    Seeds are drawn with replacement, for all pairs the same: what a seed does to several pairs is
    not counted as independent.

    Args:
        scores: [N, N, S], the score of row against column over all seats of each of S seeds, the
            games of a seed minus that in the mirrored place.
        names: as above.
        draws: how often.
        level: of the intervals.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    seeds = scores.shape[-1]
    found = [
        bradley_terry(scores[..., rng.integers(0, seeds, seeds)].sum(axis=-1), names)
        for _ in range(draws)
    ]
    tail = (1 - level) / 2
    low, high = np.quantile(found, [tail, 1 - tail], axis=0)
    return low, high


def rating_among(known: jax.Array, score: jax.Array, games: int) -> jax.Array:
    """Return the most likely rating of one who met others of known ratings, float32.

    Args:
        known: float32 [N], ratings of the others.
        score: float32 [N], the share of the points won against each, 0 to 1.
        games: against each of them.
    """
    won = jnp.sum(score * games + PRIOR)

    def halve(_: int, ends: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        low, high = ends
        middle = (low + high) / 2
        expected = jnp.sum((games + 2 * PRIOR) * jax.nn.sigmoid((middle - known) / POINTS))
        low = jnp.where(expected < won, middle, low)
        return low, jnp.where(expected < won, high, middle)

    ends = (jnp.min(known) - 4000.0, jnp.max(known) + 4000.0)
    low, high = jax.lax.fori_loop(0, 50, halve, ends)
    return (low + high) / 2
