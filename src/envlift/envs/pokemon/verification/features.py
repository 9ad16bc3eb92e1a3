"""What must have happened in the reference before a pass is believed, read from its trace.

Shape letters: ``T`` steps, ``B`` lanes, ``P`` = 2 players, ``M`` = 6 members.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from envlift.envs.pokemon import tables
from envlift.envs.pokemon.rules.gen1.ids import Status
from envlift.reference.types import Array
from envlift.verify.suite import Feature, Trace

GIVEN = ("gen1ou", "gen1customgame")
"""Configurations in which every move is played; random teams have 67."""

SWITCH = 4
"""From this action on a player switches."""


def either(of: Callable[[Trace], Array]) -> Callable[[Trace], Array]:
    """Return whether something holds for any player or member, [T, B]."""

    def reached(t: Trace) -> Array:
        found = np.asarray(of(t))
        return np.asarray(found.reshape(*found.shape[:2], -1).any(axis=-1))

    return reached


def used(number: int) -> Callable[[Trace], Array]:
    """Return whether somebody used a move: it is the last one, or cost PP and called another."""

    def of(t: Trace) -> Array:
        paid = t.final["pp"].sum(axis=(-2, -1)) < t.before["pp"].sum(axis=(-2, -1))
        called = (t.final["last_selected_move"] == number) & paid
        return np.asarray(((t.final["last_move"] == number) | called) & (t.action < SWITCH))

    return either(of)


def comes(name: str) -> Callable[[Trace], Array]:
    """Return whether a field that was off is on."""
    off = -1 if name == "residual_damage_counter" else 0
    return either(lambda t: (t.before[name] <= off) & (t.final[name] > off))


def becomes(status: Status) -> Callable[[Trace], Array]:
    """Return whether somebody got a status."""
    return either(lambda t: (t.before["status"] != status) & (t.final["status"] == status))


def asked(t: Trace) -> Array:
    """Return who was asked for a replacement, [T, B, P]."""
    return np.asarray(t.before["request"] == 2)


def single(t: Trace) -> Array:
    """Return who had one legal action although a move was asked, [T, B, P]."""
    bits = t.before["legal"].astype(np.int64)
    return np.asarray((t.before["request"] == 1) & (bits & (bits - 1) == 0))


VOLATILES: dict[str, tuple[str, ...]] = {
    "must_recharge": (),
    "confusion_time": (),
    "partially_trapped_duration": GIVEN,
    "fake_partially_trapped_duration": GIVEN,
    "partial_trapping_lock_duration": GIVEN,
    "locked_move": GIVEN,
    "two_turn_move": GIVEN,
    "invulnerability": GIVEN,
    "residual_damage_counter": GIVEN,
    "bide_time": GIVEN,
    "disable_time": GIVEN,
    "focus_energy": GIVEN,
    "leech_seed": GIVEN,
    "light_screen": GIVEN,
    "reflect": (),
    "mist": GIVEN,
    "rage_accuracy": GIVEN,
    "substitute_hp": (),
    "sub_fainted": (),
    "transformed": (),
}
"""What comes on, and in which configurations it must."""

POISON: dict[Status, tuple[str, ...]] = {Status.PSN: GIVEN, Status.TOX: GIVEN}
"""Random teams hardly ever poison."""

FEATURES = (
    *(Feature(f"uses {m['id']}", used(m["num"]), GIVEN) for m in tables.records("gen1", "moves")),
    *(Feature(f"{name} begins", comes(name), configs) for name, configs in VOLATILES.items()),
    *(
        Feature(f"status {status.name.lower()}", becomes(status), POISON.get(status, ()))
        for status in Status
        if status is not Status.NONE
    ),
    Feature("a replacement", either(asked)),
    Feature("both are replaced", lambda t: np.asarray(asked(t).all(axis=-1))),
    Feature("one waits", lambda t: (t.before["request"] == 0).any(axis=-1)),
    Feature("one legal action", either(single)),
    Feature("side 0 wins", lambda t: t.terminated & (t.final["winner"] == 0)),
    Feature("side 1 wins", lambda t: t.terminated & (t.final["winner"] == 1)),
    Feature("speeds tie", lambda t: t.before["speed"][..., 0] == t.before["speed"][..., 1]),
    Feature("a stat at 999", either(lambda t: t.final["modified_stats"] == 999), GIVEN),
    Feature("a stage of six", either(lambda t: np.abs(t.final["boosts"]) == 6), GIVEN),
    Feature("HP of a faint", either(lambda t: (t.before["hp"] > 0) & (t.final["hp"] == 0))),
    Feature("PP at 0", either(lambda t: (t.before["pp"] > 0) & (t.final["pp"] == 0)), GIVEN),
    Feature("last damage over HP", lambda t: t.final["last_damage"] > 703, GIVEN),
)
