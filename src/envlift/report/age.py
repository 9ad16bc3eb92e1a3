"""What changed since evidence was made: kinds of files, by their hashes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from envlift.sources import KINDS, hashes


def changed_kinds(folder: Path, sources: Mapping[str, str], trained: bool) -> tuple[str, ...]:
    """Return the kinds of files (``envlift.sources``) that are not those of the evidence.

    Args:
        folder: of the environment.
        sources: kind -> hash, as the evidence holds them; a kind that it lacks has changed.
        trained: whether level 4 ran, which alone trains.
    """
    now = hashes(folder)
    kinds = [kind for kind in KINDS if kind != "trainer" or trained]
    return tuple(kind for kind in kinds if sources.get(kind) != now[kind])
