"""What the verifier found, as an agent is told it: the first difference, never a wall of log."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from envlift.verify.run.result import Divergence, plain
from envlift.verify.run.show import entries, number

MAX_FAILURES = 6
MAX_TRACEBACK_LINES = 30
MAX_DIFF_LINES = 200
MAX_LINE = 240
MAX_ROWS = 40
MAX_CELL = 96

_COLOUR = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_WORKTREE = r"(?:/\.envlift/worktrees/[^/\s:\"']+)?"


@dataclass(frozen=True)
class Failure:
    """One check or test that failed.

    Attributes:
        name: of the check or the test.
        summary: one sentence.
        divergence: the minimised first difference, None where there is none.
        traceback: of a test or of the candidate's own error, empty if there is none.
        fixture: path of the minimised case, relative to the project folder.
    """

    name: str
    summary: str
    divergence: Divergence | None = None
    traceback: str = ""
    fixture: str | None = None


class Shown(Protocol):
    """What a prompt shows of a failure; the attributes are those of ``Failure``."""

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def summary(self) -> str: ...  # noqa: D102

    @property
    def divergence(self) -> Divergence | None: ...  # noqa: D102

    @property
    def traceback(self) -> str: ...  # noqa: D102

    @property
    def fixture(self) -> str | None: ...  # noqa: D102


@dataclass(frozen=True)
class Evidence:
    """What failed at one level."""

    level: str
    failing: tuple[Shown, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain data that ``from_json`` reads."""
        data = plain(asdict(self))
        assert isinstance(data, dict)
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Evidence:
        """Read what ``to_json`` gave."""
        failing = []
        for row in data["failing"]:
            found = row["divergence"]
            if found is not None:
                labels = {name: tuple(names) for name, names in found["labels"].items()}
                found = Divergence(**{**found, "labels": labels})
            failing.append(Failure(**{**row, "divergence": found}))
        return cls(data["level"], tuple(failing))


@dataclass(frozen=True)
class Previous:
    """An attempt that was undone.

    Attributes:
        reason: why it was undone, one or two sentences.
        diff: what it had changed, a unified diff.
    """

    reason: str
    diff: str = ""


def short(text: str, lines: int, folder: Path | None = None, *, last: bool = False) -> str:
    """Return a log without colours and places of this machine, cut to so many lines.

    Args:
        text: the log.
        lines: how many lines are left.
        folder: the project folder; paths inside it, or in a worktree of it, become relative.
        last: keep the last lines instead of the first.
    """
    text = _CONTROL.sub("", _COLOUR.sub("", text).replace("\r\n", "\n"))
    if folder is not None:
        text = re.sub(re.escape(str(folder)) + _WORKTREE + r"(?:/|\b)", "", text)
    rows = [_cut(row.rstrip(), MAX_LINE) for row in text.strip("\n").splitlines()]
    left_out = len(rows) - lines
    if left_out > 0:
        note = f"[{left_out} more lines are not shown]"
        rows = [note, *rows[-lines:]] if last else [*rows[:lines], note]
    return "\n".join(rows)


def divergence_table(divergence: Divergence) -> str:
    """Return the first difference as text: what differs, the last actions, a row for each field.

    Rows that differ come first; long vectors and tables are cut and say so.
    """
    difference = divergence.difference
    words = [
        f"{divergence.field} at step {divergence.step}: "
        f"reference {_shown(divergence.reference)}, candidate {_shown(divergence.candidate)}"
        + ("" if difference is None else f", difference {difference:.6g}")
        + f" (allowed: {divergence.allowed})"
    ]
    if divergence.also:
        words.append(f"also differ: {', '.join(divergence.also)}")
    if divergence.actions:
        actions = ", ".join(number(action) for action in divergence.actions[-10:])
        words.append(f"last actions, oldest first: {actions}")
    rows = _rows(divergence)
    if rows:
        head = ("", "field", "before", "reference after", "candidate after")
        words += ["", _aligned([head, *rows[:MAX_ROWS]])]
    if len(rows) > MAX_ROWS:
        words.append(f"[{len(rows) - MAX_ROWS} more fields, all equal or after these]")
    words += _grids(divergence)
    return "\n".join(words)


def _rows(divergence: Divergence) -> list[tuple[str, ...]]:
    states = (divergence.before, divergence.reference_state, divergence.candidate_state)
    columns = [entries(state, divergence.labels) for state in states]
    different = {divergence.field, *divergence.also}
    rows = []
    for name in dict.fromkeys(name for column in columns for name in column):
        # `ball[3]` is an entry of `ball`.
        mark = "!" if different & {name} or any(d.startswith(f"{name}[") for d in different) else ""
        cells = [_shown(column[name]) if name in column else "" for column in columns]
        rows.append((mark, name, *cells))
    return sorted(rows, key=lambda row: not row[0])


def _grids(divergence: Divergence) -> list[str]:
    """Return each grid of the state as rows of cells, before and after the step."""
    states = {
        "before": divergence.before,
        "reference after": divergence.reference_state,
        "candidate after": divergence.candidate_state,
    }
    words = []
    for name in dict.fromkeys(name for state in states.values() for name in state):
        known = {title: state[name] for title, state in states.items() if name in state}
        if not all(map(_is_grid, known.values())):
            continue
        blocks = [
            [title, *_aligned([tuple(map(number, row)) for row in grid]).splitlines()]
            for title, grid in known.items()
        ]
        heights = {len(block) for block in blocks}
        width = sum(max(map(len, block)) + 2 for block in blocks)
        if len(heights) == 1 and max(heights) <= MAX_ROWS and width <= MAX_LINE:
            rows = [tuple(rows) for rows in zip(*blocks, strict=True)]
            words += ["", f"{name}:", _aligned(rows)]
    return words


def _is_grid(value: Any) -> bool:
    """Whether a value is a table of numbers with more than one row and column."""
    if not isinstance(value, list) or len(value) < 2:
        return False
    rows = [row for row in value if isinstance(row, list)]
    flat = [cell for row in rows for cell in row]
    return (
        len(rows) == len(value)
        and len({len(row) for row in rows}) == 1
        and len(rows[0]) > 1
        and not any(isinstance(cell, list) for cell in flat)
    )


def _aligned(rows: list[tuple[str, ...]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def _shown(value: Any) -> str:
    return _cut(number(value), MAX_CELL)


def _cut(text: str, length: int) -> str:
    if len(text) <= length:
        return text
    return f"{text[:length]} [{len(text) - length} more characters]"
