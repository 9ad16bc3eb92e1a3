"""The Python host: classes for one lane, batched classes, and what they may get wrong."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from envlift.reference.client import ReferenceFailure
from envlift.reference.launch import open_reference, python_host

SERVED = Path(__file__).with_name("served.py")
B = 2


def start(name="Talkative", **config):
    return open_reference(f"python:{SERVED}:{name}", num_lanes=B, config=config)


def test_stray_prints_do_not_enter_the_protocol():
    with start() as reference:
        reference.reset(np.zeros(B, np.int64))
        record = reference.step(np.array([[0, 1], [2, 1]], np.int32))
        assert record.observation.tolist() == [[[1, 0], [1, 1]], [[2, 2], [2, 1]]]


def test_an_end_resets_inside_the_step_and_shows_the_end():
    with start() as reference:
        first = reference.reset(np.array([7, 0]))
        assert first.legal_actions.tolist() == [[True, False, False], [True, True, False]]
        seeds = np.arange(100, 106).reshape(3, B)
        record = reference.step(np.zeros((3, B), np.int32), reset_seeds=seeds)
        assert record.truncated.tolist() == [[False, False], [True, False], [False, False]]
        assert record.state["count"].tolist() == [[8, 1], [102, 2], [103, 3]]
        assert record.final_state["count"].tolist() == [[8, 1], [9, 2], [103, 3]]
        assert record.observation[1, 0].tolist() == [0, 0]
        assert record.final_observation[1, 0].tolist() == [9, 0]
        assert record.legal_actions[:, 0, 1].tolist() == [True, True, False]
        assert reference.get_state()["count"].tolist() == [103, 3]
        reference.set_state({"count": np.array([5, 6])})
        assert reference.get_state()["count"].tolist() == [5, 6]
        assert reference.coverage() == {"step": 11}


def test_seeds_of_following_episodes_are_drawn_when_none_are_given():
    ends = np.array([8, 8])
    with start() as one, start() as two:
        for reference in (one, two):
            reference.reset(ends)
        a, b = (r.step(np.zeros((1, B), np.int32)).state["count"] for r in (one, two))
        assert (a == b).all()
        assert a[0, 0] != a[0, 1]
        one.reset(ends + 0)
        again = one.step(np.zeros((1, B), np.int32)).state["count"]
        assert (again != a).all(), "a later step draws other seeds"


def test_a_following_episode_gets_the_chance_of_its_step():
    with start("Dice") as reference:
        chance = np.arange(3 * B * 2, dtype=np.int32).reshape(3, B, 2)
        first = reference.reset(np.array([1, 2]), np.array([[50, 51], [60, 61]], np.int32))
        assert first.observation.tolist() == [[50, -1], [60, -2]]
        seeds = np.array([[10, 11], [12, 13], [14, 15]])
        record = reference.step(np.zeros((3, B), np.float32), chance, seeds)
        assert record.observation.tolist() == [
            [[0, 1], [2, 3]],
            [[4, -12], [6, -13]],
            [[8, 9], [10, 11]],
        ]
        np.testing.assert_array_equal(record.final_observation, chance)
        with pytest.raises(
            ValueError, match=r"needs a chance of shape \(1, 2, 2\) and dtype int32"
        ):
            reference.step(np.zeros((1, B), np.float32))


def test_components_by_row_and_by_batch():
    with start() as reference:
        sums = reference.call("add", {"a": np.array([1, 2, 3]), "b": np.array([0.5, 0.5, 1.0])})
        assert sums["result"].tolist() == [1.5, 2.5, 4.0]
        totals = reference.call("total", {"a": np.arange(6, dtype=np.int32).reshape(3, 2)})
        assert totals["total"].tolist() == [1, 5, 9]
        assert totals["rows"].tolist() == [3, 3, 3]
        for name in ("not_a_component", "nothing"):
            with pytest.raises(ReferenceFailure, match="known: add, modules, total"):
                reference.call(name, {})
        with pytest.raises(ReferenceFailure, match="different numbers of rows"):
            reference.call("add", {"a": np.zeros(2), "b": np.zeros(3)})
        assert reference.alive


def test_the_host_does_not_import_jax():
    with start() as reference:
        assert reference.call("modules", {})["result"].tolist() == [0]


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("raise", "ZeroDivisionError: the rules divide by zero (served.py, line"),
        ("shape", "observation has the shape (3,), the spec says (2,)"),
        ("dtype", "(float64), the spec says float32"),
        ("five", "step() must return (observation, reward, terminated, truncated)"),
        ("flag", "terminated is 2 (int64), the spec says bool"),
    ],
)
def test_a_fault_names_step_lane_and_action(fault, says):
    with start(fault=fault) as reference:
        reference.reset(np.array([10, 0]))
        reference.step(np.zeros((1, B), np.int32))
        with pytest.raises(ReferenceFailure) as caught:
            reference.step(np.array([[0, 0], [0, 0], [1, 2]], np.int32))
    assert says in str(caught.value)
    assert (caught.value.step, caught.value.lane) == (3, 1)
    assert "last action: 2" in str(caught.value)
    assert "lanes.py" not in str(caught.value), "no traceback of ours"


def test_a_state_with_other_fields_than_the_spec_is_refused():
    with start(fault="state") as reference, pytest.raises(ReferenceFailure) as caught:
        reference.reset(np.zeros(B, np.int64))
    assert "get_state() has the fields ['counts'], the spec says ['count']" in str(caught.value)


def test_a_class_that_exits_is_reported():
    with start(fault="exit") as reference:
        reference.reset(np.full(B, 3))
        with pytest.raises(ReferenceFailure, match="ended with exit status 9"):
            reference.step(np.zeros((1, B), np.int32))


def test_a_batched_class():
    with start("Vector", width=3) as reference:
        assert reference.spec.reward.shape == (2,)
        assert reference.spec.pins == {"numpy": np.__version__}
        assert reference.reset(np.array([1, 2])).observation.tolist() == [[1] * 3, [2] * 3]
        actions = np.random.default_rng(0).normal(size=(50, B, 3))
        record = reference.step(actions)
        expected = np.array([1.0, 2.0])[None, :, None] + np.cumsum(actions, axis=0)
        np.testing.assert_array_equal(record.observation, expected)
        assert record.final_observation is None
        assert record.final_state is None
        assert record.reward.shape == (50, B, 2)
        state = reference.get_state()
        reference.set_state({"sums": state["sums"] + 1})
        np.testing.assert_array_equal(reference.get_state()["sums"], state["sums"] + 1)


def test_a_batched_class_with_a_wrong_shape():
    with start("Vector", wrong=True) as reference:
        reference.reset(np.zeros(B, np.int64))
        with pytest.raises(
            ReferenceFailure, match=r"expected the shape \(4, 2, 2\), got \(4, 2, 1"
        ):
            reference.step(np.zeros((4, B, 2)))


def test_what_is_not_asked_for_is_not_sent():
    spec = f"python:{SERVED}:Talkative"
    with open_reference(spec, num_lanes=B, returns=("final_observation",)) as reference:
        assert reference.reset(np.zeros(B, np.int64)).state == {}
        record = reference.step(np.zeros((1, B), np.int32))
    assert record.state == {}
    assert record.final_state is None
    assert record.legal_actions is None
    assert record.final_observation.shape == (1, B, 2)


def test_the_host_as_a_module_and_its_usage():
    command = [sys.executable, "-m", "envlift.reference.host"]
    with open_reference(f"process:{' '.join(command)} {SERVED}:Talkative", num_lanes=B) as side:
        assert side.spec.name == "talkative"
    usage = subprocess.run(command, capture_output=True, text=True)
    assert usage.returncode == 4
    assert "module:Class" in usage.stderr


def test_garbage_to_the_host_is_answered():
    talk = subprocess.run(
        python_host(f"{SERVED}:Talkative"), input="what?\n", capture_output=True, text=True
    )
    assert '"error":"it wrote a line that is not a JSON object' in talk.stdout
    early = '{"id":4,"op":"step","steps":1}\n{"id":5,"op":"dance"}\n'
    talk = subprocess.run(
        python_host(f"{SERVED}:Talkative"), input=early, capture_output=True, text=True
    )
    first, second = talk.stdout.splitlines()
    assert first == """{"id":4,"error":"'step' came before 'spec'"}"""
    assert "no operation 'dance'; known: spec, reset, step" in second
