"""Single functions of the rules on rows of input, for level 1 of the verification and for tests.

No step needs them. Shape letter: ``N`` rows.
"""

# mypy: ignore-errors

from __future__ import annotations

from enum import IntEnum

import jax
import numpy as np
import warp as wp

from envlift.envs.pokemon.rules.gen1.kernel import BattleState, copy_in, copy_out, unpack
from envlift.envs.pokemon.rules.gen1.move.damage import critical_rate, get_damage
from envlift.envs.pokemon.rules.gen1.move.hit import accuracy_of, keep_thrashing
from envlift.envs.pokemon.rules.gen1.move.stats import boost_by
from envlift.envs.pokemon.rules.gen1.parts import data
from envlift.envs.pokemon.rules.gen1.parts.ids import TYPES, Effect
from envlift.envs.pokemon.rules.gen1.parts.memory import SIZE, At, place_of, rule
from envlift.envs.pokemon.rules.gen1.parts.prng import random_range
from envlift.envs.pokemon.state import FIELDS
from envlift.targets.warp import BatchedRule, made_once


class Probe(IntEnum):
    """Which function ``probe`` calls, and what ``first`` and ``second`` are to it."""

    DAMAGE = 0  # a move
    ACCURACY = 1  # a move
    CRITICAL_RATE = 2  # a move
    STAT_CHANGE = 3  # a stat, a difference
    RANDOM = 4  # from, to


NOTHING = {
    "order": -1,
    "active_types": len(TYPES),
    "residual_damage_counter": -1,
    "partially_trapped_source": -1,
    "fake_partially_trapped_counterpart": -1,
    "partial_trapping_lock_locked": -1,
    "disable_slot": -1,
}
"""What fields say that do not say 0 where there is nothing."""
DRAGONITE, DRAGON = 149, TYPES.index("Dragon")
HP = 386
"""Who stands there, as in the reference's probes: nobody whom a type or a volatile hinders."""


@rule
def probe(state: BattleState, kind: wp.int32, first: wp.int32, second: wp.int32):  # noqa: D103
    numbers = wp.zeros(shape=SIZE, dtype=wp.int32)
    b = place_of(numbers)
    copy_in(b, state)
    unpack(b)
    result = wp.int32(0)
    if kind == Probe.DAMAGE:
        b[At.HIT_DAMAGE] = -1
        result = get_damage(b, first, 0, 1)
    elif kind == Probe.ACCURACY:
        if data.of_move(first, data.Move.EFFECT) == Effect.THRASH:
            keep_thrashing(b, first, 0)
        result = accuracy_of(b, first, 0, 1)
    elif kind == Probe.CRITICAL_RATE:
        result = critical_rate(b, first, 0)
    elif kind == Probe.STAT_CHANGE:
        result = wp.where(boost_by(b, 0, first, second), 1, 0)
    else:
        result = random_range(b, first, second)
    state = copy_out(b, state)
    return state, result


@made_once
def _probe():
    return BatchedRule(probe, BattleState, {"result": "int32"}, name="envlift.pokemon.probe")


@made_once
def _batched():
    return jax.jit(jax.vmap(lambda *operands: _probe()(*operands)))


def ask(
    kind: Probe, fields: dict[str, np.ndarray], first: np.ndarray, second: np.ndarray | None = None
):
    """Call a function of the rules on a row of battles of one Dragonite each.

    Args:
        kind: which function.
        fields: what differs of the state, [N, ...] by name.
        first, second: see ``Probe``, int [N].

    Returns:
        The state afterwards, [N, ...] by name, and the result, int32 [N].
    """
    n = len(first)
    state = {f.name: np.full((n, *f.shape), NOTHING.get(f.name, 0), f.dtype) for f in FIELDS}
    state["order"][:, :, 0] = 0
    given = {
        "species": DRAGONITE,
        "level": 100,
        "max_hp": HP,
        "hp": HP,
        "active_types": (DRAGON, len(TYPES)),
        "active_species": DRAGONITE,
    }
    for name, value in given.items():
        place = (slice(None), slice(None), 0) if state[name].ndim == 3 else ...
        state[name][... if name == "active_types" else place] = value
    for name, value in fields.items():
        state[name][...] = value
    second = np.zeros(n, np.int32) if second is None else second
    flat = [state[f.name].reshape(n, -1) if f.shape else state[f.name] for f in FIELDS]
    numbers = (np.full(n, int(kind)), first, second)
    *after, result = _batched()(*flat, *(np.asarray(x, np.int32) for x in numbers))
    shaped = zip(FIELDS, after, strict=True)
    return {f.name: np.asarray(a).reshape(n, *f.shape) for f, a in shaped}, np.asarray(result)
