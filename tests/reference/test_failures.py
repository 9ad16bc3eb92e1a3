"""A reference that fails gives a clear error, never a hang, and its process is gone afterwards."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from envlift.reference.client import ReferenceProcess
from envlift.reference.failure import CandidateFailure, ReferenceFailure

NAUGHTY = str(Path(__file__).with_name("naughty.py"))
B, T = 3, 5


def start(mode, **options):
    return ReferenceProcess([sys.executable, NAUGHTY, mode], num_lanes=B, **options)


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def play(mode, **options):
    """Reset, five good steps, then the five in which step 8 (lane 1) is the one at fault."""
    with start(mode, **options) as reference:
        reference.reset(np.arange(B))
        reference.step(np.zeros((T, B), np.int32))
        with pytest.raises(ReferenceFailure) as caught:
            reference.step(np.arange(T * B).reshape(T, B) % 3)
        caught.value.pid = reference.pid
        caught.value.alive = reference.alive
    assert gone(caught.value.pid)
    return caught.value


def test_a_good_reference_passes():
    with start("good") as reference:
        assert reference.reset(np.arange(B)).observation.shape == (B, 2)
        for _ in range(3):
            record = reference.step(np.zeros((T, B), np.int32))
        assert record.observation.dtype == np.float32
        assert record.terminated.dtype == np.bool_
        assert record.final_state["n"].tolist() == [[1] * B] * T
        pid = reference.pid
    assert gone(pid)


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        ("crash", "ended with exit status 3 without an answer"),
        ("killed", "killed by SIGSEGV"),
        ("half", 'in the middle of an answer that begins \'{"id":3,"obs\''),
        ("garbage", "not a JSON object: 'Segmentation fault? no, hello'"),
        ("no-object", "not a JSON object: '[1,2]'"),
        ("wrong-id", "answered with the id 77 to the request 3"),
    ],
)
def test_a_broken_exchange_names_the_steps_of_the_message(mode, says):
    failure = play(mode)
    assert says in str(failure)
    assert failure.operation == "step"
    assert failure.step == 5
    if mode != "wrong-id":
        assert "the steps 5 to 9" in str(failure)
    assert "last action: [0 1 2]" in str(failure)
    assert "naughty.py" in str(failure)
    assert not failure.alive


def test_the_last_lines_of_stderr_are_shown():
    failure = play("crash")
    assert failure.stderr == "the engine exploded"
    assert "the engine exploded" in str(failure)


@pytest.mark.parametrize(("mode", "says"), [("hang", "no answer within "), ("closed", "closed")])
def test_a_hanging_reference_is_stopped(mode, says):
    failure = play(mode, timeout=4.0)
    assert says in str(failure)
    assert failure.step == 5
    assert "last action" in str(failure)


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        ("short", "observation: expected a flat list of 30 numbers (shape (5, 3, 2)), got 29"),
        ("nested", "observation: expected a flat list of numbers"),
        ("scalar", "reward: expected a flat list of 15 numbers, got 1.0"),
        ("strings", "reward: expected a flat list of numbers"),
        ("no-reward", "no 'reward'"),
        ("no-field", "'state' must be an object with the fields ['n', 'x'], its answer has ['n']"),
        ("bad-binary", "outside of the 0 raw bytes"),
        ("bad-binary-shape", "expected the shape (5, 3, 2), got (5, 3, 1)"),
        ("bad-binary-dtype", "expected the dtype float32, got float64"),
    ],
)
def test_a_wrong_shape_or_dtype_names_the_field(mode, says):
    failure = play(mode)
    assert says in str(failure)
    assert failure.step == 5
    assert not failure.alive


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        ("fraction", "state field 'n': 1.5 is not a whole number"),
        ("overflow", "state field 'n': 2147483648 is outside of the dtype int32"),
        ("flag", "terminated: 2 is outside of the dtype bool"),
    ],
)
def test_a_bad_number_names_field_step_and_lane(mode, says):
    failure = play(mode)
    assert says in str(failure)
    assert (failure.step, failure.lane) == (8, 1)
    assert "step 8, lane 1" in str(failure)


@pytest.mark.parametrize(
    ("mode", "name", "read"),
    [
        ("nan-observation", "observation", lambda record: record.observation[3, 1, 1]),
        ("null-observation", "observation", lambda record: record.observation[3, 1, 1]),
        ("nan-reward", "reward", lambda record: record.reward[3, 1]),
        ("inf-state", "state field 'x'", lambda record: record.state["x"][3, 1]),
        ("nan-final-state", "final_state field 'x'", lambda record: record.final_state["x"][3, 1]),
    ],
)
def test_what_is_not_finite_is_an_answer_and_is_counted(mode, name, read):
    """Whether it is a fault is decided beside the other side's answer."""
    with start(mode) as reference:
        reference.reset(np.arange(B))
        reference.step(np.zeros((T, B), np.int32))
        assert reference.not_finite == {}
        record = reference.step(np.zeros((T, B), np.int32))
        assert not np.isfinite(read(record))
        assert reference.not_finite == {name: 1}


def test_a_candidate_that_fails_is_called_the_candidate():
    with start("crash", role="candidate") as candidate:
        candidate.reset(np.arange(B))
        candidate.step(np.zeros((T, B), np.int32))
        with pytest.raises(CandidateFailure, match=r"^the candidate failed in `step`, step 5: "):
            candidate.step(np.zeros((T, B), np.int32))
        with pytest.raises(CandidateFailure, match="ended by an earlier failure"):
            candidate.get_state()
    with pytest.raises(CandidateFailure, match=r"^the candidate failed in `spec`"):
        start("spec-missing", role="candidate")
    with pytest.raises(CandidateFailure, match="'no-such-program-here' was not found"):
        ReferenceProcess(["no-such-program-here"], num_lanes=1, role="candidate")


def test_an_error_that_the_reference_answers_leaves_the_session_alive():
    failure = play("error")
    assert "the rules ran out" in str(failure)
    assert (failure.step, failure.lane) == (8, 1)
    assert failure.alive


def test_a_second_answer_to_one_request_is_noticed():
    with start("twice") as reference:
        reference.reset(np.arange(B))
        with pytest.raises(ReferenceFailure, match="answered with the id 1 to the request 2"):
            reference.step(np.zeros((T, B), np.int32))


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        ("spec-missing", "no entry 'action'"),
        ("spec-unknown", "unknown entry 'obervation'; known: name, observation"),
        ("spec-dtype", "float128"),
        ("spec-shape", "two"),
        ("spec-mask", "neither 'num_actions'"),
        ("spec-bounds", "'action_low' has 2 numbers, an action has 1"),
        ("spec-no-object", "must be an object"),
        ("spec-binary", "must be true or false"),
        ("silent", "ended with exit status 0 without an answer"),
    ],
)
def test_a_wrong_spec_is_refused(mode, says):
    with pytest.raises(ReferenceFailure) as caught:
        start(mode)
    assert says in str(caught.value)
    assert caught.value.operation == "spec"


def test_a_program_that_does_not_exist_is_named():
    with pytest.raises(ReferenceFailure, match="'no-such-program-here' was not found"):
        ReferenceProcess(["no-such-program-here"], num_lanes=1)
    with pytest.raises(ReferenceFailure, match="command is empty"):
        ReferenceProcess([], num_lanes=1)


def test_a_closed_reference_says_so():
    reference = start("good")
    reference.close()
    reference.close()
    with pytest.raises(ReferenceFailure, match="closed"):
        reference.get_state()


def test_messages_larger_than_the_pipes_do_not_block():
    steps = 200_000
    with start("flood", timeout=120) as reference:
        record = reference.step(np.ones((steps, B), np.int32))
    assert record.observation.shape == (steps, B, 2)
    assert (record.observation == 0.25).all()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"actions": np.zeros((T, B + 1), np.int32)}, r"actions must have the shape \(5, 3\)"),
        ({"actions": np.zeros((T, B))}, "actions must have the dtype int32, it has float64"),
        (
            {"actions": np.zeros((T, B), np.int32), "reset_seeds": np.zeros((T, 1), np.int64)},
            r"reset_seeds must have the shape \(5, 3\), it has \(5, 1\)",
        ),
        (
            {"actions": np.zeros((T, B), np.int32), "chance": np.zeros((T, B))},
            "draws its own chance",
        ),
    ],
)
def test_wrong_arguments_are_the_callers_error_and_break_nothing(arguments, says):
    with start("good") as reference:
        with pytest.raises(ValueError, match=says):
            reference.step(**arguments)
        with pytest.raises(ValueError, match="the state has the fields"):
            reference.set_state({"x": np.zeros(B, np.float32)})
        reference.step(np.zeros((T, B), np.int32))
    with pytest.raises(ValueError, match="num_lanes"):
        ReferenceProcess(["true"], num_lanes=0)
    with pytest.raises(ValueError, match="'stat'; known: state"):
        ReferenceProcess(["true"], num_lanes=1, returns=["stat"])
