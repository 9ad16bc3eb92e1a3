"""Our statistics beside statsmodels, SciPy and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm, trim_mean
from statsmodels.stats.weightstats import DescrStatsW, ttost_paired

from envlift.verify.levels.transfer.statistics import (
    Equivalence,
    iqm,
    pairs_needed,
    tost_paired,
    tost_power,
)


@pytest.mark.parametrize(
    ("n", "mean", "deviation", "margin"),
    [(2, 0.1, 0.3, 1.0), (3, 0.0, 1.0, 1.0), (10, 0.4, 0.7, 1.0), (40, -1.3, 0.5, 1.0)],
)
def test_tost_agrees_with_statsmodels(n, mean, deviation, margin):
    rng = np.random.default_rng(n)
    fast, slow = rng.normal(20, 3, n), np.zeros(n)
    slow = fast - rng.normal(mean, deviation, n)
    found = tost_paired(fast - slow, margin)
    # statsmodels gives (t, p, degrees of freedom) of the lower and of the upper test.
    p, lower, upper = ttost_paired(fast, slow, -margin, margin)
    # 1e-9: both are double precision, the difference of two numbers near 20 loses a few digits.
    assert found.p_low == pytest.approx(lower[1], rel=1e-9)
    assert found.p_high == pytest.approx(upper[1], rel=1e-9)
    assert max(found.p_low, found.p_high) == pytest.approx(p, rel=1e-9)
    stats = DescrStatsW(fast - slow)
    assert (found.low, found.high) == pytest.approx(stats.tconfint_mean(alpha=0.1), rel=1e-9)
    assert found.deviation == pytest.approx(stats.std_mean * math.sqrt(n), rel=1e-9)
    # The interval within the margin is the same statement as both tests at 5 %.
    assert found.inside == (p < 0.05)
    assert found.n == n


def test_inside_and_outside_at_the_edges():
    def interval(low, high):
        return Equivalence(5, 1.0, 0, 0.1, low, high, 0, 0, 1, 2)

    assert interval(-0.99, 0.99).inside
    assert not interval(-1.0, 0.5).inside
    assert not interval(0.5, 1.0).inside
    assert interval(1.0, 2.0).outside
    assert interval(-3.0, -1.0).outside
    for undecided in (interval(0.9, 1.1), interval(-1.1, -0.9), interval(-2.0, 2.0)):
        assert not undecided.inside
        assert not undecided.outside


@pytest.mark.parametrize(
    ("n", "deviation", "true"), [(3, 0.4, 0.0), (10, 1.0, 0.0), (10, 0.8, 0.5), (30, 1.5, 0.2)]
)
def test_power_agrees_with_simulated_studies(n, deviation, true):
    rng = np.random.default_rng(5)
    studies = 40_000
    differences = rng.normal(true, deviation, (studies, n))
    # Of our own code only `inside` is used; the interval comes from SciPy's t in another form.
    mean = differences.mean(axis=1)
    error = differences.std(axis=1, ddof=1) / math.sqrt(n)
    critical = {3: 2.919986, 10: 1.833113, 30: 1.699127}[n]  # t-tables, 5 % one-sided
    shown = (np.abs(mean) + critical * error < 1.0).mean()
    power = tost_power(n, deviation, 1.0, true)
    # Five standard errors of a share among 40,000, at most 0.0125; the seed is fixed.
    assert abs(power - shown) < 5 * math.sqrt(0.25 / studies)
    assert 0.05 < power < 0.999, "a trivial case shows nothing"


def test_power_with_many_pairs_is_that_of_a_known_deviation():
    n, deviation, margin = 5_000, 10.0, 0.5
    bound = margin / (deviation / math.sqrt(n)) - norm.ppf(0.95)
    # With 5,000 pairs t differs from normal in the fourth digit.
    assert tost_power(n, deviation, margin) == pytest.approx(2 * norm.cdf(bound) - 1, abs=1e-3)


@pytest.mark.parametrize("deviation", [0.1, 1.0, 4.0])
def test_pairs_needed_is_the_least_number(deviation):
    needed = pairs_needed(deviation, 1.0)
    assert tost_power(needed, deviation, 1.0) >= 0.8
    assert needed == 2 or tost_power(needed - 1, deviation, 1.0) < 0.8
    assert pairs_needed(1e6, 1.0) is None


def test_power_grows_with_pairs_and_shrinks_with_deviation():
    by_pairs = [tost_power(n, 1.0, 1.0) for n in range(2, 40)]
    assert by_pairs == sorted(by_pairs)
    by_deviation = [tost_power(10, d, 1.0) for d in np.geomspace(1e-12, 1e6, 60)]
    assert by_deviation == sorted(by_deviation, reverse=True)
    assert by_deviation[0] == 1.0
    assert by_deviation[-1] < 1e-6


@pytest.mark.parametrize(
    ("value", "inside", "outside", "p_low", "p_high"),
    [(0.1, True, False, 0, 0), (1.0, False, True, 0, 1), (-1.5, False, True, 1, 0)],
)
def test_equal_differences_have_no_deviation(value, inside, outside, p_low, p_high):
    found = tost_paired(np.full(7, value), 1.0)
    assert (found.effect, found.low, found.high) == (value, value, value)
    assert found.deviation == 0.0
    assert (found.inside, found.outside) == (inside, outside)
    assert (found.p_low, found.p_high) == (p_low, p_high)
    assert (found.power, found.needed) == (1.0, 2)


@pytest.mark.parametrize(
    ("differences", "margin", "said"),
    [
        ([1.0], 1.0, "n >= 2"),
        ([[1.0, 2.0]], 1.0, "n >= 2"),
        ([1.0, math.nan], 1.0, "not finite: nan"),
        ([1.0, 2.0], 0.0, "margin 0.0"),
        ([1.0, 2.0], math.nan, "margin nan"),
    ],
)
def test_what_makes_no_sense_is_refused(differences, margin, said):
    with pytest.raises(ValueError, match=said):
        tost_paired(np.array(differences), margin)


@pytest.mark.parametrize("n", [1, 3, 4, 7, 10, 101])
def test_iqm_is_scipys_trimmed_mean(n):
    values = np.random.default_rng(n).gumbel(size=n)
    found = iqm([values], np.random.default_rng(0))
    assert found.value == pytest.approx(trim_mean(values, 0.25), rel=1e-12)
    assert found.low <= found.value <= found.high
    assert found.n == n


def test_iqm_takes_no_notice_of_one_outlier():
    values = np.array([1.0, 2.0, 3.0, 4.0])
    wild = np.array([1.0, 2.0, 3.0, 1e9])
    rng = np.random.default_rng(0)
    assert iqm([values], rng).value == iqm([wild], rng).value == 2.5


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    """For normal data the interquartile mean estimates the mean."""
    rng = np.random.default_rng(11)
    studies = 400
    above = below = 0
    for _ in range(studies):
        found = iqm([rng.normal(3.0, 1.0, 40)], rng, resamples=400)
        above += found.low > 3.0
        below += found.high < 3.0
    # A percentile bootstrap of 40 values misses a little more often than 2.5 % at either end; the
    # standard error of such a share among 400 is 0.8 %, and the seed is fixed.
    assert 0.008 < above / studies < 0.065
    assert 0.008 < below / studies < 0.065


def test_groups_are_resampled_apart():
    """Values that never differ within their group leave nothing to resample."""
    groups = [np.full(4, 1.0), np.full(4, 9.0)]
    apart = iqm(groups, np.random.default_rng(0))
    mixed = iqm([np.concatenate(groups)], np.random.default_rng(0))
    assert (apart.value, apart.low, apart.high) == (5.0, 5.0, 5.0)
    assert mixed.value == 5.0
    assert mixed.high - mixed.low > 1.0


def test_equal_seeds_give_equal_intervals():
    values = [np.random.default_rng(0).normal(size=10)]
    first, again, other = (iqm(values, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("groups", [[], [np.zeros(0)], [np.array([np.nan])]])
def test_an_iqm_of_nothing_is_refused(groups):
    with pytest.raises(ValueError, match=r"at least one group|not finite"):
        iqm(groups, np.random.default_rng(0))
