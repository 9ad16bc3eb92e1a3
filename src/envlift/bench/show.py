"""The table people read."""

from __future__ import annotations

from collections.abc import Iterable

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
    one = {case: m.rate.median for case, m in first_references(result.measurements).items()}
    console.print(
        f"\n{result.environment} on {result.device}", style="bold", markup=False, soft_wrap=True
    )
    beside = next(iter(first_references(result.measurements).values()), None)
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
    for name, reason in result.unavailable.items():
        console.print(f"[yellow]{name} is not available:[/] {reason}", soft_wrap=True)
    if beside is not None:
        console.print(f"x ref: beside {in_words(beside)}", style="dim", soft_wrap=True)
    else:
        console.print(f"[yellow]no reference:[/] {result.reference_missing}", soft_wrap=True)
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


def first_references(measurements: Iterable[Measurement]) -> dict[str, Measurement]:
    """Return for every case what ratios stand beside: the first reference, once, on the CPU."""
    found: dict[str, Measurement] = {}
    for m in measurements:
        if m.side == "reference" and m.device == "cpu" and (m.kind == "threads" or m.threads == 1):
            found.setdefault(m.case, m)
    return found


def in_words(m: Measurement) -> str:
    """Say what a ratio stands beside: ``one reference process``, ``NAME on 2 threads``."""
    return f"one {m.reference} process" if m.kind == "loop" else f"{m.reference} on {place(m)}"


def place(m: Measurement) -> str:
    """Say what something ran on: ``GPU``, ``1 thread``, ``2 processes``."""
    if m.device == "gpu":
        return "GPU"
    unit, plural = ("process", "es") if m.kind == "loop" else ("thread", "s")
    return f"{m.threads} {unit}{plural * (m.threads > 1)}"


def compile_in_words(m: Measurement) -> str:
    """Write the time of compilation, and that with kernels that were compiled before."""
    if m.compile_seconds is None:
        return ""
    cached = m.cached_compile_seconds
    again = "" if cached is None else f" ({cached:.1f} s cached)"
    return f"{m.compile_seconds:.1f} s{again}"


def _row(m: Measurement, reference: float | None) -> list[str]:
    what = {"environment": "env only", "api": "JAX API"}
    spread = f"{short(m.rate.low)}..{short(m.rate.high)}"
    return [
        what.get(m.kind, m.reference),
        m.backend,
        place(m),
        str(m.batch),
        short(m.rate.median),
        spread,
        compile_in_words(m),
        f"{m.rate.median / reference:.2f}" if reference else "",
    ]


def _bar(bar: Bar) -> str:
    if bar.measured is None:
        return f"[yellow]not measured[/]  {bar.wanted}"
    verdict = "[green]met[/]" if bar.met else "[red]not met[/]"
    return f"{verdict}  {bar.wanted}; measured {bar.measured:.2f} {bar.unit}"
