"""L3: play on from the suite's scenarios, whose rare states play by itself may not come to.

Every lane begins in the state of a scenario, takes its actions and goes on at random. So what a
scenario reaches is reached in every run, whatever the seed, and episodes are seen to go on from it.
"""

from __future__ import annotations

import numpy as np

from envlift.reference.types import Array, StateDict
from envlift.verify.engine.actions import random_actions
from envlift.verify.engine.lockstep import MAX_SEED, Exchange, LaneHistory, exchange
from envlift.verify.failure.case import Case
from envlift.verify.levels.steps.interactions import scenario_case
from envlift.verify.run.context import Context
from envlift.verify.run.result import Check, Verdict
from envlift.verify.suite import applies

ONWARD = 64
"""Steps at random after a scenario's own."""


def run(context: Context) -> dict[str, int] | None:
    """Play on from every scenario; return how often each feature was reached, None if it failed."""
    suite, config = context.suite, context.config
    scenarios = [s for s in suite.scenarios if applies(s, config)]
    both = context.reference.spec.state and context.candidate.spec.state
    if not (scenarios and both and suite.restores):
        return {}
    reached: dict[str, int] = {}
    lanes = context.reference.num_lanes
    with context.check("L3", "lockstep: on from every scenario") as check:
        check.counts = {"steps": 0, "lanes": lanes, "fields": len(suite.state) + 4}
        cases = [
            scenario_case(suite, config, context.suite_source, scenario, context.reference)
            for scenario in scenarios
        ]
        for first in range(0, len(cases), lanes):
            if not _play(context, check, cases[first : first + lanes], reached):
                return None
        check.verdict = Verdict.PASS
        check.detail = f"{len(scenarios)} scenarios, then on at random"
    return reached


def _play(context: Context, check: Check, cases: list[Case], reached: dict[str, int]) -> bool:
    """Play on from some cases, in all lanes; tell whether both sides agreed."""
    suite, config = context.suite, context.config
    features = [f for f in suite.features if applies(f, config)]
    state, actions, chance = _starts(context, cases)
    # Where both draw for themselves, what follows an end or a rounding is copied anew.
    copies = suite.start == "copy" or config.resync is not None
    length = (config.resync or 1) if copies else len(actions)
    context.begin_anew()
    context.reference.set_state(state)
    for first in range(0, len(actions), length):
        part = slice(first, first + length)
        if copies or first == 0:
            context.candidate.set_state(suite.candidate_state(state))
        seeds = context.rng.integers(0, MAX_SEED, size=actions[part].shape[:2])
        both = exchange(
            suite if config.resync == 1 else suite.drifted(),
            config,
            context.reference,
            context.candidate,
            state,
            actions[part],
            None if chance is None else chance[part],
            seeds,
            context.report.deviations,
        )
        check.counts["steps"] += int(both.compared.sum())
        if both.found:
            t, lane = both.first()
            taken = actions[first : first + t + 1, lane].tolist()
            history = _history(both, seeds, actions[part], chance, first)
            context.fail(check, both.divergence(first, taken), history)
            return False
        for feature in features:
            hits = np.asarray(feature.reached(both.trace)) & both.compared
            reached[feature.name] = reached.get(feature.name, 0) + int(hits.sum())
        state = {name: values[-1] for name, values in both.reference.state.items()}
    return True


def _starts(context: Context, cases: list[Case]) -> tuple[StateDict, Array, Array | None]:
    """Return states [B, ...], actions [T, B, ...] and chance [T, B, ...]; lanes take turns."""
    suite, rng, reference = context.suite, context.rng, context.reference
    lanes = reference.num_lanes
    chosen = [cases[lane % len(cases)] for lane in range(lanes)]
    # Which actions are legal is only known once the steps before them are played.
    more = 0 if reference.spec.legal_actions else ONWARD
    steps = max(case.steps for case in cases) + more
    actions = random_actions(reference.spec, rng, (steps, lanes))
    chance = suite.draw(rng, (steps, lanes))
    for lane, case in enumerate(chosen):
        actions[: case.steps, lane] = case.actions
        if chance is not None and case.chance is not None:
            chance[: case.steps, lane] = case.chance
    state = {
        name: np.stack([np.asarray((case.state or {})[name], spec.dtype) for case in chosen])
        for name, spec in reference.spec.state.items()
    }
    return state, actions, chance


def _history(
    both: Exchange, seeds: Array, actions: Array, chance: Array | None, first: int
) -> LaneHistory:
    """Return one lane's way to the first difference, from the state that was copied last."""
    t, lane = both.first()
    return LaneHistory(
        seed=int(seeds[t, lane]),
        start_chance=None,
        states={name: values[: t + 1, lane] for name, values in both.trace.before.items()},
        actions=actions[: t + 1, lane],
        chance=None if chance is None else chance[first : first + t + 1, lane],
        whole=False,
    )
