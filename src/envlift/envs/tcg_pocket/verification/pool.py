"""Decks in which every card of A1 and P-A is played."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

from envlift.envs.tcg_pocket.tables import ENERGY, Card, Tables, standard
from envlift.envs.tcg_pocket.tables.variants import variant as tables_of_variant

CARDS, COPIES = 20, 2
SUPPORT = (
    *("A1-219", "A1-220", "A1-221", "A1-222", "A1-223", "A1-224", "A1-225", "A1-226"),
    *("P-A-001", "P-A-002", "P-A-003", "P-A-004", "P-A-005", "P-A-006", "P-A-007"),
)
"""First printings of the Trainers that are no fossils, as the real game calls them."""


def _line(card: Card, every: Sequence[Card], rng: random.Random) -> list[Card]:
    """Return a card with the stages before it, as far as these sets have them."""
    line = [card]
    while before := [other for other in every if other.name == line[0].evolves_from]:
        line.insert(0, rng.choice(before))
    return line


def _named(card: Card) -> set[str]:
    """Return the Pokémon that a card's effects name."""
    ops = [op for attack in card.attacks for op in attack.ops]
    ops += [*card.ops, *(card.ability.ops if card.ability else ())]
    keys = ("names", "to_names", "if_in_play")
    found = {name for op in ops for key in keys for name in op.params.get(key, ())}
    return found | {op.params["name"] for op in ops if "name" in op.params}


def deck(wanted: Sequence[Card], rng: random.Random, tables: Tables) -> str:
    """Return a legal deck list with the wanted cards, what they evolve from, and Trainers."""
    every = tables.cards[1:]
    chosen: Counter[str] = Counter()
    names: Counter[str] = Counter()

    def add(card: Card, copies: int = 1) -> None:
        room = min(COPIES - names[card.name], CARDS - sum(chosen.values()), copies)
        if room > 0:
            chosen[card.id] += room
            names[card.name] += room

    for card in wanted:
        for member in _line(card, every, rng):
            add(member, 2)
        for name in sorted(_named(card)):
            others = [other for other in every if other.name == name]
            if others:
                for member in _line(rng.choice(others), every, rng):
                    add(member, 2)
    basics = [card for card in every if card.basic]
    if not any(tables.by_id[id].basic for id in chosen):
        add(rng.choice(basics), 2)
    by_id = tables.by_id
    for id in rng.sample(SUPPORT, 5):
        add(tables.cards[standard().by_id[id].index], rng.choice((1, 2)))
    while sum(chosen.values()) < CARDS:
        add(rng.choice(basics if rng.random() < 0.5 else every))
    costs = Counter(
        letter
        for id, copies in chosen.items()
        for attack in by_id[id].attacks
        for letter in attack.cost * copies
        if letter in ENERGY
    )
    types = "".join(letter for letter, _ in costs.most_common(2)) or "G"
    lines = [f"{copies} {by_id[id].name} {id}" for id, copies in chosen.items()]
    return "\n".join([*lines, f"Energy: {types}"]) + "\n"


COPIERS = 24
"""Decks of their own for each Pokémon that copies attacks, of which one can choose among many."""


def pool(seed: int, variant: int = 0) -> list[str]:
    """Return decks that have every first printing, and every code, about twice.

    Attacks that are copied are chosen among all of the other side's, so that decks with a Pokémon
    that copies are more.
    """
    rng, tables = random.Random(seed), tables_of_variant(variant)
    first = [c for c in tables.cards[1:] if c.functional == c.index]
    with_text = [c for c in first if c.ops or c.ability or any(a.ops for a in c.attacks)]
    wanted = rng.sample(first, len(first)) + rng.sample(with_text, len(with_text))
    size = 2
    groups = [wanted[i : i + size] for i in range(0, len(wanted), size)]
    copies = [c for c in first if any(o.code == "COPY_ATTACK" for a in c.attacks for o in a.ops)]
    groups += [[card] for card in copies for _ in range(COPIERS)]
    return [deck(group, rng, tables) for group in groups]
