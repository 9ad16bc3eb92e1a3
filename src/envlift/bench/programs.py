"""The programs that are timed, as compiled JAX functions.

Shapes: ``B`` lanes, ``T`` steps. This module is imported by the worker only, after it has pinned
itself: importing JAX starts threads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp

from envlift.targets import chance

SCALE = 4096
"""Floats enter a checksum as whole multiples of 1/4096: targets may differ in the last bit."""


def random_action(env: Any) -> Callable[[jax.Array, Any], jax.Array]:
    """Return ``(key, state) -> action``, uniform, from the counter-based chance.

    Of a game it is uniform over the legal actions of each player, else over the action space.

    Raises:
        ValueError: for a space that is neither ``Discrete`` nor a bounded ``Box``.
    """
    if env.num_players > 1:
        return lambda key, state: _random_legal(key, env.legal_actions(state))
    space = env.action_space()
    if isinstance(space, gymnasium.spaces.Discrete):
        size = int(space.n)
        first = int(space.start)

        def discrete(key: jax.Array, state: Any) -> jax.Array:
            return chance.below(chance.bits(chance.stream(key, chance.ACTION)), size) + first

        return discrete
    if isinstance(space, gymnasium.spaces.Box) and space.is_bounded():
        low, high = jnp.asarray(space.low), jnp.asarray(space.high)
        labels = jnp.arange(low.size, dtype=jnp.uint32).reshape(low.shape)

        def box(key: jax.Array, state: Any) -> jax.Array:
            word = chance.bits(chance.stream(key, chance.ACTION))
            draws = chance.unit(chance.mix(word + labels))
            return low + (high - low) * draws

        return box
    raise ValueError(
        f"{env.info.name} has the action space {space}; random play needs Discrete or a bounded Box"
    )


def _random_legal(key: jax.Array, masks: jax.Array) -> jax.Array:
    """Draw a legal action of each player, int32 [P], from masks bool [P, A]."""
    labels = jnp.arange(masks.shape[0], dtype=jnp.uint32)
    words = chance.mix(chance.bits(chance.stream(key, chance.ACTION)) + labels)
    count = jnp.cumsum(masks, axis=-1)
    drawn = ((words >> 8) * count[:, -1].astype(jnp.uint32) >> 24).astype(jnp.int32)
    return jnp.argmax(count > drawn[:, None], axis=-1).astype(jnp.int32)


def api_rollout(env: Any, key: jax.Array, state: Any, num_steps: int) -> tuple[Any, Any]:
    """Play through the public API: ``vmap`` of ``env.step`` in ``scan``, all outputs kept.

    Returns:
        The states and ``(obs [T, B, ...], reward [T, B], ended [T, B])``.
    """
    lanes = chance.lane_keys(key, jax.tree.leaves(state)[0].shape[0])
    act = random_action(env)

    def one(key: jax.Array, state: Any) -> Any:
        obs, state, reward, terminated, truncated, _ = env.step(key, state, act(key, state))
        return state, (obs, reward, terminated | truncated)

    def body(state: Any, step: jax.Array) -> Any:
        return jax.vmap(one)(chance.at_step(lanes, step), state)

    played: tuple[Any, Any] = jax.lax.scan(body, state, jnp.arange(num_steps))
    return played


def scan_rollout(env: Any, key: jax.Array, state: Any, num_steps: int) -> Any:
    """Play without keeping: the observation is written over the last one at every step.

    Returns:
        ``(obs [B, ...], reward [B], episodes int32 [B])``: the last observation and two sums.
    """
    lanes = chance.lane_keys(key, jax.tree.leaves(state)[0].shape[0])
    act = random_action(env)

    def one(key: jax.Array, state: Any) -> Any:
        obs, state, reward, terminated, truncated, _ = env.step(key, state, act(key, state))
        return state, obs, reward, (terminated | truncated).astype(jnp.int32)

    def body(carry: Any, step: jax.Array) -> Any:
        state, (_, reward, episodes) = carry
        state, obs, more, ended = jax.vmap(one)(chance.at_step(lanes, step), state)
        return (state, (obs, reward + more, episodes + ended)), None

    shapes = jax.eval_shape(jax.vmap(one), chance.at_step(lanes, 0), state)[1:]
    zeros = jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), shapes)
    (_, outputs), _ = jax.lax.scan(body, (state, zeros), jnp.arange(num_steps))
    return outputs


@jax.jit
def _checksum(outputs: Any) -> dict[str, jax.Array]:
    total = jnp.uint32(0)
    for index, leaf in enumerate(jax.tree.leaves(outputs)):
        whole = leaf
        if jnp.issubdtype(leaf.dtype, jnp.floating):
            whole = jnp.round(leaf * SCALE).astype(jnp.int32)
        # A multiplier per array, so that numbers cannot wander from one to the other unseen.
        total += jnp.uint32(2 * index + 3) * jnp.sum(whole.astype(jnp.uint32), dtype=jnp.uint32)
    return {"sum": total}


def checksum(outputs: Any) -> dict[str, int]:
    """Return ``sum``, modulo 2**32, and ``numbers``, how many numbers were summed."""
    total = {name: int(value) for name, value in _checksum(outputs).items()}
    return {**total, "numbers": sum(leaf.size for leaf in jax.tree.leaves(outputs))}


def _finished(outputs: Any) -> Any:
    return jax.block_until_ready(outputs)  # type: ignore[no-untyped-call]


class Program:
    """One compiled program and its inputs.

    Args:
        env: the environment.
        kind: ``environment`` or ``api``.
        rollout: the environment's own random play, see ``Benchmark.rollout``.
        batch: B.
        num_steps: T.
    """

    def __init__(
        self,
        env: Any,
        kind: str,
        rollout: Callable[[Any, Any, Any, int], Any] | None,
        batch: int,
        num_steps: int,
    ) -> None:
        self._kind = kind
        reset = jax.jit(jax.vmap(lambda key: env.reset(key)[1]))
        self._state = _finished(reset(chance.lane_keys(jax.random.key(0), batch)))
        play = rollout or scan_rollout

        def environment(key: jax.Array, state: Any, last: Any) -> Any:
            return play(env, key, state, num_steps)

        def api(key: jax.Array, state: Any, last: Any) -> Any:
            return api_rollout(env, key, state, num_steps)[1]

        # The outputs of a rollout are handed back to be written over by the next, as a training
        # loop does with its rollout buffer; otherwise fresh pages from the system are timed.
        function = {"environment": environment, "api": api}[kind]
        shapes = jax.eval_shape(function, jax.random.key(0), self._state, None)
        self._last = jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), shapes)
        jitted = jax.jit(function, donate_argnums=2, keep_unused=True)
        self._function = jitted.lower(jax.random.key(0), self._state, self._last).compile()

    @property
    def memory_bytes(self) -> int | None:
        """Memory of inputs, outputs and temporaries; None where XLA does not say."""
        found = self._function.memory_analysis()
        if found is None:
            return None
        sizes = (found.argument_size_in_bytes, found.output_size_in_bytes, found.temp_size_in_bytes)
        return int(sum(sizes) - found.alias_size_in_bytes)

    def run(self, seed: int) -> Any:
        """Play once from the first states; return the outputs, computed."""
        last = self._last
        self._last = _finished(self._function(jax.random.key(seed), self._state, last))
        return self._last
