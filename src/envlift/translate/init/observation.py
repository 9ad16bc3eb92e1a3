"""The parts of a composite observation, by name: what an agent is told, and what failures name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from envlift.reference.layout import Layout, Leaf
from envlift.reference.spaces import limits


def parts(space: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Return ``name: dtype [shape], lowest to highest`` for each part, in the order compared.

    Names of inner spaces are joined by dots. An observation that is one array has no parts, and so
    has one whose space nobody tells.
    """
    if space is None:
        return ()
    layout = Layout(dict(space))
    return () if layout.plain else tuple(map(_told, layout.leaves))


def _told(leaf: Leaf) -> str:
    if not leaf.numbers:
        return f"{leaf.path}: {leaf.space['kind']}, of no fixed length"
    low, high = limits(leaf.space)
    bounds = f", {_number(low.min())} to {_number(high.max())}" if low.size else ""
    return f"{leaf.path}: {leaf.dtype} {list(leaf.shape)}{bounds}"


def _number(value: Any) -> str:
    return str(int(value)) if np.isfinite(value) and value == int(value) else f"{value:g}"
