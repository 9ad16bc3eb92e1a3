"""Is the chance of a step drawn as it should be, in every state and for every action?

Lockstep gives both sides the same chance, so it cannot see a candidate that draws its own wrongly:
always alike, or as it likes it once a game is nearly lost. Here the candidate draws for itself.
"""

from __future__ import annotations

import numpy as np

from envlift.reference.types import Array
from envlift.verify.engine.actions import random_actions
from envlift.verify.engine.lockstep import MAX_SEED
from envlift.verify.levels.draws.independence import neighbours, weakest
from envlift.verify.levels.draws.resets import ALPHA, same_distribution
from envlift.verify.levels.steps.pool import pool_of_states
from envlift.verify.run.context import Context
from envlift.verify.run.result import Check, Verdict
from envlift.verify.sides.probing import can_probe, probe, state_arguments

UNNAMED = "the chance of a step as the candidate draws it (the suite names no chance_outcome)"


def run(context: Context) -> None:
    """Compare what ``env.sample`` draws with what the suite says chance is."""
    if not can_probe(context.candidate):
        return
    if context.suite.chance_outcome is None:
        if context.suite.start == "chance" and UNNAMED not in context.report.not_compared:
            context.report.not_compared.append(UNNAMED)
        return
    with context.check("resets", "chance of a step") as check:
        expected = context.suite.draw(context.rng, (context.effort.resets * 4,))
        if expected is None:
            check.verdict = Verdict.SKIPPED
            check.detail = "the suite draws no chance"
            return
        _compare(context, check, expected)


def _compare(context: Context, check: Check, expected: Array) -> None:
    suite, candidate, rng = context.suite, context.candidate, context.rng
    assert suite.chance_outcome is not None
    count = len(expected)
    states = pool_of_states(context, count)
    actions = random_actions(context.reference.spec, rng, (count,))
    actions = actions.astype(candidate.spec.action.dtype)
    # Keys are split from one, as users make them, so that neighbours are related.
    drawn = probe(
        candidate,
        "chance.step",
        seed=rng.integers(0, 2**62),
        actions=actions,
        **state_arguments(states),
    )
    if "chance" not in drawn:
        # All chance of such a game is that of its starts.
        _compare_starts(context, check, expected)
        return
    ours, theirs = suite.chance_outcome(expected), suite.chance_outcome(drawn["chance"])
    outcome = {"the outcome": theirs.reshape(count, -1)}
    before = {**{f"the state's {name}": v for name, v in states.items()}, "the action": actions}
    tests = [
        (same_distribution(ours, theirs), "against the suite's", 1),
        neighbours(outcome, rng),
        weakest(before, outcome, rng),
    ]
    smallest, worst, _ = min(tests)
    number = sum(test[2] for test in tests)
    smallest = min(1.0, smallest * len(tests))
    check.counts = {"draws": count, "tests": number}
    check.verdict = Verdict.FAIL if smallest < ALPHA else Verdict.PASS
    check.detail = (
        f"smallest p = {smallest:.2g}, corrected for {number} tests ({worst}), over states of play "
        "and all actions"
    )


def _compare_starts(context: Context, check: Check, expected: Array) -> None:
    """Compare what ``env.sample_initial`` draws, where a step draws nothing."""
    suite, candidate, rng = context.suite, context.candidate, context.rng
    assert suite.chance_outcome is not None
    seeds = int(rng.integers(0, MAX_SEED)) + np.arange(len(expected))
    drawn = probe(candidate, "chance.start", seeds=seeds)
    if "chance" not in drawn:
        check.verdict = Verdict.FAIL
        check.detail = "the suite draws chance, the candidate draws none, in starts or in steps"
        return
    ours, theirs = suite.chance_outcome(expected), suite.chance_outcome(drawn["chance"])
    tests = [
        (same_distribution(ours, theirs), "against the suite's", 1),
        neighbours({"the outcome": theirs.reshape(len(theirs), -1)}, rng),
    ]
    smallest, worst, _ = min(tests)
    number = sum(test[2] for test in tests)
    smallest = min(1.0, smallest * len(tests))
    check.counts = {"draws": len(expected), "tests": number}
    check.verdict = Verdict.FAIL if smallest < ALPHA else Verdict.PASS
    check.detail = (
        f"a step draws nothing; of starts the smallest p = {smallest:.2g}, corrected for {number} "
        f"tests ({worst})"
    )
