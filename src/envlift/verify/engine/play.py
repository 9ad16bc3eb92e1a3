"""Random play of one side by itself, within what is legal.

Shape letters: ``T`` steps, ``B`` lanes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from envlift.reference.types import Array, Record, Side
from envlift.verify.engine.actions import legal_now, random_actions


@dataclass(frozen=True)
class First:
    """The first episodes of a side's new environments: a reset and T steps of all lanes."""

    seeds: Array
    start: Record
    actions: Array
    reset_seeds: Array
    steps: Record

    def again(self, side: Side) -> tuple[Record, Record]:
        """Play the same once more."""
        start = side.reset(self.seeds)
        return start, side.step(self.actions, None, self.reset_seeds)


def play(
    side: Side,
    rng: np.random.Generator,
    reset_seeds: Array,
    chance: Array | None = None,
    held: int = 1,
) -> tuple[Array, Record]:
    """Play T steps at random; return the actions [T, B, ...] and what came of them.

    Args:
        side: plays on from where it is.
        rng: draws the actions.
        reset_seeds: int64 [T, B].
        chance: [T, B, ...] or None.
        held: steps for which an action is kept, where all actions are legal.
    """
    steps, lanes = reset_seeds.shape
    legal = legal_now(side)
    if legal is None:
        drawn = random_actions(side.spec, rng, (-(-steps // held), lanes))
        actions = np.repeat(drawn, held, axis=0)[:steps]
        return actions, side.step(actions, chance, reset_seeds)
    chosen, records = [], []
    for t in range(steps):
        one = random_actions(side.spec, rng, (1, lanes), None if legal is None else legal[None])
        tape = None if chance is None else chance[t : t + 1]
        record = side.step(one, tape, reset_seeds[t : t + 1])
        chosen.append(one)
        records.append(record)
        legal = legal_now(side)
    return np.concatenate(chosen), joined(records)


def joined(records: list[Record]) -> Record:
    """Put records [T, B, ...] one behind the other."""

    def join(values: list[Any]) -> Any:
        if isinstance(values[0], dict):
            return {name: join([value[name] for value in values]) for name in values[0]}
        return None if values[0] is None else np.concatenate(values)

    return Record(**{n: join([getattr(r, n) for r in records]) for n in vars(records[0])})
