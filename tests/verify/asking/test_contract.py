"""The whole contract is compared, or listed as not compared: how an environment returns things."""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import SimpleNamespace

import pytest

from envlift.reference.bridge.environment import GymnasiumReference
from envlift.reference.bridge.returned import OUTSIDE
from envlift.reference.failure import CandidateFailure, ReferenceFailure
from envlift.reference.lanes import LaneError, Lanes
from envlift.reference.types import Record
from envlift.reference.wire import RETURNABLE
from envlift.verify.engine.contract import IDS, PARTS, mark
from envlift.verify.levels.asking.contract import _compare_notes
from envlift.verify.run import session
from envlift.verify.run.context import Effort
from envlift.verify.run.progress import Silent
from envlift.verify.run.result import Check, Report, Verdict
from envlift.verify.run.session import Request, verify
from envlift.verify.sides import candidates
from envlift.verify.suite import Config, Field, PairError, Suite

HERE = Path(__file__).parents[1] / "envs"
EFFORT = Effort(lanes=4, min_steps=64, max_steps=256, min_ends=2, transitions=32, examples=4)


class Here:
    """A side of the Gymnasium bridge without a process of its own, which takes long to start."""

    def __init__(self, launch: str, *, num_lanes: int, role: str = "reference", **_: object):
        self.lanes = Lanes(GymnasiumReference, num_lanes, {"id": launch.partition(":")[2]})
        self.spec, self.num_lanes, self.alive = self.lanes.spec, num_lanes, True
        self.legal_actions, self.close = self.lanes.legal_actions, self.lanes.close
        self.get_state, self.set_state = self.lanes.get_state, self.lanes.set_state
        self.call = self.lanes.call
        self.coverage = self.lanes.coverage
        self._failure = ReferenceFailure if role == "reference" else CandidateFailure

    def reset(self, seeds, chance=None):
        return self._record(self.lanes.reset, seeds, chance)

    def step(self, actions, chance=None, reset_seeds=None):
        return self._record(self.lanes.step, actions, chance, reset_seeds)

    def notes(self):
        return {kind: (count, first) for kind, (count, first) in self.lanes.notes().items()}

    def _record(self, ask, *given):
        try:
            return Record(**{"state": {}, **ask(*given, RETURNABLE)})
        except LaneError as error:
            raise self._failure(str(error.__cause__)) from error


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.setattr(session, "open_reference", Here)
    monkeypatch.setattr(candidates, "open_reference", Here)

    def run(reference: str, candidate: str, **suite: object) -> Report:
        pair = [f"gymnasium:returning:returning/{name}-v0" for name in (reference, candidate)]
        close = Field("observation", atol=1e-6, reason="one is wider")
        declared = Suite(
            "t", *pair, observation=close, start="seed", configs=(Config("default"),), **suite
        )
        request = Request(declared, "t", EFFORT, tmp_path, levels=("L1", "L3"), minimise=False)
        return verify(request, Silent())

    return run


def told(report: Report) -> str:
    return "\n".join(check.detail for check in report.checks if check.verdict is Verdict.FAIL)


def listed(report: Report) -> set[str]:
    """The parts of the contract that a report lists as not compared."""
    return {
        part.id for part in PARTS if any(line.startswith(part.what) for line in report.not_compared)
    }


@pytest.mark.parametrize(
    ("candidate", "says"),
    [
        ("Outside", "an observation is outside of its space"),
        ("Wide", "observation is float64, its space float32"),
        ("Listed", "observation is a list, its space gives arrays"),
        ("Shared", "changed the observation that was returned before"),
        ("RewardArray", "a reward is an array"),
        ("OtherInfo", "info.x differs"),
        ("OtherText", "info.name differs"),
        ("Unseeded", "resets without a seed"),
        ("SeedZero", "observation"),
    ],
)
def test_what_the_candidate_alone_does_is_a_difference(run, candidate: str, says: str) -> None:
    report = run("Right", candidate)
    assert report.verdict is Verdict.FAIL
    assert says in told(report) + "".join(c.name for c in report.checks if c.divergence)


@pytest.mark.parametrize("name", ["Outside", "Wide", "Shared", "RewardArray"])
def test_what_both_sides_do_is_noticed_and_no_difference(run, name: str) -> None:
    report = run(name, name)
    assert report.verdict is Verdict.PASS, told(report)
    assert any(line.startswith("both sides: ") for line in report.noticed)


def test_what_is_odd_but_harmless_is_noticed(run) -> None:
    report = run("Right", "RewardInt")
    assert report.verdict is Verdict.PASS, told(report)
    assert any("the candidate: a reward is a whole number" in line for line in report.noticed)
    report = run("Right", "Global")
    assert report.verdict is Verdict.PASS, told(report)
    assert any("the global random generator is used" in line for line in report.noticed)


@pytest.mark.parametrize(
    ("start", "count", "verdict"),
    [("apart", 23, "PASS"), ("apart", 24, "FAIL"), ("seed", 1, "FAIL")],
)
def test_what_comes_seldom_may_come_to_one_side_alone(start, count, verdict) -> None:
    """Where each side draws for itself; where both draw alike, once is a difference."""
    report = Report("s", "r", "c", 0)
    check = Check("L3", "returned", Verdict.INCONCLUSIVE, "")
    told = {OUTSIDE: (count, "lane 0: 2.0 is above 1.0")}
    context = SimpleNamespace(
        reference=SimpleNamespace(notes=dict),
        candidate=SimpleNamespace(notes=lambda: told),
        suite=SimpleNamespace(start=start),
        report=report,
        reasons={},
        check=lambda level, name: contextlib.nullcontext(check),
    )
    _compare_notes(context)
    assert check.verdict == verdict
    assert any("outside" in line for line in report.noticed) == (verdict == "PASS")


def test_an_action_that_is_changed_in_place_is_a_difference(run) -> None:
    report = run("Vector", "Grabbing")
    assert report.verdict is Verdict.FAIL
    assert "the action is changed in place" in told(report)


def test_actions_out_of_range_are_played_where_the_reference_clips_them(run) -> None:
    report = run("Vector", "NotClipped")
    assert report.verdict is Verdict.FAIL
    assert report.actions["action[0]"]["above the bounds"] > 0
    assert run("Vector", "NotClipped", out_of_range=False).verdict is Verdict.PASS
    right = run("NotClipped", "NotClipped")
    assert right.verdict is Verdict.PASS, told(right)
    assert right.actions["action[0]"]["above the bounds"] == 0
    assert any("does not simply clip" in line for line in right.not_compared)


def test_a_mask_that_binds_is_obeyed_and_compared(run) -> None:
    report = run("Masked", "Masked")
    assert report.verdict is Verdict.PASS, told(report)
    assert report.actions["action"]["1"] > 0
    report = run("Masked", "OtherMask")
    assert report.verdict is Verdict.FAIL
    assert "action_mask" in told(report)


def test_every_part_of_the_contract_is_compared_or_listed(run) -> None:
    for report in (run("Right", "Right"), run("Right", "LessInfo"), run("Vector", "Vector")):
        assert set(report.compared) <= IDS
        assert set(report.compared) | listed(report) == IDS
        assert not set(report.compared) & listed(report)
    assert {"observation", "info", "returned", "unseeded", "seed_0"} <= set(report.compared)
    assert "out_of_range" in report.compared


def test_info_of_one_side_is_listed(run) -> None:
    report = run("Right", "LessInfo")
    assert report.verdict is Verdict.PASS, told(report)
    assert "info 'name' (only the reference gives it)" in report.not_compared


def test_a_comparison_cannot_mark_what_is_not_in_the_list() -> None:
    with pytest.raises(KeyError, match="the contract has no part 'colour'"):
        mark(Report("t", "r", "c", 0), "colour", "looked at")


def test_the_report_counts_every_choice(run) -> None:
    report = run("Right", "Right")
    assert set(report.actions["action"]) == {"0", "1", "2"}
    assert min(report.actions["action"].values()) > 0
    assert report.to_json()["actions"] == report.actions


def test_a_space_that_cannot_be_played_is_a_slip_on_either_side(run) -> None:
    for pair in (("Graphs", "Right"), ("Right", "Graphs")):
        with pytest.raises(PairError, match="cannot be written as one array of fixed shape"):
            run(*pair)
