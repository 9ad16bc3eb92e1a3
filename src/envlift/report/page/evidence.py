"""From the JSON of ``envlift verify`` to what the page says of one pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from envlift.report.page import data
from envlift.report.page.decode import DecodeError, decode, read_json
from envlift.verify.run.result import LEVELS, SCHEMA_VERSION, Check, Report, Verdict

MOST_AT_ONCE = frozenset(("fields", "lanes", "features", "features wanted", "distinct", "facts"))
"""Counts that several checks share; a sum of them would count the same thing twice."""


def read_report(path: Path) -> Report:
    """Read a file that ``envlift verify --json`` wrote.

    Raises:
        ValueError: naming the file and what is wrong with it.
    """
    return parse_report(read_json(path), str(path))


def parse_report(found: Any, name: str) -> Report:
    """Return a report from its JSON.

    Args:
        found: the JSON.
        name: of the file, for errors.

    Raises:
        ValueError: if it is none, of another schema, or contradicts itself.
    """
    if not isinstance(found, dict) or "checks" not in found:
        raise ValueError(f"{name} is no report of `envlift verify --json`: it has no checks")
    rest = dict(found)
    version = rest.pop("schema_version", None)
    if version != SCHEMA_VERSION:
        raise ValueError(
            f"{name} has schema_version {version!r}, this reads {SCHEMA_VERSION}; verify anew"
        )
    told = rest.pop("verdict", None)
    try:
        report = decode(Report, rest)
    except DecodeError as error:
        raise ValueError(f"{name} is no report of `envlift verify --json`: {error}") from None
    if told != report.verdict:
        raise ValueError(f"{name} says {told!r}, but its checks say {report.verdict}; verify anew")
    return report


def levels(report: Report) -> list[data.Level]:
    """Return every level, also those without a check."""
    rows = []
    for level, title in LEVELS.items():
        checks = [check for check in report.checks if check.level == level]
        verdict = report.level_verdict(level)
        rows.append(
            data.Level(level, title, str(verdict or data.NOT_RUN), len(checks), counts(checks))
        )
    return sorted(rows, key=lambda row: (not row.level.startswith("L"), row.level))


def counts(checks: Sequence[Check]) -> dict[str, int]:
    """Add up the counts of several checks; of shared ones the largest is taken."""
    total: dict[str, int] = {}
    for check in checks:
        for name, count in check.counts.items():
            held = total.get(name, 0)
            total[name] = max(held, count) if name in MOST_AT_ONCE else held + count
    return total


def check_rows(report: Report) -> list[data.CheckRow]:
    """Return every check without its divergence."""
    return [
        data.CheckRow(c.level, c.name, str(c.verdict), c.detail, dict(c.counts), c.seconds)
        for c in report.checks
    ]


def gaps(report: Report, rows: Sequence[data.Level]) -> list[data.Gap]:
    """Return everything that a pass of this report does not say, the widest gaps first."""
    found = []
    if report.interrupted:
        found.append(data.Gap("interrupted", "The run was interrupted; this is what it had found."))
    for row in rows:
        if row.verdict == data.NOT_RUN:
            found.append(data.Gap("level not run", f"{row.level}, {row.title}: nothing was run."))
    for check in report.checks:
        if check.verdict in (Verdict.SKIPPED, Verdict.INCONCLUSIVE):
            detail = f": {check.detail}" if check.detail else ""
            kind = str(check.verdict).lower()
            found.append(data.Gap(kind, f"{check.level}, {check.name}{detail}"))
    found += [
        data.Gap("feature not reached", name)
        for name, count in report.features.items()
        if count == 0
    ]
    if not report.features:
        found.append(data.Gap("coverage", "The suite names no features that must be reached."))
    found += [data.Gap("not verified", sentence) for sentence in report.not_verified]
    found += [data.Gap("not compared", name) for name in report.not_compared]
    return found


def deviations(
    seen: Mapping[str, int], described: Sequence[Mapping[str, str]]
) -> list[data.Deviation]:
    """Join how often allowed differences were seen with what is written of them.

    Args:
        seen: id -> rows.
        described: rows of ``deviations.toml``, as far as they are known.
    """
    # Those of a compiled environment are known differences in words, which no comparison counts.
    rows = {str(row.get("id") or row.get("what", "")): row for row in described}
    return [
        data.Deviation(
            id=name,
            seen=seen.get(name),
            field=rows.get(name, {}).get("field", ""),
            reason=" ".join(_either(rows.get(name, {}), "reason", "why").split()),
            link=_either(rows.get(name, {}), "link", "source"),
        )
        for name in dict.fromkeys([*seen, *rows])
    ]


def _either(row: Mapping[str, str], name: str, other: str) -> str:
    return row.get(name) or row.get(other, "")


def provenance(report: Report) -> list[data.Fact]:
    """Return seed, pins, versions and hashes."""
    facts = [
        data.Fact("run", "suite", report.suite),
        data.Fact("run", "seed", str(report.seed)),
        data.Fact("run", "date", "the evidence does not tell"),
    ]
    facts += [data.Fact("pins of the reference", *pin) for pin in report.pins.items()]
    facts += [data.Fact("hashes (SHA-256)", *source) for source in report.sources.items()]
    facts += [data.Fact("versions", *version) for version in report.versions.items()]
    return facts
