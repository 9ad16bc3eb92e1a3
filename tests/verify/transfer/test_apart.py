"""Level 4 where strangers run: trained there, judged here."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from envlift.candidate.isolation import Isolation, trouble_here
from envlift.reference import client
from envlift.verify.run.context import QUICK
from envlift.verify.run.progress import Silent
from envlift.verify.run.result import Report, Verdict
from envlift.verify.run.session import Request, verify

LEVERS = Path(__file__).parents[1] / "envs" / "levers.py"
pytestmark = [pytest.mark.started, pytest.mark.slow]


class Told(Silent):
    """Keeps what it was told of level 4."""

    def __init__(self) -> None:
        self.level, self.steps = "", list[int]()

    def begin(self, level: str, name: str) -> None:
        self.level = level

    def advance(self, done: int, total: int) -> None:
        if self.level == "L4":
            self.steps.append(done)


def judge(name: str, folder: Path, progress: Silent | None = None, **more: float) -> Report:
    from tests.verify.envs.levers import SUITE

    request = Request(
        SUITE,
        "",
        replace(QUICK, lanes=2, min_steps=16, max_steps=64),
        folder,
        candidate=f"env:{LEVERS}:{name}",
        levels=("L4",),
        minimise=False,
        ask_reference=False,
        place=Isolation(trouble_here(), hidden=(folder,), folder=LEVERS.parent),
        **more,
    )
    return verify(request, progress or Silent())


def checks(report: Report) -> list[tuple[str, str]]:
    return [(str(one.verdict), one.detail) for one in report.checks if one.level == "L4"]


def test_a_policy_is_trained_apart_and_judged_here(tmp_path: Path) -> None:
    progress = Told()
    report = judge("Honest", tmp_path, progress)
    assert [verdict for verdict, _ in checks(report)] == ["PASS", "PASS"], checks(report)
    assert "L4" not in str(report.not_verified[1:]), "nothing is left to be said of its place"
    assert {curve["side"] for curve in report.curves} == {"candidate", "reference"}
    assert len(report.curves) == 6
    assert all(curve["return"][-1] > 7 for curve in report.curves)
    assert progress.steps[-1] == 3 * 4096
    assert not [name for name in sys.modules if name.startswith("envlift_file_levers")]


@pytest.mark.parametrize(
    ("name", "says", "more"),
    [
        ("Raises", "KeyError: 'lost'", {}),
        ("Leaves", "the candidate failed in `call`", {}),
        ("PaysNothingFinite", "a reward of the environment was nan", {}),
        ("Hangs", "no answer within", {"timeout": 2.0, "start_timeout": 20.0}),
    ],
)
def test_what_goes_wrong_in_training_is_the_candidates(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    says: str,
    more: dict[str, float],
) -> None:
    # For an answer to much work it else waits ten times as long.
    monkeypatch.setattr(client, "MOST", 1)
    report = judge(name, tmp_path, **more)
    assert report.verdict is Verdict.FAIL
    assert any(verdict == "FAIL" and says in told for verdict, told in checks(report)), report


def test_a_training_that_is_only_said_teaches_nothing(tmp_path: Path) -> None:
    report = judge("boasts", tmp_path)
    (verdict, told), *_ = checks(report)
    assert report.curves[0]["return"][-1] == 10
    assert verdict == "INCONCLUSIVE"
    assert "too little was learnt: a return of" in told
