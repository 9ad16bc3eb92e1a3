"""What a policy's outputs mean: categorical distributions or a diagonal normal one over actions.

Samples are a pure function of uniform noise that is passed in, so that one policy can be played
twice with the same luck: in an environment and in its reference.

Shape letters: ``A`` actions, ``D`` dimensions of a continuous action, ``M`` choices of an action
that consists of several, ``[...]`` any batch.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

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


@struct.dataclass
class Categoricals:
    """Several independent choices, each with a distribution of its own.

    Attributes:
        log_probs: float32 [..., A], those of the first choice, then those of the second, and so on.
        sizes: how many options each of the ``M`` choices has; they sum to ``A``.
    """

    log_probs: jax.Array
    sizes: tuple[int, ...] = struct.field(pytree_node=False)

    def each(self) -> list[Categorical]:
        """Return the distributions one by one."""
        ends = np.cumsum(self.sizes)[:-1].tolist()
        return [Categorical(part) for part in jnp.split(self.log_probs, ends, axis=-1)]

    def sample(self, noise: jax.Array) -> jax.Array:
        """Return int32 actions [..., M] from uniform noise [..., M]."""
        drawn = [one.sample(noise[..., i : i + 1]) for i, one in enumerate(self.each())]
        return jnp.stack(drawn, axis=-1)

    def mode(self) -> jax.Array:
        """Return the most probable actions, int32 [..., M]."""
        return jnp.stack([one.mode() for one in self.each()], axis=-1)

    def log_prob(self, action: jax.Array) -> jax.Array:
        """Return the log-probabilities, float32 [...], of actions int [..., M]."""
        parts = [one.log_prob(action[..., i]) for i, one in enumerate(self.each())]
        return jnp.sum(jnp.stack(parts), axis=0)

    def entropy(self) -> jax.Array:
        """Return the entropies in nats, float32 [...]."""
        return jnp.sum(jnp.stack([one.entropy() for one in self.each()]), axis=0)


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


Distribution = Categorical | Categoricals | DiagonalNormal


@dataclass(frozen=True)
class Head:
    """How many numbers a network puts out for an action space, and what they mean.

    Attributes:
        outputs: numbers per action: ``A`` logits, or ``D`` means.
        discrete: categorical, else normal.
        low, high: bounds of a continuous action; what is played is clipped to them.
        choices: options of each choice, where an action consists of several.
        first: the smallest option of each choice, or of the only one; empty for 0.
        shape: of an action that the environment is given, where it is not ``[M]`` or ``[D]``.
    """

    outputs: int
    discrete: bool
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    choices: tuple[int, ...] = ()
    first: tuple[int, ...] = ()
    shape: tuple[int, ...] | None = None

    @property
    def noise_size(self) -> int:
        """Uniform numbers one action takes."""
        return (len(self.choices) or 1) if self.discrete else self.outputs

    @property
    def action_shape(self) -> tuple[int, ...]:
        """Shape of one action as it is drawn."""
        if self.discrete:
            return (len(self.choices),) if self.choices else ()
        return (self.outputs,)

    def distribution(
        self, raw: jax.Array, log_std: jax.Array | None, mask: jax.Array | None
    ) -> Distribution:
        """Read a network's outputs [..., outputs]; mask: bool [..., A], true where legal."""
        if not self.discrete:
            assert log_std is not None
            return DiagonalNormal(raw, log_std)
        logits = raw if mask is None else jnp.where(mask, raw, IMPOSSIBLE)
        if not self.choices:
            return Categorical(jax.nn.log_softmax(logits, axis=-1))
        parts = jnp.split(logits, np.cumsum(self.choices)[:-1].tolist(), axis=-1)
        log_probs = [jax.nn.log_softmax(part, axis=-1) for part in parts]
        return Categoricals(jnp.concatenate(log_probs, axis=-1), self.choices)

    def played(self, action: jax.Array) -> jax.Array:
        """Return the action that the environment is given: in bounds, counted from its first."""
        if not self.discrete:
            action = jnp.clip(action, jnp.asarray(self.low), jnp.asarray(self.high))
        elif self.first:
            first = jnp.asarray(self.first, action.dtype)
            action = action + (first if self.choices else first[0])
        if self.shape is None:
            return action
        lead = action.ndim - len(self.action_shape)
        return action.reshape(*action.shape[:lead], *self.shape)


def head_of(space: gymnasium.Space[Any]) -> Head:
    """Return the head for an action space.

    Raises:
        TypeError: for a space that is none of ``Discrete``, ``MultiDiscrete``, ``MultiBinary`` and
            ``Box``.
    """
    if isinstance(space, gymnasium.spaces.Discrete):
        start = int(space.start)
        return Head(int(space.n), discrete=True, first=(start,) if start else ())
    if isinstance(space, gymnasium.spaces.MultiDiscrete | gymnasium.spaces.MultiBinary):
        if isinstance(space, gymnasium.spaces.MultiBinary):
            sizes: tuple[int, ...] = (2,) * math.prod(space.shape)
            first: tuple[int, ...] = ()
        else:
            sizes = tuple(int(n) for n in space.nvec.reshape(-1))
            first = tuple(int(n) for n in np.reshape(space.start, -1))
        return Head(
            sum(sizes),
            discrete=True,
            choices=sizes,
            first=first if any(first) else (),
            shape=tuple(space.shape) if len(space.shape) > 1 else None,
        )
    if isinstance(space, gymnasium.spaces.Box) and np.issubdtype(space.dtype, np.floating):
        low, high = (tuple(float(x) for x in end.reshape(-1)) for end in (space.low, space.high))
        shape = None if len(space.shape) == 1 else tuple(space.shape)
        return Head(len(low), discrete=False, low=low, high=high, shape=shape)
    raise TypeError(
        f"PPO has no policy for the action space {space}: use Discrete, MultiDiscrete, MultiBinary "
        "or a Box of floats; a wrapper of Gymnasium (TransformAction) makes one of others"
    )
