"""The state of one battle, named after Pokémon Showdown's.

Shapes: 2 sides, 6 places of a team, 4 slots of moves. Moves, species and types are numbers of
``tables``; move 0 is none, 166 is Showdown's ``cannotmove``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, NamedTuple, get_type_hints

import jax


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class State:
    """One battle of generation 1. The seed is part of it: steps need no other chance.

    What a volatile does not need while it is off is 0, so that equal battles are equal numbers.

    Attributes, of the battle (``sim/battle.ts``):
        seed: Showdown's generator, high word first.
        turn: from 1; 1,001 after the limit.
        last_damage: ``lastDamage``, HP, to 65,535.
        request: 0 asks for moves, 1 for replacements only (``requestState``).
        result: -1 while it lasts, 0 or 1 the winner, 2 a tie.
        legal: bits of the legal actions of each player; 1 alone for who waits.

    Of a side (``sim/side.ts``):
        last_selected_move, last_selected_slot: ``lastSelectedMove``, ``lastSelectedMoveSlot``.
        last_move: ``lastMove`` of the side.
        fainted_this_turn: whether ``faintedThisTurn`` is set.
        switch_flag: whether the active Pokémon has to be replaced now.
        order: which member of the team stands in each place; the first is active.

    Of a member of a team (``sim/pokemon.ts``), by its place at the start:
        species: 1 to 151, 0 for none. level: 1 to 100.
        max_hp, hp: HP.
        stats: Attack, Defense, Speed, Special, unmodified.
        speed_iv, speed_ev: what Transform needs besides.
        moves, pp: ``baseMoveSlots``.
        status: see ``rules.gen1.ids.Status``.
        sleep_time: turns of sleep left. sleep_own: put to sleep by its own side.
        sub_fainted: ``subFainted``, a substitute broke since a move was last aimed at it.
        fainted: it is out.
        revealed: the foe has seen it. revealed_moves: bits of the slots that the foe has seen used.

    Of the active Pokémon:
        active_species: changed by Transform. types: 15 for no second one.
        stored_stats, modified_stats: ``storedStats``, ``modifiedStats``, 1 to 999.
        boosts: Attack, Defense, Speed, Special, accuracy, evasion, -6 to 6.
        active_moves, active_pp: ``moveSlots``; PP to 63.
        transformed: by Transform. active_last_move: ``lastMove`` of the Pokémon.
        speed: ``speed``, by which ties are told.

    Volatiles of the active Pokémon, by Showdown's names:
        must_recharge; confusion (turns left); flinch; invulnerable; toxic (``residualdmg``, the
        counter or -1); focus_energy; leech_seed; light_screen; reflect; mist.
        trapped (turns), trapped_by (the foe's place), trapped_maybe: ``partiallytrapped``.
        fake_trapped (turns), fake_partner: ``fakepartiallytrapped``.
        lock (turns left), lock_total, lock_move, lock_damage, lock_on: ``partialtrappinglock``.
        thrash (move), thrash_time, thrash_accuracy: ``lockedmove``.
        charge (move): ``twoturnmove``.
        bide, bide_time, bide_damage. disable, disable_slot, disable_move, disable_time.
        rage, rage_accuracy. substitute, substitute_hp.
    """

    seed: Annotated[jax.Array, "uint32", 2]
    turn: Annotated[jax.Array, "int16"]
    last_damage: Annotated[jax.Array, "int32"]
    request: Annotated[jax.Array, "uint8"]
    result: Annotated[jax.Array, "int8"]
    legal: Annotated[jax.Array, "int16", 2]

    last_selected_move: Annotated[jax.Array, "uint8", 2]
    last_selected_slot: Annotated[jax.Array, "uint8", 2]
    last_move: Annotated[jax.Array, "uint8", 2]
    fainted_this_turn: Annotated[jax.Array, "bool", 2]
    switch_flag: Annotated[jax.Array, "bool", 2]
    order: Annotated[jax.Array, "uint8", 2, 6]

    species: Annotated[jax.Array, "uint8", 2, 6]
    level: Annotated[jax.Array, "uint8", 2, 6]
    max_hp: Annotated[jax.Array, "int16", 2, 6]
    hp: Annotated[jax.Array, "int16", 2, 6]
    stats: Annotated[jax.Array, "int16", 2, 6, 4]
    speed_iv: Annotated[jax.Array, "uint8", 2, 6]
    speed_ev: Annotated[jax.Array, "uint8", 2, 6]
    moves: Annotated[jax.Array, "uint8", 2, 6, 4]
    pp: Annotated[jax.Array, "uint8", 2, 6, 4]
    status: Annotated[jax.Array, "uint8", 2, 6]
    sleep_time: Annotated[jax.Array, "int8", 2, 6]
    sleep_own: Annotated[jax.Array, "bool", 2, 6]
    sub_fainted: Annotated[jax.Array, "bool", 2, 6]
    fainted: Annotated[jax.Array, "bool", 2, 6]
    revealed: Annotated[jax.Array, "bool", 2, 6]
    revealed_moves: Annotated[jax.Array, "uint8", 2, 6]

    active_species: Annotated[jax.Array, "uint8", 2]
    types: Annotated[jax.Array, "uint8", 2, 2]
    stored_stats: Annotated[jax.Array, "int16", 2, 4]
    modified_stats: Annotated[jax.Array, "int16", 2, 4]
    boosts: Annotated[jax.Array, "int8", 2, 6]
    active_moves: Annotated[jax.Array, "uint8", 2, 4]
    active_pp: Annotated[jax.Array, "uint8", 2, 4]
    transformed: Annotated[jax.Array, "bool", 2]
    active_last_move: Annotated[jax.Array, "uint8", 2]
    speed: Annotated[jax.Array, "int16", 2]

    must_recharge: Annotated[jax.Array, "bool", 2]
    confusion: Annotated[jax.Array, "uint8", 2]
    flinch: Annotated[jax.Array, "bool", 2]
    trapped: Annotated[jax.Array, "uint8", 2]
    trapped_by: Annotated[jax.Array, "uint8", 2]
    trapped_maybe: Annotated[jax.Array, "bool", 2]
    fake_trapped: Annotated[jax.Array, "uint8", 2]
    fake_partner: Annotated[jax.Array, "uint8", 2]
    lock: Annotated[jax.Array, "uint8", 2]
    lock_total: Annotated[jax.Array, "uint8", 2]
    lock_move: Annotated[jax.Array, "uint8", 2]
    lock_damage: Annotated[jax.Array, "int32", 2]
    lock_on: Annotated[jax.Array, "uint8", 2]
    thrash: Annotated[jax.Array, "uint8", 2]
    thrash_time: Annotated[jax.Array, "int8", 2]
    thrash_accuracy: Annotated[jax.Array, "uint8", 2]
    charge: Annotated[jax.Array, "uint8", 2]
    invulnerable: Annotated[jax.Array, "bool", 2]
    toxic: Annotated[jax.Array, "int16", 2]
    bide: Annotated[jax.Array, "bool", 2]
    bide_time: Annotated[jax.Array, "uint8", 2]
    bide_damage: Annotated[jax.Array, "int32", 2]
    disable: Annotated[jax.Array, "bool", 2]
    disable_slot: Annotated[jax.Array, "uint8", 2]
    disable_move: Annotated[jax.Array, "uint8", 2]
    disable_time: Annotated[jax.Array, "uint8", 2]
    focus_energy: Annotated[jax.Array, "bool", 2]
    leech_seed: Annotated[jax.Array, "bool", 2]
    light_screen: Annotated[jax.Array, "bool", 2]
    reflect: Annotated[jax.Array, "bool", 2]
    mist: Annotated[jax.Array, "bool", 2]
    rage: Annotated[jax.Array, "bool", 2]
    rage_accuracy: Annotated[jax.Array, "uint8", 2]
    substitute: Annotated[jax.Array, "bool", 2]
    substitute_hp: Annotated[jax.Array, "int16", 2]


class Field(NamedTuple):
    """A field of the state."""

    name: str
    dtype: str
    shape: tuple[int, ...]


def _fields() -> tuple[Field, ...]:
    hints = get_type_hints(State, include_extras=True)
    return tuple(Field(n, h.__metadata__[0], h.__metadata__[1:]) for n, h in hints.items())


FIELDS = _fields()
VOLATILES = tuple(f.name for f in FIELDS)[[f.name for f in FIELDS].index("must_recharge") :]
"""The fields that leaving the field clears; all are [2]."""
