"""Do equal seeds mean the same on both sides?

Two implementations of one environment may draw from different generators. Then equal seeds give
different episodes on both sides, and neither is wrong. What both answer to the same seed is
compared with what they answer to different seeds: if it is no more alike, the seed tells nothing.

Shape letters: ``T`` steps, ``B`` lanes, ``N`` seeds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from envlift.reference.types import Array, Record, Side
from envlift.verify.engine.actions import random_actions
from envlift.verify.engine.compare import compare_field
from envlift.verify.engine.lockstep import draw_seeds
from envlift.verify.suite import Field, Suite

SEEDS = 256
"""Seeds that are tried."""

STEPS = 8
"""Steps of each; the same actions for every seed, so that only chance makes them differ."""

SIGMA = 6.0
"""Standard deviations that tell kinship from luck."""

COORDINATES = 64
"""Coordinates of an observation whose correlation is looked at."""


HALF = 0.5
"""Share of lanes that must agree, or move."""

ROUNDING = 1e-3
"""Share of all that an observation moves by, below which lanes do not differ."""

FEW = 8
"""Lanes that say nothing about a correlation."""

MOVES = 0.1
"""Share of seeds that must give another value than the commonest for a correlation to count."""


@dataclass(frozen=True)
class Kinship:
    """What equal seeds say.

    Attributes:
        by_seed: episodes can be compared seed for seed.
        why: in words.
        starts: share of seeds whose first observations (and states) agree.
    """

    by_seed: bool
    why: str
    starts: float


@dataclass(frozen=True)
class _Shown:
    """What one side showed: observations [T + 1, N, D], rewards [T, N], and what is valid."""

    observation: Array
    reward: Array
    valid: Array


def ask(reference: Side, candidate: Side, suite: Suite, rng: np.random.Generator) -> Kinship:
    """Play equal seeds with equal actions on both sides, and look whether the seed tells."""
    lanes = reference.num_lanes
    rounds = max(1, math.ceil(SEEDS / lanes))
    # Where masks say what is legal, one sequence of actions does not fit all seeds.
    steps = 0 if reference.spec.legal_actions or candidate.spec.legal_actions else STEPS
    chosen = random_actions(reference.spec, rng, (steps, 1))
    actions = np.repeat(chosen, lanes, axis=1)
    sides: list[list[_Shown]] = [[], []]
    for _ in range(rounds):
        seeds = draw_seeds(rng, lanes)
        again = draw_seeds(rng, (steps, lanes))
        # The candidate first: it never sees an answer.
        for shown, side in zip(reversed(sides), (candidate, reference), strict=True):
            start = side.reset(seeds)
            shown.append(_shown(start, side.step(actions, None, again) if steps else None))
    ours, theirs = (_joined(shown) for shown in sides)
    if ours.observation.shape != theirs.observation.shape:
        return Kinship(True, "the observations have other shapes", 0.0)
    return judge(ours, theirs, suite.observation.drifted(), suite.reward.drifted())


def alike(ours: Record, theirs: Record, observation: Field) -> bool:
    """Say whether two sides draw alike, from few lanes that were given the same actions.

    Where a lane shows what another does, nothing was drawn that could differ.
    """
    one, other = ours.observation, theirs.observation
    if one.shape != other.shape:
        return False
    lanes = one.shape[1]
    assert ours.terminated is not None
    assert ours.truncated is not None
    # Up to the first end of any lane only: what follows is another episode.
    ended = np.cumsum((ours.terminated | ours.truncated).any(axis=1)) > 0
    if not ended[0]:
        one, other = one[~ended], other[~ended]
    spread = np.ptp(one.reshape(len(one), lanes, -1).astype(np.float64), axis=1)
    whole = np.ptp(one.reshape(len(one) * lanes, -1).astype(np.float64), axis=0)
    # What rounding makes of equal numbers is no draw.
    varies = (spread > ROUNDING * whole).any(axis=1)
    if not varies.any():
        return True
    same = ~compare_field(one, other, observation).bad
    if (same[varies].mean(axis=1) >= HALF).any():
        return True
    if lanes <= FEW:
        return False
    a, b = (x.reshape(len(x), lanes, -1).astype(np.float64) for x in (one, other))
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    size = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    with np.errstate(divide="ignore", invalid="ignore"):
        r = np.where(size > 1e-12, (a * b).sum(axis=1) / size, 0.0)
    z = np.arctanh(np.minimum(np.abs(r), 1 - 1e-12)) * math.sqrt(lanes - 3)
    # Of values that hardly ever change, two would agree by luck.
    moves = (one.reshape(a.shape) != np.median(one.reshape(a.shape), axis=1, keepdims=True)).mean(
        axis=1
    ) >= HALF
    return bool((moves & (z > SIGMA)).any())


def _shown(start: Record, steps: Record | None) -> _Shown:
    if steps is None:
        alone = start.observation[None]
        n = len(start.observation)
        flat = alone.reshape(1, n, -1)
        return _Shown(flat, np.zeros((0, n)), np.ones((1, n), np.bool_))
    assert steps.terminated is not None
    assert steps.truncated is not None
    assert steps.reward is not None
    ended = steps.terminated | steps.truncated
    before: Array = np.asarray(np.cumsum(ended, axis=0) - ended == 0)
    final = steps.observation if steps.final_observation is None else steps.final_observation
    lift = ended.reshape(ended.shape + (1,) * (final.ndim - 2))
    last = np.where(lift, final, steps.observation)
    observation = np.concatenate([start.observation[None], last])
    valid = np.concatenate([np.ones((1, len(before[0])), np.bool_), before])
    flat = observation.reshape(*observation.shape[:2], -1)
    return _Shown(flat, steps.reward.reshape(*ended.shape, -1)[..., 0], valid)


def _joined(shown: list[_Shown]) -> _Shown:
    return _Shown(
        np.concatenate([one.observation for one in shown], axis=1),
        np.concatenate([one.reward for one in shown], axis=1),
        np.concatenate([one.valid for one in shown], axis=1),
    )


def judge(ours: _Shown, theirs: _Shown, observation: Field, reward: Field) -> Kinship:
    """Say whether equal seeds are more alike than different ones."""
    count = ours.valid.shape[1]
    both = ours.valid & theirs.valid
    equal = _agree(ours, theirs, observation, reward, np.arange(count))
    starts = float(equal[0].mean())
    constant = all(
        (ours.observation[t][ours.valid[t]] == ours.observation[t][ours.valid[t]][:1]).all()
        for t in range(len(ours.valid))
        if ours.valid[t].any()
    )
    if constant:
        return Kinship(True, "the seed changes nothing in the reference's first steps", starts)
    order = np.roll(np.arange(count), count // 2 or 1)
    shuffled = _agree(ours, theirs, observation, reward, order)
    # Where different seeds agree as well, it is the tolerance that is wide.
    told = equal[both].all() and not shuffled[both].all()
    if told and np.array_equal(ours.valid, theirs.valid):
        return Kinship(True, "the first steps agree for every seed", starts)
    for t in range(len(equal)):
        rows = both[t]
        n = int(rows.sum())
        if n < 8:
            continue
        matched, other = float(equal[t][rows].mean()), float(shuffled[t][rows].mean())
        pooled = (matched + other) / 2
        error = math.sqrt(max(2 * pooled * (1 - pooled) / n, 1e-12))
        if matched - other > SIGMA * error and n * (matched - other) >= 4:
            return Kinship(
                True, f"{matched:.0%} of equal seeds agree, {other:.0%} of others", starts
            )
        if _correlated(ours.observation[t][rows], theirs.observation[t][rows]):
            return Kinship(True, "what equal seeds give hangs together", starts)
    return Kinship(
        False,
        "the two sides draw from different generators, so equal seeds give different episodes",
        starts,
    )


def _agree(ours: _Shown, theirs: _Shown, observation: Field, reward: Field, order: Array) -> Array:
    """Return a bool array [T + 1, N]: what the sides show of a step agrees."""
    same = ~compare_field(ours.observation, theirs.observation[:, order], observation).bad
    one, other = (side.reward.astype(np.float64) for side in (ours, theirs))
    same[1:] &= ~compare_field(one, other[:, order], reward).bad
    return np.asarray(same)


def _correlated(ours: Array, theirs: Array) -> bool:
    """Whether some coordinate of both sides goes up and down together over the seeds."""
    n, width = ours.shape
    some = np.unique(np.linspace(0, width - 1, COORDINATES).astype(int))
    one, other = (side[:, some].astype(np.float64) for side in (ours, theirs))
    one, other = one - one.mean(axis=0), other - other.mean(axis=0)
    # A value that hardly ever changes would agree by luck.
    moves = np.ones(one.shape[1], np.bool_)
    for side in (one, other):
        moves &= (side != np.median(side, axis=0)).mean(axis=0) >= MOVES
    one, other = one[:, moves], other[:, moves]
    size = np.sqrt((one**2).sum(axis=0) * (other**2).sum(axis=0))
    with np.errstate(divide="ignore", invalid="ignore"):
        r = np.where(size > 1e-12, (one * other).sum(axis=0) / size, 0.0)
    return bool(np.any(np.abs(r) * math.sqrt(n) > SIGMA))
