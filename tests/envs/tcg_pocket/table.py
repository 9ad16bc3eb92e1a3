"""Boards for the tests of rules: two sides as one writes them, and chance as one wants it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from envlift.envs.tcg_pocket.reference import engine, fields, options
from envlift.envs.tcg_pocket.reference.state import (
    Decision,
    Game,
    InHand,
    Options,
    Phase,
    Player,
    Pokemon,
)
from envlift.envs.tcg_pocket.tables import ENERGY, standard

H, T = 1, 0
CARDS = standard().by_id
BULBASAUR, IVYSAUR, VENUSAUR = "A1-001", "A1-002", "A1-003"
POTION, X_SPEED, HAND_SCOPE, POKEDEX = "P-A-001", "P-A-002", "P-A-003", "P-A-004"
POKE_BALL, RED_CARD, RESEARCH = "P-A-005", "P-A-006", "P-A-007"
HELIX, DOME, AMBER = "A1-216", "A1-217", "A1-218"
ERIKA, MISTY, BLAINE, KOGA = "A1-219", "A1-220", "A1-221", "A1-222"
GIOVANNI, BROCK, SABRINA, SURGE = "A1-223", "A1-224", "A1-225", "A1-226"


class Script:
    """Draws as a test wants them; every one that is not certain must be given.

    A shuffle leaves cards as they lie if ``still`` is true.
    """

    def __init__(self, *draws: int, still: bool = False) -> None:
        self.draws, self.still = list(draws), still
        self.asked: list[int] = []

    def below(self, n: int) -> int:
        self.asked.append(n)
        if n == 1:
            return 0
        if self.draws:
            drawn = self.draws.pop(0)
            assert 0 <= drawn < n, f"{drawn} was given for a draw below {n}"
            return drawn
        assert self.still, f"a draw below {n} was not expected"
        return n - 1


def units(letters: str) -> list[int]:
    """Energy by its letters: ``WWC`` has no C, which is no Energy."""
    assert set(letters) <= set(ENERGY)
    return [letters.count(letter) for letter in ENERGY]


def mon(
    id: str, energy: str = "", damage: int = 0, under: Sequence[str] = (), **marks: object
) -> Pokemon:
    """A Pokémon in play."""
    cards = [CARDS[each].index for each in (*under, id)]
    found = Pokemon(cards, damage=damage, energy=units(energy))
    for name, value in marks.items():
        assert hasattr(found, name)
        setattr(found, name, value)
    return found


def side(places: Sequence[Any], hand: Sequence[str] = (), deck: Sequence[str] = ()) -> Player:
    player = Player([CARDS[BULBASAUR].index] * 20, [0])
    for place, given in enumerate(places):
        player.places[place] = mon(given) if isinstance(given, str) else given
    player.hand = [InHand(CARDS[id].index) for id in hand]
    player.deck = [CARDS[id].index for id in deck]
    player.zone_next = 0
    return player


def board(
    own: Sequence[Any],
    other: Sequence[Any] = (BULBASAUR,),
    *,
    hand: Sequence[str] = (),
    deck: Sequence[str] = (),
    other_hand: Sequence[str] = (),
    other_deck: Sequence[str] = (),
    turn: int = 5,
    zone: str = "",
    **switches: object,
) -> Game:
    """A game in the main part of player 0's turn, who went first.

    A side is Pokémon, ids, or None for a free place, the Active Spot first.
    """
    assert turn % 2 == 1
    players = [side(own, hand, deck), side(other, other_hand, other_deck)]
    game = Game(players, Options(**switches))  # type: ignore[arg-type]
    game.turn, game.phase = turn, Phase.MAIN
    if zone:
        players[0].zone_current = ENERGY.index(zone)
    with suppress(options.DecisionNeededError):
        engine.work(game)
    assert game.decision == Decision.MAIN
    return game


def act(game: Game, action: int, *draws: int, still: bool = False) -> Game:
    """Play a legal action with these draws, all of which must be used.

    The game is written out and read again before, so that every test shows that nothing is lost.
    """
    assert action in options.legal(game, game.decider), (action, options.legal(game, game.decider))
    copy = fields.read(fields.write(game), game.options, game.tables)
    chance = Script(*draws, still=still)
    engine.step(copy, action, chance)
    assert not chance.draws, f"draws {chance.draws} were left"
    game.__dict__.update(copy.__dict__)
    return game


def play(game: Game, id: str, *draws: int, still: bool = False) -> Game:
    """Play a card of the deciding player's hand."""
    return act(game, options.HAND + slot_of(game, id), *draws, still=still)


def slot_of(game: Game, id: str) -> int:
    hand = game.players[game.decider].hand
    return [held.card for held in hand].index(CARDS[id].index)


def playable(game: Game, id: str) -> bool:
    return options.HAND + slot_of(game, id) in options.legal(game, game.decider)


def legal(game: Game) -> list[int]:
    return options.legal(game, game.decider)


def attack(game: Game, number: int = 0, *draws: int, still: bool = False) -> Game:
    return act(game, options.ATTACK + number, *draws, still=still)


def end(game: Game, *draws: int) -> Game:
    return act(game, options.END, *draws)


def names(cards: Sequence[int]) -> list[str]:
    return [standard().cards[card].id for card in cards]


def hand_of(player: Player) -> list[str]:
    return names([held.card for held in player.hand])


def at(player: Player, place: int) -> Pokemon:
    found = player.places[place]
    assert found is not None
    return found
