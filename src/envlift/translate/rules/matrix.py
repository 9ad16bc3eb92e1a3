"""Rules beside what cites them: which has no test, which citation names no rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from envlift.translate.rules.book import Book, Rule
from envlift.translate.rules.citations import Citation
from envlift.translate.rules.parts import Parts

COMPARED = ("L1", "L2", "L3")
"""Levels whose parts of a suite can name a rule."""


@dataclass(frozen=True)
class Row:
    """One rule.

    Attributes:
        rule: it.
        tests: places that test it.
        functions: places of the reference that carry it out.
        applied: how often the reference applied it in a comparison; None where none was given.
        parts: level -> parts of the suite that name it.
    """

    rule: Rule
    tests: tuple[str, ...]
    functions: tuple[str, ...]
    applied: int | None = None
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Matrix:
    """All rules, and citations of what is no rule."""

    name: str
    rows: tuple[Row, ...]
    unknown: tuple[Citation, ...]

    @property
    def untested(self) -> list[Rule]:
        """Rules without a test that do not say why."""
        return [r.rule for r in self.rows if not r.tests and r.rule.not_tested is None]

    @property
    def wrongly_marked(self) -> list[Row]:
        """Rules that say that they have no test, and have one."""
        return [r for r in self.rows if r.tests and r.rule.not_tested is not None]

    @property
    def never_applied(self) -> list[Rule]:
        """Rules with functions in the reference that a comparison never called."""
        return [r.rule for r in self.rows if r.functions and r.applied == 0]

    def problems(self) -> list[str]:
        """Return what must be mended, in sentences; empty if all is well."""
        found = [
            f"{citation.place} (line {citation.line}) cites {citation.id}, which {self.name} does "
            "not have; correct the id"
            for citation in self.unknown
        ]
        found += [
            f"rule {rule.id} (line {rule.line}) has no test; write one whose docstring begins "
            f"with '{rule.id}: ', or say 'not tested: why' in the rule"
            for rule in self.untested
        ]
        found += [
            f"rule {row.rule.id} (line {row.rule.line}) says 'not tested' but {row.tests[0]} tests "
            "it; take the words out"
            for row in self.wrongly_marked
        ]
        return found


def matrix(
    book: Book,
    found: Iterable[Citation],
    applied: Mapping[str, int] | None = None,
    parts: Parts | None = None,
) -> Matrix:
    """Put rules beside their citations.

    Args:
        book: the rules.
        found: citations of tests and of the reference.
        applied: rule id -> calls, ``reference_coverage`` of a report of ``envlift verify``.
        parts: of a suite, see ``parts.parts_of``.
    """
    tests: dict[str, list[str]] = {id: [] for id in book.rules}
    functions: dict[str, list[str]] = {id: [] for id in book.rules}
    unknown = []
    for citation in found:
        id = book.resolve(citation.id)
        if id is None:
            unknown.append(citation)
        elif citation.place not in (kept := (tests if citation.test else functions)[id]):
            kept.append(citation.place)
    rows = tuple(
        Row(
            rule,
            tuple(tests[id]),
            tuple(functions[id]),
            None if applied is None else applied.get(id, 0),
            (parts or {}).get(id, {}),
        )
        for id, rule in book.rules.items()
    )
    return Matrix(book.name, rows, tuple(unknown))


def markdown(found: Matrix) -> str:
    """Return the matrix as a table of Markdown."""
    told = any(row.applied is not None for row in found.rows)
    levels = COMPARED if any(row.parts for row in found.rows) else ()
    counted = ["applied in the comparison"] if told else []
    head = ["rule", "tests", "reference", *levels, *counted]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for row in found.rows:
        tests = ", ".join(f"`{t}`" for t in row.tests) or (
            f"not tested: {row.rule.not_tested}" if row.rule.not_tested else "**none**"
        )
        cells = [row.rule.id, tests, ", ".join(f"`{f}`" for f in row.functions) or "-"]
        cells += [", ".join(row.parts.get(level, ())) or "-" for level in levels]
        if told:
            cells.append(f"{row.applied or 0:,}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
