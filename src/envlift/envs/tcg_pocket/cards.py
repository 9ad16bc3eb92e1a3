"""Which cards are playable, and what the others wait for: ``python -m ...tcg_pocket.cards [TEXT]``.

TEXT is a part of a name or of an id, such as ``pikachu`` or ``P-A``.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence

from envlift.envs.tcg_pocket.rules.ids import CODES
from envlift.envs.tcg_pocket.tables import Card, Op, standard


def ops_of(card: Card) -> list[Op]:
    """Return all effect codes of a card."""
    found = [op for attack in card.attacks for op in attack.ops]
    return [*found, *card.ops, *(card.ability.ops if card.ability else ())]


def waits_for(card: Card) -> list[str]:
    """Return the effect codes of a card that the rules do not have; none if it is playable."""
    return sorted({op.code for op in ops_of(card)} - set(CODES))


def listing(cards: Iterable[Card], text: str = "") -> str:
    """Return a line per card, and how many are playable."""
    chosen = [c for c in cards if c.index and text.lower() in f"{c.id} {c.name}".lower()]
    lines = []
    for card in chosen:
        missing = waits_for(card)
        codes = ", ".join(sorted({op.code for op in ops_of(card)})) or "no effect"
        state = f"waits for {', '.join(missing)}" if missing else codes
        lines.append(f"{card.id}  {card.name:24} {state}")
    playable = sum(not waits_for(card) for card in chosen)
    return "\n".join([*lines, f"{playable} of {len(chosen)} cards are playable"])


def main(arguments: Sequence[str] | None = None) -> None:
    """List cards."""
    parser = argparse.ArgumentParser(description="Which cards are playable?")
    parser.add_argument("text", nargs="?", default="", help="part of a name or of an id")
    print(listing(standard().cards, parser.parse_args(arguments).text))


if __name__ == "__main__":
    main()
