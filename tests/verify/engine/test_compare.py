"""Every comparator has a test in which it fails."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from envlift.reference.types import Record
from envlift.verify.engine.compare import compare_field, compare_records, ulp_distance
from envlift.verify.suite import Deviation, Field, Suite, Trace

EXACT = Field("x")
LOOSE = Field("x", atol=0.1, reason="a test")
T, B = 3, 2


def bad(reference, candidate, field=EXACT):
    return compare_field(np.asarray(reference), np.asarray(candidate), field).bad


def test_equal_values_pass_and_one_differing_entry_is_found_where_it_is():
    values = np.arange(T * B * 4, dtype=np.float32).reshape(T, B, 4)
    assert not bad(values, values.copy()).any()
    changed = values.copy()
    changed[1, 1, 2] = np.nextafter(changed[1, 1, 2], np.float32(np.inf))
    assert np.argwhere(bad(values, changed)).tolist() == [[1, 1]]


def test_nan_differs_from_every_number_and_equals_only_the_nan_of_the_reference():
    nan, ulp = np.full((1, 1), np.nan), Field("x", ulp=3, reason="a test")
    for field in (Field("x"), LOOSE, ulp):
        assert bad(np.zeros((1, 1)), nan, field).all()
        assert bad(nan, np.zeros((1, 1)), field).all()
        assert bad(np.full((1, 1), np.inf), nan, field).all()
        assert not bad(nan, nan, field).any()


def test_infinities_are_equal_to_themselves_only():
    inf = np.full((1, 1), np.inf)
    assert not bad(inf, inf, LOOSE).any()
    assert bad(inf, -inf, LOOSE).all()
    assert bad(inf, np.full((1, 1), 1e300), LOOSE).all()


def test_a_tolerance_is_kept_on_both_sides():
    zero = np.zeros((1, 1))
    assert not bad(zero, zero + 0.1, LOOSE).any()
    assert not bad(zero, zero - 0.1, LOOSE).any()
    assert bad(zero, zero + 0.1001, LOOSE).all()
    assert bad(zero, zero - 0.1001, LOOSE).all()


def test_a_tolerance_does_not_loosen_integers():
    assert bad(np.zeros((1, 1), int), np.ones((1, 1), int), Field("x", atol=5, reason="t")).all()


@pytest.mark.parametrize(
    "other", [np.zeros((1, 1), bool), np.zeros((1, 1)), np.zeros((1, 1, 1), int)]
)
def test_another_kind_or_shape_differs(other):
    assert bad(np.zeros((1, 1), int), other).all()


def test_ulp_counts_representable_numbers_across_zero():
    tiny = np.float32(np.nextafter(np.float32(0), np.float32(1)))
    one = np.array([1.0, tiny, -tiny], dtype=np.float32)
    other = np.array([np.nextafter(np.float32(1), np.float32(2)), -tiny, tiny], dtype=np.float32)
    assert ulp_distance(one, other).tolist() == [1, 2, 2]
    with pytest.raises(TypeError, match="use atol instead"):
        ulp_distance(one, other.astype(np.float64))


def record(**changes):
    rows = {
        "observation": np.zeros((T, B, 2), np.float32),
        "state": {"x": np.zeros((T, B), np.int32)},
        "reward": np.zeros((T, B), np.float32),
        "terminated": np.zeros((T, B), bool),
        "truncated": np.zeros((T, B), bool),
    }
    return Record(**{**rows, **changes})


def trace_of(reference):
    state = {"x": np.zeros((T, B), np.int32)}
    return Trace(
        before=state,
        action=np.zeros((T, B), np.int32),
        after=reference.state,
        observation=reference.observation,
        reward=reference.reward,
        terminated=reference.terminated,
        truncated=reference.truncated,
        config={},
    )


def suite(**changes):
    return Suite("s", "r", "c", state=(Field("x"),), **changes)


def differing(reference, candidate, after_end=True, counts=None, **changes):
    found = compare_records(
        suite(**changes),
        reference,
        candidate,
        trace_of(reference),
        {} if counts is None else counts,
        after_end,
    )
    return [mismatch.field.name for mismatch in found]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("observation", np.ones((T, B, 2), np.float32)),
        ("state", {"x": np.ones((T, B), np.int32)}),
        ("reward", np.full((T, B), 0.5, np.float32)),
        ("terminated", np.ones((T, B), bool)),
        ("truncated", np.ones((T, B), bool)),
    ],
)
def test_each_part_of_a_record_is_compared(name, value):
    assert differing(record(), record()) == []
    expected = "x" if name == "state" else name
    assert differing(record(), record(**{name: value})) == [expected]


def test_rewards_are_compared_as_closely_as_both_sides_go():
    third = record(reward=np.full((T, B), 1 / 3))
    # Two numbers that are one in float32.
    almost = np.full((T, B), 1 / 3 + 1e-12)
    assert differing(third, record(reward=almost)) == ["reward"]
    assert differing(third, record(reward=almost.astype(np.float32))) == []
    assert differing(third, record(reward=np.full((T, B), 0.34, np.float32))) == ["reward"]


def test_a_side_without_a_mask_allows_every_action():
    mask = np.ones((T, B, 3), bool)
    assert differing(record(), record(legal_actions=mask)) == []
    mask[2, 1, 0] = False
    assert differing(record(), record(legal_actions=mask)) == ["legal_actions"]


def test_the_end_of_an_episode_is_compared_only_where_one_ended():
    ended = np.zeros((T, B), bool)
    ended[1, 0] = True
    final = np.zeros((T, B, 2), np.float32)
    other = final.copy()
    other[2, 1] = 1.0
    both = {"terminated": ended, "final_observation": final}
    assert differing(record(**both), record(terminated=ended, final_observation=other)) == []
    other[1, 0] = 1.0
    found = differing(record(**both), record(terminated=ended, final_observation=other))
    assert found == ["final observation"]
    states = {"final_state": {"x": np.zeros((T, B), np.int32)}}
    wrong = {"final_state": {"x": np.ones((T, B), np.int32)}}
    found = differing(record(terminated=ended, **states), record(terminated=ended, **wrong))
    assert found == ["final x"]


def test_what_follows_an_end_is_left_out_only_when_told_so():
    ended = np.zeros((T, B), bool)
    ended[1, 0] = True
    x = np.zeros((T, B), np.int32)
    x[1, 0] = 7
    reference, candidate = record(terminated=ended), record(terminated=ended, state={"x": x})
    assert differing(reference, candidate, after_end=True) == ["x"]
    assert differing(reference, candidate, after_end=False) == []


def test_a_deviation_allows_its_field_where_its_condition_holds_and_is_counted():
    deviation = Deviation("d", "x", "terminated", "a test", "nowhere")
    ended = np.zeros((T, B), bool)
    ended[1, 0] = True
    x = np.zeros((T, B), np.int32)
    x[1, 0] = 7
    counts: dict[str, int] = {}
    reference, candidate = record(terminated=ended), record(terminated=ended, state={"x": x})
    assert differing(reference, candidate, counts=counts, deviations=(deviation,)) == []
    assert counts == {"d": 1}
    x[2, 1] = 7
    assert differing(reference, candidate, deviations=(deviation,)) == ["x"]


def test_a_deviation_that_cannot_be_evaluated_says_what_it_may_use():
    deviation = Deviation("d", "x", "nonsense > 1", "a test", "nowhere")
    with pytest.raises(ValueError, match=r"nonsense.*may use.*after"):
        deviation.allows(trace_of(record()))


def test_a_missing_state_field_is_an_error_that_names_it():
    with pytest.raises(ValueError, match="candidate has no state field 'x'"):
        differing(record(), record(state={"y": np.zeros((T, B), np.int32)}))


def test_a_whole_number_among_floats_has_no_tolerance():
    one, other = np.array([[[1e6, 1e6]]]), np.array([[[1e6, 1e6 + 1]]])
    loose = Field("observation", rtol=1e-5, reason="rounding")
    assert not compare_field(one, other, loose).bad.any()
    assert compare_field(one, other, replace(loose, exact_at=(1,))).bad.all()
    assert not compare_field(one, other, replace(loose, exact_at=(0,))).bad.any()


def test_no_steps_at_all_are_no_difference():
    nothing = np.zeros((0, 4), np.float32)
    assert compare_field(nothing, nothing, Field("reward")).bad.shape == (0, 4)
    assert compare_field(nothing[..., None], nothing[..., None], Field("x")).bad.shape == (0, 4)
