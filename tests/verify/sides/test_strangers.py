"""Judge and judged are strangers: a candidate runs where nothing of the verifier's is."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from envlift.verify.run.context import QUICK
from envlift.verify.run.progress import Silent
from envlift.verify.run.result import Verdict
from envlift.verify.run.session import Request, verify
from envlift.verify.sides.candidates import open_candidate
from envlift.verify.suite import Config, PairError
from tests.verify.envs.early import suite
from tests.verify.envs.strangers import Honest

# What a process holds that a user's machine starts is what these are about.
pytestmark = pytest.mark.started

EFFORT = replace(QUICK, lanes=2, min_steps=16, max_steps=64)
STRANGERS = Path(__file__).parents[1] / "envs" / "strangers.py"


@pytest.fixture
def judge(tmp_path):
    def run(name, apart=True, **more):
        climb = replace(suite(), deviations=(), configs=(Config("default"),))
        return verify(
            Request(
                climb,
                "",
                EFFORT,
                tmp_path,
                candidate=f"env:{STRANGERS}:{name}",
                levels=("L3",),
                minimise=False,
                apart=apart,
                **more,
            ),
            Silent(),
        )

    return run


def told(report):
    return " ".join(check.detail for check in report.checks if check.verdict is not Verdict.PASS)


def test_an_honest_candidate_passes_and_nothing_is_said_of_its_place(judge):
    report = judge("Honest")
    assert report.verdict is Verdict.PASS, told(report)
    assert not any("apart" in line for line in report.not_verified)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("Stumbles", "differs at step"),
        ("replaces_the_comparison", "differs at step"),
        ("right_while_the_verifier_is_loaded", "differs at step"),
        ("reads_who_started_it", "it may not see other processes"),
        ("leaves_with_success", "the candidate failed in `spec`: it ended with exit status 0"),
        ("LeavesInTheMiddle", "the candidate failed in `step`, step 0: it ended with exit status"),
        ("WritesIntoTheProtocol", "the candidate failed in `step`"),
        ("Forks", "the candidate called os.fork: it may not reach outside"),
        ("Breaks", "KeyError: 'lost'"),
    ],
)
def test_a_stranger_fails_with_its_own_words(judge, name, says):
    report = judge(name)
    assert report.verdict is Verdict.FAIL, told(report)
    assert says in told(report)
    assert "the reference failed" not in told(report)


def test_what_a_candidate_prints_is_no_answer(judge):
    assert judge("Talks").verdict is Verdict.PASS


def test_in_one_process_the_trick_would_have_worked(judge, monkeypatch):
    """So the test above shows the wall and not a trick that never worked."""
    import envlift.verify.engine.compare as compare

    monkeypatch.setattr(compare, "differs", compare.differs)
    monkeypatch.setattr(compare, "_differs", compare._differs)
    assert judge("replaces_the_comparison", apart=False).verdict is Verdict.PASS


def test_a_function_without_a_name_runs_here_and_the_report_says_so(judge):
    climb = replace(suite(), deviations=(), configs=(Config("default"),))
    request = Request(climb, "", EFFORT, Path("fixtures"), levels=("L3",), minimise=False)
    report = verify(replace(request, candidate=lambda: Honest()), Silent())
    assert report.verdict is Verdict.PASS, told(report)
    assert any("a function that cannot be imported by a name" in one for one in report.not_verified)


def test_what_cannot_be_opened_is_told_as_it_is_in_one_process():
    for name, says in (("NoSuch", "has no 'NoSuch'"), ("Honest", "unexpected keyword")):
        for apart in (False, True):
            options = {} if name == "NoSuch" else {"odd": 1}
            with pytest.raises((ValueError, RuntimeError), match=says) as caught:
                open_candidate(f"env:{STRANGERS}:{name}", options, 1, apart=apart)
            assert isinstance(caught.value, PairError if name == "NoSuch" and apart else Exception)


def test_the_process_is_gone_when_the_side_is_closed():
    side = open_candidate(f"env:{STRANGERS}:Honest", {}, 1, apart=True)
    pid = side.pid
    assert pid != os.getpid()
    side.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_finding_the_suite_of_pong_imports_nothing_of_the_rules():
    code = (
        "import sys; from envlift.verify.suite.find import find_suite; find_suite('pong'); "
        "rooms = ('env', 'rules', 'state'); "
        "print([m for m in sys.modules if m.split('.')[1:3] == ['envs', 'pong'] "
        "and m.split('.')[3:4] and m.split('.')[3] in rooms])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
