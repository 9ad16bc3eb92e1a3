"""A Warp rule as a JAX function: every way to call it gives what the rule says."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envlift.targets import warp as target
from envlift.targets import warp_cpu, warp_cuda, warp_init
from envlift.targets.warp import BatchedRule

from . import rules
from .rules import WALK


def operands(*batch, seed=0):
    r = np.random.default_rng(seed)
    return (
        jnp.asarray(r.normal(size=(*batch, 2)), jnp.float32),
        jnp.asarray(r.integers(0, 9, batch), jnp.int32),
        *(jnp.asarray(r.integers(0, 2**32, batch, dtype=np.uint32)) for _ in range(3)),
        jnp.asarray(r.normal(size=batch), jnp.float32),
        jnp.asarray(r.integers(0, 2, batch), jnp.bool_),
    )


def expected(arrays):
    """Play the rule lane by lane in NumPy."""
    arrays = [np.asarray(a) for a in arrays]
    batch = arrays[1].shape
    lanes = [rules.walk_in_numpy(*(a[index] for a in arrays)) for index in np.ndindex(batch)]
    dtypes = (np.float32, np.int32, np.uint32, np.float32, np.bool_)
    columns = [
        np.array(column, t) for column, t in zip(zip(*lanes, strict=True), dtypes, strict=True)
    ]
    return [c.reshape((*batch, *c.shape[1:])) for c in columns]


def assert_equal(results, wanted):
    assert len(results) == len(wanted)
    for result, want in zip(results, wanted, strict=True):
        assert result.dtype == want.dtype
        np.testing.assert_array_equal(result, want)


def test_one_state():
    assert_equal(WALK(*operands()), expected(operands()))


def test_inputs_may_be_named_as_the_kernel_names_its_own_variables():
    numbers = [jnp.arange(5, dtype=jnp.int32) * factor for factor in (1, 10, 100)]
    (total,) = jax.vmap(rules.ADD)(*numbers, jnp.full(5, 1000.0, jnp.float32))
    np.testing.assert_array_equal(total, np.arange(5) * 111 + 1000)


@pytest.mark.parametrize("lanes", [1, 7, 64, 1000])
def test_a_batch(lanes):
    assert_equal(jax.vmap(WALK)(*operands(lanes)), expected(operands(lanes)))


def test_nested_batches():
    arrays = operands(3, 4, 5)
    batched = jax.vmap(jax.vmap(jax.vmap(WALK)))
    assert_equal(batched(*arrays), expected(arrays))
    assert_equal(jax.jit(batched)(*arrays), expected(arrays))


def test_batches_along_other_axes():
    arrays = operands(5)
    turned = (arrays[0].T, *arrays[1:])
    assert_equal(jax.vmap(WALK, in_axes=(1, 0, 0, 0, 0, 0, 0))(*turned), expected(arrays))


def test_shared_inputs_are_the_same_for_all_lanes():
    arrays = list(operands(100))
    arrays[5] = jnp.float32(0.75)
    full = [*arrays[:5], jnp.full(100, 0.75, jnp.float32), arrays[6]]
    result = jax.vmap(WALK, in_axes=(0, 0, 0, 0, 0, None, 0))(*arrays)
    assert_equal(result, expected(full))


def test_inputs_batched_at_some_levels_only():
    state = operands(4, 6)[:3]
    _, word_1, speed, up = operands(6)[3:]
    outer = operands(4)[3]
    inner = jax.vmap(WALK, in_axes=(0, 0, 0, None, 0, 0, 0))
    result = jax.vmap(inner, in_axes=(0, 0, 0, 0, None, None, None))(
        *state, outer, word_1, speed, up
    )
    spread = [jnp.broadcast_to(a, (4, 6)) for a in (outer[:, None], word_1, speed, up)]
    assert_equal(result, expected([*state, *spread]))


def test_a_state_shared_by_all_lanes_becomes_one_per_lane():
    state, inputs = operands()[:3], operands(8)[3:]
    result = jax.vmap(WALK, in_axes=(None, None, None, 0, 0, 0, 0))(*state, *inputs)
    spread = [jnp.broadcast_to(a, (8, *a.shape)) for a in state]
    assert_equal(result, expected([*spread, *inputs]))


def test_scan_is_a_loop_and_inputs_survive_the_update_in_place():
    arrays = operands(50)
    copies = [np.array(a) for a in arrays]

    @jax.jit
    def run(*arrays):
        def body(state, _):
            *state, reward, third = jax.vmap(WALK)(*state, *arrays[3:])
            return tuple(state), (reward, third)

        return jax.lax.scan(body, arrays[:3], length=40)

    state, (rewards, thirds) = run(*arrays)
    wanted = arrays[:3]
    for t in range(40):
        *wanted, reward, third = expected([*wanted, *arrays[3:]])
        assert_equal((rewards[t], thirds[t]), (reward, third))
    assert_equal(state, wanted)
    for array, copy in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("lanes", [1, 300])
@pytest.mark.parametrize("keep", [(), ("place",)])
def test_a_rollout_is_a_loop_with_a_counted_key(lanes, keep):
    arrays = operands(lanes)
    axes = [0] * 5 + [1] * len(keep)

    def run(*arrays):
        return WALK.rollout(*arrays, num_steps=20, keep=keep, written=("place",))

    *state, reward, third = jax.jit(jax.vmap(run, out_axes=axes))(*arrays)[:5]
    kept = jax.vmap(run, out_axes=axes)(*arrays)[5:]
    wanted, rewards, thirds, places = arrays[:3], np.zeros(lanes, np.float32), 0, []
    for t in range(20):
        word_1 = arrays[4] + jnp.uint32(t)
        *wanted, r, ended = expected([*wanted, arrays[3], word_1, *arrays[5:]])
        rewards, thirds = rewards + r, thirds + ended.astype(np.int32)
        places.append(wanted[0])
    assert_equal((*state, reward, third), (*wanted, rewards, thirds))
    assert_equal(kept, [np.stack(places)] if keep else [])


def test_the_form_for_cuda_computes_the_same(form_for_cuda):
    arrays = operands(77)
    kept = {"num_steps": 9, "keep": ("place",), "written": ("place",)}

    def rollout(*arrays):
        return WALK.rollout(*arrays, **kept)

    step = jax.jit(jax.vmap(lambda *a: WALK(*a)))
    assert_equal(step(*arrays), expected(arrays))
    results = jax.jit(jax.vmap(rollout, out_axes=[0] * 5 + [1]))(*arrays)
    assert len(form_for_cuda) == 2
    wanted, rewards, thirds, places = arrays[:3], np.zeros(77, np.float32), 0, []
    for t in range(9):
        *wanted, r, third = expected([*wanted, arrays[3], arrays[4] + jnp.uint32(t), *arrays[5:]])
        rewards, thirds = rewards + r, thirds + third.astype(np.int32)
        places.append(wanted[0])
    assert_equal(results, (*wanted, rewards, thirds, np.stack(places)))


@pytest.mark.parametrize("registers", [False, True])
@pytest.mark.parametrize("shared", [False, True])
def test_a_result_is_written_where_it_belongs_whether_or_not_that_is_the_input(registers, shared):
    """XLA may give the state after a step a buffer of its own; an old kernel left it as it was."""
    arrays = [np.array(a) for a in operands(33)]
    layout = target._layout(WALK, arrays, None, (), ())
    launch = WALK.launch(layout, 1, 33, registers)
    results = [np.full_like(a, 99) for a in arrays[:3]]
    if shared:
        results = [np.array(a) for a in arrays[:3]]
        inputs = [*results, *arrays[3:]]
    else:
        inputs = [np.array(a) for a in arrays]
    outputs = [np.zeros(33, np.float32), np.zeros(33, np.bool_)]
    callback = warp_cpu.Callback(launch)
    addresses = [[a.ctypes.data for a in group] for group in (inputs, [*results, *outputs])]
    callback.run(callback.pointers(*addresses, None), None)
    assert_equal([*results, *outputs], expected(arrays))
    if not shared:
        for array, before in zip(inputs, arrays, strict=True):
            np.testing.assert_array_equal(array, before)


def test_a_launch_on_cuda_never_works_in_place():
    launch = WALK.launch(target._layout(WALK, operands(4), None, (), ()), 1, 4, registers=False)
    with pytest.raises(ValueError, match="two arrays"):
        warp_cuda.Callback(launch)


def test_threads_compute_the_same(monkeypatch):
    monkeypatch.setenv("ENVLIFT_NUM_THREADS", "3")
    lanes = 3 * warp_cpu.MIN_SLICE + 17  # a size no other test compiles
    arrays = operands(lanes)
    used = []
    run_slice = warp_cpu.Callback._run_slice
    monkeypatch.setattr(
        warp_cpu.Callback,
        "_run_slice",
        lambda self, *rest: (used.append(1), run_slice(self, *rest))[1],
    )
    result = jax.vmap(WALK)(*arrays)
    assert len(used) == 3
    for start in range(0, lanes, 5000):
        part = [a[start : start + 5000] for a in arrays]
        assert_equal(
            [r[start : start + 5000] for r in result],
            [np.asarray(r) for r in jax.vmap(WALK)(*part)],
        )


@pytest.mark.parametrize("lanes", [1, 100, 8191, 8192, 16384, 16385, 100_000, 1_000_003])
@pytest.mark.parametrize("threads", [1, 2, 3, 16])
@pytest.mark.parametrize("steps", [1, 50])
def test_slices_cover_the_batch_once(lanes, threads, steps):
    pieces = warp_cpu.slices(lanes, threads, steps)
    assert len(pieces) <= threads
    assert [first for first, _ in pieces] == [0, *(end for _, end in pieces[:-1])]
    assert pieces[-1][1] == lanes
    assert all(first < end and first % warp_cpu.ALIGN == 0 for first, end in pieces)


@pytest.mark.parametrize(
    ("lanes", "threads", "steps", "pieces"),
    [
        (16383, 2, 1, 1),  # a launch too small to share
        (16384, 2, 1, 2),
        (512, 2, 32, 2),  # many steps make a small batch worth it
        (100_000, 3, 1, 3),
        (64, 2, 10_000, 1),  # one cache line of lanes
    ],
)
def test_small_launches_stay_on_one_thread(lanes, threads, steps, pieces):
    assert len(warp_cpu.slices(lanes, threads, steps)) == pieces


def test_the_number_of_threads_is_checked(monkeypatch):
    monkeypatch.setenv("ENVLIFT_NUM_THREADS", "5")
    assert warp_init.cpu_threads() == 5
    for bad in ("0", "-2", "two", ""):
        monkeypatch.setenv("ENVLIFT_NUM_THREADS", bad)
        with pytest.raises(ValueError, match="ENVLIFT_NUM_THREADS"):
            warp_init.cpu_threads()


def test_wrong_arrays_are_refused_by_name():
    arrays = list(operands())
    with pytest.raises(TypeError, match=r"takes 7 arrays \(place, count, mark, word_0, word_1"):
        WALK(*arrays[:-1])
    with pytest.raises(TypeError, match=r"speed must be float32\[\], got int32\[\]"):
        WALK(*arrays[:5], jnp.int32(1), arrays[6])
    with pytest.raises(TypeError, match=r"place must be float32\[2\], got float32\[3\]"):
        WALK(jnp.zeros(3), *arrays[1:])
    with pytest.raises(ValueError, match="num_steps=0 is out of range"):
        WALK.rollout(*arrays, num_steps=0)


def test_types_that_jax_does_not_have_here_are_refused():
    with pytest.raises(TypeError, match=r"speed: .*float16.* cannot cross to JAX"):
        BatchedRule(rules.refused, rules.Walker, {})


def test_too_much_to_keep_is_refused_before_anything_is_allocated():
    shapes = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in operands(1 << 20)]
    run = jax.vmap(
        lambda *a: WALK.rollout(*a, num_steps=1 << 11, keep=("place",)), out_axes=[0] * 5 + [1]
    )
    with pytest.raises(ValueError, match="keep fewer steps per call"):
        jax.eval_shape(run, *shapes)


def test_an_error_in_a_launch_reaches_the_caller(monkeypatch):
    arrays = operands(123)

    def fail(self, pointers, frame):
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(warp_cpu.Callback, "run", fail)
    with pytest.raises(Exception, match="broken on purpose"):
        jax.block_until_ready(jax.vmap(WALK)(*arrays))


def test_nothing_is_printed_on_a_machine_without_cuda(tmp_path):
    code = (
        "import jax, envlift; env = envlift.make('pong', backend='warp'); "
        "jax.block_until_ready(env.step(jax.random.key(0), env.reset(jax.random.key(0))[1], 0))"
    )
    environment = os.environ | {"WARP_CACHE_PATH": str(tmp_path), "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")
    assert any(tmp_path.rglob("*.o")), "nothing was compiled: the test saw no compiler"
