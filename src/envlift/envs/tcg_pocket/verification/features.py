"""What must have happened in the reference before a pass is believed, read from its trace.

Shape letters: ``T`` steps, ``B`` lanes, ``P`` = 2 players.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from envlift.envs.tcg_pocket.rules.ids import Decision
from envlift.envs.tcg_pocket.tables import Card, standard
from envlift.reference.types import Array
from envlift.verify.suite import Feature, Trace

ALL_CARDS = ("every card",)
"""The configuration in which every card is played; the built-in decks have 59 of them."""

ATTACK, MAIN, DRAWN = 23, int(Decision.MAIN), 13


def either(of: Callable[[Trace], Array]) -> Callable[[Trace], Array]:
    """Return whether something holds for any player or place, [T, B]."""

    def reached(t: Trace) -> Array:
        found = np.asarray(of(t))
        return np.asarray(found.reshape(*found.shape[:2], -1).any(axis=-1))

    return reached


def chosen(t: Trace) -> Array:
    """Return the action of who decided, [T, B]."""
    decider = np.maximum(t.before["decider"], 0).astype(np.int64)
    return np.asarray(np.take_along_axis(t.action, decider[..., None], -1)[..., 0])


def active(t: Trace) -> Array:
    """Return the decider's Active Pokémon, [T, B]."""
    decider = np.maximum(t.before["decider"], 0).astype(np.int64)
    return np.asarray(np.take_along_axis(t.before["card"][..., 0], decider[..., None], -1)[..., 0])


def in_main(t: Trace) -> Array:
    """Return where the main part's decision was made, [T, B]."""
    return np.asarray(t.before["decision"] == MAIN)


def _cards(code: str, at: Callable[[Card], tuple[object, ...]]) -> Array:
    """Return the numbers of the cards that have a code in some part."""
    return np.array([c.index for c in standard().cards if code in at(c)], np.int64)


def attacks_with(code: str) -> Callable[[Trace], Array]:
    """Return where an attack with an effect code was declared, [T, B]."""
    cards = standard().cards
    pairs = [
        np.array([c.index for c in cards if len(c.attacks) > k and _has(c.attacks[k].ops, code)])
        for k in (0, 1)
    ]

    def reached(t: Trace) -> Array:
        used = [np.isin(active(t), pairs[k]) & (chosen(t) == ATTACK + k) for k in (0, 1)]
        return np.asarray(in_main(t) & (used[0] | used[1]))

    return reached


def plays_with(code: str) -> Callable[[Trace], Array]:
    """Return where a Trainer with an effect code was played, [T, B]."""
    numbers = [c.index for c in standard().cards if _has(c.ops, code)]

    def reached(t: Trace) -> Array:
        decider = np.maximum(t.before["decider"], 0).astype(np.int64)
        hand = np.take_along_axis(t.before["hand"], decider[..., None, None], -2)[..., 0, :]
        slot = np.clip(chosen(t) - 1, 0, 11).astype(np.int64)
        card = np.take_along_axis(hand, slot[..., None], -1)[..., 0]
        from_hand = (chosen(t) >= 1) & (chosen(t) < DRAWN)
        return np.asarray(in_main(t) & from_hand & np.isin(card, numbers))

    return reached


def ability_with(trigger: str, code: str) -> Callable[[Trace], Array]:
    """Return where a Pokémon with such an Ability stood Active, or used it, [T, B]."""
    numbers = [
        c.index
        for c in standard().cards
        if c.ability and c.ability.trigger == trigger and _has(c.ability.ops, code)
    ]

    def reached(t: Trace) -> Array:
        there = np.isin(t.before["card"], numbers)
        if trigger == "once_per_turn":
            there &= t.final["ability_used"] & ~t.before["ability_used"]
        return np.asarray(there.reshape(*there.shape[:2], -1).any(axis=-1))

    return reached


def _has(ops: tuple[object, ...], code: str) -> bool:
    return any(getattr(op, "code", None) == code for op in ops)


def comes(name: str) -> Callable[[Trace], Array]:
    """Return whether a field that was off is on."""
    return either(lambda t: (t.before[name] <= 0) & (t.final[name] > 0))


def goes(name: str) -> Callable[[Trace], Array]:
    """Return whether a field that was on is off."""
    return either(lambda t: (t.before[name] > 0) & (t.final[name] <= 0))


def condition(number: int) -> Callable[[Trace], Array]:
    """Return whether somebody got a Special Condition."""
    return either(lambda t: (t.before["condition"] != number) & (t.final["condition"] == number))


def promotes_twice(t: Trace) -> Array:
    """Return where both players lack an Active Pokémon, [T, B]."""
    without = (t.final["card"][..., 0] == 0).all(axis=-1)
    return np.asarray(without & (t.final["decision"] == int(Decision.PROMOTE)))


def _codes() -> dict[str, Callable[[Trace], Array]]:
    found: dict[str, Callable[[Trace], Array]] = {}
    for card in standard().cards:
        for attack in card.attacks:
            for op in attack.ops:
                found[f"attack with {op.code}"] = attacks_with(op.code)
        for op in card.ops:
            found[f"Trainer with {op.code}"] = plays_with(op.code)
        for op in card.ability.ops if card.ability else ():
            name = f"Ability {card.ability.trigger} with {op.code}" if card.ability else ""
            found[name] = ability_with(card.ability.trigger if card.ability else "", op.code)
    return dict(sorted(found.items()))


DECISIONS: dict[Decision, tuple[str, ...]] = {Decision.COPY: ALL_CARDS}
"""Decisions that only some configurations reach; RETREAT_ENERGY needs ``choose``."""

LASTING = (
    *("no_supporter", "deals_less", "takes_less", "counter", "no_attack", "no_retreat"),
    *("prevent", "attack_more"),
)

FEATURES = (
    *(Feature(name, reached, ALL_CARDS) for name, reached in _codes().items()),
    *(
        Feature(f"decision {decision.name}", _asked, DECISIONS.get(decision, ()))
        for decision in Decision
        if decision not in (Decision.NONE, Decision.RETREAT_ENERGY)
        for _asked in [lambda t, d=int(decision): t.before["decision"] == d]
    ),
    Feature(
        "decision RETREAT_ENERGY",
        lambda t: t.before["decision"] == int(Decision.RETREAT_ENERGY),
        ALL_CARDS,
    ),
    *(Feature(f"{name} begins", comes(name), ALL_CARDS) for name in LASTING),
    *(Feature(f"{name} ends", goes(name), ALL_CARDS) for name in LASTING),
    Feature("asleep", condition(1), ALL_CARDS),
    Feature("paralyzed", condition(2), ALL_CARDS),
    Feature("confused", condition(3), ALL_CARDS),
    Feature("poisoned", comes("poisoned")),
    Feature("burned", comes("burned"), ALL_CARDS),
    Feature("a burn ends", goes("burned"), ALL_CARDS),
    Feature("an attack is copied", either(lambda t: t.final["copied_card"] > 0), ALL_CARDS),
    Feature("a point", comes("points")),
    Feature("player 0 wins", lambda t: t.terminated & (t.final["winner"] == 0)),
    Feature("player 1 wins", lambda t: t.terminated & (t.final["winner"] == 1)),
    Feature("tie", lambda t: t.terminated & (t.final["winner"] == 2)),
    Feature("both lose the Active Pokémon", promotes_twice, ALL_CARDS),
    Feature("stage 2", either(lambda t: t.final["under"][..., 1] > 0)),
    Feature("an empty deck", either(lambda t: t.final["deck_size"] == 0)),
    Feature("ten cards in hand", either(lambda t: t.final["hand_size"] >= 10)),
    Feature("a known card", either(lambda t: t.final["hand_known"])),
    Feature("a known deck", either(lambda t: t.final["deck_known"] > 0)),
)
