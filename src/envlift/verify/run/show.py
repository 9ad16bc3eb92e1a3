"""Printing a report for people."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

from rich.console import Console
from rich.table import Table

from envlift.verify.run.progress import COLOURS
from envlift.verify.run.result import LEVELS, Check, Divergence, Report, Verdict
from envlift.verify.run.show_actions import print_actions
from envlift.verify.run.show_transfer import print_transfer
from envlift.verify.suite.horizon_plan import HORIZON

SHOWN_NAMES = 12
"""Names of other entries in one line; the table below it has them all."""


def print_report(console: Console, report: Report) -> None:
    """Print the verdict and what it does not cover, failures with their evidence, then the counts.

    The verdict is also the last line: that is what stays in sight.
    """
    console.print()
    _print_verdict(console, report)
    _print_left_out(console, report)
    for check in report.checks:
        if check.verdict is Verdict.FAIL:
            print_failure(console, check)
    _print_features(console, report)
    if report.visited:
        console.print()
    for line in report.visited:
        console.print(plain_text(line), soft_wrap=True, highlight=False)
    print_transfer(console, report.transfer)
    console.print()
    for level, title in LEVELS.items():
        verdict = report.level_verdict(level)
        if verdict is not None:
            console.print(f"  {level:<10} {title:<18} [{COLOURS[verdict]}]{verdict}[/]")
    _print_totals(console, report)
    console.print()
    again = " ".join([f"--seed {report.seed}", *dict.fromkeys(report.repeat_with)])
    _print_verdict(console, report, f"  (repeat this run with {again})")


def _print_verdict(console: Console, report: Report, more: str = "") -> None:
    """Print the verdict with what it rests on."""
    note = " - interrupted, this is what was found so far" if report.interrupted else ""
    text = f"[{COLOURS[report.verdict]}]{report.verdict}[/]{plain_text(report.scope)}{note}{more}"
    console.print(text, soft_wrap=True)


def _print_left_out(console: Console, report: Report) -> None:
    for name in report.not_compared:
        console.print(f"[yellow]not compared: {plain_text(name)}[/]", soft_wrap=True)
    for sentence in report.not_verified:
        console.print(f"[yellow]not verified: {plain_text(sentence)}[/]", soft_wrap=True)


def print_failure(console: Console, check: Check) -> None:
    """Print the first difference of a failed check and how to see it again."""
    console.print()
    console.rule(
        f"[bold red]first difference[/]: {plain_text(check.level)} {plain_text(check.name)}"
    )
    if check.divergence is None:
        console.print(plain_text(check.detail), soft_wrap=True)
    else:
        print_divergence(console, check.divergence)
    if check.fixture:
        console.print(f"reproduce:  [bold]envlift repro {check.fixture}[/]", soft_wrap=True)


def print_divergence(console: Console, divergence: Divergence) -> None:
    """Print field, both values, the last actions and both states."""
    field = plain_text(divergence.field)
    console.print(
        f"[bold]{field}[/] at step {divergence.step}, lane {divergence.lane}: "
        f"reference [bold]{number(divergence.reference)}[/], "
        f"candidate [bold]{number(divergence.candidate)}[/]"
        + ("" if divergence.difference is None else f", difference {divergence.difference:.6g}")
        + f" (allowed: {divergence.allowed})",
        soft_wrap=True,
    )
    if divergence.also:
        names, more = divergence.also[:SHOWN_NAMES], len(divergence.also) - SHOWN_NAMES
        rest = f" and {more} more" if more > 0 else ""
        console.print(f"also differ: {plain_text(', '.join(names))}{rest}", soft_wrap=True)
    if divergence.actions:
        shown = ", ".join(number(action) for action in divergence.actions)
        console.print(f"last actions: {plain_text(shown)}", soft_wrap=True)
    if divergence.reference_state or divergence.before:
        _print_states(console, divergence)


def _print_states(console: Console, divergence: Divergence) -> None:
    """Print a row per state field or labelled entry, then one per other entry that differs."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("state", "before the step", "reference after", "candidate after", ""):
        table.add_column(column, overflow="fold")
    states = (divergence.before, divergence.reference_state, divergence.candidate_state)
    columns = [entries(state, divergence.labels) for state in states]
    names = dict.fromkeys(name for column in columns for name in column)
    marked = "[bold red]differs[/]"
    for name in names:
        cells = [plain_text(number(column[name])) if name in column else "" for column in columns]
        table.add_row(plain_text(name), *cells, marked if is_different(name, divergence) else "")
    for name, values in other_entries(divergence, names):
        table.add_row(plain_text(name), "", *[plain_text(number(v)) for v in values], marked)
    console.print(table)


def is_different(name: str, divergence: Divergence) -> bool:
    """Whether a field or entry of the state differs; a vector does where an entry of it does."""
    different = [divergence.field, *divergence.also]
    return name in different or any(entry.startswith(f"{name}[") for entry in different)


def other_entries(divergence: Divergence, names: Collection[str]) -> list[tuple[str, list[Any]]]:
    """Return what differs and has no row under ``names``: its name, and both values if known."""
    known = {divergence.field: [divergence.reference, divergence.candidate], **divergence.values}
    different = [divergence.field, *divergence.also]
    return [(name, known.get(name, ["", ""])) for name in different if name not in names]


def entries(state: dict[str, Any], labels: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    """Return the fields of a state, a labelled vector as one entry for each label."""
    rows: dict[str, Any] = {}
    for name, value in state.items():
        known = labels.get(name, ())
        if isinstance(value, list) and len(known) == len(value):
            rows |= {f"{name}.{label}": v for label, v in zip(known, value, strict=True)}
        else:
            rows[name] = value
    return rows


def number(value: Any) -> str:
    """Return a value in at most nine digits, vectors in brackets."""
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(number(item) for item in value) + "]"
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.9g}"
    return str(value)


def _print_features(console: Console, report: Report) -> None:
    if not report.features:
        return
    console.print()
    console.print("features reached in lockstep:")
    width = max(len(name) for name in report.features)
    for name, count in report.features.items():
        colour = "green" if count else "yellow"
        console.print(f"  [{colour}]{name:<{width}}[/]  {count:>10,}")


def _print_totals(console: Console, report: Report) -> None:
    console.print()
    console.print(f"reference:  {plain_text(report.reference)}", soft_wrap=True)
    for name, pin in report.pins.items():
        console.print(f"            {name} {pin}", soft_wrap=True)
    console.print(f"candidate:  {plain_text(report.candidate)}", soft_wrap=True)
    console.print(
        f"compared:   {report.total('steps'):,} lockstep steps, "
        f"{report.total('episodes'):,} episode ends, "
        f"{report.total('transitions', 'L2'):,} single transitions, "
        f"{report.total('rows', 'L1'):,} component rows"
    )
    for check in report.checks:
        if check.level == "L3" and check.name.startswith(HORIZON) and check.counts:
            config = check.name.removeprefix(HORIZON).strip()
            text = f"{config} {check.detail}".strip()
            console.print(f"horizon:    {plain_text(text)}", soft_wrap=True)
    print_actions(console, report)
    for name, count in report.deviations.items():
        console.print(f"allowed:    {name}, seen in {count:,} rows")


def plain_text(text: str) -> str:
    """Keep rich from reading brackets as markup."""
    return text.replace("[", r"\[")
