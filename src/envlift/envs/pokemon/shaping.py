"""Rewards on the way to the end of a battle: the option ``shaping``, off by default.

The terms and weights are those of metamon's ``DefaultShapedReward`` (``metamon/interface.py`` of
UT-Austin-RPL/metamon): damage and healing as shares of HP, statuses, fainted Pokémon, the end. Two
things differ. Metamon looks at the Pokémon in front alone and forgets what happened to one that was
replaced in the same step; here all members count. And here one player gets what the other loses.

Shape letters: 2 sides, 6 members.
"""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp

from envlift.envs.pokemon.rules.gen1.parts.ids import Status
from envlift.envs.pokemon.state import State

METAMON = {"hp": 1.0, "status": 0.5, "faint": 1.0, "win": 100.0}
"""Metamon's weights."""

PLAIN = {"hp": 0.0, "status": 0.0, "faint": 0.0, "win": 1.0}


def weights_of(shaping: str | Mapping[str, float] | None) -> dict[str, float] | None:
    """Return the weight of every term, None for the winner's 1 alone.

    Raises:
        ValueError: for a name that is not known.
    """
    if shaping is None:
        return None
    if isinstance(shaping, str):
        if shaping != "metamon":
            raise ValueError(
                f"shaping={shaping!r} is not known; use 'metamon', None, or weights of "
                f"{', '.join(PLAIN)}"
            )
        return dict(METAMON)
    unknown = [name for name in shaping if name not in PLAIN]
    if unknown:
        raise ValueError(
            f"shaping has {unknown[0]!r}, which is no term; the terms are {', '.join(PLAIN)}"
        )
    return {name: float(shaping.get(name, usual)) for name, usual in PLAIN.items()}


def shaped(weights: Mapping[str, float], before: State, after: State) -> jax.Array:
    """Return what a step adds to the rewards besides the winner's 1, float32 [2].

    Args:
        weights: of ``hp``, ``status`` and ``faint``; ``win`` is not used here.
        before: the state in which the players chose.
        after: the state that came of it, before any new battle.
    """
    hp = _shares(after) - _shares(before)
    fainted = _fainted(after) - _fainted(before)
    # One that fainted was not given a status; one that was cured gives nothing back.
    new = (before.status == Status.NONE) & (after.status != Status.NONE)
    given = jnp.sum(new & (after.status != Status.FNT), axis=-1)
    own = weights["hp"] * hp - weights["status"] * given - weights["faint"] * fainted
    return (own - own[::-1]).astype(jnp.float32)


def _shares(state: State) -> jax.Array:
    """Return the sum of the members' shares of their HP, float32 [2]."""
    most = jnp.maximum(state.max_hp.astype(jnp.float32), 1.0)
    return jnp.sum(state.hp.astype(jnp.float32) / most, axis=-1)


def _fainted(state: State) -> jax.Array:
    return jnp.sum((state.species > 0) & (state.hp <= 0), axis=-1)
