"""Numbers that the rules branch on."""

from __future__ import annotations

from enum import IntEnum

from envlift.envs.pokemon import tables


class Status(IntEnum):
    """``pokemon.status``, by name; ``FNT`` for who has fainted."""

    NONE = 0
    BRN = 1
    FRZ = 2
    PAR = 3
    PSN = 4
    SLP = 5
    TOX = 6
    FNT = 7


class Stat(IntEnum):
    """Places in ``stats`` and ``boosts``; generation 1 has one Special."""

    ATK = 0
    DEF = 1
    SPE = 2
    SPC = 3
    ACCURACY = 4
    EVASION = 5


class Category(IntEnum):
    """``move.category``."""

    STATUS = 0
    PHYSICAL = 1
    SPECIAL = 2


class Request(IntEnum):
    """``side.requestState``."""

    NONE = 0
    MOVE = 1
    SWITCH = 2


class Action(IntEnum):
    """``action.choice`` of the queue; ``INSTASWITCH`` replaces a fainted Pokémon."""

    BEFORE_TURN = 0
    MOVE = 1
    SWITCH = 2
    INSTASWITCH = 3
    RUN_SWITCH = 4
    RESIDUAL = 5


class Order(IntEnum):
    """``action.order``: smaller goes first."""

    INSTASWITCH = 3
    BEFORE_TURN = 4
    RUN_SWITCH = 101
    SWITCH = 103
    MOVE = 200
    RESIDUAL = 300


EFFECTS = ("NONE", *sorted({m["effect"] for m in tables.records("gen1", "moves")}))

Effect = IntEnum("Effect", {name: k for k, name in enumerate(EFFECTS)})  # type: ignore[misc]
"""What a move does, as the table says; ``effects`` and ``damage`` interpret them."""

TYPES = tuple(t["id"] for t in tables.records("gen1", "types"))
Type = IntEnum(  # type: ignore[misc]
    "Type", {name.upper(): k for k, name in enumerate(TYPES)} | {"NONE": len(TYPES)}
)
"""Types; ``NONE`` is Showdown's ``???`` and the missing second type."""

_NUMBERS = tables.numbers("gen1", "moves")
NO_MOVE = 0
CANNOT_MOVE = len(_NUMBERS) + 1
STRUGGLE = _NUMBERS["struggle"]
METRONOME = _NUMBERS["metronome"]
MIRROR_MOVE = _NUMBERS["mirrormove"]
TRANSFORM = _NUMBERS["transform"]
BIDE = _NUMBERS["bide"]

FAILED = -1
"""Showdown's ``false`` where a number is expected."""
UNDEFINED = -2
"""Its ``undefined``: a move without damage."""

SURE = -1
"""The accuracy of what hits without a draw."""

GOING_ON = -1
TIE = 2
