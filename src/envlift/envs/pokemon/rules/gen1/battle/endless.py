"""Battles in which nobody can make progress (Endless Battle Clause of generation 1)."""

# mypy: ignore-errors
# ruff: noqa: D103, SIM102
# Warp evaluates both sides of ``and``, so nested ``if``s are not the same.

import warp as wp

from envlift.envs.pokemon.rules.gen1.parts import data, ids
from envlift.envs.pokemon.rules.gen1.parts.ids import Status, Type
from envlift.envs.pokemon.rules.gen1.parts.memory import At, Battle, rule
from envlift.envs.pokemon.rules.gen1.parts.pokemon import active


@rule
def all_ghosts(b: Battle, s: wp.int32) -> wp.bool:
    i = wp.int32(0)
    while i < 6:
        m = s * 6 + i
        if b[At.FAINTED + m] == 0 and not is_ghost(b, m):
            return False
        i += 1
    return True


@rule
def is_ghost(b: Battle, m: wp.int32) -> wp.bool:
    s = m // 6
    if active(b, s) == m:
        return (
            b[At.ACTIVE_TYPES + s * 2] == Type.GHOST or b[At.ACTIVE_TYPES + s * 2 + 1] == Type.GHOST
        )
    species = b[At.SPECIES + m]
    first = data.of_species(species, data.Species.TYPE_1)
    return first == Type.GHOST or data.of_species(species, data.Species.TYPE_2) == Type.GHOST


@rule
def slot_move(b: Battle, m: wp.int32, slot: wp.int32) -> wp.int32:
    s = m // 6
    if active(b, s) == m:
        return b[At.ACTIVE_MOVES + s * 4 + slot]
    return b[At.MOVES + m * 4 + slot]


@rule
def slot_pp(b: Battle, m: wp.int32, slot: wp.int32) -> wp.int32:
    s = m // 6
    if active(b, s) == m:
        return b[At.ACTIVE_PP + s * 4 + slot]
    return b[At.PP + m * 4 + slot]


@rule
def only_transform(b: Battle, m: wp.int32) -> wp.bool:
    i = wp.int32(0)
    while i < 4:
        move = slot_move(b, m, i)
        if move != ids.NO_MOVE and move != ids.TRANSFORM:
            return False
        i += 1
    return True


@rule
def no_pp(b: Battle, m: wp.int32) -> wp.bool:
    i = wp.int32(0)
    while i < 4:
        if slot_move(b, m, i) != ids.NO_MOVE and slot_pp(b, m, i) != 0:
            return False
        i += 1
    return True


@rule
def all_only_transform(b: Battle, s: wp.int32) -> wp.bool:
    i = wp.int32(0)
    while i < 6:
        if b[At.FAINTED + s * 6 + i] == 0 and not only_transform(b, s * 6 + i):
            return False
        i += 1
    return True


@rule
def can_progress(b: Battle, m: wp.int32) -> wp.bool:
    """Return whether a Pokémon can still change the battle."""
    if b[At.FAINTED + m] != 0 or b[At.STATUS + m] == Status.FRZ:
        return False
    foe = 1 - m // 6
    if only_transform(b, m):
        if all_only_transform(b, foe):
            return False
    if no_pp(b, m):
        if all_ghosts(b, foe):
            return False
    return True


@rule
def is_endless(b: Battle) -> wp.bool:
    """Return whether nobody can make progress (Endless Battle Clause of generation 1)."""
    m = wp.int32(0)
    while m < 12:
        if can_progress(b, m):
            return False
        m += 1
    return True
