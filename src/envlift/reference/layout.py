"""How a value of any space becomes one array of fixed shape, and an action becomes a value again.

A space that is one array of numbers stays what it is. The parts of a composite one follow each
other, in the order of the space: as int64 if all of them are whole numbers, else as float64, in
which a 64-bit integer that a float cannot hold takes two places (its upper and lower 32 bits). So
nothing is rounded. What has no fixed length is written as its length, a hash of all of it, and its
beginning (an action: as its length and all of it).

Runs in the child too: only NumPy is needed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from envlift.reference.spaces import SCALAR, Description, inner_spaces, limits, shown
from envlift.reference.types import Array, ArraySpec

BEGINNING = 128
"""Numbers (or letters) of a value without a fixed length that are written beside its hash."""

LONGEST_ACTION = 1_024
"""Letters of the longest text that can be an action."""

LONGEST_SEQUENCE = 16
"""Elements of the longest sequence that is played as an action."""

_EXACT = 2**53


class LayoutError(TypeError):
    """A value is not what its space says, or a space cannot be written as one array."""


@dataclass(frozen=True)
class Leaf:
    """One array of numbers, or one value without a fixed length, inside of a space.

    Attributes:
        path: where it is: names and numbers joined by dots, empty for the space itself.
        space: its description.
        shape, dtype: of its numbers; a value without a fixed length has one axis.
        offset: of its first place in the flat array.
        places: how many places it takes there.
        wide: every number takes two places.
    """

    path: str
    space: Description
    shape: tuple[int, ...]
    dtype: str
    offset: int
    places: int
    wide: bool = False

    @property
    def numbers(self) -> bool:
        """Whether it is an array of numbers of fixed shape."""
        return "shape" in self.space or self.space["kind"] == "Discrete"


class Layout:
    """One space as one array.

    Args:
        space: its description.
        action: whether values are actions, which must be read back whole.

    Attributes:
        spec: shape and dtype of the array.
        leaves: its parts in order; one for a space that is an array itself.

    Raises:
        LayoutError: for a space that cannot be an action here.
    """

    def __init__(self, space: Description, *, action: bool = False) -> None:
        self.space = space
        self._action = action
        self.plain = space["kind"] in SCALAR or (space["kind"] == "Other" and "shape" in space)
        if self.plain:
            shape, dtype = tuple(space.get("shape", ())), str(space["dtype"])
            if action and space["kind"] == "Other":
                raise LayoutError(_refusal(space))
            self.spec = ArraySpec(shape, dtype)
            size = int(np.prod(shape, dtype=np.int64))
            self.leaves = [Leaf("", space, shape, dtype, 0, size)]
            return
        self._floats = not _whole(space)
        self.leaves = []
        self._end = 0
        self._add(space, "")
        self.spec = ArraySpec((self._end,), "float64" if self._floats else "int64")

    # -- which place holds what -------------------------------------------------------------------

    def _add(self, space: Description, path: str) -> None:
        kind = space["kind"]
        if kind in ("Dict", "Tuple"):
            for name, part in inner_spaces(space):
                self._add(part, f"{path}.{name}" if path else name)
        elif kind == "OneOf":
            choice = {"kind": "Discrete", "n": len(space["spaces"]), "start": 0, "dtype": "int64"}
            self._leaf(choice, f"{path}.choice" if path else "choice", (), "int64")
            for name, part in inner_spaces(space):
                self._add(part, f"{path}.{name}" if path else name)
        elif kind in SCALAR or "shape" in space:
            if self._action and kind == "Other":
                raise LayoutError(_refusal(space))
            self._leaf(space, path, tuple(space.get("shape", ())), str(space["dtype"]))
        elif self._action:
            self._leaf(space, path, (_action_places(space),), "float64")
        else:
            self._leaf(space, path, (2 + BEGINNING,), "float64")

    def _leaf(self, space: Description, path: str, shape: tuple[int, ...], dtype: str) -> None:
        wide = False
        if self._floats and np.dtype(dtype).kind in "iu" and np.dtype(dtype).itemsize == 8:
            wide = _is_wide(space)
        places = int(np.prod(shape, dtype=np.int64)) * (2 if wide else 1)
        self.leaves.append(Leaf(path, space, shape, dtype, self._end, places, wide))
        self._end += places

    def labels(self) -> tuple[str, ...]:
        """Name every place of the array, for messages; none for a space that is an array itself."""
        if self.plain:
            return ()
        names: list[str] = []
        for leaf in self.leaves:
            if not leaf.numbers:
                extra = [] if self._action else ["hash"]
                rest = range(leaf.places - 1 - len(extra))
                places = ("length", *extra, *map(str, rest))
                names += [f"{leaf.path}.{name}".lstrip(".") for name in places]
                continue
            inner = [""] if not leaf.shape else [f"[{_index(i)}]" for i in np.ndindex(leaf.shape)]
            halves = (".high", ".low") if leaf.wide else ("",)
            names += [f"{leaf.path}{one}{half}" for one in inner for half in halves]
        return tuple(names)

    def whole(self) -> tuple[int, ...]:
        """Return the places of whole numbers in an array of floats; none in other arrays."""
        if self.plain or not self._floats:
            return ()
        return tuple(
            place
            for leaf in self.leaves
            if not (leaf.numbers and np.dtype(leaf.dtype).kind == "f") and _exact(leaf)
            for place in range(leaf.offset, leaf.offset + leaf.places)
        )

    # -- values to arrays -------------------------------------------------------------------------

    def pack(self, value: Any, what: str) -> Array:
        """Write a value of the space.

        Raises:
            LayoutError: if it has another shape or keys, or its numbers do not fit without loss.
        """
        if self.plain:
            return exact(value, self.spec.shape, self.spec.dtype, what, self.space)
        pieces: list[Array] = []
        self._pack(self.space, value, what, pieces)
        flat = np.concatenate(pieces) if pieces else np.zeros(0)
        return flat.astype(self.spec.dtype, copy=False)

    def _pack(self, space: Description, value: Any, what: str, pieces: list[Array]) -> None:
        kind = space["kind"]
        if kind in ("Dict", "Tuple"):
            for name, part in _parts(space, value, what):
                self._pack(space_part(space, name), part, _under(what, kind, name), pieces)
        elif kind == "OneOf":
            choice, chosen = _choice(space, value, what)
            pieces.append(np.array([choice], self.spec_dtype))
            for name, part in inner_spaces(space):
                if int(name) == choice:
                    self._pack(part, chosen, _under(what, kind, name), pieces)
                else:
                    pieces.append(np.zeros(self._places(part), self.spec_dtype))
        elif kind in SCALAR or "shape" in space:
            shape, dtype = tuple(space.get("shape", ())), str(space["dtype"])
            array = exact(value, shape, dtype, what, space).reshape(-1)
            pieces.append(self._numbers(array, space))
        else:
            pieces.append(self._loose(space, value, what))

    @property
    def spec_dtype(self) -> str:
        """The dtype of the flat array."""
        return "float64" if self._floats else "int64"

    def _places(self, space: Description) -> int:
        inner = Layout.__new__(Layout)
        inner.space, inner._action, inner._floats = space, self._action, self._floats
        inner.leaves, inner._end, inner.plain = [], 0, False
        inner._add(space, "")
        return inner._end

    def _numbers(self, array: Array, space: Description) -> Array:
        if not self._floats:
            return array.astype(np.int64)
        if array.dtype.kind in "iu" and array.dtype.itemsize == 8 and _is_wide(space):
            bits = array.astype(np.uint64) if array.dtype.kind == "u" else array.view(np.uint64)
            halves = np.stack([bits >> np.uint64(32), bits & np.uint64(0xFFFFFFFF)], axis=-1)
            return halves.reshape(-1).astype(np.float64)
        return array.astype(np.float64)

    def _loose(self, space: Description, value: Any, what: str) -> Array:
        length, numbers, blob = _written(space, value, what)
        if self._action:
            flat = np.zeros(_action_places(space))
        else:
            flat = np.zeros(2 + BEGINNING)
            flat[1] = _hashed(blob)
        flat[0] = length
        rest = flat[1:] if self._action else flat[2:]
        if len(numbers) > len(rest) and self._action:
            raise LayoutError(f"{what} is longer than an action can be here: {length}")
        kept = numbers[: len(rest)]
        rest[: len(kept)] = kept
        return flat if self._floats else flat.astype(np.int64)

    def place(self, leaf: Leaf, values: Array) -> Array:
        """Write n values [n, *shape] of one part as [n, places]."""
        return self._numbers(values.reshape(-1), leaf.space).reshape(len(values), leaf.places)

    def values(self, leaf: Leaf, rows: Array) -> Array:
        """Read one part of flat arrays [n, places of all], as [n, numbers] in its own dtype."""
        part = rows[:, leaf.offset : leaf.offset + leaf.places]
        if not leaf.wide:
            return part.astype(leaf.dtype)
        halves = part.reshape(len(rows), -1, 2).astype(np.uint64)
        return ((halves[..., 0] << np.uint64(32)) | halves[..., 1]).view(leaf.dtype)

    def pack_leaf(self, leaf: Leaf, value: Any) -> Array:
        """Write the value of a part without a fixed length."""
        return self._loose(leaf.space, value, f"the action {leaf.path}")

    def pack_batch(self, value: Any, what: str) -> Array:
        """Write many values at once: every part of the tree ``value`` is [..., *shape].

        Raises:
            LayoutError: as ``pack``; for spaces without a fixed length, of which there are no
                batches.
        """
        if self.plain:
            return np.asarray(value)
        pieces: list[Array] = []
        self._pack_batch(self.space, value, what, pieces)
        return np.concatenate(pieces, axis=-1)

    def _pack_batch(self, space: Description, value: Any, what: str, pieces: list[Array]) -> None:
        kind = space["kind"]
        if kind in ("Dict", "Tuple"):
            for name, part in _parts(space, value, what):
                self._pack_batch(space_part(space, name), part, _under(what, kind, name), pieces)
            return
        if kind not in SCALAR:
            raise LayoutError(f"{what} is of {shown(space)}, of which there are no batches")
        array, rank = np.asarray(value), len(space.get("shape", ()))
        lead = array.shape[: array.ndim - rank]
        shape = (*lead, *space.get("shape", ()))
        array = exact(array, shape, str(space["dtype"]), what, space)
        pieces.append(self._numbers(array.reshape(-1), space).reshape(*lead, -1))

    # -- arrays to actions ------------------------------------------------------------------------

    def unpack(self, array: Array) -> Any:
        """Read an action, of the type and dtype that Gymnasium's own ``sample`` gives."""
        if self.plain:
            if self.space["kind"] == "Discrete":
                return np.dtype(self.spec.dtype).type(array)
            return np.array(array, dtype=self.spec.dtype)
        value, _ = self._unpack(self.space, np.asarray(array), 0)
        return value

    def unpack_batch(self, array: Array) -> Any:
        """Read many actions [..., *shape] at once, as a tree of arrays [..., *shape of the part].

        Raises:
            LayoutError: for a space of texts, sequences or alternatives.
        """
        if self.plain:
            return array
        value, _ = self._unpack_batch(self.space, np.asarray(array), 0)
        return value

    def _unpack_batch(self, space: Description, array: Array, at: int) -> tuple[Any, int]:
        if space["kind"] in ("Dict", "Tuple"):
            parts: dict[str, Any] = {}
            for name, part in inner_spaces(space):
                parts[name], at = self._unpack_batch(part, array, at)
            return (parts if space["kind"] == "Dict" else tuple(parts.values())), at
        if space["kind"] not in SCALAR:
            raise LayoutError(f"actions of {shown(space)} have no batches")
        lead, shape = array.shape[:-1], tuple(space.get("shape", ()))
        columns = array.reshape(-1, array.shape[-1])
        rows, end = [], at
        for row in columns:
            value, end = self._unpack_numbers(space, row, at)
            rows.append(value)
        stacked = np.array(rows, dtype=str(space["dtype"]))
        return stacked.reshape(*lead, *shape), end

    def _unpack(self, space: Description, array: Array, at: int) -> tuple[Any, int]:
        kind = space["kind"]
        if kind in ("Dict", "Tuple"):
            parts: dict[str, Any] = {}
            for name, part in inner_spaces(space):
                parts[name], at = self._unpack(part, array, at)
            return (parts if kind == "Dict" else tuple(parts.values())), at
        if kind == "OneOf":
            choice, at = int(array[at]), at + 1
            chosen: Any = None
            for name, part in inner_spaces(space):
                value, at = self._unpack(part, array, at)
                chosen = value if int(name) == choice else chosen
            return (np.int64(choice), chosen), at
        if kind in SCALAR:
            return self._unpack_numbers(space, array, at)
        return self._unpack_loose(space, array, at)

    def _unpack_numbers(self, space: Description, array: Array, at: int) -> tuple[Any, int]:
        shape, dtype = tuple(space.get("shape", ())), np.dtype(str(space["dtype"]))
        size = int(np.prod(shape, dtype=np.int64))
        wide = self._floats and dtype.kind in "iu" and dtype.itemsize == 8 and _is_wide(space)
        places = size * (2 if wide else 1)
        flat = array[at : at + places]
        if wide:
            halves = flat.reshape(-1, 2).astype(np.uint64)
            flat = ((halves[:, 0] << np.uint64(32)) | halves[:, 1]).view(dtype)
        value = flat.astype(dtype).reshape(shape)
        return (dtype.type(value) if space["kind"] == "Discrete" else value), at + places

    def _unpack_loose(self, space: Description, array: Array, at: int) -> tuple[Any, int]:
        places = _action_places(space)
        length, flat = int(array[at]), array[at + 1 : at + places]
        if space["kind"] == "Text":
            return "".join(chr(int(code)) for code in flat[:length]), at + places
        inner = Layout(space["space"], action=True)
        size = int(np.prod(inner.spec.shape, dtype=np.int64))
        rows = flat[: length * size].reshape(length, *inner.spec.shape)
        return tuple(inner.unpack(row.astype(inner.spec.dtype)) for row in rows), at + places


def exact(
    value: Any, shape: tuple[int, ...], dtype: str, what: str, space: Mapping[str, Any]
) -> Array:
    """Return a value as an array of exactly this shape and dtype, or refuse it.

    Raises:
        LayoutError: if it has another shape, is no number, or would lose something.
    """
    try:
        array = np.asarray(value)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in "biuf":
        raise LayoutError(f"{what} is {_brief(value)}, which is no number; it is of {shown(space)}")
    if array.shape != shape:
        raise LayoutError(f"{what} has the shape {array.shape}, its space {shown(space)}")
    target = np.dtype(dtype)
    if array.dtype == target:
        return array
    with np.errstate(over="ignore", invalid="ignore"):
        cast = array.astype(target)
        same = (cast == array) | (np.isnan(array) if array.dtype.kind == "f" else False)
    if not np.all(same):
        wrong = array[~same].reshape(-1)[0]
        raise LayoutError(
            f"{what} holds {wrong!s} ({array.dtype.name}), which its space {shown(space)} "
            "cannot hold"
        )
    return cast


def text_number(text: str) -> int:
    """Return a number of 48 bits that stands for a text."""
    return _hashed(text.encode())


def _hashed(blob: bytes) -> int:
    return int.from_bytes(hashlib.sha256(blob).digest()[:6], "big")


def _exact(leaf: Leaf) -> bool:
    """Whether all numbers of a part are whole; of a sequence that depends on its elements."""
    return leaf.numbers or leaf.space["kind"] in ("Text", "Other") or _whole(leaf.space)


def space_part(space: Mapping[str, Any], name: str) -> Description:
    """Return the description of one part of a Dict or Tuple."""
    parts = space["spaces"]
    return dict(parts[name] if isinstance(parts, Mapping) else parts[int(name)])


def _parts(space: Description, value: Any, what: str) -> list[tuple[str, Any]]:
    """Return the parts of a Dict's or Tuple's value in the order of the space."""
    names = [name for name, _ in inner_spaces(space)]
    if space["kind"] == "Dict":
        if not isinstance(value, Mapping):
            raise LayoutError(f"{what} is {_brief(value)}, its space a Dict with the keys {names}")
        given = {str(key): part for key, part in value.items()}
        if set(given) != set(names):
            raise LayoutError(f"{what} has the keys {sorted(given)}, its space {sorted(names)}")
        return [(name, given[name]) for name in names]
    if not isinstance(value, (tuple, list)) or len(value) != len(names):
        raise LayoutError(f"{what} is {_brief(value)}, its space a Tuple of {len(names)} parts")
    return [(name, value[i]) for i, name in enumerate(names)]


def _choice(space: Description, value: Any, what: str) -> tuple[int, Any]:
    if not isinstance(value, tuple) or len(value) != 2:
        raise LayoutError(f"{what} is {_brief(value)}, its space gives (choice, value)")
    choice = int(value[0])
    if not 0 <= choice < len(space["spaces"]):
        raise LayoutError(f"{what} chooses {choice} of {len(space['spaces'])} spaces")
    return choice, value[1]


def _under(what: str, kind: str, name: str) -> str:
    return f"{what}[{name!r}]" if kind == "Dict" else f"{what}[{name}]"


def _whole(space: Mapping[str, Any]) -> bool:
    """Whether all numbers of a space are whole, so that int64 holds them."""
    kind = space["kind"]
    if kind in ("Dict", "Tuple", "OneOf"):
        return all(_whole(part) for _, part in inner_spaces(space))
    if kind == "Sequence":
        return _whole(space["space"])
    if kind == "Graph":
        return _whole(space["node"]) and (space["edge"] is None or _whole(space["edge"]))
    return "dtype" not in space or np.dtype(str(space["dtype"])).kind in "biu"


def _is_wide(space: Mapping[str, Any]) -> bool:
    if space["kind"] not in SCALAR:
        return True
    low, high = limits(space)
    return bool((low < -_EXACT).any() or (high > _EXACT).any()) if low.size else False


def _action_places(space: Description) -> int:
    if space["kind"] == "Text" and space["max_length"] <= LONGEST_ACTION:
        return 1 + int(space["max_length"])
    if space["kind"] == "Sequence":
        inner = Layout(space["space"], action=True)
        if all(leaf.numbers for leaf in inner.leaves):
            return 1 + LONGEST_SEQUENCE * int(np.prod(inner.spec.shape, dtype=np.int64))
    raise LayoutError(_refusal(space))


def _refusal(space: Mapping[str, Any]) -> str:
    return (
        f"actions of {shown(space)} cannot be written as one array of fixed shape; wrap the "
        "environment so that its actions are of Discrete, MultiDiscrete, MultiBinary, Box, Text, "
        "or a Dict, Tuple or Sequence of these"
    )


def _written(space: Description, value: Any, what: str) -> tuple[int, list[float], bytes]:
    """Return length, numbers and bytes of a value without a fixed length."""
    kind = space["kind"]
    if isinstance(value, str) and kind in ("Text", "Other"):
        return len(value), [float(ord(letter)) for letter in value], value.encode()
    if kind == "Sequence":
        inner = Layout(space["space"])
        rows = [inner.pack(row, f"{what}[{i}]") for i, row in enumerate(_rows(value))]
        numbers = [float(one) for row in rows for one in row.reshape(-1)]
        return len(rows), numbers, b"".join(row.tobytes() for row in rows)
    if kind == "Graph":
        return _graph(space, value, what)
    raise LayoutError(f"{what} is {_brief(value)}, which {shown(space)} does not explain")


def _rows(value: Any) -> list[Any]:
    """Return the elements of a sequence, also of one whose parts are stacked."""
    if isinstance(value, Mapping):
        columns = {key: _rows(part) for key, part in value.items()}
        length = len(next(iter(columns.values()), []))
        return [{key: rows[i] for key, rows in columns.items()} for i in range(length)]
    return list(value)


def _graph(space: Description, value: Any, what: str) -> tuple[int, list[float], bytes]:
    parts: list[Array] = []
    for name, part in (("nodes", space["node"]), ("edges", space["edge"])):
        given = getattr(value, name, None)
        if part is not None and given is not None:
            inner = Layout(part)
            parts += [inner.pack(row, f"{what}.{name}[{i}]") for i, row in enumerate(given)]
        parts.append(np.array([0 if given is None else len(given)], np.int64))
    links = getattr(value, "edge_links", None)
    if links is not None:
        parts.append(np.asarray(links).reshape(-1).astype(np.int64))
    numbers = [float(one) for part in parts for one in part.reshape(-1)]
    nodes = getattr(value, "nodes", None)
    if nodes is None:
        raise LayoutError(f"{what} is {_brief(value)}, its space gives graphs with `nodes`")
    return len(nodes), numbers, b"".join(part.tobytes() for part in parts)


def _index(index: tuple[int, ...]) -> str:
    return ", ".join(str(i) for i in index)


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
