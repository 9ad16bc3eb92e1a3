"""Printing which actions were played."""

from __future__ import annotations

from rich.console import Console

from envlift.verify.run.result import Report

COMPONENTS = 4
"""Components of the action that are printed one by one."""

CHOICES = 12
"""Choices that are printed one by one."""


def print_actions(console: Console, report: Report) -> None:
    """Print how often each choice, or each part of a range, of each component was played."""
    rows = list(report.actions.items())
    for name, bins in rows[:COMPONENTS]:
        console.print(f"played:     {_line(name, bins)}", markup=False, soft_wrap=True)
    if len(rows) > COMPONENTS:
        rarest = min(min(bins.values(), default=0) for _, bins in rows[COMPONENTS:])
        console.print(
            f"            {len(rows) - COMPONENTS} more components of the action, the rarest part "
            f"of one {rarest:,} times",
            soft_wrap=True,
        )
    for sentence in report.noticed:
        console.print(f"noticed:    {sentence}", markup=False, soft_wrap=True)


def _line(name: str, bins: dict[str, int]) -> str:
    if len(bins) > CHOICES:
        rarest = min(bins, key=lambda key: bins[key])
        return f"{name}: {len(bins)} choices, the rarest ({rarest}) {bins[rarest]:,} times"
    return f"{name}: " + ", ".join(f"{key} {count:,}" for key, count in bins.items())
