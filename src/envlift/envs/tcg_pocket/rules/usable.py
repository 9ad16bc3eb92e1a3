"""Which Trainers and Abilities could change anything (P-6, A-3), by their effect codes (X-30)."""

# mypy: ignore-errors
# ruff: noqa: D103

import warp as wp

from envlift.envs.tcg_pocket.rules.board import (
    free_bench,
    named,
    num_benched,
    of_kind,
    retreat_cost,
)
from envlift.envs.tcg_pocket.rules.data import Card, Op, of_card, of_op
from envlift.envs.tcg_pocket.rules.ids import Code, To
from envlift.envs.tcg_pocket.rules.memory import At
from envlift.targets.warp_numbers import Numbers, cold_rule, rule


@rule
def fits_place(b: Numbers, p: wp.int32, k: wp.int32, op: wp.int32, kind: wp.int32) -> wp.bool:
    """Return whether the Pokémon in a place is of the type and among the names asked for."""
    card = b[At.CARD + p * 4 + k]
    return of_kind(card, kind) and named(op, card)


@rule
def can_heal(b: Numbers, p: wp.int32, k: wp.int32, op: wp.int32) -> wp.bool:
    return fits_place(b, p, k, op, of_op(op, Op.TYPE)) and b[At.DAMAGE + p * 4 + k] > 0


@rule
def can_come(b: Numbers, q: wp.int32, k: wp.int32, op: wp.int32) -> wp.bool:
    """Return whether a Benched Pokémon can take the Active Spot (X-18)."""
    card = b[At.CARD + q * 4 + k]
    return card != 0 and (of_op(op, Op.BASIC) == 0 or of_card(card, Card.STAGE) == 0)


@cold_rule
def some_place(b: Numbers, p: wp.int32, op: wp.int32, first: wp.int32, what: wp.int32) -> wp.bool:
    """Return whether some place of ``p`` from ``first`` on can be what an effect code asks for.

    ``what``: 0 of its type and names, 1 also healed, 2 also of ``to_type``, 3 brought up, 4 has
    Energy of its type.
    """
    found = wp.bool(False)
    k = wp.int32(first)
    while k < 4:
        ok = wp.bool(False)
        if what == 0:
            ok = fits_place(b, p, k, op, of_op(op, Op.TYPE))
        elif what == 1:
            ok = can_heal(b, p, k, op)
        elif what == 2:
            ok = fits_place(b, p, k, op, of_op(op, Op.TO_TYPE))
        elif what == 3:
            ok = can_come(b, p, k, op)
        else:
            ok = b[At.ENERGY + (p * 4 + k) * 8 + of_op(op, Op.TYPE)] > 0
        if ok:
            found = True
        k = k + 1
    return found


@cold_rule
def could_act(b: Numbers, p: wp.int32, op: wp.int32) -> wp.bool:
    """Return whether a Trainer or an Ability could change anything, judged by its first code."""
    code = of_op(op, Op.CODE)
    q = 1 - p
    if code == Code.HEAL:
        return some_place(b, p, op, 0, 1)
    if code == Code.CHOOSE_OWN:
        return some_place(b, p, op, 0, 0)
    if code == Code.TURN_RETREAT:
        return retreat_cost(b, p) > 0
    if code == Code.LOOK and of_op(op, Op.SIDE) == 1:
        return b[At.HAND_SIZE + q] > 0
    if code == Code.RESHUFFLE_HAND:
        return b[At.HAND_SIZE + q] > 0
    if code == Code.LOOK or code == Code.FIND or code == Code.DRAW:
        return b[At.DECK_SIZE + p] > 0
    if code == Code.SWITCH_OPP:
        return some_place(b, q, op, 1, 3)
    if code == Code.RETURN_ACTIVE:
        return named(op, b[At.CARD + p * 4]) and num_benched(b, p) > 0
    if code == Code.MOVE_ENERGY:
        return named(op, b[At.CARD + p * 4]) and some_place(b, p, op, 1, 4)
    if code == Code.ZONE_ENERGY:
        to = of_op(op, Op.TO)
        if to == To.OWN_ONE:
            return some_place(b, p, op, 0, 2)
        if to == To.ACTIVE:
            return fits_place(b, p, 0, op, of_op(op, Op.TO_TYPE))
    if code == Code.PLAY_AS_BASIC:
        return free_bench(b, p) > 0
    return True
