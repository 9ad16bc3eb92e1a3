"""Slow environments are judged by default: less is compared, and the report says so."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from envlift.reference.types import ArraySpec, Record, SideSpec
from envlift.verify import verify
from envlift.verify.run import speed as speeds
from envlift.verify.run.result import Verdict
from envlift.verify.run.speed import FEWEST_STEPS, Speed, fitting, measure
from envlift.verify.suite import Suite
from envlift.verify.suite.effort import QUICK, Effort

FILE = Path(__file__).parents[1] / "envs" / "failing.py"


def of_step(seconds):
    return Speed(reset=seconds, step=2 * seconds, slower=seconds)


@pytest.mark.parametrize(
    ("seconds", "lanes"), [(2e-5, 64), (4e-4, 64), (0.01, 25), (0.1, 2), (1.0, 1), (60.0, 1)]
)
def test_slow_sides_play_fewer_lanes(seconds, lanes):
    assert of_step(seconds).lanes(64) == lanes


def test_usual_environments_are_compared_as_much_as_ever():
    """Also on a machine that is ten times slower than this one."""
    for seconds in (0.0, 1e-6, 4e-4):
        assert fitting(Effort(), of_step(seconds), {}) == (Effort(), "")


@pytest.mark.parametrize("effort", [Effort(), QUICK])
@pytest.mark.parametrize("seconds", [0.01, 0.1, 1.0])
def test_slow_ones_take_minutes_and_not_days(effort, seconds):
    speed = of_step(seconds)
    lanes = speed.lanes(effort.lanes)
    fitted, why = fitting(effort.of_config({}, {"lanes": lanes}), speed, {})
    limit = speeds.HURRY if effort.hurried else speeds.PATIENCE
    least = FEWEST_STEPS * lanes * speed.step
    assert fitted.transitions * speed.step <= max(limit, lanes * speed.step)
    assert fitted.min_steps * lanes * speed.step <= max(limit, least)
    assert fitted.max_steps <= 5 * fitted.min_steps
    assert fitted.min_ends == 1
    assert why.startswith("as much as usual: a step takes")
    assert "min_steps" in why


def test_what_was_asked_for_is_not_lowered():
    asked = {"lanes": 64, "max_steps": 5_000, "min_ends": 3}
    fitted, why = fitting(Effort().of_config({}, asked), of_step(0.1), asked)
    assert (fitted.max_steps, fitted.min_ends) == (5_000, 3)
    assert "max_steps" not in why.partition(";")[0]


@pytest.fixture
def hurried(monkeypatch):
    monkeypatch.setattr(speeds, "HURRY", 1.0)
    monkeypatch.setattr(speeds, "TOGETHER", 0.02)


def pair(tmp_path, candidate):
    path = tmp_path / "suite.py"
    path.write_text(
        "from envlift.verify.suite import Suite\n"
        f'SUITE = Suite("slow", "python:{FILE}:Slow", "python:{FILE}:{candidate}", start="seed")\n'
    )
    return str(path)


def test_a_slow_pair_passes_and_says_how_little_was_compared(hurried, tmp_path):
    report = verify(pair(tmp_path, "Slow"), quick=True, levels=["L3"])
    assert report.verdict is Verdict.PASS, report.scope
    told = report.not_verified
    (few,) = [line for line in told if "episodes side by side, of 16" in line]
    assert "a step takes" in few
    assert any(line.startswith("as much as usual: a step takes") for line in told)
    (played,) = [c for c in report.checks if c.name.startswith("lockstep")]
    assert played.counts["lanes"] < 16
    assert 0 < played.counts["steps"] < 16 * 256
    assert played.counts["episodes"] > 0
    assert report.repeat_with == [f"--lanes {played.counts['lanes']}"]


def test_a_slow_candidate_that_is_wrong_still_fails(hurried, tmp_path):
    report = verify(
        pair(tmp_path, "SlowWrong"), quick=True, levels=["L3"], fixtures=tmp_path / "kept"
    )
    assert report.verdict is Verdict.FAIL
    (failed,) = [check for check in report.checks if check.verdict is Verdict.FAIL]
    assert failed.divergence is not None
    assert failed.divergence.field == "reward"
    assert failed.fixture is not None


def test_a_levels_chance_does_not_hang_on_what_ran_before(tmp_path):
    path = tmp_path / "suite.py"
    path.write_text(
        "from envlift.verify.suite import Field, Suite\n"
        f'SUITE = Suite("w", "python:{FILE}:Walk", "python:{FILE}:Wrong",\n'
        '    state=(Field("x"), Field("gone")))\n'
    )
    kept = {"fixtures": tmp_path / "kept", "seed": 11, "quick": True, "lanes": 2}
    found = []
    for levels in (["L3"], ["L2", "L3"]):
        report = verify(str(path), levels=levels, **kept)
        (check,) = [c for c in report.checks if c.level == "L3" and c.divergence is not None]
        found.append(check.divergence)
    assert found[0] == found[1]


class Moody:
    """A side whose first step takes long, as on a machine that was busy just then."""

    num_lanes = 4
    spec = SideSpec("moody", ArraySpec((), "int64"), ArraySpec((), "int64"), num_actions=2)

    def __init__(self, *pauses):
        self.pauses = list(pauses)

    def reset(self, seeds, chance=None):
        return Record(seeds, {})

    def step(self, actions, chance=None, reset_seeds=None):
        time.sleep(self.pauses.pop(0) if self.pauses else 0.0)
        return Record(actions, {})


def test_one_slow_step_does_not_make_a_side_slow():
    suite = Suite("w", "python:a:B", "python:a:C", start="seed")
    assert measure(suite, (Moody(0.3), Moody(0.3, 0.3))).step < speeds.SLOW
    slow = measure(suite, (Moody(*[0.05] * 9), Moody()))
    assert slow.step > 0.01
    assert slow.slower > 0.01
