"""What became of watched environments, as Markdown for a pull request and as JSON."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict
from typing import Any

from envlift.watch.run import Outcome, Watched

SHOWN = 12
"""First differences of a comparison that are shown."""
SCHEMA_VERSION = 1

_MEANING = {
    "unchanged": "the fast environment is the same as the new reference, and both references are",
    "changed": "something differs, see below",
    "not comparable": "no whole verdict was reached",
    "nothing newer": "nothing to compare",
}


def markdown(found: list[Watched]) -> str:
    """Return a short report: a table of all, and a section for each that was compared."""
    lines = [
        "| environment | reference | old and new reference | fast environment | |",
        "|---|---|---|---|---|",
    ]
    for one in found:
        versions = "<br>".join(
            f"{p} {v} → {one.after[p]}" if v != one.after[p] else f"{p} {v}"
            for p, v in one.before.items()
        )
        verdicts = [w.verdict if w else "-" for w in (one.references, one.fast)]
        lines.append(f"| {one.name} | {versions} | {' | '.join(verdicts)} | **{one.status}** |")
    for one in found:
        lines += ["", f"## {one.name}: {one.status}", "", f"{_sentence(one)}."]
        if one.others:
            told = (
                f"{p} {old or 'none'} → {new or 'none'}" for p, (old, new) in one.others.items()
            )
            lines += ["", f"With it changed: {', '.join(told)}."]
        for outcome in (one.references, one.fast):
            if outcome is not None:
                lines += _section(outcome)
    return "\n".join(lines) + "\n"


def _sentence(one: Watched) -> str:
    text = _MEANING[one.status]
    return (text[0].upper() + text[1:]) + (f": {one.why}" if one.why else "")


def _section(outcome: Outcome) -> list[str]:
    lines = ["", f"### {outcome.what[0].upper()}{outcome.what[1:]}: {outcome.verdict}", ""]
    counted = f"{outcome.passed} checks passed, {len(outcome.differences)} failed"
    lines.append(f"{counted}, {outcome.seconds:,.0f} s.{_why(outcome)}")
    if outcome.differences:
        lines.append("")
    for difference in outcome.differences[:SHOWN]:
        fixture = difference.fixture
        case = f" (`envlift repro {shlex.quote(fixture)}`)" if fixture else ""
        lines.append(f"- {difference.check}: {difference.text}{case}")
    if len(outcome.differences) > SHOWN:
        lines.append(f"- and {len(outcome.differences) - SHOWN} more")
    if outcome.unreached:
        lines += ["", f"Not reached: {', '.join(outcome.unreached)}."]
    if outcome.not_compared:
        lines += ["", f"<details><summary>{len(outcome.not_compared)} things that this does not "]
        lines[-1] += "speak of</summary>"
        lines += ["", *(f"- {one}" for one in outcome.not_compared), "", "</details>"]
    if outcome.repeat:
        lines += ["", f"Repeat: `{outcome.repeat}`"]
    return lines


def _why(outcome: Outcome) -> str:
    return f" {outcome.why}." if outcome.why else ""


def to_json(found: list[Watched]) -> str:
    """Return all of it for machines."""
    rows: list[dict[str, Any]] = [{**asdict(one), "status": one.status} for one in found]
    return json.dumps({"schema_version": SCHEMA_VERSION, "watched": rows}, indent=2) + "\n"
