"""Players that see what any player sees: functions ``(key, observation, mask) -> action`` in JAX.

They play as those of the Showdown host (``reference/node/bots.mjs``) as far as an observation
allows: there the live battle is seen, here stats that are not shown are guessed from the species.

Shape letters: ``K`` = 4 slots, ``M`` = 6 members, ``A`` = 10 actions.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from envlift.envs.pokemon import tables
from envlift.envs.pokemon.observation import PLACES
from envlift.envs.pokemon.rules.gen1.parts import data, ids
from envlift.envs.pokemon.rules.gen1.parts.ids import Status

Table = dict[str, np.ndarray[Any, Any]]
NUM_MOVES = 4
NOTHING = -1e9
"""A score below all others."""

GUESSED = {"COUNTER": 10.0, "PSYWAVE": 10.0, "BIDE": 10.0}
"""Damage of moves whose damage hangs on what is not known."""

WEAKER = {"CHARGE": 0.5, "CHARGE_INVULNERABLE": 0.5, "RECHARGE": 0.7, "MULTIHIT_2_5": 3.0}
"""What the power of a move counts for, with the turns and hits it takes; two hits count double."""


@cache
def _moves() -> Table:
    """Return what bots ask of a move, by its number, each [167]."""
    rows = [_move(m) for m in sorted(tables.records("gen1", "moves"), key=lambda m: m["num"])]
    nothing = dict.fromkeys(rows[0], 0.0)
    columns = [nothing, *rows, nothing]
    return {name: np.array([row[name] for row in columns], np.float32) for name in nothing}


def _move(m: dict[str, Any]) -> dict[str, float]:
    effect, params = m["effect"], m["params"]
    twice = 2.0 if effect in ("MULTIHIT_2", "TWINEEDLE") else 1.0
    kind = m["type"].upper()
    accuracy = 1.0 if m["accuracy"] is None else m["accuracy"] / 100
    boosts = params.get("boosts", {})
    return {
        "power": m["power"] * WEAKER.get(effect, twice),
        "type": int(ids.Type[kind if kind in ids.Type.__members__ else "NONE"]),
        "physical": m["category"] == "Physical",
        "accuracy": accuracy,
        "fixed": GUESSED.get(effect, params.get("damage", 0) if effect == "FIXED_DAMAGE" else 0),
        "by_level": effect == "LEVEL_DAMAGE",
        "halves": effect == "SUPER_FANG",
        "ohko": effect == "OHKO",
        "needs_sleep": effect == "DREAM_EATER",
        "sleep": effect == "STATUS" and params.get("status") == "slp" and accuracy >= 0.6,
        "paralyse": effect == "STATUS" and params.get("status") == "par" and accuracy >= 0.6,
        "any_type": m["ignore_immunity"],
        "heals": effect == "HEAL_HALF",
        "raises": effect == "BOOST_SELF" and max(boosts.values(), default=0) >= 2,
    }


class View:
    """The parts of one player's observation, int32.

    Args:
        observation: int16 [N], see ``observation``.
    """

    def __init__(self, observation: jax.Array) -> None:
        self.numbers = observation.astype(jnp.int32)

    def one(self, name: str) -> jax.Array:
        """Return one number."""
        return self.numbers[PLACES[name]]

    def several(self, names: list[str]) -> jax.Array:
        """Return numbers by their names."""
        return self.numbers[jnp.array([PLACES[name] for name in names])]

    def slots(self, name: str) -> jax.Array:
        """Return ``move`` or ``pp`` of the active Pokémon's slots, [K]."""
        return self.several([f"own_active_{name}_{k}" for k in range(4)])

    def members(self, side: str, name: str) -> jax.Array:
        """Return a number of each member of a side (``own`` or ``foe``), [M]."""
        return self.several([f"{side}_{m}_{name}" for m in range(6)])

    def of_active(self, side: str, name: str) -> jax.Array:
        """Return what stands at the active member; 0 if none is active."""
        active = self.members(side, "active") > 0
        return jnp.sum(jnp.where(active, self.members(side, name), 0))


def types_of(species: jax.Array) -> jax.Array:
    """Return the two types of species [...], int32 [..., 2]."""
    return species_rows()[species, int(data.Species.TYPE_1) : int(data.Species.TYPE_2) + 1]


def species_rows() -> jax.Array:
    """Return the columns ``data.Species`` of all species by number, int32 [152, 7]."""
    return jnp.asarray(_species())


@cache
def _species() -> np.ndarray[Any, Any]:
    return np.array(data.species_rows(), np.int32)


@cache
def _chart() -> np.ndarray[Any, Any]:
    return np.array(data.type_rows(), np.float32) / 10


def effectiveness(kind: jax.Array, types: jax.Array) -> jax.Array:
    """Return how much more an attack type does to types [..., 2]: 0 to 4."""
    chart = jnp.asarray(_chart())
    return chart[kind, types[..., 0]] * chart[kind, types[..., 1]]


def damage(
    moves: dict[str, jax.Array],
    level: jax.Array,
    types: jax.Array,
    attack: tuple[jax.Array, jax.Array],
    foe_types: jax.Array,
    defense: tuple[jax.Array, jax.Array],
    foe_hp: jax.Array,
    faster: jax.Array,
    asleep: jax.Array,
) -> jax.Array:
    """Return the expected damage of moves, HP, float32 [..., K].

    Args:
        moves: rows of ``moves_of``, each [..., K].
        level: of who attacks, [..., 1].
        types: of who attacks, [..., 1, 2].
        attack: Attack and Special, stages counted, [..., 1] each.
        foe_types: [..., 1, 2].
        defense: the foe's Defense and Special, [..., 1] each.
        foe_hp: [..., 1].
        faster: bool, whether who attacks is, [..., 1].
        asleep: bool, whether the foe is, [..., 1].
    """
    kind = moves["type"].astype(jnp.int32)
    ratio = jnp.where(moves["physical"] > 0, attack[0] / defense[0], attack[1] / defense[1])
    same_type = jnp.where((kind[..., None] == types).any(axis=-1), 1.5, 1.0)
    found = moves["power"] * same_type * effectiveness(kind, foe_types) * moves["accuracy"]
    found = found * ratio * ((2 * level / 5 + 2) / 50)
    found = jnp.where((moves["needs_sleep"] > 0) & ~asleep, 0.0, found)
    found = jnp.where(moves["ohko"] > 0, jnp.where(faster, 90.0, 0.0), found)
    found = jnp.where(moves["fixed"] > 0, moves["fixed"], found)
    found = jnp.where(moves["halves"] > 0, foe_hp / 2, found)
    return jnp.where(moves["by_level"] > 0, 0.9 * level, found)


def staged(stat: jax.Array, stage: jax.Array) -> jax.Array:
    """Return a stat with its stage, -6 to 6, counted."""
    return stat * jnp.maximum(2, 2 + stage) / jnp.maximum(2, 2 - stage)


def moves_of(numbers: jax.Array) -> dict[str, jax.Array]:
    """Return what is asked of moves, given by their numbers [...]: float32 [...] by name."""
    return {name: jnp.asarray(column)[numbers] for name, column in _moves().items()}


def expected_damage(view: View) -> jax.Array:
    """Return the expected damage of each slot's move, HP, float32 [K]."""
    rows = species_rows()
    own, foe = view.one("own_active_species"), view.one("foe_active_species")
    foe_level = view.of_active("foe", "level")

    def attack(stat: str) -> jax.Array:
        return staged(view.of_active("own", stat), view.one(f"own_active_boost_{stat}"))[None]

    def defense(column: data.Species) -> jax.Array:
        return (2 * rows[foe, int(column)] * foe_level / 100 + 5)[None]

    foe_hp = view.of_active("foe", "hp_percent") / 100 * (2 * rows[foe, 0] * foe_level / 100 + 110)
    return damage(
        moves_of(view.slots("move")),
        view.of_active("own", "level")[None],
        view.several(["own_active_type_1", "own_active_type_2"])[None],
        (attack("atk"), attack("spc")),
        view.several(["foe_active_type_1", "foe_active_type_2"])[None],
        (defense(data.Species.DEF), defense(data.Species.SPC)),
        foe_hp[None],
        (rows[own, int(data.Species.SPE)] >= rows[foe, int(data.Species.SPE)])[None],
        (view.of_active("foe", "status") == Status.SLP)[None],
    )


def random(key: jax.Array, observation: jax.Array, mask: jax.Array) -> jax.Array:
    """Play any legal action."""
    return jax.random.categorical(key, jnp.where(mask, 0.0, -jnp.inf)).astype(jnp.int32)


def max_damage(key: jax.Array, observation: jax.Array, mask: jax.Array) -> jax.Array:
    """Use the move that is expected to do most; switch at random where there is none."""
    scores = jnp.where(mask[:NUM_MOVES], expected_damage(View(observation)), NOTHING)
    best = jnp.argmax(scores).astype(jnp.int32)
    return jnp.where(mask[:NUM_MOVES].any(), best, random(key, observation, mask))


def _matchup(species: jax.Array, foe: jax.Array, hp: jax.Array, foe_hp: jax.Array) -> jax.Array:
    """Return how well species [...] stand against the foe's, by types, speed and HP in [0, 1]."""
    rows, types, foe_types = species_rows(), types_of(species), types_of(foe)

    def best(attacker: jax.Array, target: jax.Array) -> jax.Array:
        one = effectiveness(attacker[..., 0], target)
        other = jnp.where(
            attacker[..., 1] == ids.Type["NONE"], 0.0, effectiveness(attacker[..., 1], target)
        )
        return jnp.maximum(one, other)

    speed = int(data.Species.SPE)
    faster = jnp.sign(rows[species, speed] - rows[foe, speed])
    return best(types, foe_types) - best(foe_types, types) + 0.1 * faster + 0.4 * (hp - foe_hp)


def heuristic(key: jax.Array, observation: jax.Array, mask: jax.Array) -> jax.Array:
    """Leave bad match-ups, put to sleep or paralyse, heal, set up; else ``max_damage``."""
    view = View(observation)
    moves = moves_of(view.slots("move"))
    foe, foe_hp = view.one("foe_active_species"), view.of_active("foe", "hp_percent") / 100
    share = view.members("own", "hp") / jnp.maximum(view.members("own", "max_hp"), 1)
    own_share = jnp.sum(jnp.where(view.members("own", "active") > 0, share, 0.0))
    bench = _matchup(view.members("own", "species"), foe, share, foe_hp)
    bench = jnp.where(mask[NUM_MOVES:], bench, NOTHING)
    to_best = NUM_MOVES + jnp.argmax(bench).astype(jnp.int32)
    now = _matchup(view.one("own_active_species"), foe, own_share, foe_hp)
    stages = view.several([f"own_active_boost_{stat}" for stat in ("atk", "def", "spc")])
    leaves = ((now < -2) | (stages <= -3).any()) & (bench.max() > 0)

    legal = mask[:NUM_MOVES]
    sleeps = (view.members("foe", "status") == Status.SLP).any()
    foe_types = view.several(["foe_active_type_1", "foe_active_type_2"])
    works = effectiveness(moves["type"].astype(jnp.int32), foe_types) > 0
    healthy = view.of_active("foe", "status") == Status.NONE
    healthy = healthy & (view.one("foe_active_substitute") == 0)
    wanted = (moves["paralyse"] > 0) | ((moves["sleep"] > 0) & ~sleeps)
    disables = legal & healthy & wanted & (works | (moves["any_type"] > 0))
    heals = legal & (moves["heals"] > 0) & (own_share < 0.45)
    raises = legal & (moves["raises"] > 0) & (own_share == 1.0) & (now > 0) & (stages < 4).any()

    chosen = max_damage(key, observation, mask)
    for kind in (raises, heals, disables):
        chosen = jnp.where(kind.any(), jnp.argmax(kind).astype(jnp.int32), chosen)
    free = jnp.sum(legal) > 1
    chosen = jnp.where(leaves & free, to_best, jnp.where(free, chosen, jnp.argmax(legal)))
    chosen = jnp.where(legal.any(), chosen, jnp.where(mask.any(), to_best, 0))
    return chosen.astype(jnp.int32)


BOTS = {"random": random, "max_damage": max_damage, "heuristic": heuristic}
