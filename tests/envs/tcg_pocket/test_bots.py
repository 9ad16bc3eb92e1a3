"""Players of the plain engine."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from envlift.envs.tcg_pocket import tables
from envlift.envs.tcg_pocket.reference import bots, engine, fields, options
from envlift.envs.tcg_pocket.reference.chance import Tape
from envlift.envs.tcg_pocket.reference.state import Game
from tests.envs.tcg_pocket.table import BULBASAUR, VENUSAUR, board, mon


def started(rng: random.Random) -> Game:
    given = [
        (deck.cards, [tables.ENERGY.index(letter) for letter in deck.energy])
        for deck in rng.choices(tables.decks(), k=2)
    ]
    return engine.new_game(given, Tape(rng.getrandbits(32), rng.getrandbits(32)))


def test_attach_and_attack_beats_random_play() -> None:
    rng = random.Random(11)
    pair = (bots.random_player, bots.attach_and_attack)
    won = Counter(bots.play_game(started(rng), pair, rng) for _ in range(24))
    assert won[1] >= 18
    assert won[0] <= 2


def test_search_takes_the_win_that_is_there() -> None:
    """Pikachu ex can win now; attaching first and ending the turn are possible as well."""
    game = board([mon("A1-096", "LL"), BULBASAUR], [mon(VENUSAUR, damage=140), BULBASAUR])
    game.players[0].places[1] = mon("A1-094")
    game.players[0].points = 2
    assert bots.search(24)(game, random.Random(1)) == options.ATTACK


def test_search_sees_nothing_hidden() -> None:
    """Equal draws, other hidden cards, the same choice."""
    rng = random.Random(7)
    compared = 0
    for _ in range(6):
        game = started(rng)
        for _ in range(12):
            if game.winner < 0:
                engine.step(game, bots.attach_and_attack(game, rng), Tape(rng.getrandbits(32), 5))
        if game.winner >= 0:
            continue
        viewer = game.decider
        other = bots.redraw_hidden(game, viewer, rng)
        assert fields.observe(other, viewer) == fields.observe(game, viewer)
        chosen = [bots.search(6)(each, random.Random(3)) for each in (game, other)]
        assert chosen[0] == chosen[1]
        compared += 1
    assert compared >= 4


def test_a_strength_below_1_is_refused() -> None:
    with pytest.raises(ValueError, match="strength=0"):
        bots.search(0)
