"""What a verification found: plain data for people, for ``--json`` and for reports."""

from __future__ import annotations

import dataclasses
import enum
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SCHEMA_VERSION = 1

NO_SUITE = "default"
"""The name of the suite of a pair that nobody has described."""

_NUMBERS = re.compile(r"\[\s+[-+.\de]+(?:,\s+[-+.\de]+)*\s+\]")
"""A list of numbers in indented JSON."""


class Verdict(enum.StrEnum):
    """What the evidence says."""

    PASS = "PASS"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    SKIPPED = "SKIPPED"


EXIT_CODES = {Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.INCONCLUSIVE: 2, Verdict.SKIPPED: 2}
RETURNED = "what is returned"
"""The check of how both sides return things: it compares no step, and is no ground for PASS."""

EXIT_USAGE = 4


@dataclass(frozen=True)
class Divergence:
    """The first difference of a comparison.

    Attributes:
        step: steps since the comparison began, 0 for its reset.
        lane: which of the batch.
        field: what differs, with the entry's label for vectors.
        reference, candidate: the two values.
        difference: ``candidate - reference`` where that is a number.
        allowed: the largest difference that would have passed, in words.
        actions: the last actions of the lane, oldest first.
        before: the lane's state in the reference before the step.
        reference_state, candidate_state: the lane's state on both sides after the step.
        also: every other entry that differs in the same step, of this field and of others.
        labels: names of the entries of differing vectors.
        values: entry -> its value in the reference and in the candidate, of all that differ.
    """

    step: int
    lane: int
    field: str
    reference: Any
    candidate: Any
    difference: float | None
    allowed: str
    actions: list[Any] = dataclasses.field(default_factory=list)
    before: dict[str, Any] = dataclasses.field(default_factory=dict)
    reference_state: dict[str, Any] = dataclasses.field(default_factory=dict)
    candidate_state: dict[str, Any] = dataclasses.field(default_factory=dict)
    also: list[str] = dataclasses.field(default_factory=list)
    labels: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    values: dict[str, list[Any]] = dataclasses.field(default_factory=dict)


@dataclass
class Check:
    """One comparison and its counts.

    Attributes:
        level: agreement, L1, L2, L3, L4, resets, transforms or corpus.
        name: what was compared.
        verdict: the outcome.
        detail: one sentence.
        counts: for example steps, episodes, rows, fields.
        divergence: the first difference of a failed comparison.
        fixture: path of the minimised case, if one was written.
        seconds: wall time.
    """

    level: str
    name: str
    verdict: Verdict
    detail: str = ""
    counts: dict[str, int] = dataclasses.field(default_factory=dict)
    divergence: Divergence | None = None
    fixture: str | None = None
    seconds: float = 0.0


LEVELS = {
    "agreement": "reference, itself",
    "corpus": "recorded cases",
    "L1": "property",
    "L2": "interaction",
    "L3": "rollout",
    "resets": "resets and chance",
    "transforms": "vmap, jit, scan",
    "L4": "policy transfer",
}


@dataclass
class Report:
    """Everything one run of ``envlift verify`` found.

    Attributes:
        suite: name of the suite.
        reference, candidate: what the two sides called themselves.
        pins: exact versions of the reference.
        seed: the run's seed; all chance derives from it.
        checks: in the order they ran.
        features: feature -> times reached in lockstep.
        missing: name of a check -> features and places that were never reached in it.
        reference_coverage: the reference's own counters, where it has any.
        deviations: id -> rows in which the allowed difference was seen.
        not_verified: sentences.
        not_compared: what one side has and nothing was compared with: state fields that the suite
            does not name, the end of an episode that a side does not show.
        versions: of Python and the libraries.
        sources: hashes of the candidate's rules and of what judged them, see ``envlift.sources``;
            empty where the pair is not a registered environment and its own reference.
        transfer: level 4 in numbers: ``margin``, ``reason``, ``config``, ``training``, and for
            each of ``directions`` (``candidate`` and ``reference``, where policies were trained)
            and for both ``pooled`` what ``statistics.Equivalence`` and ``Iqm`` say.
        curves: learning curves of level 4, one for each policy: ``side`` and ``seed`` of the
            training, and lists ``steps``, ``return`` and ``score``.
        visited: lines of a picture of what play visited, where there is no suite.
        compared: part of the contract (``engine.contract``) -> how it was compared; what is not
            here stands in ``not_compared``.
        noticed: how the environments return things, where that is odd but no difference.
        actions: component of the action -> choice or part of its range -> how often it was played.
        expected: component -> choice -> how often it is expected if all that was legal is drawn
            alike; empty without masks.
        interrupted: Ctrl-C ended the run early.
        unanswered: what was asked for, by the suite or by name, and could not be run; one sentence
            each. Nothing passes without it.
        repeat_with: what the command line needs beside the seed to repeat the run elsewhere.
        not_isolated: why a candidate that is not envlift's own ran without a sandbox, else empty.
    """

    suite: str
    reference: str
    candidate: str
    seed: int
    pins: dict[str, str] = dataclasses.field(default_factory=dict)
    checks: list[Check] = dataclasses.field(default_factory=list)
    features: dict[str, int] = dataclasses.field(default_factory=dict)
    missing: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    reference_coverage: dict[str, int] = dataclasses.field(default_factory=dict)
    deviations: dict[str, int] = dataclasses.field(default_factory=dict)
    not_verified: list[str] = dataclasses.field(default_factory=list)
    not_compared: list[str] = dataclasses.field(default_factory=list)
    versions: dict[str, str] = dataclasses.field(default_factory=dict)
    sources: dict[str, str] = dataclasses.field(default_factory=dict)
    transfer: dict[str, Any] = dataclasses.field(default_factory=dict)
    curves: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    visited: list[str] = dataclasses.field(default_factory=list)
    compared: dict[str, str] = dataclasses.field(default_factory=dict)
    noticed: list[str] = dataclasses.field(default_factory=list)
    actions: dict[str, dict[str, int]] = dataclasses.field(default_factory=dict)
    expected: dict[str, dict[str, float]] = dataclasses.field(default_factory=dict)
    interrupted: bool = False
    unanswered: list[str] = dataclasses.field(default_factory=list)
    repeat_with: list[str] = dataclasses.field(default_factory=list)
    not_isolated: str = ""

    @property
    def verdict(self) -> Verdict:
        """FAIL if anything failed, PASS if everything that ran passed and nothing is missing."""
        verdicts = [check.verdict for check in self.checks]
        if Verdict.FAIL in verdicts:
            return Verdict.FAIL
        compared = any(
            check.verdict is Verdict.PASS
            and check.level in ("L2", "L3")
            and not check.name.startswith(RETURNED)
            for check in self.checks
        )
        open_questions = self.interrupted or self.unanswered or not compared
        if open_questions or Verdict.INCONCLUSIVE in verdicts:
            return Verdict.INCONCLUSIVE
        return Verdict.PASS

    @property
    def scope(self) -> str:
        """What the verdict rests on, to be put behind it: the levels that passed, or why not."""
        told = f"; the candidate was NOT ISOLATED: {self.not_isolated}" if self.not_isolated else ""
        return self._rests_on() + told

    def _rests_on(self) -> str:
        verdict = self.verdict
        passed = [
            level
            for level in LEVELS
            if level != "agreement" and self.level_verdict(level) is Verdict.PASS
        ]
        levels = f"levels {', '.join(passed)}"
        if verdict is Verdict.PASS:
            return f" (random play, no suite): {levels}" if self.no_suite else f" ({levels})"
        if verdict is Verdict.FAIL:
            failed = [level for level in LEVELS if self.level_verdict(level) is Verdict.FAIL]
            return f" (in {', '.join(failed)})"
        reasons = [*self.unanswered]
        reasons += [
            f"{check.level} {check.name}: {check.detail.partition(chr(10))[0]}"
            for check in self.checks
            if check.verdict is Verdict.INCONCLUSIVE
        ]
        if not reasons and not self.interrupted:
            reasons = ["neither single transitions nor whole episodes were compared"]
        return f": {'; '.join(reasons)}" if reasons else ""

    @property
    def no_suite(self) -> bool:
        """Whether nobody has said what is to be compared."""
        return self.suite == NO_SUITE

    def level_verdict(self, level: str) -> Verdict | None:
        """Return the verdict over one level's checks, None if it has none."""
        verdicts = [check.verdict for check in self.checks if check.level == level]
        for verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS, Verdict.SKIPPED):
            if verdict in verdicts:
                return verdict
        return None

    def total(self, count: str, level: str = "L3") -> int:
        """Sum a count over the checks of a level."""
        return sum(c.counts.get(count, 0) for c in self.checks if c.level == level)

    def to_json(self) -> dict[str, Any]:
        """Return plain data with a schema version; what there is not always only where it is."""
        data = {
            "schema_version": SCHEMA_VERSION,
            "verdict": str(self.verdict),
            **plain(dataclasses.asdict(self)),
        }
        for name in ("sources", "not_isolated", "expected"):
            if not data[name]:
                del data[name]
        return data

    def write(self, path: Path) -> None:
        """Write the JSON whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(path.name + ".partial")
        text = json.dumps(self.to_json(), indent=2)
        # A learning curve stands on one line, not on a hundred.
        text = _NUMBERS.sub(lambda found: " ".join(found[0].split()), text)
        partial.write_text(text + "\n")
        partial.replace(path)


def plain(value: Any) -> Any:
    """Turn NumPy values and enums into what JSON can hold; NaN and infinity become strings."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    if isinstance(value, enum.Enum):
        return value.value
    return value
