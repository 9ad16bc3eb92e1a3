"""How a network reads observations: numbers as they are, choices one-hot.

A whole number that names one of several things (``Discrete``, ``MultiDiscrete``) is no quantity:
state 15 of FrozenLake is not 15 times state 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np

from envlift.train.config import Config, ConfigError


@dataclass(frozen=True)
class Reading:
    """What observations are.

    Attributes:
        shape: of one observation.
        dtype: of its numbers.
        choices: how many values each number of a Discrete or MultiDiscrete observation has; empty
            for a Box.
        first: the smallest of them, as many numbers.
    """

    shape: tuple[int, ...]
    dtype: str
    choices: tuple[int, ...] = ()
    first: tuple[int, ...] = ()

    def flat(self, observations: jax.Array) -> jax.Array:
        """Return float32 [T, B, F] from observations [T, B, ...]."""
        lead = observations.shape[:2]
        flat = observations.reshape(*lead, -1)
        if not self.choices:
            return flat.astype(jnp.float32)
        each = [
            jax.nn.one_hot(flat[..., index] - first, size, dtype=jnp.float32)
            for index, (size, first) in enumerate(zip(self.choices, self.first, strict=True))
        ]
        return jnp.concatenate(each, axis=-1)


def reading_of(space: gymnasium.Space[Any], config: Config) -> Reading:
    """Return how observations of a space are read.

    Raises:
        ConfigError: for a space that PPO cannot read, or a setting that does not fit it.
    """
    shape: tuple[int, ...] = ()
    choices: tuple[int, ...]
    first: tuple[int, ...]
    if isinstance(space, gymnasium.spaces.Discrete):
        choices, first = (int(space.n),), (int(space.start),)
    elif isinstance(space, gymnasium.spaces.MultiDiscrete):
        shape = space.nvec.shape
        choices = tuple(int(n) for n in space.nvec.reshape(-1))
        first = tuple(int(n) for n in np.reshape(space.start, -1))
    elif isinstance(space, gymnasium.spaces.Box | gymnasium.spaces.MultiBinary):
        return Reading(tuple(space.shape), str(space.dtype))
    else:
        raise ConfigError(
            f"PPO cannot read observations of {space}: a Box, Discrete, MultiDiscrete or "
            "MultiBinary is needed, or a Dict or Tuple of them; a wrapper of Gymnasium "
            "(TransformObservation) makes one of others"
        )
    if config.network == "cnn":
        raise ConfigError(f"network = 'cnn' is not allowed for {space}: give mlp or gru")
    if config.normalize_observations:
        raise ConfigError(f"normalize_observations = True is not allowed for {space}: give false")
    return Reading(shape, str(space.dtype), choices, first)


def row_space(space: gymnasium.Space[Any]) -> gymnasium.Space[Any]:
    """Return the space of what ``row`` makes: a Box with one axis for a Dict or Tuple."""
    if not isinstance(space, gymnasium.spaces.Dict | gymnasium.spaces.Tuple):
        return space
    size = row(space, gymnasium.vector.utils.create_empty_array(space, 1)).shape[1]
    return gymnasium.spaces.Box(-np.inf, np.inf, (size,), np.float32)


def row(space: gymnasium.Space[Any], observations: Any) -> Any:
    """Return observations of several parts as one row of numbers each, float32 [B, F].

    Parts stand in the space's order; what names one of several things is one-hot.

    Args:
        space: of one observation; others than Dict and Tuple are left as they are.
        observations: of B environments, as a vector gives them.

    Raises:
        ConfigError: for a part that PPO cannot read.
    """
    if not isinstance(space, gymnasium.spaces.Dict | gymnasium.spaces.Tuple):
        return observations
    return np.concatenate(list(_columns(space, observations)), axis=1, dtype=np.float32)


def mask_of(mask: Any) -> Any:
    """Return a mask of legal actions as one row, bool [A], or None for None.

    Of several choices Gymnasium has a tuple of arrays, one for each: they are put in a row.
    """
    if mask is None:
        return None
    parts = mask if isinstance(mask, tuple) else (mask,)
    return np.concatenate([np.ravel(part) for part in parts]).astype(np.bool_)


def _columns(space: gymnasium.Space[Any], values: Any) -> Iterator[Any]:
    if isinstance(space, gymnasium.spaces.Dict):
        for name, part in space.spaces.items():
            yield from _columns(part, values[name])
    elif isinstance(space, gymnasium.spaces.Tuple):
        for part, value in zip(space.spaces, values, strict=True):
            yield from _columns(part, value)
    else:
        reading = reading_of(space, Config())
        flat = np.asarray(values).reshape(len(values), -1)
        if not reading.choices:
            yield flat
        for index, (size, first) in enumerate(zip(reading.choices, reading.first, strict=True)):
            yield flat[:, index, None] - first == np.arange(size)
