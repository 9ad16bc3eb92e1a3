"""Cards, effect codes and decks of A1 and P-A, as records: what reference and fast rules share.

``cards.jsonl`` has a card a line, ``effects.jsonl`` the effect codes of the first printing of each
card that has any, ``decks.jsonl`` twelve tournament decks. ``build.py`` made them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

ENERGY = "GRWLPFDM"
"""Types of Energy, in the order of rule N-2; a type's number is its place here."""
TYPES = ENERGY + "NC"
"""Types of Pokémon: dragon and colourless besides."""
COLOURLESS = "C"
READ_BY_NAME = frozenset({"own_uses_of", "own_used_last_turn", "own_attack_more"})
"""Effects that ask for an attack by its name."""


@dataclass(frozen=True)
class Attack:
    """An attack of a card.

    Attributes:
        name: for people, and for effects that ask for it.
        cost: letters of ``ENERGY`` and C, as ``LC``.
        damage: the printed number, 0 if there is none.
        ops: effect codes in the order of their execution, see ``Op``.
    """

    name: str
    cost: str
    damage: int
    ops: tuple[Op, ...] = ()


@dataclass(frozen=True)
class Op:
    """One effect code with its parameters; rules X say what it does."""

    code: str
    params: Mapping[str, Any]

    @property
    def gate(self) -> str | None:
        """``heads``, ``tails``, ``all_heads`` or None: of the last FLIP before it."""
        gate: str | None = self.params.get("gate")
        return gate


@dataclass(frozen=True)
class Ability:
    """An Ability of a card.

    Attributes:
        name: for people.
        trigger: ``once_per_turn``, ``passive``, ``on_damaged_by_attack``, ``on_zone_attach`` or
            ``end_of_own_first_turn``.
        active_only: works in the Active Spot alone.
        energy: the type that ``on_zone_attach`` waits for, else None.
        ops: as in an attack.
    """

    name: str
    trigger: str
    active_only: bool
    energy: str | None
    ops: tuple[Op, ...]


@dataclass(frozen=True)
class Card:
    """A card. What a Trainer does not have is empty; a fossil has it as the Pokémon in play.

    Attributes:
        index: from 1, in the order of ``cards.jsonl``.
        id: set and number, as ``A1-096``.
        name: the exact name (rule N-9).
        kind: ``pokemon``, ``item`` or ``supporter``.
        fossil: an Item that is played as a Basic Pokémon.
        functional: index of the first printing that plays the same.
        type: a letter of ``TYPES``.
        stage: 0 Basic, 1, 2.
        evolves_from: name of the stage before, or None.
        hp: hit points.
        retreat: Energy that a retreat costs.
        weakness: a letter of ``ENERGY``, or None.
        ex: whether its knock-out gives two points.
        attacks: up to two.
        ability: if it has one.
        ops: of a Trainer.
    """

    index: int
    id: str
    name: str
    kind: str
    fossil: bool
    functional: int
    type: str = ""
    stage: int = 0
    evolves_from: str | None = None
    hp: int = 0
    retreat: int = 0
    weakness: str | None = None
    ex: bool = False
    attacks: tuple[Attack, ...] = ()
    ability: Ability | None = None
    ops: tuple[Op, ...] = ()

    @property
    def basic(self) -> bool:
        """Whether it is a Basic Pokémon card; a fossil in hand is not (rule P-9)."""
        return self.kind == "pokemon" and self.stage == 0


@dataclass(frozen=True)
class Deck:
    """A built-in deck: ``cards`` are indices, copies too, ``energy`` letters of ``ENERGY``."""

    name: str
    cards: tuple[int, ...]
    energy: str
    source: str = ""


@dataclass(frozen=True)
class Numbers:
    """Numbers of the rules that are no card's; those of the real game by default.

    Attributes:
        opening_hand: cards (S-3).
        hand_limit: cards up to which a hand takes more (H-1), at most 10.
        bench: places (N-4), at most 3.
        points_to_win: points (W-1).
        points_of_ex: for the knock-out of an ex (G-3).
        poison, burn: hit points in a Checkup (U-1, U-2).
        weakness: more damage (M-4).
    """

    opening_hand: int = 5
    hand_limit: int = 10
    bench: int = 3
    points_to_win: int = 3
    points_of_ex: int = 2
    poison: int = 10
    burn: int = 20
    weakness: int = 20


REAL = Numbers()


@dataclass(frozen=True)
class Tables:
    """All that the rules look up.

    Attributes:
        cards: entry 0 is a dummy, so that ``cards[index]`` is the card.
        watched: names of attacks that effects ask for, in alphabetical order, numbered from 1.
        variant: seed of ``tables.variants``, 0 for the real game.
        numbers: of the rules.
    """

    cards: tuple[Card, ...]
    watched: tuple[str, ...]
    by_id: Mapping[str, Card] = field(repr=False)
    variant: int = 0
    numbers: Numbers = REAL


def records(name: str) -> tuple[dict[str, Any], ...]:
    """Return the records of a file of this folder, such as ``cards``, in its order."""
    lines = (HERE / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(json.loads(line) for line in lines)


def tables_of(
    cards: Iterable[Mapping[str, Any]],
    effects: Iterable[Mapping[str, Any]],
    variant: int = 0,
    numbers: Numbers = REAL,
) -> Tables:
    """Make the tables from the records of ``cards.jsonl`` and ``effects.jsonl``."""
    by_card = {int(row["card"]): row["effects"] for row in effects}
    made = [Card(0, "", "", "none", fossil=False, functional=0)]
    made += [_card(row, by_card.get(int(row["functional"]), [])) for row in cards]
    by_id = {card.id: card for card in made[1:]}
    return Tables(tuple(made), _watched(made), by_id, variant, numbers)


@cache
def standard() -> Tables:
    """Return the tables of the real game."""
    return tables_of(records("cards"), records("effects"))


built_in_decks: dict[int, tuple[Deck, ...]] = {}
"""Variant -> its built-in decks."""


def decks_of(tables: Tables) -> tuple[Deck, ...]:
    """Return the built-in decks of tables."""
    return built_in_decks[tables.variant] if tables.variant else decks()


@cache
def decks() -> tuple[Deck, ...]:
    """Return the built-in decks of the real game."""
    by_id = standard().by_id
    return tuple(
        Deck(
            row["name"],
            tuple(by_id[id].index for id, count in row["cards"] for _ in range(count)),
            "".join(row["energy"]),
            row["source"],
        )
        for row in records("decks")
    )


def _ops(effects: Iterable[Mapping[str, Any]], at: str) -> tuple[Op, ...]:
    found = [effect["ops"] for effect in effects if effect["at"] == at]
    return tuple(Op(code, params) for ops in found for code, params in ops)


def _card(row: Mapping[str, Any], effects: list[Mapping[str, Any]]) -> Card:
    given = {key: value for key, value in row.items() if key not in ("attacks", "ability")}
    attacks = tuple(
        Attack(a["name"], a["cost"], a["damage"], _ops(effects, f"attack{number}"))
        for number, a in enumerate(row.get("attacks", ()))
    )
    texts = [effect for effect in effects if effect["at"] == "ability"]
    ability = None
    if texts:
        (text,) = texts
        ability = Ability(
            row["ability"],
            text["trigger"],
            text.get("where") == "active",
            text.get("type"),
            _ops(effects, "ability"),
        )
    return Card(**given, attacks=attacks, ability=ability, ops=_ops(effects, "trainer"))


def _watched(cards: Iterable[Card]) -> tuple[str, ...]:
    every = [op for card in cards for attack in card.attacks for op in attack.ops]
    names = {
        op.params["attack"]
        for op in every
        if READ_BY_NAME & {op.params.get(key) for key in ("count", "if", "kind")}
    }
    return tuple(sorted(names))
