"""What a run of ``envlift mutate`` found: how each mutant ended, the score, the file."""

from __future__ import annotations

import enum
import json
import math
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from envlift.verify.mutation.judge import LEVELS
from envlift.verify.mutation.operators import Mutant

SCHEMA_VERSION = 2
BAR = 0.95
"""Share of the real mutants that must be caught."""

Z = 1.959964
"""Standard normal quantile of a two-sided 95 %."""


class Outcome(enum.StrEnum):
    """How a mutant ended; only the first two count in the score.

    ``INVALID``: it cannot be imported, built or traced, or its process died before anything was
    compared: no verifier is needed to see that. ``EQUIVALENT``: written down as such, and a
    comparison of many states with the rules as they are found no bit that differs. ``TIMEOUT``: no
    verdict in time, not even when it ran alone.
    """

    CAUGHT = "caught"
    SURVIVED = "survived"
    EQUIVALENT = "equivalent"
    INVALID = "invalid"
    TIMEOUT = "timeout"


REAL = (Outcome.CAUGHT, Outcome.SURVIVED)


@dataclass(frozen=True)
class Proof:
    """A mutant beside the rules as they are, on generated inputs.

    Attributes:
        states: how many states each was given.
        differs: what differed, in words; None if every bit of every answer was equal.
    """

    states: int
    differs: str | None


@dataclass(frozen=True)
class Judged:
    """A mutant and what became of it.

    Attributes:
        mutant: the fault.
        caught: level -> what failed first, None where the level noticed nothing or was not asked.
        reason: why it is invalid, or what was waited for.
        proof: of a mutant that nobody noticed, None where it was not tried.
        note: the row of ``mutants.toml``: ``verdict`` and ``reason``.
        seconds, cpu: wall time of judging; time that processors worked on it.
    """

    mutant: Mutant
    caught: dict[str, str | None] = field(default_factory=dict)
    reason: str | None = None
    timeout: bool = False
    proof: Proof | None = None
    note: dict[str, str] | None = None
    seconds: float = 0.0
    cpu: float = 0.0

    @property
    def killed(self) -> bool:
        """Whether any level noticed."""
        return any(self.caught.values())

    @property
    def called_equivalent(self) -> bool:
        """Whether ``mutants.toml`` calls it equivalent, rightly or not."""
        return self.note is not None and self.note["verdict"] == "equivalent"

    @property
    def outcome(self) -> Outcome:
        """How it ended."""
        if self.timeout:
            return Outcome.TIMEOUT
        if self.reason is not None:
            return Outcome.INVALID
        if self.killed:
            return Outcome.CAUGHT
        proved = self.proof is not None and self.proof.differs is None
        return Outcome.EQUIVALENT if proved and self.called_equivalent else Outcome.SURVIVED


@dataclass
class Result:
    """All judged mutants of one target.

    Attributes:
        name, backend: of the environment.
        judged: what was found.
        every_level: whether each mutant was shown to all levels; else judging stops at the first
            that notices it.
        configs: names of the configurations they were judged in; empty for all.
        seed: of the draw.
        of: kind of fault -> how many there are, judged or not.
        sources: hashes of what was judged and by what, see ``envlift.sources``.
        versions: of the libraries.
    """

    name: str
    backend: str
    judged: list[Judged] = field(default_factory=list)
    every_level: bool = False
    configs: tuple[str, ...] = ()
    seed: int = 0
    of: dict[str, int] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """Return how many mutants ended in which way."""
        found = Counter(judged.outcome for judged in self.judged)
        return {str(outcome): found[outcome] for outcome in Outcome}

    @property
    def real(self) -> int:
        """How many mutants count in the score."""
        return sum(judged.outcome in REAL for judged in self.judged)

    @property
    def score(self) -> float:
        """Share of the real mutants that was caught."""
        return self.counts()["caught"] / self.real if self.real else 0.0

    @property
    def is_sample(self) -> bool:
        """Whether some mutants were not judged."""
        return len(self.judged) < sum(self.of.values())

    def interval(self) -> tuple[float, float] | None:
        """Return the score's 95 % interval (Wilson); None where there is nothing to infer."""
        if not self.is_sample or not self.real:
            return None
        return wilson(self.counts()["caught"], self.real)

    def by_level(self) -> dict[str, int]:
        """Return how many mutants each level caught."""
        return {level: sum(bool(j.caught.get(level)) for j in self.judged) for level in LEVELS}

    def by_kind(self) -> dict[str, dict[str, int]]:
        """Return kind of fault -> outcome -> count."""
        found: dict[str, Counter[str]] = {}
        for judged in self.judged:
            found.setdefault(judged.mutant.kind, Counter())[str(judged.outcome)] += 1
        return {kind: dict(sorted(found[kind].items())) for kind in sorted(found)}

    def write(self, path: Path) -> None:
        """Write the JSON whole or not at all."""
        interval = self.interval()
        data = {
            "schema_version": SCHEMA_VERSION,
            "name": self.name,
            "backend": self.backend,
            "date": datetime.now(UTC).strftime("%Y-%m-%d"),
            "seed": self.seed,
            "every_level": self.every_level,
            "configs": self.configs,
            "of": self.of,
            "counts": self.counts(),
            "score": self.score,
            "interval": interval,
            "by_level": self.by_level(),
            "by_kind": self.by_kind(),
            "sources": self.sources,
            "versions": self.versions,
            "mutants": [_row(judged) for judged in self.judged],
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".partial")
        partial.write_text(json.dumps(data, indent=1) + "\n")
        partial.replace(path)


def wilson(caught: int, real: int) -> tuple[float, float]:
    """Return the 95 % interval of a share, which is right at 0 and at 1 too."""
    share, z2 = caught / real, Z * Z / real
    middle = (share + z2 / 2) / (1 + z2)
    half = Z * math.sqrt(share * (1 - share) / real + z2 / (4 * real)) / (1 + z2)
    return max(0.0, middle - half), min(1.0, middle + half)


Place = tuple[str, str, int]


def place(mutant: Mutant) -> Place:
    """Tell two mutants of one id apart: the same change of the same line, in two places."""
    return mutant.id, mutant.file, mutant.line


def _row(judged: Judged) -> dict[str, Any]:
    mutant, note = judged.mutant, judged.note
    row: dict[str, Any] = {
        "id": mutant.id,
        "file": mutant.file,
        "line": mutant.line,
        "kind": mutant.kind,
        "diff": mutant.diff,
        "outcome": str(judged.outcome),
        "caught": {level: what for level, what in judged.caught.items() if what},
        "seconds": round(judged.seconds, 1),
        "cpu_seconds": round(judged.cpu, 1),
    }
    if judged.reason is not None:
        row["reason"] = judged.reason
    if judged.proof is not None:
        row["proof"] = {"states": judged.proof.states, "differs": judged.proof.differs}
    if note is not None:
        row["explained"] = note["reason"]
    return row


def rows_before(
    path: Path, mutants: Collection[Mutant], now: Result, notes: dict[str, dict[str, str]]
) -> list[Judged]:
    """Read what an earlier run found, with the explanations of today.

    Args:
        path: what ``--json`` wrote.
        mutants: that the rules have now.
        now: this run, which must be made as the earlier one was.
        notes: id -> row of ``mutants.toml``.

    Raises:
        ValueError: if the file is no such result, or of other rules or another verifier, or made
            otherwise.
    """
    known = {place(mutant): mutant for mutant in mutants}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["schema_version"] != SCHEMA_VERSION:
            raise ValueError(f"schema_version {data['schema_version']}")
        made = (data["every_level"], tuple(data["configs"]), data["seed"], data["sources"])
        same = made == (now.every_level, now.configs, now.seed, now.sources)
        found = []
        for row in data["mutants"]:
            mutant = known.get((row["id"], row["file"], row["line"]))
            if mutant is None:
                same = False
                continue
            proof = row.get("proof")
            judged = Judged(
                mutant,
                dict(row["caught"]),
                row.get("reason"),
                row["outcome"] == Outcome.TIMEOUT,
                None if proof is None else Proof(proof["states"], proof["differs"]),
                notes.get(mutant.id),
                row["seconds"],
                row["cpu_seconds"],
            )
            found.append(judged)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{path} is no result of `envlift mutate --json`: {error!r}") from None
    if not same:
        raise ValueError(
            f"{path} cannot be resumed: it is of other rules or of another verifier, or was made "
            "with another --every-level, --config or --seed; name another file"
        )
    return found
