"""Whether a move hits, and one hit of it (``tryMoveHit``, ``moveHit``)."""

# mypy: ignore-errors
# ruff: noqa: D103, SIM102
# Warp evaluates both sides of ``and``, so nested ``if``s are not the same.

import warp as wp

from envlift.envs.pokemon.rules.gen1.move.damage import get_damage, is_immune
from envlift.envs.pokemon.rules.gen1.move.effects import (
    any_pp,
    apply_boost,
    apply_status,
    apply_volatile,
    flinch,
    lock_user,
    on_hit,
)
from envlift.envs.pokemon.rules.gen1.move.stats import build_rage, stage_percent
from envlift.envs.pokemon.rules.gen1.parts import data, ids, prng
from envlift.envs.pokemon.rules.gen1.parts.data import Move
from envlift.envs.pokemon.rules.gen1.parts.ids import Category, Effect, Stat, Status, Type
from envlift.envs.pokemon.rules.gen1.parts.memory import At, Battle, rule
from envlift.envs.pokemon.rules.gen1.parts.pokemon import (
    active,
    active_hp,
    confuse,
    cure_status,
    damage,
    end_lock,
    faint,
    has_type,
    heal,
    hurt,
)


@rule
def recoil_and_drain(b: Battle, move: wp.int32, s: wp.int32, dealt: wp.int32):
    """Hurt or heal the user by a part of the damage."""
    recoil, drain = data.of_move(move, Move.RECOIL), data.of_move(move, Move.DRAIN)
    if recoil > 0:
        hurt(b, s, dealt / recoil)
    if drain > 0:
        amount = wp.max(dealt / drain, 1)
        b[At.LAST_DAMAGE] = amount
        heal(b, s, amount)


@rule
def deal(b: Battle, move: wp.int32, s: wp.int32, t: wp.int32, amount: wp.int32) -> wp.int32:
    """Take a move's damage from the target's HP; return how much it was."""
    if active_hp(b, t) == 0:
        return 0
    amount = wp.min(amount, active_hp(b, t))
    b[At.LAST_DAMAGE] = amount
    dealt = damage(b, t, amount)
    if dealt > 0:
        recoil_and_drain(b, move, s, dealt)
    return dealt


@rule
def damage_substitute(b: Battle, t: wp.int32, amount: wp.int32):
    b[At.LAST_DAMAGE] = amount
    b[At.SUBSTITUTE_HP + t] = wp.max(b[At.SUBSTITUTE_HP + t] - amount, 0)
    if b[At.SUBSTITUTE_HP + t] == 0:
        b[At.SUB_FAINTED + active(b, t)] = 1


@rule
def substitute_stops(move: wp.int32) -> wp.bool:
    """Return whether a status move fails at a substitute: poison, lowered stats, confusion."""
    status = data.of_move(move, Move.STATUS)
    effect = data.of_move(move, Move.EFFECT)
    poison = status == Status.PSN or status == Status.TOX
    lowers = effect == Effect.BOOST_FOE
    return poison or lowers or effect == Effect.CONFUSE


@rule
def hit_substitute(b: Battle, move: wp.int32, s: wp.int32, t: wp.int32) -> wp.bool:
    """Let the substitute take the damage; return False if the move has none (subHit)."""
    amount = b[At.LAST_DAMAGE]
    if b[At.HIT] <= 1:
        amount = get_damage(b, move, s, t)
    if amount < 0:
        return False
    damage_substitute(b, t, amount)
    if b[At.SUBSTITUTE_HP + t] != 0:
        recoil_and_drain(b, move, s, amount)
        if data.of_move(move, Move.EFFECT) == Effect.SECONDARY_CONFUSION:
            if prng.random_chance(b, data.of_move(move, Move.CHANCE)):
                confuse(b, t)
    return True


@rule
def strike(b: Battle, move: wp.int32, s: wp.int32, t: wp.int32) -> wp.int32:
    """Do to the target all that a hit does; return the damage or ``FAILED``."""
    effect = data.of_move(move, Move.EFFECT)
    amount = get_damage(b, move, s, t)
    if amount == ids.FAILED:
        return ids.FAILED
    did = amount >= 0
    dealt = wp.int32(0)
    if did:
        dealt = deal(b, move, s, t, amount)
    if effect == Effect.BOOST_SELF or effect == Effect.BOOST_FOE:
        if active_hp(b, t) > 0:
            if not apply_boost(b, move, s, t):
                return ids.FAILED
            did = True
    if effect == Effect.STATUS:
        apply_status(b, data.of_move(move, Move.STATUS), s, t)
        did = True
    started = apply_volatile(b, effect, s, t)
    happened = on_hit(b, effect, s, t)
    if data.of_move(move, Move.CATEGORY) != Category.STATUS and effect != Effect.SELFDESTRUCT:
        build_rage(b, t, s)
    if not (happened or started or did):
        return ids.FAILED
    return dealt


@rule
def secondary(b: Battle, move: wp.int32, s: wp.int32, t: wp.int32):
    """Draw a move's secondary effect on a target that stands, at the last hit."""
    chance, status = data.of_move(move, Move.CHANCE), data.of_move(move, Move.STATUS)
    if chance == 0 or active_hp(b, t) <= 0:
        return
    if data.of_move(move, Move.HITS) > 0 and b[At.LAST_HIT] == 0:
        return
    spares_own = status == Status.PAR or status == Status.BRN or status == Status.FRZ
    if spares_own and has_type(b, t, data.of_move(move, Move.TYPE)):
        return
    if not prng.random_chance(b, chance):
        return
    effect = data.of_move(move, Move.EFFECT)
    if effect == Effect.SECONDARY_BOOST:
        apply_boost(b, move, s, t)
    elif effect == Effect.SECONDARY_FLINCH:
        flinch(b, t)
    elif effect == Effect.SECONDARY_CONFUSION:
        confuse(b, t)
    else:
        apply_status(b, status, s, t)


@rule
def fails_at_once(b: Battle, effect: wp.int32, t: wp.int32) -> wp.bool:
    """Return what a move's onTryHit forbids."""
    if effect == Effect.DISABLE:
        return not any_pp(b, t)
    if effect == Effect.LIGHT_SCREEN:
        return b[At.LIGHT_SCREEN + t] != 0
    if effect == Effect.REFLECT:
        return b[At.REFLECT + t] != 0
    if effect == Effect.SUBSTITUTE:
        return b[At.SUBSTITUTE_HP + t] != 0 or 4 * active_hp(b, t) < b[At.MAX_HP + active(b, t)]
    return False


@rule
def self_effects(b: Battle, effect: wp.int32, move: wp.int32, s: wp.int32, stands: wp.bool):
    """Start what the user pays; a broken substitute spares it Recharge and Rage."""
    if effect == Effect.TRAPPING:
        lock_user(b, move, s)
    elif stands and active_hp(b, s) > 0:
        if effect == Effect.RECHARGE:
            b[At.MUST_RECHARGE + s] = 1
        elif effect == Effect.RAGE and b[At.RAGE_ACCURACY + s] == 0:
            b[At.RAGE_ACCURACY + s] = 255


@rule
def move_hit(b: Battle, move: wp.int32, s: wp.int32, t: wp.int32) -> wp.int32:
    """Do one hit; return the damage to HP or ``FAILED``."""
    effect = data.of_move(move, Move.EFFECT)
    had_substitute = b[At.SUBSTITUTE_HP + t] != 0
    if fails_at_once(b, effect, t):
        return ids.FAILED
    absorbed = wp.bool(False)
    if had_substitute:
        if data.of_move(move, Move.CATEGORY) == Category.STATUS:
            if substitute_stops(move):
                return ids.FAILED
        elif effect != Effect.BIDE or t != s:
            if not hit_substitute(b, move, s, t):
                return ids.FAILED
            absorbed = True
    dealt = wp.int32(0)
    if not absorbed:
        dealt = strike(b, move, s, t)
        if dealt == ids.FAILED:
            return ids.FAILED
    stands = not had_substitute or b[At.SUBSTITUTE_HP + t] != 0
    self_effects(b, effect, move, s, stands)
    if not absorbed:
        secondary(b, move, s, t)
    return dealt


@rule
def hit_many(b: Battle, move: wp.int32, s: wp.int32, t: wp.int32) -> wp.bool:
    """Hit two to five times with the damage of the first; return whether any hit landed."""
    hits = data.of_move(move, Move.HITS)
    if hits == 5:
        hits = prng.hits_2_to_5(b)
    count = wp.int32(0)
    while count < hits and active_hp(b, t) > 0 and active_hp(b, s) > 0:
        b[At.HIT] = count + 1
        b[At.LAST_HIT] = wp.where(count + 1 == hits, 1, 0)
        dealt = move_hit(b, move, s, t)
        if dealt == ids.FAILED:
            break
        if count == 0:
            b[At.HIT_DAMAGE] = dealt
        count += 1
        if b[At.SUB_FAINTED + active(b, t)] != 0:
            break
    return count > 0


@rule
def keep_thrashing(b: Battle, move: wp.int32, s: wp.int32):
    """Count a turn of Thrash, the last with confusion, or start it (``lockedmove``)."""
    if b[At.LOCKED_MOVE + s] != 0:
        b[At.LOCKED_MOVE_TIME + s] = b[At.LOCKED_MOVE_TIME + s] - 1
        if b[At.LOCKED_MOVE_TIME + s] == 0:
            b[At.CONFUSION_TIME + s] = 0
            confuse(b, s)
    elif active_hp(b, s) > 0:
        b[At.LOCKED_MOVE + s] = move
        b[At.LOCKED_MOVE_TIME + s] = prng.random_range(b, 2, 4)
        b[At.LOCKED_MOVE_ACCURACY + s] = 255


@rule
def accuracy_of(b: Battle, move: wp.int32, s: wp.int32, t: wp.int32) -> wp.int32:
    """Return the number of 256 below which a draw hits, ``ids.SURE`` for a hit without a draw.

    Thrash and Rage keep the accuracy that stages made of it.
    """
    accuracy = data.of_move(move, Move.ACCURACY)
    effect = data.of_move(move, Move.EFFECT)
    sleep = effect == Effect.STATUS and data.of_move(move, Move.STATUS) == Status.SLP
    if accuracy == 0 or (sleep and b[At.MUST_RECHARGE + t] != 0):
        return ids.SURE
    if b[At.LOCKED_MOVE + s] != 0:
        accuracy = b[At.LOCKED_MOVE_ACCURACY + s]
    if b[At.RAGE_ACCURACY + s] != 0:
        accuracy = b[At.RAGE_ACCURACY + s]
    accuracy = accuracy * stage_percent(b[At.BOOSTS + s * 6 + Stat.ACCURACY]) / 100
    accuracy = accuracy * stage_percent(-b[At.BOOSTS + t * 6 + Stat.EVASION]) / 100
    accuracy = wp.clamp(accuracy, 1, 255)
    if b[At.LOCKED_MOVE + s] != 0:
        b[At.LOCKED_MOVE_ACCURACY + s] = accuracy
    if b[At.RAGE_ACCURACY + s] != 0:
        b[At.RAGE_ACCURACY + s] = accuracy
    if (
        b[At.PARTIALLY_TRAPPED_DURATION + t] > 0
        and t != s
        and b[At.PARTIALLY_TRAPPED_SOURCE + t] == b[At.ORDER + s * 6]
    ):
        return ids.SURE
    return accuracy


@rule
def is_out_of_reach(b: Battle, move: wp.int32, s: wp.int32, t: wp.int32) -> wp.bool:
    if t == s or b[At.INVULNERABILITY + t] == 0:
        return False
    return data.of_move(move, Move.HITS_INVULNERABLE) == 0


@rule
def wrong_target(b: Battle, effect: wp.int32, t: wp.int32) -> wp.bool:
    if effect == Effect.LEECH_SEED:
        return has_type(b, t, Type.GRASS)
    if effect == Effect.DREAM_EATER:
        return b[At.STATUS + active(b, t)] != Status.SLP or b[At.SUBSTITUTE_HP + t] != 0
    return False


@rule
def is_faster(b: Battle, t: wp.int32, s: wp.int32) -> wp.bool:
    speeds = At.MODIFIED_STATS + Stat.SPE
    return b[speeds + t * 4] > b[speeds + s * 4]


@rule
def thaw(b: Battle, move: wp.int32, t: wp.int32):
    """Thaw whom a move that may burn has hit."""
    burns = data.of_move(move, Move.STATUS) == Status.BRN and data.of_move(move, Move.CHANCE) > 0
    m = active(b, t)
    if burns and b[At.STATUS + m] == Status.FRZ and b[At.HP + m] > 0:
        cure_status(b, m)


@rule
def try_move_hit(b: Battle, move: wp.int32, s: wp.int32, t: wp.int32) -> wp.bool:
    """Use a move on its target; return whether it did not fail."""
    effect = data.of_move(move, Move.EFFECT)
    explodes = effect == Effect.SELFDESTRUCT
    if effect == Effect.THRASH:
        keep_thrashing(b, move, s)
    if is_out_of_reach(b, move, s, t) or is_immune(b, move, t):
        if explodes:
            faint(b, s)
        return False
    if wrong_target(b, effect, t):
        return False
    if effect == Effect.OHKO and is_faster(b, t, s):
        return False
    b[At.HIT] = 0
    b[At.HIT_DAMAGE] = -1
    accuracy = accuracy_of(b, move, s, t)
    done = wp.bool(True)
    if accuracy != ids.SURE:
        done = prng.random_chance(b, accuracy)
    if not done:
        b[At.LAST_DAMAGE] = 0
    elif data.of_move(move, Move.HITS) > 0:
        if not hit_many(b, move, s, t):
            return True
    else:
        done = move_hit(b, move, s, t) != ids.FAILED
    if explodes and b[At.SUB_FAINTED + active(b, t)] == 0:
        faint(b, s)
    if not done:
        end_lock(b, s)
        return False
    thaw(b, move, t)
    return True
