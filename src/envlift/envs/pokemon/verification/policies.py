"""Who plays: switching as often as moving ends battles late and meets little.

Shape letters: ``B`` lanes, ``P`` = 2 players, ``A`` = 10 actions.
"""

from __future__ import annotations

import numpy as np

from envlift.reference.types import Array, StateDict
from envlift.verify.suite import Policy

PLAYERS, ACTIONS, SLOTS = 2, 10, 4
MOVES = 0.88
"""How often ``mostly_moves`` moves where it may."""


def mostly_moves(
    rng: np.random.Generator, observation: Array, state: StateDict, legal_actions: Array
) -> Array:
    """Play a legal move, mostly, else any legal action; int32 [B, P]."""
    legal = legal_actions.reshape(-1, PLAYERS, ACTIONS)
    weights = rng.random(legal.shape) * legal
    weights[..., :SLOTS] += (rng.random(legal.shape[:2]) < MOVES)[..., None] * legal[..., :SLOTS]
    return np.asarray(weights.argmax(-1).astype(np.int32))


def mostly_switches(
    rng: np.random.Generator, observation: Array, state: StateDict, legal_actions: Array
) -> Array:
    """Switch in three of four decisions, so that what leaves the field is left often."""
    legal = legal_actions.reshape(-1, PLAYERS, ACTIONS)
    weights = rng.random(legal.shape) * legal
    weights[..., SLOTS:] += (rng.random(legal.shape[:2]) < 0.75)[..., None] * legal[..., SLOTS:]
    return np.asarray(weights.argmax(-1).astype(np.int32))


POLICIES = (
    Policy("random"),
    Policy("mostly moves", mostly_moves),
    Policy("mostly switches", mostly_switches),
)
