"""What a player sees of a battle: own side exact, the foe's as far as it has been shown.

All numbers are whole, int16 [N]; ``NAMES`` says what stands at each index, and ``docs/pokemon.md``
has the table. The foe's Pokémon stand in the order in which they were first seen, its moves in the
order of their numbers, since neither team index nor slot is ever shown. What Showdown tells nobody
is not here: time left asleep or confused, the length of a lock, damage of Bide, HP of a substitute.

``rules.gen1.look`` writes them. Shape letter: ``N`` numbers.
"""

from __future__ import annotations

STATS = ("atk", "def", "spe", "spc")
BOOSTS = (*STATS, "accuracy", "evasion")
FLAGS = (
    *("transformed", "must_recharge", "confused", "invulnerability", "bide", "focus_energy"),
    *("leech_seed", "light_screen", "reflect", "mist", "rage", "substitute"),
)

BATTLE = ("turn", "own_request", "foe_request", "foe_team_size")
OWN_MEMBER = (
    *("species", "level", "hp", "max_hp", "status", "active"),
    *STATS,
    *(f"move_{k}" for k in range(4)),
    *(f"pp_{k}" for k in range(4)),
)
FOE_MEMBER = (
    "species",
    "level",
    "hp_percent",
    "status",
    "active",
    *(f"move_{k}" for k in range(4)),
)
ACTIVE = (
    *("species", "type_1", "type_2"),
    *(f"boost_{name}" for name in BOOSTS),
    *("last_move", "two_turn_move", "locked_move", "disable_move"),
    *FLAGS,
)
OWN_SLOTS = (*(f"active_move_{k}" for k in range(4)), *(f"active_pp_{k}" for k in range(4)))

NAMES = (
    *BATTLE,
    *(f"own_{m}_{name}" for m in range(6) for name in OWN_MEMBER),
    *(f"own_active_{name}" for name in ACTIVE),
    *(f"own_{name}" for name in OWN_SLOTS),
    *(f"foe_{m}_{name}" for m in range(6) for name in FOE_MEMBER),
    *(f"foe_active_{name}" for name in ACTIVE),
)
"""The name of each number, in order."""

SIZE = len(NAMES)
PLACES = {name: place for place, name in enumerate(NAMES)}
LOW, HIGH = -6, 1001
"""No number is outside of these: stages, and turns after the limit."""
