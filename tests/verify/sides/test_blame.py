"""Whose fault it was: the candidate's is FAIL, the reference's is INCONCLUSIVE."""

from __future__ import annotations

import pytest

from envlift.verify import verify
from envlift.verify.run.result import Verdict

GAMES = """
import os
import time
import numpy as np
from envlift.reference.types import ArraySpec, SideSpec


class Game:
    fault = ""

    def spec(self):
        return SideSpec(
            name=self.fault or "fine",
            observation=ArraySpec((2,), "float32"),
            action=ArraySpec((), "int32"),
            num_actions=2,
        )

    def reset(self, seed):
        self.n = 0
        return self.seen()

    def seen(self):
        observation = np.array([self.n, -self.n], np.float32)
        if self.n == 5 and self.fault in ("nan", "inf"):
            observation[1] = float(self.fault)
        return observation

    def step(self, action):
        self.n += 1
        if self.n == 5 and self.fault == "raises":
            raise KeyError("lost")
        if self.n == 5 and self.fault == "dies":
            os._exit(0)
        if self.n == 5 and self.fault == "hangs":
            time.sleep(600)
        observation = self.seen()
        if self.n == 5 and self.fault == "dtype":
            observation = observation.astype(np.float64)
        if self.n == 5 and self.fault == "shape":
            observation = observation[:1]
        return observation, 0.0, self.n >= 9, False


class Raises(Game):
    fault = "raises"


class Dies(Game):
    fault = "dies"


class Hangs(Game):
    fault = "hangs"


class Nan(Game):
    fault = "nan"


class Inf(Game):
    fault = "inf"


class Dtype(Game):
    fault = "dtype"


class Shape(Game):
    fault = "shape"
"""

SUITE = """
from envlift.verify.suite import Suite
SUITE = Suite(name="t", reference="python:x:y", candidate="python:x:y", start="seed")
"""

FAULTS = [
    ("Raises", "KeyError: 'lost'"),
    ("Dies", "ended with exit status 0"),
    ("Hangs", "no answer within"),
    ("Dtype", "the spec says float32"),
    ("Shape", "has the shape (1,), the spec says (2,)"),
]


@pytest.fixture
def judge(tmp_path):
    (tmp_path / "games.py").write_text(GAMES)
    (tmp_path / "suite.py").write_text(SUITE)

    def run(reference, candidate):
        return verify(
            f"python:{tmp_path / 'games.py'}:{reference}",
            f"python:{tmp_path / 'games.py'}:{candidate}",
            suite=str(tmp_path / "suite.py"),
            levels=["L3"],
            quick=True,
            lanes=2,
            timeout=1.0,
            fixtures=tmp_path / "fixtures",
        )

    return run


def told(report):
    return " ".join(check.detail for check in report.checks if check.verdict is not Verdict.PASS)


@pytest.mark.parametrize(("fault", "says"), FAULTS)
def test_a_candidate_that_breaks_has_failed(judge, fault, says):
    report = judge("Game", fault)
    assert report.verdict is Verdict.FAIL
    assert "the candidate failed in `step`" in told(report)
    assert says in told(report)
    assert "the reference failed" not in told(report)


@pytest.mark.parametrize(("fault", "says"), FAULTS)
def test_a_reference_that_breaks_leaves_the_question_open(judge, fault, says):
    report = judge(fault, "Game")
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "the reference failed in `step`" in told(report)
    assert says in told(report)
    assert "the candidate failed" not in told(report)


@pytest.mark.parametrize("fault", ["Nan", "Inf"])
def test_nan_and_infinity_are_judged_beside_the_other_side(judge, fault):
    alone = judge("Game", fault)
    assert alone.verdict is Verdict.FAIL
    assert "observation[1] differs at step 5" in told(alone)
    both = judge(fault, fault)
    assert both.verdict is Verdict.PASS
    assert any("the reference answered NaN or infinity" in line for line in both.not_verified)


def test_nan_of_the_reference_alone_is_not_the_candidates_fault(judge):
    report = judge("Nan", "Game")
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "the reference failed in `step`" in told(report)
    assert "observation[1] is nan, the candidate has -5.0" in told(report)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("gymnasium:CartPol-v1", "knows no environment 'CartPol-v1'.*near ones: CartPole-v1"),
        ("python:no.such.module:Game", "there is no module 'no'"),
        ("python:games_of_mine.py:Game", "there is no file"),
    ],
)
def test_a_candidate_that_does_not_exist_is_a_slip_and_no_verdict(name, says):
    with pytest.raises(ValueError, match=rf"the candidate cannot be opened: .*{says}"):
        verify("gymnasium:CartPole-v1", name, quick=True)
