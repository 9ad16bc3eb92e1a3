"""Whole episodes as distributions, for sides that cannot be made to play the same one.

Two implementations that draw from different generators, or a reference that no seed repeats, never
play the same episode. What can be compared is what comes of play: one step of each episode (what
was observed, the action, what was observed then, reward and end), drawn at a random time, and how
long episodes last and what they earn. Every row comes from an episode of its own, so that the
p-values mean what they say. Most are left after a few steps; some are played until the reference's
longest has ended, so that what comes late is seen: a time limit, say.

Shape letters: ``T`` steps, ``B`` lanes, ``N`` episodes, ``D`` coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from envlift.reference.types import Array, Record, Side, StateDict
from envlift.verify.engine.lockstep import MAX_SEED, trace_of
from envlift.verify.engine.play import play
from envlift.verify.engine.two_sample import ALPHA, MOST_COORDINATES, same_joint
from envlift.verify.levels.draws.resets import compare_starts, same_distribution
from envlift.verify.run.context import Context
from envlift.verify.run.result import Verdict
from envlift.verify.suite import applies

LENGTHS = (1, 2, 4, 8, 16, 32, 64)
"""Steps played in a round, one after the other; the step that is kept is drawn among them."""

HELD = (1, 1, 4, 16)
"""Steps for which actions are held, one after the other, so that play gets somewhere."""

TO_THE_END = 4
"""Steps that playing to the end may take, as a multiple of what the other rounds take."""

SHARE_TO_THE_END = 4
"""One of so many rounds is played to the end, if that many fit."""

PART = 128
"""Steps of one exchange."""

LARGEST = 128 * 2**20
"""Bytes of observations of one exchange, at the most."""


def run(context: Context) -> dict[str, int]:
    """Compare single steps and whole episodes as distributions, as a check of level 3.

    Returns:
        How often each feature of the suite was reached by the reference.
    """
    reached: dict[str, int] = {}
    purposeful = [p.name for p in context.suite.policies if p.act and applies(p, context.config)]
    if purposeful:
        context.report.not_verified.append(
            f"play by {', '.join(purposeful)} [{context.config.name}]: episodes that are compared "
            "as distributions are played at random"
        )
    with context.check("L3", "episodes as distributions") as check:
        some = None
        width = int(np.prod(context.reference.spec.observation.shape))
        if width > MOST_COORDINATES // 2:
            some = np.sort(context.rng.choice(width, MOST_COORDINATES // 2, replace=False))
        count = max(1, context.effort.resets // context.reference.num_lanes)
        short = [LENGTHS[number % len(LENGTHS)] for number in range(count)]
        budget = TO_THE_END * sum(short)
        latest, played = _latest_end(context, min(budget, context.effort.max_steps))
        # A little longer, so that what ends later on the other side is seen to end.
        whole = latest + max(8, latest // 8)
        times = int(np.clip(budget // whole, 1, max(1, count // SHARE_TO_THE_END)))
        found: list[tuple[float, str]] = []
        episodes = coordinates = 0
        for kind, lengths in (("", short), (" of play to the end", [whole] * times)):
            sides = [
                _sample(context, s, lengths, some) for s in (context.reference, context.candidate)
            ]
            ours, theirs = sides
            for name, times_reached in ours.reached.items():
                reached[name] = reached.get(name, 0) + times_reached
            played += ours.played + theirs.played
            episodes += len(ours.sums)
            coordinates = ours.steps.shape[1]
            found += _compared(ours, theirs, kind, context.rng)
        check.counts = {"steps": played, "episodes": episodes, "coordinates": coordinates}
        check.counts["longest episode"] = latest
        p, worst = min(found)
        p = min(1.0, p * len(found))
        check.verdict = Verdict.FAIL if p < ALPHA else Verdict.PASS
        check.detail = (
            f"one step of each episode, and length and return, compared as distributions; smallest "
            f"p = {p:.2g} ({worst})"
        )
    return reached


def _latest_end(context: Context, most: int) -> tuple[int, int]:
    """Return the step at which the last of the reference's lanes has ended, and steps played."""
    side, rng = context.reference, context.rng
    lanes = side.num_lanes
    side.reset(rng.integers(0, MAX_SEED, size=lanes))
    ended = np.zeros(lanes, bool)
    done = 0
    while done < most:
        length = min(_part(side), most - done)
        _, record = play(side, rng, rng.integers(0, MAX_SEED, size=(length, lanes)))
        flags = ended | np.logical_or.accumulate(_ends(record), axis=0)
        if flags[-1].all():
            return done + int(flags.all(axis=1).argmax()) + 1, (done + length) * lanes
        ended = flags[-1]
        done += length
        context.progress.advance(done * lanes, most * lanes)
    context.report.not_compared.append(
        f"play beyond {most:,} steps [{context.config.name}]: {int((~ended).sum())} of {lanes} "
        "episodes of the reference had not ended there"
    )
    return most, most * lanes


@dataclass
class _Sample:
    """What was kept of one side's episodes.

    Attributes:
        steps: [N, D], one step of each.
        sums: [N, 4 + P]: how long it lasted, by which flag it ended, how long it was played at
            most, and what each of P players earned.
        played: steps of all lanes.
        reached: name of a feature -> how often the side reached it.
    """

    steps: Array
    sums: Array
    played: int = 0
    reached: dict[str, int] = field(default_factory=dict)


def _compared(
    reference: _Sample, candidate: _Sample, kind: str, rng: np.random.Generator
) -> list[tuple[float, str]]:
    """Return p-values, each corrected for those beside it, and what they are of."""
    found = [
        (same_joint(reference.steps, candidate.steps, rng), f"a step{kind}"),
        (same_joint(reference.sums, candidate.sums, rng), f"length and return{kind}"),
    ]
    marginal = compare_starts(
        {"step": reference.steps[:, :64], "episode": reference.sums},
        {"step": candidate.steps[:, :64], "episode": candidate.sums},
    )
    p, worst = min(marginal)
    found.append((min(1.0, p * len(marginal)), f"{worst}{kind}"))
    # Most episodes may end early: those that a time limit cuts are few beside them.
    for column, flag in ((1, "terminated"), (2, "truncated")):
        ours, theirs = (s.sums[s.sums[:, column] > 0, 0] for s in (reference, candidate))
        if len(ours) and len(theirs):
            p = same_distribution(ours, theirs)
            found.append((p, f"length of {flag} episodes{kind}"))
    return found


def _sample(context: Context, side: Side, lengths: list[int], some: Array | None) -> _Sample:
    """Play as many episodes as the side has lanes for each of the lengths."""
    parts = []
    for number, length in enumerate(lengths):
        parts.append(_round(context, side, length, HELD[number % len(HELD)], some))
        context.progress.advance((number + 1) * side.num_lanes, len(lengths) * side.num_lanes)
    reached: dict[str, int] = {}
    for part in parts:
        for name, times in part.reached.items():
            reached[name] = reached.get(name, 0) + times
    return _Sample(
        np.concatenate([part.steps for part in parts]),
        np.concatenate([part.sums for part in parts]),
        sum(part.played for part in parts),
        reached,
    )


def _round(context: Context, side: Side, length: int, held: int, some: Array | None) -> _Sample:
    """Play one episode in every lane, for ``length`` steps or until all have ended."""
    rng, lanes = context.rng, side.num_lanes
    start = side.reset(rng.integers(0, MAX_SEED, size=lanes))
    observation, state = start.observation, start.state
    at = rng.integers(0, length, size=lanes)
    alive = np.ones(lanes, bool)
    lasted = np.zeros(lanes, np.int64)
    flags = np.zeros((lanes, 2), bool)
    earned: Array | None = None
    kept: Array | None = None
    reached: dict[str, int] = {}
    done = 0
    while done < length and alive.any():
        size = min(_part(side), length - done)
        actions, record = play(side, rng, rng.integers(0, MAX_SEED, size=(size, lanes)), held=held)
        if side is context.reference:
            _note(context, state, actions, record, reached)
        ended = _ends(record)
        going = alive & (np.cumsum(ended, axis=0) - ended == 0)
        here = going.sum(axis=0)
        # An episode that ends before the step that was drawn is kept by its last one.
        index = np.clip(np.minimum(at - done, here - 1), 0, None)
        taken = (alive & (at >= done))[:, None]
        rows = _steps(observation, actions, record, index, some)
        kept = rows if kept is None else np.where(taken, rows, kept)
        assert record.terminated is not None
        assert record.truncated is not None
        assert record.reward is not None
        for column, flag in enumerate((record.terminated, record.truncated)):
            flags[:, column] |= (flag & going).any(axis=0)
        reward = record.reward.reshape(size, lanes, -1)
        more = (reward * going[..., None]).sum(axis=0)
        earned = more if earned is None else earned + more
        lasted += here
        alive &= ~ended.any(axis=0)
        observation = record.observation[-1]
        state = {name: values[-1] for name, values in record.state.items()}
        done += size
    assert kept is not None
    assert earned is not None
    sums = np.concatenate([lasted[:, None], flags, np.full((lanes, 1), length), earned], axis=1)
    return _Sample(kept, sums.astype(float), done * lanes, reached)


def _steps(
    before: Array, actions: Array, record: Record, index: Array, some: Array | None
) -> Array:
    """Return the step ``index`` [B] of every lane as a row of numbers, [B, D]."""
    ended = _ends(record)
    assert record.terminated is not None
    assert record.truncated is not None
    assert record.reward is not None
    lanes = len(index)
    rows = np.arange(lanes)
    final = record.observation if record.final_observation is None else record.final_observation
    lift = ended[index, rows].reshape((lanes,) + (1,) * (final.ndim - 2))
    then = np.where(lift, final[index, rows], record.observation[index, rows])
    first = np.concatenate([before[None], record.observation[:-1]])[index, rows]
    first, second = (_drawn(values, some) for values in (first, then))
    moved = np.abs(first - second)
    parts = [
        first,
        second,
        actions[index, rows],
        record.reward[index, rows],
        record.terminated[index, rows],
        record.truncated[index, rows],
        moved.mean(axis=1),
        (moved > 0).mean(axis=1),
    ]
    return np.concatenate([np.reshape(part, (lanes, -1)).astype(float) for part in parts], axis=1)


def _note(
    context: Context, state: StateDict, actions: Array, record: Record, reached: dict[str, int]
) -> None:
    """Add what the reference reached."""
    trace = trace_of(state, actions, record, context.config)
    for feature in context.suite.features:
        if applies(feature, context.config):
            hits = int(np.asarray(feature.reached(trace)).sum())
            reached[feature.name] = reached.get(feature.name, 0) + hits


def _ends(record: Record) -> Array:
    assert record.terminated is not None
    assert record.truncated is not None
    return np.asarray(record.terminated | record.truncated)


def _part(side: Side) -> int:
    """Return the steps of one exchange: observations are large now and then."""
    shown = side.spec.observation
    size = int(np.prod(shown.shape)) * np.dtype(shown.dtype).itemsize * side.num_lanes
    return int(np.clip(LARGEST // max(1, size), 1, PART))


def _drawn(values: Array, some: Array | None) -> Array:
    flat = np.asarray(values, np.float64).reshape(len(values), -1)
    return flat if some is None else flat[:, some]
