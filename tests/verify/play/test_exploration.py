"""Without a suite, play goes where random play does not, and the report shows where that was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from envlift.verify.engine.archive import Archive
from envlift.verify.levels.play import exploration
from envlift.verify.run.context import QUICK
from envlift.verify.run.result import Verdict
from tests.verify.inside import verify_inside

CORNERS = "gymnasium:tests.verify.envs.corners:"
# By default 64 lanes search for 1,000 steps each; this is a fiftieth of it.
LITTLE = replace(QUICK, lanes=16, min_steps=64, min_ends=0, transitions=16)


def search(monkeypatch, reference, candidate):
    monkeypatch.setattr(exploration, "SHARE", 10)
    return verify_inside(monkeypatch, reference, candidate, effort=LITTLE, levels=("L3",))


@pytest.mark.parametrize(
    ("reference", "candidate"),
    [
        ("gymnasium:MountainCar-v0", "NoWall"),
        ("gymnasium:Acrobot-v1", "FastAcrobot"),
        ("gymnasium:CartPole-v1", "Sticky"),
    ],
)
def test_a_rule_that_random_play_never_meets_is_found_wrong(monkeypatch, reference, candidate):
    report = search(monkeypatch, reference, f"{CORNERS}{candidate}-v0")
    assert report.verdict is Verdict.FAIL, report.checks
    found = {check.name: check.verdict for check in report.checks}
    assert found["lockstep: random play"] is Verdict.PASS
    assert found["play that goes somewhere"] is Verdict.FAIL


def test_a_wrong_cell_is_found_where_no_state_can_be_written(monkeypatch):
    # Random play may come there too: what counts is that the pair does not pass.
    report = search(monkeypatch, "gymnasium:CliffWalking-v1", f"{CORNERS}WrongCell-v0")
    assert report.verdict is Verdict.FAIL, report.checks


def test_a_right_pair_passes_and_the_report_shows_where_play_was(monkeypatch):
    name = "gymnasium:MountainCar-v0"
    report = search(monkeypatch, name, name)
    assert report.verdict is Verdict.PASS, report.checks
    assert any("would make it a full PASS" in sentence for sentence in report.not_verified)
    picture = "\n".join(report.visited)
    assert "across: state[0] -1.2 to" in picture
    assert "up: state[1] -0.0" in picture
    assert len([line for line in report.visited if line.startswith("|")]) >= 10


def test_an_archive_keeps_the_shortest_way_to_each_cell_and_goes_back_to_rare_ones():
    archive = Archive(np.random.default_rng(0), 1)
    points = np.array([[0.0], [0.001], [1.0]])
    archive.add(points, np.array([5.0, 2.0, 9.0]), lambda i: "abc"[i])
    assert archive.cells == 2
    assert set(archive.choose(64)) == {"b", "c"}
    archive.add(np.array([[0.002]]), np.array([1.0]), lambda i: "d")
    assert set(archive.choose(64)) == {"c", "d"}


def test_points_that_are_no_numbers_are_no_places():
    archive = Archive(np.random.default_rng(0), 2)
    archive.add(np.array([[0.0, np.nan], [1.0, 2.0]]), np.zeros(2), lambda i: i)
    assert archive.cells == 1
    assert archive.picture(["x", "y"]) == ["one point alone"]
