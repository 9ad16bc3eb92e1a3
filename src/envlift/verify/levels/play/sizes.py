"""Is an episode the same in a batch of another size, and in one that is played for long?

A candidate that keeps its lanes together (a vector environment, a program) may be right in as many
lanes as the other checks play, and wrong in more, or in one. One that JAX batches is asked for that
by itself (``levels.itself.batches``); a Gymnasium environment has an object for every lane.
"""

from __future__ import annotations

from envlift.verify.engine.lockstep import Lockstep
from envlift.verify.run.context import Context
from envlift.verify.run.result import Verdict
from envlift.verify.sides.probing import can_probe
from envlift.verify.suite import Policy

MANY = 131
"""Lanes of the larger batch: more than the 128 or the 32, 64 and 100 of a slip."""

SHORT, LONG = 64, 1_200
"""Steps of it, and of the single lane; never more than the other checks may play."""

QUICK_LONG = 640

ENOUGH = 8
"""Lanes that the run has, or the pair is too slow, or was asked, to be played in more."""

WHAT = "batches of other sizes"


def run(context: Context) -> None:
    """Play one lane for long and many for a short time, side by side."""
    candidate = context.suite.candidate
    if can_probe(context.candidate) or str(candidate).startswith("gymnasium:"):
        return
    if context.reference.num_lanes < ENOUGH:
        _not_verified(context, f"with {context.reference.num_lanes} lanes only one size is played")
        return
    long = min(context.effort.max_steps, QUICK_LONG if context.effort.hurried else LONG)
    with context.check("L3", WHAT) as check:
        steps, played = 0, []
        for lanes, most in ((1, long), (MANY, SHORT)):
            with context.open_sides(lanes) as (reference, side):
                if reference.num_lanes < lanes:
                    continue
                one = Lockstep(context.suite, context.config, reference, side, context.rng)
                # As many ends as nobody reaches: all the steps are played.
                one.play(Policy("random"), max_steps=most, min_ends=most + 1)
            outcome = one.outcome
            steps += outcome.steps
            for name, count in outcome.deviations.items():
                allowed = context.report.deviations
                allowed[name] = allowed.get(name, 0) + count
            check.counts = {"steps": steps}
            if outcome.divergence is not None:
                context.fail(check, outcome.divergence, outcome.history)
                check.detail = f"with {lanes} lane{'s' if lanes > 1 else ''}, {check.detail}"
                return
            played.append(str(lanes))
        check.verdict = Verdict.PASS
        check.detail = f"lanes {', '.join(played)}; random play, {long} steps in one lane"
    if len(played) < 2:
        _not_verified(context, f"making {MANY} lanes takes long")


def _not_verified(context: Context, why: str) -> None:
    line = f"{WHAT} [{context.config.name}]: {why}"
    context.report.not_verified += [line] * (line not in context.report.not_verified)
