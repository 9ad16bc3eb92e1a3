"""Seeds to JAX keys."""

from __future__ import annotations

from typing import cast

import jax
import numpy as np

from envlift.reference.types import Array


def keys_of(seeds: Array) -> jax.Array:
    """Turn int64 seeds of any shape into JAX keys of that shape, using all 64 bits."""
    seeds = np.asarray(seeds, dtype=np.uint64)
    words = np.stack([seeds >> np.uint64(32), seeds & np.uint64(0xFFFFFFFF)], axis=-1)
    return as_keys(words.astype(np.uint32))


def as_keys(data: Array) -> jax.Array:
    """Turn data of keys, uint32 [..., 2], into JAX keys [...]."""
    # Not by ``jnp.asarray``, which compiles a program for every shape.
    return cast(jax.Array, jax.random.wrap_key_data(jax.device_put(data), impl="threefry2x32"))
