"""L3 without a suite: play that goes somewhere.

Random play stays near the start: it never meets the left wall of MountainCar. Where nobody wrote
policies that reach the corners, the reference's own states are searched for what was not seen yet:
every lane goes back to a state that few lanes went on from, and holds an action for 1 to hundreds
of steps. Both sides play that, and everything is compared. Where states can be written,
both go back by the state, and some lanes begin at the ends of what the observation space allows;
else they play the way there again from its seed.

Shape letters: ``T`` steps, ``B`` lanes, ``D`` coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from envlift.reference.spaces import limits
from envlift.reference.types import Array, Record, StateDict
from envlift.verify.engine.actions import legal_now, random_actions
from envlift.verify.engine.archive import Archive
from envlift.verify.engine.history import LaneHistory
from envlift.verify.engine.lockstep import MAX_SEED, Exchange, answers_at, exchange
from envlift.verify.run.context import Context
from envlift.verify.run.result import Check, Verdict
from envlift.verify.suite import Config, Suite

LENGTH = 32
"""Steps that both sides play freely before they go back to another state."""

SHARE = 0.5
"""Steps of the search, as a share of those of random play."""

LONGEST = 512
"""Steps of the longest way that is played again from its seed."""

HOLDS = 9
"""An action is held for up to 2 to this power less one half steps."""

EDGES = 0.1
"""Share of lanes that begin at an end of the observation space, where the state is seen whole."""

FARTHEST = 1e30
"""A bound that is farther away is none."""

SMALL = 64
"""Coordinates up to which the observation is searched for those of the state."""

TIME = "elapsed_steps"
"""A state field that is no place."""

FULL = (
    "what would make it a full PASS: a suite with policies that reach what random play does not, "
    "and features that must have been reached (docs/verify.md, Your own environment)"
)


@dataclass(frozen=True)
class _Way:
    """How to come back to a point: its state, or a seed and the actions that led there."""

    state: StateDict
    seed: int
    actions: Array


def run(context: Context) -> None:
    """Search, compare, and draw what was visited."""
    if context.suite.described or context.suite.start == "apart":
        return
    context.report.not_verified.append(FULL)
    with context.check("L3", "play that goes somewhere") as check:
        if legal_now(context.reference) is not None:
            check.verdict = Verdict.SKIPPED
            check.detail = "what is legal is known after each step only, so no action is held"
            return
        _Search(context, check).run()


class _Search:
    """One search over the reference's states, both sides playing it."""

    def __init__(self, context: Context, check: Check) -> None:
        self.context, self.check = context, check
        self.rng, self.lanes = context.rng, context.reference.num_lanes
        self.suite: Suite = context.suite.drifted()
        self.config: Config = context.config
        self.writes = context.suite.writes_states and bool(context.reference.spec.state)
        self.length = self.config.resync or LENGTH
        self.archive: Archive | None = None
        self.names: list[str] = []
        self.held = random_actions(context.reference.spec, self.rng, (self.lanes,))
        self.left = np.zeros(self.lanes, np.int64)
        self.steps = self.episodes = 0
        self.seen_observation = np.zeros(0)
        self.seen_points = np.zeros((0, 0))
        self.places: list[tuple[str, tuple[int, ...]]] = []

    def run(self) -> None:
        """Play rounds until the steps are spent."""
        effort = self.context.effort
        budget = max(4 * self.length, int(SHARE * min(effort.min_steps, effort.max_steps)))
        done = 0
        while done < budget:
            more = self._from_states() if self.writes else self._from_seeds()
            if more is None:
                return
            done += more
            self.context.progress.advance(min(done, budget), budget)
            self._count()
        self.check.verdict = Verdict.PASS
        self._count()
        assert self.archive is not None
        self.check.detail = (
            f"{self.archive.cells:,} cells of the state space visited, every action held for up to "
            f"{2**HOLDS // 2} steps"
        )
        kind = "states" if self.context.reference.spec.state else "observations"
        self.context.report.visited = [
            f"{kind} visited by play that goes somewhere (a darker place: more cells of the rest):",
            *self.archive.picture(self.names),
        ]

    def _count(self) -> None:
        cells = 0 if self.archive is None else self.archive.cells
        self.check.counts = {
            "steps": self.steps,
            "episodes": self.episodes,
            "lanes": self.lanes,
            "cells": cells,
        }

    # -- where states can be written --------------------------------------------------------------

    def _from_states(self) -> int | None:
        seeds = self.rng.integers(0, MAX_SEED, size=self.lanes)
        if self.archive is None:
            before = self.context.reference.reset(seeds).state
            self._open(before, self.context.reference.spec.observation.shape)
        elif not self.archive.cells:
            # Nothing but ends was seen: the search begins anew.
            before = self.context.reference.reset(seeds).state
        else:
            ways = self.archive.choose(self.lanes)
            before = {
                name: np.stack([way.state[name] for way in ways])
                for name in self.context.reference.spec.state
            }
            self._edges(before)
        actions = self._actions(self.length)
        again = self.rng.integers(0, MAX_SEED, size=(self.length, self.lanes))
        self.context.begin_anew()
        self.context.candidate.set_state(self.suite.candidate_state(before))
        self.context.reference.set_state(before)
        both = self._exchange(before, actions, again)
        if both.found:
            self._fail(both, actions, np.zeros(self.lanes, np.int64), whole=False)
            return None
        assert self.archive is not None
        whole = both.compared & ~_ended(both.reference)
        t, lane = np.nonzero(whole)
        state = both.reference.state
        points = self._points(both.reference)[t, lane]
        cost = state[TIME][t, lane] if TIME in state else np.zeros(len(t))

        def way(i: int) -> _Way:
            kept = {name: values[t[i], lane[i]] for name, values in state.items()}
            return _Way(kept, 0, np.zeros(0))

        self.archive.add(points, np.asarray(cost, np.float64), way)
        return self.length

    def _edges(self, before: StateDict) -> None:
        """Put one coordinate of some lanes at the end of the space that says where it ends.

        Those are the coordinates that the observation shows as they are.
        """
        space = self.context.reference.spec.observation_space
        if space is None or space.get("kind") != "Box":
            return
        low, high = limits(space)
        ends = np.stack([low.reshape(-1), high.reshape(-1)]).astype(np.float64)
        shown = self._shown()
        if not len(shown):
            return
        for lane in np.flatnonzero(self.rng.random(self.lanes) < EDGES):
            entry, place = shown[int(self.rng.integers(0, len(shown)))]
            end = ends[int(self.rng.integers(0, 2)), entry]
            if np.isfinite(end) and abs(end) < FARTHEST:
                name, index = self.places[place]
                before[name][int(lane)][index] = end

    def _shown(self) -> list[tuple[int, int]]:
        """Return which entry of an observation is which coordinate of a point."""
        seen = self.seen_observation.reshape(-1, *self.seen_observation.shape[2:])
        flat = seen.reshape(len(seen), -1).astype(np.float64)
        points = self.seen_points.reshape(-1, self.seen_points.shape[-1])
        if flat.shape[1] > SMALL or points.shape[1] > SMALL:
            return []
        same = np.isclose(flat[:, :, None], points[:, None, :], rtol=1e-4, atol=1e-5).all(axis=0)
        moves = (points != points[:1]).any(axis=0)
        return [(int(a), int(b)) for a, b in np.argwhere(same & moves)]

    # -- where they cannot -------------------------------------------------------------------------

    def _from_seeds(self) -> int | None:
        fresh = self.archive is None
        none = _Way({}, 0, self.held[:0])
        ways = [none] * self.lanes if fresh else self.archive.choose(self.lanes)  # type: ignore[union-attr]
        seeds = self.rng.integers(0, MAX_SEED, size=self.lanes)
        known = np.array([len(way.actions) for way in ways])
        if not fresh:
            seeds = np.array([way.seed for way in ways])
        total = int(known.max()) + self.length
        actions = self._actions(total)
        for one, way in enumerate(ways):
            actions[: known[one], one] = way.actions
        again = self.rng.integers(0, MAX_SEED, size=(total, self.lanes))
        self.context.candidate.reset(seeds)
        start = self.context.reference.reset(seeds)
        if fresh:
            self._open(start.state, self.context.reference.spec.observation.shape)
        both = self._exchange(start.state, actions, again)
        if both.found:
            self._fail(both, actions, seeds, whole=True)
            return None
        assert self.archive is not None
        ended = _ended(both.reference)
        alive: Array = np.asarray(np.cumsum(ended, axis=0) == 0)
        alive &= (np.arange(total) < LONGEST - self.length)[:, None]
        t, lane = np.nonzero(alive)

        def way_to(i: int) -> _Way:
            return _Way({}, int(seeds[lane[i]]), actions[: t[i] + 1, lane[i]].copy())

        self.archive.add(self._points(both.reference)[t, lane], t.astype(np.float64), way_to)
        return total

    # -- both -------------------------------------------------------------------------------------

    def _open(self, state: StateDict, shape: tuple[int, ...]) -> None:
        """Begin an archive; a point is the state where there is one, else the observation."""
        fields = [(name, v.shape[1:]) for name, v in state.items() if name != TIME]
        fields = fields or [("observation", shape)]
        self.places = [(name, at) for name, inner in fields for at in np.ndindex(*inner)]
        self.names = [
            f"{name}[{', '.join(map(str, index))}]" if index else name
            for name, index in self.places
        ]
        self.archive = Archive(self.rng, len(self.names))

    def _points(self, record: Record) -> Array:
        """Return the points of a record, [T, B, D]."""
        self.seen_observation = record.observation
        lead = record.observation.shape[:2]
        parts = [v for name, v in record.state.items() if name != TIME] or [record.observation]
        flat = [np.asarray(part, np.float64).reshape(*lead, -1) for part in parts]
        self.seen_points = np.concatenate(flat, axis=-1)
        return self.seen_points

    def _actions(self, total: int) -> Array:
        """Draw actions [T, B, ...], each held for 1 to hundreds of steps, also over rounds."""
        spec = self.context.reference.spec
        chosen = []
        for _ in range(total):
            over = self.left <= 0
            if over.any():
                fresh = random_actions(spec, self.rng, (self.lanes,))
                lift = over.reshape(over.shape + (1,) * (fresh.ndim - 1))
                self.held = np.where(lift, fresh, self.held).astype(spec.action.dtype)
                drawn = (2 ** self.rng.uniform(0, HOLDS - 0.5, self.lanes)).astype(np.int64)
                self.left = np.where(over, drawn, self.left)
            self.left = self.left - 1
            chosen.append(self.held)
        return np.stack(chosen)

    def _exchange(self, before: StateDict, actions: Array, again: Array) -> Exchange:
        context = self.context
        both = exchange(
            self.suite,
            self.config,
            context.reference,
            context.candidate,
            before,
            actions,
            None,
            again,
            context.report.deviations,
        )
        self.steps += int(both.compared.sum())
        self.episodes += int((_ended(both.reference) & both.compared).sum())
        return both

    def _fail(self, both: Exchange, actions: Array, seeds: Array, whole: bool) -> None:
        t, lane = both.first()
        ended = _ended(both.reference)[:t, lane]
        if whole and ended.any():
            whole = False  # An episode came before: the seed of the lane does not lead there.
        before = {name: v[: t + 1, lane] for name, v in both.trace.before.items()}
        history = LaneHistory(
            seed=int(seeds[lane]),
            start_chance=None,
            states=before if self.writes else {},
            actions=actions[: t + 1, lane],
            chance=None,
            whole=whole,
            last=answers_at(both.reference, t, lane),
        )
        self.context.fail(self.check, both.divergence(0, history.actions.tolist()), history)


def _ended(record: Record) -> Array:
    assert record.terminated is not None
    assert record.truncated is not None
    return np.asarray(record.terminated | record.truncated)
