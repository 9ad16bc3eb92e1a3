"""Numbers that the rules branch on; those of the state are the reference's."""

from __future__ import annotations

from enum import IntEnum

PLACES = 4
ENERGIES = 8
HAND_PLACES = 12
DECK_PLACES = 20
MAX_COINS = 32
"""Coins of "until tails"; the last counts as tails whatever it shows."""

GOING_ON = -1
TIE = 2


class Phase(IntEnum):
    """Where a game stands."""

    SETUP = 0
    MAIN = 1
    END = 2
    CHECKUP = 3
    OVER = 4


class Decision(IntEnum):
    """What the decider is asked for."""

    NONE = 0
    SETUP_ACTIVE = 1
    SETUP_BENCH = 2
    MAIN = 3
    EVOLVE = 4
    ATTACH = 5
    RETREAT = 6
    RETREAT_ENERGY = 7
    PROMOTE = 8
    SWITCH = 9
    HIT = 10
    HEAL = 11
    ENERGY = 12
    COPY = 13
    CHOOSE = 14


class Action(IntEnum):
    """First index of each kind of action; "opposing" as the decider sees it."""

    PASS = 0
    HAND = 1
    ATTACH = 13
    RETREAT = 14
    ABILITY = 15
    DISCARD_FOSSIL = 19
    ATTACK = 23
    END = 25
    OWN = 26
    OPPOSING = 30
    ENERGY = 34
    COPY = 42


NUM_ACTIONS = 50


class Pending(IntEnum):
    """What is in progress."""

    NONE = 0
    TRAINER = 1
    ABILITY = 2
    ATTACK = 3
    RETREAT = 4
    EVOLVE = 5
    ATTACH = 6


class Step(IntEnum):
    """Steps of rule K-4 between which a decision can stand."""

    NONE = 0
    CHOICES = 3
    EFFECTS = 8
    KNOCK_OUTS = 9


class Condition(IntEnum):
    """Special Conditions that replace each other (rule C-2)."""

    NONE = 0
    ASLEEP = 1
    PARALYZED = 2
    CONFUSED = 3
    POISONED = 4
    BURNED = 5


class Kind(IntEnum):
    """Kinds of cards."""

    NONE = 0
    POKEMON = 1
    ITEM = 2
    SUPPORTER = 3


class Trigger(IntEnum):
    """When an Ability works."""

    NONE = 0
    ONCE_PER_TURN = 1
    PASSIVE = 2
    ON_DAMAGED_BY_ATTACK = 3
    ON_ZONE_ATTACH = 4
    END_OF_OWN_FIRST_TURN = 5


class Gate(IntEnum):
    """What of the last flip an effect waits for."""

    NONE = 0
    HEADS = 1
    TAILS = 2
    ALL_HEADS = 3


CODES = (
    *("CHOOSE_OWN", "COPY_ATTACK", "COUNTER", "DISCARD_HAND", "DISCARD_OPP_ENERGY"),
    *("DISCARD_OWN_ENERGY", "DMG_ADD", "DMG_ADD_PER", "DMG_SET_PER", "DRAW", "FAIL", "FIND"),
    *("FLIP", "HEAL", "HIT", "LOOK", "MILL", "MOVE_ENERGY", "NEXT_TURN", "OPP_NO_SUPPORTER"),
    *("PLAY_AS_BASIC", "RESHUFFLE_HAND", "RETURN_ACTIVE", "SELF_DAMAGE", "STATUS", "SWITCH_OPP"),
    *("SWITCH_OWN", "TAKES_LESS", "TURN_DAMAGE", "TURN_RETREAT", "ZONE_ENERGY"),
)
Code = IntEnum("Code", {name: k for k, name in enumerate(CODES, 1)})  # type: ignore[misc]
"""Effect codes (rules X)."""

Test = IntEnum(
    "Test",
    "NONE EXTRA_ENERGY OPP_ACTIVE_DAMAGED OPP_ACTIVE_EVOLVED OPP_ACTIVE_STATUS OWN_USED_LAST_TURN "
    "SELF_DAMAGED SELF_EVOLVED_THIS_TURN SELF_HAS_TOOL",
    start=0,
)
"""Conditions of ``DMG_ADD`` (X-4)."""

Count = IntEnum("Count", "HEADS OWN_BENCH OWN_USES_OF OPP_ACTIVE_ENERGY SELF_ENERGY", start=1)
"""What is counted (X-3, X-5)."""

Lasting = IntEnum(
    "Lasting",
    "DEFENDER_DEALS_LESS DEFENDER_NO_ATTACK DEFENDER_NO_RETREAT OPP_NO_SUPPORTER OWN_ATTACK_MORE "
    "SELF_COUNTER SELF_PREVENT SELF_TAKES_LESS",
    start=1,
)
"""Kinds of ``NEXT_TURN`` (X-16)."""

Where = IntEnum("Where", "ANY ACTIVE BENCH", start=0)
Pick = IntEnum("Pick", "CHOOSE EACH RANDOM", start=0)
Who = IntEnum("Who", "SELF OWN_EACH OWN_ONE OPP_ACTIVE", start=0)
To = IntEnum(
    "To",
    "SELF ACTIVE BENCH_ONE BENCH_EACH_OF_CHOSEN BENCH_ANY_WAY OWN_ONE CHOSEN HAND BENCH DECK",
    start=0,
)
"""Where Energy or a card goes."""

ALL = -1
"""Every unit of Energy; the damage done; heads, as an amount."""
DAMAGE_DONE = -2
HEADS_AMOUNT = -3
UNTIL_TAILS = -1
ANY = -1
"""Any type, any name."""
