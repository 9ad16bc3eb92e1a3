"""The oddities of generation 1 as features: what shows, before and after a decision, that one came.

Shape letters: ``T`` steps, ``B`` lanes, ``P`` = 2 sides, ``M`` = 6 members.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from envlift.envs.pokemon import tables
from envlift.envs.pokemon.rules.gen1.parts.ids import TYPES, Stat, Status
from envlift.reference.types import Array
from envlift.verify.suite import Feature, Trace

GIVEN = ("gen1ou", "gen1customgame")
"""Configurations in which every move is played."""
SWITCH = 4

_MOVES = tables.records("gen1", "moves")


def _table(of: Callable[[dict[str, object]], object]) -> Array:
    """Return what holds of each move by its number; nothing holds of none and cannotmove."""
    rows = [bool(of(move)) for move in sorted(_MOVES, key=lambda m: int(m["num"]))]
    return np.array([False, *rows, False])


def _effect(*names: str) -> Array:
    return _table(lambda m: m["effect"] in names)


def _named(*ids: str) -> Array:
    return _table(lambda m: m["id"] in ids)


COUNTERED = _table(
    lambda m: m["type"] in ("Normal", "Fighting") and m["power"] and m["id"] != "counter"
)
LOWERS, SLEEP = _effect("BOOST_FOE"), _table(lambda m: m["id"] in ("sing", "spore", "hypnosis"))
BURNS = _table(lambda m: m["effect"] == "SECONDARY_STATUS" and m["params"]["status"] == "brn")  # type: ignore[index]
CHARGES = _effect("CHARGE", "CHARGE_INVULNERABLE")
GHOST = TYPES.index("Ghost")


def foe(values: Array) -> Array:
    """Swap the sides of [T, B, P, ...]."""
    return np.asarray(values[:, :, ::-1])


def of_active(values: Array, order: Array) -> Array:
    """Return what stands at the active members, [T, B, P]."""
    return np.asarray(np.take_along_axis(values, order[..., :1].astype(np.int64), -1)[..., 0])


class _Look:
    """A trace with what most features ask of it, [T, B, P] each."""

    def __init__(self, trace: Trace) -> None:
        self.before, self.after = trace.before, trace.final
        self.moves = (trace.action < SWITCH) & (trace.before["request"] == 1)
        self.switches = (trace.action >= SWITCH) & (trace.before["request"] != 0)
        self.stays = self.before["order"][..., 0] == self.after["order"][..., 0]
        self.last = np.where(self.moves, self.after["last_move"], 0)
        self.hp = of_active(self.before["hp"], self.before["order"])
        self.hp_after = of_active(self.after["hp"], self.after["order"])
        self.max_hp = of_active(self.before["max_hp"], self.before["order"])
        self.status = of_active(self.before["status"], self.before["order"])
        self.status_after = of_active(self.after["status"], self.after["order"])
        self.member_hp = np.take_along_axis(
            self.after["hp"], self.before["order"][..., :1].astype(np.int64), -1
        )[..., 0]
        slot = self.before["last_selected_move_slot"][..., None].astype(np.int64)
        self.held = np.take_along_axis(self.before["active_moves"], slot, -1)[..., 0]

    def used(self, table: Array) -> Array:
        """Who used a move that a table names, as far as the last move tells."""
        return np.asarray(table[self.last])


Shown = Callable[[_Look], Array]


def _flinch_stays(x: _Look) -> Array:
    return x.after["flinch"] & (x.after["request"] == 2).any(-1, keepdims=True)


def _bide_forgets(x: _Look) -> Array:
    lasts = (x.before["bide_time"] > 0) & (x.after["bide_time"] > 0) & x.stays
    return lasts & (x.before["bide_damage"] > 0) & (x.after["bide_damage"] == 0)


def _toxic_weakens(x: _Look) -> Array:
    was, now = x.before["status"] == Status.TOX, x.after["status"] == Status.PSN
    return np.asarray((was & now).any(-1))


def _enters_ill(x: _Look) -> Array:
    ill = (x.status_after == Status.PSN) | (x.status_after == Status.BRN)
    return x.switches & ill & ~x.stays


def _pp_wraps(x: _Look) -> Array:
    return np.asarray(((x.before["active_pp"] == 0) & (x.after["active_pp"] == 63)).any(-1))


def _metronome_lock(x: _Look) -> Array:
    locked = x.before["partial_trapping_lock_duration"] > 0
    return locked & _named("metronome")[x.held] & foe(x.switches)


def _metronome_charges(x: _Look) -> Array:
    begins = (x.after["two_turn_move"] > 0) & (x.before["two_turn_move"] == 0)
    slot = x.after["last_selected_move_slot"][..., None].astype(np.int64)
    held = np.take_along_axis(x.after["active_moves"], slot, -1)[..., 0]
    return begins & _named("metronome")[held]


def _hits_the_air(x: _Look) -> Array:
    aloft = foe(x.before["invulnerability"] & x.after["invulnerability"])
    return x.used(_named("swift")) & aloft & (foe(x.member_hp) < foe(x.hp))


def _thrash_confuses(x: _Look) -> Array:
    ends = (x.before["locked_move"] > 0) & (x.after["locked_move"] == 0) & x.stays
    return ends & (x.after["confusion_time"] > 0) & (x.before["confusion_time"] == 0)


def _explosion_spares(x: _Look) -> Array:
    broke = (foe(x.before["substitute_hp"]) > 0) & (foe(x.after["substitute_hp"]) == 0)
    return x.used(_effect("SELFDESTRUCT")) & broke & (x.member_hp > 0) & foe(x.stays)


def _ohko_on_faster(x: _Look) -> Array:
    speed = x.before["modified_stats"][..., Stat.SPE]
    return x.used(_effect("OHKO")) & (foe(speed) > speed) & x.stays & foe(x.stays)


def _sleep_on_recharge(x: _Look) -> Array:
    lands = (x.status != Status.SLP) & (x.status_after == Status.SLP) & x.stays
    return lands & x.before["must_recharge"] & ~x.after["must_recharge"]


def _doubled_over_1023(x: _Look) -> Array:
    screened = x.before["reflect"] & (x.before["modified_stats"][..., Stat.DEF] >= 512)
    hit = x.stays & (x.member_hp < x.hp)
    return screened & hit


def _speed_quartered_again(x: _Look) -> Array:
    both = (x.status == Status.PAR) & (x.status_after == Status.PAR) & x.stays
    before, after = x.before["modified_stats"], x.after["modified_stats"]
    same = x.before["boosts"][..., Stat.SPE] == x.after["boosts"][..., Stat.SPE]
    return both & same & (after[..., Stat.SPE] < before[..., Stat.SPE])


def _attack_halved_again(x: _Look) -> Array:
    both = (x.status == Status.BRN) & (x.status_after == Status.BRN) & x.stays
    before, after = x.before["modified_stats"], x.after["modified_stats"]
    same = x.before["boosts"][..., Stat.ATK] == x.after["boosts"][..., Stat.ATK]
    return both & same & (after[..., Stat.ATK] < before[..., Stat.ATK])


def _rage_builds(x: _Look) -> Array:
    more = x.after["boosts"][..., Stat.ATK] > x.before["boosts"][..., Stat.ATK]
    return (x.before["rage_accuracy"] > 0) & more & x.stays


def _toxic_feeds_seed(x: _Look) -> Array:
    counter = "residual_damage_counter"
    counts = (x.before[counter] >= 0) & (x.after[counter] >= x.before[counter] + 2)
    return counts & x.before["leech_seed"] & x.stays


def _substitute_kills(x: _Look) -> Array:
    fatal = (x.hp == x.max_hp // 4) & (x.member_hp == 0)
    return x.used(_named("substitute")) & fatal


def _confused_behind_substitutes(x: _Look) -> Array:
    both = (x.before["substitute_hp"] > 0).all(-1, keepdims=True)
    return x.moves & both & (x.before["confusion_time"] > 1)


def _broken_substitute_spares_recharge(x: _Look) -> Array:
    broke = (foe(x.before["substitute_hp"]) > 0) & (foe(x.after["substitute_hp"]) == 0)
    beam = x.used(_effect("RECHARGE")) & foe(x.stays)
    return beam & broke & (foe(x.member_hp) > 0) & ~x.after["must_recharge"]


def _knock_out_spares_recharge(x: _Look) -> Array:
    out = (foe(x.hp) > 0) & (foe(x.member_hp) == 0)
    return x.used(_effect("RECHARGE")) & out & ~x.after["must_recharge"]


def _ghost_is_trapped(x: _Look) -> Array:
    ghost = (foe(x.before["active_types"]) == GHOST).any(-1) & foe(x.stays)
    begins = (x.after["partial_trapping_lock_duration"] > 0) & x.used(_effect("TRAPPING"))
    return ghost & begins & (x.after["partial_trapping_lock_damage"] == 0)


def _counter_hits(x: _Look) -> Array:
    hurt = foe(x.member_hp) < foe(x.hp)
    return x.used(_named("counter")) & hurt & (x.after["last_damage"] > 0)[..., None]


def _counter_of_another_choice(x: _Look) -> Array:
    used, chosen = foe(x.after["last_move"]), foe(x.after["last_selected_move"])
    return x.used(_named("counter")) & COUNTERED[used] & ~COUNTERED[chosen]


def _haze_wakes(x: _Look) -> Array:
    helpless = (x.status == Status.SLP) | (x.status == Status.FRZ)
    cured = helpless & (x.status_after == Status.NONE) & x.stays
    return cured & foe(x.used(_named("haze")))


def _mist_holds(x: _Look) -> Array:
    same = (foe(x.before["boosts"]) == foe(x.after["boosts"])).all(-1)
    return x.used(LOWERS) & foe(x.before["mist"] & x.stays) & same


def _fire_thaws(x: _Look) -> Array:
    thawed = (x.status == Status.FRZ) & (x.status_after == Status.NONE) & x.stays
    return thawed & foe(x.used(BURNS))


def _dream_eater_at_substitute(x: _Look) -> Array:
    asleep = foe((x.status == Status.SLP) & (x.before["substitute_hp"] > 0) & x.stays)
    return x.used(_named("dreameater")) & asleep


def _paralysed_in_the_air(x: _Look) -> Array:
    return np.asarray(x.after["invulnerability"] & (x.after["two_turn_move"] == 0))


def _mimics(x: _Look) -> Array:
    foreign = (x.after["active_moves"] > 0) & ~x.after["active_own"]
    return foreign.any(-1) & ~x.after["transformed"]


def _rests(x: _Look) -> Array:
    return np.asarray((x.after["sleep_by_own_side"] & ~x.before["sleep_by_own_side"]).any(-1))


def _told_to_fight(x: _Look) -> Array:
    cannot = len(_MOVES) + 1
    return (x.after["last_selected_move"] == cannot) & (x.before["last_selected_move"] != cannot)


def _recovers_at_an_odd_number(x: _Look) -> Array:
    missing = x.max_hp - x.hp
    odd = ((missing == 255) | (missing == 511)) & (x.hp % 256 != 0) & (x.member_hp <= x.hp)
    return x.used(_effect("HEAL_HALF", "REST")) & odd & x.stays


def _sleep_clause(x: _Look) -> Array:
    asleep = (x.before["status"] == Status.SLP) & ~x.before["sleep_by_own_side"]
    bench = asleep & (np.arange(6) != x.before["order"][..., :1]) & (x.before["hp"] > 0)
    spared = (x.status == Status.NONE) & (x.status_after == Status.NONE) & x.stays
    return foe(x.used(SLEEP)) & bench.any(-1) & spared & (x.before["substitute_hp"] == 0)


QUIRKS: dict[str, tuple[Shown, tuple[str, ...]]] = {
    "a flinch outlives the turn, since a faint emptied the queue": (_flinch_stays, GIVEN),
    "a faint makes Bide forget": (_bide_forgets, GIVEN),
    "toxic becomes poison at a switch": (_toxic_weakens, GIVEN),
    "somebody enters poisoned or burned": (_enters_ill, ()),
    "PP go from 0 to 63": (_pp_wraps, GIVEN),
    "the foe of a lock by Metronome leaves": (_metronome_lock, GIVEN),
    "Metronome charges": (_metronome_charges, GIVEN),
    "Swift hits who is out of reach": (_hits_the_air, GIVEN),
    "Thrash ends in confusion": (_thrash_confuses, GIVEN),
    "a broken substitute saves who explodes": (_explosion_spares, GIVEN),
    "a one-hit move at somebody faster": (_ohko_on_faster, GIVEN),
    "sleep lands on who recharges": (_sleep_on_recharge, GIVEN),
    "a screen doubles a defense past 1,023": (_doubled_over_1023, GIVEN),
    "paralysis quarters speed once more": (_speed_quartered_again, GIVEN),
    "a burn halves attack once more": (_attack_halved_again, GIVEN),
    "Rage builds": (_rage_builds, GIVEN),
    "Leech Seed counts with Toxic": (_toxic_feeds_seed, GIVEN),
    "a substitute costs the last HP": (_substitute_kills, GIVEN),
    "confused while both have substitutes": (_confused_behind_substitutes, GIVEN),
    "a broken substitute spares recharging": (
        _broken_substitute_spares_recharge,
        GIVEN,
    ),
    "a knock-out spares recharging": (_knock_out_spares_recharge, ()),
    "a ghost is trapped without damage": (_ghost_is_trapped, GIVEN),
    "Counter hits": (_counter_hits, GIVEN),
    "Counter where used and chosen differ": (_counter_of_another_choice, GIVEN),
    "Haze wakes or thaws": (_haze_wakes, GIVEN),
    "Mist holds": (_mist_holds, GIVEN),
    "fire thaws": (_fire_thaws, GIVEN),
    "Dream Eater at a substitute": (_dream_eater_at_substitute, GIVEN),
    "out of reach without charging": (_paralysed_in_the_air, GIVEN),
    "Mimic has another's move": (_mimics, GIVEN),
    "Rest": (_rests, ()),
    "trapped, told to fight": (_told_to_fight, GIVEN),
    "healing fails 255 or 511 below the maximum": (_recovers_at_an_odd_number, GIVEN),
    "the sleep clause spares": (_sleep_clause, ("gen1ou",)),
}


def _feature(name: str, shown: Shown, configs: tuple[str, ...]) -> Feature:
    def reached(trace: Trace) -> Array:
        found = np.asarray(shown(_Look(trace)))
        return found if found.ndim == 2 else np.asarray(found.any(-1))

    return Feature(name, reached, configs)


FEATURES = tuple(_feature(name, *about) for name, about in QUIRKS.items())
