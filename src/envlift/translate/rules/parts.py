"""Which parts of a suite speak of which rule, by the ids in their names.

``Component("K-3 the cost", ...)`` holds K-3 at level 1, a ``Scenario`` at level 2, a ``Feature`` or
a ``Place`` at level 3; where ids are numbers alone the name says ``rule 3``. A stranger's files are
parsed and not imported, so only names that stand in them are found.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from envlift.translate.rules.book import ID, Book, RulesError
from envlift.verify.suite import Component, Feature, Place, Scenario, Suite

LEVELS = {"Component": "L1", "Scenario": "L2", "Feature": "L3", "Place": "L3"}
"""Kind of a part -> the level that compares it."""

Parts = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Rule id -> level -> names of the parts that speak of it."""


def parts_of(book: Book, named: Iterable[tuple[str, str]]) -> Parts:
    """Return which parts name which rule.

    Args:
        book: the rules.
        named: level and name of each part, see ``names_in`` and ``names_of``.
    """
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for level, name in named:
        for id in _ids(book, name):
            held = found.setdefault(id, {}).setdefault(level, ())
            if name not in held:
                found[id][level] = (*held, name)
    return found


def _ids(book: Book, name: str) -> Iterator[str]:
    words = re.findall(rf"(?<![\w-])((?:[Rr]ules? )?)({ID})(?!\w)", name)
    # A number alone may count anything.
    resolved = {book.resolve(id) for said, id in words if said or id[0].isalpha()}
    yield from (id for id in book.rules if id in resolved)


def names_of(suite: Suite) -> list[tuple[str, str]]:
    """Return level and name of every part of a suite."""
    parts: tuple[Component | Scenario | Feature | Place, ...]
    parts = (*suite.components, *suite.scenarios, *suite.features, *suite.places)
    return [(LEVELS[type(part).__name__], part.name) for part in parts]


def names_in(places: list[Path]) -> list[tuple[str, str]]:
    """Return level and name of every part in Python files, of folders all that are in them.

    Raises:
        RulesError: a path is missing, or a file is no Python.
    """
    return [part for place in places for part in _in(place)]


def _in(place: Path) -> Iterator[tuple[str, str]]:
    if not place.exists():
        raise RulesError(f"there is no file or folder {place}")
    for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
        try:
            tree = ast.parse(file.read_text(encoding="utf-8"))
        except (SyntaxError, UnicodeDecodeError) as error:
            raise RulesError(f"{file} is no Python that can be read: {error}") from None
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (level := LEVELS.get(_called(node.func))):
                name = _name(node)
                if name is not None:
                    yield level, name


def _called(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _name(call: ast.Call) -> str | None:
    given = [*call.args[:1], *(word.value for word in call.keywords if word.arg == "name")]
    for value in given:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            return value.value
    return None
