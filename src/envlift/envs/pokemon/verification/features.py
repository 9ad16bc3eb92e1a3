"""What must have happened in the reference before a pass is believed, read from its trace.

Shape letters: ``T`` steps, ``B`` lanes, ``P`` = 2 players, ``M`` = 6 members.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from envlift.envs.pokemon import tables
from envlift.envs.pokemon.rules.gen1.parts.ids import Status
from envlift.envs.pokemon.verification import quirks
from envlift.envs.pokemon.verification.quirks import GIVEN, SWITCH
from envlift.reference.types import Array
from envlift.verify.suite import Feature, Place, Trace


def either(of: Callable[[Trace], Array]) -> Callable[[Trace], Array]:
    """Return whether something holds for any player or member, [T, B]."""

    def reached(t: Trace) -> Array:
        found = np.asarray(of(t))
        return np.asarray(found.reshape(*found.shape[:2], -1).any(axis=-1))

    return reached


def used(number: int) -> Callable[[Trace], Array]:
    """Return whether somebody used a move: it is the last one, or it was chosen and cost PP."""

    def of(t: Trace) -> Array:
        paid = t.final["pp"].sum(axis=(-2, -1)) < t.before["pp"].sum(axis=(-2, -1))
        slot = np.clip(t.action, 0, SWITCH - 1)[..., None].astype(np.int64)
        chosen = np.take_along_axis(t.before["active_moves"], slot, -1)[..., 0]
        # Metronome and Mirror Move leave the move that they called.
        called = (chosen == number) & paid
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


TURN_LIMIT = 1000


def tie(t: Trace) -> Array:
    """Return which battles end in a tie, [T, B]."""
    return np.asarray(t.terminated & (t.final["winner"] == 2))


def stuck(t: Trace) -> Array:
    """Return which battles end in a tie although both have a Pokémon, before the limit of turns."""
    both = (t.final["hp"] > 0).any(-1).all(-1)
    return np.asarray(tie(t) & both & (t.final["turn"] <= TURN_LIMIT))


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
    Feature("the limit of turns", lambda t: tie(t) & (t.final["turn"] > TURN_LIMIT), GIVEN),
    Feature("nobody can go on", stuck, GIVEN),
    *quirks.FEATURES,
)

SLEEP_AND_FREEZE = ("gen1randombattle", "gen1ou")
PLACES = (
    Place("draws: accuracy", "scripts.js:431"),
    Place("draws: two to five hits", "scripts.js:446"),
    Place("draws: a critical hit", "scripts.js:810"),
    Place("draws: the roll of the damage", "scripts.js:922"),
    Place("draws: a secondary effect", "scripts.js:710"),
    Place("draws: confusion behind a substitute", "moves.js:830", GIVEN),
    Place("draws: full paralysis", "conditions.js:40"),
    Place("draws: hitting oneself", "conditions.js:156"),
    Place("draws: turns of confusion", "conditions.js:143"),
    Place("draws: turns of sleep", "conditions.js:66"),
    Place("draws: turns of Thrash", "conditions.js:298", GIVEN),
    Place("draws: turns of trapping", "conditions.js:234", GIVEN),
    Place("draws: turns of Bide", "moves.js:41", GIVEN),
    Place("draws: a slot for Disable", "moves.js:214", GIVEN),
    Place("draws: turns of Disable", "moves.js:220", GIVEN),
    Place("draws: Metronome", "moves.js:444", GIVEN),
    Place("draws: Mimic", "moves.js:458"),
    Place("draws: Psywave", "moves.js:551", GIVEN),
    Place("draws: choices that tie", "battle-queue.js:278"),
    Place("draws: the place of an action among ties", "battle-queue.js:263"),
    Place("draws: who is first before a turn", "battle.js:307 from battle.js:2621"),
    Place("draws: who is first after an action", "battle.js:307 from battle.js:2722"),
    Place(
        "draws: which clause looks first", "battle.js:632 from pokemon.js:1450", SLEEP_AND_FREEZE
    ),
    Place("draws: what counts down first", "battle.js:347", GIVEN),
    Place("draws: who disables first", "battle.js:632 from battle.js:1487", GIVEN),
)
"""Every place at which Showdown 0.10.11 draws in these formats.

One more, ties of AfterMove, needs a Pokémon with two of a lock, recharging and Thrash, which keep
each other away.
"""
