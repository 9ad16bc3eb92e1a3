"""An allowed difference of an end: play goes on as if there had been none."""

from dataclasses import replace

import pytest

from envlift.verify.run.context import QUICK
from envlift.verify.run.progress import Silent
from envlift.verify.run.session import Request, verify
from envlift.verify.suite import Config, Place, Scenario
from tests.verify.envs.early import suite

EFFORT = replace(QUICK, lanes=4, min_steps=64, max_steps=200)


def played(tmp_path, *fields):
    request = Request(
        suite(*fields), "early", EFFORT, tmp_path / "fixtures", levels=("L3",), minimise=False
    )
    return verify(request, Silent())


def test_a_lane_that_the_candidate_alone_ended_is_brought_back(tmp_path):
    report = played(tmp_path, "terminated", "height", "observation")
    assert report.verdict == "PASS", [check.detail for check in report.checks]
    ends = sum(check.counts.get("episodes", 0) for check in report.checks)
    assert report.features["the top"] == ends >= 4
    # A lane may stand at 9 when play stops.
    assert ends <= report.deviations["terminated soon"] <= ends + 4


def test_an_end_that_nothing_allows_is_found(tmp_path):
    report = played(tmp_path, "height", "observation")
    assert report.verdict == "FAIL"
    assert [c.divergence.field for c in report.checks if c.divergence] == ["terminated"]


def test_a_scenario_that_goes_on_after_an_end_says_so_and_blames_nobody(tmp_path):
    over = Scenario("over the top", {"height": 8}, (0, 0, 0, 0), ("the top",))
    right = Scenario("to the top", {"height": 8}, (0, 0), ("the top",))
    whole = replace(
        suite(), configs=(Config("default", {}, {"first": 1}),), scenarios=(over, right)
    )
    request = Request(whole, "early", EFFORT, tmp_path / "fixtures", levels=("L2",))
    said = "the suite .* is wrong: scenario 'over the top': the episode ends at step 2 of 4, [^;]*$"
    with pytest.raises(ValueError, match=said):
        verify(request, Silent())


def placed(tmp_path, *places):
    whole = replace(suite(), configs=(Config("default"), Config("low", {"top": 4})), places=places)
    whole = replace(whole, candidate=whole.reference, features=())
    request = Request(
        whole, "early", EFFORT, tmp_path, configs=("default",), levels=("L3",), minimise=False
    )
    return verify(request, Silent())


def test_places_that_the_reference_counts_must_be_reached(tmp_path):
    report = placed(tmp_path, Place("half way", "heights of 5"), Place("low", "none", ("low",)))
    assert report.verdict == "PASS", [check.detail for check in report.checks]
    steps, half_way = report.total("steps"), report.features["half way"]
    # Every episode passes there once; what was asked before the play does not count.
    assert steps / 12 < half_way <= steps / 8
    assert "low" not in report.features


def test_a_place_that_was_not_reached_leaves_the_question_open(tmp_path):
    report = placed(tmp_path, Place("half way", "heights of 5"), Place("the moon", "height 400"))
    assert report.verdict == "INCONCLUSIVE"
    (gate,) = [check for check in report.checks if check.name.startswith("features reached")]
    assert gate.detail == "never reached: the moon"
    assert report.missing == {gate.name: ["the moon"]}
