"""A Pokémon's HP, status and place (``sim/pokemon.ts``), and what leaving the field clears."""

# mypy: ignore-errors
# ruff: noqa: D103

import warp as wp

from envlift.envs.pokemon.rules.gen1.parts import data, memory, prng
from envlift.envs.pokemon.rules.gen1.parts.ids import Stat, Status, Type
from envlift.envs.pokemon.rules.gen1.parts.memory import At, Battle, rule


@rule
def active(b: Battle, s: wp.int32) -> wp.int32:
    """Return the active Pokémon of a side; a fainted one stays until it is replaced."""
    return s * 6 + b[At.ORDER + s * 6]


@rule
def active_hp(b: Battle, s: wp.int32) -> wp.int32:
    return b[At.HP + active(b, s)]


@rule
def active_status(b: Battle, s: wp.int32) -> wp.int32:
    return b[At.STATUS + active(b, s)]


@rule
def is_alive(b: Battle, s: wp.int32) -> wp.bool:
    """Return whether a side's active Pokémon has not fainted, faintMessages included."""
    return b[At.FAINTED + active(b, s)] == 0


@rule
def num_left(b: Battle, s: wp.int32) -> wp.int32:
    """Return ``pokemonLeft``."""
    left = wp.int32(0)
    i = wp.int32(0)
    while i < 6:
        left += 1 - b[At.FAINTED + s * 6 + i]
        i += 1
    return left


@rule
def has_type(b: Battle, s: wp.int32, kind: wp.int32) -> wp.bool:
    return b[At.ACTIVE_TYPES + s * 2] == kind or b[At.ACTIVE_TYPES + s * 2 + 1] == kind


@rule
def faint(b: Battle, s: wp.int32):
    """Take all HP; faintMessages does the rest after the action."""
    m = active(b, s)
    if b[At.FAINTED + m] == 0:
        b[At.HP + m] = 0
        b[At.SWITCH_FLAG + s] = 0
        b[At.FAINTING + s] = 1


@rule
def damage(b: Battle, s: wp.int32, amount: wp.int32) -> wp.int32:
    """Take HP; return how many there were to take."""
    m = active(b, s)
    hp = b[At.HP + m]
    if hp == 0 or amount <= 0:
        return 0
    if amount < hp:
        b[At.HP + m] = hp - amount
        return amount
    faint(b, s)
    return hp


@rule
def hurt(b: Battle, s: wp.int32, amount: wp.int32):
    """Take at least 1 HP, by status, recoil or Leech Seed; lastDamage stays."""
    damage(b, s, wp.max(amount, 1))


@rule
def heal(b: Battle, s: wp.int32, amount: wp.int32):
    m = active(b, s)
    hp = b[At.HP + m]
    if hp > 0:
        b[At.HP + m] = wp.min(hp + wp.max(amount, 0), b[At.MAX_HP + m])


@rule
def sixteenth(b: Battle, s: wp.int32) -> wp.int32:
    return wp.max(b[At.MAX_HP + active(b, s)] // 16, 1)


@rule
def direct_damage(b: Battle, s: wp.int32, amount: wp.int32):
    """Hurt itself in confusion or a crash: own substitute up, the FOE's takes it, or nobody."""
    amount = wp.max(amount, 1)
    if active_hp(b, s) == 0:
        return
    b[At.LAST_DAMAGE] = amount
    if b[At.SUBSTITUTE_HP + s] == 0:
        damage(b, s, amount)
        return
    foe = 1 - s
    if b[At.SUBSTITUTE_HP + foe] == 0:
        return
    b[At.SUBSTITUTE_HP + foe] = wp.max(b[At.SUBSTITUTE_HP + foe] - amount, 0)
    if b[At.SUBSTITUTE_HP + foe] == 0:
        b[At.SUB_FAINTED + active(b, foe)] = 1


@rule
def end_trapped(b: Battle, s: wp.int32):
    b[At.PARTIALLY_TRAPPED_DURATION + s] = 0
    b[At.PARTIALLY_TRAPPED_SOURCE + s] = -1
    b[At.PARTIALLY_TRAPPED_MAYBE_LOCKED + s] = 0


@rule
def end_fake_trapped(b: Battle, s: wp.int32):
    b[At.FAKE_PARTIALLY_TRAPPED_DURATION + s] = 0
    b[At.FAKE_PARTIALLY_TRAPPED_COUNTERPART + s] = -1


@rule
def end_lock(b: Battle, s: wp.int32):
    b[At.PARTIAL_TRAPPING_LOCK_DURATION + s] = 0
    b[At.PARTIAL_TRAPPING_LOCK_TOTAL_DURATION + s] = 0
    b[At.PARTIAL_TRAPPING_LOCK_MOVE + s] = 0
    b[At.PARTIAL_TRAPPING_LOCK_DAMAGE + s] = 0
    b[At.PARTIAL_TRAPPING_LOCK_LOCKED + s] = -1


@rule
def end_thrash(b: Battle, s: wp.int32):
    b[At.LOCKED_MOVE + s] = 0
    b[At.LOCKED_MOVE_TIME + s] = 0
    b[At.LOCKED_MOVE_ACCURACY + s] = 0


@rule
def end_bide(b: Battle, s: wp.int32):
    b[At.BIDE_TIME + s] = 0
    b[At.BIDE_DAMAGE + s] = 0


@rule
def end_disable(b: Battle, s: wp.int32):
    b[At.DISABLE_SLOT + s] = -1
    b[At.DISABLE_MOVE + s] = 0
    b[At.DISABLE_TIME + s] = 0


@rule
def cure_status(b: Battle, m: wp.int32):
    b[At.STATUS + m] = Status.NONE
    b[At.SLEEP_TIME + m] = 0
    b[At.SLEEP_BY_OWN_SIDE + m] = 0


@rule
def set_types(b: Battle, s: wp.int32, species: wp.int32):
    b[At.ACTIVE_TYPES + s * 2] = data.of_species(species, data.Species.TYPE_1)
    b[At.ACTIVE_TYPES + s * 2 + 1] = data.of_species(species, data.Species.TYPE_2)


@rule
def modify_stat(b: Battle, s: wp.int32, stat: wp.int32, numerator: wp.int32, divisor: wp.int32):
    """Multiply a modified stat, at least 1 (modifyStat)."""
    place = At.MODIFIED_STATS + s * 4 + stat
    b[place] = wp.max(b[place] * numerator // divisor, 1)


@rule
def apply_status_to_stats(b: Battle, s: wp.int32):
    """Quarter the speed of the paralysed, halve the attack of the burned, once more."""
    status = active_status(b, s)
    if status == Status.PAR:
        modify_stat(b, s, Stat.SPE, 1, 4)
    if status == Status.BRN:
        modify_stat(b, s, Stat.ATK, 1, 2)


@rule
def clear_volatile(b: Battle, s: wp.int32):
    """Make the active Pokémon what it is without volatiles (clearVolatile, setSpecies)."""
    m = active(b, s)
    i = wp.int32(0)
    while i < memory.NUM_VOLATILES:
        b[memory.FIRST_VOLATILE + i * 2 + s] = 0
        i += 1
    b[At.RESIDUAL_DAMAGE_COUNTER + s] = -1
    b[At.PARTIALLY_TRAPPED_SOURCE + s] = -1
    b[At.FAKE_PARTIALLY_TRAPPED_COUNTERPART + s] = -1
    b[At.PARTIAL_TRAPPING_LOCK_LOCKED + s] = -1
    b[At.DISABLE_SLOT + s] = -1
    i = wp.int32(0)
    while i < 6:
        b[At.BOOSTS + s * 6 + i] = 0
        i += 1
    i = wp.int32(0)
    while i < 4:
        b[At.ACTIVE_MOVES + s * 4 + i] = b[At.MOVES + m * 4 + i]
        b[At.ACTIVE_PP + s * 4 + i] = b[At.PP + m * 4 + i]
        b[At.ACTIVE_OWN + s * 4 + i] = wp.where(b[At.MOVES + m * 4 + i] != 0, 1, 0)
        b[At.STORED_STATS + s * 4 + i] = b[At.BASE_STORED_STATS + m * 4 + i]
        b[At.MODIFIED_STATS + s * 4 + i] = b[At.BASE_STORED_STATS + m * 4 + i]
        i += 1
    b[At.TRANSFORMED + s] = 0
    b[At.ACTIVE_LAST_MOVE + s] = 0
    b[At.ACTIVE_SPECIES + s] = b[At.SPECIES + m]
    set_types(b, s, b[At.SPECIES + m])
    apply_status_to_stats(b, s)
    b[At.SPEED + s] = b[At.BASE_STORED_STATS + m * 4 + Stat.SPE]


@rule
def confuse(b: Battle, s: wp.int32) -> wp.bool:
    if active_hp(b, s) == 0 or b[At.CONFUSION_TIME + s] > 0:
        return False
    b[At.CONFUSION_TIME + s] = prng.random_range(b, 2, 6)
    return True


@rule
def clause_forbids(b: Battle, s: wp.int32, status: wp.int32) -> wp.bool:
    """Return whether a team mate sleeps by the foe's doing, or is frozen."""
    i = wp.int32(0)
    while i < 6:
        m = s * 6 + i
        if b[At.STATUS + m] == status:
            if status == Status.FRZ:
                return True
            if status == Status.SLP and b[At.HP + m] > 0 and b[At.SLEEP_BY_OWN_SIDE + m] == 0:
                return True
        i += 1
    return False


@rule
def set_status(b: Battle, s: wp.int32, status: wp.int32, source: wp.int32) -> wp.bool:
    """Give the active Pokémon of ``s`` a status, as the side ``source`` wants (setStatus)."""
    m = active(b, s)
    if b[At.HP + m] == 0 or b[At.STATUS + m] == status:
        return False
    poison = status == Status.PSN or status == Status.TOX
    if poison and source != s and has_type(b, s, Type.POISON):
        return False
    if b[At.CLAUSES] != 0:
        prng.shuffle(b, 2)
        if source != s and clause_forbids(b, s, status):
            return False
    cure_status(b, m)
    b[At.STATUS + m] = status
    if status == Status.SLP:
        b[At.SLEEP_BY_OWN_SIDE + m] = wp.where(source == s, 1, 0)
        b[At.SLEEP_TIME + m] = prng.random_range(b, 1, 8)
    if status == Status.TOX:
        b[At.RESIDUAL_DAMAGE_COUNTER + s] = 0
    return True
