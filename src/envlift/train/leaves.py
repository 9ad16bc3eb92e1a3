"""What a checkpoint knows of a tree besides its numbers, and how two trees differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

# What decides the shapes of weights, optimiser and environments: named when a tree does not fit.
_SHAPING = (
    *("env", "env_options", "collector", "network", "hidden", "layers", "parameters"),
    *("num_envs", "horizon", "devices", "self_play", "pool_size"),
)


@dataclass(frozen=True)
class Leaf:
    """One array of a tree.

    Attributes:
        path: where it is, for example ``.params['torso']['kernel']``.
        shape: of the array; of an array of PRNG keys, the keys' own.
        dtype: for example ``float32``; for PRNG keys ``key<fry>``; for a Python number ``int``.
        generator: the name of a PRNG key's generator; None for everything else.
    """

    path: str
    shape: tuple[int, ...]
    dtype: str
    generator: str | None = None

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]"


def leaf_of(path: Any, value: Any) -> Leaf:
    """Describe one leaf, given its path as JAX names it.

    Raises:
        TypeError: if it is neither an array nor a Python number.
    """
    name = jax.tree_util.keystr(path)
    if is_number(value):
        return Leaf(name, (), type(value).__name__)
    if not isinstance(value, (jax.Array, np.ndarray, np.generic, jax.ShapeDtypeStruct)):
        raise TypeError(
            f"{name} is a {type(value).__name__}, neither array nor number: put it into `about`"
        )
    generator = None
    if jnp.issubdtype(value.dtype, jax.dtypes.prng_key):
        # A ShapeDtypeStruct knows the type of its keys, not the generator's name.
        generator = str(jax.random.key_impl(value)) if isinstance(value, jax.Array) else ""
    return Leaf(name, tuple(value.shape), str(value.dtype), generator)


def is_number(value: Any) -> bool:
    """Tell whether a leaf is a Python number."""
    # NumPy's float64 is a float as well.
    return isinstance(value, (bool, int, float)) and not isinstance(value, np.generic)


def differences(expected: Sequence[Leaf], saved: Sequence[Leaf]) -> list[str]:
    """Return how two trees differ, arrays of another shape first."""
    want = {leaf.path: leaf for leaf in expected}
    have = {leaf.path: leaf for leaf in saved}
    shapes = [
        f"{path} is {have[path]}, expected {want[path]}"
        for path in want
        if path in have and str(have[path]) != str(want[path])
    ]
    missing = [f"{path} is missing, expected {want[path]}" for path in want if path not in have]
    surplus = [f"{path} is {have[path]}, not expected" for path in have if path not in want]
    return shapes + missing + surplus


def suspects(saved: Any, config: Mapping[str, Any] | None) -> str:
    """Say which setting probably differs."""
    if not isinstance(saved, dict):
        return "The network, the number of environments or the program's version probably differ."
    if config is not None:
        names = [name for name in config if saved.get(name) != config[name]]
        names = [name for name in names if name in _SHAPING] or names
        if names:
            pairs = (f"{name} = {saved.get(name)!r}, not {config[name]!r}" for name in names)
            return f"It was saved with {', '.join(pairs)}."
        return "The settings are the same: it was probably saved by another version."
    known = ", ".join(f"{name} = {saved[name]!r}" for name in _SHAPING if name in saved)
    return f"It was saved with {known}: one of these probably differs."
