"""Deck lists as people write them, checked against rules D.

A list has a card a line, copies first: ``2 Pikachu ex A1-096``. A line ``Energy: L`` or ``Energy:
Fire, Water`` names the types; without it they are those of the attacks' costs. Empty lines do not
count, nor what follows a ``#``.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Sequence

from envlift.envs.tcg_pocket.reference.rulebook import rule
from envlift.envs.tcg_pocket.tables import ENERGY, Card, Deck, Tables, decks_of, standard

CARDS = 20
COPIES = 2
MOST_TYPES = 3
WORDS = ("grass", "fire", "water", "lightning", "psychic", "fighting", "darkness", "metal")
_LINE = re.compile(r"^(\d+)\s+(?:(.+?)\s+)?([A-Z][A-Za-z0-9]*(?:-[A-Z])?-\d{3})$")


class DeckError(ValueError):
    """A deck that the rules do not allow, or a line that nobody can read."""


def parse(text: str, tables: Tables | None = None) -> Deck:
    """Read and check a deck list.

    Raises:
        DeckError: naming the line or the rule, and what to do.
    """
    tables = tables or standard()
    cards: list[int] = []
    energy: str | None = None
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.partition("#")[0].strip()
        if line.lower().startswith("energy:"):
            energy = _energy(line.partition(":")[2], number)
        elif line:
            cards += _cards(line, number, tables)
    deck = Deck("given", tuple(cards), energy if energy is not None else inferred(cards, tables))
    check(deck, tables)
    return deck


def _energy(words: str, number: int) -> str:
    found = ""
    for word in re.split(r"[\s,/+]+", words.strip()):
        if word.lower() in WORDS:
            found += ENERGY[WORDS.index(word.lower())]
        elif all(letter in ENERGY for letter in word):  # also no word at all
            found += word
        else:
            raise DeckError(
                f"line {number}: {word!r} is no type of Energy; the types are "
                f"{', '.join(WORDS)}, or the letters {ENERGY} (rule N-2)"
            )
    return found


def _cards(line: str, number: int, tables: Tables) -> list[int]:
    match = _LINE.match(line)
    if match is None:
        raise DeckError(
            f"line {number}: {line!r} cannot be read; write copies, name, set and number: "
            "'2 Pikachu ex A1-096'"
        )
    count, name, id = match.groups()
    card = tables.by_id.get(id)
    if card is None:
        near = " or ".join(difflib.get_close_matches(id, tables.by_id, n=3))
        raise DeckError(f"line {number}: there is no card {id}; was {near} meant?")
    if name is not None and name != card.name:
        raise DeckError(
            f"line {number}: {id} is {card.name!r}, not {name!r}; correct the name or the number"
        )
    return [card.index] * int(count)


def inferred(cards: Sequence[int], tables: Tables) -> str:
    """Return the types that the attacks of a deck cost, in the order of N-2."""
    costs = "".join(a.cost for index in cards for a in tables.cards[index].attacks)
    return "".join(letter for letter in ENERGY if letter in costs)


@rule
def check(deck: Deck, tables: Tables) -> None:
    """D-1 to D-5: refuse a deck that the rules do not allow.

    Raises:
        DeckError: naming the rule, what was found and what to do.
    """
    cards: list[Card] = [tables.cards[index] for index in deck.cards]
    if len(cards) != CARDS:
        raise DeckError(f"rule D-1: a deck has {CARDS} cards, this one has {len(cards)}")
    name, copies = Counter(card.name for card in cards).most_common(1)[0]
    if copies > COPIES:
        raise DeckError(
            f"rule D-2: {copies} cards are named {name!r}, all printings together; {COPIES} at most"
        )
    if not any(card.basic for card in cards):
        raise DeckError("rule D-3: there is no Basic Pokémon; put one in (a fossil does not count)")
    if not 1 <= len(set(deck.energy)) <= MOST_TYPES or len(set(deck.energy)) != len(deck.energy):
        raise DeckError(
            f"rule D-4: a deck names one to {MOST_TYPES} different types of Energy, this one names "
            f"{deck.energy or 'none'}; write a line such as 'Energy: fire'"
        )


def text(deck: Deck, tables: Tables | None = None) -> str:
    """Return a deck as a list that ``parse`` reads."""
    tables = tables or standard()
    lines = [
        f"{count} {tables.cards[index].name} {tables.cards[index].id}"
        for index, count in Counter(deck.cards).items()
    ]
    return "\n".join([*lines, f"Energy: {deck.energy}"]) + "\n"


def built_in(name: str, tables: Tables | None = None) -> Deck:
    """Return one of the twelve decks.

    Raises:
        DeckError: for another name; lists them.
    """
    every = decks_of(tables or standard())
    for deck in every:
        if deck.name.lower() == name.strip().lower():
            return deck
    known = ", ".join(deck.name for deck in every)
    raise DeckError(f"no deck is named {name!r}; known: {known}")


def deck_of(given: str, tables: Tables | None = None) -> Deck:
    """Return a deck from its name or its list.

    Raises:
        DeckError: see ``parse`` and ``built_in``.
    """
    return parse(given, tables) if "\n" in given.strip() else built_in(given, tables)
