"""Decisions in which rules meet that play seldom comes to: one or two from generated boards.

``states.board`` makes the board of a number. The numbers are those that, of the first 1,500, show
all that one decision can show with the fewest boards; ``tests/envs/tcg_pocket/test_gate.py``
holds each against the rules that it was chosen for.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from envlift.envs.tcg_pocket.state import FIELDS
from envlift.envs.tcg_pocket.verification.features import ALL_CARDS
from envlift.envs.tcg_pocket.verification.states import board
from envlift.verify.suite import Scenario

MAX_TURNS = 30


@dataclass(frozen=True)
class Corner:
    """A board and what is done there.

    Attributes:
        seed: number of the board.
        actions: of who decides, one after the other.
        rules: ids that these actions make the reference note.
        reaches: names of features.
        changes: ``{field: {place: value}}``, in the board.
    """

    seed: int
    actions: tuple[int, ...]
    rules: str
    reaches: tuple[str, ...] = ()
    changes: Mapping[str, Mapping[tuple[int, ...], int]] = field(default_factory=dict)


CORNERS: tuple[Corner, ...] = (
    Corner(
        696,
        (23,),
        "G-1 G-2 G-3 G-5 G-6 G-8 H-1 L-3 L-5 M-3 M-5 M-8 P-6 R-3 T-8 U-2 X-25 X-27 X-30 X-40 Z-5",
        (
            "G-3 a point",
            "H-1 ten cards in hand",
            "I-3 a known deck",
            "I-4 a known card",
            "L-3 counter ends",
            "L-3 deals_less ends",
            "L-3 no_attack ends",
            "L-3 takes_less ends",
            "P-2 stage 2",
            "T-5 decision MAIN",
            "U-2 a burn ends",
            "X-12 Ability end_of_own_first_turn with ZONE_ENERGY",
            "X-25 Ability on_damaged_by_attack with COUNTER",
        ),
    ),
    Corner(
        369,
        (23,),
        "C-5 M-2 R-2 U-1 W-3 X-1 X-12",
        (
            "L-3 no_retreat ends",
            "L-3 prevent ends",
            "W-3 an empty deck",
            "X-1 attack with FLIP",
            "X-12 attack with ZONE_ENERGY",
        ),
    ),
    Corner(
        1048,
        (23,),
        "C-1 P-5 U-5 U-7 W-1 X-15",
        ("L-3 no_supporter ends", "W-1 player 0 wins", "X-15 attack with STATUS"),
    ),
    Corner(
        75,
        (8,),
        "A-3 H-4 H-5 I-4 K-2 X-20",
        ("P-5 Ability passive with OPP_NO_SUPPORTER", "X-20 Trainer with FIND"),
    ),
    Corner(
        31,
        (23,),
        "H-2 M-4 M-6 T-7 X-16 X-26",
        ("X-16 attack with NEXT_TURN", "X-16 takes_less begins"),
    ),
    Corner(588, (15,), "A-1 A-2 C-4 L-2 R-6 X-18", ("X-18 Ability once_per_turn with SWITCH_OPP",)),
    Corner(
        164,
        (13, 28),
        "A-5 X-6 X-28 Z-4",
        ("X-6 Ability on_zone_attach with HIT", "Z-4 decision ATTACH"),
        {"zone_current": {(1,): 6}},
    ),
    Corner(
        255,
        (23,),
        "W-2 X-3",
        ("L-3 attack_more ends", "T-11 tie", "X-3 attack with DMG_SET_PER"),
        {"points": {(0,): 2, (1,): 2}},
    ),
    Corner(
        193,
        (23,),
        "A-4 X-14 X-24",
        ("X-14 attack with HEAL", "X-24 Ability passive with TAKES_LESS"),
    ),
    Corner(
        1385,
        (5,),
        "",
        (
            "X-1 Trainer with FLIP",
            "X-12 Trainer with ZONE_ENERGY",
            "X-14 Ability on_zone_attach with HEAL",
            "X-30 Trainer with CHOOSE_OWN",
        ),
    ),
    Corner(38, (23,), "M-7 M-9", ("W-1 player 1 wins", "X-6 attack with HIT")),
    Corner(
        311,
        (15,),
        "C-2",
        (
            "C-1 asleep",
            "X-1 Ability once_per_turn with FLIP",
            "X-15 Ability once_per_turn with STATUS",
        ),
    ),
    Corner(951, (23,), "F-5 N-7 X-9", ("X-9 attack with DISCARD_OPP_ENERGY",)),
    Corner(1107, (4,), "G-4 H-3 X-21", ("X-21 Trainer with RETURN_ACTIVE",)),
    Corner(6, (5,), "I-3 X-22", ("X-22 Trainer with LOOK",)),
    Corner(77, (1,), "P-8 P-9", ("P-8 Trainer with PLAY_AS_BASIC",)),
    Corner(19, (24,), "U-3 X-8", ("X-8 attack with DISCARD_OWN_ENERGY",)),
    Corner(836, (23,), "X-7", ("X-4 attack with DMG_ADD", "X-7 attack with SELF_DAMAGE")),
    Corner(255, (23,), "G-7", ("G-7 both lose the Active Pokémon",)),
    Corner(23, (23,), "T-11", ("C-1 poisoned",)),
    Corner(9, (23,), "X-2", ("X-2 attack with FAIL",)),
    Corner(10, (5,), "L-4", ("X-27 Trainer with TURN_RETREAT",)),
    Corner(41, (1,), "X-19", ("X-19 Trainer with DRAW",)),
    Corner(77, (9,), "X-13", ("X-13 Trainer with MOVE_ENERGY",)),
    Corner(271, (23,), "X-23", ("X-23 attack with COPY_ATTACK",)),
    Corner(773, (24,), "X-11", ("X-11 attack with MILL",)),
    Corner(
        918,
        (3,),
        "",
        ("X-12 Ability once_per_turn with ZONE_ENERGY", "X-18 Trainer with SWITCH_OPP"),
    ),
    Corner(980, (23,), "X-10", ("X-10 attack with DISCARD_HAND",)),
    Corner(100, (23,), "K-5", ("G-3 two points",)),
    Corner(144, (23,), "X-5", ("X-5 attack with DMG_ADD_PER",)),
    Corner(928, (17,), "", ("X-6 Ability once_per_turn with HIT",)),
    Corner(0, (1,), "", ("X-27 Trainer with TURN_DAMAGE",)),
    Corner(1, (23,), "K-7", ()),
    Corner(3, (2,), "", ("X-14 Trainer with HEAL",)),
    Corner(10, (2,), "", ("X-22 Trainer with RESHUFFLE_HAND",)),
    Corner(11, (5,), "P-3", ()),
    Corner(11, (23,), "", ("X-17 attack with SWITCH_OWN",)),
    Corner(24, (23,), "", ("X-20 attack with FIND",)),
    Corner(30, (18,), "", ("X-22 Ability once_per_turn with LOOK",)),
    Corner(33, (25,), "U-4", ()),
    Corner(48, (23,), "", ("X-16 no_supporter begins",)),
    Corner(51, (23,), "", ("X-22 attack with LOOK",)),
    Corner(78, (23,), "", ("X-16 deals_less begins",)),
    Corner(82, (23,), "C-3", ()),
    Corner(86, (23,), "", ("X-21 attack with RETURN_ACTIVE",)),
    Corner(105, (17,), "", ("X-14 Ability once_per_turn with HEAL",)),
    Corner(147, (23,), "", ("X-19 attack with DRAW",)),
    Corner(175, (23,), "", ("X-18 attack with SWITCH_OPP",)),
    Corner(246, (23,), "", ("X-16 attack_more begins",)),
    Corner(251, (23,), "", ("C-1 paralyzed",)),
    Corner(353, (23,), "", ("C-1 confused",)),
    Corner(370, (23,), "", ("X-16 prevent begins",)),
    Corner(390, (25,), "X-29", ()),
    Corner(707, (23,), "", ("X-16 no_attack begins",)),
    Corner(719, (23,), "", ("X-16 counter begins",)),
    Corner(1473, (23,), "", ("X-16 no_retreat begins",)),
    Corner(5052, (23,), "C-1 X-15", ("C-1 burned",)),
)


def state_of(corner: Corner) -> dict[str, Any]:
    """Return the state of a corner, nested lists by the names of the state."""
    state = board(random.Random(corner.seed), MAX_TURNS)
    for name, values in corner.changes.items():
        for place, value in values.items():
            held = state
            for key in (name, *place[:-1]):
                held = held[key]  # type: ignore[index]
            held[place[-1]] = value  # type: ignore[index]
    return {f.name: state[f.name] for f in FIELDS}


def chance_of(corner: Corner) -> tuple[tuple[int, ...], ...]:
    """Return the tape's words for each action."""
    return tuple((corner.seed, action, 1, 2) for action in corner.actions)


def _scenario(corner: Corner) -> Scenario:
    state = state_of(corner)
    actions = tuple(
        tuple(action if player == state["decider"] else 0 for player in (0, 1))
        for action in corner.actions
    )
    name = f"board {corner.seed}, action {corner.actions[0]}: {corner.rules or corner.reaches[0]}"
    return Scenario(name, state, actions, corner.reaches, chance_of(corner), ALL_CARDS)


SCENARIOS = tuple(_scenario(corner) for corner in CORNERS)
