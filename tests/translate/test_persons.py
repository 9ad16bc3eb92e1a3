"""What a person changes while a turn goes on is kept and asked about."""

from __future__ import annotations

from pathlib import Path

import pytest

from envlift.translate.agents.protocol import TurnRequest
from envlift.translate.loop.ledger import Turn
from envlift.translate.loop.plan import Stop
from envlift.translate.loop.run import Loop
from envlift.translate.loop.workspace import WorkspaceError
from tests.translate import answers
from tests.translate.conftest import Deed, Quiet, Scripted, writes

pytestmark = pytest.mark.usefixtures("by_text")

RULES = writes(walk__rules_py=answers.RULES, tests__test_rules_py=answers.TEST_RULES)
NOTE = "# A person's note.\n"


class Person(Scripted):
    """Waits for a person, as ``manual`` does."""

    resumes = True


def go_on(toy: Path, *deeds: Deed) -> tuple[Stop, list[Turn], Loop]:
    loop = Loop(toy, Quiet(), agent=Person(deeds), last=len(deeds))
    return loop.run(), loop.ledger.read().turns, loop


def edits(path: str, text: str = NOTE) -> Deed:
    """Return a deed in which the module is written, and a person adds to a file of the project."""

    def deed(request: TurnRequest) -> None:
        RULES(request)
        there = request.worktree.parents[2] / path
        there.parent.mkdir(exist_ok=True)
        there.write_text((there.read_text() if there.exists() else "") + text)

    return deed


@pytest.mark.parametrize("path", ["suite.py", "reference/more.py"])
def test_an_edit_stays_is_asked_about_and_then_joined(toy: Path, path: str) -> None:
    stop, (turn,), loop = go_on(toy, edits(path))
    assert turn.kept
    assert turn.fault == ""
    assert stop.kind == "person"
    assert f"{path} changed in the project folder while turn 1 went on" in stop.reason
    assert (toy / path).read_text().endswith(NOTE)
    assert NOTE not in loop.workspace.git("show", f"{turn.head}:suite.py") + "\n"
    # The same command again: it is a person's work, joined with the turn's, and judged first.
    _, turns, loop = go_on(toy, RULES, RULES)
    assert turns[1].kind == "check"
    assert (toy / path).read_text().endswith(NOTE)
    assert (toy / "walk" / "rules.py").read_text() == answers.RULES
    assert loop.workspace.is_ancestor(turn.head, loop.workspace.head)


def test_an_edit_that_is_taken_back_leaves_the_turn(toy: Path) -> None:
    _, (turn,), loop = go_on(toy, edits("suite.py"))
    loop.workspace.git("checkout", "--", "suite.py")
    stop, turns, loop = go_on(toy, RULES)
    assert len(turns) == 1
    assert "the last turn asked for" in stop.reason
    assert loop.workspace.head == turn.head
    assert NOTE not in (toy / "suite.py").read_text()


def test_a_commit_of_a_persons_stays(toy: Path) -> None:
    def commits(request: TurnRequest) -> None:
        edits("suite.py")(request)
        Loop(toy, Quiet()).workspace.git("commit", "--quiet", "-am", "mine")

    stop, (turn,), _ = go_on(toy, commits)
    assert turn.kept
    assert "suite.py changed in the project folder" in stop.reason
    go_on(toy, RULES, RULES)
    assert (toy / "suite.py").read_text().endswith(NOTE)
    assert (toy / "walk" / "rules.py").is_file()


def test_the_same_lines_are_for_the_person_to_join(toy: Path) -> None:
    go_on(toy, edits("walk/rules.py", "MINE = 1\n"))
    for _ in range(2):
        with pytest.raises(WorkspaceError, match=r"changed the same lines.*git merge"):
            go_on(toy, RULES)
        assert (toy / "walk" / "rules.py").read_text() == "MINE = 1\n"


def test_what_belongs_to_the_loop_is_put_back_all_the_same(toy: Path) -> None:
    def meddles(request: TurnRequest) -> None:
        RULES(request)
        (request.worktree.parents[1] / "ledger.jsonl").write_text("")

    _, (turn,), _ = go_on(toy, meddles)
    assert "ledger.jsonl" in turn.fault


def test_what_was_begun_of_a_turn_that_is_asked_anew_is_kept(toy: Path) -> None:
    def half(request: TurnRequest) -> None:
        writes(walk__rules_py=answers.RULES)(request)
        raise KeyboardInterrupt

    for number in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            Loop(toy, Quiet(), agent=Person([half]), last=1).run()
        (toy / "note.txt").write_text(f"changed meanwhile, {number}")
    _, (turn,), loop = go_on(toy, RULES)
    assert turn.kept
    for branch in ("aside/0001", "aside/0001-2"):
        assert loop.workspace.content(branch, "walk/rules.py").decode() == answers.RULES
    details = [lost.detail for lost in loop.ledger.read().lost]
    assert details == [
        f"begun by hand, kept on the branch {b}" for b in ("aside/0001", "aside/0001-2")
    ]
    assert loop.watcher.heard.count("aside") == 1  # type: ignore[attr-defined]
