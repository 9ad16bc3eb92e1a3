"""Level 4 for people: a table of both directions."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

COLUMNS = (
    "policies trained in",
    "pairs",
    "effect",
    "90 % interval",
    "power",
    "episode pairs",
    "training steps",
    "return in the candidate",
    "in the reference",
)


def print_transfer(console: Console, transfer: dict[str, Any]) -> None:
    """Print ``Report.transfer``; nothing where no policy was evaluated."""
    directions = transfer.get("directions", {})
    rows = [_row(f"the {side}", found) for side, found in directions.items() if "effect" in found]
    if not rows:
        return
    if "pooled" in transfer:
        rows.append(_row("both", transfer["pooled"]))
    console.print()
    console.print(
        f"policy transfer: margin {transfer['margin']:g} ({transfer['reason']})", soft_wrap=True
    )
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in COLUMNS:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)
    console.print(
        "effect: return in the candidate minus return in the reference; returns are interquartile "
        "means with 95 % bootstrap intervals",
        style="dim",
        soft_wrap=True,
    )


def _row(name: str, found: dict[str, Any]) -> tuple[str, ...]:
    def count(key: str) -> str:
        return f"{found[key]:,}" if key in found else ""

    def mean(side: str) -> str:
        if "iqm" not in found:
            return ""
        one = found["iqm"][side]
        return f"{one['value']:.2f} ({one['low']:.2f} to {one['high']:.2f})"

    return (
        name,
        count("n"),
        f"{found['effect']:+.3g}",
        f"{found['low']:+.3g} to {found['high']:+.3g}",
        f"{found['power']:.2f}",
        count("episode_pairs"),
        count("training_steps"),
        mean("candidate"),
        mean("reference"),
    )
