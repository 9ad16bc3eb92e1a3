"""What is known of a turn, kept in ``usage.json`` while the turn goes on."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

from envlift.translate.agents.protocol import Cost, TurnResult, Usage

FILE = "usage.json"
SESSION = "session.json"
CUT_OFF = "cut off"


def write_record(log: Path, result: TurnResult) -> None:
    """Write what is known of a turn; a reader sees the old record or the new one, whole."""
    waiting = log / f"{FILE}.new"
    with waiting.open("w", encoding="utf-8") as stream:
        json.dump(asdict(result), stream, indent=1)
        stream.flush()
        os.fsync(stream.fileno())
    waiting.replace(log / FILE)


def read_record(log: Path) -> TurnResult | None:
    """Return what was written last; None if nothing was, or if it is no record."""
    try:
        data = json.loads((log / FILE).read_text(encoding="utf-8"))
        usage, cost = data.pop("usage"), data.pop("cost")
        return TurnResult(
            usage=None if usage is None else Usage(**usage),
            cost=None if cost is None else Cost(**cost),
            **data,
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def cut_off(log: Path) -> TurnResult:
    """Return what is known of a turn that a kill cut off: ``Agent.recover`` for most agents."""
    known = read_record(log)
    if known is None:
        return TurnResult("failed", CUT_OFF)
    return TurnResult("failed", CUT_OFF, known.usage, known.cost, known.model, known.session)


def write_session(log: Path, session: str, total: Usage) -> None:
    """Write what a session has used by the end of a turn, its earlier turns included."""
    data = {"session": session, "total": asdict(total)}
    (log / SESSION).write_text(json.dumps(data), encoding="utf-8")


def used_before(log: Path, session: str | None) -> Usage:
    """Return what a session had used before a turn, from the logs of the turns beside it."""
    totals = [Usage()]
    for path in log.parent.glob(f"*/{SESSION}") if session else ():
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            if path.parent != log and data["session"] == session:
                totals.append(Usage(**data["total"]))
        except (OSError, ValueError, TypeError, KeyError):
            continue
    return max(totals, key=lambda usage: usage.input_tokens)


def difference(total: Usage, before: Usage) -> Usage:
    """Return what was used since ``before``; all of ``total`` if the counting began anew."""
    if total.input_tokens < before.input_tokens or total.output_tokens < before.output_tokens:
        return total
    return Usage(
        total.input_tokens - before.input_tokens,
        max(total.cached_tokens - before.cached_tokens, 0),
        total.output_tokens - before.output_tokens,
    )
