"""What a run of lockstep remembers, so that a difference can be played again from its start.

Memory is bounded in bytes and not in steps: many lanes or large states are forgotten sooner.
States are forgotten before what was played, which weighs little and gives an episode again.

Shape letters: ``T`` steps, ``B`` lanes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from envlift.reference.types import Array, StateDict

STATE_BYTES = 128 * 2**20
"""How many bytes of reference states are kept for minimising."""

PLAYED_BYTES = 128 * 2**20
"""How many bytes of actions, chance, seeds and ends are kept."""


@dataclass(frozen=True)
class Start:
    """How one episode of a lane began.

    Attributes:
        at: its first step within the actions of a ``LaneHistory``.
        seed: of the reset.
        chance: of the reset, or None.
    """

    at: int
    seed: int
    chance: Array | None


@dataclass
class LaneHistory:
    """One lane's way to a divergence, oldest first; ``T`` is the length of the episode so far.

    Attributes:
        seed: of the episode.
        start_chance: chance of its reset, or None.
        states: the reference's states before each of the last steps, each field [T', ...] with
            ``T'`` at most T; what came before was forgotten.
        actions: [T, ...].
        chance: [T, ...] or None.
        whole: whether it begins at the reset, so that the seed and the actions give it again.
        reset_seeds: int64 [T], of the episode that would follow an end at each step.
        starts: of every episode in it, oldest first, where it holds more than one.
        earlier: the lane's play since the run began, if episodes came before this one and none of
            it was forgotten.
        last: what the reference answered at the last step, by name; empty where nobody kept it.
    """

    seed: int
    start_chance: Array | None
    states: StateDict
    actions: Array
    chance: Array | None
    whole: bool = True
    reset_seeds: Array | None = None
    starts: tuple[Start, ...] = ()
    earlier: LaneHistory | None = None
    last: StateDict = field(default_factory=dict)

    @property
    def known(self) -> int:
        """Before how many of the last steps the reference's state is known."""
        return min((len(values) for values in self.states.values()), default=0)


@dataclass(frozen=True)
class _Played:
    """What was played in one exchange; all arrays are [T, B, ...]."""

    actions: Array
    chance: Array | None
    ended: Array
    seeds: Array


class History:
    """Keeps the last exchanges of a run.

    Args:
        seeds: int64 [B], of the first resets.
        chance: [B, ...] of the first resets, or None.
        state_bytes, played_bytes: how much is kept.
    """

    def __init__(
        self,
        seeds: Array,
        chance: Array | None,
        state_bytes: int = STATE_BYTES,
        played_bytes: int = PLAYED_BYTES,
    ) -> None:
        self._first = seeds, chance
        self._states: deque[StateDict] = deque()
        self._played: deque[_Played] = deque()
        self._room = {"states": state_bytes, "played": played_bytes}
        self._forgotten = False

    def keep(
        self, before: StateDict, actions: Array, chance: Array | None, ended: Array, seeds: Array
    ) -> None:
        """Remember one exchange, and forget the oldest where there is no room for it."""
        self._states.append(before)
        self._played.append(_Played(actions, chance, ended, seeds))
        self._room["states"] -= _bytes(before)
        self._room["played"] -= _bytes(vars(self._played[-1]))
        while self._room["states"] < 0 and len(self._states) > 1:
            self._room["states"] += _bytes(self._states.popleft())
        while self._room["played"] < 0 and len(self._played) > 1:
            self._room["played"] += _bytes(vars(self._played.popleft()))
            self._forgotten = True

    @property
    def bytes(self) -> int:
        """How much is kept now."""
        return sum(map(_bytes, self._states)) + sum(_bytes(vars(p)) for p in self._played)

    def lane(self, lane: int, t: int, longest: int | None = None) -> LaneHistory:
        """Return one lane's episode up to and including step ``t`` of the last exchange.

        No more than its ``longest`` last steps, if that is a number.
        """
        drop = len(self._played[-1].actions) - 1 - t
        actions = self._column("actions", lane, drop)
        seeds = self._column("seeds", lane, drop)
        chance = self._column("chance", lane, drop)
        assert actions is not None
        assert seeds is not None
        ended = self._column("ended", lane, drop)
        assert ended is not None
        # What follows an end begins at the next step; an end at the last step is part of it.
        begins = (np.flatnonzero(ended[:-1]) + 1).tolist()
        starts = [] if self._forgotten else [Start(0, int(self._first[0][lane]), self._drawn(lane))]
        starts += [
            Start(at, int(seeds[at - 1]), None if chance is None else chance[at - 1])
            for at in begins
        ]
        total = len(actions)
        first = starts[-1].at if starts else 0
        whole = bool(starts)
        if longest is not None and total - first > longest:
            first, whole = total - longest, False
        last = starts[-1] if starts else Start(0, 0, None)
        earlier = None
        if len(starts) > 1 and not self._forgotten and longest is None:
            earlier = LaneHistory(
                seed=starts[0].seed,
                start_chance=starts[0].chance,
                states={},
                actions=actions,
                chance=chance,
                reset_seeds=seeds,
                starts=tuple(starts),
            )
        return LaneHistory(
            seed=last.seed,
            start_chance=last.chance,
            states=self._states_of(lane, drop, total - first),
            actions=actions[first:],
            chance=None if chance is None else chance[first:],
            whole=whole,
            reset_seeds=seeds[first:],
            earlier=earlier,
        )

    def _drawn(self, lane: int) -> Array | None:
        chance = self._first[1]
        return None if chance is None else np.asarray(chance[lane])

    def _column(self, name: str, lane: int, drop: int) -> Array | None:
        pieces = [getattr(played, name) for played in self._played]
        if pieces[-1] is None:
            return None
        whole = np.concatenate([piece[:, lane] for piece in pieces])
        return np.asarray(whole[: len(whole) - drop])

    def _states_of(self, lane: int, drop: int, most: int) -> StateDict:
        names = self._states[-1].keys()
        found = {}
        for name in names:
            column = np.concatenate([state[name][:, lane] for state in self._states])
            column = column[: len(column) - drop]
            found[name] = column[max(0, len(column) - most) :]
        return found


def _bytes(values: Any) -> int:
    return sum(value.nbytes for value in values.values() if isinstance(value, np.ndarray))
