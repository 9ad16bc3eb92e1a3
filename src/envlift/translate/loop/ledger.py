"""What happened, append-only: one JSON object a line, written before anything builds on it.

The ledger is the loop's only memory. Whatever stage a kill interrupts, reading it again gives the
state to go on from.

A turn leaves up to three events: ``asked`` before the agent starts, ``answered`` when its work is
committed, ``judged`` when the verifier has spoken. ``lost`` stands for ``answered`` where a kill
came in between; the turn is then asked for again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from envlift.translate.agents.protocol import Cost, Usage

FORMAT = 1


@dataclass
class Turn:
    """One turn as the ledger tells it.

    Attributes:
        number: from 1.
        kind: see ``TurnRequest``.
        module: the module it was about, None for the whole.
        level: the level that the turn was meant to pass.
        iteration: how many turns that level (of that module) had taken before, from 0.
        base: commit that it started from.
        prompt_sha256: of the prompt's text.
        agent: name of the agent.
        started: ISO 8601, UTC.
        status: as the agent told it; ``lost`` after a kill; empty while it runs.
        detail: the agent's last words or error.
        model: the model that answered.
        usage, cost: None where unknown.
        seconds: wall time of the agent.
        session: how the conversation goes on.
        commit: what the agent left, committed.
        files, added, removed: size of its change.
        fault: why the turn does not count (no change, a protected path, ...), empty if it does.
        verdicts: level -> PASS, FAIL, INCONCLUSIVE or SKIPPED, of the levels that were judged.
        failing: names of the failed checks and tests.
        hollow: modules whose tests would pass without them.
        kept: whether the work goes on from its commit.
        reason: why it was not kept, or what came of it, one sentence.
        head: commit that the work goes on from.
        fixtures: minimised failures that were added after it, paths in the workspace.
        speed: batch size -> environment steps a second, where measured.
        judging_seconds: wall time of the verifier.
        isolation: ``bubblewrap``, or ``none: why`` where what was judged was not isolated; empty
            where nothing ran.
        unanswered: what the judgement left open, one sentence each.
    """

    number: int
    kind: str
    module: str | None
    level: str
    iteration: int = 0
    base: str = ""
    prompt_sha256: str = ""
    agent: str = ""
    started: str = ""
    status: str = ""
    detail: str = ""
    model: str = ""
    usage: Usage | None = None
    cost: Cost | None = None
    seconds: float = 0.0
    session: str | None = None
    commit: str = ""
    files: int = 0
    added: int = 0
    removed: int = 0
    fault: str = ""
    verdicts: dict[str, str] = field(default_factory=dict)
    failing: list[str] = field(default_factory=list)
    hollow: list[str] = field(default_factory=list)
    kept: bool = False
    reason: str = ""
    head: str = ""
    fixtures: list[str] = field(default_factory=list)
    speed: dict[str, float] = field(default_factory=dict)
    judging_seconds: float = 0.0
    isolation: str = ""
    unanswered: list[str] = field(default_factory=list)

    @property
    def answered(self) -> bool:
        """Whether the agent has ended, and its work is committed."""
        return bool(self.status)

    @property
    def judged(self) -> bool:
        """Whether the turn is over."""
        return bool(self.head)


@dataclass
class History:
    """All that a ledger holds.

    Attributes:
        turns: in order.
        lost: turns that a kill cut off; they were asked for again under the same number.
        notes: events that belong to no turn (``run``, ``stop``), as written.
    """

    turns: list[Turn] = field(default_factory=list)
    lost: list[Turn] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)

    @property
    def dollars(self) -> float:
        """What all turns cost; a turn whose cost nobody knows counts 0, see ``unpriced``."""
        return sum(turn.cost.dollars for turn in self.everything if turn.cost is not None)

    @property
    def everything(self) -> list[Turn]:
        """All turns that took money or time, the lost ones included."""
        return [*self.lost, *self.turns]

    @property
    def unpriced(self) -> list[Turn]:
        """Turns that ended and whose cost nobody knows."""
        return [turn for turn in self.everything if turn.answered and turn.cost is None]

    @property
    def seconds(self) -> float:
        """Wall time of agents and judging."""
        return sum(turn.seconds + turn.judging_seconds for turn in self.everything)


class LedgerError(ValueError):
    """The ledger holds something that the loop did not write."""


class Ledger:
    """The file; every event is on the disk before ``append`` returns."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, event: str, **data: Any) -> None:
        """Write one event."""
        row = {"format": FORMAT, "event": event, "time": now(), **data}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._mend()
        with self.path.open("ab") as stream:
            stream.write(json.dumps(row, separators=(",", ":")).encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())

    def _mend(self) -> None:
        """Cut off a last line that a kill left half written."""
        if not self.path.is_file():
            return
        with self.path.open("rb+") as stream:
            content = stream.read()
            if content and not content.endswith(b"\n"):
                stream.truncate(content.rfind(b"\n") + 1)

    def read(self) -> History:
        """Return all turns and notes.

        Raises:
            LedgerError: naming the line that is not an event.
        """
        history = History()
        turns: dict[int, Turn] = {}
        for number, row in self._rows():
            event = row.pop("event", None)
            row.pop("format", None)
            try:
                if event == "asked":
                    started = row.pop("time")
                    turn = Turn(**row, started=started)
                    turns[turn.number] = turn
                    history.turns.append(turn)
                elif event in ("answered", "lost", "judged"):
                    row.pop("time", None)
                    turn = turns[row.pop("number")]
                    if isinstance(row.get("usage"), dict):
                        row["usage"] = Usage(**row["usage"])
                    if isinstance(row.get("cost"), dict):
                        row["cost"] = Cost(**row["cost"])
                    for name, value in row.items():
                        if name not in Turn.__dataclass_fields__:
                            raise KeyError(name)
                        setattr(turn, name, value)
                    if event == "lost":
                        history.turns.remove(turns.pop(turn.number))
                        history.lost.append(turn)
                else:
                    history.notes.append({"event": event, **row})
            except (KeyError, TypeError) as error:
                raise LedgerError(f"{self.path}:{number} is not an event: {error}") from None
        return history

    def _rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        if not self.path.is_file():
            return
        lines = self.path.read_bytes().split(b"\n")
        # What follows the last line break was being written when a kill came.
        for number, line in enumerate(lines[:-1], start=1):
            try:
                row = json.loads(line)
                if row["format"] != FORMAT:
                    raise ValueError(f"format {row['format']} is not {FORMAT}")
            except (ValueError, KeyError, TypeError) as error:
                raise LedgerError(f"{self.path}:{number} is not an event: {error}") from None
            yield number, row


def now() -> str:
    """Return the time, ISO 8601, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def told(value: Usage | Cost | None) -> dict[str, Any] | None:
    """Return usage or cost as the ledger writes it."""
    return None if value is None else asdict(value)
