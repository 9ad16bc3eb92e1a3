"""PufferLib's own Pong in C, through the protocol. The first run fetches it (60 MB)."""

import numpy as np
import pytest

from envlift.envs.pong.reference import build
from envlift.envs.pong.reference.pong import DEFAULTS
from envlift.reference.client import ReferenceFailure
from envlift.reference.launch import open_reference

PONG = "python:envlift.envs.pong.reference.pong:PongReference"
B = 4


@pytest.fixture(scope="module", autouse=True)
def prepared():
    return build.prepare()


def start(num_lanes=B, **config):
    return open_reference(PONG, num_lanes=num_lanes, config=config)


def begin(reference, serve=0):
    count = reference.num_lanes
    return reference.reset(np.zeros(count, np.int64), np.full(count, serve, np.int32))


def chance(*axes, seed=0):
    return np.random.default_rng(seed).integers(0, 2**31, axes).astype(np.int32)


def same(one, two):
    assert set(one) == set(two)
    for name in one:
        np.testing.assert_array_equal(one[name], two[name], err_msg=name)


def test_the_spec():
    with start() as reference:
        spec = reference.spec
        assert (spec.num_actions, spec.self_reset, spec.chance.dtype) == (3, False, "int32")
        assert (spec.observation.shape, spec.reward.dtype) == ((8,), "float32")
        assert set(spec.state) >= {"paddle_yl", "win", "observations"}
        assert spec.pins["pufferlib"] == "3.0.0"
    with start(continuous=True) as reference:
        assert (reference.spec.action.shape, reference.spec.action.dtype) == ((1,), "float32")
        assert (reference.spec.action_low, reference.spec.action_high) == ((-1.0,), (1.0,))


def test_a_serve_takes_its_number_from_the_tape():
    with start() as reference:
        record = reference.reset(np.zeros(B, np.int64), np.array([0, 1, 6, 2**31 - 1], np.int32))
        assert record.state["ball_vy"].tolist() == [-1, 0, -1, 0]
        assert record.state["ball_x"].tolist() == [100] * B
        np.testing.assert_array_equal(record.observation, record.state["observations"])


def test_frames_counted_by_hand():
    """Serve with vy = -1: after one frame the ball is at (110, 303); the left paddle aims at it."""
    with start() as reference:
        begin(reference)
        record = reference.step(np.array([[0, 1, 2, 1]]), chance(1, B))
        assert record.state["paddle_yr"][0].tolist() == [285, 293, 277, 293]
        assert record.state["paddle_yl"][0].tolist() == [277] * B
        assert record.state["ball_x"][0].tolist() == [110] * B
        assert record.state["ball_y"][0].tolist() == [303] * B
        assert (
            record.observation[0, 1].tolist()
            == np.float32([312 / 640, 328 / 640, 110 / 500, 303 / 640, 1, 12 / 26, 0, 0]).tolist()
        )
        # 37 frames to the right edge: 100 + 370 + 32 > 500. Nobody is there but the still paddle.
        record = reference.step(np.array([[0, 1, 2, 1]] * 36), chance(36, B))
        assert record.reward[-1].tolist() == np.float32([0.1, -1, -1, -1]).tolist()
        assert record.state["score_l"][-1].tolist() == [0, 1, 1, 1]
        assert record.state["n_bounces"][-1].tolist() == [1, 0, 0, 0]


def test_a_point_leaves_the_observation_stale_and_the_last_point_ends_the_game():
    with start() as reference:
        begin(reference)
        actions = np.ones((2000, B), np.int32)  # the paddle flees to the ceiling
        record = reference.step(actions, chance(2000, B))
        points = record.reward[:, 0] == -1
        ends = record.terminated[:, 0]
        assert points.sum() > 25
        assert np.flatnonzero(ends).tolist() == np.flatnonzero(points)[20::21].tolist()
        stale = points & ~ends
        observation, before = record.observation[:, 0], np.roll(record.observation[:, 0], 1, 0)
        np.testing.assert_array_equal(observation[stale], before[stale])
        assert (observation[ends, 2] == np.float32(0.2)).all()
        assert (record.state["score_l"][ends, 0] == 0).all()
        assert not record.truncated.any()


@pytest.mark.parametrize("config", [{}, {"frameskip": 8}])
def test_the_end_of_a_game_is_shown_as_it_was_before_the_reset(config):
    with start(**config) as reference:
        begin(reference)
        record = reference.step(np.ones((2000, B), np.int32), chance(2000, B))
        ends = record.terminated
        assert ends.sum() > B
        last, after = record.final_state, record.state
        assert (last["score_l"][ends] == 21).all()
        assert (after["score_l"][ends] == 0).all()
        # The ball is still at the right side, and the round's counters have not begun anew.
        assert (last["ball_x"][ends] > 468).all()
        assert (last["tick"][ends] > 0).all()
        seen = record.final_observation
        np.testing.assert_array_equal(seen, last["observations"])
        # The point came in the first frame of its step, or the frames before it were looked at.
        if not config:
            before = np.roll(record.observation, 1, 0)
            np.testing.assert_array_equal(seen[ends], before[ends])
        assert (seen[ends] != record.observation[ends]).any(axis=1).all()
        same(
            {name: values[~ends] for name, values in last.items()},
            {name: values[~ends] for name, values in after.items()},
        )
        np.testing.assert_array_equal(seen[~ends], record.observation[~ends])


@pytest.mark.parametrize(
    "config", [{}, {"frameskip": 8}, {"continuous": True}, {"continuous": True, "frameskip": 4}]
)
def test_states_can_be_copied_and_single_steps_agree_with_rollouts(config):
    rng = np.random.default_rng(1)
    steps = 400
    with start(**config) as reference:
        begin(reference)
        if config.get("continuous"):
            actions = rng.uniform(-1.5, 1.5, (steps, B, 1)).astype(np.float32)
        else:
            actions = rng.integers(0, 3, (steps, B)).astype(np.int32)
        serves = chance(steps, B)
        reference.step(actions, serves)
        state = reference.get_state()
        first = reference.step(actions, serves)
        begin(reference, 1)
        reference.set_state(state)
        same(reference.get_state(), state)
        second = reference.step(actions, serves)
        same(first.state, second.state)
        np.testing.assert_array_equal(first.observation, second.observation)
        np.testing.assert_array_equal(first.reward, second.reward)
        # The component c_step, from every state of lane 0, gives the next one.
        before = {name: value[:-1, 0] for name, value in first.state.items()}
        action = actions[1:, 0]
        got = reference.call("c_step", {"action": action, "serve": serves[1:, 0], **before})
        np.testing.assert_array_equal(got.pop("reward"), first.reward[1:, 0])
        np.testing.assert_array_equal(got.pop("terminated"), first.terminated[1:, 0])
        same(got, {name: value[1:, 0] for name, value in first.state.items()})
        same(reference.get_state(), {name: value[-1] for name, value in second.state.items()})
        assert (first.reward != 0).sum() > 10


def test_a_continuous_action_is_clipped():
    with start(num_lanes=5, continuous=True) as reference:
        begin(reference)
        actions = np.float32([[[1], [5], [-1], [-7], [0.25]]])
        record = reference.step(actions, chance(1, 5))
        assert record.state["paddle_yr"][0].tolist() == [293, 293, 277, 277, 287]


def test_a_new_game_knows_nothing_of_the_old_one():
    with start() as reference:
        fresh = begin(reference).state
        used = {name: np.ones_like(value) for name, value in fresh.items()}
        reference.set_state(used)
        same(reference.get_state(), used)
        same(begin(reference).state, fresh)


def test_components():
    with start() as reference:
        table = reference.call("constants", {})
        assert {name: value[0] for name, value in table.items() if name in DEFAULTS} == DEFAULTS
        assert (table["min_paddle_y"][0], table["max_paddle_y"][0]) == (-35, 605)
        serve = np.array([0, 1, 2], np.int32)
        fresh = reference.call("c_reset", {"serve": serve})
        assert fresh["ball_vy"].tolist() == [-1, 0, -1]
        assert fresh["observations"].shape == (3, 8)
        served = reference.call("reset_round", {"serve": serve, "score_l": np.array([3, 4, 5])})
        assert served["score_l"].tolist() == [3, 4, 5]
        assert "observations" not in served
        seen = reference.call(
            "compute_observations",
            {"ball_x": np.float32([0, 250]), "score_r": np.array([20, 21], np.int32)},
        )
        assert seen["observations"][:, [2, 7]].tolist() == [[0, 0], [0.5, 1]]
        with pytest.raises(ReferenceFailure, match="no field 'ball'"):
            reference.call("compute_observations", {"ball": np.zeros(1)})
    with start(height=320, max_score=3) as reference:
        table = reference.call("constants", {})
        assert (table["max_paddle_y"][0], table["max_score"][0]) == (285, 3)


def test_wrong_options_and_actions_are_refused():
    for config, says in (
        ({"frame_skip": 8}, "no option 'frame_skip'; known: width"),
        ({"frameskip": 0}, "frameskip must be at least 1, it is 0"),
        ({"max_score": 0}, "max_score must be at least 1"),
    ):
        with pytest.raises(ReferenceFailure, match=says):
            start(**config)
    with start() as reference:
        begin(reference)
        with pytest.raises(ReferenceFailure, match="an action is outside of 0, 1, 2"):
            reference.step(np.full((1, B), 3), chance(1, B))


@pytest.mark.parametrize("config", [{}, {"frameskip": 8}, {"continuous": True}])
def test_the_benchmark_does_the_same_work_in_every_exact_variant(config):
    with start(**config) as reference:
        size = {"envs": np.array([16]), "steps": np.array([30_000])}
        runs = [
            reference.call("bench", {**size, "variant": np.array([variant])})
            for variant in range(build.EXACT_BENCHES)
        ]
        runs.append(reference.call("bench", size))
        assert {run["steps"][0] for run in runs} == {16 * 30_000}
        assert len({run["checksum"][0] for run in runs}) == 1
        assert len({run["terminals"][0] for run in runs}) == 1
        assert all(run["seconds"][0] > 0 for run in runs)
        assert runs[0]["terminals"][0] > 16
        other = reference.call("bench", {**size, "seed": np.array([2])})
        assert other["checksum"][0] != runs[0]["checksum"][0]
        with pytest.raises(ReferenceFailure, match="variant must be below"):
            reference.call("bench", {**size, "variant": np.array([9])})


def test_coverage_counts_lines_of_the_game():
    with start(coverage=True) as counted, start() as plain:
        for reference in (counted, plain):
            begin(reference)
        actions, serves = np.ones((500, B), np.int32), chance(500, B)
        one, two = counted.step(actions, serves), plain.step(actions, serves)
        same(one.state, two.state)
        first = counted.coverage()
        assert {place.split()[0].split(":")[0] for place in first} == {"pong.h"}
        steps = {place: count for place, count in first.items() if place.endswith(" c_step")}
        assert max(steps.values()) >= 500 * B
        assert 500 * B in steps.values()
        assert 0 in steps.values(), "a fleeing paddle never makes the last point"
        counted.step(actions, serves)
        second = counted.coverage()
        assert set(second) == set(first)
        assert 1000 * B in second.values()
        assert plain.coverage() == {}
