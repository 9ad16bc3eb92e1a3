"""P-values of independence: right for rare values too, and small where one number makes another."""

from __future__ import annotations

import numpy as np
import pytest

from envlift.verify.levels.draws.independence import columns, independence, weakest
from envlift.verify.levels.draws.resets import ALPHA

ROWS = 512


def draw(kind, rng):
    return {
        "coin": lambda: rng.integers(0, 2, ROWS),
        "normal": lambda: rng.normal(size=ROWS),
        "rare": lambda: rng.random(ROWS) < 5 / ROWS,
        "score": lambda: np.where(rng.random(ROWS) < 0.3, 20, rng.integers(0, 21, ROWS)),
        "counter": lambda: np.exp2(rng.uniform(0, 31, ROWS)).astype(int),
    }[kind]().astype(float)


KINDS = ("coin", "normal", "rare", "score", "counter")


def test_independent_columns_raise_no_alarm():
    rng = np.random.default_rng(0)
    found = [
        independence(draw(one, rng), draw(other, rng))
        for _ in range(12)
        for one in KINDS
        for other in KINDS
    ]
    assert min(found) > 1e-4
    # Two rare values that meet once by chance are six standard deviations of a correlation.
    one, other = np.zeros((2, ROWS))
    one[:3], other[2:6] = 1.0, 1.0
    assert independence(one, other) == 1.0


@pytest.mark.parametrize(
    "made",
    [
        lambda x, rng: x + 3 * rng.normal(size=ROWS),
        lambda x, rng: np.abs(x),
        lambda x, rng: np.where(x > 0.5, 1.0, rng.integers(0, 2, ROWS)),
    ],
)
def test_a_number_made_of_another_is_seen(made):
    rng = np.random.default_rng(1)
    x = rng.normal(size=ROWS)
    assert independence(x, made(x, rng)) < ALPHA


def test_a_single_score_that_matters_is_seen():
    rng = np.random.default_rng(2)
    score = draw("score", rng)
    serve = np.where(score == 20, 1, draw("coin", rng))
    smallest, label, tests = weakest(
        {"score": score, "x": rng.normal(size=(ROWS, 3))},
        {"serve": serve, "constant": np.zeros(ROWS)},
        rng,
    )
    assert (label, tests) == ("serve with score", 4)
    assert smallest < ALPHA


def test_of_an_image_some_coordinates_are_drawn():
    rng = np.random.default_rng(3)
    found = columns({"image": rng.normal(size=(8, 20, 20)), "state": rng.normal(size=8)}, rng)
    assert len(found) == 48
    assert all(values.shape == (8,) for values in found.values())
    assert any(label.startswith("image[") for label in found)
