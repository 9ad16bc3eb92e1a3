"""Where the facts of a card come from. A missing source is None, never a guess."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from envlift.bench.benchmark import benchmark_of
from envlift.bench.compiled import compiled_benchmark
from envlift.bench.result import Measurement, Result
from envlift.bench.show import first_references
from envlift.registry import vector_registration
from envlift.report import learning
from envlift.report.age import changed_kinds
from envlift.report.transfer import read_transfer
from envlift.sources import hashes
from envlift.verify.run.result import SCHEMA_VERSION

MUTATION_SCHEMA_VERSION = 2


@dataclass(frozen=True)
class Evidence:
    """What one committed run of ``envlift verify --json`` found, for one target.

    Attributes:
        verdict: PASS, FAIL or INCONCLUSIVE.
        steps, episodes: lockstep.
        transitions: single transitions from copied states.
        rows: rows of component arguments.
        fields: most fields compared at once.
        features: feature -> times reached.
        pins, reference: exact versions of the reference, and what it called itself.
        deviations: id -> rows in which the allowed difference was seen.
        not_verified, not_compared: what a pass does not say.
        versions, sources: of the libraries; of the files it speaks of, see ``envlift.sources``.
        passed: levels of which at least one check passed.
        transfer: level 4 in numbers (``Report.transfer``); empty where no policy was evaluated.
        changed: kinds of files that changed since, see ``report.age``; empty if it is up to date.
    """

    verdict: str
    steps: int
    episodes: int
    transitions: int
    rows: int
    fields: int
    features: dict[str, int]
    pins: dict[str, str]
    reference: str
    deviations: dict[str, int]
    not_verified: list[str]
    not_compared: list[str]
    versions: dict[str, str]
    passed: frozenset[str]
    sources: dict[str, str]
    transfer: dict[str, Any]
    changed: tuple[str, ...] = ()

    @property
    def reached(self) -> int:
        """How many features were reached."""
        return sum(count > 0 for count in self.features.values())


@dataclass(frozen=True)
class Mutation:
    """What one committed run of ``envlift mutate --json`` found.

    Attributes:
        score: share caught of the real mutants.
        caught, judged: how many of the real ones, those that are caught or survive.
        equivalent, invalid, timeouts: how many others there were; none of them counts.
        by_level: level -> mutants it caught.
        total: how many mutants there are, judged or not; 0 where that is not known.
        every_level: whether every level was asked; else judging stopped at the first that noticed.
        configs: names of the configurations they were judged in; empty for all.
        interval: of the score, 95 %; None where all mutants were judged.
        date: of the run, empty where that is not known.
        older: whether the verifier changed since.
    """

    score: float
    caught: int
    judged: int
    equivalent: int
    by_level: dict[str, int]
    total: int = 0
    configs: tuple[str, ...] = ()
    invalid: int = 0
    timeouts: int = 0
    every_level: bool = True
    interval: tuple[float, float] | None = None
    date: str = ""
    older: bool = False

    @property
    def seen(self) -> int:
        """How many mutants were looked at."""
        return self.judged + self.equivalent + self.invalid + self.timeouts


@dataclass(frozen=True)
class Facts:
    """Everything a card says.

    Attributes:
        name: registered name.
        folder: of the environment.
        targets: the targets it has.
        evidence, mutation: target -> what was found; a missing one is not there.
        deviations: rows of ``deviations.toml``.
        speeds: newest full benchmark of every device, newest first.
        learning: newest results of ``bench --train`` and ``--breakdown``.
    """

    name: str
    folder: Path
    targets: tuple[str, ...]
    evidence: dict[str, Evidence]
    mutation: dict[str, Mutation]
    deviations: list[dict[str, str]]
    speeds: list[Result]
    learning: list[dict[str, Any]] = field(default_factory=list)


def gather(name: str, folder: Path, results: Path) -> Facts:
    """Read all facts of an environment.

    Args:
        name: registered name.
        folder: of the environment, with ``verification`` inside.
        results: folder of benchmark results.

    Raises:
        ValueError: for a file that is there and cannot be read.
    """
    verification = folder / "verification"
    is_compiled = vector_registration(name) is not None
    targets = (compiled_benchmark if is_compiled else benchmark_of)(name).backends
    return Facts(
        name=name,
        folder=folder,
        targets=targets,
        evidence={
            target: of_age(folder, read_evidence(path))
            for target in targets
            if (path := verification / f"evidence-{target}.json").is_file()
        },
        mutation={
            target: read_mutation(path)
            for target in targets
            if (path := verification / f"mutation-{target}.json").is_file()
        },
        deviations=read_deviations(verification / "deviations.toml"),
        speeds=newest_results(results, name),
        learning=learning.newest(results, name),
    )


def of_age(folder: Path, evidence: Evidence) -> Evidence:
    """Return evidence with what changed in an environment's folder, and around it, since."""
    changed = changed_kinds(folder, evidence.sources, bool(evidence.transfer))
    return replace(evidence, changed=changed)


def _read(path: Path, schema_version: int) -> dict[str, Any]:
    try:
        data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not JSON: {error}") from None
    found = data.get("schema_version")
    if found != schema_version:
        raise ValueError(
            f"{path} has schema_version {found!r}, this reads {schema_version}; measure it anew"
        )
    return data


def read_evidence(path: Path) -> Evidence:
    """Read the JSON of ``envlift verify``.

    Raises:
        ValueError: if it is none.
    """
    data = _read(path, SCHEMA_VERSION)
    try:
        checks = data["checks"]

        def total(level: str, count: str) -> int:
            return sum(c["counts"].get(count, 0) for c in checks if c["level"] == level)

        return Evidence(
            verdict=data["verdict"],
            steps=total("L3", "steps"),
            episodes=total("L3", "episodes"),
            transitions=total("L2", "transitions"),
            rows=total("L1", "rows"),
            fields=max((c["counts"].get("fields", 0) for c in checks), default=0),
            features=data["features"],
            pins=data["pins"],
            reference=data["reference"],
            deviations=data["deviations"],
            not_verified=data["not_verified"],
            not_compared=data["not_compared"],
            versions=data["versions"],
            passed=frozenset(c["level"] for c in checks if c["verdict"] == "PASS"),
            sources=dict(data.get("sources", {})),
            transfer=read_transfer(data),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{path} is no report of `envlift verify --json`: {error!r}") from None


def read_mutation(path: Path) -> Mutation:
    """Read the JSON of ``envlift mutate``.

    Raises:
        ValueError: if it is none, or lies elsewhere than with its environment.
    """
    folder = path.parents[1]
    if folder.parent.name != "envs":
        raise ValueError(f"{path} lies in no envs/NAME/verification/, so its verifier is unknown")
    data = _read(path, MUTATION_SCHEMA_VERSION)
    try:
        counts = data["counts"]
        made = data["sources"].get("verifier")
        return Mutation(
            score=data["score"],
            caught=counts["caught"],
            judged=counts["caught"] + counts["survived"],
            equivalent=counts["equivalent"],
            invalid=counts["invalid"],
            timeouts=counts["timeout"],
            by_level=data["by_level"],
            total=sum(data["of"].values()),
            configs=tuple(data["configs"]),
            every_level=data["every_level"],
            interval=None if data["interval"] is None else tuple(data["interval"]),
            date=data["date"],
            older=made != hashes(folder)["verifier"],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is no result of `envlift mutate --json`: {error!r}") from None


def read_deviations(path: Path) -> list[dict[str, str]]:
    """Return the rows of ``deviations.toml``; none if there is no such file."""
    if not path.is_file():
        return []
    return list(tomllib.loads(path.read_text(encoding="utf-8")).get("deviation", []))


def newest_results(folder: Path, name: str) -> list[Result]:
    """Return the newest full benchmark of every device, newest first.

    Raises:
        ValueError: if a file in the folder is no benchmark result.
    """
    newest: dict[str, Result] = {}
    for path in sorted(folder.glob("*.json")):
        if learning.is_learning(path):
            continue
        result = Result.read(path)
        if result.environment != name or result.quick or result.interrupted:
            continue
        held = newest.get(result.device)
        if held is None or result.date > held.date:
            newest[result.device] = result
    return sorted(newest.values(), key=lambda result: result.date, reverse=True)


def best(result: Result, kind: str, target: str, **wanted: Any) -> Measurement | None:
    """Return the fastest measurement of a kind and target in the default variant.

    Args:
        result: one run.
        kind: a key of ``bench.result.KINDS``.
        target: backend.
        wanted: further attributes, for example ``threads=1``.
    """
    default = result.measurements[0].case if result.measurements else None
    found = [
        m
        for m in result.measurements
        if (m.kind, m.backend, m.case) == (kind, target, default)
        and all(getattr(m, key) == value for key, value in wanted.items())
    ]
    return max(found, key=lambda m: m.rate.median, default=None)


def compared(result: Result, target: str) -> list[tuple[str, Measurement]]:
    """Return what is told of a target's speed, in words, and the measurement that is told."""
    wanted = (
        ("environment only on one thread", best(result, "environment", target, threads=1)),
        ("environment only on the GPU", best(result, "environment", target, device="gpu")),
        ("JAX API", best(result, "api", target, device="cpu")),
        ("JAX API on the GPU", best(result, "api", target, device="gpu")),
    )
    return [(words, found) for words, found in wanted if found is not None]


def reference_of(result: Result) -> Measurement | None:
    """Return the reference that ratios stand beside, in the default variant."""
    return next(iter(first_references(result.measurements).values()), None)
