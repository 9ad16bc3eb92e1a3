"""Moments in which rules meet that play hardly ever comes to.

Shapes: 2 sides, 6 members, 4 slots.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from envlift.envs.pokemon import tables
from envlift.envs.pokemon.rules.gen1.parts.ids import TYPES, Status
from envlift.envs.pokemon.state import FIELDS
from envlift.envs.pokemon.verification.quirks import GIVEN
from envlift.reference.types import StateDict
from envlift.verify.suite import Scenario

MOVE = tables.numbers("gen1", "moves")
SPECIES = {s["id"]: s for s in tables.records("gen1", "species")}
MAX_PP = {m["num"]: m["max_pp"] for m in tables.records("gen1", "moves")}
NOTHING = {
    "residual_damage_counter": -1,
    "partially_trapped_source": -1,
    "fake_partially_trapped_counterpart": -1,
    "partial_trapping_lock_locked": -1,
    "disable_slot": -1,
    "winner": -1,
    "order": -1,
}
"""What fields say that do not say 0 where there is nothing."""
FIRST_SWITCH = 4
NEXT_BATTLE = (1, 2, 0, 1)
"""The chance of the battle that follows, should this one end; steps draw from the seed."""


@dataclass(frozen=True)
class Member:
    """A Pokémon of level 100, perfectly trained."""

    species: str
    moves: tuple[str, ...]


def battle(*sides: tuple[Member, ...]) -> StateDict:
    """Return the state of a first turn, healthy; every field of one battle."""
    state = {f.name: np.full(f.shape, NOTHING.get(f.name, 0), f.dtype) for f in FIELDS}
    state["seed"][...] = (1, 2)
    state["turn"][...] = 1
    state["request"][...] = 1
    for side, team in enumerate(sides):
        for place, member in enumerate(team):
            _write_member(state, (side, place), member)
        _write_active(state, side, team[0])
    return state


def _write_member(state: StateDict, at: tuple[int, int], member: Member) -> None:
    record = SPECIES[member.species]
    points = 30 + 255 // 4
    state["species"][at] = record["num"]
    state["level"][at] = 100
    state["spe_iv"][at], state["spe_ev"][at] = 30, 255
    state["max_hp"][at] = state["hp"][at] = 2 * record["hp"] + points + 110
    for stat, name in enumerate(("atk", "def", "spe", "spc")):
        state["base_stored_stats"][at][stat] = 2 * record[name] + points + 5
    for slot, move in enumerate(member.moves):
        state["moves"][at][slot] = MOVE[move]
        state["pp"][at][slot] = MAX_PP[MOVE[move]]
    state["order"][at] = at[1]


def _write_active(state: StateDict, side: int, member: Member) -> None:
    record = SPECIES[member.species]
    state["active_species"][side] = record["num"]
    named = [TYPES.index(name) for name in record["types"]]
    state["active_types"][side] = [*named, len(TYPES)][:2]
    for name in ("stored_stats", "modified_stats"):
        state[name][side] = state["base_stored_stats"][side, 0]
    state["speed"][side] = state["base_stored_stats"][side, 0, 2]
    state["active_moves"][side] = state["moves"][side, 0]
    state["active_pp"][side] = state["pp"][side, 0]
    state["active_own"][side] = state["moves"][side, 0] > 0
    state["revealed"][side, 0] = 1


def scenario(
    name: str,
    teams: tuple[tuple[Member, ...], tuple[Member, ...]],
    changes: dict[str, Any],
    actions: tuple[int, int],
    *reaches: str,
) -> Scenario:
    """Make a scenario of one decision.

    Args:
        name: for reports.
        teams: of both sides; the leads come first.
        changes: field -> value, or ``{place: value}``.
        actions: of both players.
        reaches: features.
    """
    state = battle(*teams)
    for field, value in changes.items():
        places = value if isinstance(value, dict) else {...: value}
        for place, number in places.items():
            state[field][place] = number
    legal = [_legal(state, side) for side in (0, 1)]
    state["legal"][...] = legal
    given = {field: value.tolist() for field, value in state.items()}
    return Scenario(name, given, (actions,), reaches, chance=(NEXT_BATTLE,), configs=GIVEN)


def _legal(state: StateDict, side: int) -> int:
    """Return the bits of the legal actions of a side that is neither trapped nor in the air."""
    asleep = state["status"][side, 0] in (Status.SLP, Status.FRZ)
    locked = state["partial_trapping_lock_duration"][side] > 0 or state["bide_time"][side] > 0
    single = 1 << int(state["last_selected_move_slot"][side])
    moves = sum(1 << k for k in range(4) if state["active_pp"][side, k] > 0)
    bench = sum(1 << (FIRST_SWITCH + m) for m in range(1, 6) if state["hp"][side, m] > 0)
    if state["must_recharge"][side]:
        return single
    return (single if asleep or locked else moves) | bench


CHANSEY = Member("chansey", ("softboiled", "counter", "substitute", "spore"))
TACKLER = Member("snorlax", ("tackle", "splash", "substitute", "rest"))
DREAMER = Member("hypno", ("dreameater", "haze", "recover", "spore"))
WRAPPER = Member("dragonite", ("wrap", "splash", "bide", "explosion"))
LUCKY = Member("dragonite", ("metronome", "splash"))
BENCH = Member("snorlax", ("tackle",))
SWIFT = Member("starmie", ("swift", "growl", "splash", "bodyslam"))
BIDER = Member("dragonite", ("bide", "splash"))
POISONED = {"status": {(1, 0): Status.PSN}, "hp": {(1, 0): 1}}
"""Side 1 dies after its move."""
LOCKED = {
    "partial_trapping_lock_duration": {0: 2},
    "partial_trapping_lock_total_duration": {0: 3},
    "partial_trapping_lock_move": {0: MOVE["wrap"]},
    "partial_trapping_lock_damage": {0: 20},
    "partial_trapping_lock_locked": {0: 0},
    "partially_trapped_duration": {1: 2},
    "partially_trapped_source": {1: 0},
    "last_selected_move": {0: MOVE["wrap"]},
}

SCENARIOS = (
    scenario(
        "healing at 255 below the maximum",
        ((CHANSEY,), (TACKLER,)),
        {"hp": {(0, 0): 703 - 255}},
        (0, 1),
        "healing fails 255 or 511 below the maximum",
    ),
    scenario(
        "healing at 511 below the maximum",
        ((CHANSEY,), (TACKLER,)),
        {"hp": {(0, 0): 703 - 511}},
        (0, 1),
        "healing fails 255 or 511 below the maximum",
    ),
    scenario(
        "Counter at a sleeper who tackled and would splash",
        ((CHANSEY,), (TACKLER,)),
        {
            "status": {(1, 0): Status.SLP},
            "sleep_time": {(1, 0): 3},
            "last_damage": 77,
            "last_move": {1: MOVE["tackle"]},
            "last_selected_move": {1: MOVE["splash"]},
            "last_selected_move_slot": {1: 1},
        },
        (1, 1),
        "Counter where used and chosen differ",
    ),
    scenario(
        "Dream Eater at a sleeper's substitute",
        ((DREAMER,), (TACKLER,)),
        {"status": {(1, 0): Status.SLP}, "sleep_time": {(1, 0): 3}, "substitute_hp": {1: 50}},
        (0, 0),
        "Dream Eater at a substitute",
    ),
    scenario(
        "Haze at who is frozen",
        ((DREAMER,), (TACKLER,)),
        {"status": {(1, 0): Status.FRZ}},
        (1, 0),
        "Haze wakes or thaws",
    ),
    scenario(
        "Spore at who recharges",
        ((DREAMER,), (TACKLER,)),
        {"must_recharge": {1: True}},
        (3, 0),
        "sleep lands on who recharges",
    ),
    scenario(
        "a substitute for the last quarter",
        ((CHANSEY,), (TACKLER,)),
        {"hp": {(0, 0): 703 // 4}, "max_hp": {(0, 0): 700}},
        (2, 1),
        "a substitute costs the last HP",
    ),
    scenario(
        "a lock without PP whose foe leaves",
        ((WRAPPER,), (BENCH, TACKLER)),
        {**LOCKED, "pp": {(0, 0, 0): 0}, "active_pp": {(0, 0): 0}},
        (0, 5),
        "PP go from 0 to 63",
    ),
    scenario(
        "a lock by Metronome whose foe leaves",
        ((LUCKY,), (BENCH, TACKLER)),
        LOCKED,
        (0, 5),
        "the foe of a lock by Metronome leaves",
    ),
    scenario(
        "the last turn",
        ((TACKLER,), (TACKLER,)),
        {"turn": 1000},
        (1, 1),
        "the limit of turns",
    ),
    scenario(
        "two who are frozen",
        ((BENCH,), (BENCH,)),
        {"status": {(0, 0): Status.FRZ, (1, 0): Status.FRZ}},
        (0, 0),
        "nobody can go on",
    ),
    scenario(
        "Swift at who was paralysed in the air",
        ((SWIFT,), (TACKLER,)),
        {"invulnerability": {1: True}},
        (0, 1),
        "Swift hits who is out of reach",
    ),
    scenario(
        "Leech Seed on who is badly poisoned",
        ((TACKLER,), (TACKLER,)),
        {
            "status": {(0, 0): Status.TOX},
            "residual_damage_counter": {0: 1},
            "leech_seed": {0: True},
        },
        (1, 1),
        "Leech Seed counts with Toxic",
    ),
    scenario(
        "Reflect before a defense of 999",
        ((SWIFT,), (TACKLER,)),
        {"reflect": {1: True}, "modified_stats": {(1, 1): 999}},
        (3, 1),
        "a screen doubles a defense past 1,023",
    ),
    scenario(
        "Growl into Mist",
        ((SWIFT,), (TACKLER,)),
        {"mist": {1: True}},
        (1, 1),
        "Mist holds",
    ),
    scenario(
        "confusion between two substitutes",
        ((TACKLER,), (TACKLER,)),
        {"substitute_hp": 50, "confusion_time": {0: 4}},
        (0, 1),
        "confused while both have substitutes",
    ),
    scenario(
        "Bide unleashed at a substitute",
        ((BIDER,), (TACKLER,)),
        {
            "bide_time": {0: 1},
            "bide_damage": {0: 400},
            "last_selected_move": {0: MOVE["bide"]},
            "substitute_hp": {1: 50},
        },
        (0, 1),
        "last damage over HP",
    ),
    scenario(
        "a faint before a flinch is over",
        ((TACKLER,), (TACKLER, BENCH)),
        {**POISONED, "flinch": {0: True}},
        (1, 1),
        "a flinch outlives the turn, since a faint emptied the queue",
    ),
    scenario(
        "a faint while the foe bides",
        ((BIDER,), (TACKLER, BENCH)),
        {
            **POISONED,
            "bide_time": {0: 3},
            "bide_damage": {0: 50},
            "last_selected_move": {0: MOVE["bide"]},
        },
        (0, 1),
        "a faint makes Bide forget",
    ),
)
