"""Who plays: random games end in ties at the turn limit, so that others must knock out.

Shape letters: ``B`` lanes, ``P`` = 2 players, ``A`` = 50 actions.
"""

from __future__ import annotations

import numpy as np

from envlift.reference.types import Array, StateDict
from envlift.verify.suite import Policy

PLAYERS, ACTIONS = 2, 50
HAND, ATTACH, RETREAT, ABILITY = slice(1, 13), slice(13, 14), slice(14, 15), slice(15, 19)
ATTACK, ACTIVE = slice(23, 25), slice(26, 27)


def _weighted(
    rng: np.random.Generator, legal_actions: Array, weights: tuple[tuple[slice, float], ...]
) -> Array:
    """Take the legal action of the highest random number, to which kinds add; int32 [B, P]."""
    legal = legal_actions.reshape(-1, PLAYERS, ACTIONS)
    drawn = rng.random(legal.shape) * legal
    for kind, weight in weights:
        drawn[..., kind] += (rng.random(legal.shape[:2]) < weight)[..., None] * legal[..., kind]
    return np.asarray(drawn.argmax(-1).astype(np.int32))


def attacks(
    rng: np.random.Generator, observation: Array, state: StateDict, legal_actions: Array
) -> Array:
    """Play cards, use Abilities, attach, mostly to the Active Pokémon, attack; int32 [B, P]."""
    kinds = ((HAND, 0.9), (ABILITY, 0.9), (ATTACH, 0.7), (ATTACK, 0.6), (ACTIVE, 0.7))
    return _weighted(rng, legal_actions, kinds)


def develops(
    rng: np.random.Generator, observation: Array, state: StateDict, legal_actions: Array
) -> Array:
    """As ``attacks``, but attaching to any Pokémon and attacking less: more evolves, retreats."""
    kinds = ((HAND, 0.8), (ABILITY, 0.5), (ATTACH, 0.9), (RETREAT, 0.1), (ATTACK, 0.35))
    return _weighted(rng, legal_actions, kinds)


POLICIES = (Policy("random"), Policy("attacks", attacks), Policy("develops", develops))
