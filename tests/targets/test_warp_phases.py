"""A rule in phases: every way to call it gives what a plain loop over the lanes gives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envlift.targets import warp_cpu, warp_phases

from . import phases

DTYPES = ["float32", "float64"]
NAN, NEVER, GIVEN_UP, AT_ONCE = 0, 1, 2, 3
"""Kinds of lanes: a NaN; no root; a root found by ``insist`` alone; nothing to iterate."""


@pytest.fixture(autouse=True)
def _numbers_of_both_types():
    with jax.enable_x64(True):
        yield


def operands(dtype, lanes, *, bad=True, seed=0):
    """Return place, count, word_0, word_1, scale and offset; ``bad`` adds one lane of each kind."""
    r = np.random.default_rng(seed)
    # From no root to roots far from the first guess: 0 to some 30 iterations.
    place = (10.0 ** r.uniform(-1, 2.5, (lanes, 2))).astype(dtype)
    words = r.integers(0, 2**32, (2, lanes), dtype=np.uint32)
    if bad and lanes > 4:
        for kind, lane in kinds(lanes).items():
            place[lane] = {NAN: np.nan, NEVER: -50.0, GIVEN_UP: 1e8, AT_ONCE: 2.0}[kind]
            words[:, lane] = 0
    count = r.integers(0, phases.EPISODE, lanes).astype(np.int32)
    return place, count, *words, np.dtype(dtype).type(0.5), np.dtype(dtype).type(2.25)


def kinds(lanes):
    """Say in which lanes the bad ones are: beside each other, across a block's edge, at the end."""
    return dict(zip((NAN, NEVER, GIVEN_UP, AT_ONCE), (1, 2, lanes - 2, lanes - 1), strict=True))


def expected(place, count, word_0, word_1, scale, offset, steps=1):
    """Play lane by lane; return what ``rollout`` does, with the places of all steps."""
    places, sums = [], [np.zeros(len(place), t) for t in (place.dtype, np.int32, np.int32)]
    scales, offsets = (np.broadcast_to(a, len(place)) for a in (scale, offset))
    with np.errstate(all="ignore"):
        for step in range(steps):
            rows = zip(place, count, word_0, word_1 + np.uint32(step), scales, offsets, strict=True)
            new, count, *results = zip(*(phases.play(*row) for row in rows), strict=True)
            place, count = np.stack(new), np.array(count, np.int32)
            sums = [s + np.array(r, s.dtype) for s, r in zip(sums, results, strict=True)]
            places.append(place)
    return place, count, *sums, np.stack(places)


def one_step(arrays):
    *results, lost, _ = expected(*arrays)
    return *results, lost.astype(bool)


def assert_equal(results, wanted):
    assert len(results) == len(wanted)
    for result, want in zip(results, wanted, strict=True):
        np.testing.assert_array_equal(result, want, strict=True)


def batched(rule, arrays):
    return jax.vmap(rule, in_axes=(0, 0, 0, 0, None, None))(*arrays)


def rollout(rule, arrays, steps, keep=()):
    run = jax.vmap(
        lambda *a: rule.rollout(*a, num_steps=steps, keep=keep, written=("place",)),
        in_axes=(0, 0, 0, 0, None, None),
        out_axes=[0] * 5 + [1] * len(keep),
    )
    return jax.jit(run)(*arrays)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("lanes", [1, 31, 32, 33, 100])
def test_a_batch_is_a_loop_over_its_lanes(dtype, lanes):
    arrays = operands(dtype, lanes)
    assert_equal(batched(phases.make(dtype), arrays), one_step(arrays))


def test_the_lanes_of_these_tests_are_of_every_kind():
    for dtype in DTYPES:
        arrays = operands(dtype, 100)
        place, _, _, told, lost = one_step(arrays)
        insisted, iterations = told // 1000, told % 1000
        where = kinds(100)
        assert len(np.unique(iterations)) > 4
        assert lost[where[NAN]]
        assert lost[where[NEVER]]
        assert lost.sum() == 2
        assert insisted[where[NAN]] == 101 * phases.REPEATS
        assert insisted[where[GIVEN_UP]] == phases.REPEATS
        assert np.isfinite(place[where[GIVEN_UP]]).all()
        some = (insisted > 0) & (insisted < phases.REPEATS)
        assert some.any()
        assert (insisted == 0).any()
        # The first turn of this lane had nothing to do.
        assert iterations[where[AT_ONCE]] < iterations.max()


@pytest.mark.parametrize("dtype", DTYPES)
def test_lanes_of_a_block_do_not_influence_each_other(dtype):
    rule = phases.make(dtype)
    clean, bad = operands(dtype, 64, bad=False), operands(dtype, 64)
    others = np.setdiff1d(np.arange(64), list(kinds(64).values()))
    with_bad, without = (
        [np.asarray(a)[others] for a in batched(rule, arrays)] for arrays in (bad, clean)
    )
    assert_equal(with_bad, without)
    # In another order other lanes share a block.
    order = np.random.default_rng(1).permutation(64)
    mixed = [a[order] if np.ndim(a) else a for a in bad]
    assert_equal(batched(rule, mixed), [np.asarray(a)[order] for a in batched(rule, bad)])


def test_inputs_of_each_lane():
    place, count, word_0, word_1, _, _ = operands("float32", 40)
    scale, offset = np.random.default_rng(2).uniform(0.1, 2, (2, 40)).astype(np.float32)
    arrays = place, count, word_0, word_1, scale, offset
    assert_equal(jax.vmap(phases.make("float32"))(*arrays), one_step(arrays))


def test_one_state_is_a_lane_of_a_batch_and_of_its_kernel(monkeypatch):
    rule, arrays, asked = phases.make("float32"), operands("float32", 5), []
    kernel = warp_phases.PhasedRule.kernel
    monkeypatch.setattr(
        warp_phases.PhasedRule,
        "kernel",
        lambda self, layout, registers: (asked.append(layout), kernel(self, layout, registers))[1],
    )
    batch = batched(rule, arrays)
    for lane in range(5):
        alone = rule(*(jnp.asarray(a[lane]) if np.ndim(a) else a for a in arrays))
        assert_equal(alone, [np.asarray(a)[lane] for a in batch])
    # A cheetah's kernel takes 20 s to compile: a call without a batch must not need another one.
    # No other test has batches of these shapes, so both were lowered here.
    assert len(asked) == 2
    assert asked[0] == asked[1]
    assert asked[0].shared == {"scale", "offset"}


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_rollout_is_a_loop_of_steps(dtype):
    rule, steps = phases.make(dtype), 2 * phases.EPISODE + 1
    arrays = operands(dtype, 70)
    *wanted, places = expected(*arrays, steps=steps)
    assert_equal(rollout(rule, arrays, steps), wanted)
    assert_equal(rollout(rule, arrays, steps, keep=("place",)), [*wanted, places])
    state, sums = arrays[:2], [np.zeros_like(total) for total in wanted[2:]]
    for step in range(steps):
        *state, moved, told, lost = batched(
            rule, (*state, arrays[2], arrays[3] + np.uint32(step), *arrays[4:])
        )
        sums = [
            s + np.asarray(now, s.dtype) for s, now in zip(sums, (moved, told, lost), strict=True)
        ]
    assert_equal([*state, *sums], wanted)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_form_for_cuda_computes_the_same(dtype, form_for_cuda):
    rule, arrays = phases.make(dtype), operands(dtype, 77)
    assert_equal(batched(rule, arrays), one_step(arrays))
    *wanted, places = expected(*arrays, steps=9)
    assert_equal(rollout(rule, arrays, 9, keep=("place",)), [*wanted, places])
    assert len(form_for_cuda) == 2


def test_scan_and_nested_batches():
    rule, arrays = phases.make("float32"), operands("float32", 60)
    *wanted, _ = expected(*arrays, steps=6)

    def body(carry, step):
        *state, _, _, _ = batched(rule, (*carry, arrays[2], arrays[3] + step, *arrays[4:]))
        return tuple(state), None

    state, _ = jax.jit(
        lambda place, count: jax.lax.scan(body, (place, count), jnp.arange(6, dtype=jnp.uint32))
    )(*arrays[:2])
    assert_equal(state, wanted[:2])
    folded = [a.reshape(3, 20, *a.shape[1:]) if np.ndim(a) else a for a in arrays]
    axes = (0, 0, 0, 0, None, None)
    nested = jax.vmap(jax.vmap(rule, in_axes=axes), in_axes=axes)(*folded)
    assert_equal([np.asarray(a).reshape(60, *a.shape[2:]) for a in nested], one_step(arrays))


def test_threads_compute_the_same_and_a_costly_rule_asks_for_them_early(monkeypatch):
    monkeypatch.setenv("ENVLIFT_NUM_THREADS", "3")
    lanes = 3 * warp_cpu.MIN_SLICE // phases.make("float32").cost  # a size no other test compiles
    assert lanes < warp_cpu.MIN_SLICE
    used, run_slice = [], warp_cpu.Callback._run_slice
    monkeypatch.setattr(
        warp_cpu.Callback,
        "_run_slice",
        lambda self, *rest: (used.append(1), run_slice(self, *rest))[1],
    )
    arrays = operands("float32", lanes)
    assert_equal(batched(phases.make("float32"), arrays), one_step(arrays))
    assert len(used) == 3


def test_there_is_no_gradient_and_the_error_says_what_to_do():
    rule, arrays = phases.make("float32"), operands("float32", 3, bad=False)

    def loss(place, weight, stop):
        place = jax.lax.stop_gradient(place) if stop else place
        return weight * batched(rule, (place, *arrays[1:]))[2].sum()

    place = jnp.asarray(arrays[0])
    for differentiate in (
        jax.grad,
        jax.value_and_grad,
        lambda f: jax.jit(jax.grad(f), static_argnums=2),
    ):
        with pytest.raises(
            NotImplementedError, match=r"tests\.phases\.float32 has no gradient.*stop_gradient"
        ):
            differentiate(loss)(place, 2.0, False)
    # What the message advises works.
    slope = jax.grad(loss, argnums=1)(place, 2.0, True)
    assert slope == loss(place, 1.0, True)
    assert slope != 0


def test_work_is_laid_out_in_the_order_of_its_fields():
    work = phases.make("float32").phases.work
    assert [(path, f.dtype, f.size) for path, f in warp_phases.work_fields(work)] == [
        ("work.target", "float32", 2),
        ("work.guess.root", "float32", 2),
        ("work.guess.iterations", "int32", None),
        ("work.wide", "float64", None),
        ("work.insisted", "int32", None),
        ("work.pending", "int32", None),
    ]


@pytest.mark.parametrize("alone", [False, True])
def test_iterations_follow_each_other_until_each_is_done(monkeypatch, alone):
    """The second one begins with a lane that the first one has left as not pending."""
    kernel = warp_phases.PhasedRule.kernel
    monkeypatch.setattr(
        warp_phases.PhasedRule,
        "kernel",
        lambda self, layout, registers: kernel(self, layout, registers=alone),
    )
    r = np.random.default_rng(3)
    number, most, least = r.integers(0, 9, (3, 50)).astype(np.int32)
    result, fallen = jax.vmap(phases.make_counter())(number, most, least)
    risen = np.maximum(number, np.minimum(most, number + phases.COUNTED))
    low = np.minimum(risen, np.maximum(least, risen - phases.COUNTED))
    np.testing.assert_array_equal(result, 2 * low)
    np.testing.assert_array_equal(fallen, risen - low)
    assert (risen > number).any()
    assert (fallen > 1).any()
    assert (fallen == 0).any()
