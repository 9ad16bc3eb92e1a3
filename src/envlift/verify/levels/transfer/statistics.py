"""The statistics of policy transfer: equivalence of paired means, power, interquartile means.

Two one-sided t-tests (TOST, Schuirmann 1987) ask whether a mean lies inside a margin that was fixed
beforehand: unlike a test of difference, too few data can only make them undecided, never pass.
Shape letter: ``n`` pairs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from envlift.reference.types import Array
from envlift.verify.suite.transfer_plan import POWER

ALPHA = 0.05
"""Level of each one-sided test; the interval that belongs to it holds ``1 - 2 * ALPHA``."""

MAX_PAIRS = 1_000_000
"""Where the search for a sufficient number of pairs gives up."""

_TAIL = 1e-13


@dataclass(frozen=True)
class Equivalence:
    """What paired differences say about a margin; every number is in the unit of the differences.

    Attributes:
        n: pairs.
        margin: largest mean difference that still counts as equal, more than 0.
        effect: mean of the differences.
        deviation: their standard deviation, with ``n - 1`` in its denominator.
        low, high: 90 % confidence interval of the mean.
        p_low: of the hypothesis that the mean is ``-margin`` or less.
        p_high: of the hypothesis that the mean is ``margin`` or more.
        power: chance that a study of this size shows equivalence, if the true difference is 0 and
            the true deviation is the observed one.
        needed: fewest pairs with a power of 80 %, None if that is more than ``MAX_PAIRS``.
    """

    n: int
    margin: float
    effect: float
    deviation: float
    low: float
    high: float
    p_low: float
    p_high: float
    power: float
    needed: int | None

    @property
    def inside(self) -> bool:
        """Whether the interval lies within the margin: equivalence is shown at 5 %."""
        return -self.margin < self.low and self.high < self.margin

    @property
    def outside(self) -> bool:
        """Whether no value of the interval is within the margin: a difference is shown."""
        return self.high <= -self.margin or self.low >= self.margin


def tost_paired(differences: Array, margin: float) -> Equivalence:
    """Test whether the mean of paired differences is within ``-margin`` and ``margin``.

    Where all differences are equal, the deviation is 0 and the t-distribution has nothing to say:
    the interval is then the one value that was seen, the p-values are 0 or 1, and the power is 1,
    since a deviation of 0 was seen. Say so beside such a result.

    Args:
        differences: float [n], one for each pair, n at least 2.
        margin: more than 0.

    Raises:
        ValueError: for fewer than 2 differences, one that is not finite, or a margin that is not
            more than 0.
    """
    values = np.asarray(differences, dtype=np.float64)
    if values.ndim != 1 or len(values) < 2:
        raise ValueError(f"differences must have the shape (n,) with n >= 2, not {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"a difference is not finite: {values[~np.isfinite(values)][0]}")
    _check_margin(margin)
    n = len(values)
    effect = float(values.mean())
    # A mean of equal numbers may be off by rounding, which would look like a tiny deviation.
    equal = bool((values == values[0]).all())
    effect = float(values[0]) if equal else effect
    deviation = 0.0 if equal else float(values.std(ddof=1))
    error = deviation / math.sqrt(n)
    reach = float(scipy.stats.t.ppf(1 - ALPHA, n - 1)) * error
    return Equivalence(
        n=n,
        margin=float(margin),
        effect=effect,
        deviation=deviation,
        low=effect - reach,
        high=effect + reach,
        p_low=_one_sided(effect + margin, error, n),
        p_high=_one_sided(margin - effect, error, n),
        power=tost_power(n, deviation, margin),
        needed=pairs_needed(deviation, margin),
    )


def _one_sided(distance: float, error: float, n: int) -> float:
    """Return the p-value of a mean that stands ``distance`` inside of one bound."""
    if error == 0.0:
        return 0.0 if distance > 0 else 1.0
    return float(scipy.stats.t.sf(distance / error, n - 1))


def tost_power(n: int, deviation: float, margin: float, true: float = 0.0) -> float:
    """Return the chance that ``n`` pairs show equivalence (exact, as by Owen's Q).

    Both tests reject where ``|mean| < margin - t * s / sqrt(n)``. The mean is normal and, apart
    from it, ``s`` follows a chi-distribution; the chance is integrated over ``s``.

    Args:
        n: pairs, at least 2.
        deviation: true standard deviation of the differences, 0 or more.
        margin: more than 0.
        true: true mean difference.

    Raises:
        ValueError: for an argument out of range.
    """
    if n < 2:
        raise ValueError(f"a power needs at least 2 pairs, not {n}")
    if not (deviation >= 0 and math.isfinite(deviation)):
        raise ValueError(f"the deviation {deviation} must be 0 or more")
    _check_margin(margin)
    # In units of the standard error of the mean.
    error = deviation / math.sqrt(n)
    if error == 0.0 or margin / error > 1e9:
        return 1.0 if abs(true) < margin else 0.0
    freedom = n - 1
    bound, shift = margin / error, true / error
    critical = float(scipy.stats.t.ppf(1 - ALPHA, freedom)) / math.sqrt(freedom)
    spread = scipy.stats.chi(freedom)
    low, high = float(spread.ppf(_TAIL)), min(bound / critical, float(spread.isf(_TAIL)))
    if high <= low:
        return 0.0

    def density(x: float) -> float:
        room = bound - critical * x
        normal = scipy.stats.norm.cdf(room - shift) - scipy.stats.norm.cdf(-room - shift)
        return float(normal * spread.pdf(x))

    chance, _ = scipy.integrate.quad(density, low, high, epsabs=1e-9, epsrel=1e-9, limit=200)
    return min(max(float(chance), 0.0), 1.0)


def pairs_needed(deviation: float, margin: float, power: float = POWER) -> int | None:
    """Return the fewest pairs that show equivalence with this power if the true difference is 0.

    None if ``MAX_PAIRS`` are too few.
    """
    low, high = 1, 2
    while tost_power(high, deviation, margin) < power:
        low, high = high, 2 * high
        if low >= MAX_PAIRS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        if tost_power(middle, deviation, margin) < power:
            low = middle
        else:
            high = middle
    return high


def _check_margin(margin: float) -> None:
    if not (margin > 0 and math.isfinite(margin)):
        raise ValueError(f"the margin {margin} must be more than 0")


@dataclass(frozen=True)
class Iqm:
    """An interquartile mean with its bootstrap interval.

    Attributes:
        value: mean of the middle half of all values.
        low, high: 95 % percentile interval.
        n: values.
    """

    value: float
    low: float
    high: float
    n: int


def iqm(
    groups: Sequence[Array],
    rng: np.random.Generator,
    *,
    resamples: int = 10_000,
    confidence: float = 0.95,
) -> Iqm:
    """Return the interquartile mean of all values, resampled within each group.

    As in Agarwal et al. 2021 (arXiv 2108.13264): a quarter of the values is cut at either end,
    rounded down, so that up to three values are averaged whole.

    Args:
        groups: float [n_g] each: one value per training seed; a group is what shall keep its size
            in every resample, such as an environment.
        rng: draws the resamples.
        resamples: how many.
        confidence: share of resamples in the interval, in (0, 1).

    Raises:
        ValueError: if there is no group, an empty one, or a value that is not finite.
    """
    parts = [np.asarray(group, dtype=np.float64).ravel() for group in groups]
    if not parts or any(len(part) == 0 for part in parts):
        raise ValueError("an interquartile mean needs at least one group and a value in each")
    whole = np.concatenate(parts)
    if not np.isfinite(whole).all():
        raise ValueError(f"a value is not finite: {whole[~np.isfinite(whole)][0]}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence} must be between 0 and 1")
    drawn = [part[rng.integers(0, len(part), (resamples, len(part)))] for part in parts]
    means = _middle_mean(np.concatenate(drawn, axis=1))
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, [tail, 1 - tail]).tolist()
    return Iqm(float(_middle_mean(whole)), low, high, len(whole))


def _middle_mean(values: Array) -> Array:
    """Return the mean of the middle half along the last axis."""
    n = values.shape[-1]
    cut = n // 4
    return np.asarray(np.sort(values, axis=-1)[..., cut : n - cut].mean(axis=-1))
