"""Speed beside the reference, and by batch size, from benchmark results and from turns."""

from __future__ import annotations

from collections.abc import Mapping

from envlift.bench.result import KINDS, Measurement, Result
from envlift.bench.show import in_words, place
from envlift.report.facts import compared, reference_of
from envlift.report.page import data

REFERENCE = "reference"
"""Key of the reference's speed in ``Turn.speed``."""


def of_results(
    results: list[Result], target: str
) -> tuple[list[data.Speedup], list[data.Throughput]]:
    """Return what benchmarks say of one target: multiples, and speed by batch size."""
    speedups, throughput = [], []
    for result in results:
        where = f"{result.device}, {result.date[:10]}"
        one = reference_of(result)
        for words, found in compared(result, target):
            rate = found.rate.median
            times = None if one is None else rate / one.rate.median
            speedups.append(data.Speedup(words, times, rate, where))
        lines = _series(result, target)
        if lines:
            throughput.append(
                data.Throughput(
                    f"{where}, {result.measurements[0].case}",
                    lines,
                    None if one is None else one.rate.median,
                    "" if one is None else f"{in_words(one)} ({one.backend})",
                )
            )
    return speedups, throughput


def _series(result: Result, target: str) -> list[data.Series]:
    """Return a line for each way of running the default variant that was timed at two batches."""
    case = result.measurements[0].case if result.measurements else ""
    groups: dict[str, list[Measurement]] = {}
    for m in result.measurements:
        if (m.side, m.backend, m.case) == ("candidate", target, case):
            groups.setdefault(f"{KINDS[m.kind].partition(',')[0]}, {place(m)}", []).append(m)
    lines = []
    for label, group in groups.items():
        group.sort(key=lambda m: m.batch)
        if len(group) > 1:
            rates = [m.rate.median for m in group]
            lines.append(data.Series(label, [m.batch for m in group], rates))
    return lines


def of_turn(
    number: int, speed: Mapping[str, float]
) -> tuple[list[data.Speedup], list[data.Throughput]]:
    """Return what a turn of a translation measured.

    Args:
        number: of the turn.
        speed: batch size -> steps per second; ``reference`` is the reference's own speed.
    """
    rates = {int(batch): rate for batch, rate in speed.items() if batch.isdecimal()}
    if not rates:
        return [], []
    reference = speed.get(REFERENCE)
    where = f"measured in turn {number}"
    batch = max(rates, key=lambda size: rates[size])
    times = rates[batch] / reference if reference else None
    words = f"random play at batch size {batch:,}"
    batches = sorted(rates)
    series = [data.Series("candidate", batches, [rates[size] for size in batches])]
    return (
        [data.Speedup(words, times, rates[batch], where)],
        [data.Throughput(f"Random play, {where}", series, reference, "reference")],
    )
