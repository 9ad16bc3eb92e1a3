from __future__ import annotations

import numpy as np
import pytest

from envlift.verify.resets import ALPHA, _serial_p, same_distribution, starts_vary
from envlift.verify.result import Verdict


def test_samples_of_one_distribution_agree():
    rng = np.random.default_rng(0)
    assert same_distribution(rng.normal(size=4000), rng.normal(size=4000)) > ALPHA
    assert same_distribution(rng.integers(0, 2, 4000), rng.integers(0, 2, 4000)) > ALPHA
    assert same_distribution(np.zeros(10), np.zeros(10)) == 1.0


def test_another_width_place_or_weight_is_seen():
    rng = np.random.default_rng(0)
    reference = rng.uniform(-0.05, 0.05, size=4000)
    assert same_distribution(reference, rng.uniform(-0.06, 0.06, size=4000)) < ALPHA
    assert same_distribution(reference, np.zeros(4000)) < ALPHA
    coin = rng.integers(0, 2, 4000)
    assert same_distribution(coin, (rng.random(4000) < 0.6).astype(int)) < ALPHA
    assert same_distribution(coin, np.full(4000, np.nan)) == 0.0


def test_an_encoded_number_does_not_hide_a_missing_digit():
    """Taxi's state counts through four digits; one that is never drawn leaves the order alone."""
    rng = np.random.default_rng(2)
    whole, five = rng.integers(0, 100, (2, 4096)), rng.integers(0, 5, (2, 4096))
    reference = whole[0] * 5 + five[0]
    assert same_distribution(reference, whole[1] * 5 + five[1]) > ALPHA
    assert same_distribution(reference, whole[1] * 5 + five[1] % 4) < ALPHA


COIN = np.random.default_rng(3).integers(0, 2, 256)
RARE = (np.arange(256) == 7).astype(int)


@pytest.mark.parametrize(
    ("reference", "candidate", "lanes", "verdict", "words"),
    [
        (COIN, COIN, 8, Verdict.PASS, "2 distinct starts"),
        # One batch of equal lanes is chance: 2 in 256 for 8 lanes that toss a coin.
        (COIN, np.concatenate([np.ones(8, int), COIN[8:]]), 8, Verdict.PASS, "2 distinct"),
        (COIN, np.repeat(COIN[:32], 8), 8, Verdict.FAIL, "it ignores its lane"),
        (COIN, np.zeros(256), 8, Verdict.FAIL, "it ignores its seed or its lane"),
        (COIN, COIN[:8], 1, Verdict.PASS, "2 distinct starts"),
        (COIN, np.zeros(8), 8, Verdict.INCONCLUSIVE, "cannot be told from 8 starts"),
        (COIN, np.repeat([0, 1], 2), 2, Verdict.INCONCLUSIVE, "ignores its lane cannot be told"),
        # Where all but one start of the reference are the same, so may the candidate's be.
        (RARE, np.zeros(256), 8, Verdict.INCONCLUSIVE, "cannot be told from 256 starts"),
        (np.zeros(256), np.zeros(256), 8, Verdict.PASS, "the reference has 1"),
    ],
)
def test_starts_vary_with_seed_and_lane(reference, candidate, lanes, verdict, words):
    rows = ({"x": side, "observation": np.zeros((len(side), 3))} for side in (reference, candidate))
    found = starts_vary(*rows, lanes)
    assert found[0] is verdict
    assert words in found[1]


def test_neighbouring_draws_that_repeat_are_seen():
    rng = np.random.default_rng(0)
    coin = rng.integers(0, 2, 4000)
    assert _serial_p(coin) > ALPHA
    assert _serial_p(np.repeat(coin, 2)) < ALPHA


def test_a_last_bit_is_not_another_distribution_but_the_sixth_digit_is():
    reference = np.full(4000, 0.5, dtype=np.float32)
    assert same_distribution(reference, np.nextafter(reference, np.float32(1))) > ALPHA
    assert same_distribution(reference, reference + np.float32(1e-5)) < ALPHA
