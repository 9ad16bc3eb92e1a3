"""Decks as the rules take them: names of built-in ones, or lists with a card a line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from envlift.envs.tcg_pocket.tables import ENERGY, Deck, decks_of
from envlift.envs.tcg_pocket.tables.variants import playing

CARDS, COPIES, MOST_TYPES = 20, 2, 3
_LINE = re.compile(r"^(\d+) (?:.* )?([A-Z0-9a-z]+(?:-[A-Z])?-\d{3})$")


def deck_of(given: str) -> Deck:
    """Return a deck from its name or its list.

    A list has a card a line, ``2 Pikachu ex A1-096``, and may have a line ``Energy: LF``; without
    it the types are those that the attacks cost.

    Raises:
        ValueError: for what cannot be read, or breaks a rule of D; names the rule.
    """
    if "\n" not in given.strip():
        known = {deck.name.lower(): deck for deck in decks_of(playing())}
        if given.strip().lower() not in known:
            names = ", ".join(deck.name for deck in decks_of(playing()))
            raise ValueError(f"deck {given!r} is not known; choose one of {names}, or give a list")
        return known[given.strip().lower()]
    by_id, cards, energy = playing().by_id, [], None
    for line in (raw.partition("#")[0].strip() for raw in given.splitlines()):
        match = _LINE.match(line)
        if line.lower().startswith("energy:"):
            energy = line.partition(":")[2].replace(",", "").replace(" ", "")
        elif match and match[2] in by_id:
            cards += [by_id[match[2]].index] * int(match[1])
        elif line:
            raise ValueError(f"{line!r} is no card of A1 or P-A; write '2 Pikachu ex A1-096'")
    if energy is None:
        every = playing().cards
        costs = {letter for index in cards for a in every[index].attacks for letter in a.cost}
        energy = "".join(letter for letter in ENERGY if letter in costs)
    deck = Deck("given", tuple(cards), energy)
    check(deck)
    return deck


def check(deck: Deck) -> None:
    """Refuse a deck that breaks a rule of D.

    Raises:
        ValueError: naming the rule and what was found.
    """
    cards = [playing().cards[index] for index in deck.cards]
    if len(cards) != CARDS:
        raise ValueError(f"rule D-1: a deck has {CARDS} cards, not {len(cards)}")
    name, copies = Counter(card.name for card in cards).most_common(1)[0]
    if copies > COPIES:
        raise ValueError(f"rule D-2: at most {COPIES} cards of a name, not {copies} of {name!r}")
    if not any(card.basic for card in cards):
        raise ValueError("rule D-3: there is no Basic Pokémon (a fossil does not count)")
    wrong = set(deck.energy) - set(ENERGY)
    if wrong or not 1 <= len(set(deck.energy)) <= MOST_TYPES:
        raise ValueError(
            f"rule D-4: a deck names one to {MOST_TYPES} types of {ENERGY}, not {deck.energy!r}"
        )


def pool(
    given: Sequence[str] | None,
) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.bool_]]:
    """Return decks as arrays: cards uint16 [N, 20], sorted, and types bool [N, 8].

    Args:
        given: names or lists; None for the built-in ones.

    Raises:
        ValueError: if there is none, or one is refused.
    """
    if given is not None and not len(given):
        raise ValueError("decks is empty; give at least one deck")
    if isinstance(given, str):
        raise ValueError(f"decks={given!r} is one text; give a list of decks")
    chosen = decks_of(playing()) if given is None else [deck_of(text) for text in given]
    cards = np.array([sorted(deck.cards) for deck in chosen], np.uint16)
    types = np.array([[letter in deck.energy for letter in ENERGY] for deck in chosen], np.bool_)
    return cards, types
