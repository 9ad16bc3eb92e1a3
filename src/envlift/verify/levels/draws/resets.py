"""Do episodes start as they should?

Lockstep gives both sides the same chance, so it cannot see a candidate that draws its own chance
wrongly. Here the candidate draws for itself.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import scipy

from envlift.reference.types import Array, Side, StateDict
from envlift.verify.engine.lockstep import MAX_SEED
from envlift.verify.engine.two_sample import smirnov
from envlift.verify.levels.draws.wide import distributed, narrowed, wide_text
from envlift.verify.run.context import Context
from envlift.verify.run.result import Verdict

ALPHA = 1e-6
"""Chance of a false alarm per check: seeds are fresh on every run, and a run has many checks."""

BINS = 24
"""Bins of equal content in which the shapes of two continuous samples are compared."""

MOST_PAIRED = 64
"""Coordinates up to which every pair is compared: there are as many pairs as their square."""


def run(context: Context) -> None:
    """Compare resets by seed: agreement, difference, distribution."""
    candidate = _resets(context, context.candidate, context.effort.resets)
    _equal_seeds_agree(context)
    _seeds_and_lanes_differ(context, candidate)
    _distribution(context, candidate)


def starts_of_reference(context: Context, count: int) -> StateDict:
    """Start ``count`` episodes of the reference; return state and observation, [count, ...]."""
    return _resets(context, context.reference, count, context.suite.start == "copy")


def _resets(context: Context, side: Side, count: int, own: bool = True) -> StateDict:
    """Start ``count`` episodes by fresh seeds; return state and observation, each [count, ...]."""
    rows: list[StateDict] = []
    for _ in range(max(1, count // side.num_lanes)):
        seeds = context.rng.integers(0, MAX_SEED, size=side.num_lanes)
        # A side that draws nothing itself is given what it asks for, whoever it is.
        given = not own or side.spec.chance is not None
        chance = context.suite.draw(context.rng, (side.num_lanes,)) if given else None
        rows.append(_shown(context, side, seeds, chance))
    return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}


def _shown(context: Context, side: Side, seeds: Array, chance: Array | None) -> StateDict:
    record = side.reset(seeds, chance)
    state = record.state
    if side is context.candidate:
        state = context.suite.reference_state(state)
    named = {field.name: state[field.name] for field in context.suite.state if field.name in state}
    shown = {**named, "observation": record.observation}
    return narrowed(shown, context.report.seed)


def _equal_seeds_agree(context: Context) -> None:
    with context.check("resets", "equal seeds agree") as check:
        if not context.suite.repeats:
            check.verdict = Verdict.SKIPPED
            check.detail = "equal seeds do not give equal episodes of the reference either"
            return
        seeds = context.rng.integers(0, MAX_SEED, size=context.candidate.num_lanes)
        taken = context.candidate.spec.chance is not None
        chance = context.suite.draw(context.rng, (len(seeds),)) if taken else None
        first = _shown(context, context.candidate, seeds, chance)
        again = _shown(context, context.candidate, seeds, chance)
        order = context.rng.permutation(len(seeds))
        moved_chance = None if chance is None else chance[order]
        moved = _shown(context, context.candidate, seeds[order], moved_chance)
        unequal = [n for n in first if not np.array_equal(first[n], again[n])]
        by_lane = [n for n in first if not np.array_equal(first[n][order], moved[n])]
        check.counts = {"episodes": 3 * len(seeds)}
        check.verdict = Verdict.FAIL if unequal or by_lane else Verdict.PASS
        if unequal:
            check.detail = f"{unequal[0]} differs between two resets with one seed"
        elif by_lane:
            check.detail = f"{by_lane[0]} depends on the lane besides the seed"
        else:
            check.detail = "in every lane"


def _seeds_and_lanes_differ(context: Context, candidate: StateDict) -> None:
    """A candidate that ignores its seed starts every episode alike where the reference does not."""
    with context.check("resets", "seeds and lanes differ") as check:
        own = context.suite.start == "copy"
        reference = _resets(context, context.reference, context.effort.resets, own)
        count = len(candidate["observation"])
        check.counts = {"episodes": count, "distinct": len(_shares(candidate))}
        lanes = context.candidate.num_lanes
        check.verdict, check.detail = starts_vary(reference, candidate, lanes)


def starts_vary(reference: StateDict, candidate: StateDict, lanes: int) -> tuple[Verdict, str]:
    """Say whether a candidate's starts vary with seed and lane, if the reference's vary at all.

    Args:
        reference: starts of the reference, every field [R, ...].
        candidate: starts of the candidate, [C, ...], one batch of lanes after the other.
        lanes: of a batch.
    """
    shares, count = _shares(reference), len(next(iter(candidate.values())))
    ours, theirs = len(shares), len(_shares(candidate))
    batches = [
        {name: value[first : first + lanes] for name, value in candidate.items()}
        for first in range(0, count, lanes)
    ]
    # How likely the reference's own starts would look like that.
    if ours > 1 and theirs == 1:
        chance, told = float((shares**count).sum()), "it ignores its seed or its lane"
    elif ours > 1 and lanes > 1 and all(len(_shares(batch)) == 1 for batch in batches):
        chance, told = float((shares**lanes).sum()) ** len(batches), "it ignores its lane"
    else:
        return Verdict.PASS, f"{theirs} distinct starts, the reference has {ours}"
    if chance >= ALPHA:
        told = f"whether {told} cannot be told from {count} starts"
    words = f"the reference starts in {ours} different ways, the candidate in {theirs}: {told}"
    return (Verdict.FAIL if chance < ALPHA else Verdict.INCONCLUSIVE), words


FEW = 32
"""Distinct values whose counts are always compared."""

PER_VALUE = 16
"""How often a value must come on average, over both samples, for counts to be compared."""


def _shares(rows: StateDict) -> Array:
    """Return how often each distinct row comes, as a share; one number for each."""
    flat = np.concatenate([v.reshape(len(v), -1).astype(np.float64) for v in rows.values()], axis=1)
    # Zero and minus zero are one start.
    counts = Counter(row.tobytes() for row in flat + 0.0)
    return np.array(list(counts.values())) / len(flat)


def _distribution(context: Context, candidate: StateDict) -> None:
    with context.check("resets", "distribution of starts") as check:
        own = context.suite.start == "copy"
        reference = _resets(context, context.reference, context.effort.resets, own)
        for name, theirs in candidate.items():
            ours = reference[name]
            if theirs.shape[1:] != ours.shape[1:]:
                check.verdict = Verdict.FAIL
                check.detail = f"{name} has shape {theirs.shape[1:]}, not {ours.shape[1:]}"
                return
        found = compare_starts(distributed(reference), distributed(candidate))
        check.counts = {"episodes": len(candidate["observation"]), "tests": len(found)}
        smallest, worst = min(found)
        # As many tests as there are give that many chances of a false alarm.
        smallest = min(1.0, smallest * len(found))
        check.verdict = Verdict.FAIL if smallest < ALPHA else Verdict.PASS
        check.detail = f"smallest p = {smallest:.2g}, corrected for {len(found)} tests ({worst})"
        if wide := wide_text(candidate):
            check.detail += f"; compared: {wide}"
            context.report.not_compared.append(f"starts as distributions beyond {wide}")


def compare_starts(reference: StateDict, candidate: StateDict) -> list[tuple[float, str]]:
    """Compare two samples of starts; return p-values and what each is of.

    Every coordinate by itself, the size of every vector as a whole, which shows a scale that is
    wrong everywhere sooner, and every pair of coordinates, unless there are too many.

    Args:
        reference, candidate: fields of equal shapes, [N, ...] and [M, ...].
    """
    found: list[tuple[float, str]] = []
    rows: dict[str, tuple[Array, Array]] = {}
    for name, theirs in candidate.items():
        ours = reference[name]
        for index in np.ndindex(*ours.shape[1:]):
            at = (slice(None), *index)
            label = f"{name}{list(index) if index else ''}"
            rows[label] = (ours[at].astype(np.float64), theirs[at].astype(np.float64))
            found.append((same_distribution(*rows[label]), label))
        if ours[0].size > 1:
            found.append((same_distribution(*_sizes(ours, theirs)), f"size of {name}"))
    if len(rows) <= MOST_PAIRED:
        pairs = same_dependence(*(np.stack(s, axis=1) for s in zip(*rows.values(), strict=True)))
        labels = list(rows)
        found += [(p, f"{labels[i]} with {labels[j]}") for (i, j), p in pairs.items()]
    return found


def _sizes(reference: Array, candidate: Array) -> tuple[Array, Array]:
    """Return the squared lengths of two samples of vectors, each coordinate in units of its own."""
    flat = (v.reshape(len(v), -1).astype(np.float64) for v in (reference, candidate))
    whole = np.concatenate(_rounded(*flat))
    spread = whole.std(axis=0)
    lengths = (((whole - whole.mean(axis=0)) / np.where(spread > 0, spread, 1.0)) ** 2).sum(axis=1)
    return lengths[: len(reference)], lengths[len(reference) :]


def same_distribution(reference: Array, candidate: Array) -> float:
    """Return the p-value that two samples [N] come from one distribution.

    Values that come often enough: chi-squared on their counts, which also sees what an encoded
    number hides from an ordering. Otherwise Kolmogorov-Smirnov, which is slow to see another width
    or shape, and for these the distances from the median and the counts in bins; the smallest of
    the three, times three.
    """
    reference, candidate = reference.astype(np.float64), candidate.astype(np.float64)
    if np.isnan(reference).any() or np.isnan(candidate).any():
        return 0.0
    reference, candidate = _rounded(reference, candidate)
    values = np.unique(np.concatenate([reference, candidate]))
    if len(values) == 1:
        return 1.0
    if len(values) > max(FEW, (len(reference) + len(candidate)) // PER_VALUE):
        return _same_continuous(reference, candidate)
    table = np.array([[int((side == v).sum()) for v in values] for side in (reference, candidate)])
    return float(scipy.stats.chi2_contingency(table, correction=False).pvalue)


def _rounded(reference: Array, candidate: Array) -> tuple[Array, Array]:
    """Return two samples [N, ...] and [M, ...] in six digits of each coordinate's largest.

    A last bit is the business of the comparisons step by step, not of a distribution.
    """
    scale = np.maximum(np.abs(reference).max(axis=0), np.abs(candidate).max(axis=0))
    scale = np.where(scale > 0, scale, 1.0)
    return np.round(reference / scale, 6), np.round(candidate / scale, 6)


def _same_continuous(reference: Array, candidate: Array) -> float:
    pooled = np.concatenate([reference, candidate])
    place: Any = smirnov(reference, candidate)
    middle = np.median(pooled)
    spread = _welch(*_moments(np.abs(reference - middle)), *_moments(np.abs(candidate - middle)))
    edges = np.unique(np.quantile(pooled, np.linspace(0, 1, BINS + 1)[1:-1]))
    table = np.array(
        [
            np.bincount(np.searchsorted(edges, side), minlength=len(edges) + 1)
            for side in (reference, candidate)
        ]
    )
    table = table[:, table.sum(axis=0) > 0]
    shape = (
        scipy.stats.chi2_contingency(table, correction=False).pvalue if table.shape[1] > 1 else 1.0
    )
    return min(1.0, 3 * min(float(place.pvalue), float(spread), float(shape)))


def same_dependence(reference: Array, candidate: Array) -> dict[tuple[int, int], float]:
    """Return for every pair of coordinates the p-value that they hang together alike.

    Two coordinates may each be drawn as they should and still be one number drawn once. What is
    compared is the mean product of their ranks, centred, in samples [N, D] and [M, D].
    """
    ranks = scipy.stats.rankdata(np.concatenate(_rounded(reference, candidate)), axis=0)
    ranks = ranks / len(ranks) - (len(ranks) + 1) / (2 * len(ranks))
    sides = []
    for part in (ranks[: len(reference)], ranks[len(reference) :]):
        mean = part.T @ part / len(part)
        squares = (part**2).T @ part**2 / len(part)
        sides += [mean, np.maximum(squares - mean**2, 0.0), len(part)]
    p = _welch(*sides)
    count = reference.shape[1]
    return {(i, j): float(p[i, j]) for i in range(count) for j in range(i + 1, count)}


def _moments(values: Array) -> tuple[Any, Any, int]:
    return values.mean(), values.var(), len(values)


def _welch(mean: Any, var: Any, n: int, other_mean: Any, other_var: Any, m: int) -> Any:
    """Return the p-value of equal means; for samples large enough to take the normal's tail."""
    error = np.sqrt(var / n + other_var / m)
    difference = np.abs(mean - other_mean)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(difference > 1e-12, difference / error, 0.0)
    return 2 * scipy.stats.norm.sf(z)
