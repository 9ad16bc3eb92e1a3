"""Warp rules on CUDA give what they give on the CPU; `scripts/gpu_truth.py` asks more."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envlift

from . import rules
from .test_warp import assert_equal, expected, operands

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("lanes", [1, 7, 64, 1000, 4099])
@pytest.mark.parametrize("flat", [False, True])
def test_what_scan_stacks_is_what_the_rule_says(lanes, flat):
    """XLA writes such a result straight into the stack; Warp's own bridge then wrote nothing."""
    arrays = jax.device_put(operands(lanes), jax.devices("cuda")[0])

    @jax.jit
    def run(*arrays):
        def body(state, _):
            *state, reward, third = jax.vmap(rules.WALK)(*state, *arrays[3:])
            place = state[0].reshape(-1) if flat else state[0]
            return tuple(state), (place, state[1], state[2], reward, third)

        return jax.lax.scan(body, arrays[:3], length=6)

    state, seen = run(*arrays)
    wanted = [np.asarray(a) for a in arrays[:3]]
    rest = [np.asarray(a) for a in arrays[3:]]
    for t in range(6):
        *wanted, reward, third = expected([*wanted, *rest])
        np.testing.assert_array_equal(seen[0][t].reshape(lanes, 2), wanted[0])
        assert_equal([a[t] for a in seen[1:]], [*wanted[1:], reward, third])
    assert_equal(state, wanted)


def test_a_rollout_writes_every_step():
    arrays = jax.device_put(operands(300), jax.devices("cuda")[0])
    run = jax.vmap(
        lambda *a: rules.WALK.rollout(*a, num_steps=9, keep=("place",), written=("place",)),
        out_axes=[0] * 5 + [1],
    )
    results = jax.jit(run)(*arrays)
    wanted = jax.jit(run)(*jax.device_put(arrays, jax.devices("cpu")[0]))
    assert_equal(results, [np.asarray(a) for a in wanted])


def test_two_programs_at_once():
    arrays = jax.device_put(operands(500), jax.devices("cuda")[0])
    step = jax.jit(jax.vmap(rules.WALK))
    wanted = expected(operands(500))
    results = [step(*arrays) for _ in range(20)]
    for result in results:
        assert_equal(result, wanted)


def test_pong_shows_more_than_zeros():
    env = envlift.make("pong", backend="warp")
    keys = jax.random.split(jax.random.key(0), 2048)
    _, state = jax.vmap(env.reset)(keys)

    def body(state, _):
        seen, state, *_ = jax.vmap(env.step)(keys, state, jnp.zeros(2048, jnp.int32))
        return state, (seen, state.observations)

    _, (seen, kept) = jax.jit(lambda s: jax.lax.scan(body, s, length=32))(state)
    assert (np.asarray(seen)[..., :6] != 0).mean() > 0.9
    np.testing.assert_array_equal(seen, kept)
