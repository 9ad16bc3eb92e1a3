"""Start and end of a turn (T), Checkup (U), knock-outs (G), end of the game (W)."""

# mypy: ignore-errors
# ruff: noqa: SIM102
# Warp evaluates both sides of ``and``, so nested ``if``s are not the same.

import warp as wp

from envlift.envs.tcg_pocket.rules import ids
from envlift.envs.tcg_pocket.rules.board import (
    hurt,
    is_down,
    num_in_play,
    of_place,
    turn_player,
)
from envlift.envs.tcg_pocket.rules.cards import bury, discard_card, draw_cards
from envlift.envs.tcg_pocket.rules.chance import below
from envlift.envs.tcg_pocket.rules.data import Card, Limit
from envlift.envs.tcg_pocket.rules.ids import Condition, Decision, Pending, Phase, Step
from envlift.envs.tcg_pocket.rules.memory import At
from envlift.targets.warp_numbers import Numbers, cold_rule, rule


@cold_rule
def reset_pending(b: Numbers):
    """Nothing is in progress any more."""
    b[At.PENDING_KIND] = 0
    b[At.PENDING_CARD] = 0
    b[At.PENDING_PLACE] = -1
    b[At.PENDING_SLOT] = -1
    b[At.PENDING_ATTACK] = -1
    b[At.COPIED_CARD] = 0
    b[At.COPIED_ATTACK] = -1
    b[At.PENDING_STEP] = 0
    b[At.PENDING_OP] = 0
    b[At.PENDING_HEADS] = 0
    b[At.PENDING_COINS] = 0
    b[At.PENDING_DAMAGE] = 0
    b[At.PENDING_TARGET] = -1
    b[At.PENDING_UNITS] = 0
    b[At.PENDING_CHOSEN] = 0


@rule
def end_without_effect(b: Numbers):
    """The attack does nothing, and the turn ends (K-4.4, X-2, X-23)."""
    reset_pending(b)
    b[At.PHASE] = Phase.END


@rule
def drop_played_card(b: Numbers):
    """Discard a Trainer once: after its effect, before the knock-out check (P-7, G-1)."""
    if b[At.PENDING_KIND] == Pending.TRAINER and b[At.PENDING_STEP] != Step.KNOCK_OUTS:
        discard_card(b, turn_player(b), b[At.PENDING_CARD])


@cold_rule
def finish(b: Numbers, winner: wp.int32):
    """End the game; a Trainer whose effect still works is discarded (W-4)."""
    drop_played_card(b)
    reset_pending(b)
    b[At.END_PLACE] = -1
    b[At.PHASE] = Phase.OVER
    b[At.DECISION] = Decision.NONE
    b[At.DECIDER] = -1
    b[At.WINNER] = winner


@rule
def conditions_met(b: Numbers, p: wp.int32) -> wp.int32:
    """Return how many conditions of W-1 hold for a player."""
    points = wp.where(b[At.POINTS + p] >= Limit.POINTS_TO_WIN, 1, 0)
    return points + wp.where(num_in_play(b, 1 - p) == 0, 1, 0)


@cold_rule
def check_end(b: Numbers):
    """Make the win check (W-2)."""
    first = conditions_met(b, 0)
    second = conditions_met(b, 1)
    if first > second:
        finish(b, 0)
    elif second > first:
        finish(b, 1)
    elif first > 0:
        finish(b, ids.TIE)


@cold_rule
def knock_outs(b: Numbers):
    """Remove who has no HP left, on both sides at once; give points (G-1 to G-5)."""
    removed = wp.int32(0)
    i = wp.int32(0)
    while i < 8:
        p = i // 4
        k = i % 4
        if b[At.CARD + i] != 0:
            if is_down(b, p, k):
                b[At.POINTS + 1 - p] = b[At.POINTS + 1 - p] + of_place(b, p, k, Card.POINTS)
                bury(b, p, k)
                removed = 1
        i = i + 1
    if removed == 1:
        check_end(b)


@rule
def draw_type(b: Numbers, p: wp.int32) -> wp.int32:
    """Draw one of the deck's types (Z-2)."""
    count = wp.int32(0)
    e = wp.int32(0)
    while e < 8:
        count = count + b[At.DECK_ENERGY + p * 8 + e]
        e = e + 1
    left = below(b, count)
    e = wp.int32(0)
    found = wp.int32(0)
    while e < 8:
        if b[At.DECK_ENERGY + p * 8 + e] == 1:
            if left == 0:
                found = e
            left = left - 1
        e = e + 1
    return found


@cold_rule
def start_turn(b: Numbers):
    """Begin the next turn (T-3)."""
    turn = b[At.TURN] + 1
    b[At.TURN] = turn
    b[At.PHASE] = Phase.MAIN
    p = turn_player(b)
    b[At.SUPPORTER_PLAYED] = 0
    b[At.RETREATED] = 0
    k = wp.int32(0)
    while k < 4:
        b[At.NEW + p * 4 + k] = 0
        b[At.ABILITY_USED + p * 4 + k] = 0
        k = k + 1
    if turn > 1:
        b[At.ZONE_CURRENT + p] = b[At.ZONE_NEXT + p]
        b[At.ZONE_NEXT + p] = draw_type(b, p)
    draw_cards(b, p, 1)


@cold_rule
def end_lasting(b: Numbers):
    """End what ends with this turn (T-10, L-3), and what is left in the zone (Z-5)."""
    p = turn_player(b)
    b[At.TURN_DAMAGE_ANY] = 0
    b[At.TURN_DAMAGE_NAMED] = 0
    b[At.TURN_DAMAGE_CARD] = 0
    b[At.TURN_RETREAT] = 0
    b[At.DEALS_LESS + p] = 0
    b[At.NO_ATTACK + p] = 0
    b[At.NO_RETREAT + p] = 0
    b[At.NO_SUPPORTER + p] = 0
    b[At.TAKES_LESS + 1 - p] = 0
    b[At.COUNTER + 1 - p] = 0
    b[At.PREVENT + 1 - p] = 0
    if b[At.ATTACK_MORE_UNTIL + p] == b[At.TURN]:
        b[At.ATTACK_MORE + p] = 0
        b[At.ATTACK_MORE_NAME + p] = 0
        b[At.ATTACK_MORE_UNTIL + p] = 0
    b[At.ATTACK_LAST + p] = b[At.ATTACK_NOW]
    b[At.ATTACK_NOW] = 0
    b[At.ZONE_CURRENT + p] = -1


@cold_rule
def checkup(b: Numbers):
    """Play the Pokémon Checkup (U); who just had the turn comes first in each step."""
    first = turn_player(b)
    step = wp.int32(0)
    while step < 4:
        i = wp.int32(0)
        while i < 2:
            p = wp.where(i == 0, first, 1 - first)
            if step == 0 and b[At.POISONED + p] == 1:
                hurt(b, p, 0, Limit.POISON)
            if step == 1 and b[At.BURNED + p] == 1:
                hurt(b, p, 0, Limit.BURN)
                if below(b, 2) == 1:
                    b[At.BURNED + p] = 0
            condition = b[At.CONDITION + p]
            if step == 2 and condition == Condition.ASLEEP:
                if below(b, 2) == 1:
                    b[At.CONDITION + p] = 0
            if step == 3 and condition == Condition.PARALYZED and i == 0:
                if b[At.PARALYZED_TURN + p] < b[At.TURN]:
                    b[At.CONDITION + p] = 0
                    b[At.PARALYZED_TURN + p] = 0
            i = i + 1
        step = step + 1
    knock_outs(b)
