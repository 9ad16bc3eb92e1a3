"""Rules P, R and A: playing cards, retreating, Abilities."""

from __future__ import annotations

from typing import Any

import pytest

from envlift.envs.tcg_pocket.reference import options
from envlift.envs.tcg_pocket.reference.state import Condition, Decision
from tests.envs.tcg_pocket.table import (
    AMBER,
    BLAINE,
    BROCK,
    BULBASAUR,
    DOME,
    ERIKA,
    GIOVANNI,
    HAND_SCOPE,
    HELIX,
    IVYSAUR,
    KOGA,
    MISTY,
    POKE_BALL,
    POKEDEX,
    POTION,
    RED_CARD,
    RESEARCH,
    SABRINA,
    SURGE,
    VENUSAUR,
    X_SPEED,
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
    playable,
    units,
)

PIKACHU, AERODACTYL, GENGAR_EX, WEEZING, STARYU = "A1-094", "A1-210", "A1-123", "A1-177", "A1-074"
BUTTERFREE, VICTREEBEL, GRENINJA, PIDGEOT = "A1-007", "A1-020", "A1-089", "A1-188"
MAGNETON, HYPNO, GARDEVOIR, PORYGON = "A1-098", "A1-125", "A1-132", "A1-209"


def test_basics_come_to_a_free_bench_place_and_are_new() -> None:
    """P-1, N-4: any number, the lowest free place; none on a full Bench."""
    game = board([BULBASAUR, None, BULBASAUR], hand=[PIKACHU, PIKACHU, PIKACHU])
    play(game, PIKACHU)
    play(game, PIKACHU)
    assert [place for place, _ in game.players[0].in_play] == [0, 1, 2, 3]
    assert at(game.players[0], 1).new
    assert not playable(game, PIKACHU)


def test_a_pokemon_evolves_once_a_turn_and_not_when_new() -> None:
    """P-2, P-3: the name decides; damage and Energy stay, conditions and effects go."""
    sick = mon(
        BULBASAUR,
        "GG",
        30,
        poisoned=True,
        condition=Condition.ASLEEP,
        deals_less=20,
        no_retreat=True,
    )
    game = board([sick, PIKACHU], hand=[IVYSAUR, VENUSAUR])
    assert not playable(game, VENUSAUR)
    play(game, IVYSAUR)
    evolved = at(game.players[0], 0)
    assert names(evolved.cards) == [BULBASAUR, IVYSAUR]
    assert (evolved.damage, evolved.energy, evolved.new) == (30, units("GG"), True)
    assert (evolved.poisoned, evolved.condition) == (False, 0)
    assert (evolved.deals_less, evolved.no_retreat) == (0, False)
    assert not playable(game, VENUSAUR)
    assert not playable(board([mon(BULBASAUR, new=True)], hand=[IVYSAUR]), IVYSAUR)


def test_the_player_chooses_who_evolves() -> None:
    """P-2, N-6: a choice among two, none among one; on the Bench, too."""
    game = board([BULBASAUR, BULBASAUR], hand=[IVYSAUR])
    assert legal(play(game, IVYSAUR)) == [options.OWN, options.OWN + 1]
    assert game.decision == Decision.EVOLVE
    assert hand_of(game.players[0]) == [IVYSAUR]
    act(game, options.OWN + 1)
    assert names(at(game.players[0], 1).cards) == [BULBASAUR, IVYSAUR]
    assert hand_of(game.players[0]) == []


def test_evolving_frees_the_ability_again() -> None:
    """P-3, A-1: ``ability_used`` is cleared."""
    game = board([mon("A1-125", under=["A1-124"], ability_used=True)])
    assert options.ABILITY not in legal(game)
    game = board([mon(BULBASAUR, ability_used=True)], hand=[IVYSAUR])
    assert not at(play(game, IVYSAUR).players[0], 0).ability_used


def test_items_are_unlimited_and_supporters_are_not() -> None:
    """P-4, P-5: one Supporter a turn; the card is in the discard pile afterwards."""
    game = board(
        [mon(BULBASAUR, damage=60)], hand=[POTION, POTION, GIOVANNI, RESEARCH], deck=[POTION] * 5
    )
    play(game, POTION)
    play(game, POTION)
    play(game, GIOVANNI)
    assert not playable(game, RESEARCH)
    assert names(game.players[0].discard) == [POTION, POTION, GIOVANNI]
    assert at(game.players[0], 0).damage == 20


def test_effects_and_abilities_forbid_supporters() -> None:
    """P-5, A-4: an Ability in the Active Spot alone, and an effect for one turn."""
    assert not playable(board([BULBASAUR], [GENGAR_EX], hand=[GIOVANNI]), GIOVANNI)
    assert playable(board([BULBASAUR], [BULBASAUR, GENGAR_EX], hand=[GIOVANNI]), GIOVANNI)
    game = board([mon("A1-057", "W")], [BULBASAUR], other_hand=[GIOVANNI], hand=[GIOVANNI])
    attack(game)
    assert not playable(game, GIOVANNI)
    end(game)
    assert playable(game, GIOVANNI)
    end(game)
    assert playable(game, GIOVANNI)


GRASS, FIRE = mon(BULBASAUR), mon("A1-033")
HURT = mon(BULBASAUR, damage=10)
EMPTY: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("card", "own", "other", "more", "can"),
    [
        (POTION, [FIRE, HURT], [GRASS], EMPTY, True),
        (POTION, [GRASS], [HURT], EMPTY, False),
        (ERIKA, [GRASS, HURT], [GRASS], EMPTY, True),
        (ERIKA, [mon("A1-033", damage=10), GRASS], [GRASS], EMPTY, False),
        (X_SPEED, [GRASS], [GRASS], EMPTY, True),
        (X_SPEED, [mon(HELIX), GRASS], [GRASS], EMPTY, False),
        (HAND_SCOPE, [GRASS], [GRASS], {"other_hand": [POTION]}, True),
        (HAND_SCOPE, [GRASS], [GRASS], EMPTY, False),
        (RED_CARD, [GRASS], [GRASS], {"other_hand": [POTION]}, True),
        (RED_CARD, [GRASS], [GRASS], EMPTY, False),
        (POKEDEX, [GRASS], [GRASS], {"deck": [POTION]}, True),
        (POKEDEX, [GRASS], [GRASS], EMPTY, False),
        (POKE_BALL, [GRASS], [GRASS], {"deck": [POTION]}, True),
        (POKE_BALL, [GRASS], [GRASS], EMPTY, False),
        (RESEARCH, [GRASS], [GRASS], {"deck": [POTION]}, True),
        (RESEARCH, [GRASS], [GRASS], EMPTY, False),
        (MISTY, [GRASS, mon(STARYU)], [GRASS], EMPTY, True),
        (MISTY, [GRASS], [mon(STARYU)], EMPTY, False),
        (BLAINE, [GRASS], [GRASS], EMPTY, True),
        (GIOVANNI, [GRASS], [GRASS], EMPTY, True),
        (KOGA, [mon(WEEZING), GRASS], [GRASS], EMPTY, True),
        (KOGA, [mon(WEEZING)], [GRASS], EMPTY, False),
        (KOGA, [GRASS, mon(WEEZING)], [GRASS], EMPTY, False),
        (BROCK, [GRASS, mon("A1-150")], [GRASS], EMPTY, True),
        (BROCK, [GRASS], [GRASS], EMPTY, False),
        (SABRINA, [GRASS], [GRASS, FIRE], EMPTY, True),
        (SABRINA, [GRASS], [GRASS], EMPTY, False),
        (SURGE, [mon("A1-101"), mon(PIKACHU, "L")], [GRASS], EMPTY, True),
        (SURGE, [mon("A1-101"), mon(PIKACHU, "R")], [GRASS], EMPTY, False),
        (SURGE, [GRASS, mon(PIKACHU, "L")], [GRASS], EMPTY, False),
        (HELIX, [GRASS], [GRASS], EMPTY, True),
        (HELIX, [GRASS, GRASS, FIRE, FIRE], [GRASS], EMPTY, False),
    ],
)
def test_trainers_are_played_only_where_they_could_change_anything(
    card: str, own: list[Any], other: list[Any], more: dict[str, Any], can: bool
) -> None:
    """P-6, X-30: card by card."""
    game = board(own, other, hand=[card], **more)
    assert playable(game, card) is can


def test_a_played_card_is_nowhere_while_its_effect_works() -> None:
    """P-7: with ten cards in hand, the one played leaves room for one that is drawn."""
    game = board([BULBASAUR], hand=[RESEARCH] + [POTION] * 9, deck=[X_SPEED, X_SPEED])
    play(game, RESEARCH)
    assert len(game.players[0].hand) == 10
    assert names(game.players[0].discard) == [RESEARCH]
    assert names(game.players[0].deck) == [X_SPEED]


def test_a_fossil_is_an_item_in_hand_and_a_basic_in_play() -> None:
    """P-8, P-9: 40 HP, colourless, no attack, no retreat; what evolves from it goes onto it."""
    game = board([BULBASAUR], hand=[AMBER, AERODACTYL, DOME])
    play(game, AMBER)
    assert names(at(game.players[0], 1).cards) == [AMBER]
    assert names(game.players[0].discard) == []
    assert not game.supporter_played
    assert not playable(game, AERODACTYL)
    game = board([mon(AMBER, "GGG"), BULBASAUR], hand=[AERODACTYL])
    assert options.RETREAT not in legal(game)
    assert options.ATTACK not in legal(game)
    play(game, AERODACTYL)
    assert names(at(game.players[0], 0).cards) == [AMBER, AERODACTYL]


def test_a_fossil_in_play_can_have_special_conditions_and_counts_as_basic() -> None:
    """P-9, X-18: poison takes hold of it, and what moves Basics moves it."""
    game = attack(board([mon("A1-174", "D")], [HELIX]))
    assert (at(game.players[1], 0).poisoned, at(game.players[1], 0).damage) == (True, 20)
    game = board([VICTREEBEL], [BULBASAUR, HELIX])
    act(game, options.ABILITY)
    assert names(at(game.players[1], 0).cards) == [HELIX]


def test_a_fossil_is_discarded_without_points_but_never_the_last_pokemon() -> None:
    """P-8, G-4, G-6: promotion if it was Active."""
    assert options.DISCARD_FOSSIL not in legal(board([HELIX]))
    game = board([mon(HELIX, "G"), BULBASAUR, PIKACHU])
    act(game, options.DISCARD_FOSSIL)
    assert (game.decision, legal(game)) == (Decision.PROMOTE, [27, 28])
    act(game, 28)
    assert names(at(game.players[0], 0).cards) == [PIKACHU]
    assert (game.players[1].points, game.decision) == (0, Decision.MAIN)
    assert names(game.players[0].discard) == [HELIX]
    assert game.players[0].discarded_energy == units("G")


def test_retreating_costs_energy_once_a_turn() -> None:
    """R-1, R-4: the player chooses whom to bring up and what to pay with."""
    game = board([mon(IVYSAUR, "GRR"), PIKACHU, BULBASAUR], hand=[])
    act(game, options.RETREAT)
    assert (game.decision, legal(game)) == (Decision.RETREAT, [27, 28])
    act(game, 28)
    assert (game.decision, legal(game)) == (Decision.RETREAT_ENERGY, [34, 35])
    act(game, 34)
    assert names(at(game.players[0], 0).cards) == [BULBASAUR]
    assert at(game.players[0], 2).energy == units("R")
    assert game.players[0].discarded_energy == units("GR")
    assert options.RETREAT not in legal(game)


def test_retreat_energy_can_be_random() -> None:
    """R-4, F-5: ``retreat_energy=random`` draws among the units, in the order of N-2."""
    game = board([mon(IVYSAUR, "GRRW"), PIKACHU], retreat_energy="random")
    act(game, options.RETREAT, 3, 0)
    assert at(game.players[0], 1).energy == units("RR")


@pytest.mark.parametrize(
    ("active", "can"),
    [
        (mon(BULBASAUR, "G"), True),
        (mon(BULBASAUR), False),
        (mon(BULBASAUR, "G", condition=Condition.ASLEEP), False),
        (mon(BULBASAUR, "G", condition=Condition.PARALYZED, paralyzed_turn=4), False),
        (mon(BULBASAUR, "G", condition=Condition.CONFUSED), True),
        (mon(BULBASAUR, "G", poisoned=True, burned=True), True),
        (mon(BULBASAUR, "G", no_retreat=True), False),
    ],
)
def test_who_may_retreat(active: Any, can: bool) -> None:
    """R-2: not asleep, paralyzed, or held by an effect."""
    game = board([active, PIKACHU])
    assert (options.RETREAT in legal(game)) is can
    assert options.RETREAT not in legal(board([active]))


def test_reductions_make_a_retreat_cheaper() -> None:
    """R-3, X-27: X Speed, twice; at least 0, and for this turn alone."""
    game = board([mon(BULBASAUR), PIKACHU], hand=[X_SPEED, X_SPEED])
    play(game, X_SPEED)
    assert not playable(game, X_SPEED)
    act(game, options.RETREAT)
    assert names(at(game.players[0], 0).cards) == [PIKACHU]
    assert end(game).turn_retreat == 0


def test_what_retreats_loses_conditions_and_effects_and_keeps_damage() -> None:
    """R-5, C-4, L-2: damage and Energy stay."""
    leaving = mon(
        BULBASAUR, "GG", 20, poisoned=True, burned=True, condition=Condition.CONFUSED, takes_less=20
    )
    game = board([leaving, PIKACHU])
    act(game, options.RETREAT)
    gone = at(game.players[0], 1)
    assert (gone.damage, gone.energy) == (20, units("G"))
    assert (gone.poisoned, gone.burned, gone.condition, gone.takes_less) == (False, False, 0, 0)


def test_a_switch_is_no_retreat() -> None:
    """R-6, G-8: it costs nothing, is possible asleep, and R-1 stays usable."""
    game = board([BULBASAUR], [mon(BULBASAUR, condition=Condition.ASLEEP), PIKACHU], hand=[SABRINA])
    play(game, SABRINA)
    assert names(at(game.players[1], 0).cards) == [PIKACHU]
    assert at(game.players[1], 1).condition == 0
    assert not game.retreated


def test_an_ability_is_used_once_by_each_pokemon_also_from_the_bench() -> None:
    """A-1, A-2, A-5, X-6: several copies, in any condition; no weakness, no bonus."""
    asleep = mon(GRENINJA, condition=Condition.ASLEEP)
    game = board([asleep, GRENINJA], [mon("A1-033"), BULBASAUR], hand=[GIOVANNI])
    play(game, GIOVANNI)
    act(game, options.ABILITY)
    assert (game.decision, legal(game)) == (Decision.HIT, [30, 31])
    act(game, 30)
    assert at(game.players[1], 0).damage == 20
    assert options.ABILITY not in legal(game)
    act(act(game, options.ABILITY + 1), 31)
    assert at(game.players[1], 1).damage == 20


@pytest.mark.parametrize(
    ("own", "other", "deck", "place", "can"),
    [
        ([BUTTERFREE, HURT], [GRASS], [], 0, True),
        ([BUTTERFREE], [HURT], [], 0, False),
        ([VICTREEBEL], [GRASS, FIRE], [], 0, True),
        ([VICTREEBEL], [FIRE, IVYSAUR], [], 0, False),
        ([GRASS, VICTREEBEL], [GRASS, FIRE], [], 1, False),
        ([GRASS, GRENINJA], [GRASS], [], 1, True),
        ([GARDEVOIR], [GRASS], [], 0, True),
        ([GRASS, GARDEVOIR], [GRASS], [], 1, False),
        ([GRASS, MAGNETON], [GRASS], [], 1, True),
        ([WEEZING], [GRASS], [], 0, True),
        ([GRASS, WEEZING], [GRASS], [], 1, False),
        ([GRASS, HYPNO], [GRASS], [], 1, True),
        ([GRASS, PIDGEOT], [GRASS, FIRE], [], 1, True),
        ([GRASS, PIDGEOT], [GRASS], [], 1, False),
        ([GRASS, PORYGON], [GRASS], [POTION], 1, True),
        ([GRASS, PORYGON], [GRASS], [], 1, False),
    ],
)
def test_abilities_are_used_only_where_they_could_change_anything(
    own: list[Any], other: list[Any], deck: list[str], place: int, can: bool
) -> None:
    """A-3, X-40: one by one."""
    game = board(own, other, deck=deck)
    assert (options.ABILITY + place in legal(game)) is can


def test_sleep_pendulum_flips_a_coin() -> None:
    """X-1, X-15, A-1: heads, and the opponent's Active Pokémon is asleep."""
    assert at(act(board([HYPNO]), options.ABILITY, 1).players[1], 0).condition == Condition.ASLEEP
    assert at(act(board([HYPNO]), options.ABILITY, T).players[1], 0).condition == 0
