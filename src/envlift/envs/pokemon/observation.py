"""What a player sees of a battle: own side exact, the foe's as far as it has been shown.

All numbers are whole, int16 [N]; ``NAMES`` says what stands at each index, and ``docs/pokemon.md``
has the table. The foe's Pokémon stand in the order in which they were first seen, its moves in the
order of their numbers, since neither team index nor slot is ever shown. What Showdown tells nobody
is not here: time left asleep or confused, the length of a lock, damage of Bide, HP of a substitute.

Shape letters: ``P`` = 2 players, ``M`` = 6 members, ``K`` = 4 slots, ``N`` numbers.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from envlift.envs.pokemon.state import State

STATS = ("atk", "def", "spe", "spc")
BOOSTS = (*STATS, "accuracy", "evasion")
FLAGS = (
    *("transformed", "must_recharge", "confused", "invulnerability", "bide", "focus_energy"),
    *("leech_seed", "light_screen", "reflect", "mist", "rage", "substitute"),
)

BATTLE = ("turn", "own_request", "foe_request", "foe_team_size")
OWN_MEMBER = (
    *("species", "level", "hp", "max_hp", "status", "active"),
    *STATS,
    *(f"move_{k}" for k in range(4)),
    *(f"pp_{k}" for k in range(4)),
)
FOE_MEMBER = (
    "species",
    "level",
    "hp_percent",
    "status",
    "active",
    *(f"move_{k}" for k in range(4)),
)
ACTIVE = (
    *("species", "type_1", "type_2"),
    *(f"boost_{name}" for name in BOOSTS),
    *("last_move", "two_turn_move", "locked_move", "disable_move"),
    *FLAGS,
)
OWN_SLOTS = (*(f"active_move_{k}" for k in range(4)), *(f"active_pp_{k}" for k in range(4)))

NAMES = (
    *BATTLE,
    *(f"own_{m}_{name}" for m in range(6) for name in OWN_MEMBER),
    *(f"own_active_{name}" for name in ACTIVE),
    *(f"own_{name}" for name in OWN_SLOTS),
    *(f"foe_{m}_{name}" for m in range(6) for name in FOE_MEMBER),
    *(f"foe_active_{name}" for name in ACTIVE),
)
"""The name of each number, in order."""

SIZE = len(NAMES)
PLACES = {name: place for place, name in enumerate(NAMES)}
LOW, HIGH = -6, 1001
"""No number is outside of these: stages, and turns after the limit."""

UNSEEN = 999
"""Above all numbers of moves, so that what has not been seen is sorted behind them."""


def observe(state: State) -> jax.Array:
    """Return what both players see, int16 [P, N]."""
    active = _active(state)
    parts = [
        _battle(state),
        _own_members(state),
        active,
        state.active_moves,
        state.active_pp,
        _foe_members(state)[::-1],
        active[::-1],
    ]
    return jnp.concatenate([part.astype(jnp.int16) for part in parts], axis=1)


def _battle(state: State) -> jax.Array:
    turn = jnp.broadcast_to(state.turn, 2)
    size = jnp.sum(state.species > 0, axis=1)[::-1]
    return jnp.stack([turn, state.request, state.request[::-1], size], axis=1)


def _standing(state: State) -> jax.Array:
    """Return which member stands in the first place, bool [P, M]."""
    return jnp.arange(6) == state.order[:, :1]


def _own_members(state: State) -> jax.Array:
    numbers = [
        *(state.species, state.level, state.hp, state.max_hp, state.status, _standing(state)),
    ]
    stacked = jnp.stack([n.astype(jnp.int16) for n in numbers], axis=-1)
    per_slot = [state.base_stored_stats, state.moves, state.pp]
    parts = [stacked, *(n.astype(jnp.int16) for n in per_slot)]
    return jnp.concatenate(parts, axis=-1).reshape(2, -1)


def hp_percent(hp: jax.Array, max_hp: jax.Array) -> jax.Array:
    """Return HP as Showdown shows a foe's: rounded up, 100 for nothing less than all."""
    hp, most = hp.astype(jnp.int32), jnp.maximum(max_hp.astype(jnp.int32), 1)
    percent = (100 * hp + most - 1) // most
    return jnp.where((percent == 100) & (hp < most), 99, percent)


def _foe_members(state: State) -> jax.Array:
    """Return each side as the other has seen it, [P, M * 9]."""
    bits = (state.revealed_moves[..., None] >> jnp.arange(4, dtype=jnp.uint8)) & 1
    moves = jnp.sort(jnp.where(bits > 0, state.moves.astype(jnp.int16), UNSEEN), axis=-1)
    moves = jnp.where(moves == UNSEEN, 0, moves)
    numbers = [
        *(state.species, state.level, hp_percent(state.hp, state.max_hp), state.status),
        _standing(state),
    ]
    shown = jnp.stack([n.astype(jnp.int16) for n in numbers], axis=-1)
    shown = jnp.concatenate([shown, moves.astype(jnp.int16)], axis=-1)
    # Who was seen k-th, k from 1, stands at k - 1.
    is_kth = state.revealed[:, None, :] == jnp.arange(1, 7, dtype=jnp.uint8)[:, None]
    sorted_ = jnp.sum(jnp.where(is_kth[..., None], shown[:, None], 0), axis=2)
    return sorted_.reshape(2, -1)


def _active(state: State) -> jax.Array:
    flags = [
        *(state.transformed, state.must_recharge, state.confusion_time > 0),
        *(state.invulnerability, state.bide_time > 0, state.focus_energy, state.leech_seed),
        *(state.light_screen, state.reflect, state.mist, state.rage_accuracy > 0),
        state.substitute_hp > 0,
    ]
    moves = [state.active_last_move, state.two_turn_move, state.locked_move, state.disable_move]
    parts = [
        state.active_species[:, None],
        state.active_types,
        state.boosts,
        jnp.stack([n.astype(jnp.int16) for n in moves], axis=1),
        jnp.stack([n.astype(jnp.int16) for n in flags], axis=1),
    ]
    return jnp.concatenate([part.astype(jnp.int16) for part in parts], axis=1)
