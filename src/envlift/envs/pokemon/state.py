"""The state of one battle, named after Pokémon Showdown's.

Shapes: 2 sides, 6 places of a team, 4 slots of a move. Names of moves, species and types are numbers
of ``tables``; move 0 is none, 166 is Showdown's ``cannotmove``.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import jax


def _field(dtype: str, *shape: int) -> Any:
    return dataclasses.field(metadata={"dtype": dtype, "shape": shape})


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
        must_recharge; confusion (turns left); flinch; invulnerable; toxic (``residualdmg``, counter or
        -1); focus_energy; leech_seed; light_screen; reflect; mist.
        trapped (turns), trapped_by (the foe's place), trapped_maybe: ``partiallytrapped``.
        fake_trapped (turns), fake_partner: ``fakepartiallytrapped``.
        lock (turns left), lock_total, lock_move, lock_damage, lock_on: ``partialtrappinglock``.
        thrash (move), thrash_time, thrash_accuracy: ``lockedmove``.
        charge (move): ``twoturnmove``.
        bide, bide_time, bide_damage. disable, disable_slot, disable_move, disable_time.
        rage, rage_accuracy. substitute, substitute_hp.
    """

    seed: jax.Array = _field("uint32", 2)
    turn: jax.Array = _field("int16")
    last_damage: jax.Array = _field("int32")
    request: jax.Array = _field("uint8")
    result: jax.Array = _field("int8")
    legal: jax.Array = _field("int16", 2)

    last_selected_move: jax.Array = _field("uint8", 2)
    last_selected_slot: jax.Array = _field("uint8", 2)
    last_move: jax.Array = _field("uint8", 2)
    fainted_this_turn: jax.Array = _field("bool", 2)
    switch_flag: jax.Array = _field("bool", 2)
    order: jax.Array = _field("uint8", 2, 6)

    species: jax.Array = _field("uint8", 2, 6)
    level: jax.Array = _field("uint8", 2, 6)
    max_hp: jax.Array = _field("int16", 2, 6)
    hp: jax.Array = _field("int16", 2, 6)
    stats: jax.Array = _field("int16", 2, 6, 4)
    speed_iv: jax.Array = _field("uint8", 2, 6)
    speed_ev: jax.Array = _field("uint8", 2, 6)
    moves: jax.Array = _field("uint8", 2, 6, 4)
    pp: jax.Array = _field("uint8", 2, 6, 4)
    status: jax.Array = _field("uint8", 2, 6)
    sleep_time: jax.Array = _field("int8", 2, 6)
    sleep_own: jax.Array = _field("bool", 2, 6)
    sub_fainted: jax.Array = _field("bool", 2, 6)
    fainted: jax.Array = _field("bool", 2, 6)
    revealed: jax.Array = _field("bool", 2, 6)
    revealed_moves: jax.Array = _field("uint8", 2, 6)

    active_species: jax.Array = _field("uint8", 2)
    types: jax.Array = _field("uint8", 2, 2)
    stored_stats: jax.Array = _field("int16", 2, 4)
    modified_stats: jax.Array = _field("int16", 2, 4)
    boosts: jax.Array = _field("int8", 2, 6)
    active_moves: jax.Array = _field("uint8", 2, 4)
    active_pp: jax.Array = _field("uint8", 2, 4)
    transformed: jax.Array = _field("bool", 2)
    active_last_move: jax.Array = _field("uint8", 2)
    speed: jax.Array = _field("int16", 2)

    must_recharge: jax.Array = _field("bool", 2)
    confusion: jax.Array = _field("uint8", 2)
    flinch: jax.Array = _field("bool", 2)
    trapped: jax.Array = _field("uint8", 2)
    trapped_by: jax.Array = _field("uint8", 2)
    trapped_maybe: jax.Array = _field("bool", 2)
    fake_trapped: jax.Array = _field("uint8", 2)
    fake_partner: jax.Array = _field("uint8", 2)
    lock: jax.Array = _field("uint8", 2)
    lock_total: jax.Array = _field("uint8", 2)
    lock_move: jax.Array = _field("uint8", 2)
    lock_damage: jax.Array = _field("int32", 2)
    lock_on: jax.Array = _field("uint8", 2)
    thrash: jax.Array = _field("uint8", 2)
    thrash_time: jax.Array = _field("int8", 2)
    thrash_accuracy: jax.Array = _field("uint8", 2)
    charge: jax.Array = _field("uint8", 2)
    invulnerable: jax.Array = _field("bool", 2)
    toxic: jax.Array = _field("int16", 2)
    bide: jax.Array = _field("bool", 2)
    bide_time: jax.Array = _field("uint8", 2)
    bide_damage: jax.Array = _field("int32", 2)
    disable: jax.Array = _field("bool", 2)
    disable_slot: jax.Array = _field("uint8", 2)
    disable_move: jax.Array = _field("uint8", 2)
    disable_time: jax.Array = _field("uint8", 2)
    focus_energy: jax.Array = _field("bool", 2)
    leech_seed: jax.Array = _field("bool", 2)
    light_screen: jax.Array = _field("bool", 2)
    reflect: jax.Array = _field("bool", 2)
    mist: jax.Array = _field("bool", 2)
    rage: jax.Array = _field("bool", 2)
    rage_accuracy: jax.Array = _field("uint8", 2)
    substitute: jax.Array = _field("bool", 2)
    substitute_hp: jax.Array = _field("int16", 2)


VOLATILES = tuple(
    f.name
    for f in dataclasses.fields(State)[
        [f.name for f in dataclasses.fields(State)].index("must_recharge") :
    ]
)
"""The fields that leaving the field clears; all are [2]."""
