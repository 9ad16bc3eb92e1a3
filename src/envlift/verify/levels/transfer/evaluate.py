"""One policy in two sides with the same seeds, the same chance and the same noise.

Every lane plays one episode, from its start to its first end. What follows in a lane is played, so
that the others can go on, and counts for nothing. In a game of several players the policy has one
seat in each lane, in turn, and counts what that seat earns; whoever else plays chooses uniformly
among what is legal, by the tape's noise.

Shape letters: ``B`` lanes, ``N`` numbers of noise per action, ``A`` actions, ``P`` players.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from envlift.reference.types import Array, Record, Side
from envlift.train.policies.player import Player
from envlift.verify.engine.lockstep import MAX_SEED
from envlift.verify.suite import Suite


@dataclass(frozen=True)
class Episodes:
    """What a policy did in one side, one episode for each lane.

    Attributes:
        returned: float64 [B], sum of the rewards up to the end.
        length: int64 [B], steps up to the end.
        ended: bool [B], whether the end came; the others count up to where play stopped.
    """

    returned: Array
    length: Array
    ended: Array


class Tape:
    """All chance of an evaluation, the same however often and by whomever it is played.

    Args:
        suite: draws the chance.
        lanes: B.
        noise_size: N.
        seed: of everything.
    """

    def __init__(self, suite: Suite, lanes: int, noise_size: int, seed: int) -> None:
        self._suite, self._lanes, self._noise_size = suite, lanes, noise_size
        self._seed = seed

    def start(self) -> tuple[Array, Array | None]:
        """Return the seeds [B] and the chance [B, ...] of the episodes' starts."""
        rng = np.random.default_rng([self._seed, 0])
        return rng.integers(0, MAX_SEED, self._lanes), self._suite.draw(rng, (self._lanes,))

    def step(self, t: int) -> tuple[Array | None, Array, Array]:
        """Return what step ``t`` takes: chance [1, B, ...], seeds [1, B], noise float32 [B, N]."""
        rng = np.random.default_rng([self._seed, 1 + t])
        axes = (1, self._lanes)
        noise = rng.random((self._lanes, self._noise_size), dtype=np.float32)
        return self._suite.draw(rng, axes), rng.integers(0, MAX_SEED, axes), noise

    def others(self, t: int, players: int) -> Array:
        """Return the noise of all ``players`` of a game in step ``t``, float64 [B, P]."""
        return np.random.default_rng([self._seed, 1 + t, 1]).random((self._lanes, players))


class Seats:
    """Which player the policy is in each lane, and what the others do.

    Args:
        side: with ``B`` lanes; a game if its rewards are those of several players.
    """

    def __init__(self, side: Side) -> None:
        shape = side.spec.reward.shape
        self.players = shape[0] if shape else 1
        self._choices = side.spec.choices
        self._lanes = np.arange(side.num_lanes)
        self._seat = self._lanes % self.players

    def of(self, values: Array) -> Array:
        """Return what concerns the policy, [B, ...], of [B, P, ...]."""
        return values if self.players == 1 else values[self._lanes, self._seat]

    def masks(self, mask: Array | None) -> Array | None:
        """Return the masks of all players, bool [B, P, A], of a record's, [B, P * A]."""
        if mask is None or self.players == 1:
            return mask
        return mask.reshape(len(mask), self.players, -1)

    def joint(self, chosen: Array, mask: Array | None, noise: Array) -> Array:
        """Return what everybody plays, [B, P].

        Args:
            chosen: what the policy plays, [B].
            mask: bool [B, P, A]; None allows everything.
            noise: of ``Tape.others``.
        """
        if mask is None:
            assert self._choices is not None, "a game of several players has discrete actions"
            mask = np.ones((*noise.shape, self._choices[0]), np.bool_)
        # The legal action whose number is the noise's share of how many there are.
        wanted = np.floor(noise * mask.sum(axis=-1)).astype(np.int64)
        actions = (np.cumsum(mask, axis=-1) == wanted[..., None] + 1).argmax(axis=-1)
        actions[self._lanes, self._seat] = np.asarray(chosen).reshape(-1)
        return actions


def play(
    side: Side,
    policy: Player,
    tape: Tape,
    *,
    max_steps: int,
    masked: bool = False,
    greedy: bool = False,
    opening: Callable[[Record], Record] = lambda record: record,
) -> Episodes:
    """Play one episode in every lane of a side.

    Args:
        side: with the tape's number of lanes.
        policy: who plays.
        tape: seeds, chance and noise.
        max_steps: where play stops even if episodes have not ended.
        masked: show the policy which actions are legal.
        greedy: play its most probable actions, not drawn ones.
        opening: what to make of the record of the reset, such as copying a state into the side.
    """
    lanes, seats = side.num_lanes, Seats(side)
    record = opening(side.reset(*tape.start()))
    observation, mask = record.observation, record.legal_actions
    returned, length = np.zeros(lanes), np.zeros(lanes, np.int64)
    over, starts = np.zeros(lanes, np.bool_), np.ones(lanes, np.bool_)
    memory = policy.start(lanes)
    spec = side.spec.action
    for t in range(max_steps):
        chance, seeds, noise = tape.step(t)
        legal = seats.masks(mask) if masked else None
        seen, may = seats.of(observation), None if legal is None else seats.of(legal)
        memory, chosen = policy.act(memory, seen, starts, noise, may, greedy)
        if seats.players > 1:
            chosen = seats.joint(chosen, legal, tape.others(t, seats.players))
        actions = np.asarray(chosen).astype(spec.dtype).reshape(1, lanes, *spec.shape)
        record = side.step(actions, chance, seeds)
        assert record.reward is not None
        assert record.terminated is not None
        assert record.truncated is not None
        returned += np.where(over, 0.0, seats.of(record.reward[0]).astype(np.float64))
        length += ~over
        starts = record.terminated[0] | record.truncated[0]
        over = over | starts
        if over.all():
            break
        observation = record.observation[0]
        mask = None if record.legal_actions is None else record.legal_actions[0]
    return Episodes(returned, length, over)


def play_both(
    suite: Suite,
    reference: Side,
    candidate: Side,
    policy: Player,
    seed: int,
    max_steps: int,
    greedy: bool = False,
) -> tuple[Episodes, Episodes]:
    """Play the same episodes in the candidate and then, as in lockstep, in the reference.

    Where the suite starts episodes by copying, the candidate begins where the reference begins.
    Actions are masked where both sides show masks.

    Returns:
        The reference's episodes and the candidate's; lane ``i`` of both is one pair.
    """
    tape = Tape(suite, reference.num_lanes, policy.noise_size, seed)
    masked = reference.spec.legal_actions and candidate.spec.legal_actions

    def begin(record: Record) -> Record:
        if suite.start != "copy":
            return record
        start = reference.reset(*tape.start())
        candidate.set_state(suite.candidate_state(start.state))
        return start

    evaluate = partial(play, policy=policy, tape=tape, max_steps=max_steps, masked=masked)
    theirs = evaluate(candidate, greedy=greedy, opening=begin)
    ours = evaluate(reference, greedy=greedy)
    return ours, theirs
