"""What a report says, as plain data; ``report.json`` is exactly this.

Everything textual comes from evidence and ledgers, so it is untrusted: only the renderer, which
escapes, may turn it into HTML.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

SCHEMA_VERSION = 1

NOT_RUN = "NOT RUN"
"""Verdict of a level without any check."""


@dataclass(frozen=True)
class Level:
    """One level of verification.

    Attributes:
        level: L1 to L4, resets, transforms or corpus.
        title: what it compares, in words.
        verdict: PASS, FAIL, INCONCLUSIVE, SKIPPED or NOT RUN.
        checks: how many checks it had.
        counts: for example steps and episodes, summed; of fields and lanes the most at once.
    """

    level: str
    title: str
    verdict: str
    checks: int
    counts: dict[str, int] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class Gap:
    """Something that a pass does not say: ``kind`` (see ``gaps.KINDS``) and one sentence."""

    kind: str
    text: str


@dataclass(frozen=True)
class CheckRow:
    """One comparison: see ``envlift.verify.result.Check``."""

    level: str
    name: str
    verdict: str
    detail: str
    counts: dict[str, int]
    seconds: float


@dataclass(frozen=True)
class StateRow:
    """One field at the first difference: the three values as text, and whether it differs."""

    field: str
    before: str
    reference: str
    candidate: str
    differs: bool


@dataclass(frozen=True)
class Failure:
    """One failed check.

    Attributes:
        level, name, detail: of the check.
        field, step, lane: where the first difference is; None where nothing was compared in steps.
        difference: candidate minus reference, as text, empty where there is none.
        allowed: the largest difference that would have passed, in words.
        actions: the last actions of the lane, oldest first.
        states: field by field.
        repro: command that shows it again, empty without a recorded case.
        traceback: of a failed test.
        frames: ``data:`` URIs of two PNGs, ``reference`` and ``candidate`` after the step.
        no_frames: why there are none.
    """

    level: str
    name: str
    detail: str
    field: str | None = None
    step: int | None = None
    lane: int | None = None
    difference: str = ""
    allowed: str = ""
    actions: list[str] = dataclasses.field(default_factory=list)
    states: list[StateRow] = dataclasses.field(default_factory=list)
    repro: str = ""
    traceback: str = ""
    frames: dict[str, str] = dataclasses.field(default_factory=dict)
    no_frames: str = ""


@dataclass(frozen=True)
class Deviation:
    """An allowed difference: how often it was seen, and why it is allowed where that is known."""

    id: str
    seen: int | None
    field: str = ""
    reason: str = ""
    link: str = ""


@dataclass(frozen=True)
class Interval:
    """A value between two bounds."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Direction:
    """Level 4 of the policies trained in one side.

    Attributes:
        side: ``candidate`` or ``reference``, where they were trained; ``both`` for all together.
        verdict: PASS, FAIL, INCONCLUSIVE; empty for ``both``, which is for information.
        policies: how many.
        effect: return in the candidate minus return in the reference, with its 90 % interval.
        power: chance that this many pairs show equivalence where there is no difference at all.
        returns: evaluated in -> interquartile mean of the returns, with its 95 % interval.
        episode_pairs, equal_episode_pairs, training_steps: counts; 0 where not told.
    """

    side: str
    verdict: str
    policies: int
    effect: Interval
    power: float
    returns: dict[str, Interval] = dataclasses.field(default_factory=dict)
    episode_pairs: int = 0
    equal_episode_pairs: int = 0
    training_steps: int = 0


@dataclass(frozen=True)
class Curve:
    """Learning curves of one side, ``N`` places each: mean return, lowest and highest run."""

    side: str
    runs: int
    steps: list[float]
    mean: list[float]
    low: list[float]
    high: list[float]


@dataclass(frozen=True)
class Transfer:
    """Level 4: the margin fixed beforehand, why it is that, and what was found."""

    config: str
    margin: float
    reason: str
    training: dict[str, Any]
    directions: list[Direction]


@dataclass(frozen=True)
class Speedup:
    """How much faster than the reference.

    Attributes:
        what: what was compared.
        times: multiple of the reference's speed; None where no reference was measured.
        rate: steps per second of the candidate.
        where: device and date, or the turn that measured it.
    """

    what: str
    times: float | None
    rate: float
    where: str


@dataclass(frozen=True)
class Series:
    """Steps per second by batch size; ``batches[i]`` lanes gave ``rates[i]``."""

    label: str
    batches: list[int]
    rates: list[float]


@dataclass(frozen=True)
class Throughput:
    """Speed by batch size, measured in one run.

    Attributes:
        title: what and where.
        series: one for each target and way of running.
        reference: steps per second of the reference, None where not measured.
        reference_label: how the reference ran.
    """

    title: str
    series: list[Series]
    reference: float | None = None
    reference_label: str = ""


@dataclass(frozen=True)
class Mutation:
    """Planted faults: see ``envlift.report.facts.Mutation``."""

    score: float
    caught: int
    judged: int
    equivalent: int
    total: int
    by_level: dict[str, int]
    invalid: int = 0
    timeouts: int = 0


@dataclass(frozen=True)
class Spent:
    """What a part of a translation took.

    Attributes:
        module, level: None and empty for all turns together.
        turns, kept: how many turns, and how many of them the work went on from.
        unpriced: turns that ended and whose cost nobody knows; they count 0 dollars.
        dollars, seconds, judging_seconds: summed.
        input_tokens, cached_tokens, output_tokens: summed over the turns that tell.
    """

    module: str | None
    level: str
    turns: int
    kept: int
    unpriced: int
    dollars: float
    seconds: float
    judging_seconds: float
    input_tokens: int
    cached_tokens: int
    output_tokens: int


@dataclass(frozen=True)
class TurnRow:
    """One turn of a translation: see ``envlift.translate.loop.ledger.Turn``.

    Attributes:
        outcome: ``kept``, ``undone``, ``not judged`` or ``running``.
        why: fault and reason, as the loop wrote them into the ledger.
        said: the agent's last words, which nobody has checked.
        dollars, dollars_source: None and empty where nobody knows.
        diff: what the turn changed, possibly cut.
        diff_note: what was cut off, or why there is no diff.
    """

    number: int
    kind: str
    module: str | None
    level: str
    agent: str
    model: str
    started: str
    status: str
    outcome: str
    why: str
    said: str
    verdicts: dict[str, str]
    failing: list[str]
    files: int
    added: int
    removed: int
    input_tokens: int | None
    cached_tokens: int | None
    output_tokens: int | None
    dollars: float | None
    dollars_source: str
    seconds: float
    judging_seconds: float
    prompt_sha256: str
    base: str
    commit: str
    fixtures: list[str]
    diff: str
    diff_note: str


@dataclass(frozen=True)
class Translation:
    """A ledger: its turns, what they took, and what was noted between them."""

    name: str
    target: str
    turns: list[TurnRow]
    total: Spent
    by_module_and_level: list[Spent]
    notes: list[str]


@dataclass(frozen=True)
class RuleRow:
    """One written rule and who speaks of it.

    Attributes:
        id, text: of the rule.
        tests, functions: places of the reference's tests and of the reference.
        not_tested: why there is no test; empty where one is asked for.
        parts: level (L1, L2, L3) -> parts of the suite that name it.
        applied: how often the reference applied it in the comparison, None where it does not count.
    """

    id: str
    text: str
    tests: list[str]
    functions: list[str]
    not_tested: str
    parts: dict[str, list[str]]
    applied: int | None


@dataclass(frozen=True)
class Fact:
    """One line of provenance."""

    group: str
    name: str
    value: str


@dataclass(frozen=True)
class Subject:
    """One pair of environments and all that is known of it.

    Attributes:
        id: unique on the page, for links within it.
        title: short name.
        source: the SOURCE it comes from, as it was given.
        kind: ``evidence``, ``environment`` or ``project``.
        reference, candidate: what the two sides called themselves, empty where nobody knows.
        verdict: PASS, FAIL or INCONCLUSIVE.
        why: one sentence where the verdict is not simply that of the checks, or the candidate was
            not isolated; else empty.
        missing: what a source of this kind does not hold: section -> sentence.
    """

    id: str
    title: str
    source: str
    kind: str
    reference: str
    candidate: str
    verdict: str
    why: str = ""
    levels: list[Level] = dataclasses.field(default_factory=list)
    gaps: list[Gap] = dataclasses.field(default_factory=list)
    failures: list[Failure] = dataclasses.field(default_factory=list)
    checks: list[CheckRow] = dataclasses.field(default_factory=list)
    features: dict[str, int] = dataclasses.field(default_factory=dict)
    reference_coverage: dict[str, int] = dataclasses.field(default_factory=dict)
    deviations: list[Deviation] = dataclasses.field(default_factory=list)
    transfer: Transfer | None = None
    curves: list[Curve] = dataclasses.field(default_factory=list)
    speedups: list[Speedup] = dataclasses.field(default_factory=list)
    throughput: list[Throughput] = dataclasses.field(default_factory=list)
    mutation: Mutation | None = None
    translation: Translation | None = None
    rules: list[RuleRow] = dataclasses.field(default_factory=list)
    provenance: list[Fact] = dataclasses.field(default_factory=list)
    missing: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """A whole report.

    Attributes:
        made: UTC, ISO 8601.
        made_by: envlift and its version.
        subjects: in the order of the sources.
    """

    made: str
    made_by: str
    subjects: list[Subject]
    schema_version: int = SCHEMA_VERSION
