"""The loop over actions, switches and ends (``sim/battle.ts``)."""

# mypy: ignore-errors
# ruff: noqa: D103, SIM102
# Warp evaluates both sides of ``and``, so nested ``if``s are not the same.

import warp as wp

from envlift.envs.pokemon.rules.gen1.battle.endless import is_endless
from envlift.envs.pokemon.rules.gen1.battle.queue import (
    cancel_action,
    change_action,
    insert_choice,
    kind_at,
    place,
    put_action,
    remove_action,
    will_move,
)
from envlift.envs.pokemon.rules.gen1.move.after import flag
from envlift.envs.pokemon.rules.gen1.move.run import run_move
from envlift.envs.pokemon.rules.gen1.parts import ids, prng
from envlift.envs.pokemon.rules.gen1.parts.ids import Action, Order, Request, Stat, Status
from envlift.envs.pokemon.rules.gen1.parts.memory import At, Battle, rule
from envlift.envs.pokemon.rules.gen1.parts.pokemon import (
    active,
    active_hp,
    clear_volatile,
    cure_status,
    end_fake_trapped,
    end_lock,
    end_trapped,
    hurt,
    is_alive,
    num_left,
    sixteenth,
)

TURN_LIMIT = 1000


@rule
def update_speed(b: Battle):
    """Cache the speed of both active Pokémon (updateSpeed)."""
    for s in range(2):
        if is_alive(b, s):
            b[At.SPEED + s] = b[At.MODIFIED_STATS + s * 4 + Stat.SPE]


@rule
def first_of_event(b: Battle) -> wp.int32:
    """Return which side an event for both reaches first; a tie is drawn (eachEvent)."""
    if not is_alive(b, 0):
        return 1
    if not is_alive(b, 1):
        return 0
    if b[At.SPEED] == b[At.SPEED + 1]:
        return prng.random(b, 2)
    return wp.where(b[At.SPEED + 1] > b[At.SPEED], 1, 0)


@rule
def go_on_thrashing(b: Battle, s: wp.int32):
    if is_alive(b, s) and b[At.LOCKED_MOVE + s] != 0:
        change_action(b, active(b, s), b[At.LOCKED_MOVE + s])


@rule
def before_turn(b: Battle):
    first = first_of_event(b)
    go_on_thrashing(b, first)
    go_on_thrashing(b, 1 - first)


@rule
def switch_in(b: Battle, s: wp.int32, m: wp.int32):
    """Swap the places of the active Pokémon and another, which will run its switch."""
    old = active(b, s)
    if b[At.HP + old] > 0:
        cancel_action(b, old)
    i = wp.int32(0)
    while b[At.ORDER + s * 6 + i] != m - s * 6:
        i += 1
    b[At.ORDER + s * 6 + i] = b[At.ORDER + s * 6]
    enter(b, s, m)


@rule
def reveal_member(b: Battle, s: wp.int32, m: wp.int32):
    """Note that the foe has now seen a Pokémon, after how many others of its team."""
    if b[At.REVEALED + m] != 0:
        return
    seen = wp.int32(1)
    i = wp.int32(0)
    while i < 6:
        if b[At.REVEALED + s * 6 + i] != 0:
            seen += 1
        i += 1
    b[At.REVEALED + m] = seen


@rule
def enter(b: Battle, s: wp.int32, m: wp.int32):
    """Let a Pokémon stand in the first place."""
    b[At.ORDER + s * 6] = m - s * 6
    b[At.SWITCH_FLAG + s] = 0
    reveal_member(b, s, m)
    clear_volatile(b, s)
    insert_choice(b, Action.RUN_SWITCH, m, 0, Order.RUN_SWITCH, 0)


@rule
def keep_metronome(b: Battle, foe: wp.int32):
    """A foe locked into a move by Metronome uses Metronome instead."""
    m = active(b, foe)
    if not is_alive(b, foe) or b[At.HP + m] == 0 or b[At.PARTIAL_TRAPPING_LOCK_DURATION + foe] == 0:
        return
    slot = b[At.LAST_SELECTED_MOVE_SLOT + foe]
    if b[At.ACTIVE_MOVES + foe * 4 + slot] != ids.METRONOME:
        return
    b[At.LAST_SELECTED_MOVE + foe] = ids.METRONOME
    if will_move(b, m):
        change_action(b, m, ids.METRONOME)


@rule
def run_switch(b: Battle, m: wp.int32):
    s = m // 6
    if b[At.STATUS + m] == Status.TOX:
        b[At.STATUS + m] = Status.PSN
    for side in range(2):
        if is_alive(b, side):
            b[At.ACTIVE_LAST_MOVE + side] = ids.NO_MOVE
    b[At.LAST_SELECTED_MOVE_SLOT + s] = 0
    keep_metronome(b, 1 - s)
    status = b[At.STATUS + m]
    if b[At.FAINTED_THIS_TURN + s] == 0 and (status == Status.PSN or status == Status.BRN):
        hurt(b, s, sixteenth(b, s))


@rule
def residual_holders(b: Battle, s: wp.int32) -> wp.int32:
    """Return how many of a side's volatiles count down at the end of a turn."""
    if not is_alive(b, s):
        return 0
    trapped = flag(b[At.PARTIALLY_TRAPPED_DURATION + s]) + flag(
        b[At.FAKE_PARTIALLY_TRAPPED_DURATION + s]
    )
    return b[At.FLINCH + s] + trapped + flag(b[At.PARTIAL_TRAPPING_LOCK_DURATION + s])


@rule
def count_down(b: Battle, s: wp.int32):
    b[At.FLINCH + s] = 0
    if b[At.PARTIALLY_TRAPPED_DURATION + s] > 0:
        b[At.PARTIALLY_TRAPPED_DURATION + s] = b[At.PARTIALLY_TRAPPED_DURATION + s] - 1
        if b[At.PARTIALLY_TRAPPED_DURATION + s] == 0:
            end_trapped(b, s)
    if b[At.FAKE_PARTIALLY_TRAPPED_DURATION + s] > 0:
        b[At.FAKE_PARTIALLY_TRAPPED_DURATION + s] = b[At.FAKE_PARTIALLY_TRAPPED_DURATION + s] - 1
        if b[At.FAKE_PARTIALLY_TRAPPED_DURATION + s] == 0:
            end_fake_trapped(b, s)
    if b[At.PARTIAL_TRAPPING_LOCK_DURATION + s] > 0:
        b[At.PARTIAL_TRAPPING_LOCK_DURATION + s] = b[At.PARTIAL_TRAPPING_LOCK_DURATION + s] - 1
        if b[At.PARTIAL_TRAPPING_LOCK_DURATION + s] == 0:
            end_lock(b, s)


@rule
def residual(b: Battle):
    """Count volatiles down; those of equal speed draw their order."""
    update_speed(b)
    first, second = residual_holders(b, 0), residual_holders(b, 1)
    if b[At.SPEED] == b[At.SPEED + 1]:
        prng.shuffle(b, first + second)
    else:
        prng.shuffle(b, first)
        prng.shuffle(b, second)
    if is_alive(b, 0):
        count_down(b, 0)
    if is_alive(b, 1):
        count_down(b, 1)


@rule
def faint_messages(b: Battle):
    """Bury who lost the last HP: the queue empties, Bide forgets, the battle may end."""
    if b[At.FAINTING] + b[At.FAINTING + 1] == 0:
        return
    for s in range(2):
        if b[At.FAINTING + s] != 0:
            m = active(b, s)
            b[At.FAINTING + s] = 0
            clear_volatile(b, s)
            cure_status(b, m)
            b[At.FAINTED + m] = 1
            b[At.STATUS + m] = Status.FNT
            b[At.FAINTED_THIS_TURN + s] = 1
    b[At.QUEUE_LENGTH] = 0
    for s in range(2):
        if is_alive(b, s):
            b[At.BIDE_DAMAGE + s] = 0
    mine, theirs = num_left(b, 0), num_left(b, 1)
    if mine == 0 and theirs == 0:
        b[At.WINNER] = ids.TIE
    elif theirs == 0:
        b[At.WINNER] = 0
    elif mine == 0:
        b[At.WINNER] = 1


@rule
def run_action(b: Battle, kind: wp.int32, mon: wp.int32, arg: wp.int32):
    if kind == Action.BEFORE_TURN:
        before_turn(b)
    elif kind == Action.MOVE:
        run_move(b, arg, mon // 6)
    elif kind == Action.SWITCH or kind == Action.INSTASWITCH:
        switch_in(b, mon // 6, arg)
    elif kind == Action.RUN_SWITCH:
        run_switch(b, mon)
    else:
        residual(b)


@rule
def ask_for_replacements(b: Battle) -> wp.bool:
    """Return whether somebody has to be replaced before the next action."""
    kind = kind_at(b, 0)
    if kind < 0 or kind == Action.MOVE or kind == Action.RESIDUAL:
        for s in range(2):
            if not is_alive(b, s):
                b[At.SWITCH_FLAG + s] = 1
    for s in range(2):
        if b[At.SWITCH_FLAG + s] != 0 and num_left(b, s) == 0:
            b[At.SWITCH_FLAG + s] = 0
    return b[At.SWITCH_FLAG] + b[At.SWITCH_FLAG + 1] > 0


@rule
def can_act(b: Battle, kind: wp.int32, mon: wp.int32) -> wp.bool:
    if kind != Action.MOVE:
        return True
    return active(b, mon // 6) == mon and b[At.FAINTED + mon] == 0


@rule
def run_queue(b: Battle) -> wp.bool:
    """Run actions until the queue is empty (True), or a request or the end stops it (False)."""
    while b[At.QUEUE_LENGTH] > 0:
        q = place(0)
        kind = b[q]
        mon = b[q + 1]
        arg = b[q + 2]
        remove_action(b, 0)
        if can_act(b, kind, mon):
            run_action(b, kind, mon, arg)
            faint_messages(b)
            if b[At.WINNER] != ids.GOING_ON:
                return False
            if kind_at(b, 0) != Action.INSTASWITCH:
                if ask_for_replacements(b):
                    for s in range(2):
                        if b[At.SWITCH_FLAG + s] != 0:
                            b[At.REQUEST + s] = Request.SWITCH
                    return False
                first_of_event(b)
    return True


@rule
def turn_loop(b: Battle, mid_turn: wp.bool):
    """Play until the next request (turnLoop).

    Args:
        b: the battle, with the chosen actions in its queue.
        mid_turn: the turn has begun before; these are replacements.
    """
    if not mid_turn:
        put_action(b, 0, Action.BEFORE_TURN, -1, 0, Order.BEFORE_TURN, 0, 1)
        last = b[At.QUEUE_LENGTH]
        put_action(b, last, Action.RESIDUAL, -1, 0, Order.RESIDUAL, 0, 1)
    if run_queue(b):
        end_turn(b)


@rule
def foe_holds(b: Battle, s: wp.int32, member: wp.int32) -> wp.bool:
    """Return whether the foe's active Pokémon is this member of its team, and stands."""
    foe = 1 - s
    return b[At.ORDER + foe * 6] == member and active_hp(b, foe) > 0


@rule
def drop_lost_partners(b: Battle, s: wp.int32):
    """End lock and trapping whose other half is gone."""
    foe = 1 - s
    if b[At.PARTIAL_TRAPPING_LOCK_DURATION + s] > 0:
        if (
            not foe_holds(b, s, b[At.PARTIAL_TRAPPING_LOCK_LOCKED + s])
            or b[At.PARTIALLY_TRAPPED_DURATION + foe] == 0
        ):
            end_lock(b, s)
    if b[At.PARTIALLY_TRAPPED_DURATION + s] > 0:
        if (
            not foe_holds(b, s, b[At.PARTIALLY_TRAPPED_SOURCE + s])
            or b[At.PARTIAL_TRAPPING_LOCK_DURATION + foe] == 0
        ):
            end_trapped(b, s)
    if b[At.FAKE_PARTIALLY_TRAPPED_DURATION + s] > 0:
        if (
            not foe_holds(b, s, b[At.FAKE_PARTIALLY_TRAPPED_COUNTERPART + s])
            or b[At.FAKE_PARTIALLY_TRAPPED_DURATION + foe] == 0
        ):
            end_fake_trapped(b, s)


@rule
def disable_moves(b: Battle, s: wp.int32):
    """Draw the order of those who have a say in which moves are disabled."""
    if is_alive(b, s):
        prng.shuffle(
            b,
            flag(b[At.PARTIALLY_TRAPPED_DURATION + s])
            + flag(b[At.FAKE_PARTIALLY_TRAPPED_DURATION + s]),
        )
        locked = flag(b[At.PARTIAL_TRAPPING_LOCK_DURATION + s]) + flag(b[At.BIDE_TIME + s])
        prng.shuffle(b, locked + flag(b[At.DISABLE_TIME + s]))


@rule
def end_turn(b: Battle):
    """Count the turn, drop what has lost its partner, and ask for moves or end the battle."""
    b[At.TURN] = b[At.TURN] + 1
    for s in range(2):
        if is_alive(b, s):
            drop_lost_partners(b, s)
    for s in range(2):
        disable_moves(b, s)
        b[At.FAINTED_THIS_TURN + s] = 0
    if is_endless(b) or b[At.TURN] > TURN_LIMIT:
        b[At.WINNER] = ids.TIE
    else:
        b[At.REQUEST] = Request.MOVE
        b[At.REQUEST + 1] = Request.MOVE
