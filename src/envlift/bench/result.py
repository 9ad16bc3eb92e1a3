"""What a benchmark measured: plain data for people, for JSON and for reports."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from envlift.bench.statistics import Rate, rate

SCHEMA_VERSION = 1

KINDS = {
    "threads": "one process on all cores, or on the GPU",
    "loop": "loop in its own process",
    "environment": "environment only, observation written every step",
    "api": "JAX API, every observation kept",
}


@dataclass
class Measurement:
    """One thing, timed several times.

    Attributes:
        id: unique in a run.
        side: ``reference`` or ``candidate``.
        kind: a key of ``KINDS``.
        case: name of the variant.
        backend: target of the candidate, ``c`` and the like for a reference.
        device: ``cpu`` or ``gpu``.
        threads: CPU threads it may use; for the kind ``loop``, its processes. 0 on a GPU.
        batch: lanes in all.
        steps: environment steps of one call of the program, over all lanes.
        calls: calls in one repetition, so that slow and fast programs are timed about as long.
        seconds: wall time of every repetition.
        compile_seconds: until the first result, a second run subtracted; None if not compiled.
        checksum: of what was computed; equal in every repetition, or ``consistent`` is False.
        cpus: cores the process was allowed to run on, None if that could not be read.
        consistent: repetitions agree with one another and with the other backends.
        reference: for a reference, its name.
        cached_compile_seconds: as ``compile_seconds``, in a second process that finds the kernels
            of the first one; None if that was not tried.
        memory_bytes: of the compiled program: inputs, outputs, temporaries; None if unknown.
    """

    id: str
    side: str
    kind: str
    case: str
    backend: str
    device: str
    threads: int
    batch: int
    steps: int
    calls: int = 1
    seconds: list[float] = field(default_factory=list)
    compile_seconds: float | None = None
    checksum: dict[str, int] | None = None
    cpus: int | None = None
    consistent: bool = True
    reference: str = "reference"
    cached_compile_seconds: float | None = None
    memory_bytes: int | None = None

    @property
    def rate(self) -> Rate:
        """Steps per second."""
        return rate(self.steps * self.calls, self.seconds)

    @property
    def rates(self) -> list[float]:
        """Steps per second of every repetition."""
        return [self.steps * self.calls / one for one in self.seconds]


@dataclass(frozen=True)
class Bar:
    """A required speed and what was measured.

    Attributes:
        name: what is required.
        bar, goal: required and hoped for; goal is None where there is none.
        measured: the value, a multiple of the reference or seconds; None if not measured.
        low, high: spread over the pairs of repetitions.
        met: whether the bar is met, None if not measured.
        unit: ``x`` or ``s``.
        most: the measured value may be this at most; otherwise at least.
        candidate, reference: ids of the measurements compared.
    """

    name: str
    bar: float
    goal: float | None
    measured: float | None
    low: float | None
    high: float | None
    met: bool | None
    unit: str
    candidate: str | None = None
    reference: str | None = None
    most: bool = False

    @property
    def wanted(self) -> str:
        """What is required, in words."""
        goal = f", goal {self.goal:g} {self.unit}" if self.goal is not None else ""
        # Results from before ``most`` was written have seconds as their only such unit.
        relation = "at most" if self.most or self.unit == "s" else "at least"
        return f"{self.name}: {relation} {self.bar:g} {self.unit}{goal}"


@dataclass
class Result:
    """One run of ``envlift bench``.

    Attributes:
        environment: registered name.
        environment_version: of its behaviour.
        command: how to measure it again.
        date: UTC, ISO 8601.
        device: name of the GPU, or of the CPU where there is no GPU.
        machine: ``cpu``, ``cores`` this process may use, ``gpu`` (None without), ``system``.
        versions: of Python and the libraries.
        quick: a smoke run: fewer batches, shorter repetitions.
        reference, pins: what the first reference called itself, None if it could not be had; what
            all of them said of their versions.
        reference_missing: why there is no reference at all, None if there is one.
        unavailable: those that could not be had here, name -> reason.
        measurements, bars: see there.
        failures: what could not be measured, id -> reason.
        interrupted: Ctrl-C ended the run early.
    """

    environment: str
    environment_version: int
    command: str
    date: str
    device: str
    machine: dict[str, Any]
    versions: dict[str, str]
    quick: bool
    reference: str | None = None
    pins: dict[str, str] = field(default_factory=dict)
    reference_missing: str | None = None
    measurements: list[Measurement] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False
    unavailable: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return plain data with a schema version; rates are added for readers."""
        data = {"schema_version": SCHEMA_VERSION, **dataclasses.asdict(self)}
        for row, measurement in zip(data["measurements"], self.measurements, strict=True):
            if measurement.seconds:
                row["steps_per_second"] = dataclasses.asdict(measurement.rate)
        return data

    def write(self, path: Path) -> None:
        """Write the JSON whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".partial")
        partial.write_text(json.dumps(self.to_json(), indent=1) + "\n", encoding="utf-8")
        partial.replace(path)

    @classmethod
    def read(cls, path: Path) -> Result:
        """Read what ``write`` wrote.

        Raises:
            ValueError: if the file is none, or of another schema.
        """
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            version = data.pop("schema_version")
            if version != SCHEMA_VERSION:
                raise ValueError(f"its schema_version is {version!r}, this reads {SCHEMA_VERSION}")
            rows = data.pop("measurements")
            for row in rows:
                row.pop("steps_per_second", None)
            bars = [Bar(**row) for row in data.pop("bars")]
            return cls(measurements=[Measurement(**row) for row in rows], bars=bars, **data)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} is no benchmark result: {error}") from None


def check_agreement(measurements: list[Measurement], chaotic: bool = False) -> list[str]:
    """Mark measurements whose checksums differ from those of equal work elsewhere.

    Args:
        measurements: of one run.
        chaotic: compare only what ran on the same kind of device by the same target.

    Returns:
        One sentence per disagreement between backends, threads or devices.
    """
    groups: dict[tuple[Any, ...], list[Measurement]] = {}
    for m in measurements:
        if m.side == "candidate" and m.checksum is not None:
            where = (m.device, m.backend) if chaotic else ()
            groups.setdefault((m.kind, m.case, m.batch, m.steps, *where), []).append(m)
    found = []
    for group in groups.values():
        for m in group[1:]:
            if m.checksum != group[0].checksum:
                m.consistent = group[0].consistent = False
                found.append(
                    f"{m.id} computed {m.checksum}, {group[0].id} computed {group[0].checksum}"
                )
    return found
