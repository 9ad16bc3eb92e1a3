"""The required speeds beside what was measured."""

from __future__ import annotations

from collections.abc import Iterable

from envlift.bench.benchmark import Bars
from envlift.bench.result import Bar, Measurement
from envlift.bench.statistics import paired_ratio


def compare(measurements: list[Measurement], bars: Bars, case: str) -> list[Bar]:
    """Return every bar of one variant, those that could not be measured included.

    Of several backends and batch sizes the one with the highest median counts.
    """
    mine = [m for m in measurements if m.case == case and m.seconds]
    theirs = {m.threads: m for m in mine if m.side == "reference"}
    ours = [m for m in mine if m.side == "candidate" and m.device == "cpu"]
    found = []
    for threads in sorted({m.threads for m in ours if m.kind == "environment"} or {1}):
        found.append(
            _ratio(
                f"environment only, observation written every step, {threads} "
                f"thread{'s' * (threads > 1)} beside as many reference processes",
                (bars.environment, bars.environment_goal),
                _best(m for m in ours if m.kind == "environment" and m.threads == threads),
                theirs.get(threads),
            )
        )
    found.append(
        _ratio(
            "through the JAX API, every observation kept, beside one reference process",
            (bars.api, bars.api_goal),
            _best(m for m in ours if m.kind == "api"),
            theirs.get(1),
        )
    )
    for backend in sorted({m.backend for m in ours}):
        found.append(_compile(backend, [m for m in ours if m.backend == backend], bars))
    return found


def _best(measurements: Iterable[Measurement]) -> Measurement | None:
    return max(measurements, key=lambda m: m.rate.median, default=None)


def _ratio(
    name: str,
    bars: tuple[float, float],
    candidate: Measurement | None,
    reference: Measurement | None,
) -> Bar:
    bar, goal = bars
    if candidate is None or reference is None:
        return Bar(name, bar, goal, None, None, None, None, "x")
    ratio = candidate.rate.median / reference.rate.median
    pairs = paired_ratio(candidate.rates, reference.rates)
    return Bar(
        name, bar, goal, ratio, pairs.low, pairs.high, ratio >= bar, "x", candidate.id, reference.id
    )


def _compile(backend: str, measurements: list[Measurement], bars: Bars) -> Bar:
    name = f"longest compilation, {backend}"
    timed = [m for m in measurements if m.compile_seconds is not None]
    if not timed:
        return Bar(name, bars.compile_seconds, None, None, None, None, None, "s")
    slowest = max(timed, key=lambda m: m.compile_seconds or 0.0)
    seconds = slowest.compile_seconds or 0.0
    met = seconds <= bars.compile_seconds
    return Bar(
        name, bars.compile_seconds, None, seconds, seconds, seconds, met, "s", slowest.id, None
    )
