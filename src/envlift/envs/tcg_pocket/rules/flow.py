"""From decision to decision: what an action does, and what goes on by itself after it."""

# mypy: ignore-errors
# ruff: noqa: D103, SIM102
# Warp evaluates both sides of ``and``, so nested ``if``s are not the same.

import warp as wp

from envlift.envs.tcg_pocket.rules import ids
from envlift.envs.tcg_pocket.rules.asking import (
    ask,
    attach,
    chosen_place,
    go_on_with_effects,
    next_op,
    place_unit,
    switch_to,
)
from envlift.envs.tcg_pocket.rules.board import (
    can_pay,
    card_at,
    clear_active,
    discard_units,
    free_bench,
    has_trigger,
    heal,
    hurt,
    is_basic_card,
    nth_unit,
    put_in_play,
    retreat_cost,
    swap_active,
    turn_player,
    units,
)
from envlift.envs.tcg_pocket.rules.cards import bury, take_from_hand
from envlift.envs.tcg_pocket.rules.chance import below
from envlift.envs.tcg_pocket.rules.damage import attack_row, strike
from envlift.envs.tcg_pocket.rules.data import Attack, Card, Op, of_attack, of_card, of_op
from envlift.envs.tcg_pocket.rules.ids import (
    Action,
    Code,
    Condition,
    Decision,
    Kind,
    Pending,
    Phase,
    Pick,
    Step,
    To,
    Trigger,
)
from envlift.envs.tcg_pocket.rules.legal import current_op, list_legal, played
from envlift.envs.tcg_pocket.rules.memory import At
from envlift.envs.tcg_pocket.rules.ops import run_ability
from envlift.envs.tcg_pocket.rules.turn import (
    check_end,
    checkup,
    end_lasting,
    end_without_effect,
    finish,
    reset_pending,
    start_turn,
)
from envlift.targets.warp_numbers import Numbers, cold_rule, rule


@rule
def begin(b: Numbers, kind: wp.int32, card: wp.int32, step: wp.int32):
    b[At.PENDING_KIND] = kind
    b[At.PENDING_CARD] = card
    b[At.PENDING_STEP] = step


@cold_rule
def play_card(b: Numbers, p: wp.int32, slot: wp.int32):
    """Play a card of the hand in the main part (P-1, P-2, P-4, P-5, P-8)."""
    card = b[At.HAND + p * 12 + slot] + 0
    kind = of_card(card, Card.KIND)
    if is_basic_card(card) or of_card(card, Card.FOSSIL) == 1:
        take_from_hand(b, p, slot)
        put_in_play(b, p, free_bench(b, p), card, 1)
    elif kind == Kind.POKEMON:
        begin(b, Pending.EVOLVE, 0, Step.NONE)
        b[At.PENDING_SLOT] = slot
    else:
        take_from_hand(b, p, slot)
        begin(b, Pending.TRAINER, card, Step.EFFECTS)
        if kind == Kind.SUPPORTER:
            b[At.SUPPORTER_PLAYED] = 1


@cold_rule
def use_attack(b: Numbers, p: wp.int32):
    """Note that an attack reaches K-4.3, if an effect asks for it by name."""
    watched = of_attack(attack_row(b), Attack.WATCHED)
    if watched > 0:
        b[At.ATTACK_NOW] = watched
        place = p * 2 + watched - 1
        b[At.ATTACK_USES + place] = b[At.ATTACK_USES + place] + 1


@cold_rule
def declare_attack(b: Numbers, p: wp.int32, number: wp.int32):
    """Declare an attack (K-4.1, K-4.2)."""
    confused = b[At.CONDITION + p] == Condition.CONFUSED
    if confused:
        if below(b, 2) == 0:
            b[At.PHASE] = Phase.END
            return
    begin(b, Pending.ATTACK, card_at(b, p, 0), Step.CHOICES)
    b[At.PENDING_ATTACK] = number
    use_attack(b, p)


@cold_rule
def act_in_main(b: Numbers, p: wp.int32, action: wp.int32):
    if action < Action.ATTACH:
        play_card(b, p, action - Action.HAND)
    elif action == Action.ATTACH:
        begin(b, Pending.ATTACH, 0, Step.NONE)
    elif action == Action.RETREAT:
        begin(b, Pending.RETREAT, 0, Step.NONE)
    elif action < Action.DISCARD_FOSSIL:
        k = action - Action.ABILITY
        begin(b, Pending.ABILITY, card_at(b, p, k), Step.EFFECTS)
        b[At.PENDING_PLACE] = k
        b[At.ABILITY_USED + p * 4 + k] = 1
    elif action < Action.ATTACK:
        bury(b, p, action - Action.DISCARD_FOSSIL)
        check_end(b)
    elif action < Action.END:
        declare_attack(b, p, action - Action.ATTACK)
    else:
        b[At.PHASE] = Phase.END


@cold_rule
def evolve(b: Numbers, p: wp.int32, k: wp.int32):
    """Put the chosen Evolution card onto a Pokémon (P-2, P-3)."""
    i = p * 4 + k
    place = wp.where(b[At.UNDER + i * 2] == 0, 0, 1)
    b[At.UNDER + i * 2 + place] = b[At.CARD + i]
    b[At.CARD + i] = take_from_hand(b, p, b[At.PENDING_SLOT])
    b[At.NEW + i] = 1
    b[At.ABILITY_USED + i] = 0
    if k == 0:
        clear_active(b, p)
    reset_pending(b)


@cold_rule
def end_setup_of(b: Numbers, p: wp.int32):
    """Let the other player place, or begin the first turn (S-5)."""
    if p == b[At.FIRST_PLAYER]:
        b[At.DECIDER] = 1 - p
    else:
        start_turn(b)


@cold_rule
def copy_attack(b: Numbers, p: wp.int32, pair: wp.int32):
    """Carry out an attack of the opponent's, if its cost can be paid (X-23)."""
    card = card_at(b, 1 - p, pair // 2)
    number = pair % 2
    if can_pay(b, p, card * 2 + number, 0, -1):
        b[At.COPIED_CARD] = card
        b[At.COPIED_ATTACK] = number
        b[At.PENDING_OP] = 0
        use_attack(b, p)
    else:
        end_without_effect(b)


@cold_rule
def choose(b: Numbers, action: wp.int32):
    """Do what the decider chose."""
    p = b[At.DECIDER]
    decision = b[At.DECISION]
    op = current_op(b)
    k = chosen_place(action)
    b[At.DECISION] = Decision.NONE
    if decision == Decision.MAIN:
        act_in_main(b, p, action)
    elif decision == Decision.SETUP_ACTIVE:
        put_in_play(b, p, 0, take_from_hand(b, p, action - Action.HAND), 0)
    elif decision == Decision.SETUP_BENCH:
        if action == Action.END:
            end_setup_of(b, p)
        else:
            put_in_play(b, p, free_bench(b, p), take_from_hand(b, p, action - Action.HAND), 0)
    elif decision == Decision.EVOLVE:
        evolve(b, p, k)
    elif decision == Decision.ATTACH:
        kind = b[At.ZONE_CURRENT + p] + 0
        b[At.ZONE_CURRENT + p] = -1
        reset_pending(b)
        attach(b, p, k, kind, False)
    elif decision == Decision.RETREAT:
        b[At.PENDING_PLACE] = k
        b[At.PENDING_UNITS] = retreat_cost(b, p)
    elif decision == Decision.RETREAT_ENERGY:
        discard_units(b, p, 0, action - Action.ENERGY, 1)
        b[At.PENDING_UNITS] = b[At.PENDING_UNITS] - 1
    elif decision == Decision.PROMOTE:
        swap_active(b, p, k)
    elif decision == Decision.SWITCH:
        switch_to(b, turn_player(b), k, op)
    elif decision == Decision.HIT:
        next_op(b)
        if b[At.PENDING_KIND] == Pending.ATTACK:
            b[At.PENDING_TARGET] = k
        else:
            hurt(b, wp.where(of_op(op, Op.SIDE) == 0, p, 1 - p), k, of_op(op, Op.N))
    elif decision == Decision.HEAL:
        next_op(b)
        heal(b, p, k, of_op(op, Op.N))
    elif decision == Decision.CHOOSE:
        next_op(b)
        b[At.PENDING_TARGET] = k
    elif decision == Decision.ENERGY:
        place_unit(b, p, k, op)
    elif decision == Decision.COPY:
        copy_attack(b, p, action - Action.COPY)


@rule
def settle(b: Numbers) -> wp.bool:
    """Return whether the decision is left to its player; take it if there is one option (N-6)."""
    list_legal(b)
    count = b[At.NUM_LEGAL]
    decision = b[At.DECISION]
    if count == 0:
        b[At.DECISION] = Decision.NONE
        if b[At.PENDING_KIND] == Pending.NONE:
            finish(b, ids.TIE)  # No deck of rules D comes here.
        if decision == Decision.COPY:
            end_without_effect(b)
        else:
            next_op(b)
        return False
    if decision == Decision.MAIN or decision == Decision.SETUP_BENCH:
        return True
    enough = wp.int32(1)
    if decision == Decision.ENERGY:
        if of_op(current_op(b), Op.TO) == To.BENCH_EACH_OF_CHOSEN:
            enough = b[At.PENDING_UNITS] + 0
    if count <= enough:
        choose(b, b[At.LEGAL])
        return False
    return True


@cold_rule
def go_on_setting_up(b: Numbers):
    """S-4: who places asks on until nothing can be placed."""
    p = b[At.DECIDER]
    basics = wp.int32(0)
    i = wp.int32(0)
    while i < b[At.HAND_SIZE + p]:
        if is_basic_card(b[At.HAND + p * 12 + i]):
            basics = 1
        i = i + 1
    if card_at(b, p, 0) == 0:
        ask(b, Decision.SETUP_ACTIVE, p)
    elif basics == 1 and free_bench(b, p) > 0:
        ask(b, Decision.SETUP_BENCH, p)
    else:
        end_setup_of(b, p)


@cold_rule
def go_on_retreating(b: Numbers, p: wp.int32):
    """R-1, R-4: whom to bring up, then the Energy, then the swap."""
    left = b[At.PENDING_UNITS]
    if b[At.PENDING_PLACE] < 0:
        ask(b, Decision.RETREAT, p)
        return
    if left == 0:
        swap_active(b, p, b[At.PENDING_PLACE])
        reset_pending(b)
        b[At.RETREATED] = 1
        return
    total = units(b, p, 0)
    kinds = wp.int32(0)
    e = wp.int32(0)
    while e < 8:
        if b[At.ENERGY + p * 32 + e] > 0:
            kinds = kinds + 1
        e = e + 1
    if total <= left or kinds == 1:
        e = wp.int32(0)
        while e < 8:
            discard_units(b, p, 0, e, left)
            e = e + 1
        b[At.PENDING_UNITS] = 0
    elif b[At.RETREAT_RANDOM] == 1:
        discard_units(b, p, 0, nth_unit(b, p, 0, below(b, total)), 1)
        b[At.PENDING_UNITS] = left - 1
    else:
        ask(b, Decision.RETREAT_ENERGY, p)


@cold_rule
def go_on_attacking(b: Numbers, p: wp.int32):
    """K-4.3: choices first, then the coins and what follows them."""
    op = current_op(b)
    code = of_op(op, Op.CODE)
    if op == 0:
        strike(b)
    elif code == Code.HIT and of_op(op, Op.PICK) == Pick.CHOOSE:
        ask(b, Decision.HIT, p)
    elif code == Code.COPY_ATTACK:
        ask(b, Decision.COPY, p)
    else:
        next_op(b)


@cold_rule
def go_on_ending(b: Numbers, p: wp.int32):
    """T-10, then the Checkup; a knock-out by an Ability interrupts it."""
    k = wp.max(b[At.END_PLACE], 0)
    while k < 4:
        b[At.END_PLACE] = k + 1
        if b[At.TURN] <= 2 and has_trigger(b, p, k, Trigger.END_OF_OWN_FIRST_TURN):
            run_ability(b, p, k)
            return
        k = k + 1
    b[At.END_PLACE] = -1
    end_lasting(b)
    b[At.PHASE] = Phase.CHECKUP
    checkup(b)


@cold_rule
def go_on(b: Numbers):
    """Do the next thing that asks for nothing, or ask."""
    phase = b[At.PHASE]
    kind = b[At.PENDING_KIND]
    p = turn_player(b)
    if phase == Phase.SETUP:
        go_on_setting_up(b)
    elif card_at(b, 1 - p, 0) == 0:
        ask(b, Decision.PROMOTE, 1 - p)  # G-7
    elif card_at(b, p, 0) == 0:
        ask(b, Decision.PROMOTE, p)
    elif phase == Phase.END:
        go_on_ending(b, p)
    elif phase == Phase.CHECKUP:
        if b[At.TURN] >= b[At.MAX_TURNS]:
            finish(b, ids.TIE)  # T-11
        else:
            start_turn(b)
    elif kind == Pending.NONE:
        ask(b, Decision.MAIN, p)
    elif kind == Pending.EVOLVE:
        ask(b, Decision.EVOLVE, p)
    elif kind == Pending.ATTACH:
        ask(b, Decision.ATTACH, p)
    elif kind == Pending.RETREAT:
        go_on_retreating(b, p)
    elif kind == Pending.ATTACK and b[At.PENDING_STEP] == Step.CHOICES:
        go_on_attacking(b, p)
    else:
        go_on_with_effects(b)


@cold_rule
def advance(b: Numbers):
    """Go on until somebody has a choice, or the game is over; the legal actions stand ready."""
    waiting = wp.bool(False)
    while not waiting and b[At.PHASE] != Phase.OVER:
        go_on(b)
        if b[At.DECISION] != Decision.NONE:
            waiting = settle(b)


@rule
def step(b: Numbers, first: wp.int32, second: wp.int32):
    """Play from one decision to the next; a game that is over stays as it is."""
    if b[At.PHASE] == Phase.OVER:
        return
    list_legal(b)
    choose(b, played(b, wp.where(b[At.DECIDER] == 0, first, second)))
    advance(b)
