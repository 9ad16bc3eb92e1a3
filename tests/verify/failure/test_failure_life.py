"""A difference that was found is never lost: every kind of pair, from FAIL to repro."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from envlift.cli import main
from envlift.verify import verify
from envlift.verify.failure.case import Case, read_cases, write_case
from envlift.verify.run.context import Context
from envlift.verify.run.result import Verdict

FILE = Path(__file__).parents[1] / "envs" / "failing.py"

SUITE = """
from envlift.verify.suite import Field, Suite

SUITE = Suite(
    name="walk",
    reference="python:{file}:{reference}",
    candidate="python:{file}:{candidate}",
    {more}
)
"""
STATE = 'state=(Field("x"), Field("gone")),'
CHANCE = 'start="chance", draw_chance=lambda rng, shape: rng.integers(0, 5, shape),'
NAMES = """
    to_candidate=lambda s: {"place": s["x"], "left": 12 - s["gone"]},
    to_reference=lambda s: {"x": s["place"], "gone": 12 - s["left"]},
"""

PAIRS = {
    "both have a state, which is copied": ("Walk", "Wrong", STATE),
    "both have a state, by seed": ("Walk", "Wrong", STATE + 'start="seed",'),
    "only the reference has a state": ("Walk", "StatelessWrong", 'start="seed",'),
    "only the candidate has a state": ("Stateless", "Wrong", 'start="seed",'),
    "neither has a state": ("Stateless", "StatelessWrong", 'start="seed",'),
    "a chance tape": ("Drawn", "DrawnWrong", STATE + CHANCE),
    "a chance tape and no state": ("Drawn", "DrawnStatelessWrong", CHANCE),
    "a state that cannot be set": ("Walk", "Stubborn", 'start="seed",'),
    "other names of the state": ("Walk", "Renamed", STATE + NAMES),
    "something outlives a reset, by seed": ("Stateless", "Leaking", 'start="seed",'),
    "something outlives a reset, copied": ("Walk", "Leaking", STATE),
}


@pytest.fixture
def suite_file(tmp_path):
    def write(reference, candidate, more):
        path = tmp_path / "suite.py"
        text = SUITE.format(file=FILE, reference=reference, candidate=candidate, more=more)
        path.write_text(text)
        return str(path)

    return write


@pytest.mark.parametrize("kind", PAIRS)
def test_verify_fails_and_repro_shows_the_same_field(kind, suite_file, tmp_path, capsys):
    suite = suite_file(*PAIRS[kind])
    report = tmp_path / "report.json"
    arguments = ["--quick", "--level", "L3", "--lanes", "2"]
    kept = ["--fixtures", str(tmp_path / "kept"), "--json", str(report)]
    assert main(["verify", suite, *arguments, *kept]) == 1
    capsys.readouterr()
    (failed,) = [c for c in json.loads(report.read_text())["checks"] if c["verdict"] == "FAIL"]
    assert failed["divergence"]["field"] == "reward"
    assert failed["fixture"], failed["detail"]
    assert main(["repro", failed["fixture"]]) == 1
    shown = capsys.readouterr().out
    assert "reward at step" in shown
    assert "reference 1, candidate 3" in shown


def test_repro_shows_terminated_and_truncated_apart(suite_file, tmp_path, capsys):
    suite = suite_file("Walk", "Wrong", STATE)
    verify(suite, quick=True, levels=["L3"], lanes=2, fixtures=tmp_path / "kept")
    (fixture,) = (tmp_path / "kept").iterdir()
    assert main(["repro", str(fixture)]) == 1
    (head,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("step")]
    assert head.index("terminated") < head.index("truncated")


def test_a_minimiser_that_breaks_does_not_take_the_failure_with_it(
    suite_file, tmp_path, monkeypatch
):
    def broken(*_, **__):
        raise KeyError("a bug of the minimiser")

    monkeypatch.setattr("envlift.verify.run.context.minimise", broken)
    suite = suite_file("Walk", "Wrong", STATE)
    report = verify(suite, quick=True, levels=["L3"], lanes=2, fixtures=tmp_path / "kept")
    assert report.verdict is Verdict.FAIL
    (check,) = [check for check in report.checks if check.verdict is Verdict.FAIL]
    assert check.divergence is not None
    assert "could not be minimised: 'a bug of the minimiser'" in check.detail


def test_a_folder_that_cannot_be_written_costs_the_fixture_alone(suite_file, tmp_path):
    taken = tmp_path / "kept"
    taken.write_text("a file, where a folder should be")
    suite = suite_file("Walk", "Wrong", STATE)
    report = verify(suite, quick=True, levels=["L3"], lanes=2, fixtures=taken)
    assert report.verdict is Verdict.FAIL
    (check,) = [check for check in report.checks if check.verdict is Verdict.FAIL]
    assert check.fixture is None
    assert "its case could not be written" in check.detail
    assert "--fixtures" in check.detail


minimise_whole = Context._minimise


def test_a_difference_that_a_lane_alone_does_not_show_names_the_run(suite_file, tmp_path):
    def lonely(self, divergence, history):
        return minimise_whole(self, divergence, dataclasses.replace(history, whole=False))

    suite = suite_file("Walk", "Wrong", 'start="seed",')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Context, "_minimise", lonely)
        patch.setattr("envlift.verify.failure.minimise.MAX_TRIALS", 0)
        report = verify(suite, quick=True, levels=["L3"], lanes=2, fixtures=tmp_path / "kept")
    (check,) = [check for check in report.checks if check.verdict is Verdict.FAIL]
    assert "a replay of the lane alone does not show it" in check.detail
    assert f"--seed {report.seed}" in check.detail


@pytest.mark.parametrize("name", ["a/b\\c: d", "ä" * 300, "final observation[0, 1]", "..", ""])
def test_any_name_of_a_field_gives_a_file(name, tmp_path):
    case = Case(suite="suite.py", config="default", actions=[0])
    path = write_case(tmp_path / "new" / "folder", case, name)
    assert path.parent == tmp_path / "new" / "folder"
    assert read_cases(path) == [case]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "its format is not 1"),
        ("[]", "it is no JSON object but a list"),
        ("{", "is not a recorded case"),
        ('{"format": 1}', "missing"),
        ('{"format": 1, "suite": "s", "config": "c", "actions": []}', "it has no list of actions"),
        ('{"format": 1, "suite": "s", "config": "c", "actions": [0], "odd": 1}', "odd"),
        ("", "holds no recorded case"),
    ],
)
def test_what_is_no_case_is_refused_in_a_sentence(text, message, tmp_path, capsys):
    path = tmp_path / "case.jsonl"
    path.write_text(text)
    assert main(["repro", str(path)]) == 4
    assert message in capsys.readouterr().err


def test_a_folder_is_no_file_of_cases(tmp_path, capsys):
    assert main(["repro", str(tmp_path)]) == 4
    assert "cannot be read as a file of cases" in capsys.readouterr().err


def test_an_old_case_is_named_as_before():
    """A new part of a case changes the names of those cases alone that have it."""
    old = Case(suite="pong", config="discrete", actions=[1, 2], seed=3)
    assert old.digest() == "65bcd50c"
    assert dataclasses.replace(old, reset_seeds=[1, 2]).digest() != old.digest()
    assert np.array_equal(old.actions, [1, 2])
