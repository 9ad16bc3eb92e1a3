"""Written rules beside all that speaks of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from envlift.report.page import data
from envlift.translate.project.file import Project
from envlift.translate.rules.book import read_book
from envlift.translate.rules.citations import citations, places_beside
from envlift.translate.rules.matrix import matrix
from envlift.translate.rules.parts import names_in, names_of, parts_of
from envlift.verify.suite.find import find_suite


def of_project(project: Project, applied: Mapping[str, int]) -> list[data.RuleRow]:
    """Return the rules of a project that was made from written ones, none for another.

    Args:
        project: it; its files are parsed and not run.
        applied: the reference's own counters in the evidence; empty where it has none.

    Raises:
        ValueError: for rules, or files that cite them, which cannot be read.
    """
    if not project.reference.specification:
        return []
    path, suite = (
        project.folder / name for name in (project.reference.specification, project.suite)
    )
    named = names_in([suite] if suite.is_file() else [])
    return _rows(path, places_beside(path), named, applied)


def of_environment(
    name: str, folder: Path, tests: Path, applied: Mapping[str, int]
) -> list[data.RuleRow]:
    """Return the rules of a registered environment that has a ``rules.md``, none for another.

    Args:
        name: of the environment.
        folder: of the environment.
        tests: of its rules; without that folder, as in an installed package, nothing can be said.
        applied: see ``of_project``.
    """
    path = folder / "rules.md"
    if not path.is_file() or not tests.is_dir():
        return []
    return _rows(path, [tests, folder / "reference"], names_of(find_suite(name)[0]), applied)


def _rows(
    path: Path, places: list[Path], named: Iterable[tuple[str, str]], applied: Mapping[str, int]
) -> list[data.RuleRow]:
    book = read_book(path)
    found = matrix(book, citations(places), applied or None, parts_of(book, named))
    return [
        data.RuleRow(
            id=row.rule.id,
            text=row.rule.text,
            tests=list(row.tests),
            functions=list(row.functions),
            not_tested=row.rule.not_tested or "",
            parts={level: list(names) for level, names in row.parts.items()},
            applied=row.applied,
        )
        for row in found.rows
    ]
