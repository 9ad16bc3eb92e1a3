"""The interpreter of effect codes that ask nobody for anything (X, step 8 of K-4)."""

# mypy: ignore-errors
# ruff: noqa: SIM102
# Warp evaluates both sides of ``and``, so nested ``if``s are not the same.

import warp as wp

from envlift.envs.tcg_pocket.rules import ids
from envlift.envs.tcg_pocket.rules.board import (
    discard_units,
    heal,
    hurt,
    is_down,
    named,
    nth_unit,
    of_kind,
    of_place,
    put_status,
    units,
)
from envlift.envs.tcg_pocket.rules.cards import (
    discard_card,
    draw_cards,
    find_card,
    hand_into_deck,
    take_from_deck,
    take_from_hand,
)
from envlift.envs.tcg_pocket.rules.chance import below, flip
from envlift.envs.tcg_pocket.rules.data import Card, Op, of_op
from envlift.envs.tcg_pocket.rules.ids import Code, Gate, Lasting, Pick, To, Where, Who
from envlift.envs.tcg_pocket.rules.memory import At
from envlift.envs.tcg_pocket.rules.turn import knock_outs
from envlift.targets.warp_numbers import Numbers, cold_rule, rule

EFFECTS_TOO = 2
"""``prevent``: effects of attacks are stopped, not damage alone."""


@rule
def gate_open(b: Numbers, op: wp.int32) -> wp.bool:
    """Return whether the last flip lets an effect code act (X-1)."""
    gate = of_op(op, Op.GATE)
    heads = b[At.PENDING_HEADS]
    if gate == Gate.HEADS:
        return heads > 0
    if gate == Gate.TAILS:
        return heads == 0
    if gate == Gate.ALL_HEADS:
        return heads == b[At.PENDING_COINS]
    return True


@rule
def amount(b: Numbers, op: wp.int32) -> wp.int32:
    """Return an effect code's number."""
    n = of_op(op, Op.N)
    if n == ids.DAMAGE_DONE:
        n = b[At.PENDING_DAMAGE]
    elif n == ids.HEADS_AMOUNT:
        n = b[At.PENDING_HEADS]
    return n


@rule
def reaches(b: Numbers, q: wp.int32, by_attack: wp.bool) -> wp.bool:
    """Return whether an effect can be put on the opponent's Active Pokémon (K-5, X-26)."""
    if b[At.CARD + q * 4] == 0:
        return False
    if by_attack and b[At.PREVENT + q] == EFFECTS_TOO:
        return False
    return not is_down(b, q, 0)


@cold_rule
def discard_own_energy(b: Numbers, p: wp.int32, k: wp.int32, op: wp.int32):
    """X-8."""
    kind = of_op(op, Op.TYPE)
    n = of_op(op, Op.N)
    left = wp.where(n == ids.ALL, 127, n)
    e = wp.int32(0)
    while e < 8:
        if kind < 0 or kind == e:
            there = b[At.ENERGY + (p * 4 + k) * 8 + e]
            discard_units(b, p, k, e, left)
            left = wp.max(left - there, 0)
        e = e + 1


@cold_rule
def last(b: Numbers, p: wp.int32, op: wp.int32):
    """Put a lasting effect (X-16, L)."""
    q = 1 - p
    kind = of_op(op, Op.LASTING)
    n = of_op(op, Op.N)
    if kind == Lasting.OPP_NO_SUPPORTER:
        b[At.NO_SUPPORTER + q] = 1
    elif kind == Lasting.OWN_ATTACK_MORE:
        b[At.ATTACK_MORE + p] = n
        b[At.ATTACK_MORE_NAME + p] = of_op(op, Op.ATTACK)
        b[At.ATTACK_MORE_UNTIL + p] = b[At.TURN] + 2
    elif kind == Lasting.SELF_COUNTER:
        b[At.COUNTER + p] = b[At.COUNTER + p] + n
    elif kind == Lasting.SELF_TAKES_LESS:
        b[At.TAKES_LESS + p] = b[At.TAKES_LESS + p] + n
    elif kind == Lasting.SELF_PREVENT:
        b[At.PREVENT + p] = wp.max(b[At.PREVENT + p], of_op(op, Op.PICK))
    elif reaches(b, q, True):
        if kind == Lasting.DEFENDER_DEALS_LESS:
            b[At.DEALS_LESS + q] = b[At.DEALS_LESS + q] + n
        elif kind == Lasting.DEFENDER_NO_ATTACK:
            b[At.NO_ATTACK + q] = 1
        else:
            b[At.NO_RETREAT + q] = 1


@cold_rule
def move_energy(b: Numbers, p: wp.int32, op: wp.int32):
    """X-13."""
    if not named(op, b[At.CARD + p * 4]):
        return
    e = of_op(op, Op.TYPE)
    k = wp.int32(1)
    while k < 4:
        b[At.ENERGY + p * 32 + e] = b[At.ENERGY + p * 32 + e] + b[At.ENERGY + (p * 4 + k) * 8 + e]
        b[At.ENERGY + (p * 4 + k) * 8 + e] = 0
        k = k + 1


@cold_rule
def look(b: Numbers, p: wp.int32, op: wp.int32):
    """Make cards known (X-22, I-3)."""
    if of_op(op, Op.SIDE) == 0:
        seen = wp.min(of_op(op, Op.N), b[At.DECK_SIZE + p])
        b[At.DECK_KNOWN + p] = wp.max(b[At.DECK_KNOWN + p], seen)
        return
    q = 1 - p
    i = wp.int32(0)
    while i < b[At.HAND_SIZE + q]:
        b[At.HAND_KNOWN + q * 12 + i] = 1
        i = i + 1


@cold_rule
def mill(b: Numbers, p: wp.int32, n: wp.int32):
    """X-11, for one deck."""
    i = wp.int32(0)
    while i < n and b[At.DECK_SIZE + p] > 0:
        discard_card(b, p, take_from_deck(b, p, 0))
        i = i + 1


@rule
def in_range(k: wp.int32, where: wp.int32) -> wp.bool:
    """Return whether a place is meant by ``where``."""
    return where == Where.ANY or (where == Where.ACTIVE) == (k == 0)


@cold_rule
def hit_each(b: Numbers, p: wp.int32, op: wp.int32):
    """Damage done by an Ability (A-5)."""
    q = wp.where(of_op(op, Op.SIDE) == 0, p, 1 - p)
    k = wp.int32(0)
    while k < 4:
        if in_range(k, of_op(op, Op.WHERE)):
            hurt(b, q, k, of_op(op, Op.N))
        k = k + 1


@cold_rule
def act(b: Numbers, p: wp.int32, user: wp.int32, op: wp.int32, by_attack: wp.bool):
    """Carry out an effect code; what acts in other steps of an attack does nothing here.

    Args:
        b: the game.
        p: whose effect it is.
        user: the place of the Pokémon that has it.
        op: the row of the effect code.
        by_attack: whether it is of an attack, else of an Ability or a Trainer.
    """
    q = 1 - p
    code = of_op(op, Op.CODE)
    n = of_op(op, Op.N)
    if code == Code.FLIP:
        if not by_attack:
            flip(b, n)
    elif code == Code.HEAL:
        k = wp.int32(0)
        while k < 4:
            meant = k == user
            if of_op(op, Op.WHO) == Who.OWN_EACH:
                meant = of_kind(b[At.CARD + p * 4 + k], of_op(op, Op.TYPE))
            if meant:
                heal(b, p, k, amount(b, op))
            k = k + 1
    elif code == Code.STATUS:
        if of_op(op, Op.WHO) == Who.SELF:
            put_status(b, p, of_op(op, Op.STATUS))
        elif reaches(b, q, by_attack):
            put_status(b, q, of_op(op, Op.STATUS))
    elif code == Code.NEXT_TURN:
        last(b, p, op)
    elif code == Code.DISCARD_OWN_ENERGY:
        discard_own_energy(b, p, user, op)
    elif code == Code.DISCARD_OPP_ENERGY:
        i = wp.int32(0)
        while i < n and reaches(b, q, by_attack) and units(b, q, 0) > 0:
            discard_units(b, q, 0, nth_unit(b, q, 0, below(b, units(b, q, 0))), 1)
            i = i + 1
    elif code == Code.DISCARD_HAND:
        i = wp.int32(0)
        while i < n and b[At.HAND_SIZE + q] > 0:
            discard_card(b, q, take_from_hand(b, q, below(b, b[At.HAND_SIZE + q])))
            i = i + 1
    elif code == Code.MILL:
        side = of_op(op, Op.SIDE)
        if side != 1:
            mill(b, p, n)
        if side != 0:
            mill(b, q, n)
    elif code == Code.MOVE_ENERGY:
        move_energy(b, p, op)
    elif code == Code.DRAW:
        draw_cards(b, p, n)
    elif code == Code.FIND:
        find_card(b, p, op)
    elif code == Code.LOOK:
        look(b, p, op)
    elif code == Code.RESHUFFLE_HAND:
        hand_into_deck(b, q)
        draw_cards(b, q, n)
    elif code == Code.TURN_DAMAGE:
        if of_op(op, Op.NAME_0) == 0:
            b[At.TURN_DAMAGE_ANY] = b[At.TURN_DAMAGE_ANY] + n
        else:
            b[At.TURN_DAMAGE_NAMED] = b[At.TURN_DAMAGE_NAMED] + n
            b[At.TURN_DAMAGE_CARD] = b[At.PENDING_CARD]
    elif code == Code.TURN_RETREAT:
        b[At.TURN_RETREAT] = b[At.TURN_RETREAT] + n
    elif code == Code.HIT:
        if not by_attack and of_op(op, Op.PICK) == Pick.EACH:
            hit_each(b, p, op)


@cold_rule
def run_ability(b: Numbers, p: wp.int32, k: wp.int32):
    """Carry out a triggered Ability, which asks for nothing; then check for knock-outs (G-1)."""
    op = of_place(b, p, k, Card.ABILITY_OPS)
    end = op + of_place(b, p, k, Card.NUM_ABILITY_OPS)
    row = wp.int32(op)
    while row < end:
        if gate_open(b, row):
            if of_op(row, Op.CODE) == Code.ZONE_ENERGY and of_op(row, Op.TO) == To.SELF:
                place = (p * 4 + k) * 8 + of_op(row, Op.TYPE)
                b[At.ENERGY + place] = b[At.ENERGY + place] + amount(b, row)
            else:
                act(b, p, k, row, False)
        row = row + 1
    knock_outs(b)
