"""Do episodes start as they should, and is chance drawn as it should be?

Lockstep gives both sides the same chance, so it cannot see a candidate that draws its own chance
wrongly. Here the candidate draws for itself.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

from envlift.reference.types import Array, Side, StateDict
from envlift.verify.context import Context
from envlift.verify.env_side import AnyEnv, env_of, keys_of
from envlift.verify.guard import judged
from envlift.verify.lockstep import MAX_SEED
from envlift.verify.result import Verdict

ALPHA = 1e-6
"""Chance of a false alarm per field: seeds are fresh on every run, and a run has many tests."""


def run(context: Context) -> None:
    """Compare resets by seed: agreement, difference, distribution; then the chance of steps."""
    candidate = _resets(context, context.candidate, context.effort.resets)
    _equal_seeds_agree(context)
    _seeds_and_lanes_differ(context, candidate)
    _distribution(context, candidate)
    env = env_of(context.candidate)
    if env is not None and context.suite.chance_outcome is not None:
        _step_chance(context, env)


def _resets(context: Context, side: Side, count: int, own: bool = True) -> StateDict:
    """Start ``count`` episodes by fresh seeds; return state and observation, each [count, ...]."""
    rows: list[StateDict] = []
    for _ in range(max(1, count // side.num_lanes)):
        seeds = context.rng.integers(0, MAX_SEED, size=side.num_lanes)
        chance = None if own else context.suite.draw(context.rng, (side.num_lanes,))
        rows.append(_shown(context, side, seeds, chance))
    return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}


def _shown(context: Context, side: Side, seeds: Array, chance: Array | None) -> StateDict:
    record = side.reset(seeds, chance)
    state = record.state
    if side is context.candidate:
        state = context.suite.reference_state(state)
    named = {field.name: state[field.name] for field in context.suite.state if field.name in state}
    return {**named, "observation": record.observation}


def _equal_seeds_agree(context: Context) -> None:
    with context.check("resets", "equal seeds agree") as check:
        seeds = context.rng.integers(0, MAX_SEED, size=context.candidate.num_lanes)
        first = _shown(context, context.candidate, seeds, None)
        again = _shown(context, context.candidate, seeds, None)
        order = context.rng.permutation(len(seeds))
        moved = _shown(context, context.candidate, seeds[order], None)
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
    counts = np.unique(flat, axis=0, return_counts=True)[1]
    return np.asarray(counts / len(flat))


def _distribution(context: Context, candidate: StateDict) -> None:
    with context.check("resets", "distribution of starts") as check:
        own = context.suite.start == "copy"
        reference = _resets(context, context.reference, context.effort.resets, own)
        smallest, worst = 1.0, ""
        tests = 0
        for name, theirs in candidate.items():
            ours = reference[name]
            if theirs.shape[1:] != ours.shape[1:]:
                check.verdict = Verdict.FAIL
                check.detail = f"{name} has shape {theirs.shape[1:]}, not {ours.shape[1:]}"
                return
            for index in np.ndindex(*ours.shape[1:]):
                at = (slice(None), *index)
                p = same_distribution(ours[at], theirs[at])
                tests += 1
                if p < smallest:
                    smallest, worst = p, f"{name}{list(index) if index else ''}"
        check.counts = {"episodes": len(candidate["observation"]), "tests": tests}
        check.verdict = Verdict.FAIL if smallest < ALPHA else Verdict.PASS
        check.detail = f"smallest p = {smallest:.2g}" + (f" ({worst})" if worst else "")


def _step_chance(context: Context, env: AnyEnv) -> None:
    """Compare what ``env.sample`` draws with what the suite says chance is."""
    suite, count = context.suite, context.effort.resets * 4
    assert suite.chance_outcome is not None
    with context.check("resets", "chance of a step") as check:
        expected = suite.draw(context.rng, (count,))
        if expected is None:
            check.verdict = Verdict.SKIPPED
            check.detail = "the suite draws no chance"
            return
        # Keys as users make them: split from one, so that neighbours are related.
        keys = jax.random.split(keys_of(context.rng.integers(0, 2**62, size=())), count)
        spec = context.candidate.spec.action
        action = jnp.zeros(spec.shape, dtype=spec.dtype)
        with judged("sample"):
            state = env.initial(env.sample_initial(keys[0]))
            drawn = jax.jit(jax.vmap(lambda key: env.sample(key, state, action)))(keys)
            leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(drawn)]
        chance = leaves[0] if len(leaves) == 1 else np.stack(leaves, axis=-1)
        ours, theirs = suite.chance_outcome(expected), suite.chance_outcome(chance)
        p = same_distribution(ours, theirs)
        serial = _serial_p(theirs)
        check.counts = {"draws": count, "tests": 2}
        check.verdict = Verdict.FAIL if min(p, serial) < ALPHA else Verdict.PASS
        check.detail = f"p = {p:.2g}; independence of neighbouring keys p = {serial:.2g}"


def same_distribution(reference: Array, candidate: Array) -> float:
    """Return the p-value that two samples [N] come from one distribution.

    Values that come often enough: chi-squared on their counts, which also sees what an encoded
    number hides from an ordering. Otherwise Kolmogorov-Smirnov.
    """
    reference, candidate = reference.astype(np.float64), candidate.astype(np.float64)
    if np.isnan(reference).any() or np.isnan(candidate).any():
        return 0.0
    # A last bit is the business of the comparisons step by step, not of a distribution.
    scale = max(np.abs(reference).max(), np.abs(candidate).max()) or 1.0
    reference, candidate = np.round(reference / scale, 6), np.round(candidate / scale, 6)
    values = np.unique(np.concatenate([reference, candidate]))
    if len(values) == 1:
        return 1.0
    if len(values) > max(FEW, (len(reference) + len(candidate)) // PER_VALUE):
        result: Any = stats.ks_2samp(reference, candidate)
        return float(result.pvalue)
    table = np.array([[int((side == v).sum()) for v in values] for side in (reference, candidate)])
    return float(stats.chi2_contingency(table, correction=False).pvalue)


def _serial_p(outcomes: Array) -> float:
    """Return the p-value that each outcome is uncorrelated with the next."""
    x = outcomes.reshape(len(outcomes), -1)[:, 0].astype(np.float64)
    if x.std() == 0:
        return 1.0
    r = float(np.corrcoef(x[:-1], x[1:])[0, 1])
    return math.erfc(abs(r) * math.sqrt((len(x) - 1) / 2))
