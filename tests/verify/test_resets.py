from __future__ import annotations

import numpy as np

from envlift.verify.resets import ALPHA, _serial_p, same_distribution


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


def test_neighbouring_draws_that_repeat_are_seen():
    rng = np.random.default_rng(0)
    coin = rng.integers(0, 2, 4000)
    assert _serial_p(coin) > ALPHA
    assert _serial_p(np.repeat(coin, 2)) < ALPHA


def test_a_last_bit_is_not_another_distribution_but_the_sixth_digit_is():
    reference = np.full(4000, 0.5, dtype=np.float32)
    assert same_distribution(reference, np.nextafter(reference, np.float32(1))) > ALPHA
    assert same_distribution(reference, reference + np.float32(1e-5)) < ALPHA
