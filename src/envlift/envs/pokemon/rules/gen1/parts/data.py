"""The tables as Warp sees them: numbers in rows, looked up by move or species.

A lookup is a constant array in the compiled code. Warp has no such thing of its own, and a table in
an argument would have to go through every function.
"""

# mypy: ignore-errors
# ruff: noqa: D103

from __future__ import annotations

from enum import IntEnum
from typing import Any

import warp as wp

from envlift.envs.pokemon import tables
from envlift.envs.pokemon.rules.gen1.parts import ids
from envlift.envs.pokemon.rules.gen1.parts.ids import Category, Effect, Stat, Status, Type
from envlift.targets.warp_numbers import constant_array

Move = IntEnum(
    "Move",
    "TYPE CATEGORY POWER ACCURACY PP MAX_PP PRIORITY HIGH_CRIT TARGET_SELF EFFECT TWO_TURN "
    "KEEPS_LAST_DAMAGE IGNORE_IMMUNITY HITS_INVULNERABLE CHANCE STATUS BOOST_STAT BOOST_AMOUNT "
    "HITS RECOIL DRAIN DAMAGE",
    start=0,
)
"""Columns of a move. ``ACCURACY`` is of 255, 0 for a move that does not miss; ``CHANCE`` of 256;
``HITS`` is 0, 2, or 5 for two to five; ``RECOIL`` and ``DRAIN`` divide the damage, 0 for none;
``BOOST_STAT`` is -1 for none."""

Species = IntEnum("Species", "HP ATK DEF SPE SPC TYPE_1 TYPE_2", start=0)
"""Columns of a species."""

_STATS = {name.lower(): int(stat) for name, stat in Stat.__members__.items()} | {
    "spa": int(Stat.SPC),
    "spd": int(Stat.SPC),
}


def _divisor(fraction: list[int] | None) -> int:
    if fraction is None:
        return 0
    part, whole = fraction
    if whole % part:
        raise ValueError(f"{part}/{whole} of the damage is not one part of it")
    return whole // part


def move_row(move: dict[str, Any]) -> list[int]:
    """Return the columns of a record of ``moves``."""
    params = move["params"]
    boosts = {(_STATS[name], amount) for name, amount in params.get("boosts", {}).items()}
    ((stat, amount),) = boosts or {(-1, 0)}
    hits = params.get("hits", 0)
    effect = move["effect"]
    row = {
        "TYPE": Type.NONE if move["type"] == "???" else Type[move["type"].upper()],
        "CATEGORY": Category[move["category"].upper()],
        "POWER": move["power"],
        "ACCURACY": move["accuracy255"] or 0,
        "PP": move["pp"],
        "MAX_PP": move["max_pp"],
        "PRIORITY": move["priority"],
        "HIGH_CRIT": move["high_crit"],
        "TARGET_SELF": move["target"] == "self",
        "EFFECT": Effect[effect],
        "TWO_TURN": effect in ("CHARGE", "CHARGE_INVULNERABLE"),
        "KEEPS_LAST_DAMAGE": move["keeps_last_damage"],
        "IGNORE_IMMUNITY": move["ignore_immunity"],
        "HITS_INVULNERABLE": move["hits_invulnerable"],
        "CHANCE": params.get("chance256", 0),
        "STATUS": Status[params["status"].upper()] if "status" in params else Status.NONE,
        "BOOST_STAT": stat,
        "BOOST_AMOUNT": amount,
        "HITS": hits if isinstance(hits, int) else 5,
        "RECOIL": _divisor(params.get("recoil")),
        "DRAIN": _divisor(params.get("drain")),
        "DAMAGE": params.get("damage", 0),
    }
    return [int(row[column.name]) for column in Move]


def move_rows() -> list[list[int]]:
    """Return the rows of all moves by number; the first and the last are none and cannotmove."""
    nothing = move_row(
        {
            "type": "Normal",
            "category": "Status",
            "power": 0,
            "accuracy255": None,
            "pp": 0,
            "max_pp": 0,
            "priority": 0,
            "high_crit": False,
            "target": "foe",
            "effect": "NONE",
            "params": {},
            "ignore_immunity": True,
            "keeps_last_damage": False,
            "hits_invulnerable": False,
        }
    )
    moves = sorted(tables.records("gen1", "moves"), key=lambda m: m["num"])
    return [nothing, *map(move_row, moves), nothing]


def species_rows() -> list[list[int]]:
    """Return the rows of all species by number; the first is none."""
    rows = [[0] * 5 + [int(Type.NONE)] * 2]
    for s in sorted(tables.records("gen1", "species"), key=lambda s: s["num"]):
        types = [int(Type[name.upper()]) for name in s["types"]]
        types += [int(Type.NONE)] * (2 - len(types))
        rows.append([s["hp"], s["atk"], s["def"], s["spe"], s["spc"], *types])
    return rows


def type_rows() -> list[list[int]]:
    """Return ten times the multiplier of each type against each, ``NONE`` included."""
    rows = []
    for t in tables.records("gen1", "types"):
        rows.append([t["multiplier10"][name] for name in ids.TYPES] + [10])
    return [*rows, [10] * (len(ids.TYPES) + 1)]


def metronome_moves() -> list[int]:
    """Return what Metronome draws from, in its order."""
    called = [m for m in tables.records("gen1", "moves") if m["metronome_index"] is not None]
    return [m["num"] for m in sorted(called, key=lambda m: m["metronome_index"])]


MOVE_COLUMNS = len(Move)
SPECIES_COLUMNS = len(Species)
TYPE_COLUMNS = len(ids.TYPES) + 1
NUM_METRONOME = len(metronome_moves())


@wp.func_native(f"{constant_array(move_rows())} return table[id * {MOVE_COLUMNS} + column];")
def of_move(id: wp.int32, column: wp.int32) -> wp.int32: ...


@wp.func_native(f"{constant_array(species_rows())} return table[id * {SPECIES_COLUMNS} + column];")
def of_species(id: wp.int32, column: wp.int32) -> wp.int32: ...


@wp.func_native(f"{constant_array(type_rows())} return table[attack * {TYPE_COLUMNS} + defend];")
def multiplier10(attack: wp.int32, defend: wp.int32) -> wp.int32: ...


@wp.func_native(f"{constant_array([metronome_moves()])} return table[index];")
def metronome_move(index: wp.int32) -> wp.int32: ...
