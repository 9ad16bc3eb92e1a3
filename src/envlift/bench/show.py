"""The table people read."""

from __future__ import annotations

from rich.console import Console
from rich.measure import Measurement as Width
from rich.table import Table

from envlift.bench.result import KINDS, Bar, Measurement, Result

UNLIMITED = 10_000
"""Columns of a console that has no edge."""


def short(number: float) -> str:
    """Write a rate in three digits: ``196M``, ``2.75G``, ``31.4K``."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "K")):
        if number >= size * 0.9995:
            scaled = number / size
            return f"{scaled:.{max(0, 2 - len(str(int(scaled))) + 1)}f}{unit}"
    return f"{number:.0f}"


def print_result(console: Console, result: Result) -> None:
    """Print measurements, bars and what went wrong."""
    one = _single_processes(result)
    console.print(
        f"\n{result.environment} on {result.device}", style="bold", markup=False, soft_wrap=True
    )
    table = Table(box=None, padding=(0, 1), collapse_padding=True, pad_edge=False)
    for heading in ("what", "target", "on"):
        table.add_column(heading, no_wrap=True)
    for heading in ("batch", "steps/s", "min..max", "compile", "x ref"):
        table.add_column(heading, justify="right", no_wrap=True)
    order = {kind: number for number, kind in enumerate(KINDS)}
    case = None
    for m in sorted(result.measurements, key=lambda m: (m.case, order[m.kind])):
        if m.case != case:
            table.add_row(f"[bold]{m.case}[/]")
        case = m.case
        table.add_row(*_row(m, one.get(m.case)))
    print_table(console, table)
    if result.reference_missing:
        console.print(f"[yellow]no reference:[/] {result.reference_missing}", soft_wrap=True)
    else:
        console.print("x ref: beside one process of the reference", style="dim", soft_wrap=True)
    for bar in result.bars:
        console.print(f"  {_bar(bar)}", soft_wrap=True)
    for where, reason in result.failures.items():
        console.print(f"[red]{where}:[/] {reason}", soft_wrap=True)


def print_table(console: Console, table: Table) -> None:
    """Print a table whose rows are whole in a file or a pipe.

    Those have no edge, but rich would cut the rows at its 80th column.
    """
    if not console.is_terminal:
        wide = console.options.update(width=UNLIMITED)
        table.width = Width.get(console, wide, table).maximum
    console.print(table, crop=console.is_terminal)


def _single_processes(result: Result) -> dict[str, float]:
    return {
        m.case: m.rate.median
        for m in result.measurements
        if m.side == "reference" and m.threads == 1
    }


def _row(m: Measurement, reference: float | None) -> list[str]:
    what = {"loop": "reference", "environment": "env only", "api": "JAX API"}
    unit = "process" if m.side == "reference" else "thread"
    plural = "s" if unit == "thread" else "es"
    threads = "GPU" if m.device == "gpu" else f"{m.threads} {unit}{plural * (m.threads > 1)}"
    spread = f"{short(m.rate.low)}..{short(m.rate.high)}"
    return [
        what[m.kind],
        m.backend,
        threads,
        str(m.batch),
        short(m.rate.median),
        spread,
        "" if m.compile_seconds is None else f"{m.compile_seconds:.1f} s",
        f"{m.rate.median / reference:.2f}" if reference else "",
    ]


def _bar(bar: Bar) -> str:
    goal = f", goal {bar.goal:g} {bar.unit}" if bar.goal is not None else ""
    relation = "at most" if bar.unit == "s" else "at least"
    wanted = f"{bar.name}: {relation} {bar.bar:g} {bar.unit}{goal}"
    if bar.measured is None:
        return f"[yellow]not measured[/]  {wanted}"
    verdict = "[green]met[/]" if bar.met else "[red]not met[/]"
    return f"{verdict}  {wanted}; measured {bar.measured:.2f} {bar.unit}"
