"""What is asked of both sides beside their steps: how they return things, resets without a seed.

``begin`` asks the reference what may be played and what it repeats; ``finish`` compares what was
noticed about what both sides returned, counts the actions, and lists what was not compared.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from envlift.reference.bridge.returned import DTYPE, GLOBAL, HARD, INFO, OUTSIDE
from envlift.reference.failure import SideFailure
from envlift.reference.layout import Layout
from envlift.reference.spaces import limits
from envlift.reference.types import Array, Record, Side, SideSpec
from envlift.verify.engine import contract
from envlift.verify.engine.actions import (
    BY_CHANCE,
    Counted,
    Played,
    legal_of,
    merge,
    never_counted,
    random_actions,
    sentences,
)
from envlift.verify.engine.compare import compare_field
from envlift.verify.engine.lockstep import MAX_SEED, describe, exchange
from envlift.verify.engine.play import play
from envlift.verify.run.context import Context
from envlift.verify.run.result import RETURNED, Check, Report, Verdict
from envlift.verify.suite import PairError

FIRST = "first observations"
_ANSWERS = (Verdict.PASS, Verdict.FAIL)

HASH_SEED_0 = "0"
"""``PYTHONHASHSEED`` of both sides."""

STEPS = 8
"""Steps in which the reference is asked."""

ROUNDS = 3
"""Resets without a seed that are compared."""

SELDOM = 24
"""So often a note that both sides are as likely to get comes to one of them alone once in 2**24."""

UNSEEDED_STEPS = 64
"""Steps between two of them."""


def begin(context: Context) -> None:
    """Ask the reference, in a process of its own, what may be played and what it repeats."""
    reference, reasons = context.reference, context.reasons
    spec = reference.spec
    if spec.observation_space is not None:
        layout, seen = Layout(spec.observation_space), context.suite.observation
        if layout.spec.shape == spec.observation.shape and not layout.plain:
            named = replace(seen, labels=seen.labels or layout.labels(), exact_at=layout.whole())
            context.suite = replace(context.suite, observation=named)
    clippable = context.suite.out_of_range and not spec.clips_actions and _bounded(spec)
    unseeded = context.suite.start == "seed" and spec.unseeded and context.candidate.spec.unseeded
    if not _bounded(spec):
        reasons["out_of_range"] = "the action space has no bounds to go beyond"
    elif not context.suite.out_of_range:
        reasons["out_of_range"] = "the suite says so"
    if not unseeded:
        seeds = "episodes do not start by seed"
        reasons["unseeded"] = seeds if context.suite.start != "seed" else "a side has none"
    if clippable or unseeded or spec.info or spec.masked_by_info:
        _ask_apart(context, clippable, unseeded)
    _count(context)


def _ask_apart(context: Context, clippable: bool, unseeded: bool) -> None:
    if context.open_probe is None:
        return
    try:
        probe = context.open_probe()
    except SideFailure:
        return  # it runs already: what is asked here is then left out
    with contextlib.closing(probe):
        _ask(context, probe, clippable, unseeded)


def _ask(context: Context, probe: Side, clippable: bool, unseeded: bool) -> None:
    reasons, spec = context.reasons, probe.spec
    try:
        first, again = (_play(context, probe, unseeded) for _ in range(2))
    except SideFailure:
        return  # what is wrong with it, the levels will say
    left = _not_repeated(first, again)
    for name in sorted(left):
        context.report.not_compared.append(f"info {name!r} (the reference does not repeat it)")
    context.suite = replace(context.suite, info_left_out=(*context.suite.info_left_out, *left))
    if unseeded and not all(map(_same, first[1 + STEPS :], again[1 + STEPS :])):
        reasons["unseeded"] = "the reference does not repeat them"
        context.unseeded = False
    else:
        context.unseeded = unseeded
    if spec.masked_by_info:
        _reference_spec(context, advisory_mask=not _refuses(context, probe))
        if not _alive(probe):
            return
    if clippable:
        why = _clips(context, probe)
        if why:
            reasons["out_of_range"] = why
        else:
            _reference_spec(context, clips_actions=True)
            contract.mark(context.report, "out_of_range", "played: the reference clips them")


def _reference_spec(context: Context, **changes: Any) -> None:
    context.reference.spec = replace(context.reference.spec, **changes)


def _alive(side: Side) -> bool:
    return bool(getattr(side, "alive", True))


def _play(context: Context, probe: Side, unseeded: bool) -> list[Record]:
    """Play a few steps, the same in every call, then as many after a reset without a seed."""
    rng = np.random.default_rng(0)
    lanes = probe.num_lanes
    records = []
    for given in (np.arange(lanes) + 11, np.full(lanes, -1))[: 1 + unseeded]:
        records.append(probe.reset(given, context.suite.draw(rng, (lanes,))))
        legal = legal_of(probe.spec, records[-1])
        for _ in range(STEPS):
            actions = random_actions(
                probe.spec, rng, (1, lanes), None if legal is None else legal[None]
            )
            chance = context.suite.draw(rng, (1, lanes))
            seeds = rng.integers(0, MAX_SEED, (1, lanes)) if given[0] >= 0 else given[None]
            records.append(probe.step(actions, chance, seeds))
            legal = legal_of(probe.spec, records[-1], -1)
    return records


def _same(one: Record, other: Record) -> bool:
    """Whether two records show the same observations, rewards and flags."""
    for name in ("observation", "reward", "terminated", "truncated"):
        a, b = getattr(one, name), getattr(other, name)
        if a is None or b is None:
            if a is not b:
                return False
        elif not np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind == "f"):
            return False
    return True


def _not_repeated(first: list[Record], again: list[Record]) -> set[str]:
    return {
        name
        for one, other in zip(first, again, strict=True)
        for name, values in one.info.items()
        if not np.array_equal(values, other.info[name], equal_nan=values.dtype.kind == "f")
    }


def _refuses(context: Context, probe: Side) -> bool:
    """Whether the reference raises where an action outside of its mask is played.

    True as well where no action is masked at the beginning, and so nobody can know.
    """
    rng = np.random.default_rng(0)
    lanes = probe.num_lanes
    try:
        record = probe.reset(np.arange(lanes) + 11, context.suite.draw(rng, (lanes,)))
        mask = record.legal_actions
        if mask is None or mask.all():
            return True
        actions = random_actions(probe.spec, rng, (1, lanes), ~mask[None])
        probe.step(actions, context.suite.draw(rng, (1, lanes)), np.zeros((1, lanes), np.int64))
    except SideFailure:
        return True
    return False


def _bounded(spec: SideSpec) -> bool:
    """Whether some number of an action is continuous and has two bounds."""
    if spec.action_space is None:
        return False
    for leaf in Layout(spec.action_space, action=True).leaves:
        if leaf.space["kind"] == "Box" and np.dtype(leaf.dtype).kind == "f":
            low, high = limits(leaf.space)
            if (np.isfinite(low) & np.isfinite(high)).any():
                return True
    return False


def _clips(context: Context, probe: Side) -> str:
    """Return why actions outside of the bounds are not played, nothing if they are clipped."""
    rng = np.random.default_rng(1)
    lanes, spec = probe.num_lanes, replace(probe.spec, clips_actions=True)
    wide = np.concatenate([_beyond(spec, rng, lanes) for _ in range(STEPS)])
    layout = Layout(spec.action_space or {}, action=True)
    chance = context.suite.draw(rng, (STEPS, lanes))
    start = context.suite.draw(rng, (lanes,))
    seeds = rng.integers(0, MAX_SEED, (STEPS, lanes))
    shown = []
    for actions in (wide, _clipped(layout, wide)):
        try:
            probe.reset(np.arange(lanes) + 11, start)
            shown.append(probe.step(actions, chance, seeds))
        except SideFailure:
            return "the reference refuses them"
    one, other = shown
    for name in ("observation", "reward", "terminated", "truncated"):
        a, b = np.asarray(getattr(one, name)), np.asarray(getattr(other, name))
        if not np.array_equal(a, b, equal_nan=a.dtype.kind == "f"):
            return "the reference does not simply clip them"
    return ""


def _beyond(spec: SideSpec, rng: np.random.Generator, lanes: int) -> Array:
    """Draw one action of each lane that is outside of its bounds."""
    many = random_actions(spec, rng, (400,))
    layout = Layout(spec.action_space or {}, action=True)
    rows = many.reshape(400, -1)
    inside = (rows == _clipped(layout, many).reshape(400, -1)).all(axis=1)
    outside = np.flatnonzero(~inside)
    chosen = rng.choice(outside if len(outside) else np.arange(400), lanes)
    return many[chosen][None]


def _clipped(layout: Layout, actions: Array) -> Array:
    """Return actions with every continuous number brought into its bounds."""
    flat = actions.reshape(-1, int(np.prod(layout.spec.shape, dtype=int))).copy()
    for leaf in layout.leaves:
        if leaf.space["kind"] == "Box" and np.dtype(leaf.dtype).kind == "f":
            low, high = (bound.reshape(-1) for bound in limits(leaf.space))
            part = slice(leaf.offset, leaf.offset + leaf.places)
            flat[:, part] = np.clip(flat[:, part], low, high)
    return flat.reshape(actions.shape)


def _count(context: Context) -> None:
    """Count the actions that both sides play."""
    try:
        played = Played(context.reference.spec)
    except PairError:
        return  # a side that tells no bounds: the suite's policies play
    context.played = played
    context.candidate = Counted(context.candidate, played)


# -- at the end ---------------------------------------------------------------------------------


def run(context: Context) -> None:
    """Compare resets without a seed, as a part of level 3."""
    if not context.unseeded:
        return
    suite, rng = context.suite, context.rng
    reference, candidate = context.reference, context.candidate
    lanes = reference.num_lanes
    with context.check("L3", "resets without a seed") as check:
        seeds, done = rng.integers(0, MAX_SEED, lanes), 0
        gone: list[_Gone] = []
        for reset in range(ROUNDS + 1):
            theirs, ours = candidate.reset(seeds), reference.reset(seeds)
            gone.append(_Gone(seeds, ours))
            seeds = np.full(lanes, -1)
            found = [
                compare_field(ours.observation[None], theirs.observation[None], suite.observation)
            ]
            if found[0].bad.any():
                if _differs_again(context, check, gone):
                    return
                lane = int(np.flatnonzero(found[0].bad[0])[0])
                context.fail(check, describe(found, 0, lane, 0, [], {}, {}, {}), None)
                check.detail = f"{check.divergence.field if check.divergence else ''} differs " + (
                    f"after {reset} resets without a seed" if reset else "after the first reset"
                )
                return
            legal = legal_of(reference.spec, ours)
            most = max(8, min(UNSEEDED_STEPS, context.effort.min_steps))
            steps = most if legal is None else 1
            allowed = None if legal is None else legal[None]
            actions = random_actions(reference.spec, rng, (steps, lanes), allowed)
            ends = np.full((steps, lanes), -1)
            both = exchange(
                suite.drifted(),
                context.config,
                reference,
                candidate,
                ours.state,
                actions,
                None,
                ends,
                context.report.deviations,
            )
            gone[-1] = replace(gone[-1], actions=actions, steps=both.reference)
            done += steps * lanes
            check.counts = {"steps": done, "resets": (reset + 1) * lanes}
            if both.found:
                if _differs_again(context, check, gone):
                    return
                t, lane = both.first()
                context.fail(check, both.divergence(0, actions[: t + 1, lane].tolist()), None)
                return
        check.verdict = Verdict.PASS
        check.detail = "equal in the order in which they come"
        contract.mark(context.report, "unseeded", f"{ROUNDS} of every lane, and those of its ends")


@dataclass(frozen=True)
class _Gone:
    """One reset of all lanes and the steps that followed: what was asked and what came of it."""

    seeds: Array
    start: Record
    actions: Array | None = None
    steps: Record | None = None


def _differs_again(context: Context, check: Check, gone: list[_Gone]) -> bool:
    """Whether another process of the reference, after other steps, goes another way itself."""
    rng, lanes = np.random.default_rng(0), len(gone[0].seeds)
    try:
        with contextlib.closing(context.open_stranger(lanes, HASH_SEED_0)) as side:
            side.reset(rng.integers(0, MAX_SEED, lanes))
            play(side, rng, rng.integers(0, MAX_SEED, (STEPS, lanes)), None)
            for one in gone:
                good = _same(one.start, side.reset(one.seeds))
                if good and one.actions is not None and one.steps is not None:
                    ends = np.full(one.actions.shape[:2], -1)
                    good = _same(one.steps, side.step(one.actions, None, ends))
                if not good:
                    check.verdict = Verdict.SKIPPED
                    check.detail = (
                        "the reference differs from itself: another process of it, given the same "
                        "seeds and actions, went another way"
                    )
                    context.reasons["unseeded"] = check.detail
                    return True
    except SideFailure:
        return False  # it will be said where the reference is judged
    return False


def finish(context: Context, levels: Mapping[str, bool]) -> None:
    """Compare what was noticed, tell which actions were played, and mark what was compared.

    Args:
        context: of a configuration whose levels have run.
        levels: level -> whether it was asked for.
    """
    report = context.report
    _compare_notes(context)
    if context.played is not None and (levels.get("L2") or levels.get("L3")):
        merge(report.actions, context.played.counts)
        merge(report.expected, context.played.expected())
        _never_played(context, context.played)
    _mark(context)


def _never_played(context: Context, played: Played) -> None:
    never = played.never()
    if not never or not any(sum(bins.values()) for bins in played.counts.values()):
        return
    suffix = "" if context.config.name == "default" else f" [{context.config.name}]"
    for sentence in never[:8]:
        context.report.not_verified.append(f"actions never played{suffix}: {sentence}")
    if len(never) > 8:
        context.report.not_verified.append(
            f"actions never played{suffix}: some of {len(never) - 8} more components"
        )
    missing = _but_for_ends(played.never_though_legal())
    if missing and context.suite.features:
        with context.check("L3", "actions played") as check:
            check.detail = "never played: " + "; ".join(missing[:8])


def finish_run(report: Report, features: bool) -> None:
    """Ask of all configurations together for actions that one of them never allowed.

    Args:
        report: of the run.
        features: whether the suite has a gate.
    """
    name = "actions played"
    if not features or any(check.name.startswith(name) for check in report.checks):
        return
    never = never_counted(report.actions)
    # What was legal now and then may not have been drawn.
    never = {
        name: [k for k in keys if not 0 < report.expected.get(name, {}).get(k, 0) < BY_CHANCE]
        for name, keys in never.items()
    }
    missing = _but_for_ends(sentences(never))
    if missing:
        told = "never played in any configuration: " + "; ".join(missing[:8])
        report.checks.append(Check("L3", name, Verdict.INCONCLUSIVE, told))


def _but_for_ends(told: list[str]) -> list[str]:
    """Leave out where only the very ends of a range were never met."""

    def named(sentence: str) -> set[str]:
        return set(sentence.partition(": ")[2].split(", "))

    return [sentence for sentence in told if not named(sentence) <= {"lowest", "highest"}]


def _notes(side: Side) -> dict[str, tuple[int, str]] | None:
    ask = getattr(side, "notes", None)
    if ask is None or not _alive(side):
        return None
    found: dict[str, tuple[int, str]] = ask()
    return found


def _compare_notes(context: Context) -> None:
    """Compare how both sides return things; a fault that the reference shares is only told."""
    report = context.report
    try:
        ours, theirs = _notes(context.reference), _notes(context.candidate)
    except SideFailure:
        return
    if ours is None or theirs is None:
        return
    for kind in {**theirs, **ours}:
        if kind.startswith(INFO):
            line = f"info{kind.removeprefix(INFO)}"
            report.not_compared += [line] if line not in report.not_compared else []
    shared = [kind for kind in ours if kind in theirs and not kind.startswith(INFO)]
    for kind in [*shared, *(kind for kind in ours if kind not in shared)]:
        if not kind.startswith(INFO):
            count, first = ours[kind]
            who = "both sides" if kind in shared else "the reference"
            report.noticed.append(f"{who}: {kind} ({count:,} times; {first})")
    with context.check("L3", RETURNED) as check:
        # Where each side draws for itself, what comes seldom comes to one of them alone.
        chance = {
            kind
            for kind, (count, _) in theirs.items()
            if kind == OUTSIDE and context.suite.start == "apart" and count < SELDOM
        }
        wrong = [k for k in theirs if k in HARD and k not in ours and k not in chance]
        for kind, (count, first) in theirs.items():
            if kind not in ours and kind not in wrong and not kind.startswith(INFO):
                report.noticed.append(f"the candidate: {kind} ({count:,} times; {first})")
        check.verdict = Verdict.FAIL if wrong else Verdict.PASS
        check.detail = "types, dtypes and membership in the spaces, before anything is converted"
        if DTYPE in ours and DTYPE not in theirs and not wrong:
            check.verdict = Verdict.INCONCLUSIVE
            check.detail = f"the reference: {DTYPE} ({ours[DTYPE][1]}); the candidate keeps to it"
        if wrong:
            check.detail = "; ".join(
                f"the candidate: {kind}, {theirs[kind][0]:,} times, the reference never "
                f"({theirs[kind][1]})"
                for kind in wrong
            )
        contract.mark(report, "returned", "on both sides, before anything is converted")
    if GLOBAL in theirs or GLOBAL in ours:
        who = "the reference" if GLOBAL in ours else "the candidate"
        who = "both sides" if GLOBAL in ours and GLOBAL in theirs else who
        verb = "use" if who == "both sides" else "uses"
        context.reasons["global_generators"] = f"{who} {verb} them"
    else:
        contract.mark(report, "global_generators", "neither side uses them")


def _mark(context: Context) -> None:
    """Mark what the levels compared, from what both sides show."""
    report, ours, theirs = context.report, context.reference.spec, context.candidate.spec
    rollouts = [c for c in report.checks if c.level in ("L2", "L3") and c.counts]
    if any(c.counts.get("steps") or c.counts.get("transitions") for c in rollouts):
        contract.mark(report, "observation", "in every step")
        if not (ours.self_reset or theirs.self_reset):
            contract.mark(report, "final_observation", "at every end")
        if ours.state and theirs.state and context.suite.state:
            contract.mark(report, "state", f"{len(context.suite.state)} fields")
        if ours.legal_actions or theirs.legal_actions:
            contract.mark(report, "legal_actions", "in every step")
        both = [n for n in ours.info if n in theirs.info and n not in context.suite.info_left_out]
        names = [name for name in both if not name.endswith("?")]
        if names:
            contract.mark(report, "info", f"in every step: {', '.join(sorted(names))}")
        if context.suite.start == "seed":
            contract.mark(report, "seed_0", "the first lane's first seed")
    started = [c for c in report.checks if c.name.startswith(FIRST) and c.verdict in _ANSWERS]
    lockstep = [c for c in rollouts if c.level == "L3" and c.counts.get("steps")]
    if started or (lockstep and context.suite.start != "copy"):
        how = started[0].detail if started else "equal from equal starts"
        contract.mark(report, "first_observation", how)
    for who, mine, other in (("reference", ours, theirs), ("candidate", theirs, ours)):
        for name in mine.info:
            if name not in other.info and not name.endswith("?"):
                report.not_compared.append(f"info {name!r} (only the {who} gives it)")
    if any(check.level == "L1" and check.name.startswith("spaces") for check in report.checks):
        for part in ("action_space", "observation_space"):
            if getattr(ours, part) is not None and getattr(theirs, part) is not None:
                contract.mark(report, part, "in level 1")
