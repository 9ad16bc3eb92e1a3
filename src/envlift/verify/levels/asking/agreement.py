"""Does the reference agree with itself?

It is asked before anything is compared: the same seed twice, the same seeds in other lanes, in
another process, a state written and played from twice. Where it does not agree, the way of
comparing that relies on it is not used, and the report says so: copied states need a reference
that a written state brings back, equal seeds one that a seed repeats. Where neither holds, or
where two sides draw from different generators, episodes are compared as distributions.

Shape letters: ``T`` steps, ``B`` lanes.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from envlift.reference.types import Array, Record, Side, StateDict
from envlift.verify.engine.again import differ
from envlift.verify.engine.lockstep import MAX_SEED
from envlift.verify.engine.play import play
from envlift.verify.levels.asking import kinship
from envlift.verify.run.context import Context
from envlift.verify.run.result import Verdict
from envlift.verify.sides.candidates import IN_PROCESS
from envlift.verify.suite import Field, Suite, for_pair

MOST_STEPS = 96
"""Steps per lane of the longest question."""

SECONDS = 2.0
"""About what one question may take, where a step is slow."""

TIMES = 3
"""How often a step is timed."""

BETWEEN = 37
"""Steps played between two times, so that counters that nobody sees stand elsewhere."""

OTHER_HASH = "190577"
"""``PYTHONHASHSEED`` of the process that is asked whether the order of sets matters."""


APART = "episodes are compared as distributions, not step by step"

BORN = (
    "what the reference shows depends on all that it played before, which new environments repeat: "
    "episodes are compared from the first one of new environments on"
)

BORN_STEPS = 32
"""Steps in which new environments must repeat themselves."""

UNWRITTEN = "its suite says that its states are read only"
"""Instead of an answer, where the suite has ``restores=False``."""


@dataclass(frozen=True)
class Agreement:
    """How a side differs from itself, one sentence each; empty where it agrees.

    Attributes:
        seeds: between two times, and two processes, with the same seeds.
        lanes: between the same seeds in other lanes.
        hashing: between processes with other hash seeds.
        states: between playing on, and playing on from the same state, written.
    """

    seeds: str = ""
    lanes: str = ""
    hashing: str = ""
    states: str = ""


@dataclass(frozen=True)
class _Played:
    """What was played and what came of it: a reset and T steps."""

    start: Record
    steps: Record
    seeds: Array
    actions: Array
    reset_seeds: Array
    chance: tuple[Array | None, Array | None]

    @property
    def until_end(self) -> Array:
        """bool [T, B], true up to and including the first end of each lane."""
        ended = _ended(self.steps)
        return np.asarray(np.cumsum(ended, axis=0) <= ended)


def settle(context: Context, stack: contextlib.ExitStack, not_restored: str = "") -> Context | None:
    """Ask the reference, and return the context with a way of comparing that it supports.

    Args:
        context: both sides as the suite wants them.
        stack: closes sides that are opened here.
        not_restored: how a written state was seen later not to bring the reference back.

    Returns:
        None where the reference differs from itself in every way that a comparison could rely on;
        the report then says so.
    """
    suite = context.suite
    told: tuple[str, ...] = ()
    if not suite.described:
        suite, config, told = for_pair(
            suite, context.config, context.reference.spec, context.candidate.spec
        )
        dropped = {one.name for one in context.suite.state} - {one.name for one in suite.state}
        context.report.not_compared += [f"state field {name}" for name in sorted(dropped)]
        told_before = set(context.suite.not_verified)
        others = [one for one in context.report.not_verified if one not in told_before]
        context.report.not_verified[:] = [*suite.not_verified, *others]
        context = replace(context, suite=suite, config=config)
    with context.check("agreement", "the reference with itself") as check:
        found = ask(context, context.reference)
        context, found, note = _one_lane(context, found, stack)
        found = replace(found, states=found.states or not_restored)
        told += note
        theirs = _of_candidate(context, found)
        chosen, sentences = _choose(context, found, theirs)
        told += sentences
        if chosen and chosen.suite.start == "apart" and found.seeds and _born(chosen):
            chosen.born = True
            told = (*(one for one in told if not one.startswith(APART)), BORN)
        check.verdict = Verdict.PASS if chosen else Verdict.INCONCLUSIVE
        check.detail = "; ".join(told) or _good(suite, context.reference)
        check.counts = {"lanes": context.reference.num_lanes}
        context.report.not_verified += [t for t in told if t not in context.report.not_verified]
    return chosen


def _good(suite: Suite, reference: Side) -> str:
    parts = ["the same seeds give the same episodes, in any lane and process"]
    if reference.spec.state and suite.restores:
        parts.append("a written state is played on from as before")
    return "; ".join(parts)


def _one_lane(
    context: Context, found: Agreement, stack: contextlib.ExitStack
) -> tuple[Context, Agreement, tuple[str, ...]]:
    """Go down to one lane where lanes of one process share a generator."""
    if context.reference.num_lanes == 1:
        return context, found, ()
    who, sentence = "reference", found.lanes
    if not sentence and _hosted(context.suite):
        who, sentence = "candidate", ask(context, context.candidate, lanes_only=True).lanes
    if not sentence:
        return context, found, ()
    sides = context.open_sides(1)
    reference, candidate = stack.enter_context(sides)
    context = replace(
        context,
        reference=reference,
        candidate=candidate,
        firsts=(None, None),
        effort=replace(context.effort, lanes=1, transitions=min(context.effort.transitions, 2_048)),
    )
    note = (
        f"the lanes of the {who} share a generator ({sentence}), so they are played one at a time, "
        "as with --lanes 1"
    )
    return context, ask(context, reference), (note,)


def _hosted(suite: Suite) -> bool:
    """Whether the candidate's lanes are objects in one process, which may share what is global."""
    return isinstance(suite.candidate, str) and suite.candidate.startswith(IN_PROCESS)


def _of_candidate(context: Context, found: Agreement) -> Agreement:
    """Ask the candidate, whose state nobody has promised to be whole where there is no suite."""
    suite, side = context.suite, context.candidate
    if suite.described or suite.start != "copy" or found.states or not side.spec.state:
        return Agreement()
    return Agreement(states=_states(context, side, _steps(context, side)))


def _choose(
    context: Context, found: Agreement, theirs: Agreement
) -> tuple[Context | None, tuple[str, ...]]:
    """Return the context with the way of comparing that is left, and what to tell about it."""
    suite, told = context.suite, []
    both = bool(context.reference.spec.state and context.candidate.spec.state)
    if found.hashing:
        told.append(
            f"the reference depends on PYTHONHASHSEED ({found.hashing}); both sides were given the "
            "same"
        )
    if found.seeds:
        told.append(f"equal seeds cannot be relied on: the reference differs from itself: "
                    f"{found.seeds}")  # fmt: skip
    if found.states:
        told.append(_restore("reference", found.states))
    if theirs.states:
        told.append(_restore("candidate", theirs.states))
    restores = both and not found.states and not theirs.states
    start: Literal["chance", "copy", "seed", "apart"] = suite.start
    if suite.start == "chance" and found.seeds:
        return None, tuple(told)
    if suite.start == "copy" and not restores:
        if not both:
            told.append(f"{_silent(context)}, so none is copied")
        start = "apart" if found.seeds else "seed"
    elif suite.start == "seed" and found.seeds:
        start = "copy" if restores and suite.described else "apart"
    if start == "seed" and not context.candidate.spec.reseeds:
        told.append(
            f"{context.candidate.spec.name} starts its next episodes by itself, by no seed that it "
            "is given"
        )
        start = "apart"
    kin = None
    promised = suite.described and suite.start == "seed"
    if start == "seed" and not promised:
        kin = kinship.ask(context.reference, context.candidate, suite, context.rng)
        if not kin.by_seed:
            start = "apart"
    if start != suite.start or kin is not None:
        told.append(_instead(start, kin))
    whole = not found.states and not theirs.states
    suite = replace(suite, start=start, restores=whole, repeats=not found.seeds)
    config = context.config
    if start != "copy" and config.resync is not None and not restores:
        config = replace(config, resync=None)
    return replace(context, suite=suite, config=config), tuple(told)


def _restore(who: str, how: str) -> str:
    return (
        f"writing the state does not restore the {who}: {how}; give it all of its state "
        "(state_attributes, or get_state and set_state) to have states copied"
    )


def _silent(context: Context) -> str:
    side = context.candidate if context.reference.spec.state else context.reference
    return f"no state can be read from {side.spec.name}"


def _instead(start: str, kin: kinship.Kinship | None) -> str:
    if start == "seed":
        why = "" if kin is None else f" ({kin.why})"
        return f"episodes are compared seed for seed{why}"
    if start == "apart":
        why = "" if kin is None else f": {kin.why}"
        return f"{APART}{why}"
    return "states are copied from the reference instead"


# -- the questions --------------------------------------------------------------------------------


def ask(context: Context, side: Side, lanes_only: bool = False) -> Agreement:
    """Ask a side of the pair whether it agrees with itself; strangers only for the reference."""
    steps = _steps(context, side)
    first = _play(context, side, min(steps, 32))
    order = np.roll(np.arange(side.num_lanes), 1)
    if lanes_only:
        again = _repeat(side, first)
        if _difference(context.suite, first, again):
            return Agreement()
        sentence = _in_order(context, side, first, order)
        # Lanes that differ though they share nothing are the candidate's fault, to be compared.
        if sentence and _independent(context, side, first):
            return Agreement()
        return Agreement(lanes=sentence)
    _play(context, side, min(steps, BETWEEN))
    seeds = _difference(context.suite, first, _repeat(side, first))
    lanes = "" if seeds else _in_order(context, side, first, order)
    hashing = ""
    if not seeds and not lanes:
        seeds, hashing = _other_processes(context, first)
    states = ""
    if side.spec.state:
        states = _states(context, side, steps) if context.suite.restores else UNWRITTEN
    return Agreement(seeds, lanes, hashing, states)


def _in_order(context: Context, side: Side, first: _Played, order: Array) -> str:
    if side.num_lanes == 1:
        return ""
    moved = _repeat(side, first, order)
    sentence = _difference(context.suite, _ordered(first, order), moved)
    return f"{sentence} when the same seeds were given in another order" if sentence else ""


def _independent(context: Context, side: Side, first: _Played) -> bool:
    """Whether every lane plays on as before when all the others are given something else."""
    other = _play(context, side, len(first.actions))
    lanes = np.arange(side.num_lanes)
    for half in (0, 1):
        mine = lanes % 2 == half

        def mixed(one: Any, two: Any, axis: int, mine: Array = mine) -> Any:
            if one is None:
                return None
            rows = mine.reshape((1,) * axis + (-1,) + (1,) * (one.ndim - axis - 1))
            return np.where(rows, one, two).astype(one.dtype)

        given = replace(
            first,
            seeds=mixed(first.seeds, other.seeds, 0),
            actions=mixed(first.actions, other.actions, 1),
            reset_seeds=mixed(first.reset_seeds, other.reset_seeds, 1),
            chance=(
                mixed(first.chance[0], other.chance[0], 0),
                mixed(first.chance[1], other.chance[1], 1),
            ),
        )
        rows = lanes[mine]
        again = _repeat(side, given)
        if _difference(context.suite, _ordered(first, rows), _ordered(again, rows)):
            return False
    return True


def _other_processes(context: Context, first: _Played) -> tuple[str, str]:
    """Return how the seeds disagree between processes, and whether only the hash seed matters."""
    lanes = len(first.seeds)
    with contextlib.closing(context.open_stranger(lanes, OTHER_HASH)) as stranger:
        different = _difference(context.suite, first, _repeat(stranger, first))
    if not different:
        return "", ""
    with contextlib.closing(context.open_stranger(lanes, "0")) as stranger:
        same = _difference(context.suite, first, _repeat(stranger, first))
    if same:
        return f"{same} in another process", ""
    return "", different


def _born(context: Context) -> bool:
    """Whether new environments repeat themselves, and those of both sides draw alike."""
    lanes = context.reference.num_lanes
    with contextlib.closing(context.open_stranger(lanes, "0")) as stranger:
        first = _play(context, stranger, BORN_STEPS)
    # Equal actions in all lanes, where none is masked: then lanes differ by what they drew.
    if not context.reference.spec.legal_actions:
        first = replace(first, actions=np.repeat(first.actions[:, :1], lanes, axis=1))
    shown = []
    for _ in range(2):
        with contextlib.closing(context.open_stranger(lanes, "0")) as stranger:
            shown.append(_repeat(stranger, first))
    if _difference(context.suite, *shown):
        return False
    with context.open_sides(lanes) as (_, candidate):
        if candidate.num_lanes != lanes or candidate.spec.chance is not None:
            return False
        theirs = _repeat(candidate, first)
    # The first lane was played when its environment was asked what it shows.
    rows = np.arange(min(1, lanes - 1), lanes)
    ours, other = (_lanes(one.steps, rows, 1) for one in (shown[0], theirs))
    return kinship.alike(ours, other, context.suite.observation.drifted())


def _steps(context: Context, side: Side) -> int:
    """Return how many steps a question may have, by the time that one takes."""
    _start(context, side)
    lanes = side.num_lanes
    seeds = context.rng.integers(0, MAX_SEED, (1, lanes))
    chance = context.suite.draw(context.rng, (1, lanes))
    play(side, context.rng, seeds, chance)
    took: list[float] = []
    for _ in range(TIMES):
        began = time.perf_counter()
        play(side, context.rng, seeds, chance)
        took.append(time.perf_counter() - began)
    # The shortest: on a busy machine the others tell of its other work.
    return int(np.clip(SECONDS / max(min(took), 1e-9), 8, MOST_STEPS))


def _start(context: Context, side: Side) -> tuple[Record, Array, Array | None]:
    seeds = context.rng.integers(0, MAX_SEED, size=side.num_lanes)
    chance = context.suite.draw(context.rng, (side.num_lanes,))
    return side.reset(seeds, chance), seeds, chance


def _play(context: Context, side: Side, steps: int) -> _Played:
    """Start episodes by fresh seeds and play at random."""
    start, seeds, chance = _start(context, side)
    lead = (steps, side.num_lanes)
    reset_seeds = context.rng.integers(0, MAX_SEED, size=lead)
    tape = context.suite.draw(context.rng, lead)
    actions, record = play(side, context.rng, reset_seeds, tape)
    return _Played(start, record, seeds, actions, reset_seeds, (chance, tape))


def _repeat(side: Side, played: _Played, order: Array | None = None) -> _Played:
    """Play the same again, the lanes in another order where one is given."""
    given = played if order is None else _ordered(played, order)
    start = side.reset(given.seeds, given.chance[0])
    record = side.step(given.actions, given.chance[1], given.reset_seeds)
    return replace(given, start=start, steps=record)


def _ordered(played: _Played, order: Array) -> _Played:
    chance, tape = played.chance
    return _Played(
        _lanes(played.start, order, 0),
        _lanes(played.steps, order, 1),
        played.seeds[order],
        played.actions[:, order],
        played.reset_seeds[:, order],
        (None if chance is None else chance[order], None if tape is None else tape[:, order]),
    )


def _lanes(record: Record, order: Array, axis: int) -> Record:
    def moved(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: moved(one) for name, one in value.items()}
        return np.take(value, order, axis) if isinstance(value, np.ndarray) else value

    return Record(**{name: moved(value) for name, value in vars(record).items()})


def _states(context: Context, side: Side, steps: int) -> str:
    """Write states of an episode in the middle of another, and play on as before."""
    lanes, suite, rng = side.num_lanes, context.suite, context.rng
    free = _play(context, side, steps)
    latest = max(1, steps // 2)
    alive = free.until_end.sum(axis=0)
    at = np.minimum(rng.integers(1, latest + 1, size=lanes), np.maximum(alive - 1, 1))
    # The state after ``at`` steps, from which the step number ``at`` is played.
    rows = np.arange(lanes)
    state = {name: values[at - 1, rows] for name, values in free.steps.state.items()}
    more = steps - int(at.max())
    index = at[None] + np.arange(max(more, 1))[:, None]
    index = np.minimum(index, steps - 1)
    seeds, tape = free.reset_seeds[index, rows], free.chance[1]
    before = _record_at(free.steps, index, rows)
    watched = free.until_end[index, rows] & (at < alive)
    _play(context, side, min(steps, BETWEEN))
    side.set_state(state)
    again = free.actions[index, rows]
    record = side.step(again, None if tape is None else tape[index, rows], seeds)
    watched &= np.arange(len(index))[:, None] < steps - at
    if context.config.resync is not None:
        # What a simulator leaves out of its state (a solver's first guess) may grow; it is written
        # anew after so many steps wherever states are copied.
        watched &= np.arange(len(index))[:, None] < context.config.resync
    return _records_differ(suite, before, record, watched, side is context.candidate)


def _record_at(record: Record, index: Array, rows: Array) -> Record:
    def at(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: at(one) for name, one in value.items()}
        return value[index, rows] if isinstance(value, np.ndarray) else value

    return Record(**{name: at(value) for name, value in vars(record).items()})


def _ended(record: Record) -> Array:
    assert record.terminated is not None
    assert record.truncated is not None
    return np.asarray(record.terminated | record.truncated)


# -- comparing a side with itself -----------------------------------------------------------------


def _difference(suite: Suite, first: _Played, again: _Played) -> str:
    """Say where two times of the same differ."""
    one, other = first.start, again.start
    for name, before, after, field in _quantities(suite, one, other, False):
        if differ(before, after, field):
            return f"the first {name} was {_text(before, after)}"
    everywhere = np.ones(first.actions.shape[:2], np.bool_)
    return _records_differ(suite, first.steps, again.steps, everywhere, False)


def _records_differ(
    suite: Suite, before: Record, after: Record, watched: Array, translated: bool
) -> str:
    """Say which quantity differs first in the cells [T, B] that are watched."""
    ended = _ended(before)
    for t in range(len(watched)):
        for name, one, other, field in _quantities(suite, before, after, translated):
            # After an end comes another episode; its start is compared in the next row.
            rows = watched[t] & ~ended[t] if name not in FLAGS else watched[t]
            if differ(one[t][rows], other[t][rows], field):
                bad = next(
                    lane
                    for lane in np.flatnonzero(rows)
                    if differ(one[t][lane], other[t][lane], field)
                )
                return f"{name} was {_text(one[t][bad], other[t][bad])}, {t + 1} steps on"
    return ""


FLAGS = ("reward", "terminated", "truncated")


def _quantities(
    suite: Suite, one: Record, other: Record, translated: bool
) -> list[tuple[str, Array, Array, Field]]:
    """List what two records of one side hold, with the field each is compared by."""
    fields: dict[str, Field] = {} if translated else {f.name: f for f in suite.state}
    found: list[tuple[str, Any, Any, Field]] = [
        ("terminated", one.terminated, other.terminated, Field("terminated")),
        ("truncated", one.truncated, other.truncated, Field("truncated")),
        ("reward", one.reward, other.reward, suite.reward),
        ("observation", one.observation, other.observation, suite.observation),
    ]
    states: StateDict = {n: v for n, v in one.state.items() if n in other.state}
    for name, values in states.items():
        if translated or name in fields:
            field = fields.get(name, Field(name, atol=1e-6, rtol=1e-6, reason="of one side"))
            found.append((f"state field {name}", values, other.state[name], field))
    return [
        (name, a, b, field.drifted())
        for name, a, b, field in found
        if isinstance(a, np.ndarray) and isinstance(b, np.ndarray)
    ]


def _text(before: Array, after: Array) -> str:
    def shown(value: Array) -> str:
        return np.array2string(np.asarray(value), threshold=8, edgeitems=2, precision=6)

    return f"{shown(before)}, then {shown(after)}"
