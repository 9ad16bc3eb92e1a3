"""Starts that show much are compared in a short time, and a difference is seen all the same."""

from __future__ import annotations

import time

import numpy as np
import pytest

from envlift.reference.types import ArraySpec, SideSpec
from envlift.verify.engine.lockstep import CHUNK, MOST_BYTES, most_steps
from envlift.verify.levels.draws.resets import ALPHA, _shares, compare_starts
from envlift.verify.levels.draws.wide import DRAWN, SUMS, WIDE, distributed, narrowed, wide_text

SIZE = (96, 96, 3)


def images(seed, count=256, high=200):
    """A bright square at a random place of a dark image."""
    rng = np.random.default_rng(seed)
    shown = np.zeros((count, *SIZE), np.uint8)
    for image, (row, column) in zip(shown, rng.integers(0, 80, (count, 2)), strict=True):
        image[row : row + 8, column : column + 8] = high
    return shown


def smallest(reference, candidate):
    ours, theirs = (narrowed({"observation": v}, 5) for v in (reference, candidate))
    found = compare_starts(distributed(ours), distributed(theirs))
    return min(found)[0] * len(found)


def test_what_is_not_wide_stays_as_it_is():
    rows = {"x": np.arange(6).reshape(3, 2), "y": np.zeros((3, WIDE))}
    assert narrowed(rows, 1) == rows
    assert wide_text(narrowed(rows, 1)) == ""


def test_a_wide_field_is_drawn_from_summed_and_hashed():
    rows = narrowed({"observation": images(0, 4)}, 1)
    assert rows["observation"].shape == (4, DRAWN)
    assert rows["signed sums of observation"].shape == (4, SUMS)
    assert rows["hash of observation"].shape == (4,)
    assert set(distributed(rows)) == {"observation", "signed sums of observation"}
    assert wide_text(rows) == "512 coordinates and 8 sums over all of observation"


def test_both_sides_and_all_batches_are_drawn_alike():
    shown = images(0, 6)
    whole = narrowed({"o": shown}, 3)
    halves = [narrowed({"o": part}, 3) for part in (shown[:3], shown[3:])]
    for name, values in whole.items():
        assert np.array_equal(values, np.concatenate([half[name] for half in halves])), name


def test_one_pixel_makes_two_starts():
    shown = images(0, 2)
    shown[1] = shown[0]
    assert len(_shares(narrowed({"o": shown}, 1))) == 1
    shown[1, 50, 50, 1] += 1
    assert len(_shares(narrowed({"o": shown}, 1))) == 2


def test_equal_distributions_agree_and_others_do_not():
    for seed in range(4):
        assert smallest(images(seed), images(1_000 + seed)) > ALPHA
    assert smallest(images(1), images(2, high=220)) < ALPHA
    lined = images(2)
    lined[:, 90, 10] = 255
    assert smallest(images(1), lined) < ALPHA, "a dot of three numbers of 27,648"


def test_it_does_not_take_long():
    """Four thousand starts of 210 x 160 x 3 took a quarter of an hour."""
    shown = np.random.default_rng(0).integers(0, 255, (64, 210, 160, 3), dtype=np.uint8)
    started = time.process_time()
    rows = narrowed({"observation": shown}, 1)
    assert time.process_time() - started < 5
    assert sum(values.nbytes for values in rows.values()) < 64 * 10_000


@pytest.mark.parametrize(
    ("shape", "lanes", "steps"),
    [
        ((4,), 64, True),
        ((96, 96, 3), 64, False),
        ((210, 160, 3), 64, False),
        ((9_000, 9_000), 64, 1),
    ],
)
def test_an_exchange_is_bounded_in_bytes(shape, lanes, steps):
    spec = SideSpec("s", ArraySpec(shape, "uint8"), ArraySpec((), "int64"), num_actions=2)
    most = most_steps(spec, lanes)
    assert most >= 1
    if steps is True:
        assert most > CHUNK
    elif steps == 1:
        assert most == 1
    else:
        assert most < CHUNK
        assert most * lanes * np.prod(shape) <= MOST_BYTES
