"""Other games of the same kind, made from a seed: they show that nobody recites a game she knows.

A variant changes numbers (HP, costs, damage, retreats, Weakness, hand and Bench sizes, points,
poison, burn), gives effects to other cards with other parameters, exchanges the types of Energy,
and names everything anew. The plain rules and the fast ones read these tables and nothing else.
``seed`` 0 is the real game.

The fast rules have the tables in their compiled code, so a process plays one variant (``choose``).
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from envlift.envs.tcg_pocket.tables import (
    ENERGY,
    Deck,
    Numbers,
    Tables,
    built_in_decks,
    decks_of,
    records,
    standard,
    tables_of,
)

COMPILED = "envlift.envs.tcg_pocket.rules.data"
TENS = ("HEAL", "HIT", "SELF_DAMAGE", "DMG_ADD", "TAKES_LESS", "COUNTER", "TURN_DAMAGE")
"""Codes whose ``n`` is a number of hit points."""
FEW = {"DRAW": 3, "MILL": 3, "LOOK": 4, "FIND": 2, "DISCARD_HAND": 2, "DISCARD_OPP_ENERGY": 2}
FEW |= {"DISCARD_OWN_ENERGY": 3, "ZONE_ENERGY": 3, "TURN_RETREAT": 2}
"""Codes whose ``n`` counts things, and the most of a variant."""
COUNTS = {"coins": 4, "times": 4, "at_least": 3, "choose": 3, "draw": 5}
STATUSES = ("Poisoned", "Burned", "Asleep", "Paralyzed", "Confused")
SYLLABLES = ("ba", "do", "ki", "lu", "me", "no", "pra", "quo", "ri", "sta", "tu", "ve", "xo", "zan")

Record = dict[str, Any]


class _Maker:
    """Draws one variant."""

    def __init__(self, seed: int) -> None:
        self.seed, self.rng = seed, random.Random(seed)
        drawn = list(ENERGY)
        self.rng.shuffle(drawn)
        self.types = dict(zip(ENERGY, drawn, strict=True))
        self.names: dict[str, str] = {}

    def name(self, old: str) -> str:
        """Return the new name of a card, an attack or an Ability; equal ones stay equal."""
        if old not in self.names:
            taken = set(self.names.values())
            while True:
                word = "".join(self.rng.choices(SYLLABLES, k=self.rng.choice((2, 3)))).title()
                if word not in taken:
                    break
            self.names[old] = word
        return self.names[old]

    def tens(self, old: int, least: int = 10) -> int:
        """Return a number of hit points near another."""
        return max(least, old + self.rng.choice((-20, -10, 0, 10, 20)))

    def cost(self, old: str) -> str:
        """Return a cost, a symbol longer or shorter now and then."""
        letters = [self.types.get(letter, letter) for letter in old]
        change = self.rng.choice((-1, 0, 0, 1))
        if change < 0 and len(letters) > 1:
            letters.remove(self.rng.choice(letters))
        elif change > 0 and len(letters) < 4:
            letters.append(self.rng.choice((*letters, "C")))
        return "".join(letters)

    def card(self, row: Record) -> Record:
        """Return what a card is in the variant, but for its effects and whether it is an ex."""
        made = dict(row)
        made["id"] = f"V{self.seed}-{row['index']:03d}"
        made["name"] = self.name(row["name"])
        if "hp" not in row:
            return made
        made["type"] = self.types.get(row["type"], row["type"])
        made["evolves_from"] = row["evolves_from"] and self.name(row["evolves_from"])
        made["hp"] = self.tens(row["hp"], 30)
        made["retreat"] = min(4, max(0, row["retreat"] + self.rng.choice((-1, 0, 0, 1))))
        if row["weakness"] is not None:
            made["weakness"] = self.rng.choice((*ENERGY, *2 * [self.types[row["weakness"]]]))
        made["ability"] = row["ability"] and self.name(row["ability"])
        made["attacks"] = [
            {
                "name": self.name(attack["name"]),
                "cost": self.cost(attack["cost"]),
                "damage": self.tens(attack["damage"]) if attack["damage"] else 0,
            }
            for attack in row["attacks"]
        ]
        return made

    def cards(self) -> list[Record]:
        """Return all cards; printings that play the same still do."""
        rows = records("cards")
        first = {row["index"]: self.card(row) for row in rows if row["functional"] == row["index"]}
        holders = [row for row in first.values() if "ex" in row and not row["fossil"]]
        flags = [row["ex"] for row in holders]
        self.rng.shuffle(flags)
        for row, flag in zip(holders, flags, strict=True):
            row["ex"] = flag
        own = ("index", "functional")
        return [
            {**first[row["functional"]], **{name: row[name] for name in own}}
            | {"id": f"V{self.seed}-{row['index']:03d}"}
            for row in rows
        ]

    def param(self, code: str, key: str, value: Any) -> Any:
        """Return a parameter of an effect code as the variant has it."""
        if key in ("type", "to_type", "from_type"):
            return self.types.get(value, value)
        if key in ("names", "to_names", "if_in_play"):
            return [self.name(name) for name in value]
        if key in ("name", "attack"):
            return self.name(value)
        if key == "status":
            return self.rng.choice(STATUSES)
        if key == "chooser":
            return self.rng.choice(("player", "opponent"))
        if not isinstance(value, int) or isinstance(value, bool):
            return value
        if key == "per" or (key == "n" and (code in TENS or code == "NEXT_TURN")):
            return self.tens(value)
        if key in COUNTS:
            return self.rng.randint(1, COUNTS[key])
        if key == "n" and code in FEW:
            return self.rng.randint(1, FEW[code])
        return value

    def ops(self, given: Iterable[tuple[str, Mapping[str, Any]]]) -> list[Any]:
        """Return effect codes with other parameters; gates of a coin may be turned."""
        given = list(given)
        turned = self.rng.random() < 0.3 and not any(
            params.get("gate") == "all_heads" for _, params in given
        )
        turn = {"heads": "tails", "tails": "heads"} if turned else {}
        return [
            [
                code,
                {
                    key: turn.get(value, value) if key == "gate" else self.param(code, key, value)
                    for key, value in params.items()
                },
            ]
            for code, params in given
        ]

    def effects(self) -> list[Record]:
        """Return the effects: those of a kind have changed their cards."""
        rows = [{"card": r["card"], "effects": [dict(e) for e in r["effects"]]} for r in _effects()]
        groups: dict[tuple[str, ...], list[Record]] = {}
        kinds = {row["index"]: (row["kind"], str(row["fossil"])) for row in records("cards")}
        for row in rows:
            for effect in row["effects"]:
                groups.setdefault(_group(effect, kinds[row["card"]]), []).append(effect)
        for members in groups.values():
            given = [effect["ops"] for effect in members]
            self.rng.shuffle(given)
            for effect, ops in zip(members, given, strict=True):
                effect["ops"] = self.ops(ops)
                if "type" in effect:
                    effect["type"] = self.types[effect["type"]]
        return rows

    def numbers(self) -> Numbers:
        """Return the numbers of the rules."""
        draw: Callable[[int, int], int] = self.rng.randint
        return Numbers(
            opening_hand=draw(4, 7),
            hand_limit=draw(7, 10),
            bench=draw(2, 3),
            points_to_win=draw(2, 4),
            points_of_ex=draw(1, 3),
            poison=10 * draw(1, 2),
            burn=10 * draw(1, 3),
            weakness=10 * draw(1, 3),
        )

    def decks(self, tables: Tables) -> tuple[Deck, ...]:
        """Return the built-in decks, cards and types exchanged as everything else."""
        return tuple(
            Deck(
                f"{tables.cards[deck.cards[0]].name} {number}",
                deck.cards,
                "".join(
                    letter for letter in ENERGY if letter in {self.types[e] for e in deck.energy}
                ),
            )
            for number, deck in enumerate(decks_of(standard()), 1)
        )


def _effects() -> tuple[Record, ...]:
    return records("effects")


def _group(effect: Mapping[str, Any], kind: tuple[str, ...]) -> tuple[str, ...]:
    """Return among which others an effect may be exchanged."""
    if effect["at"] == "ability":
        return ("ability", effect["trigger"])
    return ("trainer", *kind) if effect["at"] == "trainer" else ("attack",)


@cache
def variant(seed: int) -> Tables:
    """Return the tables of a variant; 0 is the real game.

    Raises:
        ValueError: for a seed that is no whole number from 0 on.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ValueError(
            f"variant={seed!r} is not known; it is a whole number, 0 for the real game"
        )
    if seed == 0:
        return standard()
    maker = _Maker(seed)
    tables = tables_of(maker.cards(), maker.effects(), seed, maker.numbers())
    built_in_decks[seed] = maker.decks(tables)
    return tables


_CHOSEN = [0]


def choose(seed: int) -> Tables:
    """Have this process play a variant, from before its rules are compiled on.

    Raises:
        ValueError: for a seed that is not known, or where the rules of another one are compiled.
    """
    tables = variant(seed)
    if COMPILED in sys.modules and seed != _CHOSEN[0]:
        raise ValueError(
            f"this process plays variant {_CHOSEN[0]} and cannot play variant {seed} too: the "
            "tables are compiled into the rules; use a process for each"
        )
    _CHOSEN[0] = seed
    return tables


def playing() -> Tables:
    """Return the tables that this process plays."""
    return variant(_CHOSEN[0])
