"""What lasts several turns, drawn into states: its fields are tied together.

Shape letters: ``N`` states, ``P`` = 2 sides, ``K`` = 4 slots.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Protocol

import numpy as np

from envlift.envs.pokemon import tables
from envlift.reference.types import Array

LAST_DAMAGES = np.array([0, 1, 2, 20, 77, 300, 703, 32_768, 65_535])


class Mode(IntEnum):
    """What the active Pokémon of a side is in the middle of."""

    NONE = 0
    THRASH = 1
    CHARGE = 2
    RAGE = 3
    BIDE = 4
    LOCK = 5  # by a trapping move of its own; the foe is trapped


class Draw(Protocol):
    """Draws of ``n`` rows, see ``states``."""

    rng: np.random.Generator
    n: int

    def chance(self, p: float, *shape: int) -> Array:
        """Draw bool [n, *shape]."""

    def below(self, low: Any, high: Any, *shape: int) -> Array:
        """Draw from [low, high), [n, *shape]."""

    def one_of(self, values: Array, *shape: int) -> Array:
        """Draw from values, [n, *shape]."""


def _with(*effects: str) -> Array:
    """Return the numbers of the moves with these effects."""
    return np.array([m["num"] for m in tables.records("gen1", "moves") if m["effect"] in effects])


THRASHING, TRAPPING, INVULNERABLE = _with("THRASH"), _with("TRAPPING"), _with("CHARGE_INVULNERABLE")
CHARGING = _with("CHARGE", "CHARGE_INVULNERABLE")
RAGE, BIDE, METRONOME = (int(_with(effect)[0]) for effect in ("RAGE", "BIDE", "METRONOME"))


def modes(d: Draw) -> Array:
    """Draw a ``Mode`` for each side, [N, P]; only one of both is locked by trapping."""
    drawn = np.where(d.chance(0.4, 2), d.below(1, len(Mode), 2), Mode.NONE)
    drawn[:, 1] = np.where((drawn == Mode.LOCK).all(-1), Mode.NONE, drawn[:, 1])
    return drawn


def moves_of(d: Draw, mode: Array) -> Array:
    """Draw the move that each mode is about, [N, P]; 0 for none."""
    choices = {
        Mode.THRASH: d.one_of(THRASHING, 2),
        Mode.CHARGE: d.one_of(CHARGING, 2),
        Mode.RAGE: np.full((d.n, 2), RAGE),
        Mode.BIDE: np.full((d.n, 2), BIDE),
        Mode.LOCK: d.one_of(TRAPPING, 2),
    }
    return np.select([mode == one for one in choices], list(choices.values()), 0)


def fields(d: Draw, mode: Array, move: Array, active: Array) -> dict[str, Array]:
    """Draw the volatiles of the modes.

    Args:
        d: draws.
        mode: [N, P].
        move: of the mode, [N, P].
        active: the active member of each side, [N, P].
    """
    thrash, charge, rage = mode == Mode.THRASH, mode == Mode.CHARGE, mode == Mode.RAGE
    bide, lock = mode == Mode.BIDE, mode == Mode.LOCK
    trapped = lock[:, ::-1]
    accuracy = np.where(d.chance(0.5, 2), 255, d.below(1, 256, 2))
    total = d.below(2, 6, 2)
    left = 1 + (d.rng.random((d.n, 2)) * total).astype(np.int64)
    faking = np.repeat(d.chance(0.08, 1), 2, axis=1)
    likely = (total - left > 1)[:, ::-1] ^ d.chance(0.1, 2)
    # Who was fully paralysed in the air stays out of reach.
    aloft = (charge & np.isin(move, INVULNERABLE)) | ((mode == Mode.NONE) & d.chance(0.04, 2))
    return {
        "locked_move": np.where(thrash, move, 0),
        "locked_move_time": np.where(thrash, d.below(1, 4, 2), 0),
        "locked_move_accuracy": np.where(thrash, accuracy, 0),
        "two_turn_move": np.where(charge, move, 0),
        "invulnerability": aloft,
        "rage_accuracy": np.where(rage, accuracy, 0),
        "bide_time": np.where(bide, d.below(1, 4, 2), 0),
        "bide_damage": np.where(bide, d.one_of(LAST_DAMAGES, 2), 0),
        "partial_trapping_lock_duration": np.where(lock, left, 0),
        "partial_trapping_lock_total_duration": np.where(lock, total, 0),
        "partial_trapping_lock_move": np.where(lock, move, 0),
        "partial_trapping_lock_damage": np.where(lock, d.one_of(LAST_DAMAGES, 2), 0),
        "partial_trapping_lock_locked": np.where(lock, active[:, ::-1], -1),
        "partially_trapped_duration": np.where(trapped, d.below(1, 3, 2), 0),
        "partially_trapped_source": np.where(trapped, active[:, ::-1], -1),
        "partially_trapped_maybe_locked": trapped & likely,
        "fake_partially_trapped_duration": np.where(faking, d.below(1, 3, 2), 0),
        "fake_partially_trapped_counterpart": np.where(faking, active[:, ::-1], -1),
    }


def restricted(put: dict[str, Array], helpless: Array) -> tuple[Array, Array]:
    """Return who has one move to choose, and who may not switch, bool [N, P] each.

    Args:
        put: the fields of ``fields``, and ``must_recharge``.
        helpless: who is asleep or frozen.
    """
    locked = (put["locked_move"] > 0) | (put["two_turn_move"] > 0) | (put["rage_accuracy"] > 0)
    locked |= put["must_recharge"].astype(bool)
    left = put["partial_trapping_lock_duration"]
    trapped = put["partially_trapped_duration"] > 0
    # The request does not tell somebody who may have been trapped that he cannot choose.
    hidden = put["fake_partially_trapped_duration"] > 0
    hidden |= trapped & put["partially_trapped_maybe_locked"].astype(bool)
    hidden |= put["partial_trapping_lock_total_duration"] - left > 1
    hidden &= ~helpless & (put["bide_time"] == 0)
    semi = ((left > 0) | (put["bide_time"] > 0) | trapped) & ~hidden
    return locked | semi | helpless, locked
