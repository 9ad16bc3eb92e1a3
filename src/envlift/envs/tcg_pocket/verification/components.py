"""L1: every effect code and every group of rules on boards that were made for it.

A component is one decision from a generated board, and all that comes of it: every field of the
state, what both players see, both masks, reward and end. ``X-15 STATUS`` uses an attack, a Trainer
or an Ability that has the code; a group of rules gets boards on which its rules matter. Two
components are asked otherwise: new games (S) and which rule a deck breaks (D).

Shape letters: ``N`` rows, ``P`` = 2 players.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import numpy as np

from envlift.envs.tcg_pocket.rules.ids import CODES, Action, Condition
from envlift.envs.tcg_pocket.state import FIELDS
from envlift.envs.tcg_pocket.tables import ENERGY, Card, Op, standard
from envlift.envs.tcg_pocket.verification.features import ALL_CARDS, CODE_RULES
from envlift.envs.tcg_pocket.verification.states import board, line
from envlift.reference.types import Array
from envlift.verify.suite import Component, Field

Named = dict[str, Array]
Board = dict[str, Any]
Change = Callable[[Board, random.Random], int]
"""Prepares a board and returns the action of who decides."""

MAX_TURNS = 30
COST = 8
"""A row is a whole decision of the plain engine, some milliseconds."""
LONGEST = 22
"""Cards of a list that is judged: two more than a deck has."""
GENEROUS = 3
"""Units of each type that pay any attack."""


def _has(ops: tuple[Op, ...], code: str) -> bool:
    return any(op.code == code for op in ops)


@cache
def users(code: str) -> tuple[tuple[Card, str], ...]:
    """Return who can use a code: a card and ``attack0``, ``attack1``, ``trainer`` or ``ability``.

    Abilities that are not used but work (passive ones, those that answer) are ``there``.
    """
    found: list[tuple[Card, str]] = []
    for card in standard().cards[1:]:
        found += [(card, f"attack{k}") for k, a in enumerate(card.attacks) if _has(a.ops, code)]
        if _has(card.ops, code):
            found.append((card, "trainer"))
        if card.ability and _has(card.ability.ops, code):
            once = card.ability.trigger == "once_per_turn"
            found.append((card, "ability" if once else "there"))
    return tuple(found)


def stand(state: Board, p: int, place: int, card: Card, rng: random.Random) -> None:
    """Put a Pokémon into a place, able to do all it can."""
    state["card"][p][place] = card.index
    under = line(card, rng, 0)[:2]
    state["under"][p][place] = [*under, *[0] * (2 - len(under))]
    state["damage"][p][place] = 10 * rng.randrange(max(1, card.hp // 10))
    state["energy"][p][place] = [GENEROUS * (rng.random() < 0.9) for _ in ENERGY]
    state["ability_used"][p][place] = False
    if place == 0:
        state["no_attack"][p] = False
        if state["condition"][p] in (Condition.ASLEEP, Condition.PARALYZED):
            state["condition"][p] = Condition.NONE
            state["paralyzed_turn"][p] = 0


def clear(state: Board, p: int, place: int) -> None:
    """Take a Pokémon away, with all that lies there."""
    state["card"][p][place], state["damage"][p][place] = 0, 0
    state["under"][p][place], state["energy"][p][place] = [0, 0], [0] * len(ENERGY)
    state["new"][p][place] = state["ability_used"][p][place] = False


def use(code: str, state: Board, rng: random.Random) -> int:
    """Have the decider use a code; what cannot be done is played as the lowest legal action."""
    p, (card, how) = state["decider"], rng.choice(users(code))
    if how.startswith("attack"):
        stand(state, p, 0, card, rng)
        return int(Action.ATTACK) + int(how[-1])
    if how == "ability":
        place = 0 if card.ability and card.ability.active_only else rng.randrange(3)
        stand(state, p, place, card, rng)
        return int(Action.ABILITY) + place
    if how == "trainer":
        state["supporter_played"] = state["no_supporter"][p] = False
        state["hand"][p][0] = card.index
        state["hand_size"][p] = max(1, state["hand_size"][p])
        _serve(state, p, card, rng)
        return int(Action.HAND)
    return _meet(state, p, card, rng)


def _serve(state: Board, p: int, card: Card, rng: random.Random) -> None:
    """Put whom a Trainer names into the Active Spot, mostly, and Energy on the Bench."""
    keys = ("names", "to_names")
    names = [name for op in card.ops for key in keys for name in op.params.get(key, ())]
    types = [op.params["type"] for op in card.ops if "type" in op.params]
    named = [c for c in standard().cards if c.name in names]
    fitting = named or [c for c in standard().cards if c.hp and c.type in types]
    if fitting and rng.random() < 0.9:
        stand(state, p, 0, rng.choice(fitting), rng)
    for place in range(1, 4):
        if state["card"][p][place]:
            state["energy"][p][place] = [rng.randrange(3) for _ in ENERGY]


def _meet(state: Board, p: int, card: Card, rng: random.Random) -> int:
    """Have an Ability answer that is not used: it is attacked, gets Energy, or the turn ends."""
    trigger = card.ability.trigger if card.ability else ""
    if trigger == "end_of_own_first_turn":
        state["turn"] = rng.choice((1, 2))
        state["first_player"] = (p + state["turn"] + 1) % 2
        # What lasts to a turn that is over by then would have ended.
        for name in ("attack_more", "attack_more_name", "attack_more_until", "paralyzed_turn"):
            state[name] = [0, 0]
        state["condition"] = [Condition.NONE, Condition.NONE]
        stand(state, p, rng.randrange(2), card, rng)
        return int(Action.END)
    if trigger == "on_zone_attach" and card.ability and card.ability.energy:
        for place in range(4):
            clear(state, p, place)
        stand(state, p, 0, card, rng)
        state["zone_current"][p] = ENERGY.index(card.ability.energy)
        return int(Action.ATTACH)
    # Passive ones and those that strike back are the other's.
    stand(state, 1 - p, 0, card, rng)
    attackers = [c for c in standard().cards if c.attacks and c.attacks[0].damage]
    stand(state, p, 0, rng.choice(attackers), rng)
    return int(Action.ATTACK)


def ends_turn(state: Board, rng: random.Random) -> int:
    """Have conditions on both sides, and end the turn (U, C, L-3, T)."""
    for p in (0, 1):
        state["poisoned"][p], state["burned"][p] = rng.random() < 0.6, rng.random() < 0.6
        state["condition"][p] = rng.choice((0, 1, 2, 3))
        late = state["condition"][p] == Condition.PARALYZED
        state["paralyzed_turn"][p] = max(1, state["turn"] - rng.randrange(2)) if late else 0
        if rng.random() < 0.5:
            left = rng.choice((10, 20, 30))
            hp = standard().cards[state["card"][p][0]].hp
            state["damage"][p][0] = max(0, hp - left)
    return int(Action.END)


def knocks_out(state: Board, rng: random.Random) -> int:
    """Have everybody close to a knock-out and to the third point, and attack (K, M, G, W)."""
    cards = standard().cards
    for p in (0, 1):
        state["points"][p] = rng.choice((0, 1, 2))
        for place in range(4):
            hp = cards[state["card"][p][place]].hp
            state["damage"][p][place] = max(0, hp - rng.choice((10, 20, 30)))
        if rng.random() < 0.4:
            for place in range(1, 4):
                clear(state, p, place)
    p = state["decider"]
    attackers = [c for c in cards if c.attacks]
    stand(state, p, 0, rng.choice(attackers), rng)
    return int(Action.ATTACK) + rng.randrange(2)


def damages(state: Board, rng: random.Random) -> int:
    """Have every number that changes damage, and attack (M)."""
    p, cards = state["decider"], standard().cards
    attacker = rng.choice([c for c in cards if c.attacks and c.attacks[0].damage])
    stand(state, p, 0, attacker, rng)
    weak = [c for c in cards if c.weakness == attacker.type]
    stand(state, 1 - p, 0, rng.choice(weak or list(cards[1:200])), rng)
    state["damage"][1 - p][0] = 0
    state["turn_damage_any"] = rng.choice((0, 10, 20))
    state["deals_less"][p] = rng.choice((0, 10, 20, 200))
    state["takes_less"][1 - p] = rng.choice((0, 10, 20, 200))
    state["counter"][1 - p] = rng.choice((0, 20))
    state["prevent"][1 - p] = rng.choice((0, 0, 1, 2))
    return int(Action.ATTACK)


def plays(first: int, count: int, state: Board, rng: random.Random) -> int:
    """Take one of some actions; one that is not legal is played as the lowest legal one."""
    return first + rng.randrange(count)


def evolves(state: Board, rng: random.Random) -> int:
    """Hold an Evolution of a Pokémon in play (P-2, P-3)."""
    p, cards = state["decider"], standard().cards
    later = rng.choice([c for c in cards if c.stage and c.kind == "pokemon"])
    before = [c for c in cards if c.name == later.evolves_from]
    if before:
        place = rng.randrange(2)
        stand(state, p, place, rng.choice(before), rng)
        state["new"][p][place] = rng.random() < 0.2
    state["hand"][p][0] = later.index
    state["hand_size"][p] = max(1, state["hand_size"][p])
    return int(Action.HAND)


def retreats(state: Board, rng: random.Random) -> int:
    """Have Energy of several types, and retreat (R)."""
    p = state["decider"]
    state["energy"][p][0] = [rng.choice((0, 0, 1, 2)) for _ in ENERGY]
    state["retreated"] = rng.random() < 0.1
    state["no_retreat"][p] = rng.random() < 0.1
    if rng.random() < 0.8:
        state["condition"][p] = rng.choice((Condition.NONE, Condition.CONFUSED))
        state["paralyzed_turn"][p] = 0
    return int(Action.RETREAT)


def uses_ability(state: Board, rng: random.Random) -> int:
    """Have somebody with an Ability that is used, sick or not, and use it (A)."""
    p = state["decider"]
    able = [c for c in standard().cards if c.ability and c.ability.trigger == "once_per_turn"]
    place = rng.randrange(3)
    stand(state, p, place, rng.choice(able), rng)
    state["ability_used"][p][place] = rng.random() < 0.1
    return int(Action.ABILITY) + place


GROUPS: dict[str, Change] = {
    "U C L end of the turn": ends_turn,
    "K G W knock-outs": knocks_out,
    "M damage": damages,
    "P-2 evolving": evolves,
    "R retreating": retreats,
    "P H cards of the hand": partial(plays, int(Action.HAND), 12),
    "Z-4 attaching": partial(plays, int(Action.ATTACH), 1),
    "A Abilities": uses_ability,
    "P-8 fossils": partial(plays, int(Action.DISCARD_FOSSIL), 4),
    "K attacks": partial(plays, int(Action.ATTACK), 2),
}
"""Groups of rules, and what makes their boards."""


def rows(change: Change, rng: np.random.Generator, n: int) -> Named:
    """Draw boards that were changed, an action and a tape for each."""
    draw = random.Random(int(rng.integers(2**62)))
    boards: list[Board] = []
    actions = np.zeros((n, 2), np.int32)
    for row in range(n):
        state = board(draw, MAX_TURNS)
        p = state["decider"]
        actions[row, p] = change(state, draw)
        boards.append(state)
    found = {f.name: np.array([one[f.name] for one in boards], f.dtype) for f in FIELDS}
    words = rng.integers(0, 2**32, (n, 4), dtype=np.uint32)
    return {**found, "action": actions, "words": words}


def starts(rng: np.random.Generator, n: int) -> Named:
    """Draw the chance of new games."""
    return {"words": rng.integers(0, 2**32, (n, 4), dtype=np.uint32)}


def lists(rng: np.random.Generator, n: int) -> Named:
    """Draw decks, of which most break a rule: of 19 to 21 cards, often thrice the same."""
    draw = random.Random(int(rng.integers(2**62)))
    every, cards = standard().cards[1:], np.zeros((n, LONGEST), np.int32)
    basics = [card.index for card in every if card.basic]
    energy = np.zeros((n, len(ENERGY)), np.bool_)
    for row in range(n):
        size = draw.choice((19, 20, 20, 20, 20, 21))
        pool = basics if draw.random() < 0.6 else [c.index for c in every if not c.basic]
        names = [card for card in draw.sample(pool, 10) for _ in (0, 1)] + draw.sample(pool, 2)
        if draw.random() < 0.3:
            names[2] = names[0]
        cards[row, :size] = names[:size]
        energy[row, draw.sample(range(len(ENERGY)), draw.choice((0, 1, 2, 3, 3, 4)))] = True
    return {"cards": cards, "energy": energy}


@cache
def _compiled(env: Any) -> tuple[Any, Any]:
    """Return one transition, and one start, of a batch; compiled once for all components."""
    import jax

    from envlift.envs.tcg_pocket.env import Draws

    def shown(state: Any) -> dict[str, Any]:
        return {
            "state": state,
            "observation": env.observe(state),
            "legal_actions": env.legal_actions(state).reshape(-1),
        }

    def play(state: Any, action: Any, words: Any) -> dict[str, Any]:
        moved = env.transition(state, action, Draws(words))
        ends = {"reward": moved.reward, "terminated": moved.terminated}
        return {**shown(moved.state), **ends}

    def begin(words: Any) -> dict[str, Any]:
        return shown(env.initial(Draws(words)))

    return jax.jit(jax.vmap(play)), jax.jit(jax.vmap(begin))


def _in_a_row(found: Mapping[str, Any]) -> Named:
    """Return results as arrays, the fields of the state one behind the other, int32 [N, K]."""
    state = found["state"]
    n = len(np.asarray(state.turn))
    flat = [np.asarray(getattr(state, f.name), np.int32).reshape(n, -1) for f in FIELDS]
    rest = {name: np.asarray(value) for name, value in found.items() if name != "state"}
    return {**rest, "state": np.concatenate(flat, axis=1)}


def transition(env: Any) -> Callable[[Named], Named]:
    """Return the candidate's side of a component that is one transition."""
    from envlift.envs.tcg_pocket.state import State

    def run(arguments: Named) -> Named:
        fields: dict[str, Any] = {f.name: arguments[f.name] for f in FIELDS}
        state = State(**fields)
        return _in_a_row(_compiled(env)[0](state, arguments["action"], arguments["words"]))

    return run


def first_state(env: Any) -> Callable[[Named], Named]:
    """Return the candidate's side of new games."""
    return lambda arguments: _in_a_row(_compiled(env)[1](arguments["words"]))


def judged_deck(env: Any) -> Callable[[Named], Named]:
    """Return the candidate's side of the rules of decks: the rule that is broken, 0 for none."""
    from envlift.envs.tcg_pocket.decks import check
    from envlift.envs.tcg_pocket.tables import Deck

    def broken(cards: Array, energy: Array) -> int:
        named = "".join(letter for letter, there in zip(ENERGY, energy, strict=True) if there)
        try:
            check(Deck("given", tuple(int(c) for c in cards if c), named))
        except ValueError as error:
            return int(str(error).partition("rule D-")[2][0])
        return 0

    def run(arguments: Named) -> Named:
        pairs = zip(arguments["cards"], arguments["energy"], strict=True)
        return {"broken": np.array([broken(*pair) for pair in pairs], np.int32)}

    return run


LOOKS = (Field("state"), Field("observation"), Field("legal_actions"))
ENDS = (Field("reward"), Field("terminated"))
STATE_DTYPES = {f.name: f.dtype for f in FIELDS}
TAPE = {"action": "int32", "words": "uint32"}


def _of(name: str, change: Change) -> Component:
    return Component(
        name,
        (*LOOKS, *ENDS),
        transition,
        dtypes={**STATE_DTYPES, **TAPE},
        configs=ALL_CARDS,
        rows=partial(rows, change),
        cost=COST,
    )


COMPONENTS = (
    *(_of(f"{CODE_RULES[code]} {code}", partial(use, code)) for code in CODES),
    *(_of(name, change) for name, change in GROUPS.items()),
    Component(
        "S set-up",
        LOOKS,
        first_state,
        dtypes={"words": "uint32"},
        configs=ALL_CARDS,
        rows=starts,
        cost=COST,
    ),
    Component(
        "D decks",
        (Field("broken"),),
        judged_deck,
        dtypes={"cards": "int32", "energy": "bool"},
        configs=ALL_CARDS,
        rows=lists,
        cost=COST,
    ),
)
