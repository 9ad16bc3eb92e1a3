"""Where each field of the state lies in a battle's array ``b``, and what else lies there.

``b[At.HP + m]`` is ``state.hp.flat[m]``; so ``At.BOOSTS + s * 6`` is where side ``s``'s begin.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import dataclasses
import math
from enum import IntEnum

import warp as wp

from envlift.envs.pokemon.state import FIELDS, VOLATILES
from envlift.targets import warp_init

warp_init.init()

Battle = wp.array(dtype=wp.int32)
"""One battle: an array of int32 in the kernel's own memory."""

QUEUE_PLACES = 8
"""Actions that can wait at once: BeforeTurn, two moves, two switches in, the end, and room."""

ACTION_FIELDS = ("kind", "mon", "arg", "order", "priority", "speed")

SCRATCH = (
    ("fainted", 12),  # faintMessages has been; at a request, who has no HP
    ("switch_flag", 2),  # has to be replaced before the next action
    ("clauses", 1),  # whether Sleep Clause and Freeze Clause are on
    ("fainting", 2),  # who lost the last HP, until faintMessages
    ("hit", 1),  # which hit of a move this is, from 1
    ("last_hit", 1),  # whether it is the last
    ("hit_damage", 1),  # what the first one did, -1 before it; the others repeat it
    ("queue_length", 1),
    ("queue", QUEUE_PLACES * len(ACTION_FIELDS)),
)
"""What lives only within a step, behind the state."""


@dataclasses.dataclass(frozen=True)
class Place:
    """A field of the state: where it begins, how long it is, its dtype."""

    name: str
    start: int
    size: int | None
    dtype: str


def _places() -> tuple[Place, ...]:
    places, start = [], 0
    for field in FIELDS:
        size = math.prod(field.shape) if field.shape else None
        places.append(Place(field.name, start, size, field.dtype))
        start += size or 1
    return tuple(places)


PLACES = _places()
STATE_SIZE = sum(p.size or 1 for p in PLACES)


def _offsets() -> dict[str, int]:
    found = {p.name.upper(): p.start for p in PLACES}
    start = STATE_SIZE
    for name, size in SCRATCH:
        found[name.upper()] = start
        start += size
    found["END"] = start
    return found


At = IntEnum("At", _offsets())  # type: ignore[misc]
SIZE = int(At.END)

FIRST_VOLATILE = int(At[VOLATILES[0].upper()])
NUM_VOLATILES = len(VOLATILES)
