"""A pair that nobody has described: what it is compared by follows from both sides."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envlift.reference.types import ArraySpec, SideSpec
from envlift.verify.run.context import QUICK
from envlift.verify.run.result import Verdict
from envlift.verify.suite import Config, default_suite, for_pair
from tests.verify.inside import verify_inside

SMALL = replace(QUICK, lanes=8, transitions=256, resets=64, min_steps=200, min_ends=0)


def pendulum(monkeypatch, candidate):
    names = "gymnasium:Pendulum-v1", f"gymnasium:tests.verify.envs.corners:{candidate}32-v0"
    return verify_inside(monkeypatch, *names, effort=SMALL, levels=("L2", "L3"))


def test_the_same_rules_in_float32_pass(monkeypatch):
    report = pendulum(monkeypatch, "Pendulum")
    assert report.verdict is Verdict.PASS, report.checks
    assert any("one side keeps float32" in sentence for sentence in report.not_verified)
    assert any("copied every 8 steps" in sentence for sentence in report.not_verified)


@pytest.mark.parametrize("candidate", ["Light", "Fast"])
def test_other_rules_in_float32_fail(monkeypatch, candidate):
    assert pendulum(monkeypatch, candidate).verdict is Verdict.FAIL


def spec(state, dtype="float64"):
    array = ArraySpec((2,), dtype)
    return SideSpec("x", array, ArraySpec((), "int64"), 2, state=dict.fromkeys(state, array))


def test_states_of_other_names_are_not_compared_and_the_report_says_so():
    suite = default_suite("a", "b", spec(["here"]))
    suite, _, told = for_pair(suite, Config("default"), spec(["here"]), spec(["there"]))
    assert suite.state == ()
    assert suite.start == "seed"
    assert "the two states have other fields (here and there)" in told[0]


def test_equal_precisions_are_held_to_the_tolerance_without_drift():
    suite = default_suite("a", "b", spec(["here"]))
    suite, config, told = for_pair(suite, Config("default"), spec(["here"]), spec(["here"]))
    assert (suite.state[0].atol, suite.state[0].drift) == (1e-6, 1.0)
    assert config.resync is None
    assert told == ()
