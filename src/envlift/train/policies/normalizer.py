"""Running mean and variance of observations and of rewards, kept among a network's parameters.

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
"""Where the statistics of observations lie among a network's parameters."""
REWARDS = "reward_normalizer"
"""Where those of the discounted sums of rewards lie."""
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


def scaled(params: Any, reward: Any, factor: float) -> Any:
    """Return rewards [...] as the learner gets them.

    They are divided by the deviation of the discounted sums of rewards so far, and clipped, if the
    network has their statistics, and multiplied by ``factor``.
    """
    if REWARDS in params:
        reward = reward / jnp.sqrt(params[REWARDS]["variance"] + SMALLEST)
        reward = jnp.clip(reward, -LIMIT, LIMIT)
    return reward * factor


def update(params: Any, values: jax.Array, axis: str, name: str = NAME) -> Any:
    """Return a network's parameters with the statistics of further values worked in.

    Args:
        params: of a network; one without these statistics is returned as it is.
        values: observations [T, B, ...], or discounted sums of rewards [T, B]; an equal number on
            every device.
        axis: name of the mesh axis of the devices.
        name: of the statistics, ``NAME`` or ``REWARDS``.
    """
    if name not in params:
        return params
    before = params[name]
    seen = values.astype(jnp.float32)
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
    return {**params, name: statistics}
