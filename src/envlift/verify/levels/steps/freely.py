"""Are many steps in a row what the reference makes of each of them?

Single transitions and re-synchronised lockstep copy the reference's state before each step, and so
clear what a candidate keeps between them: a counter in digits that no field of the reference shows,
or that are too small to be seen in one step. So the candidate plays freely, and the reference takes
each of its steps from the state that the candidate was in.

Shape letters: ``T`` steps, ``B`` lanes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from envlift.reference.types import Array, Record, Side, StateDict
from envlift.verify.engine.actions import random_actions
from envlift.verify.engine.compare import Mismatch, compare_records
from envlift.verify.engine.lockstep import MAX_SEED, describe, trace_of
from envlift.verify.run.context import Context
from envlift.verify.run.result import Divergence, Verdict

STEPS, QUICK_STEPS = 1_000, 300

LARGEST = 256 * 2**20
"""Bytes of what is kept of free play, at the most: with large observations it is shorter."""

Translate = Callable[[StateDict], StateDict]


def run(context: Context, agree: bool = True) -> None:
    """Compare free play with its own steps, one by one, where a state can be copied.

    Args:
        context: whose pair is compared.
        agree: whether single transitions agree. Where they do not, no step in a row can, and a slow
            pair would take minutes to say so.
    """
    candidate, reference, suite = context.candidate, context.reference, context.suite
    if not (candidate.spec.state and reference.spec.state and suite.writes_states):
        return
    with context.check("L2", "steps in a row = single steps") as check:
        if not agree:
            check.verdict = Verdict.SKIPPED
            check.detail = "single transitions differ already, so steps in a row do too"
            context.report.not_compared.append(f"steps in a row with single steps: {check.detail}")
            return
        played = _Played(context, candidate, reference, suite.reference_state)
        check.counts = {"steps": played.steps * played.lanes, "lanes": played.lanes}
        if not played.repeats:
            check.verdict = Verdict.SKIPPED
            check.detail = "a state or the chance of a step cannot be given to the reference again"
            context.report.not_compared.append(f"steps in a row with single steps: {check.detail}")
            return
        if not played.found:
            check.verdict = Verdict.PASS
            check.detail = f"{played.steps} in every lane; the reference takes each by itself"
            return
        # Some simulators keep a little for the next step, a solver's first guess, say.
        theirs = _Played(context, reference, reference, lambda state: state)
        if theirs.found or played.is_what_the_reference_does():
            check.verdict = Verdict.SKIPPED
            check.detail = (
                "the reference keeps something between steps that its state does not show"
            )
            context.report.not_compared.append(f"steps in a row with single steps: {check.detail}")
            return
        check.verdict = Verdict.FAIL
        check.divergence = found = played.divergence()
        check.detail = (
            f"{found.field} after {found.step} steps in a row, lane {found.lane}: "
            f"{found.candidate}; the reference makes {found.reference} of the state before. "
            "Single transitions agree: the candidate keeps more between steps than its state shows"
        )


class _Played:
    """One side's free play, and what the reference makes of each of its steps.

    Args:
        context: whose suite says what is compared and how closely.
        side: who plays.
        reference: who takes the steps again.
        named: from the player's state to the reference's fields.
    """

    def __init__(self, context: Context, side: Side, reference: Side, named: Translate) -> None:
        suite, rng = context.suite, context.rng
        self._context, self._reference = context, reference
        self._named_state, self.lanes = named, side.num_lanes
        self.repeats = True
        self.found: list[Mismatch] = []
        seeds = rng.integers(0, MAX_SEED, size=self.lanes)
        first = side.reset(seeds, suite.draw(rng, (self.lanes,)))
        kinds = reference.spec.state
        if not set(kinds) <= set(named(first.state)):
            self.repeats, self.steps = False, 0
            return
        size = first.observation.nbytes + sum(values.nbytes for values in first.state.values())
        # No more than play has, which is less of a slow pair.
        most = max(QUICK_STEPS, min(STEPS, context.effort.min_steps))
        wanted = QUICK_STEPS if context.effort.hurried else most
        self.steps = steps = int(min(wanted, max(8, LARGEST // (2 * size))))
        masked = context.reference.spec.legal_actions
        self._actions = random_actions(context.reference.spec, rng, (steps, self.lanes))
        chance = suite.draw(rng, (steps, self.lanes))
        self._given = given = chance, rng.integers(0, MAX_SEED, (steps, self.lanes))
        free: list[Record] = []
        length = 1 if masked else steps
        legal = first.legal_actions
        for t in range(0, steps, length):
            if masked:
                # An action that is not legal may be answered by an error, and rightly.
                drawn = random_actions(context.reference.spec, rng, (1, self.lanes), legal)
                self._actions[t : t + 1] = drawn
            free.append(self._step(side, given, slice(t, t + length)))
            legal = free[-1].legal_actions
        self.free = self._named(_stacked(free))
        start = named(first.state)
        self._before = {
            name: np.concatenate([start[name][None], values[:-1]])
            for name, values in self.free.state.items()
        }
        self._end_at_nonsense()
        again: list[Record] = []
        for t in range(self.steps):
            before = {n: self._before[n][t].astype(spec.dtype) for n, spec in kinds.items()}
            reference.set_state(before)
            again.append(self._step(reference, given, slice(t, t + 1)))
            if t == 0 and chance is None:
                reference.set_state(before)
                self.repeats = _equal(self._step(reference, given, slice(0, 1)), again[0])
                if not self.repeats:
                    return
            if t % 64 == 0:
                context.progress.advance(t * self.lanes, steps * self.lanes)
        self.again = _stacked(again)
        # What follows an end was begun anew, by a seed and not from a state that was copied.
        begin = {name: values[0] for name, values in self._before.items()}
        trace = trace_of(begin, self._actions, self.again, context.config)
        self.found = compare_records(
            suite, self.again, self.free, trace, {}, suite.start == "chance"
        )

    def is_what_the_reference_does(self) -> bool:
        """Whether the reference, too, answers so where it plays freely up to the first difference.

        It begins anew, then from the state in which that episode began. So a counter that its state
        does not show, and that single steps in one life of the reference add up, blames nobody.
        """
        suite, reference = self._context.suite, self._reference
        t, lane = self._first()
        assert self.free.terminated is not None
        assert self.free.truncated is not None
        ends = np.flatnonzero((self.free.terminated | self.free.truncated)[:t, lane])
        start = int(ends[-1]) + 1 if len(ends) else 0
        begin = {
            name: self._before[name][start].astype(spec.dtype)
            for name, spec in reference.spec.state.items()
        }
        rng = self._context.rng
        reference.reset(rng.integers(0, MAX_SEED, size=self.lanes), suite.draw(rng, (self.lanes,)))
        reference.set_state(begin)
        part = slice(start, t + 1)
        theirs = self._step(reference, self._given, part)
        trace = trace_of(begin, self._actions[part], theirs, self._context.config)
        row = np.zeros((t + 1 - start, self.lanes), bool)
        row[-1, lane] = True
        # As closely as single steps: what a rollout may drift would hide what is kept.
        return not compare_records(
            suite, theirs, _shortened(self.free, part), trace, {}, suite.start == "chance", row
        )

    def _end_at_nonsense(self) -> None:
        """Leave out what follows a state that is not finite: a reference may refuse it."""
        finite = np.ones(self.steps, bool)
        for values in self._before.values():
            if values.dtype.kind == "f":
                finite &= np.isfinite(values).reshape(self.steps, -1).all(axis=1)
        self.steps = max(1, int(np.argmin(finite)) if not finite.all() else self.steps)
        self._actions = self._actions[: self.steps]
        self.free = _shortened(self.free, slice(self.steps))

    def _step(self, side: Side, given: tuple[Array | None, Array], part: slice) -> Record:
        chance, seeds = given
        return side.step(self._actions[part], None if chance is None else chance[part], seeds[part])

    def _named(self, record: Record) -> Record:
        final = record.final_state
        return replace(
            record,
            state=self._named_state(record.state),
            final_state=None if final is None else self._named_state(final),
            legal_actions=None,
        )

    def _first(self) -> tuple[int, int]:
        """Return the step and the lane of the first difference."""
        bad = np.any([mismatch.bad for mismatch in self.found], axis=0)
        t, lane = np.argwhere(bad)[0].tolist()
        return t, lane

    def divergence(self) -> Divergence:
        """Describe the first difference."""
        t, lane = self._first()
        start = {name: values[t, lane] for name, values in self._before.items()}
        last = self._actions[max(0, t - 7) : t + 1, lane].tolist()
        states = self.again.state, self.free.state
        return describe(self.found, t, lane, t + 1, last, start, *states)


def _equal(one: Record, other: Record) -> bool:
    return np.array_equal(one.observation, other.observation, equal_nan=True) and all(
        np.array_equal(other.state[name], values, equal_nan=True)
        for name, values in one.state.items()
    )


def _shortened(record: Record, part: slice) -> Record:
    """Return some of the steps of a record."""
    final = record.final_state
    arrays = ("observation", "reward", "terminated", "truncated", "final_observation")
    shown = {name: getattr(record, name) for name in arrays}
    shorter: dict[str, Any] = {n: None if v is None else v[part] for n, v in shown.items()}
    shorter["state"] = {name: values[part] for name, values in record.state.items()}
    shorter["final_state"] = None if final is None else {n: v[part] for n, v in final.items()}
    return replace(record, **shorter)


def _stacked(records: list[Record]) -> Record:
    """Join records of one step each into one of T steps."""

    def join(name: str) -> Array | None:
        parts = [getattr(record, name) for record in records]
        return None if parts[0] is None else np.concatenate(parts)

    def states(name: str) -> StateDict | None:
        parts = [getattr(record, name) for record in records]
        if parts[0] is None:
            return None
        return {field: np.concatenate([part[field] for part in parts]) for field in parts[0]}

    observation, state = join("observation"), states("state")
    assert observation is not None
    assert state is not None
    return Record(
        observation=observation,
        state=state,
        reward=join("reward"),
        terminated=join("terminated"),
        truncated=join("truncated"),
        final_observation=join("final_observation"),
        final_state=states("final_state"),
    )
