"""L3: is a whole episode the same?

Lockstep under random and purposeful policies, across several episode ends per lane, with a gate:
every feature of the suite must have been reached. State is copied within an episode only if the
configuration says so. Where a suite asks, also how long the two stay together by themselves.
"""

from __future__ import annotations

from envlift.verify.engine.lockstep import Lockstep, Outcome
from envlift.verify.levels.asking import contract
from envlift.verify.levels.play import (
    births,
    distributions,
    exploration,
    horizon,
    onward,
    sizes,
)
from envlift.verify.run.context import Context
from envlift.verify.run.result import Verdict
from envlift.verify.suite import Config, Feature, Place, Policy, applies


def run(context: Context) -> None:
    """Play every policy, then look whether every feature and place was reached."""
    before = _counters(context)
    if context.born or context.suite.start == "apart":
        found = births.run(context) if context.born else distributions.run(context)
        _add(found, _places(context, before))
        _add(context.report.features, found)
        _coverage_gate(context, found)
        return
    failed = False
    reached: dict[str, int] = {}
    for policy in context.suite.policies:
        if applies(policy, context.config):
            outcome = _play(context, policy)
            failed |= outcome.divergence is not None
            _add(reached, outcome.features)
    from_scenarios = onward.run(context)
    failed |= from_scenarios is None
    _add(reached, from_scenarios or {})
    _add(reached, _places(context, before))
    _add(context.report.features, reached)
    if not failed:
        _coverage_gate(context, reached)
        exploration.run(context)
        sizes.run(context)
    contract.run(context)
    horizon.run(context)


def _counters(context: Context) -> dict[str, int]:
    """Return the reference's own counters, where the suite asks for places."""
    return dict(context.reference.coverage()) if context.suite.places else {}


def _places(context: Context, before: dict[str, int]) -> dict[str, int]:
    """Return how often the reference has come to each place since ``before``."""
    now = _counters(context)
    wanted = [place for place in context.suite.places if applies(place, context.config)]
    return {place.name: now.get(place.key, 0) - before.get(place.key, 0) for place in wanted}


def _add(total: dict[str, int], more: dict[str, int]) -> None:
    for name, count in more.items():
        total[name] = total.get(name, 0) + count


def _play(context: Context, policy: Policy) -> Outcome:
    effort = context.effort
    with context.check("L3", f"lockstep: {policy.name} play") as check:
        run = Lockstep(
            context.suite, context.config, context.reference, context.candidate, context.rng
        )
        outcome = run.outcome
        features = tuple(f for f in context.suite.features if applies(f, context.config))
        try:
            run.play(
                policy,
                max_steps=effort.max_steps,
                min_steps=effort.min_steps,
                min_ends=effort.min_ends,
                features=features,
                progress=context.progress.advance,
            )
        finally:
            check.counts = {
                "steps": outcome.steps,
                "episodes": outcome.episodes,
                "lanes": context.effort.lanes,
                "fields": len(context.suite.state) + 4,
            }
            _add(context.report.deviations, outcome.deviations)
        if outcome.divergence is not None:
            context.fail(check, outcome.divergence, outcome.history)
        elif int(outcome.ends_per_lane.min()) < effort.min_ends:
            check.verdict = Verdict.INCONCLUSIVE
            check.detail = (
                f"a lane ended {outcome.ends_per_lane.min()} episodes in {effort.max_steps:,} "
                f"steps; {effort.min_ends} are needed: give the suite a policy that ends "
                "episodes sooner, or raise --max-steps"
            )
        else:
            check.verdict = Verdict.PASS
            check.detail = f"at least {outcome.ends_per_lane.min()} episode ends in every lane"
        check.detail += resync_text(context.config)
    return outcome


def resync_text(config: Config) -> str:
    """Say how often state is copied within an episode, nothing where it never is."""
    if config.resync is None:
        return ""
    every = "step" if config.resync == 1 else f"{config.resync} steps"
    return f"; reference state re-injected every {every}"


def _coverage_gate(context: Context, reached: dict[str, int]) -> None:
    parts: tuple[Feature | Place, ...] = (*context.suite.features, *context.suite.places)
    wanted = [part.name for part in parts if applies(part, context.config)]
    if not wanted:
        return
    with context.check("L3", "features reached") as check:
        missing = [name for name in wanted if not reached.get(name)]
        if missing:
            context.report.missing[check.name] = missing
        check.counts = {"features": len(wanted) - len(missing), "features wanted": len(wanted)}
        check.verdict = Verdict.INCONCLUSIVE if missing else Verdict.PASS
        check.detail = "never reached: " + ", ".join(missing) if missing else "every one"
