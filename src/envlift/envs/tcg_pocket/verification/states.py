"""Boards that play rarely reaches: any Pokémon, any Energy, any lasting effect, main part."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

import numpy as np

from envlift.envs.tcg_pocket.state import FIELDS
from envlift.envs.tcg_pocket.tables import ENERGY, Card
from envlift.envs.tcg_pocket.tables.variants import variant as tables_of_variant
from envlift.reference.types import Array, StateDict

MAIN_PHASE, MAIN_DECISION = 1, 3
DECK = 20
PARALYZED = 2


@cache
def _cards(variant: int) -> dict[str, tuple[Card, ...]]:
    """Return the cards that boards are made of."""
    every = tables_of_variant(variant).cards[1:]
    pokemon = tuple(c for c in every if c.kind == "pokemon" or c.fossil)
    texts = tuple(c for c in pokemon if c.ability or any(a.ops for a in c.attacks))
    named = tuple(c for c in every if any(op.params.get("names") for op in c.ops))
    trainers = tuple(c for c in every if c.kind != "pokemon")
    bonus = tuple(c for c in named if any(op.code == "TURN_DAMAGE" for op in c.ops))
    return {"every": every, "pokemon": pokemon, "texts": texts, "bonus": bonus, "all": trainers}


@cache
def _before(name: str, variant: int) -> tuple[Card, ...]:
    return tuple(c for c in tables_of_variant(variant).cards[1:] if c.name == name)


def line(card: Card, rng: random.Random, variant: int) -> list[int]:
    """Return earlier stages of a card, oldest first; any Pokémon where these sets lack one."""
    found: list[int] = []
    while len(found) < card.stage:
        every = tables_of_variant(variant).cards
        name = every[found[0]].evolves_from if found else card.evolves_from
        known = _before(name, variant) if name else ()
        found.insert(0, rng.choice(known or _cards(variant)["pokemon"]).index)
    return found


def _energy(card: Card, rng: random.Random) -> list[int]:
    """Return units of Energy: often those of an attack, and some more."""
    units = [0] * len(ENERGY)
    if card.attacks and rng.random() < 0.8:
        for letter in rng.choice(card.attacks).cost:
            units[ENERGY.index(letter) if letter in ENERGY else rng.randrange(len(ENERGY))] += 1
    for _ in range(rng.choice((0, 0, 1, 2, 4))):
        units[rng.randrange(len(ENERGY))] += 1
    return units


def _side(state: dict[str, Any], p: int, rng: random.Random, acting: bool, variant: int) -> None:
    """Draw what lies on one side of the table."""
    cards = _cards(variant)
    numbers = tables_of_variant(variant).numbers
    for k in range(1 + numbers.bench):
        if k and rng.random() < 0.3:
            continue
        card = rng.choice(cards["texts" if rng.random() < 0.6 else "pokemon"])
        state["card"][p][k] = card.index
        for place, under in enumerate(line(card, rng, variant)[:2]):
            state["under"][p][k][place] = under
        hurt = rng.random() < 0.6
        state["damage"][p][k] = 10 * rng.randrange(max(1, card.hp // 10)) if hurt else 0
        state["energy"][p][k] = _energy(card, rng)
        state["new"][p][k] = rng.random() < 0.2
        state["ability_used"][p][k] = rng.random() < 0.2
    state["points"][p] = min(rng.choice((0, 0, 1, 2)), numbers.points_to_win - 1)
    state["poisoned"][p], state["burned"][p] = rng.random() < 0.2, rng.random() < 0.2
    state["condition"][p] = rng.choice((0, 0, 0, 1, 2, 3))
    if state["condition"][p] == PARALYZED:
        state["paralyzed_turn"][p] = max(1, state["turn"] - rng.randrange(2))
    for name in ("deals_less", "takes_less", "counter"):
        state[name][p] = rng.choice((0, 0, 0, 10, 20, 30))
    for name in ("no_attack", "no_retreat", "no_supporter"):
        state[name][p] = rng.random() < 0.12
    state["prevent"][p] = rng.choice((0, 0, 0, 0, 1, 2))
    if rng.random() < 0.1:
        state["attack_more"][p], state["attack_more_name"][p] = 20, rng.choice((1, 2))
        state["attack_more_until"][p] = state["turn"] + (not acting)
    state["attack_last"][p] = rng.choice((0, 0, 1, 2))
    state["attack_uses"][p] = [rng.randrange(4), rng.randrange(4)]
    state["zone_next"][p] = rng.randrange(len(ENERGY))
    state["zone_current"][p] = rng.randrange(-1, len(ENERGY)) if acting else -1
    _piles(state, p, rng, variant)


def _piles(state: dict[str, Any], p: int, rng: random.Random, variant: int) -> None:
    """Draw hand, deck and discard pile."""
    cards = _cards(variant)
    every = tables_of_variant(variant).cards
    names = {every[number].name for number in state["card"][p] if number}
    fitting = [c for c in cards["every"] if c.evolves_from in names]
    size = rng.choice((0, 1, 3, 5, 7, 9, 10, 11))
    for slot in range(size):
        pool = rng.choice((cards["all"], fitting or cards["all"], cards["every"]))
        state["hand"][p][slot] = rng.choice(pool).index
        state["hand_known"][p][slot] = rng.random() < 0.3
    state["hand_size"][p] = size
    deck = rng.choice((0, 1, 2, 4, 6))
    state["deck"][p][:deck] = [rng.choice(cards["every"]).index for _ in range(deck)]
    state["deck_size"][p], state["deck_known"][p] = deck, rng.randrange(deck + 1)
    thrown = sorted(rng.choice(cards["every"]).index for _ in range(rng.randrange(4)))
    state["discard"][p][: len(thrown)] = thrown
    state["discarded_energy"][p] = [rng.randrange(3) for _ in ENERGY]
    state["deck_list"][p] = sorted(rng.choice(cards["every"]).index for _ in range(DECK))
    for number in rng.sample(range(len(ENERGY)), rng.choice((1, 2, 3))):
        state["deck_energy"][p][number] = True


def board(rng: random.Random, max_turns: int, variant: int = 0) -> dict[str, Any]:
    """Draw one game in the main part of a turn, as nested lists by the names of the state."""
    state: dict[str, Any] = {f.name: np.zeros(f.shape, f.dtype).tolist() for f in FIELDS}
    state["phase"], state["decision"], state["winner"] = MAIN_PHASE, MAIN_DECISION, -1
    state["turn"] = rng.choice((rng.randrange(1, max_turns + 1), rng.randrange(1, 5)))
    state["turn"] = min(state["turn"], max_turns)
    state["first_player"] = rng.randrange(2)
    state["decider"] = (state["first_player"] + state["turn"] + 1) % 2
    state["supporter_played"], state["retreated"] = rng.random() < 0.2, rng.random() < 0.2
    state["turn_damage_any"] = rng.choice((0, 0, 10, 20))
    state["turn_retreat"] = rng.choice((0, 0, 1, 2))
    if rng.random() < 0.2:
        state["turn_damage_named"] = 30
        state["turn_damage_card"] = rng.choice(_cards(variant)["bonus"]).index
    for name in ("pending_place", "pending_slot", "pending_attack", "copied_attack"):
        state[name] = -1
    state["pending_target"] = state["end_place"] = -1
    for p in (0, 1):
        _side(state, p, rng, p == state["decider"], variant)
    return state


def random_states(rng: np.random.Generator, n: int, max_turns: int, variant: int = 0) -> StateDict:
    """Draw games in the main part of a turn.

    Args:
        rng: of all draws.
        n: how many.
        max_turns, variant: of the configuration.

    Returns:
        The fields of the state, each [n, ...].
    """
    draw = random.Random(int(rng.integers(2**62)))
    boards = [board(draw, max_turns, variant) for _ in range(n)]
    fields: dict[str, Array] = {
        f.name: np.array([one[f.name] for one in boards], f.dtype) for f in FIELDS
    }
    return fields
