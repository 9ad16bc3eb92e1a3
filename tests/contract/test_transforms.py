"""One environment under ``vmap``, ``jit`` and ``scan`` is still the same environment."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from tests.contract.cases import LANES, Case, assert_same, random_action

STEPS = 24

# Two programs may round a division or a fused multiply-add differently in the last place.
ULPS = 2


def keys_of(step: int) -> jax.Array:
    return jax.random.split(jax.random.key(100 + step), LANES)


def actions_of(case, states, step=0):
    return case.batched("act")(keys_of(step), states)


def lane_of(tree, lane):
    return jax.tree.map(lambda leaf: leaf[lane], tree)


def test_a_batch_is_its_singles(case: Case) -> None:
    states, single = case.states(), case.compiled("step")
    actions = actions_of(case, states)
    batch = case.batched("step")(keys_of(0), states, actions)
    for lane in range(LANES):
        alone = single(keys_of(0)[lane], lane_of(states, lane), actions[lane])
        assert_same(lane_of(batch, lane), alone, f"lane {lane}", ulps=ULPS)


def test_lanes_do_not_touch_each_other(case: Case) -> None:
    """The same program on the lanes in another order gives the same, bit for bit."""
    states = case.states()
    step = case.batched("step")
    arguments = (keys_of(0), states, actions_of(case, states))
    turned = jax.tree.map(lambda leaf: jnp.roll(leaf, 5, axis=0), arguments)
    expected = jax.tree.map(lambda leaf: jnp.roll(leaf, 5, axis=0), step(*arguments))
    assert_same(step(*turned), expected, "rolled lanes")


def test_compiled_is_interpreted(case: Case) -> None:
    env, states = case.make(), case.states()
    actions, compiled = actions_of(case, states), case.compiled("step")
    for lane in range(4):
        arguments = keys_of(0)[lane], lane_of(states, lane), actions[lane]
        assert_same(compiled(*arguments), env.step(*arguments), f"lane {lane}", ulps=ULPS)
    assert_same(jax.jit(env.reset)(keys_of(0)[0]), env.reset(keys_of(0)[0]), "reset", ulps=ULPS)


def test_a_scan_is_a_loop(case: Case) -> None:
    env, start = case.make(), case.states()
    keys = jnp.stack([keys_of(step) for step in range(STEPS)])

    def move(state, keys):
        actions = jax.vmap(lambda key, one: random_action(env, key, one))(keys, state)
        out = jax.vmap(env.step)(keys, state, actions)
        return out[1], out

    last, scanned = jax.jit(lambda state: jax.lax.scan(move, state, keys))(start)
    # The loop starts each step from the scan's state: rounding must not add up into a difference.
    one = jax.jit(move)
    state = start
    for step in range(STEPS):
        _, out = one(state, keys[step])
        assert_same(out, lane_of(scanned, step), f"step {step}", ulps=ULPS)
        state = lane_of(scanned[1], step)
    assert_same(state, last, "the last state")
    assert bool((scanned[3] | scanned[4]).any()), "no episode ended inside the scan"


def test_step_and_reset_are_traced_once(case: Case) -> None:
    """A state that comes back in another dtype or weak type costs a compilation per step."""
    env, traces = case.make(), []

    @jax.jit
    @jax.vmap
    def reset(key):
        traces.append("reset")
        return env.reset(key)

    @jax.jit
    @jax.vmap
    def step(key, state):
        traces.append("step")
        return env.step(key, state, random_action(env, key, state))

    for episode in range(3):
        _, state = reset(keys_of(episode))
        for number in range(8):
            _, state, *_ = step(keys_of(number), state)
    assert traces == ["reset", "step"]


def test_params_are_an_argument(case: Case) -> None:
    """``params`` given, batched or left out: the defaults are the same environment."""
    env, states = case.make(), case.states()
    actions, params = actions_of(case, states), env.default_params
    without = case.batched("step")(keys_of(0), states, actions)
    given = jax.jit(jax.vmap(env.step, in_axes=(0, 0, 0, None)))
    assert_same(given(keys_of(0), states, actions, params), without, "params", ulps=ULPS)
    if jax.tree.leaves(params):
        lanes = jax.tree.map(lambda leaf: jnp.broadcast_to(jnp.asarray(leaf), LANES), params)
        batched = case.batched("step")(keys_of(0), states, actions, lanes)
        assert_same(batched, without, "batched params", ulps=ULPS)
