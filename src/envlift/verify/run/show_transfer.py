"""Level 4 for people: a table with a column for each direction."""

from __future__ import annotations

from itertools import zip_longest
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
    for labelled in zip_longest(*cells, fillvalue=("", "")):
        table.add_row(labelled[0][0], *(text for _, text in labelled))
    console.print(table)
    console.print(
        "[dim]effect: return in the candidate minus return in the reference, one pair for each "
        "policy; returns: interquartile means over policies, bootstrapped[/]",
        soft_wrap=True,
    )


def _cells(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Return label and text of every row of a column; both directions together have fewer rows."""
    cells = [
        ("pairs", f"{found['n']:,}"),
        ("effect", signed(found["effect"])),
        ("  90 % interval", f"{signed(found['low'])} to {signed(found['high'])}"),
        ("power", f"{found['power']:.2f}"),
    ]
    if "iqm" not in found:
        return cells
    cells += [
        ("episode pairs", f"{found['episode_pairs']:,}"),
        ("  exactly equal", f"{found['equal_episode_pairs']:,}"),
        ("training steps", f"{found['training_steps']:,}"),
    ]
    for side in SIDES:
        one = found["iqm"][side]
        cells.append((f"return in {side}", f"{one['value']:.2f}"))
        cells.append(("  95 % interval", f"{one['low']:.2f} to {one['high']:.2f}"))
    return cells


def signed(value: float) -> str:
    """Return a number with its sign, to two digits or to a tenth; zero without a sign."""
    if not value:
        return "0"
    return f"{value:+.2g}" if abs(value) < 10 else f"{value:+,.1f}"
