"""A text of numbered rules.

A rule begins a line with its id: ``- K-3 The cost must ...``, ``R12. ...``, ``4.1 ...``, with or
without a bullet, and goes on until the next one or the next heading. Where any id has letters, only
those with letters are rules, so that a rule may hold a numbered list. What a rule's text may say:

- ``not tested: REASON``: no test is asked for.
- ``switch: NAME=a|b``: sources do not decide it; it is an option, the default first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ID = r"(?:[A-Z]{1,4}-?)?\d+(?:\.\d+)*"
RULE = re.compile(rf"^\s*(?:[-*#]+\s*)?(?:[Rr]ule\s+)?(?P<number>{ID})[.):]?\s+\S")
_HEADING = re.compile(r"^#+\s")
_NOT_TESTED = re.compile(r"not tested:\s*(.+?)\s*$", re.DOTALL)
_SWITCH = re.compile(r"switch:\s*`?(\w+)=([^\s`]+)")


class RulesError(ValueError):
    """Rules that cannot be read, or cite and are cited wrongly."""


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        id: as the text has it, such as ``K-3``.
        line: where it begins, from 1.
        text: without the id.
        not_tested: why there is no test, None where one is asked for.
        switch: name and values of the option that it is, or None.
    """

    id: str
    line: int
    text: str
    not_tested: str | None = None
    switch: tuple[str, tuple[str, ...]] | None = None


@dataclass(frozen=True)
class Book:
    """All rules of a text, by id in the order of the text."""

    name: str
    rules: dict[str, Rule]

    def resolve(self, id: str) -> str | None:
        """Return the rule that an id belongs to: ``K-4.3`` is part of K-4. None for no rule."""
        while id not in self.rules:
            id, dot, _ = id.rpartition(".")
            if not dot:
                return None
        return id


def numbered(rows: list[str]) -> list[tuple[int, str]]:
    """Return where rules begin in the rows of a text: index of the row and id."""
    found = [(at, m["number"]) for at, row in enumerate(rows) if (m := RULE.match(row))]
    lettered = [(at, id) for at, id in found if id[0].isalpha()]
    return lettered or found


def read_book(path: Path) -> Book:
    """Read a text of rules.

    Raises:
        RulesError: there are none, or two have one id; the message names the lines.
    """
    try:
        rows = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise RulesError(f"{path} cannot be read: {error}") from None
    begins = numbered(rows)
    if not begins:
        raise RulesError(
            f"{path} has no numbered rules; begin a line with an id: '- R-1 A turn begins with ...'"
        )
    rules: dict[str, Rule] = {}
    ends = [at for at, _ in begins[1:]] + [len(rows)]
    for (at, id), end in zip(begins, ends, strict=True):
        if id in rules:
            raise RulesError(
                f"{path}: two rules have the id {id}, in lines {rules[id].line} and {at + 1}; "
                "give the later one an id of its own"
            )
        rules[id] = _rule(id, at, rows[at:end])
    return Book(path.name, rules)


def _rule(id: str, at: int, rows: list[str]) -> Rule:
    kept = [rows[0].partition(id)[2].lstrip(".): ")]
    for row in rows[1:]:
        if _HEADING.match(row):
            break
        kept.append(row.strip())
    text = "\n".join(kept).strip()
    paragraph = " ".join(text.partition("\n\n")[0].split())
    not_tested, switch = _NOT_TESTED.search(paragraph), _SWITCH.search(text)
    return Rule(
        id,
        at + 1,
        text,
        not_tested[1] if not_tested else None,
        (switch[1], tuple(switch[2].split("|"))) if switch else None,
    )
