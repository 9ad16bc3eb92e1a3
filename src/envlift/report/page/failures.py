"""The first difference of a failed check, field by field, with frames where they can be drawn."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable
from typing import Any

from envlift.report.page import data
from envlift.verify.run.result import Check, Divergence, Report, Verdict
from envlift.verify.run.show import entries, is_different, number, other_entries

SHOWN_ENTRIES = 24
"""Entries of a vector that are printed; a picture as a state would fill the page."""
SHOWN_ROWS = 200
SHOWN_FAILURES = 20

Draw = Callable[[dict[str, Any], dict[str, Any]], tuple[dict[str, str], str]]
"""``(reference state, candidate state) -> (frames, why there are none)``."""


def failures(report: Report, draw: Draw) -> list[data.Failure]:
    """Return every failed check; the first comes with frames, the others without, to stay small."""
    failed = [check for check in report.checks if check.verdict is Verdict.FAIL]
    shown = [
        failure(check, draw if number == 0 else _only_the_first)
        for number, check in enumerate(sorted(failed, key=lambda c: c.divergence is None))
    ]
    return shown[:SHOWN_FAILURES]


def _only_the_first(*_: Any) -> tuple[dict[str, str], str]:
    return {}, "frames are drawn for the first failure only"


def failure(check: Check, draw: Draw) -> data.Failure:
    """Return what the page says of a failed check."""
    repro = f"envlift repro {shlex.quote(check.fixture)}" if check.fixture else ""
    found = check.divergence
    if found is None:
        return data.Failure(check.level, check.name, check.detail, repro=repro)
    frames, no_frames = draw(found.reference_state, found.candidate_state)
    return data.Failure(
        level=check.level,
        name=check.name,
        detail=check.detail,
        field=found.field,
        step=found.step,
        lane=found.lane,
        difference="" if found.difference is None else _difference(found.difference),
        allowed=found.allowed,
        actions=[text(action) for action in found.actions],
        states=state_rows(found),
        repro=repro,
        frames=frames,
        no_frames=no_frames,
    )


def state_rows(found: Divergence) -> list[data.StateRow]:
    """Return a row for every field on either side; those that differ come first.

    An entry that differs and has no row in a state (an observation's, a reward) has one of its own.
    """
    before, reference, candidate = (
        entries(state, found.labels)
        for state in (found.before, found.reference_state, found.candidate_state)
    )
    names = dict.fromkeys([*before, *reference, *candidate])
    rows = [
        data.StateRow(
            name,
            before=text(before[name]) if name in before else "",
            reference=text(reference[name]) if name in reference else "",
            candidate=text(candidate[name]) if name in candidate else "",
            differs=is_different(name, found),
        )
        for name in names
    ]
    rows += [
        data.StateRow(name, "", text(ours), text(theirs), differs=True)
        for name, (ours, theirs) in other_entries(found, names)
    ]
    rows.sort(key=lambda row: (not row.differs, row.field != found.field))
    return rows[:SHOWN_ROWS]


def text(value: Any) -> str:
    """Return a value for people; a long vector is cut, and says so."""
    if isinstance(value, (list, tuple)) and len(value) > SHOWN_ENTRIES:
        start = ", ".join(number(item) for item in value[:SHOWN_ENTRIES])
        return f"[{start}, … {len(value) - SHOWN_ENTRIES:,} more]"
    return number(value)


def _difference(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else str(value)
