from __future__ import annotations

import io
import json

import numpy as np
import pytest
from rich.console import Console

from envlift.report.page.failures import state_rows
from envlift.verify.engine.compare import compare_field
from envlift.verify.engine.lockstep import describe
from envlift.verify.run.progress import ConsoleProgress, Silent
from envlift.verify.run.result import Check, Divergence, Report, Verdict
from envlift.verify.run.session import Request, verify
from envlift.verify.run.show import print_divergence, print_report
from envlift.verify.suite import Field
from tests.verify.conftest import TINY


def report(*checks):
    return Report(suite="s", reference="r", candidate="c", seed=5, checks=list(checks))


def check(level, verdict, **counts):
    return Check(level, "a check", verdict, counts=counts)


@pytest.mark.parametrize(
    ("checks", "verdict"),
    [
        ([], Verdict.INCONCLUSIVE),
        ([check("L3", Verdict.PASS)], Verdict.PASS),
        ([check("L3", Verdict.PASS), check("L4", Verdict.SKIPPED)], Verdict.PASS),
        ([check("L1", Verdict.PASS)], Verdict.INCONCLUSIVE),
        ([check("corpus", Verdict.PASS)], Verdict.INCONCLUSIVE),
        ([check("L3", Verdict.PASS), check("L2", Verdict.INCONCLUSIVE)], Verdict.INCONCLUSIVE),
        ([check("L3", Verdict.INCONCLUSIVE), check("L2", Verdict.FAIL)], Verdict.FAIL),
    ],
)
def test_the_verdict_of_a_report(checks, verdict):
    assert report(*checks).verdict is verdict


def test_an_interrupted_run_never_passes():
    whole = report(check("L3", Verdict.PASS))
    whole.interrupted = True
    assert whole.verdict is Verdict.INCONCLUSIVE


def test_a_report_is_written_whole_as_json_that_any_reader_takes(tmp_path):
    path = tmp_path / "deep" / "report.json"
    nan = Divergence(1, 0, "x", np.float32(np.nan), float("inf"), None, "nothing: exact")
    report(Check("L3", "n", Verdict.FAIL, divergence=nan)).write(path)
    data = json.loads(path.read_text(), parse_constant=pytest.fail)
    assert data["schema_version"] == 1
    assert data["verdict"] == "FAIL"
    assert data["checks"][0]["divergence"]["reference"] == "nan"
    assert list(path.parent.iterdir()) == [path]


class Interrupts(Silent):
    """Presses Ctrl-C in the middle of the lockstep."""

    def advance(self, done, total):
        if self.level == "L3":
            raise KeyboardInterrupt

    def begin(self, level, name):
        self.level = level


def test_ctrl_c_keeps_what_was_found(tmp_path):
    request = Request(
        suite=None,
        suite_source="",
        reference="gymnasium:CartPole-v1",
        candidate="gymnasium:CartPole-v1",
        effort=TINY,
        fixtures=tmp_path,
    )
    found = verify(request, Interrupts())
    assert found.interrupted
    assert found.verdict is Verdict.INCONCLUSIVE
    names = {c.name: c for c in found.checks}
    assert names["transitions from states of play"].verdict is Verdict.PASS
    assert names["lockstep: random play"].verdict is Verdict.INCONCLUSIVE
    assert names["lockstep: random play"].counts["steps"] > 0


def test_without_a_terminal_progress_is_plain_lines_and_the_evidence_is_named(tmp_path):
    path = tmp_path / "out.txt"
    with path.open("w") as stream:
        console = Console(file=stream, width=100)
        progress = ConsoleProgress(console)
        failed = check("L3", Verdict.FAIL, steps=12_800)
        failed.divergence = Divergence(
            7,
            3,
            "ball_vy",
            1.0,
            2.0,
            1.0,
            "nothing: exact",
            [0, 2],
            {"ball_vy": 1.0},
            {"ball_vy": 1.0},
            {"ball_vy": 2.0},
        )
        failed.fixture = "fixtures/x.jsonl"
        progress.begin("L3", "a check")
        progress.advance(1, 2)
        progress.end(failed)
        progress.close()
        print_report(console, report(failed))
    text = path.read_text()
    assert "\x1b" not in text
    assert "FAIL         L3         a check  12,800 steps" in text
    assert "ball_vy at step 7, lane 3: reference 1, candidate 2, difference 1" in text
    assert "last actions: 0, 2" in text
    assert "envlift repro fixtures/x.jsonl" in text
    assert "--seed 5" in text


def test_every_entry_that_differs_is_told_and_shown():
    """Two entries of a vector, one of another without names, and a reward: four rows are marked."""
    shown = np.array([[[1.0, 2.0, 3.0]]])
    found = [
        compare_field(
            shown, np.add(shown, [0.5, 0, 1.4e-3]), Field("state", labels=("a", "b", "c"))
        ),
        compare_field(shown, np.add(shown, [0, 0.25, 0]), Field("plain")),
        compare_field(np.array([[1.0]]), np.array([[2.0]]), Field("reward")),
        compare_field(shown, shown.copy(), Field("equal")),
    ]
    states = [
        {"state": shown, "plain": shown, "equal": shown},
        {"state": found[0].candidate, "plain": found[1].candidate, "equal": shown},
    ]
    before = {"state": shown[0, 0], "plain": shown[0, 0], "equal": shown[0, 0]}
    divergence = describe(found, 0, 0, 1, [], before, *states)
    assert divergence.field == "state.a"
    assert divergence.also == ["state.c", "plain[1]", "reward"]
    assert divergence.values["state.c"] == [3.0, 3.0014]

    console = Console(file=io.StringIO(), width=100)
    print_divergence(console, divergence)
    lines = console.file.getvalue().splitlines()
    marked = {line.split()[0]: line.split() for line in lines if line.endswith("differs")}
    assert list(marked) == ["state.a", "state.c", "plain", "plain[1]", "reward"]
    assert marked["plain[1]"][1:3] == ["2", "2.25"]
    assert any(line.startswith("state.b") and "differs" not in line for line in lines)

    rows = {row.field: row for row in state_rows(divergence)}
    assert {name for name, row in rows.items() if row.differs} == set(marked)
    assert (rows["reward"].reference, rows["reward"].candidate) == ("1", "2")
