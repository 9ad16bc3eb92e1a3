"""Rules K and M: attacking, and what damage becomes on its way."""

from __future__ import annotations

from typing import Any

import pytest

from envlift.envs.tcg_pocket.reference import options
from envlift.envs.tcg_pocket.reference.state import Condition, Decision, Pokemon, Prevent
from tests.envs.tcg_pocket.table import (
    BLAINE,
    BULBASAUR,
    GIOVANNI,
    IVYSAUR,
    VENUSAUR,
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
    play,
    units,
)

PIKACHU, PIKACHU_EX, SEADRA, ZAPDOS = "A1-094", "A1-096", "A1-071", "A1-103"
CHARMANDER, NINETALES, ARTICUNO_EX, DRAGONITE = "A1-033", "A1-038", "A1-084", "A1-185"
MELMETAL, CLOYSTER, POLIWRATH, SKIDDO = "A1-182", "A1-067", "A1-061", "A1-031"
PRIMEAPE, STARAPTOR, MIMIKYU, ARCANINE_EX = "A1-142", "P-A-047", "P-A-066", "A1-041"
LAPRAS, GOLEM = "A1-079", "A1-149"


@pytest.mark.parametrize(
    ("energy", "can"),
    [
        ("GG", True),
        ("GR", True),
        ("G", False),
        ("RR", False),
        ("WGR", True),
    ],
)
def test_a_cost_names_types_and_a_number(energy: str, can: bool) -> None:
    """K-3: Vine Whip costs one grass and one of any type; nothing is discarded."""
    game = board([mon(BULBASAUR, energy)])
    assert (options.ATTACK in legal(game)) is can
    if can:
        attack(game)
        assert at(game.players[0], 0).energy == units(energy)


def test_only_the_active_pokemon_attacks_and_the_turn_ends() -> None:
    """K-1: one attack a turn."""
    game = board([BULBASAUR, mon(PIKACHU, "L")])
    assert options.ATTACK not in legal(game)
    game = attack(board([mon(PIKACHU, "L")]))
    assert (game.turn_player, game.turn, game.decision) == (1, 6, Decision.MAIN)


@pytest.mark.parametrize(
    "held",
    [
        {"condition": Condition.ASLEEP},
        {"condition": Condition.PARALYZED, "paralyzed_turn": 4},
        {"no_attack": True},
    ],
)
def test_what_keeps_a_pokemon_from_attacking(held: dict[str, Any]) -> None:
    """K-2: sleep, paralysis, an effect; confusion does not."""
    assert options.ATTACK not in legal(board([mon(PIKACHU, "L", **held)]))
    assert options.ATTACK in legal(board([mon(PIKACHU, "L", condition=Condition.CONFUSED)]))


def test_a_confused_attack_fails_on_tails() -> None:
    """K-4, C-5: nothing happens, no damage to itself, and it stays confused."""
    for coin, damage in ((T, 0), (H, 20)):
        game = attack(board([mon(PIKACHU, "L", condition=Condition.CONFUSED)]), 0, coin)
        assert at(game.players[1], 0).damage == damage
        assert at(game.players[0], 0).damage == 0
        assert at(game.players[0], 0).condition == Condition.CONFUSED


def test_targets_are_chosen_before_coins_and_coins_before_damage() -> None:
    """K-4, F-3, X-2: the choice ends a step before any draw; FAIL stops all."""
    game = board([mon(SEADRA, "WWW")], [BULBASAUR, CHARMANDER])
    attack(game)
    assert (game.decision, legal(game)) == (Decision.HIT, [30, 31])
    act(game, 31)
    assert at(game.players[1], 1).damage == 50
    assert at(attack(board([mon(SKIDDO, "G")]), 0, T).players[1], 0).damage == 0
    assert at(attack(board([mon(SKIDDO, "G")]), 0, H).players[1], 0).damage == 40


def test_an_attack_without_effect_may_be_used() -> None:
    """K-7, X-6: Stretch Kick at an empty Bench."""
    game = attack(board([mon("A1-154", "F")]))
    assert (at(game.players[1], 0).damage, game.turn) == (0, 6)


def test_effects_on_a_pokemon_at_0_hp_have_no_consequence() -> None:
    """K-5: an attacker that a counter brought to 0 HP is not healed by its own attack."""
    game = board([mon("A1-024", "GG", 60), PIKACHU], [POLIWRATH])
    attack(game)
    assert game.players[1].points == 1
    assert names(at(game.players[0], 0).cards) == [PIKACHU]


def test_costs_of_an_effect_discard_what_there_is() -> None:
    """K-6, X-8: Fire Spin discards two fire; everything where all is named."""
    game = attack(board([mon("A1-035", "RRRW")], [VENUSAUR]))
    assert at(game.players[0], 0).energy == units("RW")
    game = attack(board([mon("A1-095", "LLLW")], [VENUSAUR]))
    assert at(game.players[0], 0).energy == units("")
    assert game.players[0].discarded_energy == units("LLLW")


def test_weakness_adds_20_once_and_only_to_the_active_pokemon() -> None:
    """M-4, M-7, M-10: there is no resistance, and none of it on the Bench."""
    game = attack(board([mon(CHARMANDER, "R")], [BULBASAUR]))
    assert at(game.players[1], 0).damage == 50
    game = board([mon(SEADRA, "WWW")], [CHARMANDER, CHARMANDER])
    act(attack(game), 31)
    assert at(game.players[1], 1).damage == 50
    game = act(attack(board([mon(SEADRA, "WWW")], [mon("A1-035"), BULBASAUR])), 30)
    assert at(game.players[1], 0).damage == 70


def test_reductions_come_after_weakness() -> None:
    """M-5: 10 + 20 - 20 = 10, the example of the source that decides the order."""
    attacker = mon("A1-230", "R")
    game = board([attacker], [mon(MELMETAL)])
    printed = game.top(attacker).attacks[0]
    attack(game)
    assert (printed.damage + 20 - 20) == at(game.players[1], 0).damage == printed.damage
    weak = attack(board([mon(PIKACHU, "L")], [CLOYSTER]))
    assert at(weak.players[1], 0).damage == 20 + 20 - 10


def test_reductions_hold_on_the_bench_and_stop_at_0() -> None:
    """M-5, X-24, X-6: Blizzard's 10 on a Benched Cloyster and Melmetal."""
    game = attack(board([mon(ARTICUNO_EX, "WWW")], [VENUSAUR, CLOYSTER, MELMETAL, PIKACHU]), 1)
    assert [at(game.players[1], place).damage for place in range(4)] == [80, 0, 0, 10]


def test_reductions_may_ask_for_a_type_or_for_an_ally() -> None:
    """X-24: from fighting Pokémon alone; Arceus, who is not in these sets, never helps."""
    assert at(attack(board([mon(PRIMEAPE, "FF")], [STARAPTOR])).players[1], 0).damage == 10
    assert at(attack(board([mon(PIKACHU, "L")], [STARAPTOR])).players[1], 0).damage == 40
    assert at(attack(board([mon(PIKACHU, "L")], ["P-A-044"])).players[1], 0).damage == 20


def test_base_0_stays_0() -> None:
    """M-2, M-3: no bonus and no weakness on an attack that does no damage."""
    game = board([mon("A1-037", "R")], [BULBASAUR], hand=[GIOVANNI])
    assert at(attack(play(game, GIOVANNI), 0, T).players[1], 0).damage == 0
    game = board([mon("A1-201", "RRR")], [BULBASAUR], hand=[GIOVANNI])
    assert at(attack(play(game, GIOVANNI), 0, T).players[1], 0).damage == 0


def test_bonuses_of_the_turn_count_for_the_active_pokemon_and_for_fitting_names() -> None:
    """M-3, M-7, X-27: Giovanni for all, Blaine for three names; not on the Bench."""
    game = attack(play(board([mon(PIKACHU, "L")], hand=[GIOVANNI]), GIOVANNI))
    assert at(game.players[1], 0).damage == 30
    game = board([mon(NINETALES, "RR")], [VENUSAUR], hand=[BLAINE])
    assert at(attack(play(game, BLAINE)).players[1], 0).damage == 90 + 30 + 20
    game = board([mon(CHARMANDER, "R")], [VENUSAUR], hand=[BLAINE])
    assert at(attack(play(game, BLAINE)).players[1], 0).damage == 50
    game = play(board([mon(SEADRA, "WWW")], [BULBASAUR, CHARMANDER], hand=[GIOVANNI]), GIOVANNI)
    assert at(act(attack(game), 31).players[1], 1).damage == 50


def test_deals_less_comes_before_weakness_and_may_end_it() -> None:
    """M-3, L-1: 20 less; at 0 there is no weakness either."""
    game = attack(board([mon(PIKACHU, "L", deals_less=20)], [POLIWRATH]))
    assert at(game.players[1], 0).damage == 0
    game = attack(board([mon(CHARMANDER, "R", deals_less=20)], [VENUSAUR]))
    assert at(game.players[1], 0).damage == 30 - 20 + 20


def test_prevention_takes_all_damage() -> None:
    """M-6, X-26: of the attack's damage; SELF_DAMAGE is not modified."""
    game = attack(board([mon(ARCANINE_EX, "RRR")], [mon(VENUSAUR, prevent=Prevent.DAMAGE)]))
    assert (at(game.players[1], 0).damage, at(game.players[0], 0).damage) == (0, 20)


def test_damage_on_the_own_side_takes_base_and_reductions_only() -> None:
    """M-7, X-6: Raging Thunder at an own Benched Pokémon; Shadow Hit at any."""
    game = board([mon(ZAPDOS, "LLL"), CLOYSTER, PIKACHU], [VENUSAUR], hand=[GIOVANNI])
    act(attack(play(game, GIOVANNI)), 27)
    assert at(game.players[0], 1).damage == 20
    assert at(game.players[1], 0).damage == 110
    game = act(attack(board([mon(MIMIKYU, "PP"), PIKACHU], [VENUSAUR])), 26)
    assert at(game.players[0], 0).damage == 20


def test_damage_may_exceed_hp_and_counts_as_done() -> None:
    """M-8, X-14: Leech Life heals what was done, not what was left."""
    game = attack(board([mon("A1-159", "F", 60)], [mon(CHARMANDER, damage=50), PIKACHU]))
    assert at(game.players[0], 0).damage == 10
    assert game.players[0].points == 1


def test_random_hits_on_one_target_are_added_up() -> None:
    """M-9, F-5, X-6: four draws among those in play; weakness and reductions count once."""
    game = board([mon(DRAGONITE, "WLRR")], [VENUSAUR, CLOYSTER])
    attack(game, 0, 0, 1, 1, 1)
    assert (at(game.players[1], 0).damage, game.players[0].points) == (50, 1)
    game = board([mon("P-A-064", "RRRR")], [mon("A1-188"), PIKACHU])
    attack(game, 0, 0, 0, 1, 0)
    # Pidgeot is weak to lightning, Rayquaza ex is colourless: 3 x 40.
    assert (at(game.players[1], 0).damage, at(game.players[1], 1).damage) == (120, 40)


def test_a_counter_answers_damage_of_an_attack() -> None:
    """X-25, K-4: unmodified, also from one that is knocked out; not without damage."""
    assert at(attack(board([mon(PIKACHU, "L")], [POLIWRATH])).players[0], 0).damage == 20
    game = attack(board([mon(PIKACHU, "L")], [mon(POLIWRATH, damage=140), BULBASAUR]))
    assert at(game.players[0], 0).damage == 20
    assert game.players[0].points == 1
    game = attack(board([mon(PIKACHU, "L")], [mon(POLIWRATH, prevent=Prevent.DAMAGE)]))
    assert at(game.players[0], 0).damage == 0
    game = act(attack(board([mon(SEADRA, "WWW")], [VENUSAUR, POLIWRATH])), 31)
    assert at(game.players[0], 0).damage == 0
    game = attack(board([mon(PIKACHU, "L")], [mon("P-A-090", counter=30)]))
    assert at(game.players[0], 0).damage == 30


@pytest.mark.parametrize(
    ("attacker", "draws", "defender", "total"),
    [
        (mon("A1-026", "GG"), (H, T), mon(VENUSAUR), 50),
        (mon("A1-026", "GG"), (T, T), mon(VENUSAUR), 0),
        (mon("A1-022", "G"), (H,), mon(VENUSAUR), 60),
        (mon("A1-022", "G"), (T,), mon(VENUSAUR), 30),
        (mon("A1-069", "WWW"), (H, H), mon("A1-004"), 160),
        (mon("A1-069", "WWW"), (H, T), mon(VENUSAUR), 80),
        (mon("A1-201", "RRR"), (H, H, T), mon(VENUSAUR), 120),
        (mon("P-A-063", "RRRR"), (H, T), mon(VENUSAUR), 100),
        (mon(LAPRAS, "WWW"), (), mon(VENUSAUR), 20),
        (mon(LAPRAS, "WWWW"), (), mon(VENUSAUR), 90),
        (mon("A1-055", "WWWW"), (), mon(VENUSAUR), 80),
        (mon("A1-055", "WWWWW"), (), mon(VENUSAUR), 140),
        (mon("A1-055", "WWWWR"), (), mon(VENUSAUR), 140),
        (mon("A1-091", "WR"), (), mon(VENUSAUR, damage=10), 80),
        (mon("A1-091", "WR"), (), mon(VENUSAUR), 10),
        (mon(PRIMEAPE, "FF", 10), (), mon(VENUSAUR), 100),
        (mon("A1-117", "PRR"), (), mon(VENUSAUR, "GG"), 120),
        (mon("A1-175", "DDR"), (), mon(VENUSAUR, poisoned=True), 130),
        (mon("A1-175", "DDR"), (), mon(VENUSAUR, burned=True), 90),
        (mon("P-A-097", "R"), (), mon(IVYSAUR, under=[BULBASAUR]), 60),
        (mon("P-A-097", "R"), (), mon("A1-150"), 20),
        (mon("P-A-086", "L", under=["A1-206"], new=True), (), mon(VENUSAUR), 60),
        (mon("P-A-086", "L", under=["A1-206"]), (), mon(VENUSAUR), 40),
        # Tools come with later sets: what asks for one does its printed damage.
        (mon("P-A-039", "MM"), (), mon(VENUSAUR), 20),
    ],
)
def test_what_an_attack_adds_up_to(
    attacker: Pokemon, draws: tuple[int, ...], defender: Pokemon, total: int
) -> None:
    """M-1, X-1, X-3, X-4, X-5: coins, counts and conditions; all damage after the Checkup."""
    coin_of_the_burn = (T,) if defender.burned else ()
    game = attack(board([attacker], [defender]), 0, *draws, *coin_of_the_burn)
    assert at(game.players[1], 0).damage == total


def test_counts_of_the_own_bench_may_ask_for_a_type_or_a_name() -> None:
    """X-3, X-5: Circle Circuit counts lightning, Lovestrike a name, Do the Wave all."""
    game = attack(board([mon(PIKACHU_EX, "LL"), PIKACHU, BULBASAUR, PIKACHU], [VENUSAUR]))
    assert at(game.players[1], 0).damage == 60
    game = attack(board([mon("A1-213", "RRR"), PIKACHU, BULBASAUR], [VENUSAUR]))
    assert at(game.players[1], 0).damage == 60
    game = attack(board([mon("A1-168", "DDD"), "A1-171", PIKACHU], [VENUSAUR]))
    assert at(game.players[1], 0).damage == 130


def test_uses_of_an_attack_are_remembered() -> None:
    """X-3, X-4: Sweets Relay after Sweets Relay, and how often in this game."""
    game = board([mon("P-A-085", "W"), mon("P-A-087", "P")], [VENUSAUR])
    end(attack(game))
    assert at(game.players[1], 0).damage == 10
    assert (game.players[0].attack_last, game.players[0].attack_uses) == (2, [0, 1])
    end(attack(game))
    assert at(game.players[1], 0).damage == 10 + 30
    game.players[0].places[0], game.players[0].places[1] = at(game.players[0], 1), None
    end(attack(game))
    assert at(game.players[1], 0).damage == 40 + 2 * 40
    assert game.players[0].attack_last == 0


def test_self_damage_by_a_gate() -> None:
    """X-7, X-1: Thunder Punch; tails hurts the attacker and adds nothing."""
    game = attack(board([mon("A1-101", "LL")], [VENUSAUR]), 0, T)
    assert (at(game.players[1], 0).damage, at(game.players[0], 0).damage) == (40, 20)
    game = attack(board([mon("A1-101", "LL")], [VENUSAUR]), 0, H)
    assert (at(game.players[1], 0).damage, at(game.players[0], 0).damage) == (80, 0)


def test_copied_attacks_are_carried_out_as_ones_own() -> None:
    """X-23: any attack of the other side but COPY_ATTACK; nothing if it cannot be paid."""
    other = [mon("A1-084"), "A1-205", CHARMANDER]
    game = attack(board([mon("A1-205", "WWW")], other))
    assert (game.decision, legal(game)) == (Decision.COPY, [42, 43, 46])
    act(game, 43)
    assert [at(game.players[1], place).damage for place in range(3)] == [80, 10, 10]
    game = act(attack(board([mon("A1-205", "WWW")], other)), 46)
    assert (at(game.players[1], 0).damage, at(game.players[0], 0).energy) == (0, units("WWW"))
    game = attack(board([mon("A1-205", "W")], ["A1-205"]))
    assert (at(game.players[1], 0).damage, game.turn) == (0, 6)


def test_until_tails_has_a_bound() -> None:
    """F-3, X-1: 32 coins at most, the last one counts as tails."""
    game = board([mon("A1-201", "RRR")], [mon(VENUSAUR)])
    attack(game, 0, *[H] * 32)
    assert game.players[0].points == 1
    assert game.winner == 0
