"""How much a move takes (``getDamage``, ``data/mods/gen1/scripts.ts``)."""

# mypy: ignore-errors
# ruff: noqa: D103, SIM108

import warp as wp

from envlift.envs.pokemon.rules.gen1.parts import data, ids, prng
from envlift.envs.pokemon.rules.gen1.parts.data import Move
from envlift.envs.pokemon.rules.gen1.parts.ids import Category, Effect, Stat, Type
from envlift.envs.pokemon.rules.gen1.parts.memory import At, Battle, rule
from envlift.envs.pokemon.rules.gen1.parts.pokemon import active, has_type


@rule
def type_multiplier10(b: Battle, kind: wp.int32, t: wp.int32, second: wp.int32) -> wp.int32:
    return data.multiplier10(kind, b[At.ACTIVE_TYPES + t * 2 + second])


@rule
def is_immune(b: Battle, move: wp.int32, t: wp.int32) -> wp.bool:
    """Return whether a type of the target shuts the move out."""
    if data.of_move(move, Move.IGNORE_IMMUNITY) != 0:
        return False
    kind = data.of_move(move, Move.TYPE)
    return type_multiplier10(b, kind, t, 0) == 0 or type_multiplier10(b, kind, t, 1) == 0


@rule
def can_be_countered(move: wp.int32) -> wp.bool:
    kind = data.of_move(move, Move.TYPE)
    known = kind == Type.NORMAL or kind == Type.FIGHTING
    powerful = data.of_move(move, Move.POWER) > 0
    return known and powerful and data.of_move(move, Move.EFFECT) != Effect.COUNTER


@rule
def counter_damage(b: Battle, t: wp.int32) -> wp.int32:
    """Return twice the last damage, if what the foe chose and what it used both allow it."""
    used = b[At.LAST_MOVE + t]
    chosen = b[At.LAST_SELECTED_MOVE + t]
    if not (can_be_countered(used) and can_be_countered(chosen)):
        return ids.FAILED
    if b[At.LAST_DAMAGE] <= 0:
        return ids.FAILED
    return 2 * b[At.LAST_DAMAGE]


@rule
def psywave_damage(b: Battle, level: wp.int32) -> wp.int32:
    if level == 1:
        return ids.FAILED
    drawn = prng.random(b, level * 3 / 2)
    if drawn == 0:
        return ids.FAILED
    return drawn


@rule
def critical_rate(b: Battle, move: wp.int32, s: wp.int32) -> wp.int32:
    """Return the number of 256 below which a draw is critical: from the speed of the own species.

    Focus Energy quarters it.
    """
    species = b[At.SPECIES + active(b, s)]
    chance = data.of_species(species, data.Species.SPE) / 2
    if b[At.FOCUS_ENERGY + s] != 0:
        chance = chance / 2
    else:
        chance = wp.clamp(chance * 2, 1, 255)
    if data.of_move(move, Move.HIGH_CRIT) != 0:
        return wp.clamp(chance * 4, 1, 255)
    return chance / 2


@rule
def is_critical(b: Battle, move: wp.int32, s: wp.int32) -> wp.bool:
    """Draw a critical hit, if there is a chance of one."""
    chance = critical_rate(b, move, s)
    if chance == 0:
        return False
    return prng.random_chance(b, chance)


@rule
def formula(
    b: Battle, move: wp.int32, s: wp.int32, t: wp.int32, effect: wp.int32, power: wp.int32
) -> wp.int32:
    """Return the damage of a move with power: level, stats, types, roll."""
    critical = is_critical(b, move, s)
    user, target = active(b, s), active(b, t)
    attack_stat, defense_stat = wp.int32(Stat.SPC), wp.int32(Stat.SPC)
    screen = b[At.LIGHT_SCREEN + t]
    if data.of_move(move, Move.CATEGORY) == Category.PHYSICAL:
        attack_stat, defense_stat = wp.int32(Stat.ATK), wp.int32(Stat.DEF)
        screen = b[At.REFLECT + t]
    level = b[At.LEVEL + user]
    attack = b[At.MODIFIED_STATS + s * 4 + attack_stat]
    defense = b[At.MODIFIED_STATS + t * 4 + defense_stat]
    if screen != 0:
        defense = defense * 2
    if critical:
        level = level * 2
        attack = b[At.BASE_STORED_STATS + user * 4 + attack_stat]
        defense = b[At.BASE_STORED_STATS + target * 4 + defense_stat]
    if attack >= 256 or defense >= 256:
        attack = wp.max(attack / 4 % 256, 1)
        defense = wp.max(defense / 4 % 256, 1)
    if effect == Effect.SELFDESTRUCT and defense_stat == Stat.DEF:
        defense = wp.max(defense / 2, 1)

    amount = (level * 2 / 5 + 2) * power * attack / defense
    amount = wp.min(amount / 50, 997) + 2
    kind = data.of_move(move, Move.TYPE)
    if kind != Type.NONE and has_type(b, s, kind):
        amount = amount + amount / 2
    amount = amount * type_multiplier10(b, kind, t, 0) / 10
    amount = amount * type_multiplier10(b, kind, t, 1) / 10
    if amount > 1:
        amount = amount * prng.random_range(b, 217, 256) / 255
    return amount


@rule
def get_damage(b: Battle, move: wp.int32, s: wp.int32, t: wp.int32) -> wp.int32:
    """Return the damage before it meets HP; ``FAILED``, or ``UNDEFINED`` for a move without."""
    effect = data.of_move(move, Move.EFFECT)
    if is_immune(b, move, t):
        return ids.FAILED
    if effect == Effect.OHKO:
        return 65535
    if effect == Effect.COUNTER:
        return counter_damage(b, t)
    level = b[At.LEVEL + active(b, s)]
    if effect == Effect.PSYWAVE:
        return psywave_damage(b, level)
    if effect == Effect.SUPER_FANG:
        return wp.max(b[At.HP + active(b, t)] / 2, 1)
    if effect == Effect.LEVEL_DAMAGE:
        return level
    if effect == Effect.FIXED_DAMAGE:
        return data.of_move(move, Move.DAMAGE)
    if b[At.HIT_DAMAGE] >= 0:
        return b[At.HIT_DAMAGE]
    kind = data.of_move(move, Move.TYPE)
    if effect == Effect.TRAPPING and kind == Type.NORMAL and has_type(b, t, Type.GHOST):
        return 0
    if (
        b[At.PARTIAL_TRAPPING_LOCK_DURATION + s] > 0
        and t != s
        and b[At.PARTIAL_TRAPPING_LOCK_LOCKED + s] == b[At.ORDER + t * 6]
    ):
        return b[At.PARTIAL_TRAPPING_LOCK_DAMAGE + s]
    power = data.of_move(move, Move.POWER)
    if power == 0:
        return ids.UNDEFINED
    return formula(b, move, s, t, effect, power)
