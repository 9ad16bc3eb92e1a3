"""Where each field of the state lies in a game's array ``b``, and what else lies there.

``b[At.DAMAGE + p * 4 + k]`` is ``state.damage[p, k]``.
"""

from __future__ import annotations

from enum import IntEnum

from envlift.envs.tcg_pocket.rules.ids import NUM_ACTIONS
from envlift.envs.tcg_pocket.state import FIELDS
from envlift.targets import warp_numbers

SCRATCH = (
    ("word_0", 1),  # of the tape
    ("word_1", 1),
    ("drawn", 1),  # numbers drawn from it
    ("max_turns", 1),  # options
    ("opening", 1),  # 0 redraw, 1 basic_first, 2 swap
    ("retreat_random", 1),
    ("zone_effects", 1),  # whether on_zone_attach works for Energy of effects
    ("num_legal", 1),
    ("legal", NUM_ACTIONS),  # the legal actions of the decider, ascending
    ("hits", 8),  # damage of the attack, by target: own places, then opposing ones
    ("list", 20),  # cards while a deck is shuffled
)
"""What lives only within a step, behind the state."""

OPTIONS = 4
"""How many options there are, from ``MAX_TURNS`` on."""

PLACES = warp_numbers.places(FIELDS)
STATE_SIZE = sum(p.size or 1 for p in PLACES)

At = IntEnum("At", warp_numbers.offsets(PLACES, SCRATCH))  # type: ignore[misc]
SIZE = int(At["END"])
