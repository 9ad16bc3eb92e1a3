"""Level 1: tables and single functions beside Showdown's own, asked for at run time.

Shape letters: ``N`` rows of input.
"""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from envlift.envs.pokemon.rules.gen1 import data
from envlift.envs.pokemon.rules.gen1.ids import TYPES, Effect
from envlift.reference.types import Array
from envlift.verify.suite import Component, Field

Table = dict[str, Array]
FORMAT = ("gen1randombattle",)
"""Tables are the same in every configuration: one is enough."""


def type_chart(_: Any) -> Any:
    """Return the chart in tenths, int32 [15, 15]."""

    def answer(given: Table) -> Table:
        rows = np.array(data.type_rows(), np.int32)
        return {"effectiveness": rows[: len(TYPES), : len(TYPES)]}

    return answer


def species(_: Any) -> Any:
    """Return types [151, 2] and base stats [151, 5]."""

    def answer(given: Table) -> Table:
        rows = np.array(data.species_rows(), np.int32)[1:]
        numbers = np.arange(1, len(rows) + 1, dtype=np.int32)
        return {"num": numbers, "types": rows[:, 5:7], "base_stats": rows[:, :5]}

    return answer


def moves(_: Any) -> Any:
    """Return the columns of moves that the rules read as they are, [165] each."""

    def answer(given: Table) -> Table:
        rows = np.array(data.move_rows(), np.int32)[1:-1]

        def column(name: str) -> Array:
            return rows[:, int(data.Move[name])]

        return {
            "type": column("TYPE"),
            "category": (column("CATEGORY") + 2) % 3,  # Showdown's order has Status last
            "power": column("POWER"),
            "pp": column("PP"),
            "max_pp": column("MAX_PP"),
            "priority": column("PRIORITY"),
            "targets_self": column("TARGET_SELF"),
            "charges": column("TWO_TURN"),
            "ignores_immunity": column("IGNORE_IMMUNITY"),
            "ohko": (column("EFFECT") == Effect["OHKO"]).astype(np.int32),
            "self_destruct": (column("EFFECT") == Effect["SELFDESTRUCT"]).astype(np.int32),
        }

    return answer


def teams(env: Any) -> Any:
    """Return the teams of a new battle, from the seed of the generator."""
    # Only where the candidate runs: what judges imports nothing of its rules.
    from envlift.envs.pokemon.env import Draws

    begin = jax.jit(jax.vmap(lambda seeds: env.initial(Draws(seeds))))

    def answer(given: Table) -> Table:
        seeds = np.zeros((len(given["seed"]), 4), np.uint32)
        seeds[:, 2:] = given["seed"]
        state = begin(seeds)
        return {
            name: np.asarray(getattr(state, name)).astype(np.int32)
            for name in ("species", "level", "moves")
        }

    return answer


def seeds(rng: np.random.Generator, n: int) -> Table:
    """Draw seeds of the generator, uint32 [n, 2]."""
    return {"seed": rng.integers(0, 2**32, (n, 2), dtype=np.uint32)}


MOVE_COLUMNS = (
    *("type", "category", "power", "pp", "max_pp", "priority", "targets_self", "charges"),
    *("ignores_immunity", "ohko", "self_destruct"),
)

COMPONENTS = (
    Component("type_chart", (Field("effectiveness"),), type_chart, configs=FORMAT),
    Component(
        "species", (Field("num"), Field("types"), Field("base_stats")), species, configs=FORMAT
    ),
    Component("moves", tuple(map(Field, MOVE_COLUMNS)), moves, configs=FORMAT),
    Component(
        "teams",
        (Field("species"), Field("level"), Field("moves")),
        teams,
        rows=seeds,
        dtypes={"seed": "uint32"},
        configs=FORMAT,
    ),
)
