"""The legal actions of a decision, in ascending order."""

# mypy: ignore-errors
# ruff: noqa: D103, SIM102
# Warp evaluates both sides of ``and``, so nested ``if``s are not the same.

import warp as wp

from envlift.envs.tcg_pocket.rules.board import (
    blocks_supporters,
    can_pay,
    card_at,
    free_bench,
    has_trigger,
    is_basic_card,
    num_benched,
    num_in_play,
    of_place,
    retreat_cost,
    units,
)
from envlift.envs.tcg_pocket.rules.damage import attack_row
from envlift.envs.tcg_pocket.rules.data import Attack, Card, Op, of_attack, of_card, of_op
from envlift.envs.tcg_pocket.rules.ids import (
    NUM_ACTIONS,
    Action,
    Code,
    Condition,
    Decision,
    Kind,
    Pending,
    To,
    Trigger,
)
from envlift.envs.tcg_pocket.rules.memory import At
from envlift.envs.tcg_pocket.rules.ops import in_range
from envlift.envs.tcg_pocket.rules.usable import can_come, can_heal, could_act, fits_place
from envlift.targets.warp_numbers import Numbers, cold_rule, rule


@rule
def allow(b: Numbers, action: wp.int32):
    count = b[At.NUM_LEGAL]
    b[At.LEGAL + count] = action
    b[At.NUM_LEGAL] = count + 1


@cold_rule
def current_op(b: Numbers) -> wp.int32:
    """Return the row of the effect code that asks or comes next; that of the end: 0."""
    kind = b[At.PENDING_KIND]
    card = b[At.PENDING_CARD]
    start = wp.int32(0)
    count = wp.int32(0)
    if kind == Pending.TRAINER:
        start = of_card(card, Card.TRAINER_OPS)
        count = of_card(card, Card.NUM_TRAINER_OPS)
    elif kind == Pending.ABILITY:
        start = of_card(card, Card.ABILITY_OPS)
        count = of_card(card, Card.NUM_ABILITY_OPS)
    elif kind == Pending.ATTACK:
        row = attack_row(b)
        start = of_attack(row, Attack.OPS)
        count = of_attack(row, Attack.NUM_OPS)
    if b[At.PENDING_OP] >= count:
        return 0
    return start + b[At.PENDING_OP]


@cold_rule
def can_evolve(b: Numbers, p: wp.int32, k: wp.int32, card: wp.int32) -> wp.bool:
    """Return whether a card may be put onto the Pokémon in a place (P-2, T-8)."""
    below = card_at(b, p, k)
    name = of_card(card, Card.EVOLVES_FROM)
    if below == 0 or b[At.TURN] <= 2 or b[At.NEW + p * 4 + k] == 1 or name == 0:
        return False
    return of_card(below, Card.NAME) == name


@cold_rule
def can_play(b: Numbers, p: wp.int32, card: wp.int32, supporters: wp.bool) -> wp.bool:
    """Return whether a card of the hand may be played in the main part."""
    kind = of_card(card, Card.KIND)
    if is_basic_card(card):
        return free_bench(b, p) > 0
    if kind == Kind.POKEMON:
        found = wp.bool(False)
        k = wp.int32(0)
        while k < 4:
            if can_evolve(b, p, k, card):
                found = True
            k = k + 1
        return found
    if kind == Kind.SUPPORTER and not supporters:
        return False
    return could_act(b, p, of_card(card, Card.TRAINER_OPS))


@cold_rule
def legal_main(b: Numbers, p: wp.int32):
    """Rule T-5."""
    supporters = (
        b[At.SUPPORTER_PLAYED] == 0
        and b[At.NO_SUPPORTER + p] == 0
        and not blocks_supporters(b, 1 - p)
    )
    i = wp.int32(0)
    while i < b[At.HAND_SIZE + p]:
        if can_play(b, p, b[At.HAND + p * 12 + i], supporters):
            allow(b, Action.HAND + i)
        i = i + 1
    if b[At.ZONE_CURRENT + p] >= 0:
        allow(b, Action.ATTACH)
    active = card_at(b, p, 0)
    fossil = of_card(active, Card.FOSSIL) == 1
    condition = b[At.CONDITION + p]
    helpless = condition == Condition.ASLEEP or condition == Condition.PARALYZED
    free = b[At.RETREATED] == 0 and b[At.NO_RETREAT + p] == 0 and num_benched(b, p) > 0
    if free and not helpless and not fossil and units(b, p, 0) >= retreat_cost(b, p):
        allow(b, Action.RETREAT)
    k = wp.int32(0)
    while k < 4:
        if has_trigger(b, p, k, Trigger.ONCE_PER_TURN) and b[At.ABILITY_USED + p * 4 + k] == 0:
            if could_act(b, p, of_place(b, p, k, Card.ABILITY_OPS)):
                allow(b, Action.ABILITY + k)
        k = k + 1
    k = wp.int32(0)
    while k < 4:
        if of_place(b, p, k, Card.FOSSIL) == 1 and num_in_play(b, p) > 1:
            allow(b, Action.DISCARD_FOSSIL + k)
        k = k + 1
    if not helpless and not fossil and b[At.NO_ATTACK + p] == 0:
        k = wp.int32(0)
        while k < of_card(active, Card.ATTACKS):
            if can_pay(b, p, active * 2 + k, 0, -1):
                allow(b, Action.ATTACK + k)
            k = k + 1
    allow(b, Action.END)


@rule
def allowed_place(b: Numbers, p: wp.int32, q: wp.int32, k: wp.int32, op: wp.int32) -> wp.bool:
    """Return whether place ``k`` of player ``q`` is an option of the decision of ``p``."""
    decision = b[At.DECISION]
    if card_at(b, q, k) == 0:
        return False
    own = p == q
    if decision == Decision.EVOLVE:
        return own and can_evolve(b, p, k, b[At.HAND + p * 12 + b[At.PENDING_SLOT]])
    if decision == Decision.ATTACH:
        return own
    if decision == Decision.RETREAT or decision == Decision.PROMOTE:
        return own and k > 0
    if decision == Decision.SWITCH:
        own_bench = of_op(op, Op.CODE) == Code.SWITCH_OWN or of_op(op, Op.CHOOSER) == 1
        return own == own_bench and k > 0 and can_come(b, q, k, op)
    if decision == Decision.HIT:
        return own == (of_op(op, Op.SIDE) == 0) and in_range(k, of_op(op, Op.WHERE))
    if decision == Decision.HEAL:
        return own and can_heal(b, p, k, op)
    if decision == Decision.CHOOSE:
        return own and fits_place(b, p, k, op, of_op(op, Op.TYPE))
    if decision == Decision.ENERGY:
        to = of_op(op, Op.TO)
        there = k > 0 or to == To.OWN_ONE
        if to == To.BENCH_EACH_OF_CHOSEN and ((b[At.PENDING_CHOSEN] >> k) & 1) == 1:
            return False
        return own and there and fits_place(b, p, k, op, of_op(op, Op.TO_TYPE))
    return False


@cold_rule
def list_legal(b: Numbers):
    """Write the legal actions of the decider; there may be none before a decision is settled."""
    b[At.NUM_LEGAL] = 0
    p = b[At.DECIDER]
    decision = b[At.DECISION]
    if decision == Decision.MAIN:
        legal_main(b, p)
    elif decision == Decision.SETUP_ACTIVE or decision == Decision.SETUP_BENCH:
        i = wp.int32(0)
        while i < b[At.HAND_SIZE + p]:
            if is_basic_card(b[At.HAND + p * 12 + i]):
                allow(b, Action.HAND + i)
            i = i + 1
        if decision == Decision.SETUP_BENCH:
            allow(b, Action.END)
    elif decision == Decision.RETREAT_ENERGY:
        e = wp.int32(0)
        while e < 8:
            if b[At.ENERGY + p * 32 + e] > 0:
                allow(b, Action.ENERGY + e)
            e = e + 1
    elif decision == Decision.COPY:
        k = wp.int32(0)
        while k < 8:
            card = card_at(b, 1 - p, k // 2)
            if k % 2 < of_card(card, Card.ATTACKS):
                if of_attack(card * 2 + k % 2, Attack.COPIES) == 0:
                    allow(b, Action.COPY + k)
            k = k + 1
    elif decision != Decision.NONE:
        op = current_op(b)
        k = wp.int32(0)
        while k < 8:
            q = wp.where(k < 4, p, 1 - p)
            if allowed_place(b, p, q, k % 4, op):
                allow(b, Action.OWN + k)
            k = k + 1


@rule
def played(b: Numbers, action: wp.int32) -> wp.int32:
    """Return the action, or the lowest legal one instead of an illegal one."""
    chosen = b[At.LEGAL]
    i = wp.int32(0)
    while i < b[At.NUM_LEGAL]:
        if b[At.LEGAL + i] == action:
            chosen = wp.int32(action)
        i = i + 1
    return chosen


@rule
def masks(b: Numbers, out: Numbers):
    """Write both masks, one behind the other; who does not decide passes."""
    list_legal(b)
    p = b[At.DECIDER]
    out[0] = 1
    out[NUM_ACTIONS] = 1
    if p >= 0:
        out[p * NUM_ACTIONS] = 0
        i = wp.int32(0)
        while i < b[At.NUM_LEGAL]:
            out[p * NUM_ACTIONS + b[At.LEGAL + i]] = 1
            i = i + 1
        if b[At.NUM_LEGAL] == 0:
            out[p * NUM_ACTIONS] = 1
