"""Driving the Node host from tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from envlift.envs.pokemon.reference.showdown import command
from envlift.reference.client import ReferenceProcess
from envlift.reference.types import Array, Record

SIDES, ACTIONS = 2, 10


def chances(rng: np.random.Generator, *axes: int, pairs: int = 0) -> Array:
    """Chance, uint32 [*axes, 4]; with ``pairs`` the teams are pairs of ``teams.pool``."""
    chance = rng.integers(0, 2**32, (*axes, 4), dtype=np.uint32)
    if pairs:
        chance[..., 2] = 2 * rng.integers(0, pairs, axes)
        chance[..., 3] = chance[..., 2] + 1
    return chance


def draw(rng: np.random.Generator, mask: Array, moves: float = 0.85) -> Array:
    """Legal actions int32 [B, 2] for masks [B, 20]; a move where there is one, mostly."""
    legal = mask.reshape(-1, SIDES, ACTIONS)
    weights = rng.random(legal.shape) * legal
    prefer = (rng.random(legal.shape[:2]) < moves)[..., None]
    weights[..., :4] += prefer * legal[..., :4]
    return weights.argmax(-1).astype(np.int32)


@dataclass
class Host:
    """A host with B lanes, its present record without the axis T, and the dice of its driver."""

    process: ReferenceProcess
    rng: np.random.Generator
    pairs: int = 0

    def reset(self, chance: Array | None = None) -> Record:
        lanes = self.process.num_lanes
        if chance is None:
            chance = chances(self.rng, lanes, pairs=self.pairs)
        return self.process.reset(np.arange(lanes), chance)

    def step(self, actions: Array, chance: Array | None = None) -> Record:
        if chance is None:
            chance = chances(self.rng, 1, self.process.num_lanes, pairs=self.pairs)
        return first(self.process.step(actions[None], chance))


def first(record: Record) -> Record:
    """Take the only step of a record of one."""

    def taken(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: one[0] for name, one in value.items()}
        return None if value is None else value[0]

    return Record(**{name: taken(value) for name, value in vars(record).items()})


def open_host(
    num_lanes: int,
    seed: int = 0,
    pairs: int = 0,
    process: ReferenceProcess | None = None,
    **config: Any,
) -> Host:
    """Start a host, or take an idle process of the same config; the caller closes it."""
    process = process or ReferenceProcess(command(), num_lanes=num_lanes, config=config)
    return Host(process, np.random.default_rng(seed), pairs)
