"""Rules G, W, U, H and I: knock-outs, the end, the Checkup, hands, and what a player knows."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from envlift.envs.tcg_pocket import tables
from envlift.envs.tcg_pocket.reference import engine, fields, knockouts, options
from envlift.envs.tcg_pocket.reference.chance import Tape
from envlift.envs.tcg_pocket.reference.state import TIE, Condition, Decision, Game, Phase
from tests.envs.tcg_pocket.table import (
    BULBASAUR,
    HAND_SCOPE,
    IVYSAUR,
    POKEDEX,
    POTION,
    RESEARCH,
    H,
    T,
    act,
    at,
    attack,
    board,
    end,
    legal,
    mon,
    names,
    units,
)

PIKACHU, PIKACHU_EX, GRENINJA, ARTICUNO_EX = "A1-094", "A1-096", "A1-089", "A1-084"


def test_knocked_out_pokemon_leave_and_give_points() -> None:
    """G-1, G-2, G-3: one point, two for ex; all cards and the Energy are discarded."""
    game = attack(
        board([mon(PIKACHU, "L")], [mon(IVYSAUR, "GW", 80, under=[BULBASAUR]), BULBASAUR, PIKACHU])
    )
    assert (game.decision, game.decider) == (Decision.PROMOTE, 1)
    assert sorted(names(game.players[1].discard)) == [BULBASAUR, IVYSAUR]
    assert game.players[1].discarded_energy == units("GW")
    assert game.players[0].points == 1
    game = attack(board([mon(PIKACHU, "L")], [mon(PIKACHU_EX, damage=100), BULBASAUR]))
    assert game.players[0].points == 2


def test_a_knock_out_in_the_main_part_does_not_end_the_turn() -> None:
    """G-1, G-5: after an Ability; the check comes at once."""
    game = board([GRENINJA], [mon(PIKACHU, damage=40), BULBASAUR, IVYSAUR])
    act(act(game, options.ABILITY), 30)
    act(game, 27)
    assert (game.turn, game.decider, game.decision) == (5, 0, Decision.MAIN)


def test_both_promote_and_who_comes_next_chooses_first() -> None:
    """G-6, G-7: the second sees what the first has done; promotion is no retreat (G-8)."""
    own = [mon("A1-041", "RRR", 130), BULBASAUR, PIKACHU]
    game = attack(board(own, [mon(PIKACHU), BULBASAUR, PIKACHU]))
    assert (game.decider, game.decision, legal(game)) == (1, Decision.PROMOTE, [27, 28])
    act(game, 28)
    assert (game.decider, game.decision) == (0, Decision.PROMOTE)
    act(game, 27)
    assert (game.turn, game.turn_player, game.retreated) == (6, 1, False)
    # Arcanine ex gives two points.
    assert [player.points for player in game.players] == [1, 2]


def test_bench_knock_outs_count_in_the_same_check() -> None:
    """G-2: all at the same time, of both sides."""
    game = attack(
        board([mon(ARTICUNO_EX, "WWW")], [BULBASAUR, mon(PIKACHU, damage=50), BULBASAUR]), 1
    )
    assert game.players[0].points == 2
    assert names(at(game.players[1], 0).cards) == [BULBASAUR]


@pytest.mark.parametrize(
    ("points", "left", "winner"),
    [
        ((3, 0), (True, True), 0),
        ((3, 2), (True, False), 0),
        ((3, 2), (False, True), TIE),
        ((3, 1), (False, False), 0),
        ((3, 3), (True, True), TIE),
        ((4, 3), (False, False), TIE),
        ((3, 3), (True, False), 0),
        ((1, 0), (False, True), 1),
        ((1, 1), (False, False), TIE),
        ((2, 2), (True, True), None),
    ],
)
def test_conditions_are_counted_at_the_end(
    points: tuple[int, int], left: tuple[bool, bool], winner: int | None
) -> None:
    """W-1, W-2: the table of the rules, row by row, and both ways round."""
    for flipped in (False, True):
        game = board([BULBASAUR])
        for player, number, there in zip(game.players, points, left, strict=True):
            player.points = number
            if not there:
                player.places = [None] * 4
        if flipped:
            game.players.reverse()
        if winner is None:
            knockouts.look_for_end(game)
            continue
        with pytest.raises(knockouts.GameEndedError):
            knockouts.look_for_end(game)
        assert game.winner == (1 - winner if flipped and winner != TIE else winner)
        assert game.phase == Phase.OVER


def test_the_third_point_ends_the_game_and_nothing_follows() -> None:
    """W-1, W-4, G-5: no promotion, no Checkup, no next turn."""
    game = board([mon(PIKACHU, "L")], [mon(BULBASAUR, damage=60, poisoned=True), PIKACHU])
    game.players[0].points = 2
    attack(game)
    assert (game.winner, game.turn, game.decision, game.decider) == (0, 5, Decision.NONE, -1)
    before = fields.write(game)
    engine.step(game, options.END, Tape(1, 2))
    assert fields.write(game) == before


def test_an_empty_deck_is_no_loss() -> None:
    """W-3, H-2: nothing is drawn, the game goes on."""
    game = end(board([BULBASAUR]))
    assert (game.winner, game.turn, game.players[1].hand) == (-1, 6, [])


def test_poison_and_burn_do_damage_after_every_turn() -> None:
    """U-1, U-2, U-5, U-7: 10 and 20, no modifiers; heads ends the burn; both sides."""
    game = board([mon("A1-182", poisoned=True)], [mon("A1-182", burned=True)])
    end(game, T)
    assert (at(game.players[0], 0).damage, at(game.players[1], 0).damage) == (10, 20)
    end(game, H)
    assert not at(game.players[1], 0).burned
    assert at(game.players[0], 0).poisoned


def test_sleep_ends_on_heads_after_any_turn() -> None:
    """U-3, F-4: coins of burns first, of who just ended first, then those of sleep."""
    asleep: dict[str, Any] = {"condition": Condition.ASLEEP, "burned": True}
    game = end(board([mon(BULBASAUR, **asleep)], [mon(BULBASAUR, **asleep)]), H, T, T, H)
    assert [at(p, 0).burned for p in game.players] == [False, True]
    assert [at(p, 0).condition for p in game.players] == [Condition.ASLEEP, Condition.NONE]


def test_paralysis_costs_exactly_one_own_turn() -> None:
    """U-4: it ends after its owner's next turn, not before."""
    game = attack(board([mon("A1-083", "WWW")], [mon("A1-004", "GGG")]), 0, H)
    assert at(game.players[1], 0).condition == Condition.PARALYZED
    assert legal(game) == [options.ATTACH, options.END]
    end(game)
    assert at(game.players[1], 0).condition == Condition.NONE
    this_turn = mon(BULBASAUR, condition=Condition.PARALYZED, paralyzed_turn=5)
    assert at(end(board([this_turn], turn=5)).players[0], 0).condition == Condition.PARALYZED


def test_coins_are_flipped_also_at_0_hp_and_one_check_follows() -> None:
    """U-5, U-6, G-1: burn coin of a Pokémon that the poison has brought to 0."""
    game = board([BULBASAUR], [mon(PIKACHU, damage=50, poisoned=True, burned=True), BULBASAUR])
    end(game, T)
    assert game.players[0].points == 1
    assert names(at(game.players[1], 0).cards) == [BULBASAUR]


def test_only_active_pokemon_have_conditions() -> None:
    """C-1, C-4, U-1: who goes to the Bench is cured, who is promoted is healthy."""
    game = board([mon(BULBASAUR, "G", poisoned=True), PIKACHU])
    end(act(game, options.RETREAT))
    assert [p.damage for _, p in game.players[0].in_play] == [0, 0]


def test_a_hand_takes_ten_cards() -> None:
    """H-1: with ten nothing is drawn, the card stays in the deck."""
    game = end(board([BULBASAUR], other_hand=[POTION] * 10, other_deck=[RESEARCH]))
    assert (len(game.players[1].hand), names(game.players[1].deck)) == (10, [RESEARCH])


def test_players_see_what_is_open_and_nothing_else() -> None:
    """I-1, I-2, I-3, I-5: hands and decks of the other are hidden, what is known is shown."""
    game = board(
        [mon(BULBASAUR, "GG", 10)],
        hand=[HAND_SCOPE, POKEDEX],
        deck=[POTION, RESEARCH, IVYSAUR, PIKACHU],
        other_hand=[RESEARCH],
        other_deck=[POTION],
    )
    shown = seen(game, 1)
    assert (shown["hand"][1][:3], shown["hand_size"]) == ([0, 0, 0], [1, 2])
    assert shown["deck"] == [[0] * 20, [0] * 20]
    assert (shown["damage"][1][0], shown["energy"][1][0][0]) == (10, 2)
    assert (shown["deck_list"][0][0], shown["deck_list"][1][0]) == (1, 0)
    act(act(game, 1), 1)
    shown = seen(game, 0)
    assert shown["hand"][1][:2] == [game.card(294).index - 1, 0]
    assert [c for c in shown["deck"][0] if c] == [g.index for g in map(game.card, top(game, 3))]
    assert seen(game, 1)["deck_known"] == [0, 0]
    open_lists = board([BULBASAUR], open_decklists=True)
    assert seen(open_lists, 1)["deck_list"][1][0] == 1


def test_both_zones_are_open_and_piles_have_no_order() -> None:
    """Z-8, H-6: the other's current and next; piles are shown sorted."""
    game = board([BULBASAUR], zone="R")
    game.players[0].zone_next, game.players[1].zone_next = 3, 4
    game.players[0].discard = [5, 3, 4]
    shown = seen(game, 1)
    assert (shown["zone_current"], shown["zone_next"]) == ([-1, 1], [4, 3])
    assert shown["discard"][1][:4] == [3, 4, 5, 0]


def test_a_coin_is_fair_and_draws_are_even() -> None:
    """N-7, N-8: over 6,000 tapes each object comes up equally often, within 4.5 deviations."""
    for n in (2, 3, 7, 20):
        counts = [0] * n
        for word in range(6000):
            tape = Tape(word * 0x9E3779B1 % 2**32, word)
            tape.below(n)
            counts[tape.below(n)] += 1
        spread = (6000 * (1 / n) * (1 - 1 / n)) ** 0.5
        assert all(abs(count - 6000 / n) < 4.5 * spread for count in counts), counts


def top(game: Game, n: int) -> list[int]:
    return game.players[0].deck[:n]


def seen(game: Game, viewer: int) -> dict[str, Any]:
    """An observation by the names of its fields."""
    numbers, found = iter(fields.observe(game, viewer)), {}
    for field in fields.FIELDS:
        found[field.name] = taken(numbers, field.shape)
    assert next(numbers, None) is None
    return found


def taken(numbers: Iterator[int], shape: tuple[int, ...]) -> Any:
    if not shape:
        return next(numbers)
    return [taken(numbers, shape[1:]) for _ in range(shape[0])]


def test_hidden_cards_change_no_observation() -> None:
    """I-2, S-5: what a player may not know is drawn anew; he sees the same."""
    rng = random.Random(3)
    for game in games(rng, 12):
        before = [fields.observe(game, 0), fields.mask(game, 0)]
        other = game.players[1]
        hidden = [held.card for held in other.hand if not held.known] + other.deck
        rng.shuffle(hidden)
        for held in other.hand:
            if not held.known:
                held.card = hidden.pop()
        other.deck = hidden
        known = game.players[0].deck_known
        rest = game.players[0].deck[known:]
        rng.shuffle(rest)
        game.players[0].deck[known:] = rest
        if game.decider == 0:
            assert [fields.observe(game, 0), fields.mask(game, 0)] == before
        else:
            assert fields.observe(game, 0) == before[0]


def games(rng: random.Random, n: int) -> list[Game]:
    """Games in the middle, at different lengths."""
    found = []
    for _ in range(n):
        chosen = rng.choices(tables.decks(), k=2)
        given = [(d.cards, [tables.ENERGY.index(e) for e in d.energy]) for d in chosen]
        game = engine.new_game(given, Tape(rng.getrandbits(32), rng.getrandbits(32)))
        for _ in range(rng.randrange(4, 60)):
            if game.winner == -1:
                step(game, rng)
        found.append(game)
    return found


def step(game: Game, rng: random.Random) -> None:
    engine.step(game, rng.choice(legal(game)), Tape(rng.getrandbits(32), rng.getrandbits(32)))


def test_no_card_and_no_energy_is_lost_in_whole_games() -> None:
    """P-7, G-2, N-3, N-4: 20 cards a player at every decision, and written games go on the same."""
    rng = random.Random(5)
    ended = 0
    for game in games(rng, 8):
        while game.winner == -1:
            for number, player in enumerate(game.players):
                cards = [c for _, p in player.in_play for c in p.cards]
                cards += [h.card for h in player.hand] + player.deck + player.discard
                if game.pending.kind == 1 and game.turn_player == number and game.pending.step == 8:
                    cards.append(game.pending.card)
                assert sorted(cards) == player.deck_list
            copy = fields.read(fields.write(game))
            assert fields.write(copy) == fields.write(game)
            assert any(fields.mask(game, game.decider))
            before = rng.getstate()
            step(game, rng)
            rng.setstate(before)
            step(copy, rng)
            assert fields.write(copy) == fields.write(game)
        ended += 1
    assert ended == 8
