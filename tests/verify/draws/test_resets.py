from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from envlift.verify.levels.draws import chance
from envlift.verify.levels.draws.independence import neighbours
from envlift.verify.levels.draws.resets import (
    ALPHA,
    compare_starts,
    same_dependence,
    same_distribution,
    starts_vary,
)
from envlift.verify.run.context import QUICK, Effort
from envlift.verify.run.progress import Silent
from envlift.verify.run.result import Verdict
from envlift.verify.run.session import Request, verify
from tests.verify.envs.rotor import SUITE, KickedRotor


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
    assert neighbours({"coin": coin}, rng)[0] > ALPHA
    assert neighbours({"coin": np.repeat(coin, 2)}, rng)[0] < ALPHA


def test_a_last_bit_is_not_another_distribution_but_the_sixth_digit_is():
    reference = np.full(4000, 0.5, dtype=np.float32)
    assert same_distribution(reference, np.nextafter(reference, np.float32(1))) > ALPHA
    assert same_distribution(reference, reference + np.float32(1e-5)) < ALPHA


def starts(rng, scale=0.1, normal=False, same=False):
    """A cheetah's: uniform positions, normal speeds, and what is seen of them."""
    count = Effort().resets
    place = rng.uniform(-scale, scale, (count, 9))
    if normal:
        place = 0.1 / 3**0.5 * rng.normal(size=(count, 9))
    speed = scale * (np.sqrt(3) * place / 0.1 if same else rng.normal(size=(count, 9)))
    seen = np.concatenate([place[:, 1:], speed], axis=1)
    return {"qpos": place, "qvel": speed, "observation": seen}


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({}, None),
        ({"scale": 0.11}, "q"),
        ({"normal": True}, "qpos"),
        ({"same": True}, "with"),
    ],
)
def test_vectors_of_floats_are_compared_in_scale_family_and_dependence(wrong, where):
    """At as many starts as are compared when nobody says how many."""
    rng = np.random.default_rng(11)
    found = compare_starts(starts(rng), starts(rng, **wrong))
    assert len(found) == 9 + 9 + 17 + 3 + 35 * 34 // 2
    smallest = min(found)[0] * len(found)
    assert (smallest < ALPHA) == bool(wrong)
    if where is not None:
        assert any(p * len(found) < ALPHA and where in label for p, label in found)


def test_one_coordinate_with_a_scale_of_its_own_is_seen():
    rng = np.random.default_rng(12)
    candidate = starts(rng)
    candidate["qpos"][:, 4] *= 1.1
    found = compare_starts(starts(rng), candidate)
    assert {label for p, label in found if p * len(found) < ALPHA} == {"qpos[4]"}


def test_another_shape_of_the_same_place_and_width_is_seen():
    """A density with six waves is nowhere far from an even one in its sum."""
    rng = np.random.default_rng(15)
    even, waves = rng.uniform(size=(2, 2 * 4096))
    waves = waves[rng.uniform(size=len(waves)) < 0.5 + 0.4 * np.cos(12 * np.pi * waves)]
    assert stats.ks_2samp(even, waves).pvalue > ALPHA
    assert same_distribution(even, waves) < ALPHA


def test_a_last_bit_in_one_coordinate_is_no_other_size_and_no_dependence():
    rng = np.random.default_rng(16)
    reference, candidate = rng.normal(size=(2, 4096, 3)).astype(np.float32)
    reference[:, 1] = 0.5
    candidate[:, 1] = np.nextafter(np.float32(0.5), np.float32(1))
    found = compare_starts({"x": reference}, {"x": candidate})
    assert min(found)[0] > 1e-4
    candidate[:, 1] = np.nan
    assert min(compare_starts({"x": reference}, {"x": candidate})) == (0.0, "size of x")


@pytest.mark.parametrize("family", ["normal", "uniform", "standard_t", "exponential"])
def test_false_alarms_come_as_often_as_the_p_value_says(family):
    rng = np.random.default_rng(13)
    draw = {"standard_t": lambda: rng.standard_t(3, 512)}.get(
        family, lambda: getattr(rng, family)(size=512)
    )
    found = np.array([same_distribution(draw(), draw()) for _ in range(400)])
    # 4 and 20 are expected; 16 and 44 come once in 100,000 times.
    assert (found < 0.01).sum() < 16
    assert (found < 0.05).sum() < 44


def test_coordinates_that_hang_together_on_both_sides_are_no_difference():
    rng = np.random.default_rng(14)

    def side(together):
        x, y = rng.normal(size=(2, 4096))
        return np.stack([x, np.abs(x) * np.sign(y) if together else y, x**3], axis=1)

    assert min(same_dependence(side(True), side(True)).values()) > 1e-4
    moved = side(False)
    moved[:, 2] = rng.permutation(moved[:, 2])
    assert same_dependence(side(False), moved)[0, 2] < ALPHA


@pytest.mark.parametrize(
    ("options", "verdict"),
    [
        ({}, "PASS"),
        ({"noise": 0.125}, "FAIL"),
        ({"normal": True}, "FAIL"),
        ({"shared": True}, "FAIL"),
    ],
)
def test_the_starts_of_an_environment_of_floats(tmp_path, options, verdict):
    whole = replace(SUITE, candidate=lambda **given: KickedRotor(**options, **given))
    effort = replace(QUICK, lanes=64, resets=4096)
    request = Request(
        whole, "", effort, tmp_path, configs=("float32",), levels=("resets",), minimise=False
    )
    found = {c.name: c for c in verify(request, Silent()).checks}
    check = found["distribution of starts [float32]"]
    assert check.verdict == verdict, check.detail
    assert check.counts["tests"] == 3 + 3 + 2 + 6 + 3 + 14 * 13 // 2


@pytest.mark.parametrize(("start", "listed"), [("chance", 1), ("copy", 0)])
def test_a_chance_that_nobody_looks_at_is_listed(monkeypatch, start, listed):
    monkeypatch.setattr(chance, "can_probe", lambda side: True)
    report = SimpleNamespace(not_compared=[])
    suite = SimpleNamespace(start=start, chance_outcome=None)
    for _ in range(2):
        chance.run(SimpleNamespace(candidate=None, suite=suite, report=report))
    assert report.not_compared == [chance.UNNAMED] * listed
