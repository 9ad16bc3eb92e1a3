"""A translation's page: which evidence counts, what a turn was, where its diff comes from."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from envlift.report.page import data, timeline
from envlift.report.page.gather import gather
from envlift.translate.agents.protocol import Cost
from envlift.translate.loop.ledger import Ledger, Turn
from tests.report.translated import commits, git, project, report


def subject(folder: Path) -> data.Subject:
    (found,) = gather([str(folder)]).subjects
    return found


def judge(folder: Path, number: int, **judgement: Any) -> None:
    """Write evidence as the loop does: a judgement with the verifier's report inside."""
    whole = {"verdicts": {}, "failures": [], "tests": 3, "speed": {}, "report": {}, "seconds": 1}
    path = folder / ".envlift" / "evidence" / f"{number:04}.json"
    path.write_text(json.dumps(whole | judgement))


def verdicts(found: data.Subject) -> dict[str, str]:
    return {row.level: row.verdict for row in found.levels}


FAILURE = {
    "level": "L1",
    "name": "test_rules_0",
    "summary": "it fell over",
    "kind": "test",
    "traceback": "E  assert 1 == 2",
}


class TestFinalEvidence:
    def test_the_newest_kept_turn_speaks(self, folder: Path) -> None:
        found = subject(folder)
        assert (found.verdict, found.why) == ("PASS", "")
        assert found.candidate == "env:taxi.env:make"

    def test_an_undone_turn_does_not(self, folder: Path) -> None:
        """Its failure was thrown away with its code."""
        Ledger(folder / ".envlift" / "ledger.jsonl").append("judged", number=8, kept=False)
        report(failing=False, seed=99).write(folder / ".envlift/evidence/0007.json")
        report(failing=True).write(folder / ".envlift/evidence/0008.json")
        found = subject(folder)
        assert found.verdict == "PASS"
        assert ("seed", "99") in {(fact.name, fact.value) for fact in found.provenance}

    def test_work_that_went_on_is_not_passed(self, folder: Path) -> None:
        evidence = folder / ".envlift/evidence"
        (evidence / "0008.json").rename(evidence / "0006.json")
        found = subject(folder)
        assert found.verdict == "INCONCLUSIVE"
        assert "evidence is of turn 6; the work went on with turn 8" in found.why

    def test_nothing_judged_yet(self, folder: Path) -> None:
        (folder / ".envlift/evidence/0008.json").unlink()
        found = subject(folder)
        assert found.verdict == "INCONCLUSIVE"
        assert "nothing is known of the work" in found.why
        assert set(verdicts(found).values()) == {"NOT RUN"}
        assert found.reference == "gymnasium:Taxi-v3"

    def test_a_judgement_with_a_report_inside(self, folder: Path) -> None:
        judge(folder, 8, verdicts={"L1": "PASS", "L2": "PASS"}, report=report().to_json())
        assert subject(folder).verdict == "PASS"

    def test_the_loops_own_tests_can_only_make_it_worse(self, folder: Path) -> None:
        judge(folder, 8, verdicts={"L1": "FAIL"}, failures=[FAILURE], report=report().to_json())
        found = subject(folder)
        assert verdicts(found)["L1"] == "FAIL"
        assert found.verdict == "FAIL"
        assert (found.failures[0].name, found.failures[0].traceback) == (
            "test_rules_0",
            "E  assert 1 == 2",
        )
        judge(folder, 8, verdicts={"L3": "PASS"}, report=report(failing=True).to_json())
        found = subject(folder)
        assert verdicts(found)["L3"] == "FAIL"
        assert found.verdict == "FAIL"

    def test_tests_alone_pass_nothing(self, folder: Path) -> None:
        judge(folder, 8, verdicts={"L1": "PASS"})
        found = subject(folder)
        assert verdicts(found)["L1"] == "PASS"
        assert found.verdict == "INCONCLUSIVE"
        assert "turn 8 was judged by tests alone" in found.why
        assert ("level not run", "L1, property: nothing was run.") not in {
            (gap.kind, gap.text) for gap in found.gaps
        }

    def test_a_comparison_is_told_once(self, folder: Path) -> None:
        comparison = FAILURE | {"kind": "comparison", "level": "L3"}
        judge(
            folder,
            8,
            verdicts={"L3": "FAIL"},
            failures=[comparison],
            report=report(failing=True).to_json(),
        )
        assert [f.name for f in subject(folder).failures] == ["lockstep: random play"]

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("{", "is not JSON"),
            ("[1]", "neither checks nor verdicts"),
            ('{"verdicts": {}, "failures": [{"kind": "test"}]}', "a failure is not whole"),
            ('{"verdicts": {}, "failures": 3}', "failures is no list"),
            ('{"verdicts": {}, "report": {"checks": []}}', "schema_version None"),
        ],
    )
    def test_broken_evidence_names_its_file(self, folder: Path, text: str, message: str) -> None:
        (folder / ".envlift/evidence/0008.json").write_text(text)
        with pytest.raises(ValueError, match=rf"0008\.json.*{message}"):
            subject(folder)


class TestTurns:
    def turn(self, **values: Any) -> Turn:
        return Turn(**({"number": 1, "kind": "repair", "module": None, "level": "L1"} | values))

    @pytest.mark.parametrize(
        ("values", "outcome"),
        [
            ({}, "running"),
            ({"status": "done"}, "not judged"),
            ({"status": "done", "head": "a", "kept": True}, "kept"),
            ({"status": "failed", "head": "a"}, "undone"),
        ],
    )
    def test_what_became_of_it(self, values: dict[str, Any], outcome: str) -> None:
        assert timeline.outcome(self.turn(**values)) == outcome

    def test_what_the_agent_says_is_not_why(self) -> None:
        row = timeline.row(
            self.turn(detail="all done!", fault="no change", reason="undone"), "", ""
        )
        assert (row.why, row.said) == ("no change; undone", "all done!")

    def test_unknown_price_is_no_zero(self) -> None:
        turns = [
            self.turn(status="done"),
            self.turn(status="done", cost=Cost(0.25, "declared")),
            self.turn(),
        ]
        total = timeline.spent(None, "", turns)
        assert (total.dollars, total.unpriced, total.turns) == (0.25, 1, 3)
        assert timeline.row(turns[0], "", "").dollars is None

    def test_speed_of_the_last_kept_turn(self, folder: Path) -> None:
        ledger = Ledger(folder / ".envlift" / "ledger.jsonl")
        ledger.append("judged", number=8, kept=False, speed={"32": 9e9})
        ledger.append("judged", number=7, speed={"32": 3e6, "reference": 1e6})
        found = subject(folder)
        assert [(one.times, one.where) for one in found.speedups] == [(3.0, "measured in turn 7")]


class TestDiff:
    def test_two_commits(self, tmp_path: Path) -> None:
        first, second = commits(tmp_path, ["a\nb\n", "a\nc\n"])
        text, note = timeline.diff(tmp_path, first, second, 10_000)
        assert note == ""
        assert text.splitlines()[-3:] == [" a", "-b", "+c"]

    def test_it_is_cut_at_a_line_by_its_size_as_html(self) -> None:
        """``<`` takes four bytes on a page."""
        assert timeline.cut(["<<<", "abc", "x"], 13 + 4) == (
            "<<<\nabc",
            "1 of 3 lines are left out",
        )
        assert timeline.cut(["<<<", "abc", "x"], 12) == ("", "3 of 3 lines are left out")
        assert timeline.cut(["<<<", "abc"], 17) == ("<<<\nabc", "")

    @pytest.mark.parametrize(
        ("base", "commit", "note"),
        [
            ("", "", "the turn left no commit"),
            ("--output=/tmp/x", "a" * 40, "the ledger names no commits"),
            ("a" * 40, "HEAD", "the ledger names no commits"),
            ("a" * 40, "b" * 40, "git has no such diff"),
        ],
    )
    def test_there_is_none(self, tmp_path: Path, base: str, commit: str, note: str) -> None:
        git(tmp_path, "init", "--quiet")
        text, found = timeline.diff(tmp_path, base, commit, 100)
        assert text == ""
        assert found.startswith(note)

    def test_git_is_missing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        assert timeline.diff(tmp_path, "a" * 40, "b" * 40, 100) == ("", "git is not installed")

    def test_git_hangs(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def hang(*words: Any, timeout: float, **options: Any) -> None:
            raise subprocess.TimeoutExpired("git", timeout)

        monkeypatch.setattr(subprocess, "run", hang)
        assert timeline.diff(tmp_path, "a" * 40, "b" * 40, 9) == ("", "git took more than 30 s")

    def test_every_turn_gets_a_fair_share(self, tmp_path: Path) -> None:
        texts = ["".join(f"{n * v}\n" for n in range(2_000)) for v in (1, 2)]
        folder = project(tmp_path / "p", 8, texts)
        history = Ledger(folder / ".envlift" / "ledger.jsonl").read()
        found = timeline.translation(history, folder, "taxi", "jax", diff_bytes=16_000)
        sizes = [len(turn.diff) for turn in found.turns]
        assert all(1_900 < size <= 2_000 for size in sizes), sizes
