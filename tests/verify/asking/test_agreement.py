"""The reference is asked first whether it agrees with itself, and what is compared follows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envlift.verify.run.context import QUICK
from envlift.verify.run.result import Verdict
from envlift.verify.suite import Config, Field, Scenario, Suite
from tests.verify.inside import verify_inside

MODULE = "gymnasium:tests.verify.envs.itself:"
SMALL = replace(QUICK, lanes=8, transitions=64, resets=512, min_steps=64)


def run(monkeypatch, reference, candidate=None, **options):
    names = (f"{MODULE}{name}-v0" for name in (reference, candidate or reference))
    return verify_inside(monkeypatch, *names, effort=SMALL, **options)


def checks(report):
    return {check.name: check for check in report.checks}


@pytest.mark.parametrize(
    "name", ["Walk", "Clock", "Global", "Unseeded", "Hashed", "OtherGenerator"]
)
def test_an_environment_is_never_different_from_itself(monkeypatch, name):
    report = run(monkeypatch, name)
    assert report.verdict is Verdict.PASS, report.checks


def test_a_state_that_restores_is_copied_and_stepped_from(monkeypatch):
    report = run(monkeypatch, "Walk")
    assert checks(report)["transitions from states of play"].verdict is Verdict.PASS
    assert not [s for s in report.not_verified if "restore" in s]


def test_a_hidden_counter_is_found_and_seeds_are_used(monkeypatch):
    report = run(monkeypatch, "Clock")
    told = checks(report)["the reference with itself"].detail
    assert "writing the state does not restore the reference: truncated was" in told
    assert "compared seed for seed" in told
    assert checks(report)["transitions"].verdict is Verdict.SKIPPED
    assert any("does not restore" in sentence for sentence in report.not_verified)


def test_lanes_that_share_a_generator_are_played_one_at_a_time(monkeypatch):
    report = run(monkeypatch, "Global")
    assert "--lanes 1" in checks(report)["the reference with itself"].detail
    assert checks(report)["lockstep: random play"].counts["lanes"] == 1


def test_a_reference_that_no_seed_repeats_is_compared_from_copied_states(monkeypatch):
    report = run(monkeypatch, "Unseeded")
    told = checks(report)["the reference with itself"].detail
    assert "equal seeds cannot be relied on: the reference differs from itself" in told
    assert checks(report)["transitions from states of play"].verdict is Verdict.PASS


def test_where_nothing_repeats_episodes_are_compared_as_distributions(monkeypatch):
    report = run(monkeypatch, "Lost")
    told = checks(report)["the reference with itself"].detail
    assert "the reference differs from itself" in told
    assert "as distributions" in told
    assert checks(report)["episodes as distributions"].verdict is Verdict.PASS


def test_another_generator_is_no_fault_and_the_report_says_what_was_compared(monkeypatch):
    report = run(monkeypatch, "Walk", "OtherGenerator")
    assert report.verdict is Verdict.PASS, report.checks
    told = checks(report)["the reference with itself"].detail
    assert "the two sides draw from different generators" in told


@pytest.mark.parametrize("name", ["OtherSlower", "Stale"])
def test_a_fault_behind_another_generator_is_seen(monkeypatch, name):
    report = run(monkeypatch, "Walk", name)
    assert report.verdict is Verdict.FAIL, report.checks


def test_a_suite_that_copies_an_incomplete_state_is_not_believed(monkeypatch):
    suite = Suite("t", "", "", state=(Field("state"),))
    names = (f"{MODULE}Clock-v0",) * 2
    report = verify_inside(monkeypatch, *names, effort=SMALL, suite=suite.with_pair(*names))
    assert report.verdict is Verdict.PASS, report.checks
    assert "compared seed for seed" in checks(report)["the reference with itself"].detail


def test_what_grows_from_too_little_to_be_seen_is_no_reason_not_to_copy(monkeypatch):
    """A suite that copies the state before every step says that this is so."""
    names = (f"{MODULE}Chaos-v0",) * 2
    field = Field("state", atol=1e-6, reason="what it keeps")
    seen = replace(field, name="observation")
    told = []
    for resync in (1, None):
        suite = Suite(
            "t", *names, state=(field,), observation=seen, configs=(Config("c", resync=resync),)
        )
        report = verify_inside(monkeypatch, *names, effort=SMALL, suite=suite, levels=("L2",))
        assert not [c for c in report.checks if c.verdict is Verdict.FAIL], report.checks
        told.append(checks(report)["the reference with itself [c]"].detail)
    assert "a written state is played on from as before" in told[0]
    assert "does not restore the reference" in told[1]


def test_no_scenario_begins_in_a_state_that_does_not_restore(monkeypatch):
    names = (f"{MODULE}Clock-v0",) * 2
    start = Scenario("a start", {"state": [0.5]}, actions=(0, 0), reaches=())
    suite = Suite("t", *names, state=(Field("state"),), scenarios=(start,))
    report = verify_inside(monkeypatch, *names, effort=SMALL, suite=suite)
    assert checks(report)["scenarios"].verdict is Verdict.SKIPPED
    assert not [name for name in checks(report) if "every scenario" in name]
