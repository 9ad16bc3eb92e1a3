"""Checking arrays on their way to a side in another process, and reading what describes itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from envlift.reference import wire
from envlift.reference.types import Array, ArraySpec, Record


def described(name: str, value: Any, raw: memoryview, axes: tuple[int, ...]) -> Any:
    """Read an array [*axes, ...] that says its own dtype, or an object of them by field.

    Raises:
        WireError: naming it.
    """
    if isinstance(value, dict) and "dtype" not in value:
        return {
            key: described(f"{name} field {key!r}", one, raw, axes) for key, one in value.items()
        }
    try:
        array = wire.unpack_described(value, raw)
    except wire.WireError as error:
        raise wire.WireError(f"{name}: {error}") from None
    if array.shape[: len(axes)] != axes:
        raise wire.WireError(f"{name} has the shape {array.shape}, {axes} and more are wanted")
    return array


def described_record(answer: dict[str, Any], raw: memoryview, axes: tuple[int, ...]) -> Record:
    """Read a record whose arrays say their own dtypes: what is wrong with them, comparing tells.

    Raises:
        WireError: naming what is missing or has no lanes.
    """
    fields = {
        name: described(name, answer[name], raw, axes)
        for name in Record.__dataclass_fields__
        if name in answer
    }
    played = ("reward", "terminated", "truncated") if len(axes) == 2 else ()
    for name in ("observation", *played):
        if name not in fields:
            raise wire.WireError(f"its answer has no {name!r}")
    return Record(**{"state": {}, **fields})


def leaves(name: str, value: Any) -> Iterator[tuple[str, Array]]:
    """Go through an array, or an object of them by field."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from leaves(f"{name} field {key!r}" if name else key, one)
    elif value is not None:
        yield name, value


def shown_action(actions: Array | None, lane: int | None, num_lanes: int) -> Any:
    """Say in words what was played last: of one lane where it is known, else of all."""
    if actions is None:
        return None
    if lane is not None and lane < num_lanes:
        return np.array2string(actions[lane], threshold=16)
    every = " (one for each lane)" if num_lanes > 1 else ""
    return np.array2string(actions, threshold=16) + every


def argument(name: str, value: Array, axes: tuple[int, ...], spec: ArraySpec) -> Array:
    """Check an array that the caller passed and give it the dtype of the wire."""
    array = np.asarray(value)
    shape = (*axes, *spec.shape)
    if array.shape != shape:
        raise ValueError(f"{name} must have the shape {shape}, it has {array.shape}")
    if array.dtype.name == spec.dtype:
        return array
    target = np.dtype(spec.dtype)
    same_kind = np.can_cast(array.dtype, target, "same_kind")
    if not same_kind and not (array.dtype.kind in "iu" and target.kind in "iu"):
        raise ValueError(f"{name} must have the dtype {spec.dtype}, it has {array.dtype.name}")
    if target.kind in "iu" and array.size:
        ends = np.iinfo(target)
        for number in (int(array.min()), int(array.max())):
            if not ends.min <= number <= ends.max:
                raise ValueError(
                    f"{name} holds {number}, which does not fit into {spec.dtype} "
                    f"({ends.min} to {ends.max})"
                )
    with np.errstate(over="ignore"):
        narrowed = array.astype(target)
    if target.kind == "f" and not np.array_equal(np.isfinite(array), np.isfinite(narrowed)):
        large = array[np.isfinite(array) & ~np.isfinite(narrowed)].flat[0]
        raise ValueError(f"{name} holds {large}, which does not fit into {spec.dtype}")
    return narrowed
