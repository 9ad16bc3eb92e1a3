"""Chance as an argument: a tape of draws, made anew for each step (rules F)."""

from __future__ import annotations

from typing import Protocol

from envlift.envs.tcg_pocket.reference.rulebook import rule

MASK = 0xFFFFFFFF
GOLDEN = 0x9E3779B9
MOST_COINS = 32
"""Flips of an "until tails" at most (F-3); the last one counts as tails whatever it shows."""


class Chance(Protocol):
    """Where the rules draw from."""

    def below(self, n: int) -> int:
        """Return one of 0 to ``n`` - 1, each equally likely."""
        ...


def mix(word: int) -> int:
    """Hash 32 bits one to one, by the integer hash ``lowbias32`` of Chris Wellons."""
    word ^= word >> 16
    word = word * 0x7FEB352D & MASK
    word ^= word >> 15
    word = word * 0x846CA68B & MASK
    return word ^ (word >> 16)


class Tape:
    """The draws of one step: draw number ``k`` is a hash of a key of two words and of ``k``."""

    def __init__(self, word_0: int, word_1: int) -> None:
        """Begin at draw 0."""
        self._word = word_0
        self._hashed = mix(word_1)

    def below(self, n: int) -> int:
        """Return one of 0 to ``n`` - 1."""
        bits = mix(self._hashed ^ self._word)
        self._word = (self._word + GOLDEN) & MASK
        return ((bits >> 8) * n) >> 24


@rule
def heads(chance: Chance) -> bool:
    """N-8: flip a coin."""
    return chance.below(2) == 1


@rule
def shuffle(chance: Chance, cards: list[int]) -> None:
    """S-2, H-5: put a list into random order, every order equally likely."""
    for last in range(len(cards) - 1, 0, -1):
        other = chance.below(last + 1)
        cards[last], cards[other] = cards[other], cards[last]
