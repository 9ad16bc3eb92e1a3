"""Counter-based chance: random bits that are a pure function of a key, a lane and a step.

Threefry, JAX's default, costs more than a whole step of a small environment. Here a key's two words
go through an integer hash of two multiplications each. It is meant for simulation, not for secrets.
``targets.warp_chance`` holds the same functions for Warp kernels and gives the same numbers, bit
for bit; a rollout inside one kernel can so be replayed step by step from JAX.

How it is used::

    lanes = lane_keys(key, num_lanes)             # once, two fully hashed words per lane
    keys = at_step(lanes, step)                   # one addition
    action = below(bits(stream(keys, ACTION)), 3) # two hashes

``[...]`` is any batch shape. A key is a typed key [...] of a two-word generator (the default,
threefry2x32) or the raw uint32 [..., 2]; a returned key is of the kind given.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

# Multipliers and shifts of the "lowbias32" integer hash, which Chris Wellons's hash prospector
# found; GOLDEN is 2**32 divided by the golden ratio, so that small labels land far apart.
MULTIPLIER_1 = 0x7FEB352D
MULTIPLIER_2 = 0x846CA68B
GOLDEN = 0x9E3779B9

# Labels for ``stream``: what a key is used for. 0 is the step itself.
RESET = 1
ACTION = 2


def mix(word: jax.Array) -> jax.Array:
    """Hash uint32 [...] to uint32 [...], one to one."""
    word = word ^ (word >> 16)
    word = word * jnp.uint32(MULTIPLIER_1)
    word = word ^ (word >> 15)
    word = word * jnp.uint32(MULTIPLIER_2)
    return word ^ (word >> 16)


def words(key: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return the two words of a key, uint32 [...] each.

    Raises:
        ValueError: for a key that does not have two words.
    """
    data = jax.random.key_data(key) if _is_typed(key) else key
    if data.ndim == 0 or data.shape[-1] != 2:
        raise ValueError(
            f"a key of two uint32 words is needed, got {key.dtype} of shape {key.shape}; "
            "make one with jax.random.key(seed, impl='threefry2x32')"
        )
    return data[..., 0].astype(jnp.uint32), data[..., 1].astype(jnp.uint32)


def _is_typed(key: jax.Array) -> bool:
    return bool(jnp.issubdtype(key.dtype, jax.dtypes.prng_key))


def _wrap(word_0: jax.Array, word_1: jax.Array, like: jax.Array) -> jax.Array:
    data = jnp.stack([word_0, word_1], axis=-1)
    if _is_typed(like):
        wrapped: jax.Array = jax.random.wrap_key_data(data, impl=jax.random.key_impl(like))
        return wrapped
    return data


def bits(key: jax.Array) -> jax.Array:
    """Return 32 random bits of a key, uint32 [...]."""
    word_0, word_1 = words(key)
    return mix(mix(word_1) ^ word_0)


def stream(key: jax.Array, label: int) -> jax.Array:
    """Return the key of one use of ``key``: equal labels give equal keys, others others.

    It only adds to a word: whatever is drawn from the result is hashed then.
    """
    word_0, word_1 = words(key)
    return _wrap(word_0 + jnp.uint32(GOLDEN * label & 0xFFFFFFFF), word_1, key)


def lane_keys(key: jax.Array, num_lanes: int) -> jax.Array:
    """Return one key per lane, [num_lanes], from one key.

    Both words are hashed, so that the step sequences of two lanes do not overlap.

    Raises:
        ValueError: if ``key`` is not one key.
    """
    word_0, _ = words(key)
    if word_0.ndim:
        raise ValueError(f"one key is needed, got a batch of shape {word_0.shape}")
    lane = mix(jnp.arange(num_lanes, dtype=jnp.uint32))
    return _wrap(mix(lane ^ bits(key)), mix(mix(lane) ^ bits(stream(key, 1))), key)


def at_step(key: jax.Array, step: jax.Array | int) -> jax.Array:
    """Return the key of one step of a lane; ``key`` comes from ``lane_keys``.

    Args:
        key: lane keys, [...].
        step: number of the step, integer scalar or [...].
    """
    word_0, word_1 = words(key)
    return _wrap(word_0, word_1 + jnp.asarray(step).astype(jnp.uint32), key)


def below(word: jax.Array, n: int) -> jax.Array:
    """Turn random bits, uint32 [...], into an int32 [...] in [0, n), even to n parts in 2**24.

    Raises:
        ValueError: if ``n`` is not in 1 to 256.
    """
    if not 1 <= n <= 256:
        raise ValueError(f"n={n} is out of range: it must be 1 to 256")
    number: jax.Array = (((word >> 8) * jnp.uint32(n)) >> 24).astype(jnp.int32)
    return number


def unit(word: jax.Array) -> jax.Array:
    """Turn random bits, uint32 [...], into a float32 [...] in [0, 1), a multiple of 2**-24."""
    # Through int32: processors convert it in one instruction, and 24 bits always fit.
    number: jax.Array = (word >> 8).astype(jnp.int32).astype(jnp.float32) * jnp.float32(2.0**-24)
    return number
