"""What a player sees: all fields of the state as whole numbers, int16 [N]; ``NAMES`` says which.

Of a field that both players have, the viewer's part comes first (``own_``), then the other's
(``foe_``). What the viewer may not know is 0. Places are 0 for the Active Spot and 1 to 3 for the
Bench; cards are numbers of ``tables/cards.jsonl``, 0 for none or for one that is not known.

``rules.look`` writes them. Shape letter: ``N`` numbers.
"""

from __future__ import annotations

import itertools

from envlift.envs.tcg_pocket.state import FIELDS

SINGLE = (
    *("phase", "turn", "first_player", "decision", "decider", "winner", "supporter_played"),
    *("retreated", "turn_damage_any", "turn_damage_named", "turn_damage_card", "turn_retreat"),
    *("attack_now", "copied_card", "copied_attack", "end_place"),
    *(field.name for field in FIELDS if field.name.startswith("pending_")),
)
"""Fields that are not one per player."""


def _names() -> tuple[str, ...]:
    found: list[str] = []
    for field in FIELDS:
        paired = field.name not in SINGLE
        sides = ("own_", "foe_") if paired else ("",)
        shape = field.shape[1:] if paired else field.shape
        for side in sides:
            for index in itertools.product(*map(range, shape)):
                found.append("_".join([side + field.name, *map(str, index)]))
    return tuple(found)


NAMES = _names()
"""The name of each number, in order."""

SIZE = len(NAMES)
PLACES = {name: place for place, name in enumerate(NAMES)}
LOW, HIGH = -1, 1000
"""No number is outside of these."""
