"""Level 1: tables and single functions beside Showdown's own, asked for at run time.

Shape letters: ``N`` rows of input.
"""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from envlift.envs.pokemon import tables
from envlift.envs.pokemon.rules.gen1.parts import data
from envlift.envs.pokemon.rules.gen1.parts.ids import TYPES, Effect, Stat
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
    """Return the columns of moves, [165] each or [165, n], in the terms of Showdown's table."""

    def answer(given: Table) -> Table:
        rows = np.array(data.move_rows(), np.int32)[1:-1]

        def column(name: str) -> Array:
            return rows[:, int(data.Move[name])]

        def of(values: dict[str, int]) -> Array:
            """What an effect stands for, 0 for the others."""
            found = [column("EFFECT") == Effect[name] for name in values]
            return np.select(found, list(values.values()), 0).astype(np.int32)

        def only(effects: tuple[str, ...], values: Array) -> Array:
            chosen = np.isin(column("EFFECT"), [Effect[name] for name in effects])
            return np.where(chosen.reshape(-1, *[1] * (values.ndim - 1)), values, 0)

        def part(divisor: Array) -> Array:
            """A part of the damage: 1 and the divisor, or 0 and 0."""
            return np.stack([divisor > 0, divisor], -1).astype(np.int32)

        stat, amount = column("BOOST_STAT")[:, None], column("BOOST_AMOUNT")[:, None]
        boosts = np.where(np.arange(6) == stat, amount, 0)
        hits = column("HITS")
        least, most = np.clip(hits, 1, 2), np.maximum(hits, 1)
        secondaries = (*(e for e in EFFECTS if e.startswith("SECONDARY")), "TWINEEDLE")
        return {
            "num": np.arange(1, len(rows) + 1, dtype=np.int32),
            "type": column("TYPE"),
            "category": (column("CATEGORY") + 2) % 3,  # Showdown's order has Status last
            "power": column("POWER"),
            "pp": column("PP"),
            "max_pp": column("MAX_PP"),
            "priority": column("PRIORITY"),
            "hits": np.stack([least, most], -1),
            "drain": part(column("DRAIN")),
            "secondary_rate": only(secondaries, column("CHANCE")),
            "secondary_status": only(secondaries, column("STATUS")),
            "secondary_volatile": of(SECONDARY_VOLATILES),
            "secondary_boosts": only(("SECONDARY_BOOST",), boosts),
            "status": only(("STATUS",), column("STATUS")),
            "volatile": of(VOLATILES),
            "self_volatile": of(SELF_VOLATILES),
            "boosts": only(("BOOST_SELF", "BOOST_FOE"), boosts),
            "targets_self": column("TARGET_SELF"),
            "charges": column("TWO_TURN"),
            "ignores_immunity": column("IGNORE_IMMUNITY"),
            "ohko": of({"OHKO": 1}),
            "self_destruct": of({"SELFDESTRUCT": 1}),
            "fixed_damage": column("DAMAGE") + of({"LEVEL_DAMAGE": -1}),
        }

    return answer


def metronome(_: Any) -> Any:
    """Return what Metronome draws from, in its order, int32 [163]."""
    return lambda given: {"moves": np.array(data.metronome_moves(), np.int32)}


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


def _ask(*given: Any) -> tuple[dict[str, Array], Array]:
    # Only where the candidate runs, see ``teams``.
    from envlift.envs.pokemon.rules.gen1 import probes

    kind, *arguments = given
    answer: tuple[dict[str, Array], Array] = probes.ask(probes.Probe[kind], *arguments)
    return answer


def _sides(*both: Array) -> Array:
    return np.stack(both, 1)


def damage(_: Any) -> Any:
    """Return what a move would take, and the generator afterwards."""

    def answer(given: Table) -> Table:
        n = len(given["move"])
        physical = np.ones((n, 2, 4), np.int64)
        base = np.ones((n, 2, 6, 4), np.int64)
        for stats, mine, foe in (
            (physical, "attack", "defense"),
            (base[:, :, 0], "base_attack", "base_defense"),
        ):
            stats[:, 0, [Stat.ATK, Stat.SPC]] = given[mine][:, None]
            stats[:, 1, [Stat.DEF, Stat.SPC]] = given[foe][:, None]
        members = np.zeros((n, 2, 6), np.int64)
        level, species, hp = members.copy(), members.copy(), members.copy()
        level[:, 0, 0], level[:, 1, 0] = given["level"], 100
        species[:, 0, 0], species[:, 1, 0] = given["species"], given["species"]
        hp[:, 0, 0], hp[:, 1, 0] = 1, given["defender_hp"]
        screen = _sides(np.zeros(n, bool), given["screen"])
        fields = {
            "seed": given["seed"],
            "level": level,
            "species": species,
            "hp": hp,
            "active_types": _sides(given["attacker_types"], given["defender_types"]),
            "modified_stats": physical,
            "base_stored_stats": base,
            "focus_energy": _sides(given["focus_energy"], np.zeros(n, bool)),
            "reflect": screen,
            "light_screen": screen,
        }
        after, amount = _ask("DAMAGE", fields, given["move"])
        return {"damage": amount, "seed": after["seed"]}

    return answer


def damage_rows(rng: np.random.Generator, n: int) -> Table:
    """Draw moves, levels, stats at the edges of the formula, types, seeds."""

    def one_type() -> Array:
        first = rng.integers(0, len(TYPES), n)
        second = np.where(rng.random(n) < 0.5, len(TYPES), rng.integers(0, len(TYPES), n))
        # No Pokémon has one type twice.
        return np.stack([first, np.where(second == first, len(TYPES), second)], -1)

    def stat() -> Array:
        return np.where(rng.random(n) < 0.5, rng.choice(STATS, n), rng.integers(1, 1000, n))

    return {
        "seed": rng.integers(0, 2**32, (n, 2), dtype=np.uint32),
        "move": rng.integers(1, MOVES + 1, n),
        "level": np.where(rng.random(n) < 0.3, rng.choice(LEVELS, n), rng.integers(1, 101, n)),
        "species": rng.integers(1, SPECIES + 1, n),
        "attacker_types": one_type(),
        "defender_types": one_type(),
        **{name: stat() for name in ("attack", "base_attack", "defense", "base_defense")},
        "focus_energy": rng.random(n) < 0.2,
        "screen": rng.random(n) < 0.3,
        "defender_hp": rng.integers(1, 704, n),
    }


def accuracy(_: Any) -> Any:
    """Return the number below which a move hits, and what Thrash and Rage remember of it."""

    def answer(given: Table) -> Table:
        n = len(given["move"])
        nothing = np.zeros(n, np.int64)
        boosts = np.zeros((n, 2, 6), np.int64)
        boosts[:, 0, Stat.ACCURACY] = given["accuracy_stage"]
        boosts[:, 1, Stat.EVASION] = given["evasion_stage"]
        locked = given["locked_move_accuracy"]
        trapped = given["target_trapped"]
        fields = {
            "boosts": boosts,
            "locked_move": _sides(np.where(locked > 0, THRASH, 0), nothing),
            "locked_move_time": _sides(np.where(locked > 0, 9, 0), nothing),
            "locked_move_accuracy": _sides(locked, nothing),
            "rage_accuracy": _sides(given["rage_accuracy"], nothing),
            "must_recharge": _sides(nothing, given["target_recharges"]),
            "partially_trapped_duration": _sides(nothing, 2 * trapped),
            "partially_trapped_source": _sides(nothing - 1, np.where(trapped, 0, -1)),
        }
        after, threshold = _ask("ACCURACY", fields, given["move"])
        kept = {
            n: after[n][:, 0].astype(np.int32) for n in ("locked_move_accuracy", "rage_accuracy")
        }
        return {"threshold": threshold, **kept}

    return answer


def accuracy_rows(rng: np.random.Generator, n: int) -> Table:
    """Draw moves, stages, and what makes a move sure or keeps an accuracy."""

    def stored() -> Array:
        return np.where(rng.random(n) < 0.3, rng.integers(1, 256, n), 0)

    return {
        "move": rng.integers(1, MOVES + 1, n),
        "accuracy_stage": rng.integers(-6, 7, n),
        "evasion_stage": rng.integers(-6, 7, n),
        "locked_move_accuracy": stored(),
        "rage_accuracy": stored(),
        "target_recharges": rng.random(n) < 0.2,
        "target_trapped": rng.random(n) < 0.2,
    }


def critical_rate(_: Any) -> Any:
    """Return the number below which a hit is critical, -1 where nothing is drawn."""

    def answer(given: Table) -> Table:
        n = len(given["move"])
        species = np.zeros((n, 2, 6), np.int64)
        species[:, :, 0] = given["species"][:, None]
        focus = _sides(given["focus_energy"], np.zeros(n, bool))
        _, rate = _ask("CRITICAL_RATE", {"species": species, "focus_energy": focus}, given["move"])
        return {"threshold": np.where(rate == 0, -1, rate)}

    return answer


def critical_rows(rng: np.random.Generator, n: int) -> Table:
    """Draw moves that the formula is for, and species."""
    return {
        "move": rng.choice(OF_FORMULA, n),
        "species": rng.integers(1, SPECIES + 1, n),
        "focus_energy": rng.random(n) < 0.5,
    }


def stat_change(_: Any) -> Any:
    """Return a stat and its stage after a change, and whether there was one."""

    def answer(given: Table) -> Table:
        rows, stat = np.arange(len(given["stat"])), given["stat"]
        stats = {
            name: np.ones((len(rows), 2, 4), np.int64)
            for name in ("stored_stats", "modified_stats")
        }
        boosts = np.zeros((len(rows), 2, 6), np.int64)
        boosts[rows, 0, stat] = given["stage"]
        place = stat % 4
        is_stat = stat < 4
        stats["stored_stats"][rows, 0, place] = np.where(is_stat, given["stored"], 1)
        stats["modified_stats"][rows, 0, place] = np.where(is_stat, given["modified"], 1)
        after, worked = _ask("STAT_CHANGE", {**stats, "boosts": boosts}, stat, given["delta"])
        modified = after["modified_stats"][rows, 0, place].astype(np.int32)
        return {
            "modified": np.where(is_stat, modified, given["modified"]),
            "stage": after["boosts"][rows, 0, stat].astype(np.int32),
            "worked": worked,
        }

    return answer


def stat_rows(rng: np.random.Generator, n: int) -> Table:
    """Draw stats at their limits, stages, and changes as moves make them."""

    def stat() -> Array:
        return np.where(rng.random(n) < 0.6, rng.choice(STATS, n), rng.integers(1, 1000, n))

    return {
        "stat": rng.integers(0, 6, n),
        "stored": stat(),
        "modified": stat(),
        "stage": rng.integers(-6, 7, n),
        "delta": rng.choice([-2, -1, 1, 2], n),
    }


def random(_: Any) -> Any:
    """Return a draw, and the generator afterwards."""

    def answer(given: Table) -> Table:
        after, value = _ask("RANDOM", {"seed": given["seed"]}, given["from"], given["to"])
        return {"value": value, "seed": after["seed"]}

    return answer


def random_rows(rng: np.random.Generator, n: int) -> Table:
    """Draw seeds and ranges."""
    low = rng.integers(0, 256, n)
    return {**seeds(rng, n), "from": low, "to": low + rng.integers(1, 65_536, n)}


EFFECTS = tuple(Effect.__members__)
_CODES = {
    name: code
    for code, name in enumerate(
        (
            *("", "CONFUSE", "FLINCH", "TRAPPING", "RECHARGE", "THRASH", "RAGE", "BIDE"),
            *("DISABLE", "LEECH_SEED", "MIST", "FOCUS_ENERGY", "LIGHT_SCREEN", "REFLECT"),
            "SUBSTITUTE",
        )
    )
}
"""The numbers of volatiles in the reference's table, by the effects that start them."""
SECONDARY_VOLATILES = {
    "SECONDARY_CONFUSION": _CODES["CONFUSE"],
    "SECONDARY_FLINCH": _CODES["FLINCH"],
}
SELF_VOLATILES = {name: _CODES[name] for name in ("TRAPPING", "RECHARGE", "THRASH", "RAGE")}
VOLATILES = {
    name: code for name, code in _CODES.items() if name in EFFECTS and name not in SELF_VOLATILES
}

_RECORDS = tables.records("gen1", "moves")
MOVES, SPECIES = len(_RECORDS), len(tables.records("gen1", "species"))
THRASH = next(m["num"] for m in _RECORDS if m["id"] == "thrash")
OTHER_DAMAGE = ("OHKO", "COUNTER", "PSYWAVE", "SUPER_FANG", "LEVEL_DAMAGE", "FIXED_DAMAGE")
OF_FORMULA = [m["num"] for m in _RECORDS if m["power"] and m["effect"] not in OTHER_DAMAGE]
LEVELS = (1, 2, 3, 50, 99, 100)
STATS = (1, 2, 3, 4, 254, 255, 256, 257, 258, 510, 511, 512, 513, 514, 515, 998, 999)

MOVE_COLUMNS = (
    *("num", "type", "category", "power", "pp", "max_pp", "priority", "hits", "drain"),
    *("secondary_rate", "secondary_status", "secondary_volatile", "secondary_boosts", "status"),
    *("volatile", "self_volatile", "boosts", "targets_self", "charges", "ignores_immunity"),
    *("ohko", "self_destruct", "fixed_damage"),
)


def table(name: str, fields: tuple[str, ...], candidate: Any) -> Component:
    """Declare a table, compared once."""
    return Component(name, tuple(map(Field, fields)), candidate, configs=FORMAT)


def function(
    name: str, fields: tuple[str, ...], candidate: Any, rows: Any, dtypes: dict[str, str]
) -> Component:
    """Declare a function; arguments without a dtype here are int32."""
    example = rows(np.random.default_rng(0), 1)
    kinds = {argument: dtypes.get(argument, "int32") for argument in example}
    compared = tuple(map(Field, fields))
    return Component(name, compared, candidate, rows=rows, dtypes=kinds, configs=FORMAT)


SEED = {"seed": "uint32"}
COMPONENTS = (
    table("type_chart", ("effectiveness",), type_chart),
    table("species", ("num", "types", "base_stats"), species),
    table("moves", MOVE_COLUMNS, moves),
    table("metronome", ("moves",), metronome),
    function("random", ("value", "seed"), random, random_rows, SEED),
    function("stat_change", ("modified", "stage", "worked"), stat_change, stat_rows, {}),
    function(
        "accuracy",
        ("threshold", "locked_move_accuracy", "rage_accuracy"),
        accuracy,
        accuracy_rows,
        {"target_recharges": "bool", "target_trapped": "bool"},
    ),
    function(
        "critical_rate", ("threshold",), critical_rate, critical_rows, {"focus_energy": "bool"}
    ),
    function(
        "damage",
        ("damage", "seed"),
        damage,
        damage_rows,
        {**SEED, "focus_energy": "bool", "screen": "bool"},
    ),
    function("teams", ("species", "level", "moves"), teams, seeds, SEED),
)
