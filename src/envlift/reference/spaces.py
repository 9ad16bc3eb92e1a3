"""What a space is, as plain data that travels over the wire.

A description is a dictionary of JSON values, one entry of which is its ``kind``:

=============== ==================================================================================
kind            other entries
=============== ==================================================================================
Discrete        ``n``, ``start``, ``dtype``
MultiDiscrete   ``shape``, ``dtype``, ``nvec``, ``start``
MultiBinary     ``shape``, ``dtype``
Box             ``shape``, ``dtype``, ``low``, ``high``
Text            ``min_length``, ``max_length``, ``characters``
Dict            ``spaces``: an object, key -> description
Tuple, OneOf    ``spaces``: a list of descriptions
Sequence        ``space``
Graph           ``node``, ``edge`` (null where edges hold nothing)
Other           ``name`` of its class, and ``shape`` and ``dtype`` where it has them
=============== ==================================================================================

Numbers of an array (bounds, ``nvec``, ``start``) are one number where all are equal, else a flat
list; JSON knows no infinity, so that it is written ``"inf"`` or ``"-inf"``.

Runs in the child too: only NumPy is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from envlift.reference.types import Array

Description = dict[str, Any]

KINDS = (
    *("Discrete", "MultiDiscrete", "MultiBinary", "Box", "Text", "Dict", "Tuple", "OneOf"),
    *("Sequence", "Graph"),
)
SCALAR = ("Discrete", "MultiDiscrete", "MultiBinary", "Box")
"""Kinds whose values are one array of numbers."""


def describe(space: Any) -> Description:
    """Describe a space of Gymnasium, or of gym, which names its classes in the same way."""
    names = [kind.__name__ for kind in type(space).__mro__]
    kind = next((name for name in names if name in KINDS), "Other")
    return _DESCRIBERS[kind](space)


def _discrete(space: Any) -> Description:
    start = int(getattr(space, "start", 0))
    return {"kind": "Discrete", "n": int(space.n), "start": start, "dtype": _dtype(space)}


def _multi_discrete(space: Any) -> Description:
    nvec = np.asarray(space.nvec)
    start = np.broadcast_to(np.asarray(getattr(space, "start", 0)), nvec.shape)
    return {
        "kind": "MultiDiscrete",
        "shape": list(nvec.shape),
        "dtype": _dtype(space),
        "nvec": write_numbers(nvec),
        "start": write_numbers(start),
    }


def _multi_binary(space: Any) -> Description:
    return {"kind": "MultiBinary", "shape": list(space.shape), "dtype": _dtype(space)}


def _box(space: Any) -> Description:
    return {
        "kind": "Box",
        "shape": list(space.shape),
        "dtype": _dtype(space),
        "low": write_numbers(space.low),
        "high": write_numbers(space.high),
    }


def _text(space: Any) -> Description:
    return {
        "kind": "Text",
        "min_length": int(space.min_length),
        "max_length": int(space.max_length),
        "characters": "".join(sorted(space.character_set)),
    }


def _other(space: Any) -> Description:
    found: Description = {"kind": "Other", "name": type(space).__name__}
    try:
        shape, dtype = space.shape, space.dtype
    except (AttributeError, NotImplementedError):
        return found
    if shape is not None and dtype is not None:
        found |= {"shape": [int(n) for n in shape], "dtype": np.dtype(dtype).name}
    return found


_DESCRIBERS: dict[str, Any] = {
    "Discrete": _discrete,
    "MultiDiscrete": _multi_discrete,
    "MultiBinary": _multi_binary,
    "Box": _box,
    "Text": _text,
    "Dict": lambda space: {
        "kind": "Dict",
        "spaces": {str(key): describe(inner) for key, inner in space.spaces.items()},
    },
    "Tuple": lambda space: {
        "kind": "Tuple",
        "spaces": [describe(inner) for inner in space.spaces],
    },
    "OneOf": lambda space: {
        "kind": "OneOf",
        "spaces": [describe(inner) for inner in space.spaces],
    },
    "Sequence": lambda space: {"kind": "Sequence", "space": describe(space.feature_space)},
    "Graph": lambda space: {
        "kind": "Graph",
        "node": describe(space.node_space),
        "edge": None if space.edge_space is None else describe(space.edge_space),
    },
    "Other": _other,
}


def _dtype(space: Any) -> str:
    return np.dtype(space.dtype).name


def write_numbers(values: Any) -> Any:
    """Return an array as JSON values: one number where all are equal, else a flat list."""
    flat = np.asarray(values).reshape(-1)
    if flat.dtype == np.bool_:
        flat = flat.astype(np.int8)
    if flat.size and (flat == flat[0]).all():
        return _number(flat[0].item())
    return [_number(value) for value in flat.tolist()]


def _number(value: Any) -> Any:
    return value if np.isfinite(value) else str(value)


def read_numbers(values: Any, shape: tuple[int, ...], dtype: str) -> Array:
    """Return the array of ``shape`` that ``write_numbers`` wrote."""
    given = values if isinstance(values, list) else [values]
    kind = np.dtype(dtype)
    read = np.array([float(one) if isinstance(one, str) else one for one in given], dtype=kind)
    return np.full(shape, read[0]) if len(given) == 1 else read.reshape(shape)


def limits(space: Mapping[str, Any]) -> tuple[Array, Array]:
    """Return the lowest and the highest value of a space of numbers, each of its shape.

    They have the space's own dtype, so that 64-bit integers stay exact.
    """
    kind, dtype = space["kind"], str(space["dtype"])
    shape = tuple(space.get("shape", ()))
    if kind == "Discrete":
        first = int(space["start"])
        return np.array(first, dtype), np.array(first + int(space["n"]) - 1, dtype)
    if kind == "MultiDiscrete":
        start = read_numbers(space["start"], shape, "int64")
        nvec = read_numbers(space["nvec"], shape, "int64")
        return start.astype(dtype), (start + nvec - 1).astype(dtype)
    if kind == "MultiBinary":
        return np.zeros(shape, dtype), np.ones(shape, dtype)
    return read_numbers(space["low"], shape, dtype), read_numbers(space["high"], shape, dtype)


def inner_spaces(space: Mapping[str, Any]) -> Iterator[tuple[str, Description]]:
    """Give name and description of every part of a Dict (in order of the keys), Tuple or OneOf."""
    parts = space["spaces"]
    if isinstance(parts, Mapping):
        yield from sorted(parts.items())
    else:
        yield from ((str(index), part) for index, part in enumerate(parts))


def shown(space: Mapping[str, Any]) -> str:
    """Write a space for people, much as Gymnasium prints it."""
    kind = space["kind"]
    if kind == "Discrete":
        start = f", start={space['start']}" if space["start"] else ""
        return f"Discrete({space['n']}{start})"
    if kind in ("Dict", "Tuple", "OneOf"):
        named = kind == "Dict"
        parts = [(f"{name}: " if named else "") + shown(one) for name, one in inner_spaces(space)]
        return f"{kind}({', '.join(parts)})"
    if kind == "Sequence":
        return f"Sequence({shown(space['space'])})"
    if kind == "Graph":
        edge = "None" if space["edge"] is None else shown(space["edge"])
        return f"Graph({shown(space['node'])}, {edge})"
    if kind == "Text":
        return f"Text({space['min_length']}, {space['max_length']})"
    if kind == "Other":
        return str(space["name"])
    if kind == "MultiDiscrete":
        start = "" if space["start"] == 0 else f", start={_brief(space['start'])}"
        return f"MultiDiscrete({_brief(space['nvec'])}{start}, {tuple(space['shape'])})"
    if kind == "MultiBinary":
        return f"MultiBinary({tuple(space['shape'])})"
    low, high = _brief(space["low"]), _brief(space["high"])
    return f"Box({low}, {high}, {tuple(space['shape'])}, {space['dtype']})"


def _brief(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def differences(
    ours: Mapping[str, Any], theirs: Mapping[str, Any], narrow: bool = False, path: str = ""
) -> list[str]:
    """Say where two spaces differ, one sentence for each place; nothing where they are equal.

    Args:
        ours: the reference's.
        theirs: the candidate's.
        narrow: the candidate holds 64-bit numbers in 32 bits: dtypes are compared by their kind,
            and bounds as float32.
        path: of a part, for the sentences.
    """
    where = f" of {path!r}" if path else ""
    if ours["kind"] != theirs["kind"]:
        return [_pair(f"kind of space{where}", shown(ours), shown(theirs))]
    kind, found = ours["kind"], list[str]()
    if kind in ("Dict", "Tuple", "OneOf"):
        mine, other = dict(inner_spaces(ours)), dict(inner_spaces(theirs))
        if list(mine) != list(other):
            if kind == "Dict":
                return [_pair(f"keys{where}", list(mine), list(other))]
            return [_pair(f"number of parts{where}", len(mine), len(other))]
        for name, part in mine.items():
            inner = f"{path}.{name}" if path else name
            found += differences(part, other[name], narrow, inner)
        return found
    if kind == "Sequence":
        return differences(ours["space"], theirs["space"], narrow, f"{path}[]")
    for name in sorted(set(ours) | set(theirs)):
        one, two = ours.get(name), theirs.get(name)
        if isinstance(one, Mapping) and isinstance(two, Mapping):
            found += differences(one, two, narrow, f"{path}.{name}" if path else name)
        elif one != two and not (narrow and _alike(ours, theirs, name)):
            found.append(_pair(f"{name}{where}", _brief(one), _brief(two)))
    return found


def _alike(ours: Mapping[str, Any], theirs: Mapping[str, Any], name: str) -> bool:
    """Whether an entry differs by no more than what 32 bits cannot hold."""
    one, two = ours.get(name), theirs.get(name)
    if name == "dtype":
        kinds = [np.dtype(str(dtype)).kind.replace("u", "i") for dtype in (one, two)]
        return kinds[0] == kinds[1]
    if name not in ("low", "high") or ours["shape"] != theirs["shape"]:
        return False
    shape = tuple(ours["shape"])
    with np.errstate(over="ignore"):
        a, b = (read_numbers(value, shape, "float64").astype(np.float32) for value in (one, two))
    # The largest number of either precision stands for "no bound".
    a, b = (np.where(np.abs(v) >= np.finfo(np.float32).max, np.sign(v) * np.inf, v) for v in (a, b))
    return bool(np.allclose(a, b, rtol=1e-6, atol=0.0))


def _pair(what: str, ours: Any, theirs: Any) -> str:
    return f"{what}: the reference has {ours}, the candidate {theirs}"
