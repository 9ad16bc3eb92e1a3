"""Level 4 for people: a table with a column for each direction."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

SIDES = ("candidate", "reference")


def print_transfer(console: Console, transfer: dict[str, Any]) -> None:
    """Print ``Report.transfer``; nothing where no policy was evaluated."""
    directions = transfer.get("directions", {})
    columns = {f"in the {side}": found for side, found in directions.items() if "effect" in found}
    if not columns:
        return
    if "pooled" in transfer:
        columns["both"] = transfer["pooled"]
    console.print()
    console.print(
        f"policy transfer: margin {transfer['margin']:g} ({transfer['reason']})", soft_wrap=True
    )
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("policies trained")
    for name in columns:
        table.add_column(name, justify="right")
    cells = [_cells(found) for found in columns.values()]
    for name in cells[0]:
        table.add_row(name, *(one.get(name, "") for one in cells))
    console.print(table)
    console.print(
        "[dim]effect: return in the candidate minus return in the reference, one pair for each "
        "policy; returns: interquartile means with 95 % bootstrap intervals[/]",
        soft_wrap=True,
    )


def _cells(found: dict[str, Any]) -> dict[str, str]:
    cells = {
        "pairs": f"{found['n']:,}",
        "effect": signed(found["effect"]),
        "90 % interval": f"{signed(found['low'])} to {signed(found['high'])}",
        "power": f"{found['power']:.2f}",
    }
    if "iqm" not in found:
        return cells
    cells["episode pairs"] = f"{found['episode_pairs']:,}"
    cells["exactly equal ones"] = f"{found['equal_episode_pairs']:,}"
    cells["training steps"] = f"{found['training_steps']:,}"
    for side in SIDES:
        one = found["iqm"][side]
        mean = f"{one['value']:.2f} ({one['low']:.2f} to {one['high']:.2f})"
        cells[f"return in the {side}"] = mean
    return cells


def signed(value: float) -> str:
    """Return a number with its sign in three digits, zero without one."""
    return f"{value:+.3g}" if value else "0"
