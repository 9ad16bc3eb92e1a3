"""What both players see of a battle, in the order of ``observation.NAMES``."""

# mypy: ignore-errors
# ruff: noqa: D103

import warp as wp

from envlift.envs.pokemon import observation as o
from envlift.envs.pokemon.rules.gen1.parts.memory import At, Battle, Numbers, rule

NUMBERS = o.SIZE
FOE_MEMBER = len(o.FOE_MEMBER)
SHOWN = len(o.FOE_MEMBER) - 4
"""What stands before the moves of a foe's member."""


@rule
def flag(value: wp.int32) -> wp.int32:
    return wp.where(value > 0, 1, 0)


@rule
def hp_percent(hp: wp.int32, max_hp: wp.int32) -> wp.int32:
    """Return HP as Showdown shows a foe's: rounded up, 100 for nothing less than all."""
    percent = (100 * hp + max_hp - 1) / max_hp
    return wp.where(percent == 100 and hp < max_hp, 99, percent)


@rule
def team_size(b: Battle, s: wp.int32) -> wp.int32:
    size = wp.int32(0)
    i = wp.int32(0)
    while i < 6:
        size += flag(b[At.SPECIES + s * 6 + i])
        i += 1
    return size


@rule
def copy(b: Battle, out: Numbers, at: wp.int32, start: wp.int32, count: wp.int32) -> wp.int32:
    """Copy numbers of the battle; return the place behind them."""
    i = wp.int32(0)
    while i < count:
        out[at + i] = b[start + i]
        i += 1
    return at + count


@rule
def is_active(b: Battle, s: wp.int32, m: wp.int32) -> wp.int32:
    return wp.where(b[At.ORDER + s * 6] == m, 1, 0)


@rule
def own_member(b: Battle, out: Numbers, at: wp.int32, s: wp.int32, m: wp.int32) -> wp.int32:
    k = s * 6 + m
    out[at] = b[At.SPECIES + k]
    out[at + 1] = b[At.LEVEL + k]
    out[at + 2] = b[At.HP + k]
    out[at + 3] = b[At.MAX_HP + k]
    out[at + 4] = b[At.STATUS + k]
    out[at + 5] = is_active(b, s, m)
    at = copy(b, out, at + 6, At.BASE_STORED_STATS + k * 4, 4)
    at = copy(b, out, at, At.MOVES + k * 4, 4)
    return copy(b, out, at, At.PP + k * 4, 4)


@rule
def foe_member(b: Battle, out: Numbers, at: wp.int32, s: wp.int32, m: wp.int32):
    """Write a member as its foe has seen it; its moves in the order of their numbers."""
    k = s * 6 + m
    out[at] = b[At.SPECIES + k]
    out[at + 1] = b[At.LEVEL + k]
    out[at + 2] = hp_percent(b[At.HP + k], b[At.MAX_HP + k])
    out[at + 3] = b[At.STATUS + k]
    out[at + 4] = is_active(b, s, m)
    count = wp.int32(0)
    slot = wp.int32(0)
    while slot < 4:
        if ((b[At.REVEALED_MOVES + k] >> slot) & 1) != 0:
            move = b[At.MOVES + k * 4 + slot]
            place = wp.int32(at + SHOWN + count)
            while place > at + SHOWN and out[place - 1] > move:
                out[place] = out[place - 1]
                place -= 1
            out[place] = move
            count += 1
        slot += 1


@rule
def active(b: Battle, out: Numbers, at: wp.int32, s: wp.int32) -> wp.int32:
    out[at] = b[At.ACTIVE_SPECIES + s]
    out[at + 1] = b[At.ACTIVE_TYPES + s * 2]
    out[at + 2] = b[At.ACTIVE_TYPES + s * 2 + 1]
    at = copy(b, out, at + 3, At.BOOSTS + s * 6, 6)
    out[at] = b[At.ACTIVE_LAST_MOVE + s]
    out[at + 1] = b[At.TWO_TURN_MOVE + s]
    out[at + 2] = b[At.LOCKED_MOVE + s]
    out[at + 3] = b[At.DISABLE_MOVE + s]
    out[at + 4] = b[At.TRANSFORMED + s]
    out[at + 5] = b[At.MUST_RECHARGE + s]
    out[at + 6] = flag(b[At.CONFUSION_TIME + s])
    out[at + 7] = b[At.INVULNERABILITY + s]
    out[at + 8] = flag(b[At.BIDE_TIME + s])
    out[at + 9] = b[At.FOCUS_ENERGY + s]
    out[at + 10] = b[At.LEECH_SEED + s]
    out[at + 11] = b[At.LIGHT_SCREEN + s]
    out[at + 12] = b[At.REFLECT + s]
    out[at + 13] = b[At.MIST + s]
    out[at + 14] = flag(b[At.RAGE_ACCURACY + s])
    out[at + 15] = flag(b[At.SUBSTITUTE_HP + s])
    return at + 16


@rule
def player(b: Battle, out: Numbers, at: wp.int32, s: wp.int32) -> wp.int32:
    """Write what one player sees into numbers that are 0; return the place behind them."""
    foe = 1 - s
    out[at] = b[At.TURN]
    out[at + 1] = b[At.REQUEST + s]
    out[at + 2] = b[At.REQUEST + foe]
    out[at + 3] = team_size(b, foe)
    at += 4
    m = wp.int32(0)
    while m < 6:
        at = own_member(b, out, at, s, m)
        m += 1
    at = active(b, out, at, s)
    at = copy(b, out, at, At.ACTIVE_MOVES + s * 4, 4)
    at = copy(b, out, at, At.ACTIVE_PP + s * 4, 4)
    m = wp.int32(0)
    while m < 6:
        rank = b[At.REVEALED + foe * 6 + m]
        if rank > 0:
            foe_member(b, out, at + (rank - 1) * FOE_MEMBER, foe, m)
        m += 1
    return active(b, out, at + 6 * FOE_MEMBER, foe)


@rule
def players(b: Battle, out: Numbers):
    """Write what both players see."""
    at = player(b, out, 0, 0)
    player(b, out, at, 1)
