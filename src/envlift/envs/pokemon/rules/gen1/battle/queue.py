"""The queue of actions (``sim/battle-queue.ts``), by order, priority, speed; ties are drawn."""

# mypy: ignore-errors
# ruff: noqa: D103

import warp as wp

from envlift.envs.pokemon.rules.gen1.parts import data, prng
from envlift.envs.pokemon.rules.gen1.parts.ids import Action, Order, Stat
from envlift.envs.pokemon.rules.gen1.parts.memory import At, Battle, rule


@rule
def place(i: wp.int32) -> wp.int32:
    """Return where action ``i`` lies: kind, mon, arg, order, priority, speed."""
    return At.QUEUE + i * 6


@rule
def kind_at(b: Battle, i: wp.int32) -> wp.int32:
    """Return the kind of the action at a place, -1 past the end."""
    if i >= b[At.QUEUE_LENGTH]:
        return -1
    return b[place(i)]


@rule
def copy_action(b: Battle, target: wp.int32, origin: wp.int32):
    i = wp.int32(0)
    while i < 6:
        b[place(target) + i] = b[place(origin) + i]
        i += 1


@rule
def remove_action(b: Battle, at: wp.int32):
    """Take one action out; those behind it move up."""
    b[At.QUEUE_LENGTH] = b[At.QUEUE_LENGTH] - 1
    i = wp.int32(at)
    while i < b[At.QUEUE_LENGTH]:
        copy_action(b, i, i + 1)
        i += 1


@rule
def put_action(
    b: Battle,
    at: wp.int32,
    kind: wp.int32,
    mon: wp.int32,
    arg: wp.int32,
    order: wp.int32,
    priority: wp.int32,
    speed: wp.int32,
):
    """Put an action before the one at a place.

    Args:
        b: the battle.
        at: the place.
        kind: an ``Action``.
        mon: whose it is, -1 for nobody's.
        arg: the move, or the Pokémon that comes in.
        order: an ``Order``.
        priority: of the move.
        speed: of the Pokémon.
    """
    i = wp.int32(b[At.QUEUE_LENGTH])
    while i > at:
        copy_action(b, i, i - 1)
        i -= 1
    b[At.QUEUE_LENGTH] = b[At.QUEUE_LENGTH] + 1
    q = place(at)
    b[q] = kind
    b[q + 1] = mon
    b[q + 2] = arg
    b[q + 3] = order
    b[q + 4] = priority
    b[q + 5] = speed


@rule
def compare(b: Battle, i: wp.int32, order: wp.int32, priority: wp.int32, speed: wp.int32):
    """Return less than 0 if an action goes before the one at place ``i``, 0 for a tie."""
    q = place(i)
    if order != b[q + 3]:
        return order - b[q + 3]
    if priority != b[q + 4]:
        return b[q + 4] - priority
    return b[q + 5] - speed


@rule
def insert_choice(
    b: Battle, kind: wp.int32, mon: wp.int32, arg: wp.int32, order: wp.int32, priority: wp.int32
):
    """Sort a new action in, with the speed of now; among equals its place is drawn."""
    s = mon // 6
    speed = b[At.MODIFIED_STATS + s * 4 + Stat.SPE]
    b[At.SPEED + s] = speed
    length = b[At.QUEUE_LENGTH]
    first = wp.int32(0)
    while first < length and compare(b, first, order, priority, speed) > 0:
        first += 1
    last = wp.int32(first)
    while last < length and compare(b, last, order, priority, speed) == 0:
        last += 1
    at = wp.int32(first)
    if first < last:
        at = prng.random_range(b, first, last + 1)
    put_action(b, at, kind, mon, arg, order, priority, speed)


@rule
def cancel_action(b: Battle, mon: wp.int32):
    """Take out all that a Pokémon was about to do."""
    i = wp.int32(0)
    while i < b[At.QUEUE_LENGTH]:
        if b[place(i) + 1] == mon:
            remove_action(b, i)
        else:
            i += 1


@rule
def will_move(b: Battle, mon: wp.int32) -> wp.bool:
    i = wp.int32(0)
    while i < b[At.QUEUE_LENGTH]:
        if b[place(i)] == Action.MOVE and b[place(i) + 1] == mon:
            return True
        i += 1
    return False


@rule
def change_action(b: Battle, mon: wp.int32, move: wp.int32):
    """Let a Pokémon use another move than it was about to."""
    cancel_action(b, mon)
    priority = data.of_move(move, data.Move.PRIORITY)
    insert_choice(b, Action.MOVE, mon, move, Order.MOVE, priority)
