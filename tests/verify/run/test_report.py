from __future__ import annotations

import json

import numpy as np
import pytest
from rich.console import Console

from envlift.verify.run.progress import ConsoleProgress, Silent
from envlift.verify.run.result import Check, Divergence, Report, Verdict
from envlift.verify.run.session import Request, verify
from envlift.verify.run.show import print_report
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
