"""Rules D, S, Z and T: decks, set-up, the Energy Zone and the course of a turn."""

from __future__ import annotations

from collections import Counter

import pytest

from envlift.envs.tcg_pocket.reference import decks, engine, fields, options
from envlift.envs.tcg_pocket.reference.chance import Tape
from envlift.envs.tcg_pocket.reference.state import TIE, Decision, Game, Options, Phase
from envlift.envs.tcg_pocket.tables import Deck, standard
from tests.envs.tcg_pocket.table import (
    BULBASAUR,
    CARDS,
    IVYSAUR,
    POTION,
    RESEARCH,
    Script,
    act,
    at,
    attack,
    board,
    end,
    hand_of,
    legal,
    mon,
    names,
    playable,
    units,
)

PIKACHU, ZERAORA = "A1-094", "P-A-074"
FILLER = ["P-A-001", "P-A-002", "P-A-003", "P-A-004", "P-A-005", "P-A-006", "P-A-007", "A1-223"]
ONE_BASIC = [BULBASAUR, *FILLER, *FILLER, "A1-219", "A1-219", IVYSAUR]


def listed(ids: list[str], energy: str = "Energy: G") -> str:
    return "\n".join([*(f"1 {CARDS[id].name} {id}" for id in ids), energy])


def basics_held(game: Game, player: int) -> int:
    return sum(standard().cards[held.card].basic for held in game.players[player].hand)


def started(
    ids: list[str], word: int = 1, other: list[str] | None = None, **switches: object
) -> Game:
    both = [[CARDS[id].index for id in each] for each in (ids, other or ids)]
    options = Options(**switches)  # type: ignore[arg-type]
    return engine.new_game([(cards, [0]) for cards in both], Tape(word, 7), options)


@pytest.mark.parametrize(
    ("ids", "energy", "rule"),
    [
        (ONE_BASIC[:19], "Energy: G", "D-1"),
        ([*ONE_BASIC, IVYSAUR], "Energy: G", "D-1"),
        ([*ONE_BASIC[:19], "A1-227"], "Energy: G", None),
        ([BULBASAUR, BULBASAUR, "A1-227", *ONE_BASIC[3:]], "Energy: G", "D-2"),
        ([IVYSAUR, "A1-216", *FILLER, *FILLER, "A1-219", IVYSAUR], "Energy: G", "D-3"),
        (ONE_BASIC, "Energy: GRWL", "D-4"),
        (ONE_BASIC, "Energy: ", "D-4"),
        (ONE_BASIC, "Energy: GG", "D-4"),
        (ONE_BASIC, "Energy: grass, fire, water", None),
    ],
)
def test_a_deck_is_refused_by_the_rule_it_breaks(
    ids: list[str], energy: str, rule: str | None
) -> None:
    """D-1, D-2, D-3, D-4: 20 cards, two of a name, a Basic, one to three types."""
    if rule is None:
        assert len(decks.parse(listed(ids, energy)).cards) == 20
    else:
        with pytest.raises(decks.DeckError, match=rule):
            decks.parse(listed(ids, energy))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("2 Lightning Energy", "cannot be read"),
        ("2 Pikachu A1-096", "is 'Pikachu ex', not 'Pikachu'"),
        ("2 Pikachu A1-999", "there is no card A1-999"),
        ("Energy: dragon", "no type of Energy"),
    ],
)
def test_a_line_that_names_no_card_says_what_is_wrong(line: str, words: str) -> None:
    """D-5, N-2, N-9: a deck holds Pokémon and Trainers, by their exact names."""
    with pytest.raises(decks.DeckError, match=words):
        decks.parse(line)


def test_a_deck_is_saved_and_loaded() -> None:
    for name in ("Mewtwo ex", "Dragonite"):
        deck = decks.built_in(name)
        again = decks.parse(decks.text(deck))
        assert (sorted(again.cards), again.energy) == (sorted(deck.cards), deck.energy)
    with pytest.raises(decks.DeckError, match="Mewtwo ex, Pikachu ex"):
        decks.built_in("Missingno")


def test_types_of_energy_follow_from_costs_where_none_are_named() -> None:
    """D-4: the types of the attacks' costs, in the order of N-2."""
    assert decks.inferred([CARDS["A1-185"].index], standard()) == "WL"
    assert decks.check(Deck("", tuple(CARDS[i].index for i in ONE_BASIC), "G"), standard()) is None


def test_a_coin_decides_who_begins() -> None:
    """S-1, T-1: the coin, and odd turns for the first player."""
    first = Counter(started(ONE_BASIC, word).first_player for word in range(200))
    assert set(first) == {0, 1}
    game = board([BULBASAUR], turn=3)
    assert game.turn_player == game.first_player == 0
    game.turn = 4
    assert game.turn_player == 1


@pytest.mark.parametrize("opening", ["redraw", "basic_first", "swap"])
def test_every_opening_hand_holds_a_basic_and_no_card_is_lost(opening: str) -> None:
    """S-2, S-3: five cards with a Basic, out of twenty, however it is done."""
    for word in range(60):
        game = started(ONE_BASIC, word, opening=opening)
        for player in game.players:
            in_play = [card for _, pokemon in player.in_play for card in pokemon.cards]
            held = [h.card for h in player.hand]
            drawn = 1 if player is game.own and game.turn == 1 else 0
            assert len(in_play) + len(held) == 5 + drawn
            assert CARDS[BULBASAUR].index in in_play
            assert sorted(in_play + held + player.deck) == player.deck_list


def test_openings_deal_hands_by_their_own_chances() -> None:
    """S-3: with 2 Basics of 20, how often both are in the hand tells the three forms apart."""
    ids = [BULBASAUR, "A1-227", *FILLER, *FILLER, IVYSAUR, IVYSAUR]
    exact = {"redraw": 1 / 8.5, "basic_first": 4 / 19, "swap": 2 / 38}
    for opening, chance in exact.items():
        found = 0
        for word in range(600):
            game = started(ids, word * 2654435761 % 2**32, opening=opening)
            for player in game.players:
                cards = [c for _, p in player.in_play for c in p.cards]
                drawn = player is game.own and game.turn == 1
                cards += [h.card for h in player.hand[: len(player.hand) - drawn]]
                found += sum(standard().cards[card].basic for card in cards) == 2
        # Four standard deviations of 1,200 hands.
        assert abs(found / 1200 - chance) < 4 * (chance * (1 - chance) / 1200) ** 0.5, opening


def test_both_place_basics_and_nobody_sees_the_other_before() -> None:
    """S-4, S-5, S-6: one Active, up to three more, first the one who begins; no Trainers."""
    basics = [BULBASAUR, "A1-227", "A1-033", "A1-230", "A1-053", "A1-074", "A1-094", "A1-206"]
    ids = [*basics, *FILLER, "A1-219", "A1-219", IVYSAUR, IVYSAUR]
    games = (started(ids, word) for word in range(100))
    game = next(g for g in games if all(basics_held(g, p) > 1 for p in (0, 1)))
    first, second = game.first_player, 1 - game.first_player
    assert (game.phase, game.decision) == (Phase.SET_UP, Decision.SETUP_ACTIVE)
    assert game.decider == first
    hidden = fields.observe(game, second)
    act(game, legal(game)[0])
    assert game.decision == Decision.SETUP_BENCH
    slots = [standard().cards[h.card].basic for h in game.players[first].hand]
    assert [a - 1 for a in legal(game)[:-1]] == [s for s, basic in enumerate(slots) if basic]
    # What the other sees tells the kind of decision, which is public, and nothing of the choice.
    changed = [a != b for a, b in zip(hidden, fields.observe(game, second), strict=True)]
    assert sum(changed) == 1
    act(game, options.END)
    assert (game.decider, game.decision) == (second, Decision.SETUP_ACTIVE)
    act(game, legal(game)[0])
    while game.phase == Phase.SET_UP:
        act(game, options.END)
    assert game.turn == 1
    assert len(game.players[first].in_play) == 1


def test_set_up_gives_no_points_no_energy_and_no_mark() -> None:
    """S-7, S-8: nothing is new, no points, next Energy drawn and none to attach."""
    game = started(ONE_BASIC, 3)
    assert (game.turn, game.phase, game.decision) == (1, Phase.MAIN, Decision.MAIN)
    assert [p.points for p in game.players] == [0, 0]
    assert [p.zone_current for p in game.players] == [-1, -1]
    assert [p.zone_next for p in game.players] == [0, 0]
    assert not any(pokemon.new for p in game.players for _, pokemon in p.in_play)


def test_the_zone_shows_the_next_energy_and_loses_what_is_left() -> None:
    """Z-1, Z-2, Z-3, Z-5, F-2: next becomes current, a new one is drawn, nothing is kept."""
    game = board([BULBASAUR], zone="R")
    game.players[1].deck_energy, game.players[1].zone_next = [2, 3], 3
    end(game, 0)
    assert game.players[0].zone_current == -1
    assert (game.players[1].zone_current, game.players[1].zone_next) == (3, 2)


def test_one_energy_a_turn_is_attached_to_any_pokemon() -> None:
    """Z-4, Z-7, T-6: once, Active or Bench; on turn 1 there is none."""
    game = board([BULBASAUR, PIKACHU], zone="R")
    assert legal(act(game, options.ATTACH)) == [options.OWN, options.OWN + 1]
    act(game, options.OWN + 1)
    assert at(game.players[0], 1).energy == units("R")
    assert options.ATTACH not in legal(game)
    assert options.ATTACH not in legal(board([BULBASAUR], turn=1))


def test_the_first_turn_draws_a_card_and_allows_supporters_and_attacks() -> None:
    """T-4, T-6, T-7: what turn 1 allows."""
    game = started(ONE_BASIC, 3)
    assert len(game.own.hand) == 5
    game = board([mon(PIKACHU, "L")], turn=1, hand=[RESEARCH], deck=[POTION, POTION])
    assert playable(game, RESEARCH)
    attack(game)
    assert at(game.players[1], 0).damage == 20


def test_nobody_evolves_in_the_first_two_turns() -> None:
    """T-8: not in turn 1, nor in turn 2."""
    assert not playable(board([BULBASAUR], turn=1, hand=[IVYSAUR]), IVYSAUR)
    assert playable(board([BULBASAUR], turn=3, hand=[IVYSAUR]), IVYSAUR)
    game = board([BULBASAUR], [BULBASAUR], turn=1, other_hand=[IVYSAUR])
    assert not playable(end(game), IVYSAUR)


def test_a_turn_can_always_be_ended() -> None:
    """T-5, T-9: ending is always possible, even if nothing else is."""
    game = board([mon(BULBASAUR, condition=1)])
    assert legal(game) == [options.END]


def test_flags_and_marks_are_cleared_when_the_own_turn_begins() -> None:
    """T-3: the flags of the turn, and the marks of the turn player's Pokémon."""
    game = board(
        [mon(BULBASAUR, new=True, ability_used=True)], [mon(BULBASAUR, new=True, ability_used=True)]
    )
    game.supporter_played = game.retreated = True
    end(game)
    assert (game.supporter_played, game.retreated) == (False, False)
    assert (at(game.players[0], 0).new, at(game.players[1], 0).new) == (True, False)
    assert not at(game.players[1], 0).ability_used


def test_the_end_of_a_turn_has_its_order() -> None:
    """T-2, T-10, X-29: the Ability of the first turn, then what lasted ends; then the other."""
    game = board([BULBASAUR, ZERAORA], turn=1)
    game.turn_damage_any, game.turn_retreat = 10, 1
    end(game)
    assert at(game.players[0], 1).energy == units("L")
    assert (game.turn_damage_any, game.turn_retreat, game.turn_player) == (0, 0, 1)
    later = end(board([BULBASAUR, ZERAORA], turn=3))
    assert at(later.players[0], 1).energy == units("")


def test_the_game_is_a_tie_after_the_last_turn() -> None:
    """T-11, W-4: after the Checkup of turn 30, or of the turn that the option names."""
    game = board([BULBASAUR], turn=29)
    assert end(game).winner == -1
    assert end(game).winner == TIE
    assert (game.phase, game.decider) == (Phase.OVER, -1)
    assert options.legal(game, 0) == options.legal(game, 1) == [options.PASS]
    assert end(board([BULBASAUR], turn=5, max_turns=5)).winner == TIE
    with pytest.raises(ValueError, match="max_turns=0"):
        Options(max_turns=0)


def test_draws_come_from_the_deck_in_its_order() -> None:
    """H-2, T-3: the top card at the beginning of a turn."""
    game = board([BULBASAUR], other_deck=[POTION, RESEARCH])
    end(game)
    assert hand_of(game.players[1]) == [POTION]
    assert names(game.players[1].deck) == [RESEARCH]


def test_chance_is_asked_in_the_order_of_the_rules() -> None:
    """F-1: the coin, both decks, both zones."""
    script = Script(1, still=True)
    cards = [CARDS[id].index for id in ONE_BASIC]
    game = engine.new_game([(cards, [0, 1]), (cards, [2])], script)
    # 20 cards shuffle by 19 draws, from below(20) to below(2); cards are dealt in sorted order.
    shuffled = list(range(20, 1, -1))
    assert script.asked == [2, *shuffled, *shuffled, 2, 1]
    assert (game.first_player, game.players[0].zone_next, game.players[1].zone_next) == (1, 1, 2)


def test_unknown_switches_are_named() -> None:
    with pytest.raises(ValueError, match="opening='mulligan'"):
        Options(opening="mulligan")  # type: ignore[arg-type]
