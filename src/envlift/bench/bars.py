"""The required speeds beside what was measured."""

from __future__ import annotations

from collections.abc import Iterable

from envlift.bench.benchmark import Benchmark, ReferenceLoop
from envlift.bench.result import Bar, Measurement
from envlift.bench.statistics import paired_ratio

MEMORY = 1.05
"""Memory per lane at the largest batch may be this many times that at the smallest: a program also
has a few numbers that belong to no lane."""


def compare(measurements: list[Measurement], bench: Benchmark) -> list[Bar]:
    """Return every bar of the first variant, those that could not be measured included.

    Of several backends and batch sizes the one with the highest median counts. Bars of a GPU are
    left out where nothing was measured on one.
    """
    case = bench.cases[0].name
    mine = [m for m in measurements if m.case == case and m.seconds]
    ours = [m for m in mine if m.side == "candidate"]
    devices = {"cpu"} | {m.device for m in ours}
    found = []
    for reference in bench.references:
        if reference.device in devices:
            found += _beside(reference, mine, [m for m in ours if m.device == reference.device])
    on_cpu = [m for m in ours if m.device == "cpu"]
    for backend in sorted({m.backend for m in on_cpu}):
        timed = [m for m in on_cpu if m.backend == backend]
        found.append(_compile(backend, timed, bench.compile_seconds))
        if bench.linear_memory:
            found.append(_memory(backend, [m for m in timed if m.kind == "environment"]))
    return found


def _beside(
    reference: ReferenceLoop, measured: list[Measurement], ours: list[Measurement]
) -> list[Bar]:
    theirs = {
        m.threads: m
        for m in measured
        if (m.side, m.reference, m.device) == ("reference", reference.name, reference.device)
    }
    name, threaded = reference.name, reference.threaded
    found = []
    if reference.bars.environment is not None:
        counts = sorted({m.threads for m in ours if m.kind == "environment"} or {1})
        for threads in counts[-1:] if threaded else counts:
            found.append(
                _ratio(
                    f"environment only, observation written every step, {threads} "
                    f"thread{'s' * (threads > 1)} beside "
                    + (f"as many of {name}" if threaded else f"as many {name} processes"),
                    reference.bars.environment,
                    _best(m for m in ours if m.kind == "environment" and m.threads == threads),
                    theirs.get(threads),
                )
            )
    if reference.bars.api is not None:
        one = next(iter(theirs.values()), None) if threaded else theirs.get(1)
        where = "the GPU" if reference.device == "gpu" else "as many threads"
        found.append(
            _ratio(
                "through the JAX API, every observation kept, beside "
                + (f"{name} on {where}" if threaded else f"one {name} process"),
                reference.bars.api,
                _best(m for m in ours if m.kind == "api"),
                one,
            )
        )
    return found


def _best(measurements: Iterable[Measurement]) -> Measurement | None:
    return max(measurements, key=lambda m: m.rate.median, default=None)


def _ratio(
    name: str,
    required: tuple[float, float | None],
    candidate: Measurement | None,
    reference: Measurement | None,
) -> Bar:
    bar, goal = required
    if candidate is None or reference is None:
        return Bar(name, bar, goal, None, None, None, None, "x")
    ratio = candidate.rate.median / reference.rate.median
    pairs = paired_ratio(candidate.rates, reference.rates)
    return Bar(
        name, bar, goal, ratio, pairs.low, pairs.high, ratio >= bar, "x", candidate.id, reference.id
    )


def _compile(backend: str, measurements: list[Measurement], most: float) -> Bar:
    name = f"longest compilation, {backend}"
    timed = [m for m in measurements if m.compile_seconds is not None]
    if not timed:
        return Bar(name, most, None, None, None, None, None, "s", most=True)
    slowest = max(timed, key=lambda m: m.compile_seconds or 0.0)
    seconds = slowest.compile_seconds or 0.0
    return Bar(
        *(name, most, None, seconds, seconds, seconds, seconds <= most, "s", slowest.id),
        most=True,
    )


def _memory(backend: str, measurements: list[Measurement]) -> Bar:
    """Compare memory per lane, environment alone: through the API outputs fill most of it."""
    name = f"memory per lane at the largest batch beside the smallest, {backend}"
    per_lane = {m.batch: m.memory_bytes / m.batch for m in measurements if m.memory_bytes}
    if len(per_lane) < 2:
        return Bar(name, MEMORY, None, None, None, None, None, "x", most=True)
    ratio = per_lane[max(per_lane)] / per_lane[min(per_lane)]
    return Bar(name, MEMORY, None, ratio, ratio, ratio, ratio <= MEMORY, "x", most=True)
