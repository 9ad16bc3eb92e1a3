"""Where each field of the state lies in a battle's array ``b``, and what else lies there.

``b[At.HP + m]`` is ``state.hp.flat[m]``; so ``At.BOOSTS + s * 6`` is where side ``s``'s begin.
"""

from __future__ import annotations

from enum import IntEnum

from envlift.envs.pokemon.state import FIELDS, VOLATILES
from envlift.targets import warp_numbers
from envlift.targets.warp_numbers import Numbers, place_of, rule

__all__ = ["At", "Battle", "Numbers", "place_of", "rule"]

Battle = Numbers
"""One battle: where its numbers begin."""

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


PLACES = warp_numbers.places(FIELDS)
STATE_SIZE = sum(p.size or 1 for p in PLACES)

At = IntEnum("At", warp_numbers.offsets(PLACES, SCRATCH))  # type: ignore[misc]
SIZE = int(At["END"])

FIRST_VOLATILE = int(At[VOLATILES[0].upper()])
NUM_VOLATILES = len(VOLATILES)
