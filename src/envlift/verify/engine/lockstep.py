"""Two sides, the same actions, step by step, until the first difference.

The candidate always moves BEFORE the reference is asked, so that no answer of the reference can
reach it. State is copied within an episode only where the configuration says so (``resync``): the
reference's, from before the steps that follow.

Shape letters: ``T`` steps of one exchange, ``B`` lanes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from envlift.reference.types import Array, Record, Side, SideSpec, StateDict
from envlift.verify.engine.actions import chosen_actions, legal_of
from envlift.verify.engine.actions import random_actions as random_actions
from envlift.verify.engine.compare import (
    Mismatch,
    allowed_text,
    compare_field,
    compare_info,
    compare_records,
    compare_states,
    refuse_nan_of_reference,
)
from envlift.verify.engine.history import History
from envlift.verify.engine.history import LaneHistory as LaneHistory
from envlift.verify.run.result import Divergence
from envlift.verify.suite import Config, Feature, Policy, Suite, Trace

CHUNK = 64
"""Steps per exchange where actions do not depend on what is seen."""

MOST_BYTES = 2**24
"""Bytes of the observations and states that one side shows in one exchange, about."""

MAX_SEED = 2**31
"""Seeds are below this, so that every library takes them as they are."""

SMALL_BITS = 16
"""A small seed has at most so many bits."""

LAST_ACTIONS = 8
"""How many of a lane's last actions a divergence shows."""


@dataclass
class Outcome:
    """What a lockstep run counted, and its first difference if there was one."""

    steps: int = 0
    episodes: int = 0
    ends_per_lane: Array = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    features: dict[str, int] = field(default_factory=dict)
    deviations: dict[str, int] = field(default_factory=dict)
    divergence: Divergence | None = None
    history: LaneHistory | None = None


Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Exchange:
    """What both sides did with the same actions, all state in the reference's fields.

    Attributes:
        trace, reference, candidate: what they did.
        found: where they differ.
        compared: bool [T, B]; false after an end where each side went on from its own reset.
    """

    trace: Trace
    reference: Record
    candidate: Record
    found: list[Mismatch]
    compared: Array

    def first(self) -> tuple[int, int]:
        """Return step and lane of the first difference."""
        bad = np.any([mismatch.bad for mismatch in self.found], axis=0)
        t, lane = np.argwhere(bad)[0].tolist()
        return t, lane

    def divergence(self, step: int, actions: list[Any]) -> Divergence:
        """Describe the first difference; ``step`` counts the steps before this exchange."""
        t, lane = self.first()
        before = {name: values[t, lane] for name, values in self.trace.before.items()}
        states = self.reference.state, self.candidate.state
        return describe(self.found, t, lane, step + t + 1, actions[-LAST_ACTIONS:], before, *states)


def exchange(
    suite: Suite,
    config: Config,
    reference: Side,
    candidate: Side,
    before: StateDict,
    actions: Array,
    chance: Array | None,
    seeds: Array,
    deviations: dict[str, int],
) -> Exchange:
    """Play T steps on both sides, the candidate first, and compare all they show."""
    theirs = candidate.step(actions, chance, seeds)
    answers = reference.step(actions, chance, seeds)
    if reference.spec.masked_by_info and not candidate.spec.legal_actions:
        answers = replace(answers, legal_actions=None)
    if candidate.spec.masked_by_info and not reference.spec.legal_actions:
        theirs = replace(theirs, legal_actions=None)
    final = theirs.final_state
    theirs = replace(
        theirs,
        state=suite.reference_state(theirs.state),
        final_state=None if final is None else suite.reference_state(final),
    )
    trace = trace_of(before, actions, answers, config)
    after_end = suite.start != "copy"
    compared = np.ones(actions.shape[:2], dtype=np.bool_)
    if not after_end:
        # Each side went on from a reset of its own.
        compared = _until_end(answers) & _until_end(theirs)
    found = compare_records(suite, answers, theirs, trace, deviations, after_end, compared)
    return Exchange(trace, answers, theirs, found, compared)


def answers_at(record: Record, t: int, lane: int) -> StateDict:
    """Return what a side showed of one step of one lane, by name; of an end, before its reset."""
    assert record.reward is not None
    assert record.terminated is not None
    assert record.truncated is not None
    shown = {
        name: np.asarray(values[t, lane])
        for name, values in (
            ("reward", record.reward),
            ("terminated", record.terminated),
            ("truncated", record.truncated),
        )
    }
    ended = bool(shown["terminated"] | shown["truncated"])
    observation = record.final_observation if ended else record.observation
    state = record.final_state if ended else record.state
    if observation is not None:
        shown["observation"] = np.asarray(observation[t, lane])
    return shown | {f"state {n}": np.asarray(v[t, lane]) for n, v in (state or {}).items()}


def _until_end(record: Record) -> Array:
    """Return a bool array [T, B], true up to and including each lane's first end."""
    assert record.terminated is not None
    assert record.truncated is not None
    ended = record.terminated | record.truncated
    return np.asarray(np.cumsum(ended, axis=0) <= ended)


def draw_seeds(rng: np.random.Generator, shape: int | tuple[int, ...]) -> Array:
    """Draw seeds: half of them anywhere, half of them small, as people give them."""
    small = (2.0 ** rng.uniform(0, SMALL_BITS, shape)).astype(np.int64)
    return np.where(rng.random(shape) < 0.5, small, rng.integers(0, MAX_SEED, shape))


def most_steps(spec: SideSpec, lanes: int) -> int:
    """Return how many steps an exchange may have, at least one: images weigh more than numbers."""
    arrays = [spec.observation, *spec.state.values()]
    one = sum(int(np.prod(a.shape, dtype=np.int64)) * np.dtype(a.dtype).itemsize for a in arrays)
    return max(1, MOST_BYTES // max(1, one * lanes))


class Lockstep:
    """One run of two sides under one policy.

    Args:
        suite: what is compared.
        config: the configuration both sides were made with; it says whether state is copied.
        reference, candidate: the sides, with equal numbers of lanes.
        rng: all chance, seeds and random actions come from it.
    """

    def __init__(
        self,
        suite: Suite,
        config: Config,
        reference: Side,
        candidate: Side,
        rng: np.random.Generator,
    ) -> None:
        # Rounding has no time to grow in a single step.
        self.suite = suite if config.resync == 1 else suite.drifted()
        self.config = config
        self.reference = reference
        self.candidate = candidate
        self.rng = rng
        self.lanes = reference.num_lanes
        self.outcome = Outcome(ends_per_lane=np.zeros(self.lanes, dtype=np.int64))
        self._history = History(np.zeros(self.lanes, np.int64), None)
        self._state: StateDict = {}
        self._observation: Array = np.zeros(0)
        self._mask: Array | None = None
        self._legal: Array | None = None

    # -- the run --------------------------------------------------------------------------------

    def play(
        self,
        policy: Policy,
        *,
        max_steps: int,
        min_steps: int = 0,
        min_ends: int = 0,
        features: tuple[Feature, ...] = (),
        progress: Progress | None = None,
    ) -> Outcome:
        """Play until every lane has ``min_ends`` ends and ``min_steps`` steps, or ``max_steps``.

        Steps are counted per lane here and over all lanes in ``outcome``, which holds what was
        found so far even if this is interrupted.
        """
        outcome = self.outcome
        outcome.divergence = self._start()
        done = 0
        while outcome.divergence is None and done < max_steps:
            if done >= min_steps and int(outcome.ends_per_lane.min()) >= min_ends:
                break
            length = self._length(policy, done)
            self._exchange(policy, length, done, outcome, features)
            done += length
            if progress is not None:
                progress(done * self.lanes, max_steps * self.lanes)
        return outcome

    def _length(self, policy: Policy, done: int) -> int:
        """Return how many steps the next exchange has, ``done`` steps after the start."""
        length = CHUNK if policy.act is None else policy.hold
        length = min(length, most_steps(self.reference.spec, self.lanes))
        if self._legal is not None:
            length = 1  # What is legal next is known only after the step before.
        resync = self.config.resync
        if resync is not None:
            return min(length, resync - done % resync)
        # What follows an end within an exchange cannot be compared where state has to be copied.
        return 1 if self.suite.start == "copy" else length

    def _start(self) -> Divergence | None:
        seeds = draw_seeds(self.rng, self.lanes)
        if self.suite.start == "seed":
            seeds[0] = 0  # `if seed` is a common slip.
        chance = self.suite.draw(self.rng, (self.lanes,))
        candidate = self.candidate.reset(seeds, chance)
        reference = self.reference.reset(seeds, chance)
        self._history = History(seeds, chance)
        self._state, self._observation = reference.state, reference.observation
        self._mask = reference.legal_actions
        self._legal = legal_of(self.reference.spec, reference)
        if self.suite.start == "copy":
            self.candidate.set_state(self.suite.candidate_state(reference.state))
            return None
        return self._compare_reset(reference, candidate)

    def _compare_reset(self, reference: Record, candidate: Record) -> Divergence | None:
        """A reset is compared like a step of which only state and observation exist."""
        ref_state = {k: v[None] for k, v in reference.state.items()}
        cand_state = {k: v[None] for k, v in self.suite.reference_state(candidate.state).items()}
        found = compare_states(ref_state, cand_state, self.suite.state)
        found.append(
            compare_field(
                reference.observation[None], candidate.observation[None], self.suite.observation
            )
        )
        found += compare_info(self.suite, _one_step(reference), _one_step(candidate))
        found = [mismatch for mismatch in found if mismatch.bad.any()]
        refuse_nan_of_reference(found, "reset")
        if not found:
            return None
        lane = int(np.argwhere(np.any([m.bad[0] for m in found], axis=0))[0, 0])
        return describe(found, 0, lane, 0, [], {}, ref_state, cand_state)

    def _exchange(
        self,
        policy: Policy,
        length: int,
        done: int,
        outcome: Outcome,
        features: tuple[Feature, ...],
    ) -> None:
        spec = self.reference.spec
        if policy.act is None:
            legal = None if self._legal is None else self._legal[None]
            actions = random_actions(spec, self.rng, (length, self.lanes), legal)
        else:
            shown = self._observation, self._state, self._mask
            one = chosen_actions(policy, spec, self.rng, *shown)
            actions = np.repeat(one[None], length, axis=0)
        chance = self.suite.draw(self.rng, (length, self.lanes))
        seeds = draw_seeds(self.rng, (length, self.lanes))
        if self._resyncs(done):
            self.candidate.set_state(self.suite.candidate_state(self._state))
        both = exchange(
            self.suite,
            self.config,
            self.reference,
            self.candidate,
            self._state,
            actions,
            chance,
            seeds,
            outcome.deviations,
        )
        trace, reference = both.trace, both.reference
        ended = trace.terminated | trace.truncated
        self._history.keep(trace.before, actions, chance, ended, seeds)
        outcome.steps += int(both.compared.sum())
        if both.found:
            self._diverge(both, done, outcome)
            return
        for feature in features:
            hits = int((np.asarray(feature.reached(trace)) & both.compared).sum())
            outcome.features[feature.name] = outcome.features.get(feature.name, 0) + hits
        outcome.episodes += int((ended & both.compared).sum())
        outcome.ends_per_lane += (ended & both.compared).sum(axis=0)
        self._state = {name: values[-1] for name, values in reference.state.items()}
        self._observation = reference.observation[-1]
        self._mask = None if reference.legal_actions is None else reference.legal_actions[-1]
        self._legal = legal_of(self.reference.spec, reference, -1)
        theirs = both.candidate
        assert theirs.terminated is not None
        assert theirs.truncated is not None
        # Where the candidate alone ended an episode, a deviation allowed it, or it would have been
        # found: there it has begun anew, and has to be brought back.
        anew = np.asarray(ended | theirs.terminated | theirs.truncated)
        if self.suite.start == "copy" and anew.any() and not self._resyncs(done + length):
            self._copy_resets(np.any(anew, axis=0))

    def _resyncs(self, done: int) -> bool:
        """Whether the reference's state is copied before the step after ``done`` steps."""
        resync = self.config.resync
        copied = done == 0 and self.suite.start == "copy"
        return resync is not None and done % resync == 0 and not copied

    def _copy_resets(self, ended: Array) -> None:
        """Start the next episode of ended lanes from the reference's state, theirs alone."""
        fresh = self.suite.candidate_state(self._state)
        own = self.candidate.get_state()
        merged = {
            name: np.where(_lift(ended, value), fresh[name].astype(value.dtype), value)
            for name, value in own.items()
        }
        self.candidate.set_state(merged)

    # -- helpers --------------------------------------------------------------------------------

    def _diverge(self, both: Exchange, done: int, outcome: Outcome) -> None:
        t, lane = both.first()
        resync = self.config.resync
        # What came before the copied state has no part in the difference.
        longest = None if resync is None else done % resync + t + 1
        outcome.history = self._history.lane(lane, t, longest)
        outcome.history.last = answers_at(both.reference, t, lane)
        if not self.suite.writes_states:
            # The way leads there from its reset alone.
            outcome.history.states = {}
        outcome.divergence = both.divergence(done, outcome.history.actions.tolist())


def _one_step(record: Record) -> Record:
    """Give a reset's info the axis of a step."""
    return replace(record, info={name: values[None] for name, values in record.info.items()})


def trace_of(state: StateDict, actions: Array, reference: Record, config: Config) -> Trace:
    """Build the reference's trace of one exchange from the state before it."""
    before = {
        name: np.concatenate([state[name][None], values[:-1]])
        for name, values in reference.state.items()
    }
    assert reference.reward is not None
    assert reference.terminated is not None
    assert reference.truncated is not None
    ended = reference.terminated | reference.truncated
    last = reference.final_state or reference.state
    final = {
        name: np.where(ended.reshape(ended.shape + (1,) * (values.ndim - 2)), last[name], values)
        for name, values in reference.state.items()
    }
    return Trace(
        before=before,
        action=actions,
        after=reference.state,
        observation=reference.observation,
        reward=reference.reward,
        terminated=reference.terminated,
        truncated=reference.truncated,
        config=config.reference,
        final=final,
    )


def describe(
    found: list[Mismatch],
    t: int,
    lane: int,
    step: int,
    actions: list[Any],
    before: StateDict,
    reference_state: StateDict,
    candidate_state: StateDict,
) -> Divergence:
    """Say what differs first in cell (t, lane): state fields come first."""
    here = [mismatch for mismatch in found if mismatch.bad[t, lane]]
    here.sort(key=_importance)
    entries = [entry for mismatch in here for entry in mismatch.at(t, lane)]
    label, reference, candidate = entries[0]
    numbers = all(
        isinstance(v, (int, float)) and not isinstance(v, bool) for v in (reference, candidate)
    )
    return Divergence(
        step=step,
        lane=lane,
        field=label,
        reference=reference,
        candidate=candidate,
        difference=float(candidate) - float(reference) if numbers else None,
        allowed=allowed_text(here[0].field),
        actions=actions,
        before={name: np.asarray(value).tolist() for name, value in before.items()},
        reference_state=_cell(reference_state, t, lane),
        candidate_state=_cell(candidate_state, t, lane),
        also=[name for name, _, _ in entries[1:]],
        values={name: [ours, theirs] for name, ours, theirs in entries},
        labels={m.field.name: m.field.labels for m in here if m.field.labels},
    )


DERIVED = ("reward", "terminated", "truncated", "observation", "legal_actions")


def _importance(mismatch: Mismatch) -> int:
    name = mismatch.field.name.removeprefix("final ")
    return 1 + DERIVED.index(name) if name in DERIVED else 0


def _cell(state: StateDict, t: int, lane: int) -> dict[str, Any]:
    return {name: np.asarray(values)[t, lane].tolist() for name, values in state.items()}


def _lift(rows: Array, like: Array) -> Array:
    """Give a bool array [B] the trailing axes of ``like`` [B, ...]."""
    return rows.reshape(rows.shape + (1,) * (like.ndim - 1))
