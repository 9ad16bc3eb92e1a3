"""Effect codes that ask for a choice, Energy from the zone, and what comes after all codes."""

# mypy: ignore-errors
# ruff: noqa: D103, SIM102
# Warp evaluates both sides of ``and``, so nested ``if``s are not the same.

import warp as wp

from envlift.envs.tcg_pocket.rules.board import (
    has_trigger,
    is_down,
    named,
    num_benched,
    of_place,
    swap_active,
    turn_player,
)
from envlift.envs.tcg_pocket.rules.cards import return_active
from envlift.envs.tcg_pocket.rules.data import Card, Op, of_op
from envlift.envs.tcg_pocket.rules.ids import (
    Action,
    Code,
    Decision,
    Pending,
    Phase,
    Pick,
    Step,
    To,
    Trigger,
    Who,
)
from envlift.envs.tcg_pocket.rules.legal import current_op
from envlift.envs.tcg_pocket.rules.memory import At
from envlift.envs.tcg_pocket.rules.ops import act, amount, gate_open, reaches, run_ability
from envlift.envs.tcg_pocket.rules.turn import (
    check_end,
    drop_played_card,
    knock_outs,
    reset_pending,
)
from envlift.envs.tcg_pocket.rules.usable import fits_place
from envlift.targets.warp_numbers import Numbers, cold_rule, rule


@rule
def ask(b: Numbers, decision: wp.int32, p: wp.int32):
    b[At.DECISION] = decision
    b[At.DECIDER] = p


@rule
def next_op(b: Numbers):
    b[At.PENDING_OP] = b[At.PENDING_OP] + 1
    b[At.PENDING_UNITS] = 0
    b[At.PENDING_CHOSEN] = 0


@rule
def user_place(b: Numbers) -> wp.int32:
    """Return where the Pokémon stands whose attack or Ability is carried out; -1 for a Trainer."""
    if b[At.PENDING_KIND] == Pending.ABILITY:
        return b[At.PENDING_PLACE]
    if b[At.PENDING_KIND] == Pending.TRAINER:
        return -1
    return 0


@cold_rule
def attach(b: Numbers, p: wp.int32, k: wp.int32, kind: wp.int32, by_effect: wp.bool):
    """Attach a unit from the Energy Zone, and let the Pokémon's Ability answer (X-28)."""
    place = (p * 4 + k) * 8 + kind
    b[At.ENERGY + place] = b[At.ENERGY + place] + 1
    if by_effect and b[At.ZONE_EFFECTS] == 0:
        return
    if has_trigger(b, p, k, Trigger.ON_ZONE_ATTACH):
        if of_place(b, p, k, Card.TRIGGER_TYPE) == kind:
            run_ability(b, p, k)


@cold_rule
def place_unit(b: Numbers, p: wp.int32, k: wp.int32, op: wp.int32):
    """Place a unit of ``ZONE_ENERGY``, or all that go to one Pokémon."""
    to = of_op(op, Op.TO)
    count = wp.int32(1)
    if to == To.BENCH_ONE or to == To.OWN_ONE:
        count = b[At.PENDING_UNITS] + 0
    i = wp.int32(0)
    while i < count and b[At.PHASE] != Phase.OVER and b[At.CARD + p * 4 + k] != 0:
        left = b[At.PENDING_UNITS] - 1
        b[At.PENDING_UNITS] = left
        b[At.PENDING_CHOSEN] = wp.where(
            to == To.BENCH_EACH_OF_CHOSEN, b[At.PENDING_CHOSEN] | (1 << k), 0
        )
        if left == 0:
            next_op(b)
        if not is_down(b, p, k):  # K-5
            attach(b, p, k, of_op(op, Op.TYPE), True)
        i = i + 1


@cold_rule
def zone_energy(b: Numbers, p: wp.int32, op: wp.int32):
    """Attach the next unit of X-12, or ask where to."""
    to = of_op(op, Op.TO)
    if b[At.PENDING_UNITS] == 0:
        n = amount(b, op)
        if to == To.BENCH_EACH_OF_CHOSEN:
            n = of_op(op, Op.TIMES)
        if n == 0:
            next_op(b)
            return
        b[At.PENDING_UNITS] = n
    k = wp.int32(-1)
    fixed = wp.bool(True)
    if to == To.SELF:
        k = user_place(b)
    elif to == To.ACTIVE:
        if fits_place(b, p, 0, op, of_op(op, Op.TO_TYPE)):
            k = wp.int32(0)
    elif to == To.CHOSEN:
        k = b[At.PENDING_TARGET]
    else:
        fixed = False
    if not fixed:
        ask(b, Decision.ENERGY, p)
        return
    usable = wp.bool(False)
    if k >= 0:
        usable = b[At.CARD + p * 4 + k] != 0 and not is_down(b, p, k)
    if usable:
        place_unit(b, p, k, op)
    else:
        next_op(b)


@cold_rule
def switch_opponent(b: Numbers, p: wp.int32, op: wp.int32, by_attack: wp.bool):
    """X-18."""
    if not reaches(b, 1 - p, by_attack):
        next_op(b)
    elif of_op(op, Op.CHOOSER) == 1:
        ask(b, Decision.SWITCH, 1 - p)
    else:
        ask(b, Decision.SWITCH, p)


@cold_rule
def return_card(b: Numbers, p: wp.int32, op: wp.int32, by_attack: wp.bool):
    """X-21; the win check follows at once."""
    next_op(b)
    q = wp.where(of_op(op, Op.SIDE) == 0, p, 1 - p)
    ok = named(op, b[At.CARD + q * 4])
    if q != p:
        ok = ok and reaches(b, q, by_attack)
    if ok:
        return_active(b, q, of_op(op, Op.TO))
        check_end(b)


@cold_rule
def complete(b: Numbers):
    """End what was in progress."""
    if b[At.PENDING_KIND] == Pending.ATTACK:
        b[At.PHASE] = Phase.END
    reset_pending(b)


@cold_rule
def go_on_with_effects(b: Numbers):
    """Carry out the next effect code, or ask for its choice; after the last one check (G-1)."""
    if b[At.PENDING_STEP] == Step.KNOCK_OUTS:
        complete(b)
        return
    p = turn_player(b)
    by_attack = b[At.PENDING_KIND] == Pending.ATTACK
    op = current_op(b)
    code = of_op(op, Op.CODE)
    if op == 0:
        drop_played_card(b)
        b[At.PENDING_STEP] = Step.KNOCK_OUTS
        knock_outs(b)
    elif not gate_open(b, op):
        next_op(b)
    elif code == Code.ZONE_ENERGY:
        zone_energy(b, p, op)
    elif code == Code.SWITCH_OPP:
        switch_opponent(b, p, op, by_attack)
    elif code == Code.SWITCH_OWN and num_benched(b, p) > 0 and not is_down(b, p, 0):
        ask(b, Decision.SWITCH, p)
    elif code == Code.RETURN_ACTIVE:
        return_card(b, p, op, by_attack)
    elif code == Code.CHOOSE_OWN:
        ask(b, Decision.CHOOSE, p)
    elif code == Code.HEAL and of_op(op, Op.WHO) == Who.OWN_ONE:
        ask(b, Decision.HEAL, p)
    elif code == Code.HIT and not by_attack and of_op(op, Op.PICK) == Pick.CHOOSE:
        ask(b, Decision.HIT, p)
    else:
        next_op(b)
        act(b, p, user_place(b), op, by_attack)


@rule
def chosen_place(action: wp.int32) -> wp.int32:
    """Return the place of an action that names one."""
    return (action - Action.OWN) % 4


@cold_rule
def switch_to(b: Numbers, p: wp.int32, k: wp.int32, op: wp.int32):
    """Carry out the chosen switch of X-17 or X-18."""
    q = wp.where(of_op(op, Op.CODE) == Code.SWITCH_OWN, p, 1 - p)
    next_op(b)
    swap_active(b, q, k)
