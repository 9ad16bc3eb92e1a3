"""Functions of a Gymnasium environment, called one by one, compared with calling them directly."""

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.classic_control import acrobot

from envlift.cli import main
from envlift.reference.client import ReferenceFailure
from envlift.reference.launch import open_reference

TAXI = {"state_attributes": ["s"]}
HERE = "tests.reference.odd_gymnasium"


@pytest.fixture(scope="module")
def taxi():
    with open_reference("gymnasium:Taxi-v4", num_lanes=2, config=TAXI) as reference:
        reference.reset(np.arange(2))
        yield reference


@pytest.fixture(scope="module")
def odd():
    config = {"state_attributes": ["count"]}
    spec = f"gymnasium:{HERE}:envlift-test/Odd-v0"
    with open_reference(spec, num_lanes=1, config=config) as reference:
        reference.reset(np.arange(1))
        yield reference


def test_a_method_row_by_row(taxi):
    """``decode`` gives four numbers: a row of four."""
    states = np.array([0, 137, 499])
    answers = taxi.call("decode", {"i": states})
    env = gymnasium.make("Taxi-v4").unwrapped
    expected = [list(env.decode(int(s))) for s in states]
    np.testing.assert_array_equal(answers["result"], expected)
    assert answers["result"].shape == (3, 4)


def test_several_named_arguments(taxi):
    rows = {"taxi_row": [1, 4], "taxi_col": [2, 0], "pass_loc": [4, 1], "dest_idx": [3, 0]}
    arguments = {name: np.array(values) for name, values in rows.items()}
    env = gymnasium.make("Taxi-v4").unwrapped
    expected = [env.encode(1, 2, 4, 3), env.encode(4, 0, 1, 0)]
    np.testing.assert_array_equal(taxi.call("encode", arguments)["result"], expected)


def test_methods_functions_and_constants_of_a_continuous_environment():
    state = np.array([[0.1, -0.2, 0.3, 0.4, 1.0], [2.0, 1.0, -3.0, 0.5, -1.0]])
    with open_reference("gymnasium:Acrobot-v1", num_lanes=1) as reference:
        derivative = reference.call("_dsdt", {"s_augmented": state})["result"]
        limits = {"x": np.array([4.0, -7.0]), "m": np.full(2, -np.pi), "M": np.full(2, np.pi)}
        plain = reference.call("wrap", limits)["result"]
        dotted = reference.call("acrobot.wrap", limits)["result"]
        table = reference.call("MAX_VEL_1", {})["result"]
    env = gymnasium.make("Acrobot-v1").unwrapped
    np.testing.assert_array_equal(derivative, [env._dsdt(row) for row in state])
    expected = [acrobot.wrap(x, -np.pi, np.pi) for x in (4.0, -7.0)]
    np.testing.assert_array_equal(plain, expected)
    np.testing.assert_array_equal(dotted, expected)
    np.testing.assert_array_equal(table, [4 * np.pi])


def test_a_mapping_keeps_its_names(odd):
    answers = odd.call("halves", {"x": np.array([3.0, 5.0])})
    assert {name: value.tolist() for name, value in answers.items()} == {
        "half": [1.5, 2.5],
        "whole": [3.0, 5.0],
    }


def test_an_iterator_is_a_row(odd):
    answers = odd.call("countdown", {"x": np.array([3, 5])})
    assert answers["result"].tolist() == [[3, 2, 1], [5, 4, 3]]


def test_the_state_and_the_generator_are_put_back(odd):
    """A component that counts and draws must not be noticed by the game that is being played."""
    odd.reset(np.array([5]))
    undisturbed = odd.step(np.zeros((3, 1), np.int64))
    odd.reset(np.array([5]))
    assert odd.call("disturb", {"by": np.array([100, 100])})["result"].tolist() == [100, 100]
    disturbed = odd.step(np.zeros((3, 1), np.int64))
    np.testing.assert_array_equal(disturbed.state["count"], [[1], [2], [3]])
    np.testing.assert_array_equal(disturbed.observation, undisturbed.observation)


def test_the_state_is_put_back_after_an_error(odd):
    odd.reset(np.array([5]))
    with pytest.raises(ReferenceFailure, match="broken on purpose"):
        odd.call("break_down", {"by": np.array([7])})
    assert odd.get_state()["count"].tolist() == [0]


@pytest.mark.parametrize(
    ("component", "arguments", "says"),
    [
        ("decod", {"i": [1]}, "near ones: decode"),
        ("acrobot.categorical_sample", {"x": [1]}, "no component is named 'acrobot"),
        ("__init__", {}, "no component is named '__init__'"),
        ("decode", {"state": [1]}, r"component 'decode' takes \(i\)"),
        ("decode", {}, "it was given nothing"),
        ("render", {}, "which is no number"),
        ("step", {"a": [1]}, "returned parts of different shapes|which is no number"),
    ],
)
def test_what_cannot_be_called_is_explained(taxi, component, arguments, says):
    named = {name: np.array(value) for name, value in arguments.items()}
    with pytest.raises(ReferenceFailure, match=says):
        taxi.call(component, named)


def test_an_unknown_id_on_the_command_line_is_no_traceback(capsys):
    assert main(["verify", "gymnasium:CartPol-v1", "gymnasium:CartPole-v1"]) == 4
    said = capsys.readouterr().err
    assert "near ones: CartPole-v1" in said
    assert "Traceback" not in said
