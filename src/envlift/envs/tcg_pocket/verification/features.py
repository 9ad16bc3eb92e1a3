"""What must have happened in the reference before a pass is believed.

``FEATURES`` are read from its trace, ``PLACES`` are its own counters of rules: every rule that its
code carries out, counted where the rule decides something (``reference/rulebook.py``). Both begin
with the id of a rule. ``WITHOUT_PLACE`` says why the other rules have none.

Shape letters: ``T`` steps, ``B`` lanes, ``P`` = 2 players.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from envlift.envs.tcg_pocket.rules.ids import Decision
from envlift.envs.tcg_pocket.tables import Card, Tables, standard
from envlift.envs.tcg_pocket.tables.variants import variant
from envlift.reference.types import Array
from envlift.verify.suite import Feature, Place, Trace

ALL_CARDS = ("every card",)
"""The configuration in which every card is played; the built-in decks have 59 of them."""

CODE_RULES = {
    "CHOOSE_OWN": "X-30",
    "COPY_ATTACK": "X-23",
    "COUNTER": "X-25",
    "DISCARD_HAND": "X-10",
    "DISCARD_OPP_ENERGY": "X-9",
    "DISCARD_OWN_ENERGY": "X-8",
    "DMG_ADD": "X-4",
    "DMG_ADD_PER": "X-5",
    "DMG_SET_PER": "X-3",
    "DRAW": "X-19",
    "FAIL": "X-2",
    "FIND": "X-20",
    "FLIP": "X-1",
    "HEAL": "X-14",
    "HIT": "X-6",
    "LOOK": "X-22",
    "MILL": "X-11",
    "MOVE_ENERGY": "X-13",
    "NEXT_TURN": "X-16",
    "OPP_NO_SUPPORTER": "P-5",
    "PLAY_AS_BASIC": "P-8",
    "RESHUFFLE_HAND": "X-22",
    "RETURN_ACTIVE": "X-21",
    "SELF_DAMAGE": "X-7",
    "STATUS": "X-15",
    "SWITCH_OPP": "X-18",
    "SWITCH_OWN": "X-17",
    "TAKES_LESS": "X-24",
    "TURN_DAMAGE": "X-27",
    "TURN_RETREAT": "X-27",
    "ZONE_ENERGY": "X-12",
}
"""The rule of each effect code."""

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


def tables_in(t: Trace) -> Tables:
    """Return the tables that were played."""
    return variant(int(t.config.get("variant", 0)))


def attacks_with(code: str) -> Callable[[Trace], Array]:
    """Return where an attack with an effect code was declared, [T, B]."""

    def reached(t: Trace) -> Array:
        found = np.zeros(t.terminated.shape, np.bool_)
        for k in (0, 1):
            has = [len(c.attacks) > k and _has(c.attacks[k].ops, code) for c in tables_in(t).cards]
            found |= np.array(has)[active(t)] & (chosen(t) == ATTACK + k)
        return np.asarray(in_main(t) & found)

    return reached


def plays_with(code: str) -> Callable[[Trace], Array]:
    """Return where a Trainer with an effect code was played, [T, B]."""

    def reached(t: Trace) -> Array:
        has = np.array([_has(c.ops, code) for c in tables_in(t).cards])
        decider = np.maximum(t.before["decider"], 0).astype(np.int64)
        hand = np.take_along_axis(t.before["hand"], decider[..., None, None], -2)[..., 0, :]
        slot = np.clip(chosen(t) - 1, 0, 11).astype(np.int64)
        card = np.take_along_axis(hand, slot[..., None], -1)[..., 0]
        from_hand = (chosen(t) >= 1) & (chosen(t) < DRAWN)
        return np.asarray(in_main(t) & from_hand & has[card])

    return reached


def ability_with(trigger: str, code: str) -> Callable[[Trace], Array]:
    """Return where a Pokémon with such an Ability stood Active, or used it, [T, B]."""

    def has(card: Card) -> bool:
        ability = card.ability
        return ability is not None and ability.trigger == trigger and _has(ability.ops, code)

    def reached(t: Trace) -> Array:
        there = np.array([has(c) for c in tables_in(t).cards])[t.before["card"]]
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


def two_points(t: Trace) -> Array:
    """Return who got more than a point in one step, [T, B, P]."""
    return np.asarray(t.final["points"] >= t.before["points"] + 2)


def promotes_twice(t: Trace) -> Array:
    """Return where both players lack an Active Pokémon, [T, B]."""
    without = (t.final["card"][..., 0] == 0).all(axis=-1)
    return np.asarray(without & (t.final["decision"] == int(Decision.PROMOTE)))


def _codes() -> dict[str, Callable[[Trace], Array]]:
    found: dict[str, Callable[[Trace], Array]] = {}
    for card in standard().cards:
        for attack in card.attacks:
            for op in attack.ops:
                found[f"{CODE_RULES[op.code]} attack with {op.code}"] = attacks_with(op.code)
        for op in card.ops:
            found[f"{CODE_RULES[op.code]} Trainer with {op.code}"] = plays_with(op.code)
        for op in card.ability.ops if card.ability else ():
            trigger = card.ability.trigger if card.ability else ""
            name = f"{CODE_RULES[op.code]} Ability {trigger} with {op.code}"
            found[name] = ability_with(trigger, op.code)
    return dict(sorted(found.items()))


DECISION_RULES = {
    Decision.SETUP_ACTIVE: "S-4",
    Decision.SETUP_BENCH: "S-4",
    Decision.MAIN: "T-5",
    Decision.EVOLVE: "P-2",
    Decision.ATTACH: "Z-4",
    Decision.RETREAT: "R-1",
    Decision.RETREAT_ENERGY: "R-4",
    Decision.PROMOTE: "G-6",
    Decision.SWITCH: "X-18",
    Decision.HIT: "X-6",
    Decision.HEAL: "X-14",
    Decision.ENERGY: "X-12",
    Decision.COPY: "X-23",
    Decision.CHOOSE: "X-30",
}
"""What is asked, and the rule that asks."""
ONLY_THERE = (Decision.RETREAT_ENERGY, Decision.COPY)
"""Asked with every card and the default options; other decks and options seldom or never ask."""

LASTING = (
    *("no_supporter", "deals_less", "takes_less", "counter", "no_attack", "no_retreat"),
    *("prevent", "attack_more"),
)


def asked(decision: Decision) -> Feature:
    """Return whether a decision was asked for."""
    return Feature(
        f"{DECISION_RULES[decision]} decision {decision.name}",
        lambda t: t.before["decision"] == int(decision),
        ALL_CARDS if decision in ONLY_THERE else (),
    )


FEATURES = (
    *(Feature(name, reached, ALL_CARDS) for name, reached in _codes().items()),
    *(asked(decision) for decision in DECISION_RULES),
    *(Feature(f"X-16 {name} begins", comes(name), ALL_CARDS) for name in LASTING),
    *(Feature(f"L-3 {name} ends", goes(name), ALL_CARDS) for name in LASTING),
    Feature("C-1 asleep", condition(1), ALL_CARDS),
    Feature("C-1 paralyzed", condition(2), ALL_CARDS),
    Feature("C-1 confused", condition(3), ALL_CARDS),
    Feature("C-1 poisoned", comes("poisoned")),
    Feature("C-1 burned", comes("burned"), ALL_CARDS),
    Feature("U-2 a burn ends", goes("burned"), ALL_CARDS),
    Feature("X-23 an attack is copied", either(lambda t: t.final["copied_card"] > 0), ALL_CARDS),
    Feature("G-3 a point", comes("points")),
    Feature("G-3 two points", either(two_points), ALL_CARDS),
    Feature("W-1 player 0 wins", lambda t: t.terminated & (t.final["winner"] == 0)),
    Feature("W-1 player 1 wins", lambda t: t.terminated & (t.final["winner"] == 1)),
    Feature("T-11 tie", lambda t: t.terminated & (t.final["winner"] == 2)),
    Feature("G-7 both lose the Active Pokémon", promotes_twice, ALL_CARDS),
    Feature("P-2 stage 2", either(lambda t: t.final["under"][..., 1] > 0)),
    Feature("W-3 an empty deck", either(lambda t: t.final["deck_size"] == 0)),
    Feature("H-1 ten cards in hand", either(lambda t: t.final["hand_size"] >= 10)),
    Feature("I-4 a known card", either(lambda t: t.final["hand_known"])),
    # No built-in deck has a card that looks into one.
    Feature("I-3 a known deck", either(lambda t: t.final["deck_known"] > 0), ALL_CARDS),
)

OPTION_CARDS = ("every card, other options",)
WITHOUT_PLACE = {
    **{
        f"D-{n}": "refused when a deck is made; the component `deck` compares it"
        for n in range(1, 6)
    },
    **{f"N-{n}": "a name, or what the state is made of" for n in range(1, 6)},
    "Z-8": "observations show both zones, and are compared at every decision",
    "T-1": "`turn` and `first_player` say it, and are compared at every decision",
    "T-12": "left out",
    "P-10": "later sets",
    "P-11": "later sets",
    "K-6": "no card of these sets discards more Energy than its attack costs; see the variants",
    "M-10": "nothing is to be done",
    "H-6": "observations show both piles, and are compared at every decision",
    "V-1": "later sets",
}
"""Rules that no counter is asked for, and why."""

BY_OPTION = {"I-5": OPTION_CARDS}


def _places() -> tuple[Place, ...]:
    # Only here: whoever reads the suite for its fields needs no engine.
    from envlift.envs.tcg_pocket.reference import host  # noqa: F401  (it imports every rule)
    from envlift.envs.tcg_pocket.reference.rulebook import CARRIED_OUT

    ids = [each for each in CARRIED_OUT if each not in WITHOUT_PLACE]
    return tuple(Place(f"rule {each}", each, BY_OPTION.get(each, ALL_CARDS)) for each in ids)


PLACES = _places()
