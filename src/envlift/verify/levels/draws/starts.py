"""Is the first observation of an episode that of its state, however the episode was started?

Lockstep compares first observations where both sides start alike: by equal chance or equal seeds.
Where states are copied, the candidate's own start is overwritten and never seen. So every way of
starting is looked at here: a reset, and the reset that follows an end of play. Where equal seeds
mean the same on both sides, the starts are equal; where they do not, what a start shows is compared
as a distribution of all coordinates together: with the state, or where none can be read with what
is observed one step later. An observation that is stale, turned or empty does not go with the rest.

Shape letters: ``T`` steps, ``B`` lanes, ``N`` starts, ``D`` coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy

from envlift.reference.types import Array, Record, Side, StateDict
from envlift.verify.engine.actions import legal_now, random_actions
from envlift.verify.engine.compare import compare_field
from envlift.verify.engine.lockstep import MAX_SEED, draw_seeds
from envlift.verify.engine.play import joined
from envlift.verify.engine.two_sample import ALPHA, MOST_COORDINATES, same_given, same_joint
from envlift.verify.run.context import Context
from envlift.verify.run.result import Check, Verdict
from envlift.verify.suite import Field, Suite

ALIKE = 0.5
"""Share of equal seeds whose starts must agree for the others to be called different."""

BY_CHANCE = 1e-6
"""How improbable it must be that starts agree as often as they do, if seeds meant nothing."""

SHUFFLES = 8
"""How often the starts of other seeds are compared, to see how often those agree."""

MOST = 2_048
"""Starts of either side."""

FEWEST = 64
"""Starts below which a distribution says too little."""

LONG = 4
"""Times the steps of lockstep that are played for ends to come."""

CHUNK = 32
"""Steps that are played at a time until enough episodes have ended."""

TESTS = 2
"""Checks of first observations in a run, which share the bar of false alarms."""


@dataclass(frozen=True)
class _Starts:
    """What starts show, each [N, ...]: first observation and state, and one step later."""

    observation: Array
    state: StateDict
    action: Array
    then: Array
    reward: Array

    def turned(self, by: int) -> _Starts:
        """Return the observations and states as those of the starts ``by`` places on."""
        state = {name: np.roll(values, by, axis=0) for name, values in self.state.items()}
        return replace(self, observation=np.roll(self.observation, by, axis=0), state=state)

    def rows(self, names: list[str], some: Array | None) -> tuple[Array, Array]:
        """Return what goes with the observation, [N, K], and the observation, [N, D].

        That is the state, or where none can be read what follows it.
        """
        n = len(self.observation)
        first, then = (
            _drawn(values, some).astype(np.float64) for values in (self.observation, self.then)
        )
        if names:
            # What a step does to it is compared elsewhere.
            parts = [self.state[name] for name in names]
        else:
            moved = np.abs(first - then)
            parts = [then, self.action, self.reward, moved.mean(axis=1), (moved > 0).mean(axis=1)]
        flat = [np.asarray(part, np.float64).reshape(n, -1) for part in parts]
        return np.concatenate(flat, axis=1), np.column_stack([first, first.mean(axis=1)])


def run(context: Context) -> None:
    """Compare the starts of explicit resets, then those that follow an end."""
    with context.check("resets", "first observations") as check:
        _resets(context, check)
    if context.suite.start in ("copy", "apart"):
        with context.check("resets", "first observations after an end") as check:
            _after_ends(context, check)


def _resets(context: Context, check: Check) -> None:
    count = min(context.effort.resets, MOST)
    ours: list[_Starts] = []
    theirs: list[_Starts] = []
    names: list[str] = []
    reference, candidate = context.reference, context.candidate
    lanes = reference.num_lanes
    for _ in range(max(1, count // lanes)):
        promised = context.suite.start in ("seed", "chance")
        seeds = context.rng.integers(0, MAX_SEED, size=lanes)
        if promised:
            seeds = draw_seeds(context.rng, lanes)
        again = context.rng.integers(0, MAX_SEED, size=(1, lanes))
        chance = context.suite.draw(context.rng, (lanes,))
        tape = context.suite.draw(context.rng, (1, lanes))
        # The candidate first: it never sees an answer.
        other_start, one_start = (side.reset(seeds, chance) for side in (candidate, reference))
        legal = legal_now(reference)
        actions = random_actions(
            reference.spec, context.rng, (1, lanes), None if legal is None else legal[None]
        )
        other = other_start, candidate.step(actions, tape, again)
        one = one_start, reference.step(actions, tape, again)
        ours.append(_started(context, reference, one[0], actions[0], one[1]))
        theirs.append(_started(context, candidate, other[0], actions[0], other[1]))
        names = _names(context, ours[0], theirs[0])
        context.progress.advance(len(ours) * lanes, count)
    starts = _all(ours), _all(theirs)
    _decide(context, check, promised, starts, starts, names)


def _after_ends(context: Context, check: Check) -> None:
    """Let both sides play alike until episodes end, and look at what follows an end."""
    effort, lanes = context.effort, context.reference.num_lanes
    wanted = min(effort.resets, MOST)
    sides = (context.candidate, context.reference)
    found: list[list[_Starts]] = [[], []]
    seeds = context.rng.integers(0, MAX_SEED, size=lanes)
    for side in sides:
        side.reset(seeds)
    alike: list[list[_Starts]] = [[], []]
    done, longest = 0, max(CHUNK, min(effort.max_steps, LONG * effort.min_steps))
    while done < longest:
        again = context.rng.integers(0, MAX_SEED, size=(CHUNK, lanes))
        actions, records = _together(context, sides, again)
        ends = [_ended(record)[:-1] for record in records]
        for kept, side, record, ended in zip(found, sides, records, ends, strict=True):
            kept.append(_following(context, side, record, actions, ended))
        both = ends[0] & ends[1]
        for kept, side, record in zip(alike, sides, records, strict=True):
            kept.append(_following(context, side, record, actions, both))
        done += CHUNK
        context.progress.advance(done, longest)
        if min(sum(len(k.observation) for k in kept) for kept in found) >= wanted:
            break
    theirs, ours = (_all(kept) for kept in found)
    names = _names(context, ours, theirs)
    pairs = _all(alike[1]), _all(alike[0])
    fewest = min(len(ours.observation), len(theirs.observation))
    if fewest < FEWEST and not _seeds_agree(context, *pairs):
        check.verdict = Verdict.SKIPPED
        check.detail = (
            f"{len(ours.observation)} and {len(theirs.observation)} episodes ended in {done} steps "
            f"of {lanes} lanes; {FEWEST} are needed"
        )
        check.counts = {"episodes": fewest}
        return
    _decide(context, check, False, pairs, (ours, theirs), names)


def _together(
    context: Context, sides: tuple[Side, Side], reset_seeds: Array
) -> tuple[Array, list[Record]]:
    """Play both sides with the same actions, one step at a time where masks say what is legal."""
    spec, lead = context.reference.spec, reset_seeds.shape
    if legal_now(context.reference) is None:
        actions = random_actions(spec, context.rng, lead)
        return actions, [side.step(actions, None, reset_seeds) for side in sides]
    chosen: list[Array] = []
    found: list[list[Record]] = [[], []]
    for t in range(lead[0]):
        legal = legal_now(context.reference)
        one = random_actions(
            spec, context.rng, (1, lead[1]), None if legal is None else legal[None]
        )
        chosen.append(one)
        for records, side in zip(found, sides, strict=True):
            records.append(side.step(one, None, reset_seeds[t : t + 1]))
    return np.concatenate(chosen), [joined(records) for records in found]


def _following(
    context: Context, side: Side, record: Record, actions: Array, ended: Array
) -> _Starts:
    """Return the starts that follow an end, with the step after each."""
    assert record.reward is not None
    state = record.state
    if side is context.candidate:
        state = context.suite.reference_state(state)
    then = _then(record)
    return _Starts(
        observation=record.observation[:-1][ended],
        state={name: values[:-1][ended] for name, values in state.items()},
        action=actions[1:][ended],
        then=then[1:][ended],
        reward=record.reward[1:][ended],
    )


def _started(context: Context, side: Side, start: Record, actions: Array, step: Record) -> _Starts:
    assert step.reward is not None
    state = start.state
    if side is context.candidate:
        state = context.suite.reference_state(state)
    return _Starts(start.observation, state, actions, _then(step)[0], step.reward[0])


def _then(record: Record) -> Array:
    """Return what each step shows, of an end what was seen before the reset: [T, B, ...]."""
    if record.final_observation is None:
        return record.observation
    ended = _ended(record)
    lift = ended.reshape(ended.shape + (1,) * (record.observation.ndim - 2))
    return np.asarray(np.where(lift, record.final_observation, record.observation))


def _equal(suite: Suite, ours: _Starts, theirs: _Starts) -> Array:
    """Return bool [N]: the observation and the state of two starts agree."""
    good = ~_bad(ours.observation, theirs.observation, suite.observation)
    for field in suite.state:
        if field.name in ours.state and field.name in theirs.state:
            good &= ~_bad(ours.state[field.name], theirs.state[field.name], field)
    return np.asarray(good)


def _bad(one: Array, other: Array, field: Field) -> Array:
    return compare_field(one, other, field, lead=1).bad


def _seeds_agree(context: Context, ours: _Starts, theirs: _Starts) -> bool:
    """Whether starts of equal seeds agree much more often than those of different ones do."""
    # A start that is a little off still tells that its seed is the same.
    suite = context.suite.drifted()
    same, n = _equal(suite, ours, theirs), len(ours.observation)
    if n < 2 or same.mean() < ALIKE:
        return False
    turns = range(1, min(SHUFFLES, n - 1) + 1)
    others = np.concatenate([_equal(suite, ours, theirs.turned(by)) for by in turns])
    often = (others.sum() + 1) / (len(others) + 1)
    return bool(scipy.stats.binom.sf(same.sum() - 1, n, often) < BY_CHANCE)


def _names(context: Context, ours: _Starts, theirs: _Starts) -> list[str]:
    """Return the state fields that both sides show in one shape and the suite compares."""
    return [
        field.name
        for field in context.suite.state
        if field.name in ours.state
        and field.name in theirs.state
        and ours.state[field.name].shape[1:] == theirs.state[field.name].shape[1:]
    ]


def _all(starts: list[_Starts]) -> _Starts:
    def joined(name: str) -> Array:
        return np.concatenate([getattr(one, name) for one in starts])

    return _Starts(
        observation=joined("observation"),
        state={n: np.concatenate([one.state[n] for one in starts]) for n in starts[0].state},
        action=joined("action"),
        then=joined("then"),
        reward=joined("reward"),
    )


def _decide(
    context: Context,
    check: Check,
    promised: bool,
    pairs: tuple[_Starts, _Starts],
    every: tuple[_Starts, _Starts],
    names: list[str],
) -> None:
    """Compare starts seed by seed where equal seeds mean the same, else as distributions.

    Args:
        promised: equal seeds, or equal chance, are to give equal starts.
        pairs: starts of both sides after the same seeds, row by row.
        every: all starts of both sides.
    """
    ours, theirs = every
    fewest = min(len(ours.observation), len(theirs.observation))
    check.counts = {"episodes": fewest}
    if promised or _seeds_agree(context, *pairs):
        # Nothing has drifted at a start: the tolerance is that of one step.
        same = _equal(context.suite, *pairs)
        wrong = int((~same).sum())
        check.verdict = Verdict.FAIL if wrong else Verdict.PASS
        how = "chance" if context.suite.start == "chance" else "seeds"
        check.detail = f"equal {how} give equal first observations"
        if wrong:
            check.detail = (
                f"{wrong} of {len(same)} first observations or states differ, where equal {how} "
                f"should give equal ones{_example(*pairs, same)}"
            )
        return
    some = _some(ours.observation, context.rng)
    if ours.observation.shape[1:] != theirs.observation.shape[1:]:
        check.verdict = Verdict.FAIL
        check.detail = (
            f"a first observation has the shape {theirs.observation.shape[1:]} in the candidate, "
            f"{ours.observation.shape[1:]} in the reference"
        )
        return
    parts = ours.rows(names, some), theirs.rows(names, some)
    rows = [np.concatenate(part, axis=1) for part in parts]
    found = same_joint(rows[0], rows[1], context.rng), same_given(*parts, context.rng)
    p = min(1.0, len(found) * min(found))
    check.counts["coordinates"] = rows[0].shape[1]
    check.verdict = Verdict.FAIL if p * TESTS < ALPHA else Verdict.PASS
    rest = "and state" if names else "with the observation one step later"
    check.detail = (
        f"each side started for itself: compared as distributions of the observation {rest}, all "
        f"coordinates together, p = {p:.2g}"
    )
    if check.verdict is Verdict.FAIL:
        check.detail += ": the candidate's first observations are not those of the reference"


def _example(ours: _Starts, theirs: _Starts, same: Array) -> str:
    """Show one start that differs."""
    at = int(np.flatnonzero(~same)[0])
    one, other = (np.ravel(side.observation[at]) for side in (ours, theirs))
    if one.shape != other.shape:
        return f": shape {ours.observation.shape[1:]} and {theirs.observation.shape[1:]}"
    entry = int(np.argmax(np.abs(one.astype(np.float64) - other.astype(np.float64))))
    if one[entry] == other[entry]:
        return ""
    return f": observation entry {entry} is {one[entry]} and {other[entry]}"


def _some(observation: Array, rng: np.random.Generator) -> Array | None:
    """Draw which coordinates of a large observation are looked at; None for all."""
    width, most = int(np.prod(observation.shape[1:])), MOST_COORDINATES // 2
    return None if width <= most else np.sort(rng.choice(width, most, replace=False))


def _flat(values: Array) -> Array:
    return np.asarray(values).reshape(len(values), -1)


def _drawn(values: Array, some: Array | None) -> Array:
    flat = _flat(values)
    return flat if some is None else flat[:, some]


def _ended(record: Record) -> Array:
    assert record.terminated is not None
    assert record.truncated is not None
    return np.asarray(record.terminated | record.truncated)
