"""What follows a move: partial trapping, recharge, damage by status and Leech Seed."""

# mypy: ignore-errors
# ruff: noqa: D103

import warp as wp

from envlift.envs.pokemon.rules.gen1.move.effects import trap
from envlift.envs.pokemon.rules.gen1.parts import prng
from envlift.envs.pokemon.rules.gen1.parts.ids import Status
from envlift.envs.pokemon.rules.gen1.parts.memory import At, Battle, rule
from envlift.envs.pokemon.rules.gen1.parts.pokemon import (
    active,
    active_hp,
    cure_status,
    end_lock,
    end_thrash,
    heal,
    hurt,
    is_alive,
    sixteenth,
)


@rule
def flag(number: wp.int32) -> wp.int32:
    """Return 1 for anything but 0."""
    return wp.where(number != 0, 1, 0)


@rule
def release(b: Battle, s: wp.int32, t: wp.int32):
    """After the last turn but the fifth, both stay as if trapped (``fakepartiallytrapped``)."""
    if active_hp(b, s) > 0 and b[At.FAKE_PARTIALLY_TRAPPED_DURATION + s] == 0:
        b[At.FAKE_PARTIALLY_TRAPPED_DURATION + s] = 2
    if active_hp(b, t) > 0 and b[At.FAKE_PARTIALLY_TRAPPED_DURATION + t] == 0:
        b[At.FAKE_PARTIALLY_TRAPPED_DURATION + t] = 2
    b[At.FAKE_PARTIALLY_TRAPPED_COUNTERPART + s] = b[At.ORDER + t * 6]
    b[At.FAKE_PARTIALLY_TRAPPED_COUNTERPART + t] = b[At.ORDER + s * 6]


@rule
def keep_trapping(b: Battle, s: wp.int32, t: wp.int32):
    if active_hp(b, t) <= 0:
        end_lock(b, s)
    elif b[At.PARTIAL_TRAPPING_LOCK_DURATION + s] == 1:
        if b[At.PARTIAL_TRAPPING_LOCK_TOTAL_DURATION + s] != 5:
            release(b, s, t)
    else:
        trap(b, t, s)
        if (
            b[At.PARTIAL_TRAPPING_LOCK_TOTAL_DURATION + s]
            > b[At.PARTIAL_TRAPPING_LOCK_DURATION + s]
        ):
            b[At.PARTIALLY_TRAPPED_MAYBE_LOCKED + t] = 1


@rule
def after_move(b: Battle, s: wp.int32, t: wp.int32):
    """Run AfterMove of the user's volatiles; several of them draw their order."""
    holders = (
        flag(b[At.PARTIAL_TRAPPING_LOCK_DURATION + s])
        + b[At.MUST_RECHARGE + s]
        + flag(b[At.LOCKED_MOVE + s])
    )
    prng.shuffle(b, holders)
    if b[At.PARTIAL_TRAPPING_LOCK_DURATION + s] > 0:
        keep_trapping(b, s, t)
    if b[At.MUST_RECHARGE + s] != 0 and active_hp(b, t) <= 0:
        b[At.MUST_RECHARGE + s] = 0
    if b[At.LOCKED_MOVE + s] != 0 and b[At.LOCKED_MOVE_TIME + s] <= 0 and active_hp(b, s) > 0:
        end_thrash(b, s)


@rule
def after_move_self(b: Battle, s: wp.int32):
    """Count toxic, wake, take damage by status and Leech Seed."""
    m = active(b, s)
    status = b[At.STATUS + m]
    ill = status == Status.BRN or status == Status.PSN or status == Status.TOX
    if ill and b[At.RESIDUAL_DAMAGE_COUNTER + s] >= 0:
        b[At.RESIDUAL_DAMAGE_COUNTER + s] = b[At.RESIDUAL_DAMAGE_COUNTER + s] + 1
    if status == Status.SLP and b[At.SLEEP_TIME + m] <= 0 and b[At.HP + m] > 0:
        cure_status(b, m)
    if ill:
        counter = wp.where(
            b[At.RESIDUAL_DAMAGE_COUNTER + s] >= 0, b[At.RESIDUAL_DAMAGE_COUNTER + s], 1
        )
        hurt(b, s, sixteenth(b, s) * counter)
    foe = 1 - s
    if b[At.LEECH_SEED + s] != 0 and is_alive(b, foe) and active_hp(b, foe) > 0:
        counter = wp.int32(1)
        if b[At.RESIDUAL_DAMAGE_COUNTER + s] >= 0:
            b[At.RESIDUAL_DAMAGE_COUNTER + s] = b[At.RESIDUAL_DAMAGE_COUNTER + s] + 1
            counter = b[At.RESIDUAL_DAMAGE_COUNTER + s]
        hurt(b, s, sixteenth(b, s) * counter)
        heal(b, foe, sixteenth(b, s) * counter)
