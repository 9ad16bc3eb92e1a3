"""A move from what may stop it to what follows it (``runMove``, ``useMove``)."""

# mypy: ignore-errors
# ruff: noqa: D103, SIM102
# Warp evaluates both sides of ``and``, so nested ``if``s are not the same.

import warp as wp

from envlift.envs.pokemon.rules.gen1.move.after import after_move, after_move_self
from envlift.envs.pokemon.rules.gen1.move.hit import damage_substitute, deal, try_move_hit
from envlift.envs.pokemon.rules.gen1.move.stats import build_rage
from envlift.envs.pokemon.rules.gen1.parts import data, ids, prng
from envlift.envs.pokemon.rules.gen1.parts.data import Move
from envlift.envs.pokemon.rules.gen1.parts.ids import Effect, Stat, Status
from envlift.envs.pokemon.rules.gen1.parts.memory import At, Battle, rule
from envlift.envs.pokemon.rules.gen1.parts.pokemon import (
    active,
    active_hp,
    direct_damage,
    end_bide,
    end_disable,
    end_lock,
    end_thrash,
    is_alive,
)

MAX_CALLS = 8
"""Showdown gives up on moves that call moves at this depth."""


@rule
def is_locked(b: Battle, s: wp.int32) -> wp.bool:
    """Return whether the side may neither choose a move nor switch."""
    busy = b[At.LOCKED_MOVE + s] != 0 or b[At.TWO_TURN_MOVE + s] != 0
    return b[At.MUST_RECHARGE + s] != 0 or busy or b[At.RAGE_ACCURACY + s] != 0


@rule
def is_semi_locked(b: Battle, s: wp.int32) -> wp.bool:
    """Return whether the side may not choose a move, but switch."""
    return b[At.PARTIAL_TRAPPING_LOCK_DURATION + s] > 0 or b[At.BIDE_TIME + s] != 0


@rule
def use_pp(b: Battle, s: wp.int32, amount: wp.int32):
    """Take PP from the slot that was selected last, modulo 64; Mimic's slots write through."""
    slot = b[At.LAST_SELECTED_MOVE_SLOT + s]
    place = s * 4 + slot
    if b[At.ACTIVE_MOVES + place] == ids.NO_MOVE:
        return
    left = (b[At.ACTIVE_PP + place] - amount + 64) % 64
    b[At.ACTIVE_PP + place] = left
    if b[At.TRANSFORMED + s] == 0:
        b[At.PP + active(b, s) * 4 + slot] = left


@rule
def interrupt(b: Battle, s: wp.int32):
    """Drop what full paralysis and hitting oneself both end."""
    end_bide(b, s)
    b[At.TWO_TURN_MOVE + s] = 0
    end_lock(b, s)
    end_thrash(b, s)


@rule
def confusion_hit(b: Battle, s: wp.int32):
    """Hit oneself with a typeless move of power 40."""
    level = b[At.LEVEL + active(b, s)]
    attack = b[At.MODIFIED_STATS + s * 4 + Stat.ATK]
    defense = b[At.MODIFIED_STATS + s * 4 + Stat.DEF]
    direct_damage(b, s, (level * 2 / 5 + 2) * attack * 40 / defense / 50 + 2)
    if active_hp(b, s) > 0:
        interrupt(b, s)
        b[At.INVULNERABILITY + s] = 0


@rule
def unleash(b: Battle, s: wp.int32):
    """Give twice the energy that Bide stored to the foe."""
    foe = 1 - s
    amount = b[At.BIDE_DAMAGE + s] * 2
    if b[At.SUBSTITUTE_HP + foe] != 0:
        damage_substitute(b, foe, amount)
    else:
        deal(b, ids.BIDE, s, foe, amount)
        build_rage(b, foe, s)
    if active_hp(b, s) > 0:
        end_bide(b, s)


@rule
def bide_turn(b: Battle, s: wp.int32):
    b[At.BIDE_DAMAGE + s] = b[At.BIDE_DAMAGE + s] + b[At.LAST_DAMAGE]
    b[At.BIDE_TIME + s] = b[At.BIDE_TIME + s] - 1
    if b[At.BIDE_TIME + s] == 0:
        if b[At.BIDE_DAMAGE + s] == 0:
            end_bide(b, s)
        else:
            unleash(b, s)


@rule
def disable_stops(b: Battle, s: wp.int32, move: wp.int32) -> wp.bool:
    """Count a turn of Disable; return whether it stops this move."""
    if b[At.DISABLE_TIME + s] == 0:
        return False
    b[At.DISABLE_TIME + s] = b[At.DISABLE_TIME + s] - 1
    if b[At.DISABLE_TIME + s] == 0:
        end_disable(b, s)
        return False
    used = wp.where(b[At.BIDE_TIME + s] != 0, ids.BIDE, move)
    if used != b[At.DISABLE_MOVE + s]:
        return False
    b[At.TWO_TURN_MOVE + s] = 0
    return True


@rule
def confusion_stops(b: Battle, s: wp.int32) -> wp.bool:
    """Count a turn of confusion; return whether the Pokémon hits itself."""
    if b[At.CONFUSION_TIME + s] == 0:
        return False
    b[At.CONFUSION_TIME + s] = b[At.CONFUSION_TIME + s] - 1
    if b[At.CONFUSION_TIME + s] == 0:
        return False
    if prng.random_chance(b, 128):
        return False
    confusion_hit(b, s)
    return True


@rule
def before_move(b: Battle, s: wp.int32, t: wp.int32, move: wp.int32) -> wp.bool:
    """Return whether the Pokémon may move (BeforeMove, in the order of its handlers)."""
    m = active(b, s)
    status = b[At.STATUS + m]
    if status == Status.FRZ:
        b[At.ACTIVE_LAST_MOVE + s] = ids.NO_MOVE
        return False
    if status == Status.SLP:
        b[At.SLEEP_TIME + m] = b[At.SLEEP_TIME + m] - 1
        b[At.ACTIVE_LAST_MOVE + s] = ids.NO_MOVE
        return False
    if b[At.PARTIALLY_TRAPPED_DURATION + s] > 0 or b[At.FLINCH + s] != 0:
        return False
    if b[At.MUST_RECHARGE + s] != 0:
        b[At.MUST_RECHARGE + s] = 0
        return False
    if disable_stops(b, s, move):
        return False
    if confusion_stops(b, s):
        return False
    if status == Status.PAR:
        if prng.random_chance(b, 63):
            interrupt(b, s)
            return False
    if b[At.BIDE_TIME + s] != 0:
        bide_turn(b, s)
        return False
    if b[At.PARTIAL_TRAPPING_LOCK_DURATION + s] > 0:
        if t == s or b[At.PARTIAL_TRAPPING_LOCK_LOCKED + s] != b[At.ORDER + t * 6]:
            end_lock(b, s)
    return True


@rule
def target_of(move: wp.int32, s: wp.int32) -> wp.int32:
    return wp.where(data.of_move(move, Move.TARGET_SELF) != 0, s, 1 - s)


@rule
def reveal(b: Battle, s: wp.int32, move: wp.int32):
    """Note that the foe has seen a move of the team's own; Struggle and Mimic's are not."""
    m = active(b, s)
    slot = b[At.LAST_SELECTED_MOVE_SLOT + s]
    if b[At.TRANSFORMED + s] == 0 and b[At.MOVES + m * 4 + slot] == move:
        b[At.REVEALED_MOVES + m] = b[At.REVEALED_MOVES + m] | (1 << slot)


@rule
def run_move(b: Battle, move: wp.int32, s: wp.int32):
    """Let the active Pokémon of a side use a move, if nothing stops it."""
    if move == ids.CANNOT_MOVE:
        after_move_self(b, s)
        return
    t = target_of(move, s)
    b[At.SUB_FAINTED + active(b, t)] = 0
    if not before_move(b, s, t, move):
        after_move_self(b, s)
        return
    locked = wp.bool(False)
    if move != ids.STRUGGLE:
        locked = is_locked(b, s) or is_semi_locked(b, s)
        held = b[At.ACTIVE_MOVES + s * 4 + b[At.LAST_SELECTED_MOVE_SLOT + s]]
        charges = data.of_move(move, Move.TWO_TURN) != 0
        if not (locked or charges) or b[At.TWO_TURN_MOVE + s] != 0:
            use_pp(b, s, 1)
        if not locked and (held == ids.NO_MOVE or held != move):
            after_move_self(b, s)
            return
    reveal(b, s, move)
    calls = move == ids.METRONOME or move == ids.MIRROR_MOVE
    use_move(b, move, s, locked and calls)


@rule
def called_by(b: Battle, move: wp.int32, s: wp.int32) -> wp.int32:
    """Return the move that Metronome or Mirror Move calls, or none."""
    effect = data.of_move(move, Move.EFFECT)
    if effect == Effect.METRONOME:
        b[At.LAST_DAMAGE] = 0
        return data.metronome_move(prng.random(b, data.NUM_METRONOME))
    if effect == Effect.MIRROR_MOVE:
        b[At.LAST_DAMAGE] = 0
        copied = b[At.ACTIVE_LAST_MOVE + 1 - s]
        if copied != ids.MIRROR_MOVE:
            return copied
    return ids.NO_MOVE


@rule
def refund(b: Battle, move: wp.int32, s: wp.int32):
    """Give back PP for a called move that charges; a transformed caller gains one besides."""
    if data.of_move(move, Move.TWO_TURN) != 0:
        use_pp(b, s, -1)
    if b[At.TRANSFORMED + s] != 0:
        place = active(b, s) * 4 + b[At.LAST_SELECTED_MOVE_SLOT + s]
        if b[At.MOVES + place] != ids.NO_MOVE:
            b[At.PP + place] = (b[At.PP + place] + 1) % 64


@rule
def use_move(b: Battle, first: wp.int32, s: wp.int32, first_is_called: wp.bool):
    """Use a move, and instead of one that calls another that one."""
    move = wp.int32(first)
    called = wp.bool(first_is_called)
    depth = wp.int32(0)
    while depth < MAX_CALLS:
        if called:
            refund(b, move, s)
        if data.of_move(move, Move.TWO_TURN) == 0 or b[At.TWO_TURN_MOVE + s] != 0:
            b[At.ACTIVE_LAST_MOVE + s] = move
        next_move = called_by(b, move, s)
        if next_move == ids.NO_MOVE:
            break
        b[At.LAST_SELECTED_MOVE + s] = next_move
        move = next_move
        called = True
        depth += 1
    t = target_of(move, s)
    if data.of_move(move, Move.EFFECT) == Effect.MIRROR_MOVE:
        end_lock(b, s)
    else:
        use_move_inner(b, move, s, t)
    b[At.LAST_MOVE + s] = move
    after_move(b, s, t)
    if active_hp(b, t) > 0:
        after_move_self(b, s)


@rule
def charge_turn(b: Battle, move: wp.int32, s: wp.int32, effect: wp.int32) -> wp.bool:
    """Begin or end a charge; return whether the move goes on."""
    if b[At.TWO_TURN_MOVE + s] != 0 and active_hp(b, s) > 0:
        b[At.TWO_TURN_MOVE + s] = 0
        b[At.INVULNERABILITY + s] = 0
        return True
    b[At.TWO_TURN_MOVE + s] = move
    if effect == Effect.CHARGE_INVULNERABLE:
        b[At.INVULNERABILITY + s] = 1
    return False


@rule
def use_move_inner(b: Battle, move: wp.int32, s: wp.int32, t: wp.int32):
    """Aim a move; count what Rage, Disable and a crash make of it."""
    effect = data.of_move(move, Move.EFFECT)
    if data.of_move(move, Move.TWO_TURN) != 0:
        if not charge_turn(b, move, s, effect):
            return
    if effect == Effect.TRAPPING and active_hp(b, t) > 0:
        b[At.MUST_RECHARGE + t] = 0
    if not is_alive(b, t):
        return
    if data.of_move(move, Move.KEEPS_LAST_DAMAGE) == 0:
        b[At.LAST_DAMAGE] = 0
    done = try_move_hit(b, move, s, t)
    if effect == Effect.SELFDESTRUCT or effect == Effect.DISABLE:
        build_rage(b, t, s)
    if not done and effect == Effect.CRASH:
        direct_damage(b, s, 1)
