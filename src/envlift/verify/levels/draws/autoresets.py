"""Do episodes that follow an end by themselves start as they should?

``env.step`` draws the next start from a key of its own making. Lockstep never sees that key, and
``transforms`` takes the candidate's word for it. So here keys are the verifier's, and the starts
that come of them are compared as a distribution with the reference's, with each other, and with
what came before them.

Shape letters: ``E`` states one step before an end, ``N`` starts.
"""

from __future__ import annotations

from envlift.reference.types import Array, StateDict
from envlift.verify.engine.actions import random_actions
from envlift.verify.engine.lockstep import MAX_SEED
from envlift.verify.levels.draws import resets
from envlift.verify.levels.draws.independence import neighbours, weakest
from envlift.verify.levels.steps.pool import can_copy, pool_of_states
from envlift.verify.run.context import Context
from envlift.verify.run.result import Check, Verdict
from envlift.verify.sides.probing import can_probe, probe, state_arguments

POOL = 8_192
"""States that are tried for being one step before an end."""

LANES, LONG = 16, 2_048
"""Where none is found, that much random play is searched for ends."""

NOT_SEEN = "starts after an end, for no episode ended in {0:,} steps of the candidate's own play"


def run(context: Context) -> None:
    """Compare starts after an end with the reference's, with each other, with what came before."""
    if not can_probe(context.candidate):
        return
    with context.check("resets", "starts after an end") as check:
        found = _endings(context)
        if found is None:
            context.report.not_compared.append(NOT_SEEN.format(LANES * LONG))
            check.verdict = Verdict.SKIPPED
            check.detail = f"no episode ended in {LANES * LONG:,} steps of its own play"
            return
        _compare(context, check, *found)


def _compare(context: Context, check: Check, states: StateDict, actions: Array) -> None:
    rng, suite = context.rng, context.suite
    count = max(256, context.effort.resets)
    rows = rng.integers(0, len(actions), size=count)
    before = {name: values[rows] for name, values in states.items()}
    answers = probe(
        context.candidate,
        "step.keyed",
        seed=rng.integers(0, 2**62),
        actions=actions[rows],
        **state_arguments(before),
    )
    ended = answers["ended"]
    own = {
        name.removeprefix("state."): values[ended]
        for name, values in answers.items()
        if name.startswith("state.")
    }
    shown = suite.reference_state(own)
    named = {one.name: shown[one.name] for one in suite.state if one.name in shown}
    starts = {**named, "observation": answers["observation"][ended]}
    check.counts = {"episodes": int(ended.sum()), "endings": len(actions)}
    if len(starts["observation"]) < count // 8:
        check.detail = f"of {count} steps that ended before only {int(ended.sum())} do so again"
        return
    reference = resets.starts_of_reference(context, count)
    check.verdict, check.detail = resets.starts_vary(reference, starts, len(starts["observation"]))
    if check.verdict is not Verdict.PASS:
        check.detail = f"after an end {check.detail}"
        return
    past = {
        **{f"the last {n}": v[ended] for n, v in before.items()},
        "action": actions[rows][ended],
    }
    found = resets.compare_starts(reference, starts)
    smallest, worst = min(found)
    tests = [
        (min(1.0, smallest * len(found)), f"{worst}, against the reference's starts", len(found)),
        weakest(past, starts, rng),
        neighbours(starts, rng),
    ]
    smallest, worst, _ = min(tests)
    number = sum(test[2] for test in tests)
    smallest = min(1.0, smallest * len(tests))
    check.counts["tests"] = number
    check.verdict = Verdict.FAIL if smallest < resets.ALPHA else Verdict.PASS
    check.detail = f"smallest p = {smallest:.2g}, corrected for {number} tests ({worst})"


def _endings(context: Context) -> tuple[StateDict, Array] | None:
    """Return states [E, ...] of the candidate and actions [E, ...] that end an episode."""
    rng, candidate = context.rng, context.candidate
    if can_copy(context):
        states = pool_of_states(context, POOL)
        actions = random_actions(context.reference.spec, rng, (POOL,))
        actions = actions.astype(candidate.spec.action.dtype)
        seeds = rng.integers(0, 2**62, size=POOL)
        played = probe(
            candidate, "step.taken", seeds=seeds, actions=actions, **state_arguments(states)
        )
        ended = played["[3]"] | played["[4]"]
        if ended.any():
            return {name: values[ended] for name, values in states.items()}, actions[ended]
    actions = random_actions(context.reference.spec, rng, (LONG, LANES))
    played = probe(
        candidate,
        "step.endings",
        seeds=rng.integers(0, MAX_SEED, size=LANES),
        actions=actions.astype(candidate.spec.action.dtype),
    )
    ended = played.pop("ended")
    if not ended.any():
        return None
    states = {name.removeprefix("state."): v[ended] for name, v in played.items()}
    return states, actions[ended].astype(candidate.spec.action.dtype)
