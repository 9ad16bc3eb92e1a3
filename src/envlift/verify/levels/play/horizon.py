"""How long do two chaotic sides stay together when nothing is copied between them?

A number to report, like the temperature of a machine. What may be demanded of it is a share of the
lanes, because versions of one reference part from each other as well.

Shape letters: ``T`` steps of one exchange, ``B`` lanes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from envlift.reference.types import Array, Record, StateDict
from envlift.verify.engine.actions import legal_now, random_actions
from envlift.verify.engine.lockstep import CHUNK, MAX_SEED
from envlift.verify.run.context import Context
from envlift.verify.run.result import Check, Verdict
from envlift.verify.suite import Horizon, PairError, applies
from envlift.verify.suite.horizon_plan import HORIZON


def run(context: Context) -> None:
    """Measure it as a check of level 3, in the configurations in which the suite asks for it."""
    plan = context.suite.horizon
    if plan is None or not applies(plan, context.config):
        return
    with context.check("L3", HORIZON) as check:
        if not (context.reference.spec.state and context.candidate.spec.state):
            side = context.candidate if context.reference.spec.state else context.reference
            check.verdict = Verdict.SKIPPED
            check.detail = f"the state of {side.spec.name} cannot be read and set"
            return
        _measure(context, plan, check)


@dataclass
class _Lanes:
    """What is known of every lane, each [B].

    Attributes:
        parted: bool.
        steps: int64, how many it was watched for: up to where it parted, if it did.
        over: bool, its episode has ended on either side.
    """

    parted: Array
    steps: Array
    over: Array

    @property
    def open(self) -> Array:
        """Whether a lane is still watched."""
        return np.asarray(~self.parted & ~self.over)


def _measure(context: Context, plan: Horizon, check: Check) -> None:
    """Let both sides play at random from copied starts until every lane has parted."""
    reference, candidate, suite, rng = (
        context.reference,
        context.candidate,
        context.suite,
        context.rng,
    )
    count = reference.num_lanes
    seeds = rng.integers(0, MAX_SEED, size=count)
    chance = suite.draw(rng, (count,))
    candidate.reset(seeds, chance)
    state = reference.reset(seeds, chance).state
    candidate.set_state(suite.candidate_state(state))
    copied = suite.reference_state(candidate.get_state())
    wrong = _apart(_with_time(state), _with_time(copied), plan)[0]
    if wrong.any():
        check.verdict = Verdict.FAIL
        check.detail = (
            f"{int(wrong.sum())} of {count} lanes differ by more than {plan.bound:g} before the "
            "first step: the candidate does not keep the state that is copied into it"
        )
        return
    nobody = np.zeros(count, np.bool_)
    lanes = _Lanes(nobody, np.zeros(count, np.int64), nobody)
    done = 0
    while done < plan.max_steps and lanes.open.any():
        legal = legal_now(reference)
        length = min(CHUNK if legal is None else 1, plan.max_steps - done)
        allowed = None if legal is None else legal[None]
        actions = random_actions(reference.spec, rng, (length, count), allowed)
        chance = suite.draw(rng, (length, count))
        new_seeds = rng.integers(0, MAX_SEED, size=(length, count))
        theirs = candidate.step(actions, chance, new_seeds)
        answers = reference.step(actions, chance, new_seeds)
        _note(lanes, answers, theirs, suite.reference_state(_last(theirs)), plan)
        done += length
        context.progress.advance(done, plan.max_steps)
    _tell(lanes, plan, check)


def _note(lanes: _Lanes, answers: Record, theirs: Record, state: StateDict, plan: Horizon) -> None:
    """Go through one exchange, step by step."""
    apart = _apart(_last(answers), state, plan)
    ended = _ended(answers) | _ended(theirs)
    for t in range(len(apart)):
        watched = lanes.open
        lanes.steps += watched
        lanes.parted = lanes.parted | (watched & apart[t])
        lanes.over = lanes.over | (watched & ended[t])


def _tell(lanes: _Lanes, plan: Horizon, check: Check) -> None:
    """Write the numbers down; a lane that did not part counts with the steps it was watched."""
    ordered = np.sort(lanes.steps)
    shortest, median, longest = (int(ordered[at]) for at in (0, (len(ordered) - 1) // 2, -1))
    check.counts = {
        "lanes": len(ordered),
        "lanes parted": int(lanes.parted.sum()),
        "steps at least": shortest,
        "steps in the median": median,
        "steps at most": longest,
    }
    check.verdict = Verdict.PASS
    check.detail = (
        f"first step at which {', '.join(plan.fields)} differ by more than {plan.bound:g}: "
        f"min {shortest}, median {median}, max {longest} over {len(ordered)} lanes"
    )
    if plan.least:
        # The step at which a lane parts is counted, and has not lasted.
        lasted = lanes.steps - lanes.parted >= plan.least
        check.counts["lanes that last"] = int(lasted.sum())
        if lasted.mean() < plan.share:
            check.verdict = Verdict.FAIL
        check.detail += (
            f"; {int(lasted.sum())} last {plan.least} steps, {plan.share:.0%} of them must"
        )
    if not lanes.parted.all():
        check.detail += (
            f"; {int((~lanes.parted).sum())} had not parted when their episode or the "
            f"{plan.max_steps:,} steps ended, and count with that length"
        )


def _apart(reference: StateDict, candidate: StateDict, plan: Horizon) -> Array:
    """Return a bool array [T, B], true where a watched field differs by more than the bound."""
    found: Array | None = None
    for name in plan.fields:
        for who, state in (("reference", reference), ("candidate", candidate)):
            if name not in state:
                raise PairError(f"the {who} has no state field {name!r}; the horizon watches it")
        ours, theirs = reference[name].astype(np.float64), candidate[name].astype(np.float64)
        if ours.shape != theirs.shape:
            raise PairError(
                f"{name}, which the horizon watches, has the shape {ours.shape} in the reference "
                f"and {theirs.shape} in the candidate"
            )
        # NaN is no number within the bound.
        apart = ~(np.abs(theirs - ours) <= plan.bound)
        lanes = np.asarray(apart.reshape(*apart.shape[:2], -1).any(axis=-1))
        found = lanes if found is None else np.asarray(found | lanes)
    assert found is not None
    return np.asarray(found)


def _with_time(state: StateDict) -> StateDict:
    return {name: np.asarray(values)[None] for name, values in state.items()}


def _last(record: Record) -> StateDict:
    """Return the states after each step, before a reset where the side shows that."""
    return record.final_state if record.final_state is not None else record.state


def _ended(record: Record) -> Array:
    assert record.terminated is not None
    assert record.truncated is not None
    return np.asarray(record.terminated | record.truncated)
