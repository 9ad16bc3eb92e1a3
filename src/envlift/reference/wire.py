"""Messages and arrays of the reference protocol (``docs/reference-protocol.md``).

Used by both ends, and by hosts that run under an interpreter without JAX: only NumPy is needed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from envlift.reference.spaces import KINDS, SCALAR, limits
from envlift.reference.types import Array, ArraySpec, SideSpec

DTYPES = (
    *("bool", "int8", "int16", "int32", "int64"),
    *("uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64"),
)
RETURNABLE = ("state", "legal_actions", "final_observation", "final_state", "info")
_EXACT_INTEGERS = 2.0**53


class WireError(ValueError):
    """A message does not follow the protocol.

    Attributes:
        index: flat index of the array element at fault, None if it is not one element.
    """

    def __init__(self, message: str, index: int | None = None) -> None:
        super().__init__(message)
        self.index = index


class Frames:
    """Finds where a message ends: a JSON line, then as many raw bytes as its ``binary`` says.

    Call it with everything received since the last message; after it has returned a length, the
    message stands in ``header`` (and its raw bytes behind the line, from ``body`` on). Lines that
    only say that the request is being worked on are taken out of ``received`` and counted.

    Args:
        request: the id of the request that is answered; None where no such lines are expected.
    """

    def __init__(self, request: int | None = None) -> None:
        self.working = 0
        self._request = request
        self.header: dict[str, Any] = {}
        self.body = 0
        self._length: int | None = None
        self._scanned = 0

    def __call__(self, received: bytearray) -> int | None:
        """Return the length of the first message in ``received``, None while it is incomplete."""
        while self._length is None:
            end = received.find(b"\n", self._scanned)
            if end < 0:
                self._scanned = len(received)
                return None
            self.header, self.body = parse_line(bytes(memoryview(received)[:end])), end + 1
            if self._request is not None and self.header == working(self._request):
                self.working += 1
                self._scanned = 0
                del received[: self.body]
                continue
            self._length = self.body + binary_length(self.header)
        return self._length if len(received) >= self._length else None


def working(request: int | None) -> dict[str, Any]:
    """Return the line that says: not yet, but I am at it."""
    return {"id": request, "working": True}


def parse_line(line: bytes) -> dict[str, Any]:
    """Parse one line of the protocol.

    Raises:
        WireError: if it is not a JSON object; the message quotes the beginning of the line.
    """
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        excerpt = line[:200].decode("utf-8", "replace")
        more = "" if len(line) <= 200 else f"... ({len(line)} bytes)"
        raise WireError(f"it wrote a line that is not a JSON object: {excerpt!r}{more}")
    return message


def binary_length(header: Mapping[str, Any]) -> int:
    """Return how many raw bytes follow the line of ``header``."""
    length = header.get("binary", 0)
    if type(length) is not int or length < 0:
        raise WireError(f"'binary' must be a number of bytes, it is {length!r}")
    return length


def pack(message: Mapping[str, Any], *, binary: bool, described: bool = False) -> list[Any]:
    """Turn a message with arrays in it into pieces to write.

    Args:
        message: JSON values, and NumPy arrays anywhere in nested dictionaries.
        binary: put the arrays behind the line as raw little-endian bytes.
        described: write a plain-text array with its shape and dtype instead of as a flat list.

    Raises:
        WireError: if ``binary`` is off and an array holds NaN or infinity, which JSON cannot say.
    """
    pieces: list[Any] = []
    offset = 0

    def convert(value: Any) -> Any:
        nonlocal offset
        if isinstance(value, Mapping):
            return {key: convert(item) for key, item in value.items()}
        if not isinstance(value, np.ndarray):
            return value
        about = {"dtype": value.dtype.name, "shape": list(value.shape)}
        if binary:
            little = np.ascontiguousarray(value, value.dtype.newbyteorder("<"))
            pieces.append(memoryview(little.reshape(-1).view(np.uint8).data))
            about["offset"] = offset
            offset += little.nbytes
            return about
        flat = value.reshape(-1)
        data = (flat.astype(np.uint8) if flat.dtype == np.bool_ else flat).tolist()
        return {**about, "data": data} if described else data

    header = convert(message)
    if offset:
        header["binary"] = offset
    try:
        line = json.dumps(header, allow_nan=False, separators=(",", ":"))
    except ValueError:
        raise WireError("a number to send is NaN or infinite, which JSON cannot hold") from None
    return [line.encode() + b"\n", *pieces]


def unpack(value: Any, shape: Sequence[int], dtype: str, raw: memoryview) -> Array:
    """Read one array whose shape and dtype are known.

    Args:
        value: a flat list, a described list, or a descriptor into ``raw``.
        shape: what the shape must be.
        dtype: what the dtype must be; a plain list is converted if that loses nothing.
        raw: the bytes behind the line.

    Raises:
        WireError: saying what was expected and what came.
    """
    if isinstance(value, Mapping):
        array = unpack_described(value, raw)
        if array.shape != tuple(shape):
            raise WireError(f"expected the shape {tuple(shape)}, got {array.shape}")
        if array.dtype.name != dtype:
            raise WireError(f"expected the dtype {dtype}, got {array.dtype.name}")
        return array
    size = int(np.prod(shape, dtype=np.int64))
    if not isinstance(value, list):
        raise WireError(f"expected a flat list of {size} numbers, got {_brief(value)}")
    if len(value) != size:
        raise WireError(
            f"expected a flat list of {size} numbers (shape {tuple(shape)}), got {len(value)}"
        )
    return _from_list(value, dtype).reshape(tuple(shape))


def unpack_described(value: Any, raw: memoryview) -> Array:
    """Read one array that names its own shape and dtype, or a flat list as float64."""
    if isinstance(value, list):
        return _from_list(value, "float64")
    if not isinstance(value, Mapping):
        raise WireError(f"expected an array, got {_brief(value)}")
    spec = read_array_spec(value)
    if "data" in value:
        return unpack(value["data"], spec.shape, spec.dtype, raw)
    offset = value.get("offset")
    kind = np.dtype(spec.dtype).newbyteorder("<")
    count = int(np.prod(spec.shape, dtype=np.int64))
    if type(offset) is not int or offset < 0 or offset + count * kind.itemsize > len(raw):
        raise WireError(
            f"offset {offset!r} with {count * kind.itemsize} bytes is outside of the {len(raw)} "
            "raw bytes of the message"
        )
    array = np.frombuffer(raw, kind, count, offset).astype(spec.dtype).reshape(spec.shape)
    if spec.dtype == "bool":
        bad = np.flatnonzero(array.view(np.uint8).reshape(-1) > 1)
        if bad.size:
            raise WireError("a bool must be the byte 0 or 1", int(bad[0]))
    return array


def _from_list(values: list[Any], dtype: str) -> Array:
    if None in values:
        # What some JSON writers make of NaN; the caller then names the field, lane and step.
        values = [np.nan if value is None else value for value in values]
    try:
        array = np.asarray(values)
    except (ValueError, OverflowError):
        array = np.asarray(None)
    if values and (array.ndim != 1 or array.dtype.kind not in "biuf"):
        raise WireError(f"expected a flat list of numbers, got {_brief(values)}")
    target = np.dtype(dtype)
    if target.kind == "f" or not values:
        with np.errstate(over="ignore"):
            return array.astype(target)
    if array.dtype.kind == "f":
        wrong = ~(np.isfinite(array) & (np.floor(array) == array) & (abs(array) < _EXACT_INTEGERS))
        _refuse(wrong, array, f"is not a whole number, as the dtype {dtype} needs")
        array = array.astype(np.int64)
    low, high = (0, 1) if target.kind == "b" else (np.iinfo(target).min, np.iinfo(target).max)
    _refuse((array < low) | (array > high), array, f"is outside of the dtype {dtype}")
    return array.astype(target)


def _refuse(wrong: Array, array: Array, reason: str) -> None:
    index = np.flatnonzero(wrong)
    if index.size:
        raise WireError(f"{array[index[0]]!s} {reason}", int(index[0]))


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def read_array_spec(value: Any) -> ArraySpec:
    """Read ``{"shape": [...], "dtype": "..."}``.

    Raises:
        WireError: if it is none.
    """
    shape = value.get("shape") if isinstance(value, Mapping) else None
    dtype = value.get("dtype") if isinstance(value, Mapping) else None
    good = isinstance(shape, list) and all(type(n) is int and n >= 0 for n in shape)
    if not isinstance(shape, list) or not good or dtype not in DTYPES:
        raise WireError(
            f'expected {{"shape": [...], "dtype": ...}}, got {_brief(value)}; '
            f"the dtypes are {', '.join(DTYPES)}"
        )
    return ArraySpec(tuple(shape), str(dtype))


def write_spec(spec: SideSpec) -> dict[str, Any]:
    """Turn a spec into JSON values."""

    def array(one: ArraySpec) -> dict[str, Any]:
        return {"shape": list(one.shape), "dtype": one.dtype}

    values = dict(vars(spec))
    for name in ("observation", "action", "reward"):
        values[name] = array(values[name])
    values["chance"] = None if spec.chance is None else array(spec.chance)
    values["state"] = {name: array(one) for name, one in spec.state.items()}
    for name in ("action_low", "action_high"):
        values[name] = None if values[name] is None else list(values[name])
    values["info"] = {name: array(one) for name, one in spec.info.items()}
    for name in ("action_space", "observation_space", *_OPTIONAL):
        if not values[name]:
            del values[name]
    return values


_OPTIONAL = ("clips_actions", "info", "masked_by_info", "advisory_mask", "unseeded", "time_limit")


def read_spec(values: Any) -> SideSpec:
    """Turn JSON values into a spec.

    Raises:
        WireError: naming the entry that is missing, unknown or wrong.
    """
    if not isinstance(values, Mapping):
        raise WireError(f"'spec' must be an object, it is {_brief(values)}")
    known = tuple(SideSpec.__dataclass_fields__)
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise WireError(f"the spec has an unknown entry {unknown[0]!r}; known: {', '.join(known)}")
    read: dict[str, Any] = {}
    for name in ("name", "observation", "action"):
        if name not in values:
            raise WireError(f"the spec has no entry {name!r}")
    for name, value in values.items():
        try:
            read[name] = _READERS[name](value)
        except (WireError, TypeError, ValueError, AttributeError) as error:
            raise WireError(f"the spec's {name!r} is wrong: {error}") from None
    spec = SideSpec(**read)
    _check_spec(spec)
    return spec


def _typed(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise WireError(f"expected {kind.__name__}, got {_brief(value)}")
    return value


def _bounds(value: Any) -> tuple[float, ...] | None:
    return None if value is None else tuple(float(bound) for bound in value)


_READERS: dict[str, Any] = {
    "name": lambda value: _typed(value, str),
    "observation": read_array_spec,
    "action": read_array_spec,
    "reward": read_array_spec,
    "num_actions": lambda value: None if value is None else _typed(value, int),
    "action_low": _bounds,
    "action_high": _bounds,
    "state": lambda value: {name: read_array_spec(one) for name, one in value.items()},
    "chance": lambda value: None if value is None else read_array_spec(value),
    "legal_actions": lambda value: _typed(value, bool),
    "self_reset": lambda value: _typed(value, bool),
    "reseeds": lambda value: _typed(value, bool),
    "clips_actions": lambda value: _typed(value, bool),
    "masked_by_info": lambda value: _typed(value, bool),
    "advisory_mask": lambda value: _typed(value, bool),
    "unseeded": lambda value: _typed(value, bool),
    "time_limit": lambda value: None if value is None else _typed(value, int),
    "info": lambda value: {name: read_array_spec(one) for name, one in value.items()},
    "pins": lambda value: {str(name): str(pin) for name, pin in value.items()},
    "action_space": lambda value: None if value is None else read_description(value),
    "observation_space": lambda value: None if value is None else read_description(value),
}


def read_description(value: Any) -> dict[str, Any]:
    """Read the description of a space, see ``spaces``.

    Raises:
        WireError: naming the entry that is missing or wrong.
    """
    if not isinstance(value, Mapping) or value.get("kind") not in (*KINDS, "Other"):
        raise WireError(
            f"expected a space with a 'kind' of {', '.join(KINDS)}, got {_brief(value)}"
        )
    space = dict(value)
    if space["kind"] in ("Dict", "Tuple", "OneOf"):
        parts = space.get("spaces")
        if isinstance(parts, Mapping) and space["kind"] == "Dict":
            space["spaces"] = {str(name): read_description(part) for name, part in parts.items()}
        elif isinstance(parts, list) and space["kind"] != "Dict":
            space["spaces"] = [read_description(part) for part in parts]
        else:
            raise WireError(f"the 'spaces' of a {space['kind']} are {_brief(parts)}")
        return space
    for name in _ENTRIES[space["kind"]]:
        if name not in space:
            raise WireError(f"a {space['kind']} space needs {name!r}, got {_brief(value)}")
    if "dtype" in space and space["dtype"] not in DTYPES:
        raise WireError(f"the dtype {space['dtype']!r} of a space is not known")
    try:
        if space["kind"] in SCALAR:
            limits(space)
        for name in ("space", "node", "edge"):
            if space.get(name) is not None:
                space[name] = read_description(space[name])
    except (TypeError, ValueError, OverflowError) as error:
        raise WireError(f"the space {_brief(value)} is wrong: {error}") from None
    return space


_ENTRIES = {
    "Discrete": ("n", "start", "dtype"),
    "MultiDiscrete": ("shape", "dtype", "nvec", "start"),
    "MultiBinary": ("shape", "dtype"),
    "Box": ("shape", "dtype", "low", "high"),
    "Text": ("min_length", "max_length"),
    "Sequence": ("space",),
    "Graph": ("node", "edge"),
    "Other": ("name",),
}


def _check_spec(spec: SideSpec) -> None:
    if spec.legal_actions and spec.choices is None:
        raise WireError(
            "the spec has 'legal_actions' but neither 'num_actions' nor a MultiDiscrete "
            "'action_space': a mask has no length"
        )
    size = int(np.prod(spec.action.shape, dtype=np.int64))
    for name, bounds in (("action_low", spec.action_low), ("action_high", spec.action_high)):
        if bounds is not None and len(bounds) != size:
            raise WireError(f"the spec's {name!r} has {len(bounds)} numbers, an action has {size}")
