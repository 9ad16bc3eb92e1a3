"""Requests: which choices a player has, and what a choice puts into the queue (``sim/side.ts``).

Actions: 0 to 3 are the slots of moves, 4 to 9 switch to a member of the team. Where a request
has a single entry (a lock, ``fight``, recharge, Struggle), that is the slot selected last; who
waits has action 0.
"""

# mypy: ignore-errors
# ruff: noqa: D103, SIM102
# Warp evaluates both sides of ``and``, so nested ``if``s are not the same.

import warp as wp

from envlift.envs.pokemon.rules.gen1.battle.queue import compare, put_action
from envlift.envs.pokemon.rules.gen1.battle.turn import turn_loop, update_speed
from envlift.envs.pokemon.rules.gen1.move.effects import has_pp
from envlift.envs.pokemon.rules.gen1.move.run import is_locked, is_semi_locked
from envlift.envs.pokemon.rules.gen1.parts import data, ids, prng
from envlift.envs.pokemon.rules.gen1.parts.ids import Action, Order, Request, Stat, Status
from envlift.envs.pokemon.rules.gen1.parts.memory import At, Battle, rule
from envlift.envs.pokemon.rules.gen1.parts.pokemon import active, active_status

NUM_ACTIONS = 10
FIRST_SWITCH = 4


@rule
def is_maybe_locked(b: Battle, s: wp.int32) -> wp.bool:
    """Return whether the request must not tell that the side cannot choose (maybeLocked)."""
    status = active_status(b, s)
    if status == Status.SLP or status == Status.FRZ or b[At.BIDE_TIME + s] != 0:
        return False
    if b[At.FAKE_PARTIALLY_TRAPPED_DURATION + s] > 0:
        return True
    if b[At.PARTIALLY_TRAPPED_DURATION + s] > 0 and b[At.PARTIALLY_TRAPPED_MAYBE_LOCKED + s] != 0:
        return True
    total = b[At.PARTIAL_TRAPPING_LOCK_TOTAL_DURATION + s]
    return total - b[At.PARTIAL_TRAPPING_LOCK_DURATION + s] > 1


@rule
def bench(b: Battle, s: wp.int32) -> wp.int32:
    """Return the bits of the switches to living team mates."""
    bits = wp.int32(0)
    i = wp.int32(1)
    while i < 6:
        member = b[At.ORDER + s * 6 + i]
        if member >= 0:
            if b[At.FAINTED + s * 6 + member] == 0:
                bits = bits | (1 << (FIRST_SWITCH + member))
        i += 1
    return bits


@rule
def is_usable(b: Battle, s: wp.int32, slot: wp.int32) -> wp.bool:
    """Return whether a slot has PP and is not disabled."""
    disabled = b[At.DISABLE_TIME + s] != 0 and b[At.DISABLE_SLOT + s] == slot
    return has_pp(b, s, slot) and not disabled


@rule
def usable_slots(b: Battle, s: wp.int32) -> wp.int32:
    bits = wp.int32(0)
    i = wp.int32(0)
    while i < 4:
        if is_usable(b, s, i):
            bits = bits | (1 << i)
        i += 1
    return bits


@rule
def cannot_fight(b: Battle, s: wp.int32) -> wp.bool:
    """Return whether the request shows one entry, ``fight``, instead of the moves."""
    status = active_status(b, s)
    helpless = status == Status.FRZ or status == Status.SLP
    return helpless or (b[At.PARTIALLY_TRAPPED_DURATION + s] > 0 and not is_maybe_locked(b, s))


@rule
def move_choices(b: Battle, s: wp.int32) -> wp.int32:
    """Return the bits of the moves in a request."""
    semi = is_semi_locked(b, s) and not is_maybe_locked(b, s)
    usable = usable_slots(b, s)
    if is_locked(b, s) or semi or cannot_fight(b, s) or usable == 0:
        return 1 << b[At.LAST_SELECTED_MOVE_SLOT + s]
    return usable


@rule
def legal_choices(b: Battle, s: wp.int32) -> wp.int32:
    """Return the bits of a side's legal actions; never 0."""
    if b[At.WINNER] != ids.GOING_ON:
        return 1
    if b[At.REQUEST + s] == Request.NONE:
        return 1
    if b[At.REQUEST + s] == Request.SWITCH:
        return bench(b, s)
    bits = move_choices(b, s)
    if not is_locked(b, s):
        bits = bits | bench(b, s)
    return bits


@rule
def lowest_bit(bits: wp.int32) -> wp.int32:
    i = wp.int32(0)
    while i < NUM_ACTIONS - 1 and ((bits >> i) & 1) == 0:
        i += 1
    return i


@rule
def legal_or_first(b: Battle, s: wp.int32, action: wp.int32) -> wp.int32:
    """Return the action, or the first legal one instead of an illegal one."""
    bits = b[At.LEGAL + s]
    if action == wp.clamp(action, 0, NUM_ACTIONS - 1):
        if ((bits >> action) & 1) != 0:
            return action
    return lowest_bit(bits)


@rule
def select_move(b: Battle, s: wp.int32, slot: wp.int32):
    """Remember the move that a side chose, if it had a choice (chooseMove)."""
    if is_locked(b, s) or is_semi_locked(b, s):
        return
    status = active_status(b, s)
    if status == Status.FRZ or status == Status.SLP:
        return
    if b[At.PARTIALLY_TRAPPED_DURATION + s] > 0:
        b[At.LAST_SELECTED_MOVE + s] = ids.CANNOT_MOVE
    elif usable_slots(b, s) == 0:
        b[At.LAST_SELECTED_MOVE + s] = ids.STRUGGLE
    else:
        b[At.LAST_SELECTED_MOVE + s] = b[At.ACTIVE_MOVES + s * 4 + slot]
        b[At.LAST_SELECTED_MOVE_SLOT + s] = slot


@rule
def add_choice(b: Battle, kind: wp.int32, s: wp.int32, arg: wp.int32, order: wp.int32):
    """Sort a side's choice into the queue; a tie with the other side's is drawn."""
    priority = wp.int32(0)
    if kind == Action.MOVE:
        priority = data.of_move(arg, data.Move.PRIORITY)
    speed = b[At.MODIFIED_STATS + s * 4 + Stat.SPE]
    at = wp.int32(b[At.QUEUE_LENGTH])
    if at > 0:
        ahead = compare(b, 0, order, priority, speed)
        if ahead < 0:
            at = 0
        if ahead == 0:
            at = 1 - prng.random(b, 2)
    put_action(b, at, kind, active(b, s), arg, order, priority, speed)


@rule
def choose(b: Battle, s: wp.int32, action: wp.int32):
    request = b[At.REQUEST + s]
    b[At.REQUEST + s] = Request.NONE
    if request == Request.NONE:
        return
    if request == Request.SWITCH:
        target = s * 6 + action - FIRST_SWITCH
        add_choice(b, Action.INSTASWITCH, s, target, Order.INSTASWITCH)
    elif action >= FIRST_SWITCH:
        add_choice(b, Action.SWITCH, s, s * 6 + action - FIRST_SWITCH, Order.SWITCH)
    else:
        select_move(b, s, action)
        add_choice(b, Action.MOVE, s, b[At.LAST_SELECTED_MOVE + s], Order.MOVE)


@rule
def step(b: Battle, first_action: wp.int32, second_action: wp.int32):
    """Play from one request to the next (commitChoices); a battle that has ended stays as it is."""
    if b[At.WINNER] != ids.GOING_ON:
        return
    mid_turn = b[At.REQUEST] != Request.MOVE and b[At.REQUEST + 1] != Request.MOVE
    update_speed(b)
    choose(b, 0, legal_or_first(b, 0, first_action))
    choose(b, 1, legal_or_first(b, 1, second_action))
    turn_loop(b, mid_turn)
    update_legal(b)


@rule
def update_legal(b: Battle):
    b[At.LEGAL] = legal_choices(b, 0)
    b[At.LEGAL + 1] = legal_choices(b, 1)
