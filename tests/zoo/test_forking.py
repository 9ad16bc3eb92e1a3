"""Forked processes are what started ones are: ``tests/forking.py``."""

from __future__ import annotations

import contextlib
import os
import signal
import time

import numpy as np
import pytest

from envlift.reference.failure import ReferenceFailure
from envlift.reference.launch import open_reference, python_host
from envlift.verify.sides.candidates import open_candidate
from tests.forking import Forked, forked, started

SERVED = """
import os, random, sys
import numpy as np


class Told:
    def __init__(self):
        print("words on stderr", file=sys.stderr)

    def spec(self):
        observation = {"shape": [4], "dtype": "float64"}
        action = {"shape": [], "dtype": "int32"}
        return {"name": "told", "observation": observation, "action": action, "num_actions": 2}

    def reset(self, seed, chance=None):
        at_once = ["envlift.verify" in sys.modules, hash("x") % 2**40, random.random()]
        return np.array([*at_once, np.random.random()])

    def step(self, action, chance=None):
        os._exit(7)
"""


@pytest.fixture
def told(tmp_path, monkeypatch):
    """Open what tells about its process."""
    (tmp_path / "told_here.py").write_text(SERVED)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def open_one(**env):
        variables = {**os.environ, "PYTHONHASHSEED": "0", **env}
        return open_reference("python:told_here:Told", num_lanes=1, env=variables)

    return open_one


def answer(side):
    with contextlib.closing(side):
        return side.reset(np.zeros(1, np.int64)).observation[0]


def test_each_is_a_process_of_its_own(told):
    started = answer(told())
    with forked():
        one, other, strange = answer(told()), answer(told()), answer(told(PYTHONHASHSEED="5"))
    assert started[0] == one[0] == 0, "nothing of the verifier is there"
    assert started[1] == one[1] == other[1] != strange[1], "the hash seed is the one asked for"
    assert len({started[2], one[2], other[2]}) == 3, "global generators are fresh"
    assert len({started[3], one[3], other[3]}) == 3


def test_its_end_is_told(told):
    with forked(), contextlib.closing(told()) as side:
        side.reset(np.zeros(1, np.int64))
        with pytest.raises(ReferenceFailure, match="exit status 7") as failure:
            side.step(np.zeros((1, 1), np.int32))
    assert "words on stderr" in str(failure.value)


def test_it_is_killed_with_all_that_it_started(told):
    with forked():
        side = told()
        pid = side._child.pid
        assert os.getpgid(pid) == pid != os.getpgid(0)
        side.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        # Its supervisor is in its group.
        try:
            os.killpg(pid, signal.SIGCONT)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("its supervisor lives on")


def test_a_candidate_is_forked_too():
    """From a process without the verifier: what it holds is looked at in ``verify/sides``."""
    with (
        forked(),
        contextlib.closing(open_candidate("env:tests.contract.toy:Toy", {}, 2, apart=True)) as side,
    ):
        assert isinstance(side._child._process, Forked)
        assert side.reset(np.arange(2)).observation.shape[0] == 2


def test_another_interpreter_is_started(tmp_path):
    assert started(python_host("told_here:Told")).endswith("bootstrap.py")
    assert started(python_host("told_here:Told", tmp_path / "bin" / "python")) is None
    assert started(["bwrap", "--unshare-net", *python_host("told_here:Told")]) is None
