"""Every action is tried: drawn from the space itself, within what is legal, and counted."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from gymnasium import spaces

from envlift.reference.layout import Layout
from envlift.reference.spaces import describe
from envlift.reference.types import ArraySpec, Record, SideSpec
from envlift.verify.engine.actions import (
    BY_CHANCE,
    Counted,
    Played,
    chosen_actions,
    layout_of,
    merge,
    random_actions,
)
from envlift.verify.levels.asking.contract import finish_run
from envlift.verify.run.result import Report, Verdict
from envlift.verify.suite import PairError, Policy

N = 4_000


def spec_of(space: spaces.Space, **more: object) -> SideSpec:
    layout = Layout(describe(space), action=True)
    count = int(space.n) if isinstance(space, spaces.Discrete) else None
    number = ArraySpec((), "float64")
    return SideSpec("x", number, layout.spec, num_actions=count, action_space=layout.space, **more)


SPACES = [
    spaces.Discrete(5, start=3),
    spaces.MultiBinary((2, 2)),
    spaces.MultiDiscrete([[3, 2], [4, 5]], start=[[1, 0], [0, -2]]),
    spaces.Box(-1, 1, (2,), np.int64),
    spaces.Box(0, 255, (2,), np.uint8),
    spaces.Box(-(2**62), 2**62, (2,), np.int64),
    spaces.Box(-1, 3, (2,), np.float16),
    spaces.Box(np.float32([0, -np.inf, -np.inf]), np.float32([np.inf, 0, np.inf])),
    spaces.Box(-np.inf, np.inf, (1,), np.int64),
    spaces.Tuple((spaces.Discrete(2, start=-1), spaces.Box(0, 1, (2,)))),
    spaces.Dict(
        a=spaces.Dict(b=spaces.MultiBinary(2), t=spaces.Text(3)),
        c=spaces.Box(-(2**62), 2**62, (2,), np.int64),
        f=spaces.Box(-2, 5, (), np.float64),
    ),
    spaces.OneOf((spaces.Discrete(3), spaces.Box(0, 1, (2,)))),
    spaces.Text(4),
]


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_what_is_drawn_is_of_the_space_and_nothing_of_it_is_left_out(space: spaces.Space) -> None:
    spec = spec_of(space)
    rng = np.random.default_rng(5)
    drawn = random_actions(spec, rng, (N // 4, 4))
    assert drawn.shape == (N // 4, 4, *spec.action.shape)
    assert drawn.dtype.name == spec.action.dtype
    layout = layout_of(spec)
    start = space.start if isinstance(space, spaces.Discrete) else 0
    for row in drawn.reshape(N, *spec.action.shape)[:300]:
        assert space.contains(layout.unpack(row + start))
    played = Played(spec)
    assert played.never()
    played.add(drawn)
    assert played.never() == []


def test_each_choice_of_each_component_is_counted() -> None:
    spec = spec_of(spaces.MultiDiscrete([2, 3]))
    played = Played(spec)
    played.add(np.array([[0, 1], [0, 1], [1, 0]]))
    assert played.counts == {
        "action[0]": {"0": 2, "1": 1},
        "action[1]": {"0": 1, "1": 2, "2": 0},
    }
    assert played.never() == ["action[1]: 2"]


def test_what_was_seldom_legal_is_told_apart() -> None:
    """A deck without a card never allows what that card does; another configuration has it."""
    spec = spec_of(spaces.MultiDiscrete([2, 3]), legal_actions=True)
    played = Played(spec)
    side = Mock(spec=("step", "reset", "set_state"))
    counted = Counted(side, played)
    masks = np.array([[1, 1, 1, 0, 1], [1, 0, 1, 0, 0]], bool)
    side.reset.return_value = record(legal_actions=masks)
    side.step.return_value = record(legal_actions=masks[None])
    steps = np.zeros((1, 2, 2), int)
    counted.reset(np.arange(2))
    # Of two legal ones in one lane of two each is expected in half of the steps.
    for _ in range(27):
        counted.step(steps)
    assert played.expected() == {
        "action[0]": {"0": 27 + 13.5, "1": 13.5},
        "action[1]": {"0": 27 + 13.5, "1": 0, "2": 13.5},
    }
    assert played.never() == ["action[0]: 1", "action[1]: 1, 2"]
    assert played.never_though_legal() == []
    # What is legal after the last step, or after one from a state that was written, is not counted.
    side.step.return_value = record(legal_actions=np.ones((1, 2, 5), bool))
    counted.step(steps)
    assert played.expected()["action[0]"]["1"] == BY_CHANCE
    assert played.never_though_legal() == ["action[0]: 1", "action[1]: 2"]
    counted.set_state({})
    counted.step(steps)
    assert played.expected()["action[1]"]["1"] == 0
    # Of several steps in one message all but the last were played on from.
    several = Played(spec)
    masks = np.zeros((2, 1, 5), bool)
    masks[0, 0, 1], masks[1, 0, 3] = True, True
    side.step.return_value = record(legal_actions=masks)
    Counted(side, several).step(np.zeros((2, 1, 2), int))
    assert several.expected() == {
        "action[0]": {"0": 0, "1": 1},
        "action[1]": {"0": 0, "1": 0, "2": 0},
    }
    silent = Played(spec)
    silent.allowed(None)
    silent.add(np.array([[0, 0]]))
    assert silent.never_though_legal() == ["action[0]: 1", "action[1]: 1, 2"]


def test_a_short_run_excuses_nothing_that_is_always_legal() -> None:
    """A policy that never takes one of two choices is no chance, in forty states either."""
    played = Played(spec_of(spaces.Discrete(2), legal_actions=True))
    played.allowed(np.ones((40, 2), bool))
    played.add(np.zeros(40, int))
    assert played.never_though_legal() == ["action: 1"]


def test_all_configurations_are_asked_together() -> None:
    report = Report("a game", "one", "other", 0)
    merge(report.actions, {"action[0]": {"0": 9, "1": 0}, "action[1]": {"0": 9, "1": 0, "2": 0}})
    finish_run(report, features=False)
    assert not report.checks
    # Without masks nothing is excused, nor what was never legal, nor what often was.
    never = "never played in any configuration: "
    for expected, told in (
        ({}, "action[0]: 1; action[1]: 1, 2"),
        ({"action[0]": {"1": 13.9}, "action[1]": {"1": 0.0, "2": 14.0}}, "action[1]: 1, 2"),
        ({"action[0]": {"1": 0.5}, "action[1]": {"1": 0.1, "2": 13.9}}, None),
    ):
        report.expected = expected
        report.checks.clear()
        finish_run(report, features=True)
        found = [(c.verdict, c.detail) for c in report.checks]
        assert found == ([] if told is None else [(Verdict.INCONCLUSIVE, never + told)])
    report.expected = {}
    finish_run(report, features=True)
    finish_run(report, features=True)
    assert len(report.checks) == 1, "it is told once"
    merge(report.actions, {"action[0]": {"1": 1}, "action[1]": {"1": 1, "2": 1}})
    report.checks.clear()
    finish_run(report, features=True)
    assert not report.checks


def record(**shown: Any) -> Record:
    return Record(observation=np.zeros(1), state={}, **shown)


def test_ends_and_halves_of_a_range_are_counted() -> None:
    spec = spec_of(spaces.Box(-1, 1, (1,), np.float32))
    played = Played(spec)
    played.add(np.float32([[-1], [-0.5], [-0.25], [1.5]]))
    assert played.counts["action[0]"] == {
        "lowest": 1,
        "lower half": 2,
        "upper half": 0,
        "highest": 0,
        "below the bounds": 0,
        "above the bounds": 1,
    }
    assert played.never() == ["action[0]: upper half, highest"]


def test_values_beyond_the_bounds_are_played_where_a_side_clips_them_and_only_there() -> None:
    space = spaces.Box(-1, 1, (3,), np.float32)
    rng = np.random.default_rng(0)
    inside = random_actions(spec_of(space), rng, (N,))
    beyond = random_actions(spec_of(space, clips_actions=True), rng, (N,))
    assert np.abs(inside).max() == 1.0
    assert 0.01 < (beyond < -1).mean() < 0.05
    assert 0.01 < (beyond > 1).mean() < 0.05


def test_an_old_side_that_tells_bounds_alone_gets_whole_numbers_from_end_to_end() -> None:
    """Drawing floats and cutting them off never reached the last choice."""
    low, high = (0.0, -1.0), (2.0, 1.0)
    number = ArraySpec((), "int64")
    spec = SideSpec("x", number, ArraySpec((2,), "int64"), action_low=low, action_high=high)
    drawn = random_actions(spec, np.random.default_rng(0), (500,))
    assert sorted(set(drawn[:, 0].tolist())) == [0, 1, 2]
    assert sorted(set(drawn[:, 1].tolist())) == [-1, 0, 1]


def test_a_side_without_bounds_is_refused_in_one_sentence() -> None:
    number = ArraySpec((), "int64")
    spec = SideSpec("x", number, ArraySpec((2,), "float32"))
    with pytest.raises(PairError, match="tells no bounds of its actions"):
        random_actions(spec, np.random.default_rng(0), (1,))


def test_random_play_keeps_to_the_legal_actions() -> None:
    spec = spec_of(spaces.Discrete(4))
    rng = np.random.default_rng(0)
    legal = rng.random((N, 4)) < 0.4
    legal[:10] = False
    drawn = random_actions(spec, rng, (N,), legal)
    allowed = legal[np.arange(N), drawn]
    assert allowed[10:][legal[10:].any(axis=1)].all()
    # Each legal choice is as likely as the others.
    both = (legal == [True, True, False, False]).all(axis=1)
    assert 0.3 < drawn[both].mean() < 0.7


def test_a_policy_is_shown_the_legal_actions_if_it_asks_for_them() -> None:
    spec = spec_of(spaces.Discrete(3))
    legal = np.array([[False, True, False], [False, False, True]])
    seen = np.zeros((2, 1))

    def asks(rng, observation, state, legal_actions=None):
        return legal_actions.argmax(axis=1)

    def does_not(rng, observation, state):
        return np.zeros(len(observation))

    rng = np.random.default_rng(0)
    assert chosen_actions(Policy("p", asks), spec, rng, seen, {}, legal).tolist() == [1, 2]
    assert chosen_actions(Policy("q", does_not), spec, rng, seen, {}, legal).tolist() == [0, 0]
