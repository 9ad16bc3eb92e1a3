"""What one run measures: the candidate's programs and the references' loops, with their sizes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from envlift.bench.benchmark import Benchmark, Case, ReferenceLoop, Sizes
from envlift.bench.result import Measurement

CPU = Sizes((4096, 16384), 1 << 23, (256, 1024, 4096, 16384, 65536), 1 << 22)
GPU = Sizes((65536, 1 << 20), 1 << 28, (4096, 16384, 65536, 262144, 1 << 20), 1 << 26)
QUICK = {
    "cpu": Sizes((16384,), 1 << 21, (4096, 16384), 1 << 20),
    "gpu": Sizes((1 << 20,), 1 << 27, (65536, 1 << 20), 1 << 25),
}
FULL = {"cpu": CPU, "gpu": GPU}

REPETITIONS = 9
QUICK_REPETITIONS = 5

SECONDS = 0.3
QUICK_SECONDS = 0.1
"""How long one repetition should last at least; a program is called again until then."""


def sizes_of(bench: Benchmark, device: str, quick: bool) -> Sizes:
    """Return the declared sizes of a device, cut down for a quick run, or the built-in ones."""
    found = bench.sizes.get(device)
    if found is None:
        return (QUICK if quick else FULL)[device]
    if not quick:
        return found
    return Sizes(
        found.environment_batches[-1:],
        found.environment_steps // 4,
        found.api_batches[-2:],
        found.api_steps // 4,
    )


def calls(warm_seconds: float, target: float) -> int:
    """Return how many calls of a program last ``target`` seconds."""
    return max(1, math.ceil(target / max(warm_seconds, 1e-4)))


@dataclass
class Program:
    """A measurement of the candidate and how to make it.

    Attributes:
        measurement: what will be filled in.
        options: of the environment's constructor.
        num_steps: T of one lane.
    """

    measurement: Measurement
    options: Mapping[str, Any]
    num_steps: int


@dataclass
class Loops:
    """A measurement of a reference.

    Attributes:
        measurement: what will be filled in.
        reference: what is run.
        case: the variant.
        processes: how many children play at once.
        steps: of each of them.
    """

    measurement: Measurement
    reference: ReferenceLoop
    case: Case
    processes: int
    steps: int


def programs(
    bench: Benchmark, cores: int, device: str, quick: bool, sizes: Sizes | None = None
) -> list[Program]:
    """Return the candidate's measurements on one kind of device.

    Args:
        bench: what the environment declares.
        cores: CPU cores this process may use.
        device: ``cpu`` or ``gpu``.
        quick: a smoke run.
        sizes: instead of those of ``sizes_of``.
    """
    sizes = sizes or sizes_of(bench, device, quick)
    found = []
    for case in bench.cases:
        if case.short and quick:
            continue
        for backend in bench.backends:
            for threads in (0,) if device == "gpu" else sorted({1, cores}):
                for batch in (
                    sizes.environment_batches[-1:] if case.short else (sizes.environment_batches)
                ):
                    steps = sizes.environment_steps // case.cost
                    found.append(
                        _program(case, backend, "environment", device, threads, batch, steps)
                    )
            if case.short:
                continue
            threads = 0 if device == "gpu" else cores
            for batch in sizes.api_batches:
                steps = sizes.api_steps // case.cost
                found.append(_program(case, backend, "api", device, threads, batch, steps))
    return found


def _program(
    case: Case, backend: str, kind: str, device: str, threads: int, batch: int, steps: int
) -> Program:
    num_steps = max(1, steps // batch)
    where = "gpu" if device == "gpu" else f"{threads}t"
    measurement = Measurement(
        id=f"{kind}/{case.name}/{backend}/{where}/{batch}",
        side="candidate",
        kind=kind,
        case=case.name,
        backend=backend,
        device=device,
        threads=threads,
        batch=batch,
        steps=num_steps * batch,
    )
    return Program(measurement, {**case.candidate, "backend": backend}, num_steps)


def loops(
    bench: Benchmark, cores: int, device: str, quick: bool, steps: int | None = None
) -> list[Loops]:
    """Return the measurements of every reference that runs on one kind of device.

    Args:
        bench: what the environment declares.
        cores: CPU cores this process may use.
        device: ``cpu`` or ``gpu``.
        quick: a smoke run.
        steps: of one repetition of one process, instead of the declared ones.
    """
    return [
        _loops(reference, case, device, cores, processes, steps, quick)
        for reference in bench.references
        for case in bench.cases
        if reference.device == device and not (case.short and quick)
        for processes in ([1] if reference.threaded else sorted({1, 2, cores}))
    ]


def _loops(
    reference: ReferenceLoop,
    case: Case,
    device: str,
    cores: int,
    processes: int,
    steps: int | None,
    quick: bool,
) -> Loops:
    each = (steps or reference.steps // (4 if quick else 1)) // case.cost
    kind = "threads" if reference.threaded else "loop"
    threads = 0 if device == "gpu" else cores if reference.threaded else processes
    where = "gpu" if device == "gpu" else f"{threads}{'t' if reference.threaded else 'p'}"
    measurement = Measurement(
        id=f"{kind}/{case.name}/{reference.name}/{where}",
        side="reference",
        kind=kind,
        case=case.name,
        backend=reference.name,
        device=device,
        threads=threads,
        batch=processes,
        steps=each * processes,
        reference=reference.name,
    )
    return Loops(measurement, reference, case, processes, each)
