"""States that play rarely reaches: numbers at their edges, and what seldom comes together.

Shape letters: ``N`` states, ``P`` = 2 sides, ``M`` = 6 members, ``K`` = 4 slots.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from envlift.envs.pokemon import tables, teams
from envlift.envs.pokemon.rules.gen1.parts.ids import TYPES, Status
from envlift.envs.pokemon.state import FIELDS
from envlift.envs.pokemon.verification import several_turns
from envlift.envs.pokemon.verification.several_turns import LAST_DAMAGES, METRONOME, Mode
from envlift.reference.types import Array, StateDict

NO_TYPE = len(TYPES)
FIRST_SWITCH = 4
STATS = np.array([1, 2, 3, 255, 256, 257, 510, 511, 512, 513, 514, 998, 999])
TURNS = np.array([1, 2, 500, 998, 999, 1000])


@cache
def _species() -> tuple[Array, Array]:
    """Return base stats [152, 5], HP first, and types [152, 2]."""
    base, types = np.zeros((152, 5), np.int64), np.full((152, 2), NO_TYPE)
    for s in tables.records("gen1", "species"):
        base[s["num"]] = [s["hp"], s["atk"], s["def"], s["spe"], s["spc"]]
        named = [TYPES.index(name) for name in s["types"]]
        types[s["num"], : len(named)] = named
    return base, types


@cache
def _max_pp() -> Array:
    return np.array([0, *(m["max_pp"] for m in tables.records("gen1", "moves")), 0])


class _Draw:
    """Draws of one run, with ``n`` rows."""

    def __init__(self, rng: np.random.Generator, n: int) -> None:
        self.rng, self.n = rng, n

    def chance(self, p: float, *shape: int) -> Array:
        return self.rng.random((self.n, *shape)) < p

    def below(self, low: Any, high: Any, *shape: int) -> Array:
        """Draw from [low, high), [n, *shape]."""
        return self.rng.integers(low, high, (self.n, *shape))

    def one_of(self, values: Array, *shape: int) -> Array:
        return self.rng.choice(values, (self.n, *shape))


def random_states(rng: np.random.Generator, n: int, given: list[Any]) -> StateDict:
    """Draw states in which both sides choose a move or a switch.

    Args:
        rng: of all draws.
        n: how many.
        given: teams, as ``teams.team_of`` reads them.
    """
    d = _Draw(rng, n)
    state: StateDict = {f.name: np.zeros((n, *f.shape), f.dtype) for f in FIELDS}
    put: dict[str, Array] = _members(d, given)
    mode = several_turns.modes(d)
    move = several_turns.moves_of(d, mode)
    slot = _in_a_slot(d, put, move)
    put |= _active(d, put, move, slot)
    put |= several_turns.fields(d, mode, move, put["order"][..., 0])
    put |= _volatiles(d, put, mode)
    _transform(d, put, mode)
    put |= {
        "seed": rng.integers(0, 2**32, (n, 2), dtype=np.uint32),
        "turn": np.where(d.chance(0.5), d.one_of(TURNS), d.below(1, 1001)),
        "last_damage": np.where(d.chance(0.7), d.one_of(LAST_DAMAGES), d.below(0, 704)),
        "request": np.ones((n, 2)),
        "winner": np.full(n, -1),
    }
    put["legal"] = _legal(put)
    for name, values in put.items():
        state[name] = np.asarray(values).astype(state[name].dtype)
    return state


def _members(d: _Draw, given: list[Any]) -> dict[str, Array]:
    rows = [teams.padded(teams.team_of(team)) for team in given]

    def column(name: str) -> Array:
        values = np.array([[getattr(member, name) for member in team] for team in rows])
        return np.asarray(values[chosen])

    chosen = d.below(0, len(rows), 2)
    species, level, moves = column("species"), column("level"), column("moves")
    ivs, evs = column("ivs"), column("evs")
    there = species > 0
    points = 2 * _species()[0][species] + ivs + evs // 4
    max_hp = np.where(there, (points[..., 0] + 100) * level // 100 + 10, 0)
    stats = np.where(there[..., None], points[..., 1:] * level[..., None] // 100 + 5, 0)
    front = (d.rng.random((d.n, 2, 6)) * there).argmax(-1)
    order = np.where(there, np.arange(6), -1)
    rank = np.arange(d.n)[:, None], np.arange(2)
    order[rank[0], rank[1], front], order[..., 0] = order[..., 0], front
    fainted = there & d.chance(0.25, 2, 6)
    fainted[rank[0], rank[1], front] = False
    hp = np.where(there, np.where(fainted, 0, _hit_points(d, max_hp)), 0)
    status = d.one_of(np.arange(7), 2, 6) * d.chance(0.4, 2, 6)
    status = np.where(there, np.where(fainted, int(Status.FNT), status), 0)
    asleep = status == Status.SLP
    most = _max_pp()[moves]
    pp = np.where(d.chance(0.2, 2, 6, 4), np.minimum(d.below(0, 3, 2, 6, 4), most), most)
    seen = np.zeros((d.n, 2, 6), np.int64)
    seen[rank[0], rank[1], front] = 1
    return {
        "species": species,
        "level": np.where(there, level, 0),
        "moves": moves,
        "spe_iv": np.where(there, ivs[..., 3], 0),
        "spe_ev": np.where(there, evs[..., 3], 0),
        "max_hp": max_hp,
        "base_stored_stats": stats,
        "order": order,
        "hp": hp,
        "status": status,
        "sleep_time": np.where(asleep, d.below(1, 8, 2, 6), 0),
        "sleep_by_own_side": asleep & d.chance(0.3, 2, 6),
        "pp": pp,
        "sub_fainted": there & ~fainted & d.chance(0.1, 2, 6),
        "revealed": seen,
        "front": front,
    }


def _hit_points(d: _Draw, max_hp: Array) -> Array:
    """Draw HP with the edges of the rules: 255 and 511 below the maximum, a quarter, a half."""
    edges = [max_hp, max_hp - 255, max_hp - 511, max_hp - 254, max_hp // 4, max_hp // 4 + 1]
    edges += [max_hp // 2, np.ones_like(max_hp), np.full_like(max_hp, 256)]
    which = d.below(0, 2 * len(edges), 2, 6)
    anywhere = 1 + (d.rng.random(max_hp.shape) * max_hp).astype(np.int64)
    hp = np.select([which == k for k in range(len(edges))], edges, anywhere)
    return np.clip(hp, 1, np.maximum(max_hp, 1))


def _of_front(values: Array, front: Array) -> Array:
    """Return what stands at the active member, [N, P, ...]."""
    return np.asarray(values[np.arange(len(front))[:, None], np.arange(2), front])


def _in_a_slot(d: _Draw, put: dict[str, Array], move: Array) -> Array:
    """Let every active Pokémon have a move, where there is one; return a slot, [N, P].

    Without one the slot is any that is filled. All moves are drawn into slots besides, so that each
    of them is met, not only what the teams have.
    """
    front = put["front"]
    rank = np.arange(d.n)[:, None], np.arange(2), front
    known = put["moves"][rank]
    slot = (d.rng.random((d.n, 2)) * (known > 0).sum(-1)).astype(np.int64)
    anything = np.where(d.chance(0.5, 2), d.below(1, 165, 2), 0)
    wanted = np.where(move > 0, move, anything)
    held = known == wanted[..., None]
    slot = np.where(held.any(-1) & (wanted > 0), held.argmax(-1), slot)
    at = (*rank, slot)
    new = (wanted > 0) & (put["moves"][at] != wanted)
    most = _max_pp()[wanted]
    pp = np.where(d.chance(0.2, 2), np.minimum(d.below(0, 3, 2), most), most)
    put["moves"][at] = np.where(new, wanted, put["moves"][at])
    put["pp"][at] = np.where(new, pp, put["pp"][at])
    # Metronome may have called the move.
    called = (move > 0) & ~(known == METRONOME).any(-1) & d.chance(0.1, 2)
    put["moves"][at] = np.where(called, METRONOME, put["moves"][at])
    put["pp"][at] = np.where(called, np.minimum(put["pp"][at], _max_pp()[METRONOME]), put["pp"][at])
    return slot


def _active(d: _Draw, put: dict[str, Array], move: Array, slot: Array) -> dict[str, Array]:
    front = put.pop("front")
    species, moves = _of_front(put["species"], front), _of_front(put["moves"], front)
    base, pp = _of_front(put["base_stored_stats"], front), _of_front(put["pp"], front)
    types = _species()[1][species]
    converted = d.chance(0.05, 2)[..., None]
    types = np.where(converted, _species()[1][d.below(1, 152, 2)], types)
    modified = np.where(d.chance(0.5, 2, 4), base, d.one_of(STATS, 2, 4))
    # Equal speeds are a rule of their own.
    tied = d.chance(0.15)
    modified[tied, 1, 2] = modified[tied, 0, 2]
    selected = np.take_along_axis(moves, slot[..., None], -1)[..., 0]
    # Mimic has put another move into a slot.
    mimicked = (d.chance(0.1, 2)[..., None]) & (np.arange(4) == slot[..., None])
    other = d.below(1, 165, 2, 4)
    fresh = mimicked & ~(other[..., None] == moves[..., None, :]).any(-1)
    fresh &= move[..., None] == 0
    any_move = d.below(0, 166, 2, 2)
    last = np.where(d.chance(0.8, 2), selected, any_move[..., 0])
    return {
        "active_species": species,
        "active_types": types,
        "stored_stats": base,
        "modified_stats": modified,
        "speed": modified[..., 2],
        "boosts": d.below(-6, 7, 2, 6) * d.chance(0.3, 2, 6),
        "active_moves": np.where(fresh, other, moves),
        "active_pp": np.where(fresh, np.minimum(pp, 5), pp),
        "active_own": (moves > 0) & ~fresh,
        "last_selected_move": np.where(move > 0, move, last),
        "last_selected_move_slot": slot,
        "last_move": any_move[..., 1],
        "active_last_move": np.where(d.chance(0.5, 2), any_move[..., 1], 0),
        "front_status": _of_front(put["status"], front),
        "front_hp": _of_front(put["max_hp"], front),
        "transformed": np.zeros((d.n, 2), bool),
    }


def _transform(d: _Draw, put: dict[str, Array], mode: Array) -> None:
    """Let one side of some states be transformed into the other."""
    side = d.below(0, 2)
    rank = np.arange(d.n)
    chosen = (
        d.chance(0.1) & (mode[rank, side] == Mode.NONE) & (put["disable_time"][rank, side] == 0)
    )
    rows, mine = rank[chosen], side[chosen]
    foe = 1 - mine
    for name in ("active_species", "active_types", "stored_stats", "active_moves"):
        put[name][rows, mine] = put[name][rows, foe]
    moves = put["active_moves"][rows, mine]
    put["active_own"][rows, mine] = False
    put["active_pp"][rows, mine] = np.where(moves > 0, d.below(0, 6, 4)[chosen], 0)
    slot = (d.rng.random(len(rows)) * (moves > 0).sum(-1)).astype(np.int64)
    put["last_selected_move_slot"][rows, mine] = slot
    put["last_selected_move"][rows, mine] = moves[np.arange(len(rows)), slot]
    put["transformed"][rows, mine] = True


def _volatiles(d: _Draw, put: dict[str, Array], mode: Array) -> dict[str, Array]:
    max_hp = put.pop("front_hp")
    # Showdown counts for whoever is badly poisoned; others may have the count of a cured one.
    counts = (put["front_status"] == Status.TOX) | d.chance(0.2, 2)

    def sometimes(low: int, high: Any, p: float = 0.12) -> Array:
        return np.where(d.chance(p, 2), d.below(low, high, 2), 0)

    moves = put["active_moves"]
    disabled = d.chance(0.12, 2)
    slot = (d.rng.random((d.n, 2)) * (moves > 0).sum(-1)).astype(np.int64)
    disabled_move = np.take_along_axis(moves, slot[..., None], -1)[..., 0]
    return {
        # Neither in the middle of something nor trapped.
        "must_recharge": d.chance(0.08, 2) & (mode == Mode.NONE) & (mode[:, ::-1] != Mode.LOCK),
        "confusion_time": sometimes(1, 6),
        "flinch": d.chance(0.08, 2),
        "disable_time": np.where(disabled, d.below(1, 9, 2), 0),
        "disable_slot": np.where(disabled, slot, -1),
        "disable_move": np.where(disabled, disabled_move, 0),
        "residual_damage_counter": np.where(counts, d.below(0, 16, 2), -1),
        "focus_energy": d.chance(0.12, 2),
        "leech_seed": d.chance(0.15, 2),
        "light_screen": d.chance(0.15, 2),
        "reflect": d.chance(0.15, 2),
        "mist": d.chance(0.12, 2),
        "substitute_hp": np.where(d.chance(0.2, 2), d.below(1, max_hp // 4 + 2, 2), 0),
    }


def _legal(put: dict[str, Array]) -> Array:
    """Return the bits of the legal actions, [N, P]."""
    benched = (put["hp"] > 0) & (np.arange(6) != put["order"][..., :1])
    bench = (benched << (FIRST_SWITCH + np.arange(6))).sum(-1)
    usable = (put["active_moves"] > 0) & (put["active_pp"] > 0)
    usable &= np.arange(4) != put["disable_slot"][..., None]
    helpless = np.isin(put.pop("front_status"), (Status.FRZ, Status.SLP))
    one, stays = several_turns.restricted(put, helpless)
    single = 1 << put["last_selected_move_slot"]
    moves = np.where(one | ~usable.any(-1), single, (usable << np.arange(4)).sum(-1))
    return np.asarray(np.where(stays, moves, moves | bench))
