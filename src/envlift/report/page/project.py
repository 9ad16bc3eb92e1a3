"""A translation as a subject of the page: its ledger and its final evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from envlift.report.page import data, rules, speeds, timeline
from envlift.report.page.decode import read_json
from envlift.report.page.evidence import parse_report
from envlift.report.page.failures import SHOWN_FAILURES
from envlift.report.page.subject import fill
from envlift.translate.loop.ledger import Ledger, Turn
from envlift.translate.project.file import load_project
from envlift.verify.run.result import Report

HIDDEN = ".envlift"
TRACEBACK = 6_000
"""Last characters of a traceback that are shown."""


@dataclass(frozen=True)
class Judged:
    """What one judgement of the loop found, as ``.envlift/evidence/NNNN.json`` tells it.

    Attributes:
        verdicts: level -> verdict, the loop's own property tests included.
        failures: failed tests and builds, which no report of the verifier holds.
        report: the verifier's report, None before level 2.
    """

    verdicts: dict[str, str] = field(default_factory=dict)
    failures: list[data.Failure] = field(default_factory=list)
    report: Report | None = None


def project(folder: Path, source: str, diff_bytes: int = timeline.DIFF_BYTES) -> data.Subject:
    """Return a translation as a subject.

    Args:
        folder: of the project.
        source: as it was given.
        diff_bytes: see ``timeline.translation``.

    Raises:
        ValueError: for a project, ledger or evidence file that cannot be read.
    """
    found = load_project(folder)
    history = Ledger(folder / HIDDEN / "ledger.jsonl").read()
    if not history.turns:
        raise ValueError(f"{folder} has no turns in {HIDDEN}/ledger.jsonl yet; translate first")
    chosen = final(folder, history.turns)
    number, judged = chosen if chosen is not None else (None, Judged())
    base = data.Subject(
        id=found.name,
        title=f"{found.name} [{found.target}]",
        source=source,
        kind="project",
        reference=found.reference.launch or found.reference.specification,
        candidate=found.candidate,
        verdict="INCONCLUSIVE",
        why=standing(history.turns, number, judged),
        translation=timeline.translation(history, folder, found.name, found.target, diff_bytes),
        failures=judged.failures[:SHOWN_FAILURES],
        missing={"mutation": "Mutants are judged for registered environments only."},
    )
    last = next((t for t in reversed(history.turns) if t.kept and t.speed), None)
    speedups, throughput = speeds.of_turn(last.number, last.speed) if last else ([], [])
    subject = fill(base, judged.report, name=None, file=f"{source}, turn {number}")
    subject = replace(subject, rules=rules.of_project(found, subject.reference_coverage))
    return _with_verdicts(
        subject,
        judged.verdicts,
        complete=not base.why,
        speedups=speedups,
        throughput=throughput,
        provenance=[*_facts(history.turns), *subject.provenance, *timeline.prompts(history.turns)],
    )


def final(folder: Path, turns: list[Turn]) -> tuple[int, Judged] | None:
    """Return the newest judgement of a turn that was kept, or None.

    What was undone is no longer there, so its evidence says nothing of the work.
    """
    for turn in reversed(turns):
        path = folder / HIDDEN / "evidence" / f"{turn.number:04}.json"
        if turn.kept and path.is_file():
            return turn.number, read_judged(path)
    return None


def read_judged(path: Path) -> Judged:
    """Read evidence of a turn: a judgement of the loop, or a bare report of the verifier.

    Raises:
        ValueError: if it is neither.
    """
    found = read_json(path)
    if isinstance(found, dict) and "checks" in found:
        return Judged(report=parse_report(found, str(path)))
    if not isinstance(found, dict) or not isinstance(found.get("verdicts"), dict):
        raise ValueError(f"{path} is no evidence of a turn: it has neither checks nor verdicts")
    report = found.get("report")
    if not isinstance(found.get("failures", []), list):
        raise ValueError(f"{path}: failures is no list")
    return Judged(
        verdicts={str(level): str(verdict) for level, verdict in found["verdicts"].items()},
        failures=[_failure(one, path) for one in found.get("failures", []) if _own(one)],
        report=parse_report(report, str(path)) if report else None,
    )


def _own(found: Any) -> bool:
    """Whether a failure is of the loop's own tests, not a comparison that the report holds."""
    return not isinstance(found, dict) or found.get("kind") != "comparison"


def _failure(found: Any, path: Path) -> data.Failure:
    try:
        return data.Failure(
            level=str(found["level"]),
            name=str(found["name"]),
            detail=str(found["summary"]),
            traceback=str(found.get("traceback", ""))[-TRACEBACK:],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: a failure is not whole: {error!r}") from None


def standing(turns: list[Turn], number: int | None, judged: Judged) -> str:
    """Say why the evidence does not speak of the finished work; empty where it does."""
    if number is None:
        return "No turn that was kept has been judged yet, so nothing is known of the work."
    later = [turn.number for turn in turns if turn.kept and turn.number > number]
    if later:
        return (
            f"The evidence is of turn {number}; the work went on with turn {later[-1]}, whose "
            "evidence is missing."
        )
    if judged.report is None:
        return f"The verifier has compared nothing yet; turn {number} was judged by tests alone."
    return ""


def _with_verdicts(
    subject: data.Subject, told: Mapping[str, str], complete: bool, **changes: Any
) -> data.Subject:
    """Take the loop's verdicts in where they are worse than the verifier's; never the reverse."""
    order = ("FAIL", "INCONCLUSIVE")
    rows = []
    for row in subject.levels:
        verdict = told.get(row.level, row.verdict)
        worse = verdict in order or row.verdict == data.NOT_RUN
        if worse and row.verdict != "FAIL":
            row = replace(row, verdict=verdict)
        rows.append(row)
    verdicts = [row.verdict for row in rows]
    verdict = next((one for one in order if one in verdicts), subject.verdict)
    if not complete and verdict == "PASS":
        verdict = "INCONCLUSIVE"
    run = {row.level for row in rows if row.verdict != data.NOT_RUN}
    gaps = [
        gap
        for gap in subject.gaps
        if gap.kind != "level not run" or gap.text.partition(",")[0] not in run
    ]
    return replace(subject, levels=rows, gaps=gaps, verdict=verdict, **changes)


def _facts(turns: list[Turn]) -> list[data.Fact]:
    agents = dict.fromkeys(turn.agent for turn in turns if turn.agent)
    models = dict.fromkeys(turn.model for turn in turns if turn.model)
    heads = [turn.head for turn in turns if turn.head]
    facts = [data.Fact("translation", "begun", turns[0].started)]
    facts += [data.Fact("translation", "last turn", turns[-1].started)]
    facts += [data.Fact("translation", "agent", ", ".join(agents))] if agents else []
    facts += [data.Fact("translation", "model", ", ".join(models))] if models else []
    return facts + ([data.Fact("translation", "commit of the work", heads[-1])] if heads else [])
