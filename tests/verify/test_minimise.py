from __future__ import annotations

from dataclasses import replace

import numpy as np

from envlift.verify.engine.lockstep import LaneHistory
from envlift.verify.failure.case import Case
from envlift.verify.failure.minimise import minimise

STEPS = 50
TEMPLATE = Case(suite="s", config="c", actions=[])


def history():
    return LaneHistory(
        seed=9,
        start_chance=np.int32(4),
        states={"n": np.arange(STEPS), "other": np.arange(STEPS) * 10},
        actions=np.arange(STEPS) % 3,
        chance=np.arange(STEPS),
    )


def test_the_start_moves_to_the_shortest_failing_length():
    needed = 5
    calls = []

    def fails(case):
        calls.append(case)
        return case.steps >= needed

    case = minimise(history(), TEMPLATE, fails, {"n": np.int64(0), "other": np.int64(0)})
    assert case.steps == needed
    assert case.state == {"n": 0, "other": 0}
    assert case.actions == [0] * needed
    assert case.chance == [0] * needed
    assert len(calls) < 60


def test_what_the_failure_needs_is_kept():
    def fails(case):
        state = case.state or {"n": 0}
        return 0 < state["n"] <= STEPS - 3 and case.actions[-3] == 2 and case.chance[-1] == 49

    case = minimise(history(), TEMPLATE, fails, {"n": np.int64(0), "other": np.int64(0)})
    assert case.steps == 3
    assert case.state == {"n": STEPS - 3, "other": 0}
    assert case.actions == [2, 0, 0]
    assert case.chance == [0, 0, STEPS - 1]


def test_without_states_the_whole_episode_is_replayed_from_its_reset():
    case = minimise(history(), TEMPLATE, lambda case: case.state is None, None)
    assert (case.state, case.seed, case.start_chance, case.steps) == (None, 9, 4, STEPS)


def test_a_failure_that_does_not_come_back_gives_no_case():
    assert minimise(history(), TEMPLATE, lambda case: False, {"n": np.int64(0)}) is None


def test_a_way_that_does_not_begin_at_its_reset_is_not_replayed_from_there():
    late = replace(history(), whole=False)
    assert minimise(late, TEMPLATE, lambda case: case.state is None, None) is None
