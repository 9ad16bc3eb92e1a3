"""Before turn 1 the suite is judged alone: the reference beside itself."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from envlift.translate.commands.translate import ConsoleWatcher
from envlift.translate.grading.decision import Decisions
from envlift.translate.grading.judge import SuiteError
from envlift.translate.grading.judgement import Failure, Judgement
from envlift.translate.grading.suite_alone import judge_suite
from envlift.translate.loop.ledger import Turn
from envlift.translate.loop.opening import stop_of
from envlift.translate.loop.plan import Stop
from envlift.translate.loop.run import Loop
from envlift.translate.project.file import ProjectError, load_project
from tests.translate import answers
from tests.translate.conftest import OF_SUITE, Scripted, writes

RULES = writes(walk__rules_py=answers.RULES, tests__test_rules_py=answers.TEST_RULES)


def begin(toy: Path, **options: object) -> tuple[Stop, list[Turn], str]:
    """Go on until the first turn is over; return the end, the turns, and what was printed."""
    said = io.StringIO()
    watcher = ConsoleWatcher(Console(file=said, width=300, highlight=False))
    loop = Loop(toy, watcher, agent=Scripted([RULES]), last=1, **options)  # type: ignore[arg-type]
    return loop.run(), loop.ledger.read().turns, said.getvalue()


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.usefixtures("by_text")
def test_a_suite_that_serves_is_told_and_judged_once(
    toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From end to end, with the real judge."""
    monkeypatch.setattr(Decisions, "of_suite", OF_SUITE)
    _, turns, said = begin(toy)
    assert len(turns) == 1
    assert "suite: the reference equals itself, 1 of 1 features reached; this took" in said
    notes = Loop(toy, ConsoleWatcher(Console())).ledger.read().notes
    (note,) = [note for note in notes if note["event"] == "suite"]
    assert note["verdict"] == "PASS"
    assert note["features"]["reaches the end"] > 0
    assert note["seconds"] > 0
    _, _, said = begin(toy)
    assert "suite" not in said, "nothing that it rests on has changed"


def here(toy: Path, monkeypatch: pytest.MonkeyPatch) -> Judgement:
    """Judge the toy's suite in this process."""
    monkeypatch.chdir(toy)
    return judge_suite(load_project(toy))


def test_a_feature_that_nobody_reaches_is_named(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(toy / "suite.py", "lambda trace: trace.terminated", "lambda trace: trace.reward > 5")
    found = here(toy, monkeypatch)
    assert found.verdicts == {"L1": "PASS", "L2": "PASS", "L3": "INCONCLUSIVE"}
    assert found.unanswered == ["L3 features reached: never reached: reaches the end"]


def test_a_die_that_no_state_holds_is_told(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    walk = toy / "reference" / "walk.py"
    edit(walk, "self.elapsed += 1", "self.elapsed += int(np.random.default_rng().integers(1, 3))")
    stop = stop_of(load_project(toy), here(toy, monkeypatch), yes=False)
    assert stop is not None
    assert stop.kind == "person"
    assert "the reference with itself" in stop.reason


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("suite.py", "trace.terminated", "trace.terminatd", r"suite\.py.*line 3\d.*terminatd"),
        ("suite.py", '"move",\n', '"mve",\n', "mve"),
        ("reference/walk.py", "self.elapsed += 1", "self.elapsd += 1", r"elapsd"),
    ],
)
def test_an_exception_is_told_with_its_place(
    toy: Path, monkeypatch: pytest.MonkeyPatch, file: str, old: str, new: str, told: str
) -> None:
    edit(toy / file, old, new)
    try:
        stop = stop_of(load_project(toy), here(toy, monkeypatch), yes=False)
    except SuiteError as error:
        words = str(error)
    else:
        assert stop is not None
        words = stop.reason
    assert re.search(told, words, re.DOTALL), words


OPEN = Judgement({"L3": "INCONCLUSIVE"}, report={"unanswered": ["whether it [ever] rains"]})
APART = Judgement({"L1": "FAIL"}, [Failure("L1", "move", "result differs")])


@pytest.mark.usefixtures("by_text")
class TestWhatFollows:
    def test_open_questions_stop_once(self, toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Decisions, "of_suite", lambda decisions, commit: OPEN)
        stop, turns, _ = begin(toy)
        assert (stop.kind, turns) == ("person", [])
        assert "whether it [ever] rains" in stop.reason
        # Whoever has seen it goes on by the same command.
        _, turns, said = begin(toy)
        assert len(turns) == 1
        assert "suite:" not in said
        # Until what it rests on is another.
        (toy / "reference" / "more.py").write_text("MORE = 1\n")
        loop = Loop(toy, ConsoleWatcher(Console()), agent=Scripted([RULES, RULES]), last=2)
        assert "whether it [ever] rains" in loop.run().reason

    def test_who_said_yes_is_not_stopped(self, toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Decisions, "of_suite", lambda decisions, commit: OPEN)
        _, turns, said = begin(toy, yes=True)
        assert len(turns) == 1
        assert "equals itself as far as could be asked" in said

    def test_a_difference_stops_until_it_is_mended(
        self, toy: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found = [APART, APART, Judgement({"L1": "PASS"})]
        monkeypatch.setattr(Decisions, "of_suite", lambda decisions, commit: found.pop(0))
        for _ in range(2):
            stop, turns, _ = begin(toy, yes=True)
            assert (stop.kind, turns) == ("person", [])
            assert "L1 move: result differs" in stop.reason
        assert len(begin(toy)[1]) == 1

    def test_an_exception_costs_no_turn(self, toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def raises(decisions: Decisions, commit: str) -> Judgement:
            raise ProjectError("the judge cannot work: suite.py, line 3")

        monkeypatch.setattr(Decisions, "of_suite", raises)
        with pytest.raises(ProjectError, match=r"line 3"):
            begin(toy)
        assert Loop(toy, ConsoleWatcher(Console())).ledger.read().turns == []
