from __future__ import annotations

from dataclasses import replace

import numpy as np

from envlift.verify.engine.history import History, LaneHistory
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


# -- what a run remembers --------------------------------------------------------------------------


def played(lengths, lanes=3, **room):
    """A history of exchanges of these lengths; lane 1 ends at every fifth step."""
    rng = np.random.default_rng(0)
    first = np.arange(lanes) + 100
    history = History(first, first * 10, **room)
    done = 0
    for length in lengths:
        steps = np.arange(done, done + length)
        rows = np.repeat(steps[:, None], lanes, axis=1)
        ended = np.zeros((length, lanes), dtype=bool)
        ended[:, 1] = (steps + 1) % 5 == 0
        seeds = rng.integers(0, 9, (length, lanes)) + rows * 10
        history.keep({"n": rows}, rows * 2, rows * 3, ended, seeds)
        done += length
    return history


def test_a_lane_without_an_end_goes_back_to_the_runs_start():
    lane = played([4, 4, 4]).lane(0, 1)
    assert (lane.seed, lane.start_chance, lane.whole, lane.earlier) == (100, 1000, True, None)
    assert lane.actions.tolist() == [2 * n for n in range(10)]
    assert lane.states["n"].tolist() == list(range(10))


def test_a_lane_goes_back_to_the_end_before_and_knows_what_came_earlier():
    history = played([4, 4, 4])
    lane = history.lane(1, 2)
    assert lane.actions.tolist() == [20]
    assert lane.states["n"].tolist() == [10]
    earlier = lane.earlier
    assert earlier is not None
    assert [start.at for start in earlier.starts] == [0, 5, 10]
    assert earlier.reset_seeds is not None
    assert lane.seed == earlier.reset_seeds[9]
    assert lane.start_chance == 27
    assert earlier.actions.tolist() == [2 * n for n in range(11)]


def test_an_end_at_the_step_that_differs_belongs_to_its_episode():
    lane = played([5, 5]).lane(1, 4)
    assert lane.states["n"].tolist() == [5, 6, 7, 8, 9]


def test_no_more_than_the_longest_is_returned():
    lane = played([4, 4, 4]).lane(0, 3, longest=2)
    assert lane.actions.tolist() == [20, 22]
    assert not lane.whole


def test_what_is_remembered_is_bounded_in_bytes():
    """4,000 lanes once took 2.1 GB."""
    history = played([8] * 40, lanes=4_000, state_bytes=2**20, played_bytes=2**21)
    assert history.bytes < 3 * 2**20
    lane = history.lane(0, 7)
    assert not lane.whole
    assert 0 < lane.known <= len(lane.actions) < 320
    assert lane.states["n"].tolist() == (lane.actions[-lane.known :] // 2).tolist()


def test_states_that_were_forgotten_leave_the_start_of_the_episode():
    lane = played([8] * 40, state_bytes=400).lane(0, 7)
    assert lane.whole
    assert len(lane.actions) == 320
    assert lane.known < 40
    case = minimise(lane, TEMPLATE, lambda case: case.steps > 40, {"n": np.int64(0)})
    assert case is not None
    assert (case.state, case.steps, case.seed) == (None, 320, 100)


def test_something_that_outlives_a_reset_begins_some_episodes_before():
    lane = played([4] * 10).lane(1, 3)
    case = minimise(lane, TEMPLATE, lambda case: case.steps >= 15, {"n": np.int64(0)})
    assert case is not None
    assert (case.steps, case.state) == (20, None)
    assert case.reset_seeds is not None
    assert len(case.reset_seeds) == 20


def test_something_that_needs_sides_that_are_no_longer_new_is_reset_before():
    lane = played([4]).lane(0, 3)
    case = minimise(lane, TEMPLATE, lambda case: case.resets >= 3, None)
    assert case is not None
    assert (case.resets, case.seed, case.steps) == (4, 100, 4)
