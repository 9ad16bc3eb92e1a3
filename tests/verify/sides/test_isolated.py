"""`envlift verify` isolates a candidate that is not envlift's own, or says that it did not."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from envlift.candidate import isolation
from envlift.candidate.isolation import NotIsolatedError
from envlift.cli import main
from envlift.envs.pong.env import Pong
from envlift.verify.sides.candidates import Limits, open_candidate
from envlift.verify.sides.strangers import FUNCTION, TRUSTED, is_ours, placed

pytestmark = pytest.mark.started

ENVS = Path(__file__).parents[1] / "envs"
ROOT = Path(__file__).parents[3]


@pytest.fixture
def home(tmp_path, monkeypatch):
    for name in ("levers.py", "reaching.py"):
        shutil.copy(ENVS / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def reach(home, deeds, *more):
    """Verify the reaching candidate from a folder; returns the run, the report and who called."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        words = ["verify", "python:levers.py:Levers", "env:reaching.py:Reaching", "--quick"]
        words += ["--level", "L3", "--lanes", "2", "--max-steps", "64", "--json", "report.json"]
        judge = subprocess.Popen(
            [sys.executable, "-m", "envlift.cli", *words, *more],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(ROOT)])}
            | {"DEEDS": ",".join(deeds)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        (home / "port").write_text(str(listening.getsockname()[1]))
        (home / "judge.pid").write_text(str(judge.pid))
        printed, _ = judge.communicate()
        called = True
        try:
            listening.accept()[0].close()
        except BlockingIOError:
            called = False
    written = home / "report.json"
    report = json.loads(written.read_text()) if written.is_file() else {}
    return judge.returncode, printed, report, called


@pytest.mark.slow
def test_a_stranger_reaches_nobody_and_the_verdict_is_right(home):
    assert not isolation.trouble_here()
    deeds = ("kill", "look", "write", "forge", "call", "patch")
    code, printed, report, called = reach(home, deeds, "--sandbox", "required")
    assert code == 1, printed
    assert report["verdict"] == "FAIL"
    assert any("reward differs" in check["detail"] for check in report["checks"])
    assert not called
    assert not (home / "left.txt").exists()
    assert "NOT ISOLATED" not in printed
    assert "not_isolated" not in report


@pytest.mark.slow
def test_who_is_trusted_reaches_further_and_the_verdict_says_so(home):
    """So the test above shows the wall, and not deeds that never worked."""
    code, printed, report, called = reach(home, ("write", "call", "patch"), "--trusted")
    assert code == 1, printed
    assert called
    assert (home / "left.txt").exists()
    assert printed.count(f"NOT ISOLATED: {TRUSTED}") == 2
    assert report["not_isolated"] == TRUSTED
    assert any("it was not isolated" in line for line in report["not_verified"])


def test_without_a_sandbox_the_judge_can_be_ended(home):
    code, printed, _, _ = reach(home, ("kill",), "--sandbox", "none")
    assert code == -9, printed


def test_required_refuses_where_there_is_no_bwrap(home, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(home))
    isolation.trouble_here.cache_clear()
    try:
        code = main(
            ["verify", "python:levers.py:Levers", "env:levers.py:Honest", "--sandbox", "required"]
        )
        with placed("env:levers.py:Honest") as (place, why):
            assert place is not None
            assert place.trouble == why
            assert "bwrap was not found on PATH" in why
    finally:
        isolation.trouble_here.cache_clear()
    assert code == 4
    told = capsys.readouterr().err
    assert "envlift: --sandbox required: what is judged cannot be isolated here" in told
    assert "the program bwrap was not found on PATH; install bubblewrap" in told


@pytest.mark.parametrize("form", ["python:{}:Lanes", "process:python -m envlift.reference.host {}"])
def test_what_serves_itself_is_isolated_too(home, monkeypatch, form):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([*sys.path, str(ROOT)]))
    file = home / "reaching.py"
    form = form.format(file if form.startswith("python") else f"{file}:Lanes")
    seen = []
    for trusted in (False, True):
        with placed(form, trusted=trusted) as (place, _):
            side = open_candidate(form, {}, 1, Limits(place=place))
            seen.append(side.reset(np.zeros(1, np.int64)).observation.tolist())
            side.close()
    assert seen == [[[0.0]], [[1.0]]]


def test_an_interpreter_in_the_cache_is_shown_and_nothing_else_of_it(home, monkeypatch):
    program = home / "cache" / "environment" / "bin" / "program"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\nls {home / 'cache'}\n")
    program.chmod(0o755)
    (home / "cache" / "answers").touch()
    monkeypatch.setenv("ENVLIFT_CACHE", str(home / "cache"))
    with placed("env:levers.py:Honest") as (place, _):
        for words in ([str(program)], ["ls", str(home / "cache")]):
            ended = subprocess.run(place.command(words), capture_output=True, text=True, check=True)
            assert ended.stdout.split() == ["environment"] * (words == [str(program)])


def test_who_is_a_stranger(home):
    for name in ("pong", "env:envlift.envs.pong.env:Pong", Pong):
        assert is_ours(name), name
        with placed(name, sandbox="required") as (place, why):
            assert (place, why) == (None, ""), name
    for name in (
        "gymnax:CartPole-v1",
        "gymnasium:CartPole-v1",
        "env:envlift.py:Pong",
        "vector:m:f",
    ):
        assert not is_ours(name), name
    with placed(lambda: None) as (place, why):
        assert (place, why) == (None, FUNCTION)
    with placed("env:levers.py:Honest", trusted=True) as (place, why):
        assert (place, why) == (None, TRUSTED)
    with (
        pytest.raises(NotIsolatedError, match="name it by a launch string"),
        placed(lambda: None, sandbox="required"),
    ):
        pass
    with (
        pytest.raises(ValueError, match="exclude each other"),
        placed("pong", sandbox="required", trusted=True),
    ):
        pass


def test_what_a_stranger_compiles_is_gone_with_the_run(home):
    with placed("env:levers.py:Honest") as (place, _):
        (scratch,) = place.writable
        assert place.variables()["WARP_CACHE_PATH"].startswith(str(scratch))
        assert home in place.shown
        started = time.time()
        subprocess.run(place.command(["touch", str(scratch / "x")]), check=True)
        assert (scratch / "x").stat().st_mtime >= started - 1
    assert not scratch.exists()
