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
    """One battle of generation 1 at a decision. The seed is part of it: steps need no chance.

    What a volatile does not need while it is off is 0 (-1 for places), so that equal battles are
    equal numbers. Names and codes are those of the reference's protocol.

    Attributes:
        seed: Showdown's generator, high word first.
        turn: from 1; 1,001 after the limit.
        last_damage: ``lastDamage``, HP, to 65,535.
        request: of a side: 0 waits, 1 chooses a move or a switch, 2 a replacement.
        winner: -1 while it lasts, 0 or 1, 2 for a tie.
        legal: bits of the legal actions of each player; 1 alone for who waits.
        last_selected_move, last_move: of a side, moves.
        last_selected_move_slot: of a side, 0 to 3.
        fainted_this_turn: of a side.
        order: of a side: which member stands in each place, the first is active; -1 for none.
        species, level: of a member, by its place at the start: 1 to 151, 0 for none; 1 to 100.
        spe_iv, spe_ev: of a member, of Speed: what Transform needs besides.
        max_hp, hp: of a member, to 703.
        base_stored_stats: of a member: Attack, Defense, Speed, Special, unmodified.
        status: of a member, see ``rules.gen1.parts.ids.Status``.
        sleep_time: of a member, turns of sleep left.
        sleep_by_own_side: of a member, asleep by Rest.
        moves, pp: of a member, ``baseMoveSlots``; PP to 63.
        sub_fainted: of a member: a substitute broke since a move was last aimed at it.
        revealed: which of the team the foe saw first, second, ...: from 1; 0 for not yet.
        revealed_moves: of a member, bits of the slots that the foe has seen used.
        active_species: of the active Pokémon, changed by Transform.
        active_types: the same; 15 for no second one.
        speed: of the active Pokémon, by which ties are told.
        stored_stats, modified_stats: of the active Pokémon, 1 to 999.
        boosts: Attack, Defense, Speed, Special, accuracy, evasion, -6 to 6.
        active_moves, active_pp: of the active Pokémon, ``moveSlots``.
        active_own: of its slots: not by Mimic or Transform.
        active_last_move, transformed: of the active Pokémon, ``lastMove``; by Transform.
        must_recharge: this and all that follow are volatiles by Showdown's names: durations in
            turns, damage in HP, moves by number, the other Pokémon by its place in the foe's team,
            accuracies of 255; ``residual_damage_counter`` is Toxic's, -1 for none.
    """

    seed: Annotated[jax.Array, "uint32", 2]
    turn: Annotated[jax.Array, "int16"]
    last_damage: Annotated[jax.Array, "int32"]
    request: Annotated[jax.Array, "int8", 2]
    winner: Annotated[jax.Array, "int8"]
    legal: Annotated[jax.Array, "int16", 2]

    last_selected_move: Annotated[jax.Array, "uint8", 2]
    last_selected_move_slot: Annotated[jax.Array, "int8", 2]
    last_move: Annotated[jax.Array, "uint8", 2]
    fainted_this_turn: Annotated[jax.Array, "bool", 2]
    order: Annotated[jax.Array, "int8", 2, 6]

    species: Annotated[jax.Array, "uint8", 2, 6]
    level: Annotated[jax.Array, "uint8", 2, 6]
    spe_iv: Annotated[jax.Array, "uint8", 2, 6]
    spe_ev: Annotated[jax.Array, "uint8", 2, 6]
    max_hp: Annotated[jax.Array, "int16", 2, 6]
    base_stored_stats: Annotated[jax.Array, "int16", 2, 6, 4]
    hp: Annotated[jax.Array, "int16", 2, 6]
    status: Annotated[jax.Array, "uint8", 2, 6]
    sleep_time: Annotated[jax.Array, "int8", 2, 6]
    sleep_by_own_side: Annotated[jax.Array, "bool", 2, 6]
    moves: Annotated[jax.Array, "uint8", 2, 6, 4]
    pp: Annotated[jax.Array, "uint8", 2, 6, 4]
    sub_fainted: Annotated[jax.Array, "bool", 2, 6]
    revealed: Annotated[jax.Array, "uint8", 2, 6]
    revealed_moves: Annotated[jax.Array, "uint8", 2, 6]

    active_species: Annotated[jax.Array, "uint8", 2]
    active_types: Annotated[jax.Array, "uint8", 2, 2]
    speed: Annotated[jax.Array, "int16", 2]
    stored_stats: Annotated[jax.Array, "int16", 2, 4]
    modified_stats: Annotated[jax.Array, "int16", 2, 4]
    boosts: Annotated[jax.Array, "int8", 2, 6]
    active_moves: Annotated[jax.Array, "uint8", 2, 4]
    active_pp: Annotated[jax.Array, "uint8", 2, 4]
    active_own: Annotated[jax.Array, "bool", 2, 4]
    active_last_move: Annotated[jax.Array, "uint8", 2]
    transformed: Annotated[jax.Array, "bool", 2]

    must_recharge: Annotated[jax.Array, "bool", 2]
    confusion_time: Annotated[jax.Array, "uint8", 2]
    flinch: Annotated[jax.Array, "bool", 2]
    partially_trapped_duration: Annotated[jax.Array, "uint8", 2]
    partially_trapped_source: Annotated[jax.Array, "int8", 2]
    partially_trapped_maybe_locked: Annotated[jax.Array, "bool", 2]
    fake_partially_trapped_duration: Annotated[jax.Array, "uint8", 2]
    fake_partially_trapped_counterpart: Annotated[jax.Array, "int8", 2]
    partial_trapping_lock_duration: Annotated[jax.Array, "uint8", 2]
    partial_trapping_lock_total_duration: Annotated[jax.Array, "uint8", 2]
    partial_trapping_lock_move: Annotated[jax.Array, "uint8", 2]
    partial_trapping_lock_damage: Annotated[jax.Array, "int32", 2]
    partial_trapping_lock_locked: Annotated[jax.Array, "int8", 2]
    locked_move: Annotated[jax.Array, "uint8", 2]
    locked_move_time: Annotated[jax.Array, "uint8", 2]
    locked_move_accuracy: Annotated[jax.Array, "uint8", 2]
    two_turn_move: Annotated[jax.Array, "uint8", 2]
    invulnerability: Annotated[jax.Array, "bool", 2]
    residual_damage_counter: Annotated[jax.Array, "int16", 2]
    bide_time: Annotated[jax.Array, "uint8", 2]
    bide_damage: Annotated[jax.Array, "int32", 2]
    disable_time: Annotated[jax.Array, "uint8", 2]
    disable_slot: Annotated[jax.Array, "int8", 2]
    disable_move: Annotated[jax.Array, "uint8", 2]
    focus_energy: Annotated[jax.Array, "bool", 2]
    leech_seed: Annotated[jax.Array, "bool", 2]
    light_screen: Annotated[jax.Array, "bool", 2]
    reflect: Annotated[jax.Array, "bool", 2]
    mist: Annotated[jax.Array, "bool", 2]
    rage_accuracy: Annotated[jax.Array, "uint8", 2]
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
