"""What a player sees, by what its numbers are: the option ``observation="structured"``.

Species, moves, types and statuses are numbers of tables, for a network's embeddings; all else is a
size. Every number of ``observation`` stands in exactly one part, and nothing else does.
"""

from __future__ import annotations

import gymnasium
import jax
import numpy as np

from envlift.envs.pokemon import observation
from envlift.envs.pokemon.observation import NAMES, PLACES

MOVES = ("last_move", "two_turn_move", "locked_move", "disable_move")
LARGEST = {"species": 151, "moves": 166, "types": 15, "statuses": 7}
"""The largest number of each table; 0 is none, but for types, where 15 is."""


def _part(name: str) -> str:
    """Return the part in which a number of ``observation`` stands."""
    stem = name.rstrip("0123456789").rstrip("_")
    if stem.endswith("_species"):
        return "species"
    if stem.endswith("_type"):
        return "types"
    if stem.endswith("_status"):
        return "statuses"
    return "moves" if stem.endswith(("_move", *MOVES)) else "numbers"


PARTS = {
    part: tuple(name for name in NAMES if _part(name) == part) for part in (*LARGEST, "numbers")
}
"""The names in each part, in order; ``observation`` says what they mean."""


def space() -> gymnasium.spaces.Dict:
    """Return the space of one player's observation."""
    return gymnasium.spaces.Dict(
        {
            part: gymnasium.spaces.Box(
                0 if part in LARGEST else observation.LOW,
                LARGEST.get(part, observation.HIGH),
                (len(names),),
                np.int16,
            )
            for part, names in PARTS.items()
        }
    )


def structured(numbers: jax.Array) -> dict[str, jax.Array]:
    """Return the parts, int16 [len(names)] each, of one player's observation, int16 [224]."""
    places = {part: [PLACES[name] for name in names] for part, names in PARTS.items()}
    return {part: numbers[np.array(where)] for part, where in places.items()}
