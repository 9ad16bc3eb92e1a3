"""Whole episodes as distributions, for sides that cannot be made to play the same one.

Two implementations that draw from different generators, or a reference that no seed repeats, never
play the same episode. What can be compared is what comes of play: one step of each episode (what
was observed, the action, what was observed then, reward and end), drawn at a random time, and how
long episodes last and what they earn. Every row comes from an episode of its own, so that the
p-values mean what they say.

Shape letters: ``T`` steps, ``B`` lanes, ``N`` episodes, ``D`` coordinates.
"""

from __future__ import annotations

import numpy as np

from envlift.reference.types import Array, Side
from envlift.verify.engine.lockstep import MAX_SEED, trace_of
from envlift.verify.engine.play import play
from envlift.verify.engine.two_sample import ALPHA, MOST_COORDINATES, same_joint
from envlift.verify.levels.draws.resets import compare_starts
from envlift.verify.run.context import Context
from envlift.verify.run.result import Verdict
from envlift.verify.suite import applies

LENGTHS = (1, 2, 4, 8, 16, 32, 64)
"""Steps played in a round, one after the other; the step that is kept is drawn among them."""

HELD = (1, 1, 4, 16)
"""Steps for which actions are held, one after the other, so that play gets somewhere."""


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
        count = context.effort.resets
        some = None
        width = int(np.prod(context.reference.spec.observation.shape))
        if width > MOST_COORDINATES // 2:
            some = np.sort(context.rng.choice(width, MOST_COORDINATES // 2, replace=False))
        steps, sums, played = [], [], 0
        for side in (context.candidate, context.reference):
            one, other, more = _sample(context, side, count, some, reached)
            steps.append(one)
            sums.append(other)
            played += more
        check.counts = {"steps": played, "episodes": len(steps[0]), "coordinates": len(steps[0][0])}
        found = [
            (same_joint(steps[1], steps[0], context.rng), "a step"),
            (same_joint(sums[1], sums[0], context.rng), "length and return"),
        ]
        marginal = compare_starts(
            {"step": steps[1][:, :64], "episode": sums[1]},
            {"step": steps[0][:, :64], "episode": sums[0]},
        )
        p, worst = min(marginal)
        found.append((min(1.0, p * len(marginal)), worst))
        p, worst = min(found)
        p = min(1.0, p * len(found))
        check.verdict = Verdict.FAIL if p < ALPHA else Verdict.PASS
        check.detail = (
            f"one step of each episode, and length and return, compared as distributions; smallest "
            f"p = {p:.2g} ({worst})"
        )
    return reached


def _sample(
    context: Context, side: Side, count: int, some: Array | None, reached: dict[str, int]
) -> tuple[Array, Array, int]:
    """Play ``count`` episodes; return steps [N, D], sums [N, 3], and how many steps it took.

    What the reference reaches is added to ``reached``.
    """
    rng, lanes = context.rng, side.num_lanes
    steps: list[Array] = []
    sums: list[Array] = []
    played = 0
    for number in range(max(1, count // lanes)):
        length, held = LENGTHS[number % len(LENGTHS)], HELD[number % len(HELD)]
        seeds = rng.integers(0, MAX_SEED, size=lanes)
        start = side.reset(seeds)
        again = rng.integers(0, MAX_SEED, size=(length, lanes))
        actions, record = play(side, rng, again, held=held)
        played += length * lanes
        if side is context.reference:
            trace = trace_of(start.state, actions, record, context.config)
            for feature in context.suite.features:
                if applies(feature, context.config):
                    hits = int(np.asarray(feature.reached(trace)).sum())
                    reached[feature.name] = reached.get(feature.name, 0) + hits
        assert record.terminated is not None
        assert record.truncated is not None
        assert record.reward is not None
        ended: Array = np.asarray(record.terminated | record.truncated)
        alive: Array = np.asarray(np.cumsum(ended, axis=0) - ended == 0)
        lasted: Array = alive.sum(axis=0)
        at = np.minimum(rng.integers(0, length, size=lanes), lasted - 1)
        rows = np.arange(lanes)
        final = record.observation if record.final_observation is None else record.final_observation
        lift = ended[at, rows].reshape((lanes,) + (1,) * (final.ndim - 2))
        then = np.where(lift, final[at, rows], record.observation[at, rows])
        before = np.concatenate([start.observation[None], record.observation[:-1]])[at, rows]
        first, second = (_drawn(values, some) for values in (before, then))
        moved = np.abs(first - second)
        reward = record.reward.reshape(*ended.shape, -1)
        parts = [
            first,
            second,
            actions[at, rows],
            reward[at, rows],
            record.terminated[at, rows],
            record.truncated[at, rows],
            moved.mean(axis=1),
            (moved > 0).mean(axis=1),
        ]
        steps.append(np.concatenate([np.reshape(p, (lanes, -1)).astype(float) for p in parts], 1))
        earned = (reward * alive[..., None]).sum(axis=0)
        total = [lasted, ended.any(axis=0), np.full(lanes, length)]
        sums.append(np.concatenate([np.stack(total, axis=1), earned], axis=1).astype(float))
        context.progress.advance(len(steps) * lanes, count)
    return np.concatenate(steps), np.concatenate(sums), played


def _drawn(values: Array, some: Array | None) -> Array:
    flat = np.asarray(values, np.float64).reshape(len(values), -1)
    return flat if some is None else flat[:, some]
