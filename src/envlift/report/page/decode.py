"""From JSON to dataclasses, strictly: a wrong type or an unknown key names its place."""

from __future__ import annotations

import dataclasses
import enum
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

_NOT_FINITE = {"nan", "inf", "-inf"}
"""How ``verify.result.plain`` writes what JSON cannot hold."""


class DecodeError(ValueError):
    """The data does not have the promised shape; the message says where."""


def decode(kind: type[T], data: Any, place: str = "") -> T:
    """Make a dataclass of JSON data.

    Raises:
        DecodeError: naming the place, what is there and what should be.
    """
    found: T = _value(kind, data, place)
    return found


def _value(kind: Any, data: Any, place: str) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return data
    if origin in (types.UnionType, typing.Union):
        if data is None and type(None) in arguments:
            return None
        (wanted,) = (one for one in arguments if one is not type(None))
        return _value(wanted, data, place)
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind, data, place)
    if origin in (list, tuple):
        _check(data, list, "a list", place)
        items = [_value(arguments[0], one, f"{place}[{i}]") for i, one in enumerate(data)]
        return items if origin is list else tuple(items)
    if origin is dict:
        _check(data, dict, "an object", place)
        return {key: _value(arguments[1], one, f"{place}.{key}") for key, one in data.items()}
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        try:
            return kind(data)
        except ValueError:
            known = ", ".join(str(one.value) for one in kind)
            raise DecodeError(f"{place} is {_short(data)}; known: {known}") from None
    return _scalar(kind, data, place)


def _dataclass(kind: Any, data: Any, place: str) -> Any:
    _check(data, dict, "an object", place)
    hints = typing.get_type_hints(kind)
    fields = {one.name: one for one in dataclasses.fields(kind)}
    dot = f"{place}." if place else ""
    for key in data:
        if key not in fields:
            raise DecodeError(f"{dot}{key} is not known")
    for name, one in fields.items():
        default = (one.default, one.default_factory)
        if name not in data and default == (dataclasses.MISSING, dataclasses.MISSING):
            raise DecodeError(f"{dot}{name} is missing")
    return kind(**{key: _value(hints[key], one, f"{dot}{key}") for key, one in data.items()})


def _scalar(kind: Any, data: Any, place: str) -> Any:
    if kind is float:
        if isinstance(data, str) and data in _NOT_FINITE:
            return float(data)
        if isinstance(data, int) and not isinstance(data, bool):
            return float(data)
    words = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
    if kind is int and isinstance(data, bool):
        raise DecodeError(f"{place} is {_short(data)}, not {words[kind]}")
    _check(data, kind, words[kind], place)
    return data


def _check(data: Any, kind: type, words: str, place: str) -> None:
    if not isinstance(data, kind):
        raise DecodeError(f"{place or 'the file'} is {_short(data)}, not {words}")


def _short(data: Any) -> str:
    text = repr(data)
    return text if len(text) <= 60 else f"{text[:57]}..."


def read_json(path: Path) -> Any:
    """Return what a JSON file holds.

    Raises:
        ValueError: if it cannot be read or is not JSON.
    """
    import json

    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not JSON: {error}") from None
