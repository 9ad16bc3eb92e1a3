"""A project to translate, and an agent that does what a test says."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from envlift.translate.agents.protocol import Cost, TurnRequest, TurnResult, Usage
from envlift.translate.grading.decision import Decisions
from envlift.translate.grading.judgement import Failure, Judgement
from tests.forking import forked, forked_judges

TOY = Path(__file__).parent / "toy"

Deed = Callable[[TurnRequest], TurnResult | None]


class Scripted:
    """Does one deed after the other; remembers what it was asked."""

    name = "scripted"

    def __init__(self, deeds: Sequence[Deed]) -> None:
        self.deeds = list(deeds)
        self.requests: list[TurnRequest] = []

    def run(self, request: TurnRequest) -> TurnResult:
        deed = self.deeds[request.turn - 1]
        self.requests.append(request)
        told = deed(request)
        return told or TurnResult("done", "", Usage(100, 10, 20), Cost(0.01, "reported"))

    def recover(self, log: Path) -> TurnResult:
        return TurnResult("failed", "cut off", Usage(50, 0, 5), Cost(0.005, "reported"))


def writes(**files: str) -> Deed:
    """Return a deed that writes files; ``walk__rules_py`` stands for ``walk/rules.py``."""

    def deed(request: TurnRequest) -> None:
        for name, text in files.items():
            stem, _, suffix = name.replace("__", "/").rpartition("_")
            path = request.worktree / f"{stem}.{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return deed


class Quiet:
    """A watcher that keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def event(self, name: str, turn: object, **about: object) -> None:
        self.heard.append(name)


@pytest.fixture(autouse=True)
def _quick_to_start(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fork judges and what they start, where it is not about how they start (``started``)."""
    if request.node.get_closest_marker("started"):
        yield
        return
    with forked(), forked_judges():
        yield


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A fresh copy of the toy project."""
    folder = tmp_path / "walk"
    shutil.copytree(TOY, folder)
    return folder


OF_SUITE, RUN = Decisions.of_suite, Decisions._run
"""The real things."""


@pytest.fixture(autouse=True)
def a_suite_that_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The toy's suite is judged alone in ``test_opening``; elsewhere that would only take time."""
    monkeypatch.setattr(Decisions, "of_suite", lambda decisions, commit: Judgement({"L1": "PASS"}))


PASSED = {"L1": "PASS", "L2": "PASS", "L3": "PASS", "L4": "SKIPPED"}


def wrong(place: Path) -> Judgement:
    """Judge by looking at the text: quick, for what the loop makes of verdicts."""
    found = Judgement({"L1": "PASS"})
    rules = place / "walk" / "rules.py"
    if not rules.is_file() or "== 7" in rules.read_text():
        found.verdicts = {"L1": "FAIL"}
        found.failures = [Failure("L1", "move", "slips", module="rules")]
    elif (place / "walk" / "env.py").is_file():
        limit = "21" if "LIMIT = 21" in (place / "walk" / "env.py").read_text() else "20"
        found.verdicts |= PASSED
        if limit == "21":
            found.verdicts = {"L1": "PASS", "L2": "FAIL"}
            found.failures = [Failure("L2", "steps", "the limit")]
    return found


@pytest.fixture
def by_text(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Replace the judge's process; return what it was asked each time."""
    asked: list[list[str]] = []

    def run_judge(
        decisions: Decisions, place: Path, base: str, log: Path, words: list[str]
    ) -> object:
        if "--suite" in words:
            return RUN(decisions, place, base, log, words)
        asked.append(words)
        if "--speed" in words:
            slow = "SLOW" in (place / "walk" / "env.py").read_text()
            return Judgement(speed={"32": 10.0 if slow else 40.0}), None
        return wrong(place), None

    monkeypatch.setattr(Decisions, "_run", run_judge)
    return asked
