"""The turns of a translation, what they took and what they changed."""

from __future__ import annotations

import html
import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from envlift.report.page import data
from envlift.translate.loop.ledger import History, Turn

DIFF_BYTES = 800_000
"""Of all diffs on a page together, as HTML."""
LARGEST_DIFF = 40_000
"""Of one diff."""
SECONDS = 30
"""For one ``git diff``."""

_COMMIT = re.compile(r"[0-9a-f]{7,64}")


def translation(
    history: History, folder: Path, name: str, target: str, diff_bytes: int = DIFF_BYTES
) -> data.Translation:
    """Return the ledger as rows and totals.

    Args:
        history: of the ledger.
        folder: of the project, its git repository.
        name, target: of the project.
        diff_bytes: for all diffs together; each turn gets an equal share.
    """
    turns = history.turns
    share = min(LARGEST_DIFF, diff_bytes // max(1, len(turns)))
    parts: dict[tuple[str | None, str], list[Turn]] = {}
    for turn in turns:
        parts.setdefault((turn.module, turn.level), []).append(turn)
    return data.Translation(
        name=name,
        target=target,
        turns=[row(turn, *diff(folder, turn.base, turn.commit, share)) for turn in turns],
        total=spent(None, "", turns),
        by_module_and_level=[spent(*key, group) for key, group in parts.items()],
        notes=[_note(note) for note in history.notes],
    )


def spent(module: str | None, level: str, turns: Sequence[Turn]) -> data.Spent:
    """Add up what turns took."""
    usages = [turn.usage for turn in turns if turn.usage is not None]
    part = History(list(turns))
    return data.Spent(
        module=module,
        level=level,
        turns=len(turns),
        kept=sum(turn.kept for turn in turns),
        unpriced=len(part.unpriced),
        dollars=part.dollars,
        seconds=sum(turn.seconds for turn in turns),
        judging_seconds=sum(turn.judging_seconds for turn in turns),
        input_tokens=sum(usage.input_tokens for usage in usages),
        cached_tokens=sum(usage.cached_tokens for usage in usages),
        output_tokens=sum(usage.output_tokens for usage in usages),
    )


def row(turn: Turn, diff: str, note: str) -> data.TurnRow:
    """Return a turn as the page tells it."""
    usage, cost = turn.usage, turn.cost
    return data.TurnRow(
        number=turn.number,
        kind=turn.kind,
        module=turn.module,
        level=turn.level,
        agent=turn.agent,
        model=turn.model,
        started=turn.started,
        status=turn.status,
        outcome=outcome(turn),
        why="; ".join(one for one in (turn.fault, turn.reason) if one),
        said=turn.detail,
        verdicts=dict(turn.verdicts),
        failing=list(turn.failing),
        files=turn.files,
        added=turn.added,
        removed=turn.removed,
        input_tokens=None if usage is None else usage.input_tokens,
        cached_tokens=None if usage is None else usage.cached_tokens,
        output_tokens=None if usage is None else usage.output_tokens,
        dollars=None if cost is None else cost.dollars,
        dollars_source="" if cost is None else cost.source,
        seconds=turn.seconds,
        judging_seconds=turn.judging_seconds,
        prompt_sha256=turn.prompt_sha256,
        base=turn.base,
        commit=turn.commit,
        fixtures=list(turn.fixtures),
        diff=diff,
        diff_note=note,
    )


def outcome(turn: Turn) -> str:
    """Say in one or two words what became of a turn."""
    if not turn.answered:
        return "running"
    if not turn.judged:
        return "not judged"
    return "kept" if turn.kept else "undone"


def diff(folder: Path, base: str, commit: str, limit: int) -> tuple[str, str]:
    """Return what changed between two commits, and a note.

    Args:
        folder: the repository.
        base, commit: as the ledger names them.
        limit: bytes of the diff as HTML; whole lines are kept.

    Returns:
        The diff, possibly cut, and what was cut off or why there is none.
    """
    if not commit:
        return "", "the turn left no commit"
    if not (_COMMIT.fullmatch(base) and _COMMIT.fullmatch(commit)):
        return "", f"the ledger names no commits: {base!r}, {commit!r}"
    command = ["git", "-C", str(folder), "--no-pager", "diff", "--no-color", "--no-ext-diff"]
    try:
        done = subprocess.run(
            [*command, "--no-textconv", base, commit, "--"],
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except FileNotFoundError:
        return "", "git is not installed"
    except subprocess.TimeoutExpired:
        return "", f"git took more than {SECONDS} s"
    if done.returncode:
        error = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        return "", f"git has no such diff: {error}"
    return cut(done.stdout.decode(errors="replace").splitlines(), limit)


def cut(lines: Sequence[str], limit: int) -> tuple[str, str]:
    """Keep the first lines that take ``limit`` bytes as HTML; say how many are left out."""
    taken = 0
    for number, line in enumerate(lines):
        taken += len(html.escape(line).encode()) + 1
        if taken > limit:
            left = len(lines) - number
            return "\n".join(lines[:number]), f"{left:,} of {len(lines):,} lines are left out"
    return "\n".join(lines), "" if lines else "the commit changes nothing"


def prompts(turns: Iterable[Turn]) -> list[data.Fact]:
    """Return the hash of every prompt."""
    return [
        data.Fact("prompts (SHA-256)", f"turn {turn.number}", turn.prompt_sha256)
        for turn in turns
        if turn.prompt_sha256
    ]


def _note(note: dict[str, object]) -> str:
    """Write an event that belongs to no turn on one line."""
    rest = ", ".join(
        f"{key} {value}" for key, value in note.items() if key not in ("event", "time")
    )
    return f"{note.get('time', '')} {note.get('event', '')}{': ' + rest if rest else ''}".strip()
