"""Spaces as plain data, and values of any space as one array, nothing rounded."""

import json

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.utils.env_checker import data_equivalence

from envlift.reference import wire
from envlift.reference.launch import open_reference
from envlift.reference.layout import Layout, LayoutError
from envlift.reference.spaces import describe, differences, shown
from envlift.reference.types import ArraySpec, SideSpec

WIDE = 2**62

ACTIONS = [
    spaces.Discrete(3, start=5),
    spaces.MultiDiscrete([[3, 2], [4, 5]], start=[[1, 0], [0, -2]]),
    spaces.MultiBinary((2, 3)),
    spaces.Box(-1, 1, (2,), np.float16),
    spaces.Box(-np.inf, np.inf, (2,)),
    spaces.Box(-3, 5, (2, 2), np.int64),
    spaces.Text(5),
    spaces.Tuple((spaces.Discrete(2, start=-1), spaces.MultiDiscrete([3, 4]))),
    spaces.Tuple((spaces.Box(0, 2**64 - 1, (2,), np.uint64), spaces.Discrete(2))),
    spaces.Dict(
        a=spaces.Discrete(3, start=2),
        b=spaces.Dict(x=spaces.Box(0, 1, (2,)), t=spaces.Text(4)),
        c=spaces.Tuple((spaces.MultiBinary(2), spaces.Box(-WIDE, WIDE, (2,), np.int64))),
    ),
    spaces.OneOf((spaces.Discrete(3), spaces.Box(0, 1, (2,)))),
]


@pytest.mark.parametrize("space", ACTIONS, ids=str)
def test_an_action_of_any_space_survives_the_wire(space: spaces.Space) -> None:
    space.seed(3)
    told = json.loads(json.dumps(describe(space), allow_nan=False))
    layout = Layout(wire.read_description(told), action=True)
    for _ in range(40):
        value = space.sample()
        flat = layout.pack(value, "the action")
        assert (flat.shape, flat.dtype.name) == (layout.spec.shape, layout.spec.dtype)
        back = layout.unpack(flat)
        assert space.contains(back)
        assert data_equivalence(back, value)


def test_a_composite_value_names_its_places() -> None:
    layout = Layout(describe(ACTIONS[9]), action=True)
    labels = layout.labels()
    assert len(labels) == layout.spec.shape[0]
    assert labels[:2] == ("a", "b.t.length")
    assert labels[-2:] == ("c.1[1].high", "c.1[1].low")


@pytest.mark.parametrize(
    ("space", "value", "says"),
    [
        (spaces.Box(0, 9, (2,), np.int64), np.array([1, 3.9]), "holds 3.9 (float64)"),
        (spaces.Box(0, 1, (2, 3)), np.zeros((3, 2), np.float32), "has the shape (3, 2)"),
        (spaces.Discrete(3), 1.5, "holds 1.5"),
        (spaces.Discrete(3), None, "which is no number"),
        (spaces.Dict(a=spaces.Discrete(2)), {"b": 1}, "has the keys ['b']"),
        (spaces.Dict(a=spaces.Discrete(2)), (1,), "a Dict with the keys ['a']"),
        (spaces.Tuple((spaces.Discrete(2),) * 2), (1,), "a Tuple of 2 parts"),
        (
            spaces.Dict(image=spaces.Box(0, 255, (2, 3), np.uint8)),
            {"image": np.zeros((3, 2), np.uint8)},
            "it['image'] has the shape (3, 2)",
        ),
    ],
)
def test_what_a_space_cannot_hold_is_refused_by_name(
    space: spaces.Space, value: object, says: str
) -> None:
    with pytest.raises(LayoutError) as caught:
        Layout(describe(space)).pack(value, "it")
    assert says in str(caught.value)


def test_values_without_a_fixed_length_differ_by_length_or_hash() -> None:
    for space in (
        spaces.Text(300),
        spaces.Sequence(spaces.Box(0, 1, (2,)), seed=0),
        spaces.Graph(spaces.Box(0, 1, (2,)), spaces.Discrete(3), seed=0),
    ):
        space.seed(0)
        layout = Layout(describe(space))
        values = [space.sample() for _ in range(10)]
        packed = [layout.pack(value, "it").tolist() for value in values]
        assert layout.pack(values[0], "it").tolist() == packed[0]
        assert len({tuple(row) for row in packed}) == len(values)
    # A difference behind everything that is written out shows in the hash.
    layout = Layout(describe(spaces.Text(300)))
    one, other = "a" * 300, "a" * 299 + "b"
    assert layout.pack(one, "it").tolist() != layout.pack(other, "it").tolist()


def test_a_space_that_cannot_be_an_action_is_refused_in_one_sentence() -> None:
    graph = spaces.Graph(spaces.Box(0, 1, (2,)), None)
    with pytest.raises(LayoutError, match="cannot be written as one array of fixed shape"):
        Layout(describe(graph), action=True)


@pytest.mark.parametrize(
    ("ours", "theirs", "says"),
    [
        (spaces.Box(0, 1, (1,)), spaces.Box(0, 2, (1,)), "high: the reference has 1.0"),
        (spaces.Discrete(3), spaces.Discrete(3, start=5), "start: the reference has 0"),
        (spaces.Discrete(3), spaces.Discrete(4), "n: the reference has 3"),
        (spaces.MultiBinary(3), spaces.Box(0, 1, (3,)), "kind of space"),
        (spaces.Box(0, 1, (1,)), spaces.Box(0, 1, (1,), np.float64), "dtype"),
        (
            spaces.Dict(a=spaces.Discrete(2), b=spaces.Discrete(2)),
            spaces.Dict(p=spaces.Discrete(2), q=spaces.Discrete(2)),
            "keys: the reference has ['a', 'b']",
        ),
        (
            spaces.Dict(a=spaces.Tuple((spaces.Discrete(2),))),
            spaces.Dict(a=spaces.Tuple((spaces.Discrete(3),))),
            "n of 'a.0'",
        ),
    ],
)
def test_two_spaces_that_differ_say_where(
    ours: spaces.Space, theirs: spaces.Space, says: str
) -> None:
    found = differences(describe(ours), describe(theirs))
    assert len(found) == 1
    assert says in found[0]
    assert differences(describe(ours), describe(ours)) == []


def test_a_candidate_in_32_bits_may_have_the_same_bounds_in_32_bits() -> None:
    largest = np.finfo(np.float64).max
    ours = describe(spaces.Box(np.array([0.1, -largest]), np.array([0.3, largest]), dtype=float))
    theirs = describe(spaces.Box(np.float32([0.1, -np.inf]), np.float32([0.3, np.inf])))
    assert differences(ours, theirs)
    assert differences(ours, theirs, narrow=True) == []
    other = describe(spaces.Box(np.float32([0.1, -np.inf]), np.float32([0.4, np.inf])))
    assert differences(ours, other, narrow=True)


def test_a_spec_carries_its_spaces_and_does_without() -> None:
    number = ArraySpec((), "int64")
    plain = SideSpec("x", number, number, num_actions=2)
    assert "action_space" not in wire.write_spec(plain)
    assert wire.read_spec(wire.write_spec(plain)) == plain
    told = SideSpec("x", number, number, action_space=describe(spaces.Discrete(2)))
    assert wire.read_spec(wire.write_spec(told)) == told
    wrong = {**wire.write_spec(plain), "action_space": {"kind": "Discrete", "n": 2}}
    with pytest.raises(wire.WireError, match="a Discrete space needs 'start'"):
        wire.read_spec(wrong)


def test_the_bridge_tells_the_true_spaces() -> None:
    with open_reference("gymnasium:Pendulum-v1", num_lanes=1) as reference:
        env = gymnasium.make("Pendulum-v1")
        assert reference.spec.action_space == describe(env.action_space)
        assert reference.spec.observation_space == describe(env.observation_space)
        assert "Box" in shown(reference.spec.observation_space)


def test_whole_numbers_among_floats_are_known() -> None:
    space = spaces.Dict(
        a=spaces.Discrete(9), b=spaces.Box(0, 1, (2,)), t=spaces.Text(3), z=spaces.MultiBinary(2)
    )
    layout = Layout(describe(space))
    places = [layout.labels()[place] for place in layout.whole()]
    assert places[0] == "a"
    assert places[-2:] == ["z[0]", "z[1]"]
    assert not any(name.startswith("b") for name in places)
    assert Layout(describe(spaces.Tuple((spaces.Discrete(2),)))).whole() == ()
