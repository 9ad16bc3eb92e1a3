"""The ledger: what is written is read, whatever a kill left."""

from __future__ import annotations

from pathlib import Path

import pytest

from envlift.translate.agents.protocol import Cost, Usage
from envlift.translate.loop.ledger import Ledger, LedgerError, told

ASKED = {"number": 1, "kind": "translate", "module": "rules", "level": "L1", "base": "a"}
ANSWERED = {
    "number": 1,
    "status": "done",
    "usage": told(Usage(100, 40, 7)),
    "cost": told(Cost(0.5, "priced")),
    "seconds": 2.0,
}
JUDGED = {"number": 1, "verdicts": {"L1": "PASS"}, "kept": True, "head": "b"}


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / ".envlift" / "ledger.jsonl")


def test_a_turn_is_told_in_three_events(ledger: Ledger) -> None:
    ledger.append("asked", **ASKED)
    (turn,) = ledger.read().turns
    assert not turn.answered
    assert turn.started
    ledger.append("answered", **ANSWERED)
    (turn,) = ledger.read().turns
    assert (turn.answered, turn.judged) == (True, False)
    assert turn.usage == Usage(100, 40, 7)
    assert turn.cost == Cost(0.5, "priced")
    ledger.append("judged", **JUDGED)
    (turn,) = ledger.read().turns
    assert turn.judged
    assert turn.verdicts == {"L1": "PASS"}
    assert turn.module == "rules"


def test_a_lost_turn_keeps_its_cost_and_frees_its_number(ledger: Ledger) -> None:
    ledger.append("asked", **ASKED)
    ledger.append("lost", number=1, status="lost", cost=told(Cost(0.25, "reported")))
    ledger.append("asked", **ASKED)
    ledger.append("answered", **ANSWERED)
    history = ledger.read()
    assert [turn.number for turn in history.turns] == [1]
    assert [turn.status for turn in history.lost] == ["lost"]
    assert history.dollars == pytest.approx(0.75)


def test_the_half_written_end_is_ignored_and_then_replaced(ledger: Ledger) -> None:
    ledger.append("asked", **ASKED)
    with ledger.path.open("ab") as stream:
        stream.write(b'{"format":1,"event":"answ')
    assert not ledger.read().turns[0].answered
    ledger.append("answered", **ANSWERED)
    assert ledger.read().turns[0].answered
    assert all(line.startswith(b"{") for line in ledger.path.read_bytes().splitlines())


@pytest.mark.parametrize(
    "line",
    ["nonsense", "[]", '{"format": 2, "event": "asked"}', '{"format": 1, "event": "judged"}',
     '{"format": 1, "event": "judged", "number": 1, "head": "x", "surprise": 1}'],
)  # fmt: skip
def test_what_is_no_event_is_named(ledger: Ledger, line: str) -> None:
    ledger.append("asked", **ASKED)
    with ledger.path.open("a") as stream:
        stream.write(line + "\n")
    with pytest.raises(LedgerError, match=r"ledger\.jsonl:2 is not an event"):
        ledger.read()


def test_unpriced_turns_are_found(ledger: Ledger) -> None:
    ledger.append("asked", **ASKED)
    assert ledger.read().unpriced == []
    ledger.append("answered", **{**ANSWERED, "cost": None})
    assert [turn.number for turn in ledger.read().unpriced] == [1]


def test_time_is_of_agents_and_judges(ledger: Ledger) -> None:
    ledger.append("asked", **ASKED)
    ledger.append("answered", **ANSWERED)
    ledger.append("judged", **JUDGED, judging_seconds=3.5)
    assert ledger.read().seconds == pytest.approx(5.5)
