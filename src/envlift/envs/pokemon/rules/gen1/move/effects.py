"""The interpreter of effect codes: what a move does besides damage."""

# mypy: ignore-errors
# ruff: noqa: D103

import warp as wp

from envlift.envs.pokemon.rules.gen1.battle.queue import change_action, will_move
from envlift.envs.pokemon.rules.gen1.move.stats import boost
from envlift.envs.pokemon.rules.gen1.parts import data, ids, prng
from envlift.envs.pokemon.rules.gen1.parts.data import Move
from envlift.envs.pokemon.rules.gen1.parts.ids import Effect, Stat, Status
from envlift.envs.pokemon.rules.gen1.parts.memory import At, Battle, rule
from envlift.envs.pokemon.rules.gen1.parts.pokemon import (
    active,
    active_hp,
    apply_status_to_stats,
    confuse,
    cure_status,
    damage,
    end_disable,
    end_trapped,
    heal,
    is_alive,
    modify_stat,
    set_status,
)


@rule
def trap(b: Battle, t: wp.int32, s: wp.int32):
    """Trap the active Pokémon of ``t`` for two turns, or renew them (``partiallytrapped``)."""
    if active_hp(b, t) == 0:
        return
    if b[At.PARTIALLY_TRAPPED_DURATION + t] == 0:
        b[At.PARTIALLY_TRAPPED_SOURCE + t] = b[At.ORDER + s * 6]
        b[At.PARTIALLY_TRAPPED_MAYBE_LOCKED + t] = 0
    b[At.PARTIALLY_TRAPPED_DURATION + t] = 2


@rule
def lock_user(b: Battle, move: wp.int32, s: wp.int32):
    """Lock the user of a trapping move into it (``partialtrappinglock``)."""
    if active_hp(b, s) == 0 or b[At.PARTIAL_TRAPPING_LOCK_DURATION + s] > 0:
        return
    turns = prng.hits_2_to_5(b)
    foe = 1 - s
    if active_hp(b, foe) == 0:
        return
    b[At.PARTIAL_TRAPPING_LOCK_DURATION + s] = turns
    b[At.PARTIAL_TRAPPING_LOCK_TOTAL_DURATION + s] = turns
    b[At.PARTIAL_TRAPPING_LOCK_MOVE + s] = move
    b[At.PARTIAL_TRAPPING_LOCK_DAMAGE + s] = b[At.LAST_DAMAGE]
    b[At.PARTIAL_TRAPPING_LOCK_LOCKED + s] = b[At.ORDER + foe * 6]
    trap(b, foe, s)


@rule
def apply_boost(b: Battle, move: wp.int32, s: wp.int32, t: wp.int32) -> wp.bool:
    """Move the stage that the table names; the FOE's burn and paralysis count once more."""
    by_status_move = data.of_move(move, Move.CATEGORY) == ids.Category.STATUS
    stat, amount = data.of_move(move, Move.BOOST_STAT), data.of_move(move, Move.BOOST_AMOUNT)
    if not boost(b, t, stat, amount, s, by_status_move):
        return False
    apply_status_to_stats(b, 1 - s)
    return True


@rule
def apply_status(b: Battle, status: wp.int32, s: wp.int32, t: wp.int32):
    """Give the status that the table names; sleep lands on whoever has to recharge."""
    if status == Status.SLP and b[At.MUST_RECHARGE + t] != 0:
        if set_status(b, t, status, s):
            b[At.MUST_RECHARGE + t] = 0
        return
    if b[At.STATUS + active(b, t)] != Status.NONE:
        return
    if set_status(b, t, status, s):
        if status == Status.BRN:
            modify_stat(b, t, Stat.ATK, 1, 2)
        if status == Status.PAR:
            modify_stat(b, t, Stat.SPE, 1, 4)


@rule
def flinch(b: Battle, t: wp.int32):
    if active_hp(b, t) > 0 and b[At.FLINCH + t] == 0:
        b[At.FLINCH + t] = 1
        b[At.MUST_RECHARGE + t] = 0


@rule
def switch_on(b: Battle, place: wp.int32) -> wp.bool:
    """Set a volatile that is only on or off; it fails when on."""
    if b[place] != 0:
        return False
    b[place] = 1
    return True


@rule
def disable(b: Battle, t: wp.int32) -> wp.bool:
    """Disable a random slot among those with PP for 1 to 8 turns."""
    if b[At.DISABLE_TIME + t] != 0:
        return False
    usable = wp.int32(0)
    i = wp.int32(0)
    while i < 4:
        if has_pp(b, t, i):
            usable += 1
        i += 1
    skip = prng.random(b, usable)
    slot = wp.int32(0)
    while slot < 3 and (skip > 0 or not has_pp(b, t, slot)):
        if has_pp(b, t, slot):
            skip -= 1
        slot += 1
    b[At.DISABLE_SLOT + t] = slot
    b[At.DISABLE_MOVE + t] = b[At.ACTIVE_MOVES + t * 4 + slot]
    b[At.DISABLE_TIME + t] = prng.random_range(b, 1, 9)
    return True


@rule
def has_pp(b: Battle, s: wp.int32, slot: wp.int32) -> wp.bool:
    place = s * 4 + slot
    return b[At.ACTIVE_MOVES + place] != 0 and b[At.ACTIVE_PP + place] > 0


@rule
def any_pp(b: Battle, s: wp.int32) -> wp.bool:
    return has_pp(b, s, 0) or has_pp(b, s, 1) or has_pp(b, s, 2) or has_pp(b, s, 3)


@rule
def make_substitute(b: Battle, s: wp.int32):
    b[At.SUBSTITUTE_HP + s] = b[At.MAX_HP + active(b, s)] / 4 + 1
    end_trapped(b, s)


@rule
def start_bide(b: Battle, s: wp.int32) -> wp.bool:
    if b[At.BIDE_TIME + s] != 0:
        return False
    b[At.BIDE_DAMAGE + s] = 0
    b[At.BIDE_TIME + s] = prng.random_range(b, 2, 4)
    return True


@rule
def apply_volatile(b: Battle, effect: wp.int32, s: wp.int32, t: wp.int32) -> wp.bool:
    """Start what lasts on the target; return whether it did (addVolatile)."""
    if active_hp(b, t) == 0:
        return False
    if effect == Effect.TRAPPING:
        trap(b, t, s)
        return True
    if effect == Effect.CONFUSE:
        return confuse(b, t)
    if effect == Effect.DISABLE:
        return disable(b, t)
    if effect == Effect.LEECH_SEED:
        return switch_on(b, At.LEECH_SEED + t)
    if effect == Effect.MIST:
        return switch_on(b, At.MIST + t)
    if effect == Effect.FOCUS_ENERGY:
        return switch_on(b, At.FOCUS_ENERGY + t)
    if effect == Effect.LIGHT_SCREEN:
        return switch_on(b, At.LIGHT_SCREEN + t)
    if effect == Effect.REFLECT:
        return switch_on(b, At.REFLECT + t)
    if effect == Effect.SUBSTITUTE:
        make_substitute(b, t)
        return True
    if effect == Effect.BIDE:
        return start_bide(b, t)
    return False


@rule
def haze_one(b: Battle, q: wp.int32, user: wp.int32):
    """Haze on one side: the foe is cured, and loses its move if it slept or was frozen."""
    m = active(b, q)
    i = wp.int32(0)
    while i < 6:
        b[At.BOOSTS + q * 6 + i] = 0
        i += 1
    i = wp.int32(0)
    while i < 4:
        b[At.MODIFIED_STATS + q * 4 + i] = b[At.STORED_STATS + q * 4 + i]
        i += 1
    status = b[At.STATUS + m]
    if q != user:
        if status == Status.FRZ or status == Status.SLP:
            b[At.LAST_SELECTED_MOVE + q] = ids.CANNOT_MOVE
            if will_move(b, m):
                change_action(b, m, ids.CANNOT_MOVE)
        if b[At.HP + m] > 0:
            cure_status(b, m)
    if b[At.STATUS + m] == Status.TOX:
        set_status(b, q, Status.PSN, q)
    b[At.SPEED + q] = b[At.MODIFIED_STATS + q * 4 + Stat.SPE]
    if b[At.HP + m] > 0:
        end_disable(b, q)
        b[At.CONFUSION_TIME + q] = 0
        b[At.MIST + q] = 0
        b[At.FOCUS_ENERGY + q] = 0
        b[At.LEECH_SEED + q] = 0
        b[At.LIGHT_SCREEN + q] = 0
        b[At.REFLECT + q] = 0
        b[At.RESIDUAL_DAMAGE_COUNTER + q] = -1


@rule
def haze(b: Battle, s: wp.int32):
    if is_alive(b, 0):
        haze_one(b, 0, s)
    if is_alive(b, 1):
        haze_one(b, 1, s)


@rule
def mimic(b: Battle, s: wp.int32, t: wp.int32):
    """Learn any move of the target, with the PP of the own slot."""
    count = wp.int32(0)
    while count < 4 and b[At.ACTIVE_MOVES + t * 4 + count] != 0:
        count += 1
    drawn = prng.random(b, count)
    slot = b[At.LAST_SELECTED_MOVE_SLOT + s]
    b[At.ACTIVE_MOVES + s * 4 + slot] = b[At.ACTIVE_MOVES + t * 4 + drawn]
    b[At.ACTIVE_OWN + s * 4 + slot] = 0


@rule
def recover(b: Battle, t: wp.int32, effect: wp.int32, s: wp.int32) -> wp.bool:
    """Heal half, or all with Rest; it fails at max, max - 255, max - 511 unless HP % 256 is 0."""
    m = active(b, t)
    hp = b[At.HP + m]
    max_hp = b[At.MAX_HP + m]
    missing = max_hp - hp
    if missing == 0 or ((missing == 255 or missing == 511) and hp % 256 != 0):
        return False
    if effect == Effect.HEAL_HALF:
        heal(b, t, max_hp / 2)
        return True
    if not set_status(b, t, Status.SLP, s):
        return False
    b[At.SLEEP_TIME + m] = 2
    heal(b, t, max_hp)
    return True


@rule
def transform(b: Battle, s: wp.int32, t: wp.int32):
    """Become the target: types, stats and stages as they are now, moves with up to 5 PP."""
    m = active(b, s)
    species = b[At.ACTIVE_SPECIES + t]
    b[At.ACTIVE_SPECIES + s] = species
    b[At.TRANSFORMED + s] = 1
    base = 2 * data.of_species(species, data.Species.SPE) + b[At.SPE_IV + m]
    base = base + b[At.SPE_EV + m] / 4
    b[At.SPEED + s] = base * b[At.LEVEL + m] / 100 + 5
    b[At.ACTIVE_TYPES + s * 2] = b[At.ACTIVE_TYPES + t * 2]
    b[At.ACTIVE_TYPES + s * 2 + 1] = b[At.ACTIVE_TYPES + t * 2 + 1]
    i = wp.int32(0)
    while i < 4:
        move = b[At.ACTIVE_MOVES + t * 4 + i]
        b[At.ACTIVE_MOVES + s * 4 + i] = move
        b[At.ACTIVE_OWN + s * 4 + i] = 0
        b[At.ACTIVE_PP + s * 4 + i] = wp.min(data.of_move(move, Move.PP), 5)
        b[At.STORED_STATS + s * 4 + i] = b[At.STORED_STATS + t * 4 + i]
        b[At.MODIFIED_STATS + s * 4 + i] = b[At.MODIFIED_STATS + t * 4 + i]
        i += 1
    i = wp.int32(0)
    while i < 6:
        b[At.BOOSTS + s * 6 + i] = b[At.BOOSTS + t * 6 + i]
        i += 1


@rule
def on_hit(b: Battle, effect: wp.int32, s: wp.int32, t: wp.int32) -> wp.bool:
    """Do what happens once, at the hit; return whether it did (onHit)."""
    if effect == Effect.CONVERSION:
        b[At.ACTIVE_TYPES + s * 2] = b[At.ACTIVE_TYPES + t * 2]
        b[At.ACTIVE_TYPES + s * 2 + 1] = b[At.ACTIVE_TYPES + t * 2 + 1]
    elif effect == Effect.HAZE:
        haze(b, s)
    elif effect == Effect.MIMIC:
        mimic(b, s, t)
    elif effect == Effect.HEAL_HALF or effect == Effect.REST:
        return recover(b, t, effect, s)
    elif effect == Effect.SUBSTITUTE:
        if b[At.MAX_HP + active(b, t)] > 3:
            damage(b, t, b[At.MAX_HP + active(b, t)] / 4)
    elif effect == Effect.TRANSFORM:
        if not is_alive(b, t):
            return False
        transform(b, s, t)
    return True
