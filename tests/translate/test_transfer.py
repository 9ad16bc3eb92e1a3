"""Level 4 in the loop: run after the others, by the same judge, and joined to their report."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from envlift.translate.grading import judge
from envlift.translate.grading.judgement import Judgement
from envlift.verify.run.result import Check, Report, Verdict

BELOW = ("L1", "L2", "L3")


def report(*checks: Check, lines: tuple[str, ...] = ()) -> Report:
    return Report("walk", "a", "b", 1, checks=list(checks), not_verified=list(lines))


def passed(*levels: str) -> list[Check]:
    return [Check(level, f"a check of {level}", Verdict.PASS) for level in levels]


def judged(monkeypatch: pytest.MonkeyPatch, below: Report, fourth: Report, plan: Any) -> Judgement:
    def run_verify(trees: Any, levels: list[str], fixtures: Path) -> Report:
        asked.append(levels)
        return fourth if levels == ["L4"] else below

    asked: list[list[str]] = []
    monkeypatch.setattr(judge, "run_verify", run_verify)
    monkeypatch.setattr(judge, "read_suite", lambda _: (SimpleNamespace(transfer=plan), ""))
    monkeypatch.setattr(judge, "unbounded", lambda _: "")
    project = SimpleNamespace(reference=SimpleNamespace(launch="python:a:B"), modules=[])
    judgement = Judgement()
    judge._verify(SimpleNamespace(project=project, trouble=""), "L4", False, Path(), judgement)
    assert asked[0] == list(BELOW)
    judgement.report["asked"] = asked
    return judgement


LEFT_OUT = "levels left out on request: L4"


def test_it_is_judged_when_all_else_has_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    fourth = report(*passed("L4"), lines=(LEFT_OUT, "more"))
    fourth.transfer = {"margin": 1.0}
    below = report(*passed(*BELOW), Check("L4", "skipped", Verdict.SKIPPED), lines=(LEFT_OUT,))
    found = judged(monkeypatch, below, fourth, "a plan")
    assert found.verdicts == dict.fromkeys((*BELOW, "L4"), "PASS")
    assert [check["level"] for check in found.report["checks"]] == [*BELOW, "L4"]
    assert found.report["not_verified"] == ["more"]
    assert found.report["transfer"] == {"margin": 1.0}
    assert found.report["verdict"] == "PASS"


@pytest.mark.parametrize(
    ("fourth", "verdict", "failing"),
    [
        (Check("L4", "trained in the candidate", Verdict.FAIL, "they notice"), "FAIL", 1),
        (Check("L4", "trained in the candidate", Verdict.INCONCLUSIVE), "INCONCLUSIVE", 0),
        (Check("L1", "candidate [default]", Verdict.FAIL, "it raised"), "FAIL", 1),
        (Check("agreement", "itself", Verdict.INCONCLUSIVE), "INCONCLUSIVE", 0),
    ],
)
def test_what_it_says_counts(
    monkeypatch: pytest.MonkeyPatch, fourth: Check, verdict: str, failing: int
) -> None:
    skipped = [] if fourth.level == "L4" else [Check("L4", "policy transfer", Verdict.SKIPPED)]
    found = judged(monkeypatch, report(*passed(*BELOW)), report(fourth, *skipped), "a plan")
    assert found.verdicts["L4"] == found.report["verdict"] == verdict
    assert [failure.level for failure in found.failures] == ["L4"] * failing


def test_it_is_not_judged_after_a_failure_nor_without_a_plan(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong = report(*passed("L1", "L2"), Check("L3", "rollout", Verdict.FAIL, "reward differs"))
    found = judged(monkeypatch, wrong, report(*passed("L4")), "a plan")
    assert found.report["asked"] == [list(BELOW)]
    assert "L4" not in found.verdicts
    found = judged(monkeypatch, report(*passed(*BELOW)), report(*passed("L4")), None)
    assert found.verdicts["L4"] == "SKIPPED"
