"""A state as named fields, and back.

Shape letters: ``B`` lanes or rows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from envlift.env import Env
from envlift.reference.failure import PairError
from envlift.reference.types import Array

AnyEnv = Env[Any, Any, Any]


def state_to_dict(state: Any) -> dict[str, Any]:
    """Return the fields of a state dataclass, named tuple or dict; a bare array is ``state``.

    Nested states are named with dots.
    """
    if dataclasses.is_dataclass(state) and not isinstance(state, type):
        items = {f.name: getattr(state, f.name) for f in dataclasses.fields(state)}
    elif hasattr(state, "_asdict"):
        items = state._asdict()
    elif isinstance(state, dict):
        items = state
    else:
        return {"state": state}
    flat: dict[str, Any] = {}
    for name, value in items.items():
        inner = state_to_dict(value)
        if set(inner) == {"state"} and inner["state"] is value:
            flat[name] = value
        else:
            flat |= {f"{name}.{key}": leaf for key, leaf in inner.items()}
    return flat


def state_shape(env: AnyEnv) -> Any:
    """Return a state whose leaves are shapes and dtypes."""
    draws = jax.eval_shape(env.sample_initial, jax.random.key(0))
    return jax.eval_shape(env.initial, draws)


def state_from_dict(shape: Any, fields: Mapping[str, Array]) -> Any:
    """Return a state made of its named fields; the inverse of ``state_to_dict``.

    Args:
        shape: from ``state_shape``.
        fields: every field [B, ...]; they are given the state's dtypes.

    Raises:
        PairError: if a field is missing or unknown, or a part of the state has no names.
    """
    leaves, structure = jax.tree.flatten(shape)
    places = state_to_dict(jax.tree.unflatten(structure, list(range(len(leaves)))))
    unnamed = sorted(name for name, place in places.items() if not isinstance(place, int))
    if unnamed:
        raise PairError(
            f"the state's {unnamed[0]} is no array, dataclass, named tuple or dict; use one of "
            "these, so that its parts have names"
        )
    if set(fields) != set(places):
        raise PairError(
            f"a state of the candidate has the fields {sorted(places)}, got {sorted(fields)}; "
            "translate it with the suite's to_candidate"
        )
    found: list[Any] = list(leaves)
    for name, place in places.items():
        # Not by ``jnp.asarray``, which compiles a program for every shape and dtype.
        found[place] = jax.device_put(np.asarray(fields[name]).astype(leaves[place].dtype))
    return jax.tree.unflatten(structure, found)
