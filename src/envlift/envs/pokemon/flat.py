"""What a player sees as floats around 1, for networks: the option ``observation="flat"``.

A number of a species or a move says nothing by its size, so it is replaced by what the tables say
of it: types, stats, power, what it would do to whom stands opposite. All of it follows from the
whole numbers of ``observation``, so nothing hidden can be in it.

Shape letters: ``N`` = 224 whole numbers, ``M`` = 6 members, ``K`` = 4 slots, ``F`` = ``SIZE``.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from envlift.envs.pokemon import observation
from envlift.envs.pokemon.bots import (
    View,
    damage,
    effectiveness,
    moves_of,
    species_rows,
    staged,
    types_of,
)
from envlift.envs.pokemon.observation import BOOSTS, FLAGS
from envlift.envs.pokemon.rules.gen1.parts.data import Species
from envlift.envs.pokemon.rules.gen1.parts.ids import Status, Type

MEMBERS, SLOTS, STATUSES, TYPES = 6, 4, 8, 15
MOST = 2.0
"""Expected damage is told in shares of the HP it meets, up to this."""

Parts = dict[str, jax.Array]

OF_MOVE = (
    *("physical", "accuracy", "sleep", "paralyse", "heals", "raises", "needs_sleep", "ohko"),
    "any_type",
)
"""What is told of a move as it stands in the bots' table, besides type, power and damage."""


def flat(numbers: jax.Array) -> jax.Array:
    """Return float32 [F] of one player's observation, int16 [N]."""
    parts = _parts(View(numbers))
    return jnp.concatenate([part.reshape(-1).astype(jnp.float32) for part in parts.values()])


@cache
def names() -> tuple[str, ...]:
    """Return the name of each number, in order; blocks have their own indices behind."""
    order: list[str] = []

    def parts(numbers: jax.Array) -> list[jax.Array]:
        found = _parts(View(numbers))
        order.extend(found)
        return list(found.values())

    blank: Any = np.zeros(observation.SIZE, np.int16)
    shapes = [part.shape for part in jax.eval_shape(parts, blank)]
    return tuple(
        "_".join([name, *map(str, place)])
        for name, shape in zip(order, shapes, strict=True)
        for place in np.ndindex(*shape)
    )


def _parts(view: View) -> Parts:
    foe_types = view.several(["foe_active_type_1", "foe_active_type_2"])
    own_types = view.several(["own_active_type_1", "own_active_type_2"])
    return {
        **_battle(view),
        **_own_team(view, foe_types),
        **_active(view, "own"),
        **_own_moves(view, foe_types),
        **_foe_team(view, own_types),
        **_active(view, "foe"),
    }


def _battle(view: View) -> Parts:
    own, foe = view.members("own", "hp") > 0, view.members("foe", "hp_percent") > 0
    unseen = view.one("foe_team_size") - jnp.sum(view.members("foe", "species") > 0)
    return {
        "turn": view.one("turn") / 100,
        "own_request": view.one("own_request") == jnp.arange(3),
        "foe_request": view.one("foe_request") == jnp.arange(3),
        "own_left": jnp.sum(own) / MEMBERS,
        "foe_left": (jnp.sum(foe) + unseen) / MEMBERS,
    }


def _own_team(view: View, foe_types: jax.Array) -> Parts:
    """Tell of the own members, and what the best move of each would do to the foe in front."""
    species = view.members("own", "species")
    numbers = jnp.stack([view.members("own", f"move_{k}") for k in range(SLOTS)], axis=-1)
    moves = moves_of(numbers)
    types = types_of(species)
    hits = damage(
        moves,
        view.members("own", "level")[:, None],
        types[:, None],
        (view.members("own", "atk")[:, None], view.members("own", "spc")[:, None]),
        foe_types[None, None],
        tuple(each[None, None] for each in _foe_defense(view)),  # type: ignore[arg-type]
        _foe_hp(view)[None, None],
        (view.members("own", "spe") > _foe_stat(view, Species.SPE))[:, None],
        (view.of_active("foe", "status") == Status.SLP)[None, None],
    )
    stats = [view.members("own", stat) for stat in observation.STATS]
    return {
        "own_there": species > 0,
        "own_active": view.members("own", "active"),
        "own_level": view.members("own", "level") / 100,
        "own_max_hp": view.members("own", "max_hp") / 400,
        "own_hp": view.members("own", "hp") / jnp.maximum(view.members("own", "max_hp"), 1),
        "own_status": view.members("own", "status")[:, None] == jnp.arange(STATUSES),
        "own_stat": jnp.stack(stats, axis=-1) / 300,
        "own_type": _multi_hot(types),
        "own_best_hit": _share(hits, _foe_hp(view)).max(axis=-1),
        "own_puts_to_sleep": (moves["sleep"] > 0).any(axis=-1),
        "own_weakness": _worst(foe_types, types) / 4,
    }


def _own_moves(view: View, foe_types: jax.Array) -> Parts:
    moves = moves_of(view.slots("move"))
    kind = moves["type"].astype(jnp.int32)
    attack = [
        staged(view.of_active("own", stat), view.one(f"own_active_boost_{stat}"))[None]
        for stat in ("atk", "spc")
    ]
    hits = damage(
        moves,
        view.of_active("own", "level")[None],
        view.several(["own_active_type_1", "own_active_type_2"])[None],
        (attack[0], attack[1]),
        foe_types[None],
        tuple(each[None] for each in _foe_defense(view)),  # type: ignore[arg-type]
        _foe_hp(view)[None],
        (view.of_active("own", "spe") > _foe_stat(view, Species.SPE))[None],
        (view.of_active("foe", "status") == Status.SLP)[None],
    )
    return {
        "slot_there": view.slots("move") > 0,
        "slot_pp": view.slots("pp") / 16,
        "slot_power": moves["power"] / 100,
        "slot_type": kind[:, None] == jnp.arange(TYPES),
        "slot_effectiveness": effectiveness(kind, foe_types[None]) / 4,
        "slot_hit": _share(hits, _foe_hp(view)),
        "slot_most": _only_most(hits),
        "slot_is": jnp.stack([moves[name] for name in OF_MOVE], axis=-1),
    }


def _foe_team(view: View, own_types: jax.Array) -> Parts:
    """Tell of the foe's members as far as seen; ``foe_best_hit`` is that of the moves seen."""
    species = view.members("foe", "species")
    rows, types = species_rows()[species], types_of(species)
    level = view.members("foe", "level")
    numbers = jnp.stack([view.members("foe", f"move_{k}") for k in range(SLOTS)], axis=-1)
    moves = moves_of(numbers)
    guessed = 2 * rows[:, :5] * level[:, None] / 100 + 5
    own_hp = jnp.maximum(view.of_active("own", "hp"), 1)
    hits = damage(
        moves,
        level[:, None],
        types[:, None],
        (guessed[:, int(Species.ATK), None], guessed[:, int(Species.SPC), None]),
        own_types[None, None],
        (
            _own_stat(view, "def")[None, None],
            _own_stat(view, "spc")[None, None],
        ),
        own_hp[None, None],
        (guessed[:, int(Species.SPE)] > view.of_active("own", "spe"))[:, None],
        (view.of_active("own", "status") == Status.SLP)[None, None],
    )
    return {
        "foe_there": species > 0,
        "foe_active": view.members("foe", "active"),
        "foe_level": level / 100,
        "foe_hp": view.members("foe", "hp_percent") / 100,
        "foe_status": view.members("foe", "status")[:, None] == jnp.arange(STATUSES),
        "foe_base_stat": rows[:, :5] / 100,
        "foe_type": _multi_hot(types),
        "foe_best_hit": _share(hits, own_hp).max(axis=-1),
        "foe_puts_to_sleep": (moves["sleep"] > 0).any(axis=-1),
        "foe_weakness": _worst(own_types, types) / 4,
        "foe_moves_seen": jnp.sum(numbers > 0, axis=-1) / SLOTS,
    }


def _active(view: View, side: str) -> Parts:
    def several(names: tuple[str, ...]) -> jax.Array:
        return view.several([f"{side}_active_{name}" for name in names])

    return {
        f"{side}_front_type": _multi_hot(several(("type_1", "type_2"))),
        f"{side}_front_boost": several(tuple(f"boost_{name}" for name in BOOSTS)) / 2,
        f"{side}_front_locked": several(("two_turn_move", "locked_move", "disable_move")) > 0,
        f"{side}_front_flag": several(FLAGS),
    }


def _multi_hot(types: jax.Array) -> jax.Array:
    """Return bool [..., 15] of types [..., 2]; the code for none is none of them."""
    return (types[..., None] == jnp.arange(TYPES)).any(axis=-2)


def _worst(attacker: jax.Array, target: jax.Array) -> jax.Array:
    """Return how much attacks of one's own types [2] do to targets [..., 2] at most."""
    each = [
        jnp.where(
            attacker[index] == Type["NONE"], 0.0, effectiveness(attacker[index][None], target)
        )
        for index in range(2)
    ]
    return jnp.maximum(each[0], each[1])


def _only_most(hits: jax.Array) -> jax.Array:
    """Mark the largest of what is above 0, bool [K]."""
    return (hits == hits.max()) & (hits > 0)


def _share(hits: jax.Array, hp: jax.Array) -> jax.Array:
    return jnp.minimum(hits / jnp.maximum(hp, 1), MOST)


def _foe_stat(view: View, column: Species) -> jax.Array:
    row = species_rows()[view.one("foe_active_species"), int(column)]
    return 2 * row * view.of_active("foe", "level") / 100 + 5


def _foe_defense(view: View) -> tuple[jax.Array, jax.Array]:
    return (
        staged(_foe_stat(view, Species.DEF), view.one("foe_active_boost_def")),
        staged(_foe_stat(view, Species.SPC), view.one("foe_active_boost_spc")),
    )


def _own_stat(view: View, stat: str) -> jax.Array:
    found = staged(view.of_active("own", stat), view.one(f"own_active_boost_{stat}"))
    return jnp.maximum(found, 1)


def _foe_hp(view: View) -> jax.Array:
    most: Any = _foe_stat(view, Species.HP) + 105
    return view.of_active("foe", "hp_percent") / 100 * most
