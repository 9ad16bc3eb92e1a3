"""Who plays: random games end in ties at the turn limit, so that others must knock out.

Shape letters: ``B`` lanes, ``P`` = 2 players, ``A`` = 50 actions.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from envlift.envs.tcg_pocket.rules.ids import Decision
from envlift.envs.tcg_pocket.tables import standard
from envlift.reference.types import Array, StateDict
from envlift.verify.suite import Policy

PLAYERS, ACTIONS = 2, 50
HAND, ATTACH, RETREAT, ABILITY = slice(1, 13), slice(13, 14), slice(14, 15), slice(15, 19)
ATTACK, SECOND, ACTIVE, OWN = slice(23, 25), slice(24, 25), slice(26, 27), slice(26, 30)


def _weighted(
    rng: np.random.Generator, legal: Array, weights: tuple[tuple[slice, float], ...]
) -> Array:
    """Draw a number for each legal action, to which kinds add; float64 [B, P, A]."""
    drawn = rng.random(legal.shape) * legal
    for kind, weight in weights:
        drawn[..., kind] += (rng.random(legal.shape[:2]) < weight)[..., None] * legal[..., kind]
    return drawn


@cache
def _dearest() -> Array:
    """Return how much Energy the dearest attack of each card costs, int64 [cards]."""
    costs = [max((len(a.cost) for a in card.attacks), default=0) for card in standard().cards]
    return np.array(costs)


def attacks(
    rng: np.random.Generator, observation: Array, state: StateDict, legal_actions: Array
) -> Array:
    """Play cards, use Abilities, attach where an attack is not paid yet, attack; int32 [B, P]."""
    legal = legal_actions.reshape(-1, PLAYERS, ACTIONS)
    kinds = ((HAND, 0.95), (ABILITY, 0.9), (ATTACH, 0.95), (ATTACK, 0.85), (SECOND, 0.5))
    drawn = _weighted(rng, legal, kinds)
    # The Active Pokémon is preferred until its dearest attack is paid, then those who wait.
    paid = state["energy"].sum(axis=-1, dtype=np.int64) >= _dearest()[state["card"]]
    attaching = (state["decision"] == int(Decision.ATTACH))[:, None]
    drawn[..., ACTIVE] += (0.8 * legal[..., ACTIVE]) * ~attaching[..., None]
    drawn[..., OWN] += 2.0 * (legal[..., OWN] & ~paid & attaching[..., None])
    drawn[..., ACTIVE] += 0.5 * (legal[..., ACTIVE] & attaching[..., None])
    return np.asarray(drawn.argmax(-1).astype(np.int32))


def develops(
    rng: np.random.Generator, observation: Array, state: StateDict, legal_actions: Array
) -> Array:
    """Attach to any Pokémon and attack less: more evolves, retreats, waits; int32 [B, P]."""
    kinds = ((HAND, 0.8), (ABILITY, 0.5), (ATTACH, 0.9), (RETREAT, 0.1), (ATTACK, 0.35))
    drawn = _weighted(rng, legal_actions.reshape(-1, PLAYERS, ACTIONS), kinds)
    return np.asarray(drawn.argmax(-1).astype(np.int32))


POLICIES = (Policy("random"), Policy("attacks", attacks), Policy("develops", develops))
