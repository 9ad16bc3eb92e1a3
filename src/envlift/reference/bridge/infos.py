"""How the values of an environment's info travel; runs in the child.

An environment is played for a little while, and every value that it gives then has a field: numbers
of one shape as they are, a text as its hash, and numbers whose shape changes, or that are many, as
their count, a checksum and two sums. What comes later, or is none of these, is noted.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from envlift.reference.layout import text_number
from envlift.reference.types import ArraySpec
from envlift.reference.wire import DTYPES

LARGEST = 4_096
"""Numbers of the largest array in an info that travels whole."""

PARTS = 64
"""Parts of the longest list that is looked into."""

_TEXT = ArraySpec((), "int64")
_FLOAT = ArraySpec((), "float64")
_SUMMED = ArraySpec((4,), "float64")


def flat_info(info: Any, path: str = "") -> list[tuple[str, Any]]:
    """Return the values of an info by name: ``a.b`` in a dictionary, ``a[0]`` in a list."""
    if isinstance(info, Mapping):
        named = [(f"{path}.{key}" if path else str(key), value) for key, value in info.items()]
    elif path and isinstance(info, (list, tuple)) and _numbers(info) is None:
        named = [(f"{path}[{index}]", value) for index, value in enumerate(info[:PARTS])]
    else:
        return [(path, info)] if path else []
    return [found for name, value in named for found in flat_info(value, name)]


class Infos:
    """The fields of one environment's info.

    Args:
        shown: infos that it gave.
    """

    def __init__(self, shown: Sequence[Any] = ()) -> None:
        self.fields: dict[str, ArraySpec] = {}
        self._texts: set[str] = set()
        self._mixed: set[str] = set()
        for info in shown:
            for name, value in flat_info(info):
                self._find(name, value)
        for name in self._mixed:
            self.fields.pop(name, None)

    def _find(self, name: str, value: Any) -> None:
        if value is None:
            return
        text, array = isinstance(value, str), _numbers(value)
        if array is None and not text:
            return
        if name in self.fields and text != (name in self._texts):
            self._mixed.add(name)
        if text or array is None:
            self._texts.add(name)
            self.fields[name] = _TEXT
            return
        new = ArraySpec(array.shape, array.dtype.name)
        if array.size > LARGEST:
            new = _SUMMED
        old = self.fields.get(name, new)
        if old is _SUMMED or new is _SUMMED:
            new = _SUMMED
        elif old.shape == new.shape and old != new:
            both = np.promote_types(old.dtype, new.dtype).name
            new = ArraySpec(old.shape, both) if both in DTYPES else _SUMMED
        elif old != new:
            new = _SUMMED
        self.fields[name] = new

    def leave_out(self, name: str) -> None:
        """Drop a field."""
        self.fields.pop(name, None)

    def spec(self) -> dict[str, ArraySpec]:
        """Return the fields, and for each whether a step gave it."""
        there = {f"{name}?": ArraySpec((), "bool") for name in self.fields}
        return {**self.fields, **there}

    def read(self, info: Any) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the fields of an info, and name -> why of what is in none of them."""
        given = dict(flat_info(info)) if info else {}
        values: dict[str, Any] = {}
        left: dict[str, str] = {}
        for name, spec in self.fields.items():
            value = given.pop(name, None)
            kept = self._value(name, value, spec)
            values[f"{name}?"] = kept is not None
            values[name] = np.zeros(spec.shape, spec.dtype) if kept is None else kept
            if kept is None and value is not None:
                left[name] = "changes its shape or type"
        for name, value in given.items():
            known = isinstance(value, str) or _numbers(value) is not None
            left[name] = "comes only in some steps" if known else "is no number"
        return values, left

    def _value(self, name: str, value: Any, spec: ArraySpec) -> Any:
        if value is None:
            return None
        if isinstance(value, (np.ndarray, np.generic)) and value.shape == spec.shape:
            if value.dtype == spec.dtype and spec is not _SUMMED:
                return value
        elif type(value) is float and spec == _FLOAT:
            return value
        if name in self._texts or isinstance(value, str):
            good = name in self._texts and isinstance(value, str)
            return text_number(value) if good else None
        array = _numbers(value)
        if array is None:
            return None
        if spec is _SUMMED:
            return _summed(array)
        if array.shape != spec.shape or not np.can_cast(array.dtype, spec.dtype, "same_kind"):
            return None
        return array.astype(spec.dtype)


def _numbers(value: Any) -> Any:
    """Return a value as an array of numbers, None where it is none."""
    if value is None or isinstance(value, (str, bytes, Mapping, set, frozenset)):
        return None
    try:
        array = np.asarray(value)
    except Exception:  # whatever stands in an info may refuse in its own way
        return None
    return array if array.dtype.name in DTYPES else None


def _summed(array: Any) -> Any:
    """Return count, checksum (of whole numbers), sum and weighted sum of an array."""
    flat = array.reshape(-1)
    checksum = 0 if flat.dtype.kind == "f" else zlib.crc32(flat.astype(np.int64).tobytes())
    numbers = flat.astype(np.float64)
    weights = np.linspace(0.5, 1.5, len(numbers))
    return np.array([len(numbers), checksum, numbers.sum(), weights @ numbers])
