"""What to type when a package is missing: a command that works from where the user is.

No index holds envlift itself, so ``pip install "envlift[train]"`` would find nothing. What an extra
asks for can be installed by its own names, from anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def install(extra: str, only: Iterable[str] = ()) -> str:
    """Return the ``pip`` command that brings the packages of an extra.

    Args:
        extra: one of those in ``pyproject.toml``, for example ``train``.
        only: names of the packages that are missing; empty for all of the extra.
    """
    wanted = {_plain(name) for name in only}
    found = [
        requirement
        for requirement in _requirements(extra)
        if not wanted or _plain(re.split(r"[^\w.-]", requirement)[0]) in wanted
    ]
    if found:
        return "pip install " + " ".join(f'"{requirement}"' for requirement in found)
    # envlift runs from a folder that nobody installed.
    return f'pip install "{CHECKOUT}[{extra}]"'


def _requirements(extra: str) -> list[str]:
    try:
        declared = metadata.requires("envlift") or []
    except metadata.PackageNotFoundError:
        return []
    marked = [requirement.partition(";") for requirement in declared]
    return [
        name.strip()
        for name, _, marker in marked
        if re.search(rf"""extra == ["']{re.escape(extra)}["']""", marker)
    ]


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
