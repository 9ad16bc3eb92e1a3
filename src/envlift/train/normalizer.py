"""Running mean and variance of observations, kept among a network's parameters.

No gradient moves them: ``update`` does, once after each rollout has been learnt from, so that a
rollout is learnt from with the numbers it was played with. Being parameters, they are saved,
restored and played with like the weights.

Shape letters: ``T`` steps, ``B`` environments of this device.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

NAME = "normalizer"
"""Where the statistics lie among a network's parameters."""
LIMIT = 10.0
"""Standard scores are clipped to this: what was never seen before must not drown the rest."""
SMALLEST = 1e-8
"""Added to variances: a number that never changes has none."""


class Normalizer(nn.Module):
    """Maps observations to standard scores.

    Attributes:
        shape: of one observation.
    """

    shape: tuple[int, ...]

    @nn.compact
    def __call__(self, observations: jax.Array) -> jax.Array:
        """Return float32 [T, B, ...] in +-``LIMIT`` from observations [T, B, ...]."""
        mean = self.param("mean", nn.initializers.zeros, self.shape)
        variance = self.param("variance", nn.initializers.ones, self.shape)
        self.param("count", nn.initializers.zeros, ())
        mean, variance = jax.lax.stop_gradient((mean, variance))
        scores = (observations.astype(jnp.float32) - mean) * jax.lax.rsqrt(variance + SMALLEST)
        return jnp.clip(scores, -LIMIT, LIMIT)


def update(params: Any, observations: jax.Array, axis: str) -> Any:
    """Return a network's parameters with the statistics of further observations worked in.

    Args:
        params: of a network; one that does not normalize is returned as it is.
        observations: [T, B, ...]; an equal number on every device.
        axis: name of the mesh axis of the devices.
    """
    if NAME not in params:
        return params
    before = params[NAME]
    seen = observations.astype(jnp.float32)
    mean = jax.lax.pmean(jnp.mean(seen, axis=(0, 1)), axis)
    variance = jax.lax.pmean(jnp.mean((seen - mean) ** 2, axis=(0, 1)), axis)
    more = jax.lax.psum(jnp.float32(seen.shape[0] * seen.shape[1]), axis)
    count = before["count"] + more
    share = more / count
    # Two groups' moments make those of both (Chan et al. 1979).
    moved = mean - before["mean"]
    statistics = {
        "count": count,
        "mean": before["mean"] + share * moved,
        "variance": (1 - share) * before["variance"]
        + share * variance
        + share * (1 - share) * moved**2,
    }
    return {**params, NAME: statistics}
