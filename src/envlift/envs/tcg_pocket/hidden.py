"""What a player may not know of a game (rules I), drawn anew."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from envlift.envs.tcg_pocket.rules.ids import Phase
from envlift.envs.tcg_pocket.state import State
from envlift.envs.tcg_pocket.tables import standard

NUM_CARDS = len(standard().cards) - 1


def redraw(key: jax.Array, state: State, player: jax.Array, open_decklists: bool) -> State:
    """Return a state that shows ``player`` the same, with all else drawn anew.

    Its numbers need not fit together as those of a game do.
    """
    foe = jnp.arange(2) != player
    setup = state.phase == Phase.SETUP
    keys = iter(jax.random.split(key, 16))

    def below(name: str, high: Any) -> jax.Array:
        old = getattr(state, name)
        return jax.random.randint(next(keys), old.shape, 0, high, jnp.int32)

    def put(name: str, where: jax.Array, fresh: jax.Array) -> None:
        old = getattr(state, name)
        where = where.reshape(*where.shape, *(1,) * (old.ndim - where.ndim))
        drawn[name] = jnp.where(where, fresh.astype(old.dtype), old)

    drawn: dict[str, jax.Array] = {}
    of_foe = foe[:, None]
    inside = jnp.arange(12) < state.hand_size[:, None]
    unknown = of_foe & (~state.hand_known | setup) & inside
    put("hand", unknown, 1 + below("hand", NUM_CARDS))
    there = jnp.arange(20) < state.deck_size[:, None]
    known = ~of_foe & (jnp.arange(20) < state.deck_known[:, None])
    put("deck", there & ~known, 1 + below("deck", NUM_CARDS))
    put("deck_known", foe, below("deck_known", 1 + state.deck_size.astype(jnp.int32)))
    if not open_decklists:
        put("deck_list", foe, 1 + below("deck_list", NUM_CARDS))
        put("deck_energy", foe, below("deck_energy", 2))
    # Nobody sees what the other places before both have placed (S-4).
    hidden = foe & setup
    put("card", hidden, below("card", 1 + NUM_CARDS))
    put("under", hidden, below("under", 1 + NUM_CARDS))
    put("damage", hidden, 10 * below("damage", 10))
    put("energy", hidden, below("energy", 5))
    put("new", hidden, below("new", 2))
    put("ability_used", hidden, below("ability_used", 2))
    put("hand_known", hidden, below("hand_known", 2))
    put("hand_size", hidden, below("hand_size", 13))
    return dataclasses.replace(state, **drawn)
