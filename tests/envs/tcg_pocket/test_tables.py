"""The tables of cards, effect codes and decks."""

from __future__ import annotations

import hashlib
import tomllib
from collections import Counter

import pytest

from envlift.envs.tcg_pocket import tables

SOURCE = tomllib.loads((tables.HERE / "SOURCE.toml").read_text(encoding="utf-8"))
CARDS = tables.standard().cards[1:]


@pytest.mark.parametrize("name", sorted(p.name for p in tables.HERE.glob("*.jsonl")))
def test_a_table_is_the_one_its_source_names(name: str) -> None:
    digest = hashlib.sha256((tables.HERE / name).read_bytes()).hexdigest()
    assert digest == SOURCE["sha256"][name]


def test_all_cards_are_there_in_their_order() -> None:
    assert [card.index for card in CARDS] == list(range(1, 387))
    assert (CARDS[0].id, CARDS[285].id, CARDS[286].id) == ("A1-001", "A1-286", "P-A-001")
    assert Counter(card.kind for card in CARDS) == {"pokemon": 359, "supporter": 17, "item": 10}
    assert len({card.functional for card in CARDS}) == 301


def test_effects_use_31_codes_and_5_triggers() -> None:
    ops = [op for card in CARDS for op in card.ops]
    ops += [op for card in CARDS for attack in card.attacks for op in attack.ops]
    ops += [op for card in CARDS if card.ability for op in card.ability.ops]
    assert len({op.code for op in ops}) == 31
    assert {card.ability.trigger for card in CARDS if card.ability} == {
        *("once_per_turn", "on_damaged_by_attack", "passive", "on_zone_attach"),
        "end_of_own_first_turn",
    }


@pytest.mark.parametrize(
    ("id", "attack", "cost", "damage"),
    [("A1-055", 0, "WWC", 80), ("A1-071", 0, "WWW", 0), ("A1-112", 0, "LL", 30)],
)
def test_corrected_cards_hold_the_corrected_facts(
    id: str, attack: int, cost: str, damage: int
) -> None:
    found = tables.standard().by_id[id].attacks[attack]
    assert (found.cost, found.damage) == (cost, damage)


def test_damage_and_hp_are_multiples_of_ten() -> None:
    """N-5: all printed numbers."""
    numbers = [card.hp for card in CARDS]
    numbers += [attack.damage for card in CARDS for attack in card.attacks]
    assert max(numbers) == 200
    assert all(number % 10 == 0 for number in numbers)


def test_printings_of_one_card_share_their_effects() -> None:
    by_id = tables.standard().by_id
    assert by_id["A1-285"].attacks[0].ops == by_id["A1-096"].attacks[0].ops != ()
    assert by_id["P-A-019"].ability == by_id["A1-089"].ability is not None


def test_attacks_asked_for_by_name_are_numbered() -> None:
    assert tables.standard().watched == ("Overacceleration", "Sweets Relay")


def test_only_promos_of_later_sets_lack_what_they_evolve_from() -> None:
    names = {card.name for card in CARDS}
    orphans = [c for c in CARDS if c.evolves_from and c.evolves_from not in names]
    assert len(orphans) == 12
    assert {c.id[:3] for c in orphans} == {"P-A"}


def test_the_12_decks_have_20_cards_each() -> None:
    decks = tables.decks()
    assert len(decks) == 12
    assert all(len(deck.cards) == 20 for deck in decks)
    assert decks[11].energy == "WL"
