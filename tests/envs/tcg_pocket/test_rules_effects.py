"""Rules X, C, L and Z-6: what the effect codes do besides damage."""

from __future__ import annotations

from dataclasses import replace

import pytest

from envlift.envs.tcg_pocket.reference import options
from envlift.envs.tcg_pocket.reference.state import Condition, Decision, Pokemon, Prevent
from tests.envs.tcg_pocket.table import (
    BROCK,
    BULBASAUR,
    ERIKA,
    HAND_SCOPE,
    IVYSAUR,
    KOGA,
    MISTY,
    POKE_BALL,
    POKEDEX,
    POTION,
    RED_CARD,
    SABRINA,
    SURGE,
    VENUSAUR,
    H,
    T,
    act,
    at,
    attack,
    board,
    end,
    hand_of,
    legal,
    mon,
    names,
    play,
    units,
)

PIKACHU, CHARMANDER, STARYU, ABRA, MEOWTH = "A1-094", "A1-033", "A1-074", "A1-115", "A1-196"
MOLTRES_EX, MANAPHY, WEEZING, KOFFING = "A1-047", "P-A-048", "A1-177", "A1-176"
CRESSELIA_EX, DARKRAI_EX, DUGTRIO = "P-A-037", "P-A-042", "A1-140"
SHIELDED = mon(VENUSAUR, "GG", prevent=Prevent.DAMAGE_AND_EFFECTS)


def test_random_energy_is_one_unit_of_all() -> None:
    """X-9, N-7, F-5: units in the order of N-2; those of the opponent's Active Pokémon."""
    for drawn, left in ((0, "RRM"), (1, "GRM"), (3, "GRR")):
        game = attack(board([mon("A1-078", "WWWW")], [mon(VENUSAUR, "GRRM")]), 0, drawn)
        assert at(game.players[1], 0).energy == units(left)


def test_random_cards_of_a_hand_are_discarded() -> None:
    """X-10: Shadow Claw on heads; nothing from an empty hand."""
    game = board([mon("A1-197", "RR")], other_hand=[POTION, KOGA, MISTY])
    attack(game, 0, H, 1)
    assert hand_of(game.players[1]) == [POTION, MISTY]
    assert names(game.players[1].discard) == [KOGA]
    attack(board([mon("A1-197", "RR")]), 0, H)


def test_both_decks_lose_their_top_cards() -> None:
    """X-11: five of each, or what is left."""
    game = board(
        [mon("P-A-081", "PPMM")], [VENUSAUR], deck=[POTION, KOGA] * 3, other_deck=[MISTY] * 2
    )
    attack(game, 1)
    assert names(game.players[0].deck) == [KOGA]
    assert names(game.players[1].discard) == [MISTY, MISTY]


def test_zone_energy_goes_to_the_user_or_to_an_active_of_a_type() -> None:
    """X-12, Z-6: Amass, Volt Charge from the Bench, Psy Shadow; the zone is not touched."""
    game = attack(board([mon("A1-181", "M")]))
    assert at(game.players[0], 0).energy == units("MM")
    game = board([BULBASAUR, "A1-098"], zone="R")
    act(game, options.ABILITY + 1)
    assert at(game.players[0], 1).energy == units("L")
    assert game.players[0].zone_current == 1
    game = act(board([ABRA, "A1-132"]), options.ABILITY + 1)
    assert at(game.players[0], 0).energy == units("P")


def test_zone_energy_for_the_bench_is_placed_unit_by_unit() -> None:
    """X-12, N-6: Inferno Dance; heads count, fire Pokémon of the Bench only."""
    game = board([mon(MOLTRES_EX, "R"), CHARMANDER, BULBASAUR, CHARMANDER])
    attack(game, 0, H, T, H)
    assert (game.decision, legal(game)) == (Decision.ENERGY, [27, 29])
    act(game, 29)
    act(game, 27)
    assert [at(game.players[0], p).energy for p in (1, 2, 3)] == [units("R"), units(""), units("R")]
    game = attack(board([mon(MOLTRES_EX, "R"), CHARMANDER, BULBASAUR]), 0, H, H, H)
    assert at(game.players[0], 1).energy == units("RRR")
    assert attack(board([mon(MOLTRES_EX, "R"), BULBASAUR]), 0, H, H, H).turn == 6


def test_zone_energy_for_different_pokemon_of_the_bench() -> None:
    """X-12: Oceanic Gift; two of three are chosen, of two or one all get it."""
    game = attack(board([mon(MANAPHY, "W"), BULBASAUR, BULBASAUR, BULBASAUR]))
    act(game, 28)
    assert legal(game) == [27, 29]
    act(game, 29)
    assert [at(game.players[0], p).energy for p in (1, 2, 3)] == [units(""), units("W"), units("W")]
    game = attack(board([mon(MANAPHY, "W"), None, BULBASAUR]))
    assert at(game.players[0], 2).energy == units("W")
    assert game.turn == 6


def test_misty_chooses_before_the_coins() -> None:
    """X-12, X-30, F-3: one own water Pokémon, then coins until tails."""
    game = play(board([STARYU, STARYU, BULBASAUR], hand=[MISTY]), MISTY)
    assert (game.decision, legal(game)) == (Decision.CHOOSE, [26, 27])
    act(game, 27, H, H, T)
    assert at(game.players[0], 1).energy == units("WW")
    assert names(game.players[0].discard) == [MISTY]
    game = play(board([STARYU], hand=[MISTY]), MISTY, T)
    assert (at(game.players[0], 0).energy, game.decision) == (units(""), Decision.MAIN)


def test_brock_and_surge_move_energy_to_names() -> None:
    """X-12, X-13: Onix or Golem; all lightning of the Bench."""
    game = play(board(["A1-150", "A1-149"], hand=[BROCK]), BROCK)
    act(game, 27)
    assert at(game.players[0], 1).energy == units("F")
    game = board(["A1-101", mon(PIKACHU, "LLR"), mon(PIKACHU, "L")], hand=[SURGE])
    play(game, SURGE)
    assert at(game.players[0], 0).energy == units("LLL")
    assert at(game.players[0], 1).energy == units("R")


def test_one_that_is_chosen_takes_all_units() -> None:
    """X-12: of no real card more than one; variants have two and three."""
    game = board([BULBASAUR, "A1-149", "A1-149"], hand=[BROCK])
    tables, brock = game.tables, game.tables.by_id[BROCK]
    (op,) = brock.ops
    twice = replace(brock, ops=(replace(op, params={**op.params, "n": 2}),))
    cards = [twice if card is brock else card for card in tables.cards]
    game.tables = replace(tables, cards=tuple(cards))
    act(play(game, BROCK), 27)
    assert [at(game.players[0], p).energy for p in (1, 2)] == [units("FF"), units("")]
    assert game.decision == Decision.MAIN


def test_healing_stops_at_0() -> None:
    """X-14: the user, each own Pokémon, one that is chosen, of a type."""
    game = attack(board([mon(VENUSAUR, "GGGG", 20)]))
    assert at(game.players[0], 0).damage == 0
    game = act(board([mon("A1-007", damage=10), mon(PIKACHU, damage=50)]), options.ABILITY)
    assert [p.damage for _, p in game.players[0].in_play] == [0, 30]
    places = [
        mon(BULBASAUR, damage=60),
        mon(PIKACHU, damage=50),
        mon(IVYSAUR, damage=50),
        BULBASAUR,
    ]
    game = play(board(places, hand=[ERIKA, POTION]), ERIKA)
    assert (game.decision, legal(game)) == (Decision.HEAL, [26, 28])
    act(game, 26)
    assert at(game.players[0], 0).damage == 10
    assert legal(play(game, POTION)) == [26, 27, 28]


@pytest.mark.parametrize(
    ("attacker", "draws", "name", "value"),
    [
        (mon("A1-063", "WW"), (), "poisoned", True),
        (mon("P-A-073", "RR"), (H, T), "burned", True),
        (mon("P-A-073", "RR"), (T,), "burned", False),
        (mon("A1-083", "WWW"), (H,), "condition", Condition.PARALYZED),
        (mon("A1-083", "WWW"), (T,), "condition", Condition.NONE),
        (mon("A1-013", "GGG"), (T,), "condition", Condition.ASLEEP),
        (mon("P-A-038", "P"), (), "condition", Condition.CONFUSED),
    ],
)
def test_special_conditions_of_attacks(
    attacker: Pokemon, draws: tuple[int, ...], name: str, value: object
) -> None:
    """X-15, C-1, X-1: set on the opponent's Active Pokémon."""
    game = attack(board([attacker], ["A1-004", BULBASAUR]), 0, *draws)
    assert getattr(at(game.players[1], 0), name) == value


def test_of_three_conditions_the_newest_stays_and_two_go_with_all() -> None:
    """C-2, C-3: Asleep, Paralyzed, Confused replace each other; the others do not."""
    before = mon(VENUSAUR, condition=Condition.CONFUSED, poisoned=True, burned=True)
    game = attack(board([mon("A1-083", "WWW")], [before]), 0, H, T)
    hit = at(game.players[1], 0)
    assert (hit.condition, hit.paralyzed_turn) == (Condition.PARALYZED, 5)
    assert (hit.poisoned, hit.burned) == (True, True)
    again = mon(VENUSAUR, condition=Condition.PARALYZED, paralyzed_turn=1)
    game = attack(board([mon("A1-083", "WWW")], [again]), 0, H)
    assert at(game.players[1], 0).paralyzed_turn == 5


def test_a_pokemon_can_put_itself_to_sleep() -> None:
    """X-15, U-3: the coin of the Checkup of the same turn."""
    assert at(attack(board([mon("P-A-049", "RRRR")], [VENUSAUR]), 0, T).players[0], 0).condition
    assert not at(attack(board([mon("P-A-049", "RRRR")], [VENUSAUR]), 0, H).players[0], 0).condition


def test_lasting_effects_on_the_defender_end_with_its_turn() -> None:
    """X-16, L-1, L-3: no attack, less damage, no retreat, in the turn that follows."""
    game = attack(board([mon("A1-082", "WWW")], [mon("A1-004", "GGG"), PIKACHU]))
    assert options.ATTACK not in legal(game)
    end(end(game))
    assert options.ATTACK in legal(game)
    game = attack(board([mon("A1-151", "F")], [mon(PIKACHU, "L")]))
    attack(game)
    assert at(game.players[0], 0).damage == 0
    assert at(game.players[1], 0).deals_less == 0
    game = attack(board([mon("A1-165", "DD")], [mon("A1-004", "GGG"), PIKACHU]))
    assert options.RETREAT not in legal(game)


def test_lasting_effects_on_oneself_end_with_the_other_turn() -> None:
    """X-16, X-26, L-3: less damage, prevention, a counter."""
    game = attack(board([mon("A1-126", "PP")], [mon(PIKACHU, "L"), BULBASAUR]))
    attack(game)
    assert (at(game.players[0], 0).damage, at(game.players[0], 0).takes_less) == (0, 0)
    game = attack(board([mon(DUGTRIO, "F")], [mon("A1-004", "GGG")]), 0, H)
    attack(game)
    assert (at(game.players[0], 0).damage, at(game.players[0], 0).prevent) == (0, 0)
    game = attack(board([mon("P-A-090", "MM")], [mon("A1-004", "GGG")]))
    attack(game)
    assert (at(game.players[1], 0).damage, at(game.players[0], 0).counter) == (30 + 30, 0)


def test_more_damage_for_an_attack_in_the_next_own_turn() -> None:
    """X-16, L-3, L-4, M-3: Overacceleration after Overacceleration."""
    game = board([mon("P-A-051", "R")], ["A1-004"])
    end(attack(game))
    assert at(game.players[0], 0).attack_more_until == 7
    end(attack(game))
    assert at(game.players[1], 0).damage == 20 + 40
    end(end(game))
    assert at(game.players[0], 0).attack_more == 0


def test_lasting_effects_do_not_move_to_who_comes_later() -> None:
    """L-2, L-5: they end when the Pokémon leaves the Active Spot."""
    game = attack(board([mon("A1-082", "WWW")], [mon("A1-004", "GGG"), mon(PIKACHU, "L")]))
    act(game, options.RETREAT)
    assert options.ATTACK in legal(game)
    assert not at(game.players[1], 1).no_attack


def test_effects_are_kept_off_by_prevention_but_not_those_of_abilities() -> None:
    """X-26: nothing is put on it or moves it; Abilities and Trainers are not stopped."""
    game = attack(board([mon("A1-063", "WW")], [SHIELDED]))
    assert not at(game.players[1], 0).poisoned
    game = attack(board([mon("A1-163", "FFF")], [SHIELDED, PIKACHU]))
    assert names(at(game.players[1], 0).cards) == [VENUSAUR]
    game = attack(board([mon("A1-078", "WWWW")], [SHIELDED]))
    assert at(game.players[1], 0).energy == units("GG")
    game = act(board([WEEZING], [SHIELDED]), options.ABILITY)
    assert at(game.players[1], 0).poisoned
    game = attack(board([mon("A1-063", "WW")], [mon("A1-004", prevent=Prevent.DAMAGE)]))
    assert at(game.players[1], 0).poisoned


def test_switches() -> None:
    """X-17, X-18: who chooses, among whom; nothing with an empty Bench."""
    game = attack(board([mon(ABRA, "P"), BULBASAUR, PIKACHU]))
    assert (game.decision, legal(game)) == (Decision.SWITCH, [27, 28])
    act(game, 28)
    assert names(at(game.players[0], 0).cards) == [PIKACHU]
    game = attack(board([mon("A1-163", "FFF")], ["A1-004", BULBASAUR, PIKACHU]))
    assert (game.decider, legal(game)) == (1, [27, 28])
    game = act(board(["A1-020"], ["A1-004", IVYSAUR, PIKACHU, BULBASAUR]), options.ABILITY)
    assert (game.decider, legal(game)) == (0, [32, 33])
    act(game, 33)
    assert names(at(game.players[1], 0).cards) == [BULBASAUR]
    assert names(at(game.players[1], 3).cards) == ["A1-004"]
    assert attack(board([mon(ABRA, "P")])).turn == 6
    game = play(board([BULBASAUR], [BULBASAUR, PIKACHU, PIKACHU], hand=[SABRINA]), SABRINA)
    assert (game.decider, game.decision) == (1, Decision.SWITCH)
    assert names(game.players[0].discard) == []
    act(game, 27)
    assert (game.decider, names(game.players[0].discard)) == (0, [SABRINA])


def test_finding_takes_a_random_fitting_card_and_shuffles() -> None:
    """X-20, H-4, I-4, N-7: Poké Ball; the card is shown, the deck shuffled in any case."""
    game = board([BULBASAUR], hand=[POKE_BALL], deck=[POTION, PIKACHU, IVYSAUR, ABRA])
    game.players[0].deck_known = 2
    play(game, POKE_BALL, 1, 0, 1)
    assert hand_of(game.players[0]) == [ABRA]
    assert game.players[0].hand[0].known
    assert names(game.players[0].deck) == [IVYSAUR, PIKACHU, POTION]
    assert game.players[0].deck_known == 0
    game = play(board([BULBASAUR], hand=[POKE_BALL], deck=[POTION, KOGA]), POKE_BALL, 0)
    assert names(game.players[0].deck) == [KOGA, POTION]
    assert hand_of(game.players[0]) == []


def test_finding_for_the_bench_needs_a_place() -> None:
    """X-20: Call for Family; the Pokémon is new."""
    deck = [POTION, "A1-169"]
    game = attack(board([mon("A1-166", "D")], deck=deck))
    assert names(at(game.players[0], 1).cards) == ["A1-169"]
    assert at(game.players[0], 1).new
    full = [mon("A1-166", "D"), BULBASAUR, BULBASAUR, BULBASAUR]
    game = attack(board(full, deck=deck), still=True)
    assert names(game.players[0].deck) == deck


def test_returning_to_the_hand() -> None:
    """X-21, H-3, G-4: Koga; all cards to the hand, Energy discarded, promotion, no points."""
    game = board(
        [mon(WEEZING, "DD", 50, under=[KOFFING]), BULBASAUR, PIKACHU], hand=[KOGA, *[POTION] * 9]
    )
    play(game, KOGA)
    assert (game.decision, game.decider, legal(game)) == (Decision.PROMOTE, 0, [27, 28])
    assert len(game.players[0].hand) == 11
    assert hand_of(game.players[0])[-2:] == [KOFFING, WEEZING]
    act(game, 27)
    assert names(game.players[0].discard) == [KOGA]
    assert game.players[0].discarded_energy == units("DD")
    assert (game.players[1].points, game.decision) == (0, Decision.MAIN)


def test_returning_to_the_deck() -> None:
    """X-21, W-1: Primal Wingbeat; without another Pokémon the game ends."""
    game = attack(board([mon("A1-210", "RR")], [mon(IVYSAUR, under=[BULBASAUR])]), 0, H, 0)
    assert game.winner == 0
    assert names(game.players[1].deck) == [IVYSAUR, BULBASAUR]
    assert game.players[0].points == 0
    game = attack(board([mon("A1-210", "RR")], [BULBASAUR, PIKACHU, ABRA]), 0, H)
    assert (game.decider, game.decision) == (1, Decision.PROMOTE)
    act(game, 28)
    assert (game.turn, game.turn_player) == (6, 1)


def test_looking_makes_cards_known() -> None:
    """X-22, I-3: the other's hand, the own top cards; until they are drawn."""
    game = play(board([BULBASAUR], hand=[HAND_SCOPE], other_hand=[POTION, KOGA]), HAND_SCOPE)
    assert [held.known for held in game.players[1].hand] == [True, True]
    game = board([BULBASAUR], hand=[POKEDEX], deck=[POTION, KOGA, MISTY, POTION])
    play(game, POKEDEX)
    assert game.players[0].deck_known == 3
    end(end(game))
    assert game.players[0].deck_known == 2


def test_a_hand_is_reshuffled() -> None:
    """X-22, H-5: Red Card; the hand under the deck, shuffled, three drawn."""
    game = board([BULBASAUR], hand=[RED_CARD], other_hand=[POTION, KOGA], other_deck=[MISTY, ABRA])
    game.players[1].hand[0].known = True
    play(game, RED_CARD, 0, 0, 0)
    assert hand_of(game.players[1]) == [ABRA, POTION, KOGA]
    assert not any(held.known for held in game.players[1].hand)


def test_drawing_by_an_attack() -> None:
    """X-19, H-2: Pay Day."""
    game = attack(board([mon(MEOWTH, "R")], deck=[POTION, KOGA]))
    assert hand_of(game.players[0]) == [POTION]


def test_attaching_from_the_zone_triggers_an_ability() -> None:
    """X-28, G-1: by Z-4, by an effect of Z-6 unless the switch says otherwise; of its type."""
    game = board([mon(CRESSELIA_EX, damage=50)], zone="P")
    act(game, options.ATTACH)
    assert at(game.players[0], 0).damage == 30
    game = board([mon(CRESSELIA_EX, damage=50)], zone="R")
    assert at(act(game, options.ATTACH).players[0], 0).damage == 50
    for trigger, damage in (("any", 30), ("z4_only", 50)):
        game = board([mon(CRESSELIA_EX, damage=50), "A1-132"], zone_trigger=trigger)
        act(game, options.ABILITY + 1)
        assert at(game.players[0], 0).damage == damage


def test_a_triggered_ability_can_knock_out_in_the_main_part() -> None:
    """X-28, G-1, A-5: Nightmare Aura; the turn goes on after the promotion."""
    game = board([BULBASAUR, DARKRAI_EX], [mon(PIKACHU, damage=50), ABRA, BULBASAUR], zone="D")
    act(act(game, options.ATTACH), 27)
    assert (game.decision, game.decider) == (Decision.PROMOTE, 1)
    assert game.players[0].points == 1
    act(game, 28)
    assert (game.decision, game.decider, game.turn) == (Decision.MAIN, 0, 5)
    assert at(game.players[0], 1).energy == units("D")
