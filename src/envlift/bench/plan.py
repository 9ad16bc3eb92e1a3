"""What one run measures: the candidate's programs and the reference's loops, with their sizes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from envlift.bench.benchmark import Benchmark, Case
from envlift.bench.result import Measurement


@dataclass(frozen=True)
class Sizes:
    """How much work is timed on one kind of device.

    Attributes:
        environment_batches: lanes, environment alone.
        environment_steps: steps over all lanes of one call of it.
        api_batches: lanes, through the API.
        api_steps: steps over all lanes of one call of it; all their observations are kept.
    """

    environment_batches: tuple[int, ...]
    environment_steps: int
    api_batches: tuple[int, ...]
    api_steps: int


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
    """A measurement of the reference: ``measurement.threads`` processes at once."""

    measurement: Measurement
    case: Case
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
        sizes: instead of the built-in ones.
    """
    sizes = sizes or (QUICK if quick else FULL)[device]
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


def loops(bench: Benchmark, cores: int, quick: bool, steps: int | None = None) -> list[Loops]:
    """Return the reference's measurements: one process, two, and one per core."""
    if bench.reference is None:
        return []
    found = []
    for case in bench.cases:
        if case.short and quick:
            continue
        for processes in sorted({1, 2, cores}):
            each = (steps or bench.reference.steps // (4 if quick else 1)) // case.cost
            measurement = Measurement(
                id=f"loop/{case.name}/reference/{processes}p",
                side="reference",
                kind="loop",
                case=case.name,
                backend="reference",
                device="cpu",
                threads=processes,
                batch=processes,
                steps=each * processes,
            )
            found.append(Loops(measurement, case, each))
    return found
