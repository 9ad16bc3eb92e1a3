"""The list of playable cards, and boards for level 2."""

from __future__ import annotations

import dataclasses
import random

import pytest

from envlift.envs.tcg_pocket import cards
from envlift.envs.tcg_pocket.rules.ids import Action
from envlift.envs.tcg_pocket.tables import Op, standard
from envlift.envs.tcg_pocket.verification.pool import pool
from envlift.envs.tcg_pocket.verification.states import board


def test_every_card_of_these_sets_is_playable() -> None:
    text = cards.listing(standard().cards)
    assert text.endswith("386 of 386 cards are playable")
    assert "waits for" not in text


def test_a_card_with_an_unknown_code_says_which() -> None:
    potion = standard().by_id["P-A-001"]
    other = dataclasses.replace(potion, ops=(Op("BECOME_TOOL", {}),))
    assert cards.waits_for(other) == ["BECOME_TOOL"]
    assert "waits for BECOME_TOOL\n0 of 1" in cards.listing([other])


def test_it_lists_what_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    cards.main(["pikachu ex"])
    shown = capsys.readouterr().out
    assert "A1-096" in shown
    assert "DMG_SET_PER" in shown
    assert "Potion" not in shown


def test_the_pool_of_decks_has_every_card_that_plays_differently() -> None:
    played = "\n".join(pool(1))
    missing = [
        card.id
        for card in standard().cards[1:]
        if card.functional == card.index and f" {card.id}\n" not in played
    ]
    assert not missing


def test_boards_have_every_effect_in_play_or_in_hand() -> None:
    rng, seen = random.Random(3), set()
    for _ in range(400):
        state = board(rng, 30)
        for p in (0, 1):
            numbers = [*state["card"][p], *state["hand"][p]]
            assert state["card"][p][0], "no Active Pokémon"
            seen |= {op.code for n in numbers if n for op in cards.ops_of(standard().cards[n])}
    every = {op.code for card in standard().cards[1:] for op in cards.ops_of(card)}
    assert seen == every


def test_actions_do_not_overlap() -> None:
    firsts = [int(action) for action in Action]
    assert firsts == sorted(set(firsts))
    assert Action.COPY + 8 == 50
