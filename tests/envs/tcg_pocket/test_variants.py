"""Variants: the same rules with other cards and numbers, for both engines."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import numpy as np
import pytest

from envlift.envs.tcg_pocket.env import TcgPocket
from envlift.envs.tcg_pocket.reference import decks as plain_decks
from envlift.envs.tcg_pocket.reference.host import PocketReference
from envlift.envs.tcg_pocket.rules.data import Rows
from envlift.envs.tcg_pocket.tables import REAL, Card, Tables, decks_of, standard
from envlift.envs.tcg_pocket.tables.variants import choose, variant
from envlift.envs.tcg_pocket.verification import variants
from envlift.envs.tcg_pocket.verification.pool import pool
from envlift.verify import verify
from envlift.verify.suite.find import find_suite

SEEDS = (1, 2, 3, 7)


def ops_of(card: Card) -> list[Any]:
    found = [op for attack in card.attacks for op in attack.ops]
    return [*found, *card.ops, *(card.ability.ops if card.ability else ())]


def codes(tables: Tables) -> Counter[str]:
    return Counter(op.code for card in tables.cards for op in ops_of(card))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_variant_is_another_game_of_the_same_kind(seed: int) -> None:
    real, made = standard(), variant(seed)
    assert not {c.name for c in real.cards[1:]} & {c.name for c in made.cards[1:]}
    assert len({c.name for c in real.cards}) == len({c.name for c in made.cards})
    changed = [a for a, b in zip(real.cards, made.cards, strict=True) if a.hp != b.hp]
    assert len(changed) > 100
    moved = [
        a
        for a, b in zip(real.cards, made.cards, strict=True)
        if [op.code for op in ops_of(a)] != [op.code for op in ops_of(b)]
    ]
    assert len(moved) > 100
    # Every code is there, each as often but for printings that play the same.
    assert set(codes(real)) == set(codes(made))
    assert made.numbers != REAL


@pytest.mark.parametrize("seed", SEEDS)
def test_evolutions_and_printings_stay_together(seed: int) -> None:
    real, made = standard(), variant(seed)
    names = {c.name for c in made.cards}
    for old, new in zip(real.cards[1:], made.cards[1:], strict=True):
        assert (new.stage, new.kind) == (old.stage, old.kind)
        known = {c.name for c in real.cards}
        if old.evolves_from in known:
            assert new.evolves_from in names
        first = made.cards[new.functional]
        assert (first.name, first.hp, first.attacks) == (new.name, new.hp, new.attacks)


@pytest.mark.parametrize("seed", SEEDS)
def test_both_engines_can_read_it(seed: int) -> None:
    Rows(variant(seed))
    for text in pool(seed, seed)[:40]:
        plain_decks.parse(text, variant(seed))
    for deck in decks_of(variant(seed)):
        plain_decks.check(deck, variant(seed))


def test_equal_seeds_give_equal_variants() -> None:
    again = variant.__wrapped__(3)
    assert again == variant(3)
    assert again != variant(4)


@pytest.mark.parametrize("seed", [-1, True, 1.5])
def test_seeds_are_whole_numbers(seed: Any) -> None:
    with pytest.raises(ValueError, match="whole number"):
        variant(seed)


def test_a_process_plays_one_variant() -> None:
    choose(0)
    with pytest.raises(ValueError, match="cannot play variant 5"):
        choose(5)
    with pytest.raises(ValueError, match="cannot play variant 5"):
        TcgPocket(variant=5)


def test_the_numbers_of_a_variant_are_played() -> None:
    seed = next(s for s in range(1, 50) if variant(s).numbers.opening_hand == 7)
    numbers, rng = variant(seed).numbers, random.Random(0)
    lane = PocketReference(decks=pool(seed, seed), variant=seed)
    won, most, bench = 0, 0, 0
    for _ in range(30):
        lane.reset(0, np.array([rng.getrandbits(32) for _ in range(4)], np.uint32))
        # A Basic Pokémon that is the only one is placed without a decision.
        placed = sum(1 for _ in lane.game.players[0].in_play)
        assert len(lane.game.players[0].hand) + placed == numbers.opening_hand
        while lane.game.winner < 0:
            mask = np.flatnonzero(lane.legal_actions().reshape(2, -1)[lane.game.decider])
            action = np.zeros(2, np.int32)
            # The attacks are the last ones but to end the turn.
            fights = [a for a in mask if 13 <= a < 25] or list(mask)
            action[lane.game.decider] = rng.choice(fights)
            words = np.array([rng.getrandbits(32) for _ in range(4)], np.uint32)
            lane.step(action, words)
            most = max(most, *(p.points for p in lane.game.players))
            bench = max(bench, *(len(p.bench) for p in lane.game.players))
        won += lane.game.winner < 2
    assert won > 0
    assert most >= numbers.points_to_win
    assert bench == numbers.bench


def test_the_suite_of_a_variant() -> None:
    suite, source = find_suite("tcg_pocket@4")
    assert source == "tcg_pocket@4"
    assert [one.candidate["variant"] for one in suite.configs] == [4]
    for name, said in (
        ("tcg_pocket@x", "tcg_pocket has no variant 'x'; its seeds are whole numbers from 1 on"),
        ("tcg_pocket@0", "tcg_pocket has no variant '0'"),
        ("pong@3", "pong has no variants; leave --variant 3 out"),
    ):
        with pytest.raises(ValueError, match=said):
            find_suite(name)
    with pytest.raises(ValueError, match="variant is for a registered environment alone"):
        verify("tcg_pocket", "tcg_pocket", variant=3)


def test_what_is_kept_of_a_variant() -> None:
    checks = [
        {"level": "L3", "name": "lockstep: a", "verdict": "PASS", "detail": "", "counts": {}},
        {"level": "L3", "name": "lockstep: b", "verdict": "FAIL", "detail": "damage differs"},
        {"level": "L2", "name": "states", "verdict": "PASS", "detail": ""},
        {"level": "L2", "name": "later", "verdict": "INCONCLUSIVE", "detail": "not reached"},
    ]
    counts = ({"steps": 5, "episodes": 1}, {"steps": 7}, {"transitions": 9}, {})
    checks = [{**check, "counts": count} for check, count in zip(checks, counts, strict=True)]
    kept = variants.row(4, True, {"checks": checks, "verdict": "FAIL", "seed": 11})
    assert kept == {
        "variant": 4,
        "verdict": "FAIL",
        "quick": True,
        "seed": 11,
        "lockstep steps": 12,
        "games ended": 1,
        "single transitions": 9,
        "open or wrong": [
            "FAIL L3 lockstep: b: damage differs",
            "INCONCLUSIVE L2 later: not reached",
        ],
    }
