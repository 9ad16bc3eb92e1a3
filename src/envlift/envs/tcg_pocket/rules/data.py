"""The tables as Warp sees them: cards, attacks and effect codes in rows of numbers.

Effect codes of all cards lie one behind the other in one table; a card's row says where its begin.
"""

# mypy: ignore-errors

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from envlift.envs.tcg_pocket import tables
from envlift.envs.tcg_pocket.rules import ids
from envlift.envs.tcg_pocket.rules.ids import (
    Code,
    Condition,
    Count,
    Gate,
    Kind,
    Lasting,
    Pick,
    Test,
    To,
    Trigger,
    Where,
    Who,
)
from envlift.envs.tcg_pocket.tables.variants import playing
from envlift.targets.warp_numbers import lookup

Card = IntEnum(
    "Card",
    "KIND FOSSIL NAME TYPE STAGE EVOLVES_FROM HP RETREAT WEAKNESS POINTS ATTACKS TRIGGER "
    "ACTIVE_ONLY TRIGGER_TYPE ABILITY_OPS NUM_ABILITY_OPS TRAINER_OPS NUM_TRAINER_OPS",
    start=0,
)
"""Columns of a card; names are numbers, 0 for none; types -1 for none."""

Attack = IntEnum("Attack", "G R W L P F D M TOTAL DAMAGE WATCHED OPS NUM_OPS COPIES", start=0)
"""Columns of an attack, at row ``2 * card + attack``: its cost by type and in all (colourless
included), the printed damage, its number among the watched, its effect codes, whether it copies."""

Op = IntEnum(
    "Op",
    "CODE GATE N WHO SIDE WHERE PICK TO TYPE TO_TYPE COUNT TEST STATUS LASTING TIMES ATTACK "
    "CHOOSER BASIC NAME_0 NAME_1 NAME_2",
    start=0,
)
"""Columns of an effect code. ``SIDE``: 0 own, 1 the opponent's, 2 both."""

NAMES = 3
SIDES = {"own": 0, "opp": 1, "both": 2}
ENERGY = tables.ENERGY
TYPES = tables.TYPES


def type_of(letter: str | None) -> int:
    """Return the number of a type, -1 for none."""
    return -1 if letter in (None, "", "any") else TYPES.index(letter)


class Rows:
    """The rows of tables.

    Attributes:
        cards: by card, row 0 none.
        attacks: by ``2 * card + attack``.
        ops: effect codes; row 0 none.
        names: name -> number.
    """

    def __init__(self, given: tables.Tables) -> None:
        """Make the rows.

        Raises:
            ValueError: for an effect code or a parameter that the rules do not know.
        """
        self.names: dict[str, int] = {}
        self.points_of_ex = given.numbers.points_of_ex
        self.watched = {name: k for k, name in enumerate(given.watched, 1)}
        self.ops = [[0] * len(Op)]
        self.attacks: list[list[int]] = []
        for card in given.cards:
            if card.name:
                self.name(card.name)
        self.cards = [self.card_row(card) for card in given.cards]

    def name(self, name: str | None) -> int:
        """Return the number of a name, 0 for none."""
        return 0 if not name else self.names.setdefault(name, len(self.names) + 1)

    def card_row(self, card: tables.Card) -> list[int]:
        """Return the row of a card; its attacks' rows are made too."""
        for number in range(2):
            attack = card.attacks[number] if number < len(card.attacks) else None
            self.attacks.append(self.attack_row(attack))
        ability = card.ability
        row = {
            "KIND": Kind[card.kind.upper()],
            "FOSSIL": card.fossil,
            "NAME": self.name(card.name),
            "TYPE": type_of(card.type),
            "STAGE": card.stage,
            "EVOLVES_FROM": self.name(card.evolves_from),
            "HP": card.hp,
            "RETREAT": card.retreat or 0,
            "WEAKNESS": type_of(card.weakness),
            "POINTS": self.points_of_ex if card.ex else 1,
            "ATTACKS": len(card.attacks),
            "TRIGGER": Trigger[ability.trigger.upper()] if ability else 0,
            "ACTIVE_ONLY": ability.active_only if ability else 0,
            "TRIGGER_TYPE": type_of(ability.energy) if ability else -1,
            "ABILITY_OPS": self.put_ops(ability.ops if ability else ()),
            "NUM_ABILITY_OPS": len(ability.ops) if ability else 0,
            "TRAINER_OPS": self.put_ops(card.ops),
            "NUM_TRAINER_OPS": len(card.ops),
        }
        return [int(row[column.name]) for column in Card]

    def attack_row(self, attack: tables.Attack | None) -> list[int]:
        """Return the row of an attack, or of none."""
        if attack is None:
            return [0] * len(Attack)
        cost = [attack.cost.count(letter) for letter in ENERGY]
        copies = any(op.code == "COPY_ATTACK" for op in attack.ops)
        watched = self.watched.get(attack.name, 0)
        start = self.put_ops(attack.ops)
        return [*cost, len(attack.cost), attack.damage, watched, start, len(attack.ops), copies]

    def put_ops(self, ops: tuple[tables.Op, ...]) -> int:
        """Append effect codes; return where they begin."""
        start = len(self.ops)
        self.ops += [self.op_row(op.code, op.params) for op in ops]
        return start if ops else 0

    def op_row(self, code: str, params: Mapping[str, Any]) -> list[int]:
        """Return the row of an effect code."""
        left = dict(params)
        row = dict.fromkeys((column.name for column in Op), 0)
        row |= {"CODE": Code[code], "TYPE": ids.ANY, "TO_TYPE": ids.ANY, "TIMES": 1}
        # The parameters and what becomes of them; what is left over is unknown.
        words = {"all": ids.ALL, "damage_done": ids.DAMAGE_DONE, "heads": ids.HEADS_AMOUNT}
        if code == "LOOK":
            row["SIDE"] = {"opp_hand": 1, "own_deck_top": 0}[left.pop("what")]
        if code == "FIND":
            row["BASIC"] = {"basic": 1, "pokemon": 0}[left.pop("what")]
            left["names"] = [left.pop("name")] if "name" in left else []
        if code == "NEXT_TURN":
            row["LASTING"] = Lasting[left.pop("kind").upper()]
            # 1 damage, 2 effects of attacks too
            row["PICK"] = {None: 0, "damage": 1, "damage_and_effects": 2}[left.pop("what", None)]
        for key, value in left.items():
            if key in ("n", "per", "coins", "draw"):
                row["N"] = ids.UNTIL_TAILS if value == "until_tails" else words.get(value, value)
            elif key == "gate":
                row["GATE"] = Gate[value.upper()]
            elif key == "who":
                row["WHO"] = Who[value.upper()]
            elif key == "side":
                row["SIDE"] = SIDES[value]
            elif key == "where":
                row["WHERE"] = Where[value.upper()]
            elif key == "pick":
                row["PICK"] = Pick[value.upper()]
            elif key == "to":
                row["TO"] = To[value.upper()]
            elif key == "type":
                row["TYPE"] = type_of(value)
            elif key == "to_type" or key == "from_type":
                row["TO_TYPE"] = type_of(value)
            elif key == "count":
                row["COUNT"] = Count[value.upper()]
            elif key == "if":
                row["TEST"] = Test[value.upper()]
            elif key == "status":
                row["STATUS"] = Condition[value.upper()]
            elif key in ("times", "at_least", "choose"):
                row["TIMES"] = value
            elif key == "attack":
                row["ATTACK"] = self.watched[value]
            elif key == "chooser":
                row["CHOOSER"] = {"player": 0, "opponent": 1}[value]
            elif key == "filter":
                row["BASIC"] = {"basic": 1}[value]
            elif key in ("names", "to_names", "if_in_play", "name"):
                names = [value] if isinstance(value, str) else value
                if len(names) > NAMES:
                    raise ValueError(f"{code} names {len(names)} Pokémon, at most {NAMES} fit")
                row |= {f"NAME_{k}": self.name(name) for k, name in enumerate(names)}
            elif (key, value) not in KNOWN:
                raise ValueError(f"{code}: the parameter {key}={value!r} is not known")
        return [int(row[column.name]) for column in Op]


KNOWN = {
    ("kind", "ability"),
    ("of", "opp_any"),
    ("needs_energy", True),
    ("from", "own_bench_all"),
    ("hp", 40),
    ("retreat", False),
    ("discardable", True),
}
"""Parameters that have one value alone."""

TABLES = playing()
ROWS = Rows(TABLES)
Limit = IntEnum(
    "Limit", {name.upper(): value for name, value in dataclasses.asdict(TABLES.numbers).items()}
)
"""Numbers of the rules that are no card's, see ``tables.Numbers``."""

of_card = lookup(ROWS.cards)
of_attack = lookup(ROWS.attacks)
of_op = lookup(ROWS.ops)
