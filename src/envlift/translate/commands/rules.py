"""``envlift rules check``: rules beside the tests and the reference that cite them."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def add_rules(commands: Any) -> None:
    """Add ``rules`` to the commands of a parser."""
    rules = commands.add_parser("rules", help="written rules: are all of them tested?")
    actions = rules.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser(
        "check",
        help="ids are unique, every rule has a test, nobody cites a rule that is not there",
        description=(
            "Read a text of numbered rules and who cites them: a function whose docstring begins "
            "with ids and a colon, a test if its name begins with 'test'. Exit code 1 where a rule "
            "has no test (and does not say why) or a citation names no rule."
        ),
    )
    check.add_argument("rules", type=Path, metavar="RULES.md")
    check.add_argument(
        "--tests",
        type=Path,
        action="append",
        default=[],
        metavar="PATH",
        help="tests that cite rules, a file or a folder (default: tests/ and reference/ beside it)",
    )
    check.add_argument(
        "--reference",
        type=Path,
        action="append",
        default=[],
        metavar="PATH",
        help="the plain reference, a file or a folder",
    )
    check.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="a report of 'envlift verify --json': which rules its comparison applied",
    )
    check.add_argument(
        "--suite",
        type=Path,
        action="append",
        default=[],
        metavar="PATH",
        help="a suite's file or folder: which of its parts have rules in their names",
    )
    check.add_argument("--markdown", type=Path, metavar="FILE", help="write the matrix as a table")
    check.set_defaults(run=_check)


def _check(options: argparse.Namespace) -> int:
    from envlift.translate.rules.book import read_book
    from envlift.translate.rules.citations import citations, places_beside
    from envlift.translate.rules.matrix import COMPARED, markdown, matrix
    from envlift.translate.rules.parts import names_in, parts_of

    book = read_book(options.rules)
    places = [*options.tests, *options.reference] or places_beside(options.rules)
    parts = parts_of(book, names_in(options.suite))
    found = matrix(book, citations(places), _applied(options.report), parts)
    rows = found.rows
    print(
        f"{len(rows)} rules, {sum(bool(r.tests) for r in rows)} tested, "
        f"{sum(r.rule.not_tested is not None for r in rows)} marked as not tested, "
        f"{sum(bool(r.functions) for r in rows)} carried out by name in the reference, "
        f"{sum(r.rule.switch is not None for r in rows)} switches"
    )
    if options.suite:
        told = {level: sum(level in named for named in parts.values()) for level in COMPARED}
        counts = ", ".join(f"{count} at {level}" for level, count in told.items())
        print(f"named by parts of the suite: {counts}")
    if options.report is not None:
        never = ", ".join(rule.id for rule in found.never_applied) or "none"
        print(f"never applied in the comparison: {never}")
    if options.markdown is not None:
        options.markdown.write_text(markdown(found), encoding="utf-8")
        print(f"wrote {options.markdown}")
    problems = found.problems()
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def _applied(path: Path | None) -> Mapping[str, int] | None:
    """Return the reference's own counts out of a report.

    Raises:
        ValueError: the file is no report, or its reference counts nothing.
    """
    if path is None:
        return None
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        found = report.get("reference_coverage")
    except (OSError, ValueError, AttributeError) as error:
        raise ValueError(f"{path} is no report of 'envlift verify --json': {error}") from None
    if not found:
        raise ValueError(
            f"{path} has no 'reference_coverage': the reference did not say which rules it applied "
            "(docs/from-rules.md, 'Counting')"
        )
    return {str(id): int(count) for id, count in found.items()}
