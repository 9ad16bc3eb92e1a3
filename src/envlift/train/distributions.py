"""What a policy's outputs mean: a categorical or a diagonal normal distribution over actions.

Samples are a pure function of uniform noise that is passed in, so that one policy can be played
twice with the same luck: in an environment and in its reference.

Shape letters: ``A`` actions, ``D`` dimensions of a continuous action, ``[...]`` any batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np

IMPOSSIBLE = -1e9
"""Logit of an illegal action: its probability is exactly 0 in float32, and no gradient is NaN."""


class Categorical(NamedTuple):
    """Log-probabilities float32 [..., A] of ``A`` actions."""

    log_probs: jax.Array

    def sample(self, noise: jax.Array) -> jax.Array:
        """Return int32 actions [...] from uniform noise [..., 1], by the inverse of the CDF.

        An action of probability 0 is never drawn, whatever the noise.
        """
        cumulated = jnp.cumsum(jnp.exp(self.log_probs), axis=-1)
        # The sum may end just below 1 by rounding: noise is scaled to what there is.
        reached = noise * cumulated[..., -1:] < cumulated
        return jnp.argmax(reached, axis=-1).astype(jnp.int32)

    def mode(self) -> jax.Array:
        """Return the most probable actions, int32 [...]."""
        return jnp.argmax(self.log_probs, axis=-1).astype(jnp.int32)

    def log_prob(self, action: jax.Array) -> jax.Array:
        """Return the log-probabilities, float32 [...], of actions int [...]."""
        chosen = jnp.arange(self.log_probs.shape[-1]) == action[..., None]
        return jnp.sum(jnp.where(chosen, self.log_probs, 0.0), axis=-1)

    def entropy(self) -> jax.Array:
        """Return the entropies in nats, float32 [...]; illegal actions add nothing."""
        return -jnp.sum(jnp.exp(self.log_probs) * self.log_probs, axis=-1)


class DiagonalNormal(NamedTuple):
    """Means float32 [..., D] and log standard deviations that broadcast against them."""

    mean: jax.Array
    log_std: jax.Array

    def sample(self, noise: jax.Array) -> jax.Array:
        """Return float32 actions [..., D] from uniform noise [..., D] in [0, 1)."""
        # Noise is a multiple of 2**-24: half a step away from 0 keeps the quantile finite.
        standard = jax.scipy.special.ndtri(jnp.clip(noise, 2.0**-25, 1.0 - 2.0**-24))
        return self.mean + jnp.exp(self.log_std) * standard

    def mode(self) -> jax.Array:
        """Return the means."""
        return self.mean

    def log_prob(self, action: jax.Array) -> jax.Array:
        """Return the log-densities, float32 [...], of actions [..., D]."""
        scaled = (action - self.mean) * jnp.exp(-self.log_std)
        each = -0.5 * scaled**2 - self.log_std - 0.5 * np.log(2.0 * np.pi).astype(np.float32)
        return jnp.sum(each, axis=-1)

    def entropy(self) -> jax.Array:
        """Return the differential entropies in nats, float32 [...]."""
        each = self.log_std + np.float32(0.5 * np.log(2.0 * np.pi * np.e))
        return jnp.sum(jnp.broadcast_to(each, self.mean.shape), axis=-1)


@dataclass(frozen=True)
class Head:
    """How many numbers a network puts out for an action space, and what they mean.

    Attributes:
        outputs: numbers per action: ``A`` logits, or ``D`` means.
        discrete: categorical, else normal.
        low, high: bounds of a continuous action; what is played is clipped to them.
    """

    outputs: int
    discrete: bool
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()

    @property
    def noise_size(self) -> int:
        """Uniform numbers one action takes."""
        return 1 if self.discrete else self.outputs

    @property
    def action_shape(self) -> tuple[int, ...]:
        """Shape of one action."""
        return () if self.discrete else (self.outputs,)

    def distribution(
        self, raw: jax.Array, log_std: jax.Array | None, mask: jax.Array | None
    ) -> Categorical | DiagonalNormal:
        """Read a network's outputs [..., outputs]; mask: bool [..., A], true where legal."""
        if not self.discrete:
            assert log_std is not None
            return DiagonalNormal(raw, log_std)
        logits = raw if mask is None else jnp.where(mask, raw, IMPOSSIBLE)
        return Categorical(jax.nn.log_softmax(logits, axis=-1))

    def played(self, action: jax.Array) -> jax.Array:
        """Return the action that the environment is given: clipped to its bounds."""
        if self.discrete:
            return action
        return jnp.clip(action, jnp.asarray(self.low), jnp.asarray(self.high))


def head_of(space: gymnasium.Space[Any]) -> Head:
    """Return the head for an action space.

    Raises:
        TypeError: for a space that is neither ``Discrete`` from 0 nor a flat ``Box``.
    """
    if isinstance(space, gymnasium.spaces.Discrete) and int(space.start) == 0:
        return Head(int(space.n), discrete=True)
    if isinstance(space, gymnasium.spaces.Box) and len(space.shape) == 1:
        low, high = (tuple(float(x) for x in end) for end in (space.low, space.high))
        return Head(int(space.shape[0]), discrete=False, low=low, high=high)
    raise TypeError(
        f"PPO has no policy for the action space {space}: use Discrete(n) that starts at 0, or a "
        "Box with one axis"
    )
