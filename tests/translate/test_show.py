"""What is printed arrives as it was written; what stops the loop is named."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from envlift.translate.commands.show import print_totals
from envlift.translate.commands.translate import ConsoleWatcher, _print_stop
from envlift.translate.grading.decision import Decisions
from envlift.translate.grading.judgement import Failure, Judgement
from envlift.translate.loop.ledger import History, Turn
from envlift.translate.loop.plan import Stop, next_step
from envlift.translate.loop.run import Loop
from envlift.translate.project.file import load_project
from envlift.translate.prompts.evidence import divergence_table
from envlift.verify.run.result import Divergence
from tests.translate import answers
from tests.translate.conftest import Quiet, Scripted, writes

HOSTILE = "raise dollars in [budget], or see [/] and [bold]x[/bold]"


def printed() -> tuple[Console, io.StringIO]:
    said = io.StringIO()
    return Console(file=said, width=300, highlight=False), said


class TestSquareBrackets:
    def test_of_a_stop(self) -> None:
        console, said = printed()
        loop = SimpleNamespace(
            folder=Path("[walk]"), ledger=SimpleNamespace(read=lambda: History())
        )
        _print_stop(console, Stop("budget", HOSTILE), loop)
        assert f"budget: {HOSTILE}" in said.getvalue()
        assert "[walk]: what it took" in said.getvalue()

    @pytest.mark.parametrize("name", ["working", "judging", "judged"])
    def test_of_a_turn(self, name: str) -> None:
        console, said = printed()
        turn = Turn(
            3, "repair", "rules", "L1", agent=HOSTILE, status="failed", detail=HOSTILE,
            fault=HOSTILE, failing=[HOSTILE], head="x", isolation="none: [x]",
        )  # fmt: skip
        ConsoleWatcher(console).event(name, turn)
        assert HOSTILE in said.getvalue()

    @pytest.mark.parametrize("about", [{"said": HOSTILE}, {"branch": HOSTILE}])
    def test_of_what_else_is_told(self, about: dict[str, str]) -> None:
        console, said = printed()
        turn = Turn(3, "repair", "rules", "L1") if "branch" in about else None
        ConsoleWatcher(console).event("suite" if turn is None else "aside", turn, **about)
        assert HOSTILE in said.getvalue()

    def test_of_totals(self) -> None:
        console, said = printed()
        turn = Turn(1, "translate", "[rules]", "L1", status="done")
        print_totals(console, History([turn]), HOSTILE)
        assert HOSTILE in said.getvalue()
        assert "[rules]" in said.getvalue()


def test_a_stop_names_what_was_left_open(toy: Path) -> None:
    found = Judgement(
        {"L3": "INCONCLUSIVE"},
        report={
            "checks": [
                {"level": "L3", "name": "features reached", "verdict": "INCONCLUSIVE",
                 "detail": "never reached: falls"},
                {"level": "L2", "name": "steps", "verdict": "PASS", "detail": "fine"},
            ]
        },
    )  # fmt: skip
    assert found.unanswered == ["L3 features reached: never reached: falls"]
    passed = {"L1": "PASS", "L2": "PASS"}
    turns = [
        Turn(1, "translate", "rules", "L1", status="done", head="a", kept=True,
             verdicts={"L1": "PASS"}),
        Turn(2, "translate", "env", "L1", status="done", head="b", kept=True,
             verdicts=passed | {"L3": "INCONCLUSIVE"}, unanswered=found.unanswered),
    ]  # fmt: skip
    project = load_project(toy)
    for turn in turns:
        turn.cost = SimpleNamespace(dollars=0.0)  # type: ignore[assignment]
    stop = next_step(project, History(turns))
    assert isinstance(stop, Stop)
    assert "L3 is inconclusive (L3 features reached: never reached: falls)" in stop.reason


@pytest.mark.parametrize(
    ("only_rollouts", "words"),
    [(True, "level 3 passed, whole episodes, and nothing else"), (False, "every level passed")],
)
def test_the_last_line_says_what_ran(toy: Path, only_rollouts: bool, words: str) -> None:
    verdicts = {"L3": "PASS"}
    if not only_rollouts:
        verdicts |= {"L1": "PASS", "L2": "PASS", "L4": "SKIPPED"}
    turns = [
        Turn(n, "translate", name, "L3" if only_rollouts else "L1", status="done", head="a",
             kept=True, verdicts=verdicts, cost=SimpleNamespace(dollars=0.0))  # type: ignore[arg-type]
        for n, name in ((1, "rules"), (2, "env"))
    ]  # fmt: skip
    stop = next_step(load_project(toy), History(turns), only_rollouts=only_rollouts)
    assert isinstance(stop, Stop)
    assert stop.kind == "done"
    assert stop.reason.startswith(words)
    assert "judged quickly" in stop.reason


def test_a_grid_is_shown_as_a_grid() -> None:
    before = {"grid": [[0, 1, 2], [10, 4, 5]], "row": 3, "list": [1, 2]}
    after = {"grid": [[0, 1, 2], [10, 4, 6]], "row": 3, "list": [1, 2]}
    wrong = {"grid": [[0, 1, 2], [10, 4, 7]], "row": 3, "list": [1, 2]}
    text = divergence_table(
        Divergence(4, 0, "grid[1, 2]", 6, 7, 1.0, "0", [2], before, after, wrong)
    )
    assert (
        "grid:\n"
        "before    reference after  candidate after\n"
        "0   1  2  0   1  2         0   1  2\n"
        "10  4  5  10  4  6         10  4  7"
    ) in text
    assert "list:" not in text


def test_a_case_that_is_not_kept_is_not_named(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only failures of whole episodes become files in fixtures/."""
    failure = Failure("L2", "steps", "differs", fixture="steps-1.jsonl")
    found = Judgement({"L1": "PASS", "L2": "FAIL"}, [failure])
    monkeypatch.setattr(Decisions, "_run", lambda *given: (found, None))
    rules = writes(walk__rules_py=answers.RULES, tests__test_rules_py=answers.TEST_RULES)
    loop = Loop(toy, Quiet(), agent=Scripted([rules]), last=1)
    loop.run()
    (kept,) = Judgement.read(loop.workspace.evidence(1)).failures
    assert kept.summary == "differs"
    assert kept.fixture is None
