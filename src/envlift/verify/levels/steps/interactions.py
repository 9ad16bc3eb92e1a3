"""L2: do the components compose?

Single transitions from states copied out of the reference (and from states that play rarely
reaches), and short scenarios in which rules meet.
"""

from __future__ import annotations

import numpy as np

from envlift.reference.types import Array, Record, Side, StateDict
from envlift.verify.engine.actions import chosen_actions, legal_now, legal_of, random_actions
from envlift.verify.engine.history import LaneHistory
from envlift.verify.engine.lockstep import MAX_SEED, answers_at, exchange
from envlift.verify.failure.case import Case, play
from envlift.verify.levels.steps import freely
from envlift.verify.run.context import Context
from envlift.verify.run.result import Verdict
from envlift.verify.suite import Config, PairError, Scenario, Suite, applies
from envlift.verify.suite.guarded import SuiteError

STRETCH = 8
"""Steps for which a choice is held while states are gathered, so that play gets far."""


def run(context: Context) -> None:
    """Compare single transitions, then scenarios."""
    both = bool(context.reference.spec.state and context.candidate.spec.state)
    agree = True
    if both and not context.suite.writes_states:
        with context.check("L2", "transitions") as check:
            check.verdict = Verdict.SKIPPED
            check.detail = "no state is copied from one side to the other in this comparison"
    elif both:
        agree = _transitions(context, "transitions from states of play", states_of_play(context))
        if context.suite.random_states is not None:
            n = max(context.effort.transitions // 2, context.effort.lanes)
            states = context.suite.random_states(context.rng, n, context.config)
            agree &= _transitions(context, "transitions from generated states", states)
    else:
        with context.check("L2", "transitions") as check:
            check.verdict = Verdict.SKIPPED
            side = context.candidate if context.reference.spec.state else context.reference
            check.detail = f"the state of {side.spec.name} cannot be read and set"
    freely.run(context, agree)
    _scenarios(context)


def states_of_play(context: Context) -> StateDict:
    """Let the reference alone play every policy, and keep a random share of its states."""
    side, rng, suite = context.reference, context.rng, context.suite
    policies = [p for p in suite.policies if applies(p, context.config)]
    kept: list[StateDict] = []
    pool = min(context.effort.pool, 4 * context.effort.transitions)
    rounds = max(4, pool // (4 * context.effort.lanes * max(1, len(policies))))
    for policy in policies:
        seeds = rng.integers(0, MAX_SEED, size=side.num_lanes)
        chance = _draw(context, ())
        record = side.reset(seeds, chance)
        observation, state = record.observation, record.state
        legal = legal_of(side.spec, record)
        # What is legal next is known only after the step before.
        stretch = STRETCH if legal is None else 1
        for _ in range(rounds):
            if policy.act is None:
                allowed = None if legal is None else legal[None]
                actions = random_actions(side.spec, rng, (stretch, side.num_lanes), allowed)
            else:
                chosen = chosen_actions(policy, side.spec, rng, observation, state, legal)
                actions = np.repeat(chosen[None], stretch, axis=0)
            seeds = rng.integers(0, MAX_SEED, size=(stretch, side.num_lanes))
            record = side.step(actions, _draw(context, (stretch,)), seeds)
            observation = record.observation[-1]
            state = {name: values[-1] for name, values in record.state.items()}
            legal = legal_of(side.spec, record, -1)
            kept.append(state)
            picked = rng.integers(0, stretch)
            kept.append({name: values[picked] for name, values in record.state.items()})
    return {name: np.concatenate([s[name] for s in kept]) for name in kept[0]}


def _draw(context: Context, lead: tuple[int, ...]) -> Array | None:
    return context.suite.draw(context.rng, (*lead, context.reference.num_lanes))


def _transitions(context: Context, name: str, states: StateDict) -> bool:
    """Compare one step from each of many states; return whether no difference was found."""
    suite, rng, lanes = context.suite, context.rng, context.effort.lanes
    with context.check("L2", name) as check:
        available = len(next(iter(states.values())))
        total = context.effort.transitions // (2 if suite.random_states else 1)
        rounds = max(1, total // lanes)
        done = 0
        context.begin_anew()
        for _ in range(rounds):
            rows = rng.integers(0, available, size=lanes)
            state = {field: values[rows] for field, values in states.items()}
            context.candidate.set_state(suite.candidate_state(state))
            context.reference.set_state(state)
            legal = legal_now(context.reference)
            actions = random_actions(
                context.reference.spec, rng, (1, lanes), None if legal is None else legal[None]
            )
            chance = _draw(context, (1,))
            seeds = rng.integers(0, MAX_SEED, size=(1, lanes))
            both = exchange(
                suite,
                context.config,
                context.reference,
                context.candidate,
                state,
                actions,
                chance,
                seeds,
                context.report.deviations,
            )
            done += lanes
            context.progress.advance(done, rounds * lanes)
            check.counts = {"transitions": done, "fields": len(suite.state) + 4}
            if both.found:
                _, lane = both.first()
                history = LaneHistory(
                    seed=int(seeds[0, lane]),
                    start_chance=None,
                    states={field: values[lane][None] for field, values in state.items()},
                    actions=actions[:, lane],
                    chance=None if chance is None else chance[:, lane],
                    whole=False,
                    last=answers_at(both.reference, 0, lane),
                )
                context.fail(check, both.divergence(0, actions[:, lane].tolist()), history)
                return False
        check.verdict = Verdict.PASS
        check.detail = f"one step each from {available:,} states"
    return True


def _scenarios(context: Context) -> None:
    scenarios = [s for s in context.suite.scenarios if applies(s, context.config)]
    if not scenarios:
        return
    if not context.suite.restores:
        with context.check("L2", "scenarios") as check:
            check.verdict = Verdict.SKIPPED
            check.detail = "a written state does not restore a side, so none can begin in one"
        return
    wrong = []
    with context.open_sides(1) as (reference, candidate):
        for scenario in scenarios:
            with context.check("L2", f"scenario: {scenario.name}") as check:
                case = scenario_case(
                    context.suite, context.config, context.suite_source, scenario, reference
                )
                played = play(context.suite, context.config, reference, candidate, case)
                check.counts = {"steps": case.steps, "fields": len(context.suite.state) + 4}
                missing = set(scenario.reaches) - set(played.features)
                ends = _ends(played.reference)
                if played.divergence is not None:
                    context.fail(check, played.divergence, history_of(case))
                elif context.suite.start == "copy" and ends < case.steps:
                    check.detail = (
                        f"the episode ends at step {ends} of {case.steps}, after which both sides "
                        "begin on their own: the scenario is wrong"
                    )
                elif missing:
                    check.detail = (
                        f"the reference does not show {', '.join(sorted(missing))} here: "
                        "the scenario is wrong"
                    )
                else:
                    check.verdict = Verdict.PASS
                    check.detail = "reaches " + ", ".join(scenario.reaches)
                if check.verdict is Verdict.INCONCLUSIVE and played.divergence is None:
                    wrong.append(f"scenario {scenario.name!r}: {check.detail}")
    if wrong:
        # Neither side's fault, so no verdict.
        raise SuiteError(f"the suite {context.suite.name} is wrong: {'; '.join(wrong)}")


def _ends(record: Record) -> int:
    """Return the step, from 1, at which the one lane first ends, or how many there are."""
    assert record.terminated is not None
    assert record.truncated is not None
    ended = (record.terminated | record.truncated)[:, 0]
    return int(ended.argmax()) + 1 if ended.any() else len(ended)


def history_of(case: Case) -> LaneHistory:
    """A scenario's way to its end, of which only the first state is known."""
    assert case.state is not None
    steps = len(case.actions)
    return LaneHistory(
        seed=case.seed,
        start_chance=None,
        states={name: np.stack([np.asarray(v)] * steps) for name, v in case.state.items()},
        actions=np.asarray(case.actions),
        chance=None if case.chance is None else np.asarray(case.chance),
        whole=False,
    )


def scenario_case(
    suite: Suite, config: Config, source: str, scenario: Scenario, reference: Side
) -> Case:
    """Turn a scenario into a case: the state after a reset with the scenario's own fields."""
    chance = suite.draw(np.random.default_rng(0), (reference.num_lanes,))
    reset = reference.reset(np.zeros(reference.num_lanes, dtype=np.int64), chance)
    state = {name: values[0] for name, values in reset.state.items()}
    unknown = set(scenario.state) - set(state)
    if unknown:
        raise PairError(
            f"scenario {scenario.name!r} sets unknown state fields {sorted(unknown)}; "
            f"known: {sorted(state)}"
        )
    given = {
        name: np.asarray(value).tolist() for name, value in {**state, **scenario.state}.items()
    }
    return Case(
        suite=source,
        config=config.name,
        state=given,
        actions=list(scenario.actions),
        chance=None if scenario.chance is None else list(scenario.chance),
        note=scenario.name,
    )
