"""A slow side is asked for less at a time and is not called hung; one that hangs is."""

import os
import sys
import time

import numpy as np
import pytest

from envlift.reference.client import ReferenceProcess
from envlift.reference.failure import CandidateFailure, ReferenceFailure
from envlift.reference.launch import open_reference
from envlift.reference.pace import FIRST, Pace, joined
from envlift.reference.processes.child import waited_for_a_core

SLOW = """
import time
import numpy as np
from envlift.reference.types import ArraySpec, SideSpec


class Slow:
    def __init__(self, make=0.0, step=0.0, hang_at=-1):
        time.sleep(make)
        self.pause, self.hang_at, self.n = step, hang_at, 0

    def spec(self):
        number = ArraySpec((), "int32")
        return SideSpec(name="slow", observation=number, action=number, num_actions=2)

    def reset(self, seed):
        self.n = seed % 1000
        return np.int32(self.n)

    def step(self, action):
        self.n += 1 + action
        if self.n == self.hang_at:
            time.sleep(600)
        time.sleep(self.pause)
        return np.int32(self.n), self.n / 7, self.n % 10 == 0, False
"""


@pytest.fixture
def slow(tmp_path):
    (tmp_path / "slow.py").write_text(SLOW)

    def start(num_lanes=2, config=None, **options):
        name = f"python:{tmp_path / 'slow.py'}:Slow"
        return open_reference(name, num_lanes=num_lanes, config=config, **options)

    return start


def test_a_message_holds_about_a_second_of_work():
    pace = Pace()
    assert pace.steps(FIRST) == FIRST
    assert pace.steps(FIRST + 1) == 1
    pace.took(1, 0.01)
    assert pace.steps(10_000) == 100
    pace.took(100, 100.0)
    assert pace.steps(10_000) == 1
    pace.took(1, 1e-6)
    assert pace.steps(10_000) == FIRST * 16
    assert pace.steps(0) == 0


def test_steps_in_many_messages_are_the_same_steps(slow):
    actions = np.arange(200).reshape(100, 2) % 2
    seeds = np.array([3, 14])
    with slow() as one, slow() as other:
        one._pace = None
        records = []
        for side in (one, other):
            side.reset(seeds)
            records.append(side.step(actions.astype(np.int32)))
        assert other._request > one._request, "the second should have been asked in pieces"
    whole, pieces = records
    assert whole.terminated.any()
    for name in ("observation", "reward", "terminated", "truncated", "final_observation"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(pieces, name))
    assert joined([whole]) is whole


def test_a_side_that_works_for_longer_than_the_limit_is_not_hung(slow):
    """One message of 8 steps x 4 lanes x 0.1 s takes 3.2 s, beyond the limit of 2 s."""
    with slow(4, {"step": 0.1}, timeout=2.0, role="candidate") as side:
        side.reset(np.arange(4))
        started = time.monotonic()
        record = side.step(np.zeros((FIRST, 4), np.int32))
        assert time.monotonic() - started > 2.5
    assert record.observation.shape == (FIRST, 4)


@pytest.mark.parametrize(
    ("role", "kind"), [("candidate", CandidateFailure), ("reference", ReferenceFailure)]
)
def test_a_side_that_hangs_is_told_so(slow, role, kind):
    with slow(2, {"hang_at": 5}, timeout=1.0, role=role) as side:
        side.reset(np.zeros(2, np.int64))
        with pytest.raises(kind) as caught:
            side.step(np.zeros((FIRST, 2), np.int32))
        assert not side.alive
    assert caught.value.hung
    assert f"the {role} failed in `step`" in str(caught.value)
    assert "no answer within 1 s" in str(caught.value)
    assert "--timeout" in str(caught.value)


def test_starting_up_has_a_limit_of_its_own(slow):
    with slow(1, {"make": 1.5}, timeout=0.5) as side:
        assert side.spec.name == "slow"
    with pytest.raises(ReferenceFailure, match=r"in `spec`: no answer within 0.5 s"):
        slow(1, {"make": 30}, timeout=0.5, start_timeout=0.5)


def test_lanes_that_take_long_to_make_become_fewer_only_where_that_is_welcome(slow):
    with slow(8, {"make": 0.3}, patience=0.5) as side:
        assert 1 <= side.num_lanes < 8
        assert side.reset(np.arange(side.num_lanes)).observation.shape == (side.num_lanes,)
    with slow(4, {"make": 0.1}) as side:
        assert side.num_lanes == 4


def test_a_foreign_program_may_say_that_it_is_working(tmp_path):
    program = tmp_path / "working.py"
    program.write_text(
        "import json, sys, time\n"
        "for line in sys.stdin:\n"
        "    number = json.loads(line)['id']\n"
        "    for _ in range(8):\n"
        "        time.sleep(0.2)\n"
        "        print(json.dumps({'id': number, 'working': True}), flush=True)\n"
        "    one = {'shape': [], 'dtype': 'int32'}\n"
        "    spec = {'name': 'w', 'observation': one, 'action': one, 'num_actions': 2}\n"
        "    print(json.dumps({'id': number, 'spec': spec, 'observation': [5]}), flush=True)\n"
    )
    command = [sys.executable, str(program)]
    with ReferenceProcess(command, num_lanes=1, timeout=1.0, start_timeout=1.0) as side:
        assert side.reset(np.zeros(1, np.int64)).observation.tolist() == [5]


def test_waiting_for_a_core_is_measured_where_the_system_tells():
    assert waited_for_a_core(os.getpid()) >= 0.0
    assert waited_for_a_core(2**22 + 1) == 0.0
