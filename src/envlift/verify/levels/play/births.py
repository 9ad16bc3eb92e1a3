"""L3: the first episodes of new environments, and all that follow them.

Some environments keep something over their resets: running means, counters, a generator that no
seed reaches. Such a one repeats itself from its making on only. So both sides are made anew and
given the same seeds and actions from then on; before a difference counts, two new references are.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace

import numpy as np

from envlift.reference.types import Side
from envlift.verify.engine.lockstep import Lockstep, Outcome
from envlift.verify.run.context import Context
from envlift.verify.run.result import Verdict
from envlift.verify.suite import Policy, applies


def run(context: Context) -> dict[str, int]:
    """Play every policy in new environments of both sides; return which features were reached."""
    reached: dict[str, int] = {}
    for policy in context.suite.policies:
        if not applies(policy, context.config):
            continue
        with context.check("L3", f"lockstep from the first episode: {policy.name} play") as check:
            seed = int(context.rng.integers(0, 2**31))
            lanes = context.effort.lanes
            with context.open_sides(lanes) as (reference, candidate):
                outcome = _play(context, policy, seed, reference, candidate)
            ends = int(outcome.ends_per_lane.min())
            check.counts = {
                "steps": outcome.steps,
                "episodes": outcome.episodes,
                "lanes": lanes,
                "fields": len(context.suite.state) + 4,
            }
            check.verdict = Verdict.PASS
            check.detail = f"at least {ends} episode ends in every lane"
            if outcome.divergence is not None:
                with contextlib.ExitStack() as stack:
                    pair = [
                        stack.enter_context(contextlib.closing(context.open_stranger(lanes, "0")))
                        for _ in range(2)
                    ]
                    itself = _play(context, policy, seed, pair[0], pair[1])
                if itself.divergence is not None:
                    check.verdict = Verdict.INCONCLUSIVE
                    check.detail = (
                        "the reference differs from itself: two new ones, given the same seeds and "
                        "actions, went different ways"
                    )
                    return reached
                context.fail(check, outcome.divergence, None)
                return reached
            for name, count in outcome.features.items():
                reached[name] = reached.get(name, 0) + count
            if ends < context.effort.min_ends:
                check.verdict = Verdict.INCONCLUSIVE
                check.detail = (
                    f"a lane ended {ends} episodes in {context.effort.max_steps:,} steps; "
                    f"{context.effort.min_ends} are needed: raise --max-steps"
                )
    return reached


def _play(context: Context, policy: Policy, seed: int, reference: Side, candidate: Side) -> Outcome:
    suite = replace(context.suite, start="seed")
    run = Lockstep(suite, context.config, reference, candidate, np.random.default_rng(seed))
    return run.play(
        policy,
        max_steps=context.effort.max_steps,
        min_steps=context.effort.min_steps,
        min_ends=context.effort.min_ends,
        features=tuple(f for f in context.suite.features if applies(f, context.config)),
        progress=context.progress.advance,
    )
