"""The first observation of an episode is compared in every way of starting one."""

from __future__ import annotations

import warnings
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import scipy

from envlift.verify.engine.two_sample import ALPHA, same_given, same_joint, smirnov
from envlift.verify.levels.asking import kinship
from envlift.verify.levels.draws import resets, starts
from envlift.verify.run.context import QUICK
from envlift.verify.run.result import Verdict
from envlift.verify.suite import Field, Suite
from tests.verify.inside import verify_inside

PLACE = "gymnasium:tests.verify.envs.beginnings:"
SMALL = replace(QUICK, lanes=8, resets=256, min_steps=64, max_steps=256)
FAULTS = ("Zeros", "Turned", "Before", "Late")
WAYS = {
    # Ways of starting: states copied; the same, from other seeds; by seed; each for itself.
    "copied": "",
    "copied from another generator": "Foreign",
    "by seed": "Hidden",
    "apart": "HiddenForeign",
}


def first_observations(monkeypatch, kind, way):
    hidden = "Hidden" if "Hidden" in WAYS[way] else ""
    # The other checks of starts look at each of 7,056 pixels by itself, which takes long.
    monkeypatch.setattr(resets, "run", lambda context: None)
    names = f"{PLACE}Square{hidden}-v0", f"{PLACE}{kind}{WAYS[way]}-v0"
    report = verify_inside(monkeypatch, *names, effort=SMALL, levels=("resets",))
    return [check for check in report.checks if check.name.startswith("first observations")]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", FAULTS)
def test_a_wrong_first_observation_fails_however_an_episode_starts(monkeypatch, kind, way):
    found = first_observations(monkeypatch, kind, way)
    assert Verdict.FAIL in [check.verdict for check in found], found


@pytest.mark.parametrize("way", WAYS)
def test_right_ones_pass_and_the_report_says_how_they_were_compared(monkeypatch, way):
    found = first_observations(monkeypatch, "Square", way)
    assert {check.verdict for check in found} <= {Verdict.PASS, Verdict.SKIPPED}, found
    assert found[0].verdict is Verdict.PASS
    alone = "another generator" in way or way == "apart"
    assert ("as distributions" if alone else "equal seeds give equal") in found[0].detail


def test_alike_samples_are_told_apart_no_more_often_than_promised():
    """A thousand pairs, once, gave p = 0.003 at the least and 0.5 % below 0.01; here are forty."""
    rng = np.random.default_rng(5)
    kinds = (
        lambda n: rng.normal(size=(n, 6)),
        lambda n: rng.integers(0, 16, (n, 3)),
        lambda n: rng.standard_cauchy((n, 4)),
        lambda n: (rng.random((n, 5)) < 0.02).astype(float),
    )
    found = [same_joint(kind(256), kind(256), rng) for kind in kinds for _ in range(10)]
    assert min(found) > 1e-3


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows * 1.5,
        lambda rows: rows + 0.5,
        lambda rows: np.concatenate([np.roll(rows[:, :1], 1, axis=0), rows[:, 1:]], axis=1),
        lambda rows: np.where(rows == rows[:, :1], np.nan, rows),
    ],
)
def test_samples_that_are_not_alike_are_told_apart(change):
    rng = np.random.default_rng(6)
    first = rng.uniform(-1, 1, (2, 1024, 1))
    ours, theirs = np.concatenate([first, np.cos(3 * first)], axis=-1)
    assert same_joint(ours, change(theirs), rng) < ALPHA
    assert same_joint(ours, theirs, rng) > ALPHA


def test_what_goes_with_what_is_told_apart_and_alike_samples_are_not():
    """Forty alike pairs; then observations that belong to the row before."""
    rng = np.random.default_rng(9)

    def sample(n, shift=0):
        state = rng.uniform(-1, 1, (n, 2))
        shown = np.concatenate([np.cos(3 * state), state > 0], axis=1)
        return state, np.roll(shown, shift, axis=0) + 0.05 * rng.normal(size=shown.shape)

    alike = [same_given(sample(256), sample(256), rng) for _ in range(40)]
    assert min(alike) > 1e-3
    assert same_given(sample(256), sample(256, shift=1), rng) < ALPHA
    assert same_given(sample(15), sample(256, shift=1), rng) == 1.0


def test_a_number_that_cannot_be_had_exactly_is_had_nearly_without_a_word(monkeypatch):
    """SciPy warns of it, which nobody who compares environments can do anything about."""
    exact = scipy.stats.ks_2samp

    def nearly(ours, theirs):
        warnings.warn("ks_2samp: Exact calculation unsuccessful.", RuntimeWarning, stacklevel=2)
        return exact(ours, theirs, method="asymp")

    monkeypatch.setattr(scipy.stats, "ks_2samp", nearly)
    rng = np.random.default_rng(7)
    ours, theirs = rng.normal(size=256), rng.normal(size=512)
    assert smirnov(ours, theirs).pvalue > ALPHA
    assert smirnov(ours, theirs * 9).pvalue < ALPHA


def started(observation):
    nothing = np.zeros(len(observation))
    return starts._Starts(observation, {}, nothing, observation, nothing)


def of_suite(atol):
    wide = Field("observation", atol=atol, rtol=0.0, drift=1.0, reason="wide")
    return SimpleNamespace(suite=Suite(name="wide", reference="", candidate="", observation=wide))


@pytest.mark.parametrize("n", [4, 8, 64])
def test_starts_that_agree_by_a_wide_tolerance_alone_are_not_those_of_equal_seeds(n):
    """gymnax's Acrobot, whose starts are within 0.1, failed with 2 of 4 starts that differ."""
    context, rng = of_suite(atol=0.1), np.random.default_rng(3)
    drawn = (started(rng.uniform(-0.1, 0.1, (n, 2))) for _ in range(600))
    agree = [starts._seeds_agree(context, one, next(drawn)) for one in drawn]
    assert len(agree) == 300
    assert not any(agree)


@pytest.mark.parametrize(("n", "wrong"), [(6, 1), (64, 20)])
def test_equal_seeds_are_noticed_where_some_starts_are_wrong(n, wrong):
    ours = np.random.default_rng(4).uniform(-1, 1, (n, 2))
    theirs = ours.copy()
    theirs[:wrong] *= -1
    assert starts._seeds_agree(of_suite(atol=1e-3), started(ours), started(theirs))
    context, check = of_suite(atol=1e-3), SimpleNamespace(counts={}, detail="", verdict=None)
    assert context.suite.start == "copy"
    pairs = started(ours), started(theirs)
    starts._decide(context, check, False, pairs, pairs, [])
    assert check.verdict is Verdict.FAIL
    assert f"{wrong} of {n} first observations or states differ" in check.detail


@pytest.mark.parametrize("same", [True, False])
def test_two_generators_are_told_apart_where_every_start_is_within_the_tolerance(same):
    rng = np.random.default_rng(5)
    ours = rng.uniform(-0.01, 0.01, (1, 64, 3))
    theirs = ours + 1e-5 if same else rng.uniform(-0.01, 0.01, (1, 64, 3))
    shown = [
        kinship._Shown(values, np.zeros((0, 64)), np.ones((1, 64), np.bool_))
        for values in (ours, theirs)
    ]
    wide = of_suite(atol=0.1).suite.observation
    assert kinship.judge(*shown, wide, wide).by_seed is same
