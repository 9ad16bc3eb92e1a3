"""Damage of an attack (M), and the steps of K-4 from the coins to the reactions."""

# mypy: ignore-errors

import warp as wp

from envlift.envs.tcg_pocket.rules.board import (
    can_pay,
    has_trigger,
    hurt,
    named,
    num_in_play,
    of_kind,
    of_place,
    turn_player,
    units,
)
from envlift.envs.tcg_pocket.rules.chance import below, flip
from envlift.envs.tcg_pocket.rules.data import Attack, Card, Limit, Op, of_attack, of_card, of_op
from envlift.envs.tcg_pocket.rules.ids import (
    Code,
    Condition,
    Count,
    Pick,
    Step,
    Test,
    Trigger,
)
from envlift.envs.tcg_pocket.rules.memory import At
from envlift.envs.tcg_pocket.rules.ops import gate_open, in_range
from envlift.envs.tcg_pocket.rules.turn import end_without_effect
from envlift.targets.warp_numbers import Numbers, cold_rule, rule


@rule
def attack_row(b: Numbers) -> wp.int32:
    """Return the row of the attack that is carried out: the declared one or a copied one."""
    if b[At.COPIED_CARD] != 0:
        return b[At.COPIED_CARD] * 2 + b[At.COPIED_ATTACK]
    return b[At.PENDING_CARD] * 2 + b[At.PENDING_ATTACK]


@cold_rule
def counted(b: Numbers, p: wp.int32, op: wp.int32) -> wp.int32:
    """Return what an effect code counts (X-3, X-5)."""
    count = of_op(op, Op.COUNT)
    if count == Count.HEADS:
        return b[At.PENDING_HEADS]
    if count == Count.OWN_USES_OF:
        return b[At.ATTACK_USES + p * 2 + of_op(op, Op.ATTACK) - 1]
    if count == Count.OPP_ACTIVE_ENERGY:
        return units(b, 1 - p, 0)
    if count == Count.SELF_ENERGY:
        return units(b, p, 0)
    found = wp.int32(0)
    k = wp.int32(1)
    while k < 4:
        card = b[At.CARD + p * 4 + k]
        if of_kind(card, of_op(op, Op.TYPE)) and named(op, card):
            found = found + 1
        k = k + 1
    return found


@cold_rule
def holds(b: Numbers, p: wp.int32, op: wp.int32, row: wp.int32) -> wp.bool:
    """Return whether the condition of ``DMG_ADD`` holds (X-4)."""
    test = of_op(op, Op.TEST)
    q = 1 - p
    if test == Test.EXTRA_ENERGY:
        return can_pay(b, p, row, of_op(op, Op.TIMES), of_op(op, Op.TYPE))
    if test == Test.OPP_ACTIVE_DAMAGED:
        return b[At.DAMAGE + q * 4] > 0
    if test == Test.OPP_ACTIVE_EVOLVED:
        return of_place(b, q, 0, Card.STAGE) > 0
    if test == Test.OPP_ACTIVE_STATUS:
        status = of_op(op, Op.STATUS)
        if status == Condition.POISONED:
            return b[At.POISONED + q] == 1
        if status == Condition.BURNED:
            return b[At.BURNED + q] == 1
        return b[At.CONDITION + q] == status
    if test == Test.OWN_USED_LAST_TURN:
        return b[At.ATTACK_LAST + p] == of_op(op, Op.ATTACK)
    if test == Test.SELF_DAMAGED:
        return b[At.DAMAGE + p * 4] > 0
    if test == Test.SELF_EVOLVED_THIS_TURN:
        return b[At.NEW + p * 4] == 1 and of_place(b, p, 0, Card.STAGE) > 0
    return test == Test.NONE


@cold_rule
def random_hits(b: Numbers, p: wp.int32, op: wp.int32):
    """Hit random Pokémon of a side, with replacement (X-6)."""
    side = of_op(op, Op.SIDE)
    q = wp.where(side == 0, p, 1 - p)
    times = wp.int32(0)
    while times < of_op(op, Op.TIMES):
        left = below(b, num_in_play(b, q))
        k = wp.int32(-1)
        while left >= 0:
            k = k + 1
            if b[At.CARD + q * 4 + k] != 0:
                left = left - 1
        b[At.HITS + side * 4 + k] = b[At.HITS + side * 4 + k] + of_op(op, Op.N)
        times = times + 1


@cold_rule
def bases(b: Numbers, p: wp.int32, row: wp.int32):
    """Work out the base damage of every target (M-1, M-9)."""
    k = wp.int32(0)
    while k < 8:
        b[At.HITS + k] = 0
        k = k + 1
    base = of_attack(row, Attack.DAMAGE)
    more = wp.int32(0)
    start = of_attack(row, Attack.OPS)
    end = start + of_attack(row, Attack.NUM_OPS)
    op = wp.int32(start)
    while op < end:
        code = of_op(op, Op.CODE)
        if gate_open(b, op):
            n = of_op(op, Op.N)
            if code == Code.DMG_SET_PER:
                base = n * counted(b, p, op)
            elif code == Code.DMG_ADD_PER:
                more = more + n * counted(b, p, op)
            elif code == Code.DMG_ADD:
                if holds(b, p, op, row):
                    more = more + n
            elif code == Code.HIT:
                side = of_op(op, Op.SIDE) * 4
                if of_op(op, Op.PICK) == Pick.RANDOM:
                    random_hits(b, p, op)
                else:
                    k = wp.int32(0)
                    while k < 4:
                        chosen = k == b[At.PENDING_TARGET]
                        if of_op(op, Op.PICK) == Pick.EACH:
                            chosen = in_range(k, of_op(op, Op.WHERE))
                        if chosen:
                            b[At.HITS + side + k] = b[At.HITS + side + k] + n
                        k = k + 1
        op = op + 1
    b[At.HITS + 4] = b[At.HITS + 4] + base + more


@cold_rule
def reduced(b: Numbers, q: wp.int32, k: wp.int32, kind: wp.int32) -> wp.int32:
    """Return by how much a target reduces damage of attackers of a type (M-5, X-24)."""
    less = wp.int32(0)
    if k == 0:
        less = b[At.TAKES_LESS + q]
    if has_trigger(b, q, k, Trigger.PASSIVE):
        op = of_place(b, q, k, Card.ABILITY_OPS)
        from_type = of_op(op, Op.TO_TYPE)
        if of_op(op, Op.CODE) == Code.TAKES_LESS and (from_type < 0 or from_type == kind):
            there = of_op(op, Op.NAME_0) == 0
            i = wp.int32(0)
            while i < 4:
                if named(op, b[At.CARD + q * 4 + i]):
                    there = True
                i = i + 1
            if there:
                less = less + of_op(op, Op.N)
    return less


@cold_rule
def more_damage(b: Numbers, p: wp.int32, row: wp.int32) -> wp.int32:
    """Return what M-3 adds against the opponent's Active Pokémon."""
    more = b[At.TURN_DAMAGE_ANY]
    if b[At.TURN_DAMAGE_CARD] != 0:
        op = of_card(b[At.TURN_DAMAGE_CARD], Card.TRAINER_OPS)
        if named(op, b[At.CARD + p * 4]):
            more = more + b[At.TURN_DAMAGE_NAMED]
    watched = of_attack(row, Attack.WATCHED)
    if watched != 0 and watched == b[At.ATTACK_MORE_NAME + p]:
        more = more + b[At.ATTACK_MORE + p]
    return more


@cold_rule
def damage_to(b: Numbers, p: wp.int32, target: wp.int32, row: wp.int32) -> wp.int32:
    """Return the damage of a target from its base (M-2 to M-7)."""
    damage = b[At.HITS + target]
    other = target >= 4
    k = target % 4
    q = wp.where(other, 1 - p, p)
    kind = of_place(b, p, 0, Card.TYPE)
    if damage > 0 and b[At.CARD + q * 4 + k] != 0:
        if other:
            if k == 0:
                damage = damage + more_damage(b, p, row)
            damage = wp.max(damage - b[At.DEALS_LESS + p], 0)
        if damage > 0:
            if target == 4 and of_place(b, q, 0, Card.WEAKNESS) == kind:
                damage = damage + Limit.WEAKNESS
            damage = wp.max(damage - reduced(b, q, k, kind), 0)
            if target == 4 and b[At.PREVENT + q] > 0:
                damage = wp.int32(0)
    else:
        damage = wp.int32(0)
    return damage


@cold_rule
def react(b: Numbers, p: wp.int32):
    """Let the damaged Pokémon hit back (K-4.7, X-25)."""
    q = 1 - p
    if b[At.PENDING_DAMAGE] == 0:
        return
    back = b[At.COUNTER + q] + 0
    if has_trigger(b, q, 0, Trigger.ON_DAMAGED_BY_ATTACK):
        back = back + of_op(of_place(b, q, 0, Card.ABILITY_OPS), Op.N)
    hurt(b, p, 0, back)


@cold_rule
def strike(b: Numbers):
    """Play an attack from its coins to the reactions (K-4.3 to K-4.7)."""
    p = turn_player(b)
    row = attack_row(b)
    start = of_attack(row, Attack.OPS)
    end = start + of_attack(row, Attack.NUM_OPS)
    op = wp.int32(start)
    while op < end:
        if of_op(op, Op.CODE) == Code.FLIP:
            flip(b, of_op(op, Op.N))
        op = op + 1
    op = wp.int32(start)
    failed = wp.bool(False)
    while op < end:
        if of_op(op, Op.CODE) == Code.FAIL and gate_open(b, op):
            failed = True
        op = op + 1
    if failed:
        end_without_effect(b)
        return
    bases(b, p, row)
    target = wp.int32(0)
    while target < 8:
        b[At.HITS + target] = damage_to(b, p, target, row)
        target = target + 1
    target = wp.int32(0)
    while target < 8:
        q = wp.where(target >= 4, 1 - p, p)
        hurt(b, q, target % 4, b[At.HITS + target])
        target = target + 1
    b[At.PENDING_DAMAGE] = b[At.HITS + 4]
    op = wp.int32(start)
    while op < end:
        if of_op(op, Op.CODE) == Code.SELF_DAMAGE and gate_open(b, op):
            hurt(b, p, 0, of_op(op, Op.N))
        op = op + 1
    react(b, p)
    b[At.PENDING_STEP] = Step.EFFECTS
    b[At.PENDING_OP] = 0
