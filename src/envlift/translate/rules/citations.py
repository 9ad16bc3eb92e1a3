"""Who cites which rule: functions whose docstring begins with ids and a colon.

``K-3: the cost must be payable.`` cites one, ``R-1 to R-3, N-6: ...`` four. Nothing is imported:
files are parsed, so the rules of a stranger can be looked at.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from envlift.translate.rules.book import ID, RulesError

_ITEM = rf"{ID}(?:\s+to\s+{ID})?"
_HEAD = re.compile(rf"\s*(?:[Rr]ules?\s+)?({_ITEM}(?:(?:,|\s+and)\s+{_ITEM})*):\s")
_ONE = re.compile(rf"({ID})(?:\s+to\s+({ID}))?")
_LAST = re.compile(r"^(.*?)(\d+)$")
MOST = 1000


@dataclass(frozen=True)
class Citation:
    """A function that cites a rule.

    Attributes:
        id: as it is written.
        place: ``file.py::function``.
        line: of the function, from 1.
        test: whether it is a test.
    """

    id: str
    place: str
    line: int
    test: bool


def cited(docstring: str) -> list[str]:
    """Return the ids that a docstring begins with; none where it begins with something else.

    Raises:
        RulesError: for a range that goes nowhere.
    """
    head = _HEAD.match(docstring)
    if head is None:
        return []
    return [id for first, last in _ONE.findall(head[1]) for id in _range(first, last)]


def _range(first: str, last: str) -> list[str]:
    if not last:
        return [first]
    begin, end = _LAST.match(first), _LAST.match(last)
    assert begin is not None, "an id ends with a number"
    assert end is not None, "an id ends with a number"
    if begin[1] != end[1] or not int(begin[2]) < int(end[2]) < int(begin[2]) + MOST:
        raise RulesError(f"'{first} to {last}' is no range of rules; name them one by one")
    return [f"{begin[1]}{number}" for number in range(int(begin[2]), int(end[2]) + 1)]


def citations(places: list[Path]) -> list[Citation]:
    """Return all citations in Python files, of folders all that are in them.

    Raises:
        RulesError: a path is missing, or a file is no Python.
    """
    return [citation for place in places for citation in _in(place)]


def places_beside(rules: Path) -> list[Path]:
    """Return where tests and a reference are looked for: the folders beside the rules, or files."""
    beside = rules.resolve().parent
    folders = [beside / name for name in ("tests", "reference") if (beside / name).is_dir()]
    return folders or sorted(beside.glob("*.py"))


def _in(place: Path) -> Iterator[Citation]:
    if not place.exists():
        raise RulesError(f"there is no file or folder {place}")
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place]
    for file in files:
        try:
            tree = ast.parse(file.read_text(encoding="utf-8"))
        except (SyntaxError, UnicodeDecodeError) as error:
            raise RulesError(f"{file} is no Python that can be read: {error}") from None
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                for id in cited(ast.get_docstring(node) or ""):
                    where = f"{file.name}::{node.name}"
                    yield Citation(id, where, node.lineno, node.name.startswith("test"))
