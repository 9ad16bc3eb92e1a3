"""The reference's own text, as it is pasted into a prompt: source files and numbered rules."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from envlift.translate.project.file import Project, ProjectError
from envlift.translate.rules.book import numbered

LANGUAGES = {
    ".py": "python", ".c": "c", ".h": "c", ".cc": "cpp", ".cpp": "cpp", ".rs": "rust",
    ".js": "javascript", ".ts": "typescript", ".java": "java", ".go": "go", ".md": "markdown",
    ".toml": "toml", ".json": "json",
}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """Some lines of a file.

    Attributes:
        path: relative to the project folder.
        first, last: line numbers, from 1, both included.
        total: lines of the whole file.
        text: the lines.
    """

    path: str
    first: int
    last: int
    total: int
    text: str

    @property
    def lines(self) -> int:
        """How many lines are pasted."""
        return self.last - self.first + 1 if self.total else 0

    @property
    def whole(self) -> bool:
        """Whether nothing of the file is left out."""
        return self.lines == self.total

    @property
    def language(self) -> str:
        """Name of the language for a fenced block."""
        return LANGUAGES.get(Path(self.path).suffix, "text")


def read_source(project: Project, place: str) -> Source:
    """Read ``path`` or ``path:from-to`` of a project.

    Raises:
        ProjectError: for a missing file or lines that it does not have; the message says what to
            write instead.
    """
    name, _, part = place.partition(":")
    path = project.folder / name
    if not path.resolve().is_relative_to(project.folder):
        raise ProjectError(f"the source {name!r} leads out of the project folder; copy the file in")
    if not path.is_file():
        beside = sorted(p.name for p in path.parent.glob("*") if p.is_file())
        there = f"; {path.parent.name}/ holds {', '.join(beside)}" if beside else ""
        raise ProjectError(
            f"there is no file {name!r}; copy the reference's source there, or correct 'sources' "
            f"in envlift.toml{there}"
        )
    try:
        rows = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise ProjectError(f"{name!r} is not UTF-8 text; only text can be shown to an agent") from (
            None
        )
    total = len(rows)
    first, last = 1, total
    if part:
        found = re.fullmatch(r"(\d+)-(\d+)", part)
        if found is None:
            raise ProjectError(f"{place!r}: write lines as {name}:from-to, for example {name}:1-80")
        first, last = int(found[1]), int(found[2])
        if not 1 <= first <= last <= total:
            raise ProjectError(f"{place!r}: {name} has the lines 1 to {total}")
    return Source(name, first, last, total, "\n".join(rows[first - 1 : last]))


def rules_of(project: Project, numbers: tuple[str, ...]) -> str:
    """Return the numbered rules of the project's specification, in its order; all for none.

    A rule goes on until the next number of the same or a higher rank; ``3`` holds ``3.1``.

    Raises:
        ProjectError: for a number that the specification does not have.
    """
    source = read_source(project, project.reference.specification)
    if not numbers:
        return source.text
    rules: dict[str, list[str]] = {}
    preamble: list[str] = []
    current = preamble
    rows = source.text.splitlines()
    begins = dict(numbered(rows))
    for at, row in enumerate(rows):
        if at in begins:
            current = rules.setdefault(begins[at], [])
        current.append(row)
    unknown = [number for number in numbers if number not in rules]
    if unknown:
        raise ProjectError(
            f"{source.path} has no rule {', '.join(unknown)}; it has {', '.join(rules) or 'none'}"
        )
    chosen = [
        row
        for number, rows in rules.items()
        if any(number == n or number.startswith(f"{n}.") for n in numbers)
        for row in rows
    ]
    return "\n".join(chosen).rstrip()
