"""Starts that show much, such as images: what of them is compared as a distribution.

Equality is asked of all coordinates, by a hash. A test for each of a hundred thousand coordinates
takes minutes and finds less: so many tests make every single one blind. Some coordinates are drawn,
and sums over all of them with random signs stand for the rest.

Shape letters: ``N`` starts.
"""

from __future__ import annotations

import hashlib

import numpy as np

from envlift.reference.types import Array, StateDict

WIDE = 2_048
"""Numbers of one field up to which all of them are compared."""

DRAWN = 512
"""Coordinates that are compared of a field with more."""

SUMS = 8
"""Sums over all coordinates, each with signs of its own."""

HASH = "hash of "
_SUMS = "signed sums of "


def narrowed(rows: StateDict, seed: int) -> StateDict:
    """Return fields [N, ...] with what stands for the wide ones among them.

    Args:
        rows: fields, each [N, ...].
        seed: of the choice, which must be one for both sides and for all batches of a run.
    """
    found: StateDict = {}
    for name, values in rows.items():
        if values[0].size <= WIDE:
            found[name] = values
            continue
        flat = values.reshape(len(values), -1)
        found[name] = flat[:, chosen(flat.shape[1], seed)]
        found[_SUMS + name] = _sums(flat, seed)
        found[HASH + name] = np.array([_hash(row) for row in flat])
    return found


def chosen(size: int, seed: int) -> Array:
    """Return which coordinates are compared, in order."""
    rng = np.random.default_rng([seed, size])
    return np.sort(rng.choice(size, DRAWN, replace=False))


def distributed(rows: StateDict) -> StateDict:
    """Return the fields that have a distribution, which a hash has not."""
    return {name: values for name, values in rows.items() if not name.startswith(HASH)}


def wide_text(rows: StateDict) -> str:
    """Say of which fields not every coordinate was compared; nothing where every one was."""
    names = [name.removeprefix(HASH) for name in rows if name.startswith(HASH)]
    if not names:
        return ""
    return f"{DRAWN} coordinates and {SUMS} sums over all of {', '.join(names)}"


def _sums(flat: Array, seed: int) -> Array:
    rng = np.random.default_rng([seed, flat.shape[1], 1])
    signs = rng.integers(0, 2, size=(flat.shape[1], SUMS)).astype(np.float32) * 2 - 1
    return np.asarray(flat.astype(np.float32) @ signs, dtype=np.float64)


def _hash(row: Array) -> int:
    """Return 52 bits of a row's bytes: as many as a float64 holds."""
    digest = hashlib.blake2b(np.ascontiguousarray(row).tobytes(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 12
