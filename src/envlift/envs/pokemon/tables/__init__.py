"""What the rules know of moves, species and types: one record per line, a folder per generation."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@cache
def records(generation: str, name: str) -> tuple[dict[str, Any], ...]:
    """Return the records of a table, in the order of the file.

    Args:
        generation: the folder, such as ``gen1``.
        name: the file without its ending, such as ``moves``.
    """
    lines = (HERE / generation / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(json.loads(line) for line in lines)


@cache
def numbers(generation: str, name: str) -> dict[str, int]:
    """Return the number of each record by its id: ``num``, or the place in the file."""
    return {r["id"]: r.get("num", k) for k, r in enumerate(records(generation, name))}
