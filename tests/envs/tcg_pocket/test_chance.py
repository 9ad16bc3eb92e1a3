"""Every random draw against its exact probabilities; seeds are fixed, so nothing is left to luck.

Each number of outcomes is judged by an exact binomial test, corrected for how many there are.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from fractions import Fraction
from itertools import permutations
from typing import Any

import jax
import numpy as np
import pytest
from scipy.stats import binomtest

from envlift.envs.tcg_pocket.env import Draws, TcgPocket
from envlift.envs.tcg_pocket.reference import engine
from envlift.envs.tcg_pocket.reference.chance import Tape, heads, shuffle
from envlift.envs.tcg_pocket.reference.options import ATTACK, END, HAND
from envlift.envs.tcg_pocket.reference.state import Condition, Options
from envlift.envs.tcg_pocket.tables import Card, Op, standard
from tests.envs.tcg_pocket.table import BULBASAUR, POKE_BALL, VENUSAUR, at, board, mon

Probabilities = Mapping[Hashable, Fraction]
LEAST = 1e-3
"""Smallest p that is no fault: of all tests here one in some hundred would be below by chance."""
HALF = Fraction(1, 2)
PSYDUCK, SQUIRTLE, ONIX = "A1-057", "A1-053", "A1-150"


def tapes(n: int, seed: int = 0) -> list[Tape]:
    words = np.random.default_rng(seed).integers(0, 2**32, (n, 2), dtype=np.uint32)
    return [Tape(int(first), int(second)) for first, second in words]


def worst(seen: Counter[Any], expected: Probabilities) -> float:
    """Return the smallest p of all outcomes, times how many there are."""
    assert sum(expected.values()) == 1
    assert set(seen) <= set(expected), "an outcome that cannot be"
    n = sum(seen.values())
    return len(expected) * min(
        float(binomtest(seen[outcome], n, float(p)).pvalue) for outcome, p in expected.items()
    )


def counted(n: int, drawn: Callable[[Tape], Hashable], seed: int = 0) -> Counter[Hashable]:
    return Counter(drawn(tape) for tape in tapes(n, seed))


def uniform(outcomes: Any) -> Probabilities:
    found = Counter(outcomes)
    total = sum(found.values())
    return {outcome: Fraction(count, total) for outcome, count in found.items()}


def test_a_wrong_probability_is_found() -> None:
    seen = counted(4_000, heads)
    assert worst(seen, {True: HALF, False: HALF}) > LEAST
    assert worst(seen, {True: Fraction(54, 100), False: Fraction(46, 100)}) < LEAST


def test_a_coin() -> None:
    """N-8: heads as often as tails, and one flip says nothing of the next."""
    two = counted(8_000, lambda tape: (heads(tape), heads(tape)), seed=1)
    assert worst(two, uniform([(a, b) for a in (False, True) for b in (False, True)])) > LEAST


def test_until_tails() -> None:
    """X-1, F-3: k heads with probability 2^-(k + 1)."""
    card, number = using(lambda op: op.code == "FLIP" and op.params["coins"] == "until_tails")

    def drawn(tape: Tape) -> int:
        tried = attacking(card, number, tape)
        return min(8, tried.pending_heads)

    expected = {k: Fraction(1, 2 ** (k + 1)) for k in range(8)} | {8: Fraction(1, 2**8)}
    assert worst(counted(3_000, drawn, seed=2), expected) > LEAST


def test_a_shuffle() -> None:
    """S-2, H-5: every order equally likely, every card in every place."""

    def order(size: int) -> Callable[[Tape], tuple[int, ...]]:
        def drawn(tape: Tape) -> tuple[int, ...]:
            cards = list(range(size))
            shuffle(tape, cards)
            return tuple(cards)

        return drawn

    assert worst(counted(12_000, order(4), seed=3), uniform(permutations(range(4)))) > LEAST
    whole = [order(20)(tape) for tape in tapes(5_000, seed=4)]
    for place in (0, 7, 19):
        assert worst(Counter(cards[place] for cards in whole), uniform(range(20))) > LEAST


def basics_in_hand(basics: int, opening: str) -> dict[int, Fraction]:
    """S-3: how many Basic Pokémon an opening hand of five has, of a deck with some."""

    def chosen(total: int, marked: int, drawn: int, k: int) -> Fraction:
        ways = math.comb(marked, k) * math.comb(total - marked, drawn - k)
        return Fraction(ways, math.comb(total, drawn))

    if opening == "basic_first":
        return {1 + k: chosen(19, basics - 1, 4, k) for k in range(min(4, basics - 1) + 1)}
    plain = {k: chosen(20, basics, 5, k) for k in range(min(5, basics) + 1)}
    none = plain.pop(0)
    if opening == "swap":
        return {**plain, 1: plain[1] + none}
    return {k: p / (1 - none) for k, p in plain.items()}


DECK = (
    sorted(
        card.index
        for name in ("A1-001", "A1-053", "P-A-001", "P-A-002", "P-A-003", "P-A-004", "P-A-005")
        for card in [standard().by_id[name]] * 2
    )
    + [standard().by_id[name].index for name in ("A1-216", "A1-217", "A1-218")] * 2
)
BASICS = 4
TYPES = [0, 2, 5]


@pytest.mark.parametrize("opening", ["redraw", "basic_first", "swap"])
def test_starts(opening: Any) -> None:
    """S-1, S-3, Z-2: who begins, how many Basics are in a hand, the first Energy."""
    games = [
        engine.new_game([(DECK, TYPES)] * 2, tape, Options(opening=opening))
        for tape in tapes(1_500, seed=5)
    ]
    assert worst(Counter(game.first_player for game in games), uniform((0, 1))) > LEAST
    for player in (0, 1):
        sides = [game.players[player] for game in games]
        # A Basic alone is in the Active Spot already; if it was so with both, turn 1 has begun, and
        # its player has drawn a card.
        dealt = [
            side.hand[:-1] if game.turn and game.turn_player == player else side.hand
            for game, side in zip(games, sides, strict=True)
        ]
        basics = [
            sum(standard().cards[held.card].basic for held in hand) + len(side.in_play)
            for hand, side in zip(dealt, sides, strict=True)
        ]
        assert worst(Counter(basics), basics_in_hand(BASICS, opening)) > LEAST
        assert worst(Counter(side.zone_next for side in sides), uniform(TYPES)) > LEAST


@pytest.mark.parametrize("opening", ["redraw", "basic_first", "swap"])
def test_starts_of_the_fast_rules(opening: Any) -> None:
    """S-1, S-3, Z-2, of other draws than those of the plain rules."""
    by_index = standard().cards
    lines = [f"2 {by_index[card].id}" for card in DECK[::2][:7]]
    lines += [f"2 {name}" for name in ("A1-216", "A1-217", "A1-218")]
    env = TcgPocket(decks=["\n".join([*lines, "Energy: GWF"])], opening=opening)
    words = np.random.default_rng(6).integers(0, 2**32, (6_000, 4), dtype=np.uint32)
    state = jax.jit(jax.vmap(lambda each: env.initial(Draws(each))))(words)
    assert worst(Counter(np.asarray(state.first_player).tolist()), uniform((0, 1))) > LEAST
    basic = np.array([card.basic for card in by_index])
    for player in (0, 1):
        hand, there = np.array(state.hand)[:, player], np.asarray(state.card)[:, player]
        drew = np.flatnonzero((np.asarray(state.turn) > 0) & (state.first_player == player))
        hand[drew, np.asarray(state.hand_size)[drew, player] - 1] = 0
        found = (basic[hand].sum(-1) + (there > 0).sum(-1)).tolist()
        assert worst(Counter(found), basics_in_hand(BASICS, opening)) > LEAST
        drawn = np.asarray(state.zone_next)[:, player].tolist()
        assert worst(Counter(drawn), uniform((0, 2, 5))) > LEAST


class Attacked:
    """What an attack has left.

    Attributes:
        game: after it.
        pending_heads: of its flip.
    """

    def __init__(self, game: Any, pending_heads: int) -> None:
        self.game, self.pending_heads = game, pending_heads


def using(wanted: Callable[[Op], bool]) -> tuple[Card, int]:
    """Return a card and the number of its attack that has such an effect and no gate."""
    for card in standard().cards:
        for number, attack in enumerate(card.attacks):
            if any(wanted(op) and op.gate is None for op in attack.ops):
                return card, number
    raise AssertionError("no attack has it")


def attacking(card: Card, number: int, tape: Tape, **sides: Any) -> Attacked:
    """Attack Venusaur with all Energy that is wanted, and keep the heads of the flip."""
    energy = card.attacks[number].cost.replace("C", "G")
    given = {"other": (mon(VENUSAUR),), **sides}
    game = board((mon(card.id, energy), BULBASAUR), **given)
    kept: list[int] = []

    class Watched:
        def below(self, n: int) -> int:
            drawn = tape.below(n)
            kept.append(drawn)
            return drawn

    engine.step(game, ATTACK + number, Watched())
    flipped = kept[: kept.index(0)] if 0 in kept else kept
    return Attacked(game, len(flipped))


def test_random_energy() -> None:
    """X-9, N-7, F-5: each unit equally likely, so a type as likely as it is frequent."""
    card, number = using(lambda op: op.code == "DISCARD_OPP_ENERGY")

    def drawn(tape: Tape) -> int:
        game = attacking(card, number, tape, other=(mon(VENUSAUR, "GRRRWW"),)).game
        left = at(game.players[1], 0).energy
        (gone,) = [kind for kind, n in enumerate((1, 3, 2)) if left[kind] < n]
        return gone

    expected = {0: Fraction(1, 6), 1: Fraction(3, 6), 2: Fraction(2, 6)}
    assert worst(counted(2_000, drawn, seed=7), expected) > LEAST


def test_a_random_card_of_a_hand() -> None:
    """X-10: each card equally likely."""
    card, number = using(lambda op: op.code == "DISCARD_HAND")
    hand = (BULBASAUR, PSYDUCK, PSYDUCK, SQUIRTLE)

    def drawn(tape: Tape) -> str:
        game = attacking(card, number, tape, other_hand=hand).game
        (gone,) = game.players[1].discard
        return standard().cards[gone].id

    assert worst(counted(2_000, drawn, seed=8), uniform(hand)) > LEAST


def test_random_targets() -> None:
    """X-6: four hits among three, so that one takes Binomial(4, 1/3) of them."""
    card, number = using(lambda op: op.code == "HIT" and op.params["pick"] == "random")
    (op,) = [op for op in card.attacks[number].ops if op.code == "HIT"]
    assert op.params["times"] == 4

    def drawn(tape: Tape) -> int:
        game = attacking(card, number, tape, other=[mon(VENUSAUR) for _ in range(3)]).game
        hit = game.players[1].places[1]
        # Four hits knock it out, three do not.
        return 4 if hit is None else hit.damage // int(op.params["n"])

    assert 3 * op.params["n"] < standard().by_id[VENUSAUR].hp <= 4 * op.params["n"]
    third = Fraction(1, 3)
    expected = {k: math.comb(4, k) * third**k * (1 - third) ** (4 - k) for k in range(5)}
    assert worst(counted(2_000, drawn, seed=9), expected) > LEAST


def test_a_found_card() -> None:
    """X-20: each fitting card of the deck equally likely, then the order of the rest."""
    deck = (BULBASAUR, PSYDUCK, VENUSAUR, PSYDUCK, SQUIRTLE)

    def drawn(tape: Tape) -> tuple[str, str]:
        game = board((BULBASAUR,), hand=(POKE_BALL,), deck=deck)
        engine.step(game, HAND, tape)
        (held,) = game.players[0].hand
        return standard().cards[held.card].id, standard().cards[game.players[0].deck[0]].id

    seen = counted(3_000, drawn, seed=10)
    found: Counter[Any] = Counter()
    for (card, _), n in seen.items():
        found[card] += n
    basics = (BULBASAUR, PSYDUCK, PSYDUCK, SQUIRTLE)
    assert worst(found, uniform(basics)) > LEAST
    top: dict[Hashable, Fraction] = {}
    for k, card in enumerate(basics):
        rest = [*basics[:k], *basics[k + 1 :], VENUSAUR]
        for other, p in uniform(rest).items():
            top[card, other] = top.get((card, other), Fraction(0)) + Fraction(1, 4) * p
    assert worst(seen, top) > LEAST


@pytest.mark.parametrize("condition", ["asleep", "burned", "confused"])
def test_coins_of_conditions(condition: str) -> None:
    """U-2, U-3, C-5: burns and sleep end, and the confused attack, in half of the cases."""
    marks: dict[str, Any] = {
        "asleep": {"condition": Condition.ASLEEP},
        "burned": {"burned": True},
        "confused": {"condition": Condition.CONFUSED},
    }[condition]

    def drawn(tape: Tape) -> bool:
        game = board((mon(ONIX, "FFF", **marks), BULBASAUR), (mon(VENUSAUR),))
        engine.step(game, ATTACK if condition == "confused" else END, tape)
        own = at(game.players[0], 0)
        if condition == "confused":
            return at(game.players[1], 0).damage > 0
        return own.burned if condition == "burned" else own.condition > 0

    assert worst(counted(1_500, drawn, seed=11), uniform((False, True))) > LEAST


def test_energy_of_the_next_turn() -> None:
    """Z-2, Z-3: drawn anew among the deck's types, whatever was there."""

    def drawn(tape: Tape) -> int:
        game = board((BULBASAUR,), (VENUSAUR,))
        game.players[1].deck_energy = TYPES
        engine.step(game, END, tape)
        return game.players[1].zone_next

    assert worst(counted(1_500, drawn, seed=12), uniform(TYPES)) > LEAST
