"""Pokémon in play: places, Energy, conditions, lasting effects, damage."""

# mypy: ignore-errors
# ruff: noqa: D103, SIM102
# Warp evaluates both sides of ``and``, so nested ``if``s are not the same.

import warp as wp

from envlift.envs.tcg_pocket.rules import ids
from envlift.envs.tcg_pocket.rules.data import Attack, Card, Limit, Op, of_attack, of_card, of_op
from envlift.envs.tcg_pocket.rules.ids import Condition, Kind, Trigger
from envlift.envs.tcg_pocket.rules.memory import At
from envlift.targets.warp_numbers import Numbers, cold_rule, rule


@rule
def turn_player(b: Numbers) -> wp.int32:
    """Return whose turn it is (T-1)."""
    return (b[At.FIRST_PLAYER] + b[At.TURN] + 1) % 2


@rule
def card_at(b: Numbers, p: wp.int32, k: wp.int32) -> wp.int32:
    return b[At.CARD + p * 4 + k]


@rule
def of_place(b: Numbers, p: wp.int32, k: wp.int32, column: wp.int32) -> wp.int32:
    """Return a column of the top card."""
    return of_card(b[At.CARD + p * 4 + k], column)


@rule
def num_in_play(b: Numbers, p: wp.int32) -> wp.int32:
    count = wp.int32(0)
    k = wp.int32(0)
    while k < 4:
        if b[At.CARD + p * 4 + k] != 0:
            count = count + 1
        k = k + 1
    return count


@rule
def num_benched(b: Numbers, p: wp.int32) -> wp.int32:
    return num_in_play(b, p) - wp.where(b[At.CARD + p * 4] != 0, 1, 0)


@rule
def free_bench(b: Numbers, p: wp.int32) -> wp.int32:
    """Return the lowest free Bench place, 0 for none."""
    k = wp.int32(Limit.BENCH)
    found = wp.int32(0)
    while k > 0:
        if b[At.CARD + p * 4 + k] == 0:
            found = k
        k = k - 1
    return found


@rule
def units(b: Numbers, p: wp.int32, k: wp.int32) -> wp.int32:
    """Return how many Energy are attached."""
    total = wp.int32(0)
    e = wp.int32(0)
    while e < 8:
        total = total + b[At.ENERGY + (p * 4 + k) * 8 + e]
        e = e + 1
    return total


@rule
def is_down(b: Numbers, p: wp.int32, k: wp.int32) -> wp.bool:
    """Return whether a Pokémon has no HP left (G-1)."""
    return b[At.DAMAGE + p * 4 + k] >= of_place(b, p, k, Card.HP)


@rule
def can_pay(b: Numbers, p: wp.int32, row: wp.int32, more: wp.int32, kind: wp.int32) -> wp.bool:
    """Return whether the Active Pokémon's Energy pays an attack and ``more`` of a type (K-3)."""
    enough = units(b, p, 0) >= of_attack(row, Attack.TOTAL) + more
    e = wp.int32(0)
    while e < 8:
        needed = of_attack(row, e) + wp.where(e == kind, more, 0)
        if b[At.ENERGY + p * 32 + e] < needed:
            enough = False
        e = e + 1
    return enough


@rule
def named(op: wp.int32, card: wp.int32) -> wp.bool:
    """Return whether an effect code names a card; one without names names all."""
    name = of_card(card, Card.NAME)
    first = of_op(op, Op.NAME_0)
    if card == 0:
        return False
    return (
        first == 0 or name == first or name == of_op(op, Op.NAME_1) or name == of_op(op, Op.NAME_2)
    )


@rule
def of_kind(card: wp.int32, kind: wp.int32) -> wp.bool:
    """Return whether there is a Pokémon of a type; -1 stands for all types."""
    return card != 0 and (kind < 0 or of_card(card, Card.TYPE) == kind)


@cold_rule
def clear_active(b: Numbers, p: wp.int32):
    """End conditions and lasting effects of the Active Pokémon (C-4, L-2)."""
    b[At.POISONED + p] = 0
    b[At.BURNED + p] = 0
    b[At.CONDITION + p] = 0
    b[At.PARALYZED_TURN + p] = 0
    b[At.DEALS_LESS + p] = 0
    b[At.TAKES_LESS + p] = 0
    b[At.COUNTER + p] = 0
    b[At.NO_ATTACK + p] = 0
    b[At.NO_RETREAT + p] = 0
    b[At.PREVENT + p] = 0
    b[At.ATTACK_MORE + p] = 0
    b[At.ATTACK_MORE_NAME + p] = 0
    b[At.ATTACK_MORE_UNTIL + p] = 0


@rule
def swap_numbers(b: Numbers, i: wp.int32, j: wp.int32):
    kept = b[i] + 0
    b[i] = b[j]
    b[j] = kept


@cold_rule
def swap_active(b: Numbers, p: wp.int32, k: wp.int32):
    """Let the Active Pokémon and that of a place change places (R-5); the place may be its own."""
    if k == 0:
        return
    clear_active(b, p)
    i = p * 4
    j = p * 4 + k
    swap_numbers(b, At.CARD + i, At.CARD + j)
    swap_numbers(b, At.DAMAGE + i, At.DAMAGE + j)
    swap_numbers(b, At.NEW + i, At.NEW + j)
    swap_numbers(b, At.ABILITY_USED + i, At.ABILITY_USED + j)
    swap_numbers(b, At.UNDER + i * 2, At.UNDER + j * 2)
    swap_numbers(b, At.UNDER + i * 2 + 1, At.UNDER + j * 2 + 1)
    e = wp.int32(0)
    while e < 8:
        swap_numbers(b, At.ENERGY + i * 8 + e, At.ENERGY + j * 8 + e)
        e = e + 1


@rule
def put_in_play(b: Numbers, p: wp.int32, k: wp.int32, card: wp.int32, new: wp.int32):
    """Put a card on a free place."""
    b[At.CARD + p * 4 + k] = card
    b[At.NEW + p * 4 + k] = new


@cold_rule
def clear_place(b: Numbers, p: wp.int32, k: wp.int32):
    """Take a Pokémon from its place; its Energy is discarded (G-2, X-21), its cards are not."""
    if k == 0:
        clear_active(b, p)
    i = p * 4 + k
    e = wp.int32(0)
    while e < 8:
        b[At.DISCARDED_ENERGY + p * 8 + e] = (
            b[At.DISCARDED_ENERGY + p * 8 + e] + b[At.ENERGY + i * 8 + e]
        )
        b[At.ENERGY + i * 8 + e] = 0
        e = e + 1
    b[At.CARD + i] = 0
    b[At.UNDER + i * 2] = 0
    b[At.UNDER + i * 2 + 1] = 0
    b[At.DAMAGE + i] = 0
    b[At.NEW + i] = 0
    b[At.ABILITY_USED + i] = 0


@cold_rule
def discard_units(b: Numbers, p: wp.int32, k: wp.int32, e: wp.int32, n: wp.int32):
    """Discard up to ``n`` Energy of a type from a Pokémon."""
    there = b[At.ENERGY + (p * 4 + k) * 8 + e]
    gone = wp.min(there, n)
    b[At.ENERGY + (p * 4 + k) * 8 + e] = there - gone
    b[At.DISCARDED_ENERGY + p * 8 + e] = b[At.DISCARDED_ENERGY + p * 8 + e] + gone


@cold_rule
def nth_unit(b: Numbers, p: wp.int32, k: wp.int32, n: wp.int32) -> wp.int32:
    """Return the type of the n-th unit attached, in the order of types (F-5)."""
    e = wp.int32(0)
    left = n - b[At.ENERGY + (p * 4 + k) * 8]
    while left >= 0 and e < 7:
        e = e + 1
        left = left - b[At.ENERGY + (p * 4 + k) * 8 + e]
    return e


@rule
def heal(b: Numbers, p: wp.int32, k: wp.int32, n: wp.int32):
    """Remove damage (X-14); from a Pokémon without HP none (K-5)."""
    i = p * 4 + k
    if b[At.CARD + i] != 0:
        if not is_down(b, p, k):
            b[At.DAMAGE + i] = wp.max(b[At.DAMAGE + i] - n, 0)


@rule
def hurt(b: Numbers, p: wp.int32, k: wp.int32, n: wp.int32):
    if b[At.CARD + p * 4 + k] != 0:
        b[At.DAMAGE + p * 4 + k] = b[At.DAMAGE + p * 4 + k] + n


@cold_rule
def put_status(b: Numbers, p: wp.int32, status: wp.int32):
    """Give the Active Pokémon a Special Condition (C-2, C-3)."""
    if b[At.CARD + p * 4] == 0:
        return
    if status == Condition.POISONED:
        b[At.POISONED + p] = 1
    elif status == Condition.BURNED:
        b[At.BURNED + p] = 1
    else:
        b[At.CONDITION + p] = status
        b[At.PARALYZED_TURN + p] = wp.where(status == Condition.PARALYZED, b[At.TURN] + 0, 0)


@rule
def has_trigger(b: Numbers, p: wp.int32, k: wp.int32, trigger: wp.int32) -> wp.bool:
    """Return whether a Pokémon's Ability has a trigger and works where it stands (A-4)."""
    card = b[At.CARD + p * 4 + k]
    here = k == 0 or of_card(card, Card.ACTIVE_ONLY) == 0
    return card != 0 and of_card(card, Card.TRIGGER) == trigger and here


@rule
def retreat_cost(b: Numbers, p: wp.int32) -> wp.int32:
    """Return what a retreat costs now (R-3)."""
    return wp.max(of_place(b, p, 0, Card.RETREAT) - b[At.TURN_RETREAT], 0)


@rule
def is_basic_card(card: wp.int32) -> wp.bool:
    """Return whether a card is a Basic Pokémon card; a fossil is a Trainer (P-9)."""
    return of_card(card, Card.KIND) == Kind.POKEMON and of_card(card, Card.STAGE) == 0


@cold_rule
def blocks_supporters(b: Numbers, p: wp.int32) -> wp.bool:
    """Return whether a Pokémon of ``p`` has the Ability ``OPP_NO_SUPPORTER`` (P-5)."""
    found = wp.bool(False)
    k = wp.int32(0)
    while k < 4:
        if has_trigger(b, p, k, Trigger.PASSIVE):
            op = of_place(b, p, k, Card.ABILITY_OPS)
            if of_op(op, Op.CODE) == ids.Code.OPP_NO_SUPPORTER:
                found = True
        k = k + 1
    return found
