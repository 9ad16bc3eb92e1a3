"""What a player may not know of a battle, drawn anew."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from envlift.envs.pokemon.state import State

FOES = (
    *("spe_iv", "spe_ev", "base_stored_stats", "pp", "sub_fainted", "sleep_by_own_side"),
    *("stored_stats", "modified_stats", "speed", "active_moves", "active_pp", "active_own"),
    *("last_selected_move", "last_selected_move_slot"),
)
"""Of the foe's: never shown, so any number will do."""

COUNTERS = (
    *("sleep_time", "confusion_time", "locked_move_time", "locked_move_accuracy", "bide_time"),
    *(
        "bide_damage",
        "disable_time",
        "rage_accuracy",
        "substitute_hp",
        "partial_trapping_lock_damage",
    ),
)
"""Shown to nobody but for whether there is any: 0 stays 0, and the others stay above it."""

WHOLE = ("seed", "last_damage")
"""Shown to nobody at all."""


def redraw(key: jax.Array, state: State, player: jax.Array) -> State:
    """Return a state that shows ``player`` the same, with all else drawn anew.

    Its numbers need not fit together as those of a battle do.
    """
    foe = jnp.arange(2) != player
    drawn: dict[str, Any] = {}
    for label, name in enumerate((*FOES, *COUNTERS, *WHOLE)):
        old = getattr(state, name)
        bits = jax.random.bits(jax.random.fold_in(key, label), old.shape, jnp.uint32)
        if name in WHOLE:
            drawn[name] = bits.astype(old.dtype)
        elif name in COUNTERS:
            drawn[name] = jnp.where(old > 0, 1 + bits % 7, 0).astype(old.dtype)
        elif name in FOES:
            fresh = (bits & 1).astype(jnp.bool_) if old.dtype == jnp.bool_ else bits % 100
            drawn[name] = _of(foe, fresh.astype(old.dtype), old)
    drawn |= _members(jax.random.fold_in(key, 1000), state, foe)
    return dataclasses.replace(state, **drawn)


def _of(foe: jax.Array, fresh: jax.Array, old: jax.Array) -> jax.Array:
    return jnp.where(foe.reshape(2, *(1,) * (old.ndim - 1)), fresh, old)


def hp_percent(hp: jax.Array, max_hp: jax.Array) -> jax.Array:
    """Return HP as Showdown shows a foe's: rounded up, 100 for nothing less than all."""
    hp, most = hp.astype(jnp.int32), jnp.maximum(max_hp.astype(jnp.int32), 1)
    percent = (100 * hp + most - 1) // most
    return jnp.where((percent == 100) & (hp < most), 99, percent)


def _members(key: jax.Array, state: State, foe: jax.Array) -> dict[str, jax.Array]:
    """Draw HP within what its percentage says, moves not yet used, Pokémon not yet seen."""
    keys = jax.random.split(key, 7)
    unseen = state.revealed == 0

    def number(k: int, low: Any, high: Any, like: jax.Array) -> jax.Array:
        return jax.random.randint(keys[k], like.shape, low, high, jnp.int32)

    there = unseen & (state.species > 0)
    species = jnp.where(there, number(0, 1, 152, state.species), state.species)
    level = jnp.where(there, number(1, 1, 101, state.level), state.level)
    max_hp = number(2, 20, 704, state.max_hp)
    percent = hp_percent(state.hp, state.max_hp)
    most = jnp.where(state.species > 0, max_hp, 0)
    # The HP that are shown as this percentage, of those a Pokémon can have.
    low = ((percent - 1) * most) // 100 + 1
    high = jnp.where(percent == 99, most - 1, percent * most // 100)
    hp = low + number(3, 0, 2**15, state.hp) % jnp.maximum(high - low + 1, 1)
    fits = (high >= low) & (percent > 0) & (percent < 100)
    hp = jnp.where(percent == 100, most, jnp.where(fits, hp, 0))
    ok = (percent == 0) | (percent == 100) | fits
    most, hp = jnp.where(ok, most, state.max_hp), jnp.where(ok, hp, state.hp)
    used = ((state.revealed_moves[..., None] >> jnp.arange(4, dtype=jnp.uint8)) & 1) > 0
    moves = number(4, 1, 166, state.moves)
    moves = jnp.where(used | (state.moves == 0), state.moves, moves)
    return {
        name: _of(foe, fresh.astype(getattr(state, name).dtype), getattr(state, name))
        for name, fresh in {
            "species": species,
            "level": level,
            "max_hp": most,
            "hp": hp,
            "moves": moves,
        }.items()
    }
