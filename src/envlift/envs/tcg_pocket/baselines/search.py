"""A player that looks ahead: it draws anew what it cannot see, tries its actions, plays on.

It knows no more than any other player: the game is made again from the observation. Shape
letters: ``N`` numbers of an observation, ``A`` actions, ``T`` tries, ``D`` built-in decks.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cache
from typing import Any, get_args

import jax
import jax.numpy as jnp
import numpy as np

from envlift.envs.tcg_pocket.bots import attach_and_attack
from envlift.envs.tcg_pocket.decks import pool
from envlift.envs.tcg_pocket.env import MOST_TURNS, Opening
from envlift.envs.tcg_pocket.rules import batched
from envlift.envs.tcg_pocket.rules.ids import GOING_ON, NUM_ACTIONS, Phase, Step
from envlift.envs.tcg_pocket.state import FIELDS, State
from envlift.envs.tcg_pocket.tables.variants import playing
from envlift.opponents import Opponent

HAND, DECK = 12, 20
TRAINER = 1
"""``pending_kind`` of a Trainer, which lies in no pile while it is played."""
ROUNDS = 3
"""Of tries; after each but the last the worse half of the actions is left out."""
HORIZON = 4
"""Turns that a try is played on for."""
LONGEST = 120
"""Decisions after which a try is looked at as it is; four turns are a third of that."""


def searcher(
    strength: int = 32, decks: Sequence[str] | None = None, max_turns: int = 30
) -> Opponent:
    """Return a player that searches, for ``envlift.against`` and ``envlift arena``.

    Every legal action is tried in games in which the hidden cards are drawn anew, and played on by
    ``attach_and_attack`` for four turns; after each of three rounds the better half stays
    (sequential halving). In set-up it plays as ``attach_and_attack`` does.

    Args:
        strength: tries of a round, shared by the actions that are left, at least 1; fewer than
            there are actions leave some untried.
        decks: what the other's deck may be, as of ``envlift.make``; by default the built-in ones.
            One that has not the cards that were seen, or not the types of the Energy Zone, is
            not thought of while another fits.
        max_turns: of the game, after which it is a tie. Its other options are taken to be the
            default ones.

    Raises:
        ValueError: for a strength below 1, turns out of range, or a deck that is refused.

    Example::

        env = envlift.against(envlift.make("tcg_pocket"), searcher(strength=128))
    """
    if strength < 1:
        raise ValueError(f"strength={strength} is out of range: it must be at least 1")
    if not 1 <= max_turns <= MOST_TURNS:
        raise ValueError(f"max_turns={max_turns} is out of range: it must be 1 to {MOST_TURNS}")
    lists, types = pool(decks)

    def search(key: jax.Array, observation: jax.Array, mask: jax.Array) -> jax.Array:
        ours = attach_and_attack(key, observation, mask)
        state = seen_state(observation)
        legal = mask.sum()
        # Legal actions first, in an order of their own.
        order = jnp.argsort(~mask, stable=True)
        begun = (order, legal, jnp.zeros(NUM_ACTIONS), jnp.zeros(NUM_ACTIONS))

        def one_round(number: jax.Array, carry: Any) -> Any:
            order, left, total, tried = carry
            keys = jax.random.split(jax.random.fold_in(key, number), strength)
            actions = order[jnp.arange(strength) % jnp.maximum(left, 1)]
            outlook = jax.vmap(lambda k, a: _outlook(k, state, a, lists, types, max_turns))(
                keys, actions
            )
            total, tried = total.at[actions].add(outlook), tried.at[actions].add(1.0)
            mean = jnp.where(tried > 0, total / jnp.maximum(tried, 1.0), -jnp.inf)[order]
            # What was left out stays behind what was not.
            still = jnp.arange(NUM_ACTIONS) < left
            order = order[jnp.argsort(jnp.where(still, -mean, jnp.inf), stable=True)]
            return order, (left + 1) // 2, total, tried

        order, *_ = jax.lax.fori_loop(0, ROUNDS, one_round, begun)
        plain = (legal < 2) | (observation[_places()["phase"]] == Phase.SETUP)
        return jnp.where(plain, ours, order[0]).astype(jnp.int32)

    return search


search = searcher()
"""The player with the default strength, for ``envlift arena``."""


@cache
def _places() -> dict[str, int]:
    """Return where each field begins in an observation."""
    found, at = {}, 0
    for field in FIELDS:
        found[field.name] = at
        at += int(np.prod(field.shape))
    return found


def seen_state(observation: jax.Array) -> State:
    """Return the game as one player sees it: the viewer is player 0, what is hidden is 0.

    Args:
        observation: int16 [N].
    """
    parts = {}
    for field in FIELDS:
        start = _places()[field.name]
        part = observation[start : start + int(np.prod(field.shape))]
        parts[field.name] = part.reshape(field.shape).astype(field.dtype)
    return State(**parts)


def drawn_state(key: jax.Array, seen: State, lists: Any, types: Any) -> State:
    """Return a whole game that looks to player 0 as ``seen`` does.

    Args:
        key: of what is drawn.
        seen: see ``seen_state``.
        lists: uint16 [D, 20], decks that the other may have.
        types: bool [D, 8], their types of Energy.
    """
    for_deck, for_own, for_foe = jax.random.split(key, 3)
    lists, types = jnp.asarray(lists).astype(jnp.int32), jnp.asarray(types)
    seen_cards = jax.vmap(lambda p: _open_cards(seen, p))(jnp.arange(2))
    number = (seen_cards[1] > 0).sum()
    fitting = jax.vmap(lambda cards: _left_of(cards, seen_cards[1]).sum() == DECK - number)(lists)
    zone = jnp.stack([seen.zone_current[1], seen.zone_next[1]])
    fitting &= (types[:, jnp.maximum(zone, 0)] | (zone < 0)).all(axis=1)
    weight = jnp.where(fitting | ~fitting.any(), 0.0, -jnp.inf)
    chosen = jax.random.categorical(for_deck, weight)
    # With open decklists the other's is seen.
    shown = seen.deck_list[1].any()
    foe_list = jnp.where(shown, seen.deck_list[1].astype(jnp.int32), lists[chosen])
    foe_types = jnp.where(shown, seen.deck_energy[1], types[chosen])
    own_list = seen.deck_list[0].astype(jnp.int32)
    own_pile = _shuffled(for_own, own_list, seen_cards[0])
    foe_pile = _shuffled(for_foe, foe_list, seen_cards[1])
    # The own deck goes on below what is known of it.
    there = jnp.arange(DECK)
    known, size = seen.deck_known[0], seen.deck_size.astype(jnp.int32)
    below = own_pile[jnp.clip(there - known, 0, DECK - 1)]
    own_deck = jnp.where(there < known, seen.deck[0], jnp.where(there < size[0], below, 0))
    # The other's hand takes the first cards of the pile, its deck the rest.
    held = jnp.arange(HAND) < seen.hand_size[1]
    unknown = held & ~seen.hand_known[1]
    rank = jnp.cumsum(unknown) - 1
    foe_hand = jnp.where(unknown, foe_pile[jnp.clip(rank, 0, DECK - 1)], seen.hand[1])
    rest = foe_pile[jnp.clip(there + unknown.sum(), 0, DECK - 1)]
    foe_deck = jnp.where(there < size[1], rest, 0)
    return dataclasses.replace(
        seen,
        deck=jnp.stack([own_deck, foe_deck]).astype(seen.deck.dtype),
        hand=seen.hand.at[1].set(foe_hand.astype(seen.hand.dtype)),
        deck_list=seen.deck_list.at[1].set(foe_list.astype(seen.deck_list.dtype)),
        deck_energy=seen.deck_energy.at[1].set(foe_types),
    )


def _open_cards(seen: State, player: jax.Array) -> jax.Array:
    """Return the cards of a player that lie open to player 0, int32 [N], 0 where none is."""
    turn_player = jnp.where(seen.turn % 2 == 1, seen.first_player, 1 - seen.first_player)
    # At the knock-outs that it brought it lies among the discarded ones already.
    held = (seen.pending_kind == TRAINER) & (seen.pending_step != Step.KNOCK_OUTS)
    trainer = held & (turn_player == player)
    parts = (
        seen.card[player],
        seen.under[player].reshape(-1),
        seen.hand[player],
        seen.discard[player],
        # Of the other's deck nothing is known: it is 0 here.
        jnp.where(jnp.arange(DECK) < seen.deck_known[player], seen.deck[player], 0),
        jnp.where(trainer, seen.pending_card, 0)[None],
    )
    return jnp.concatenate([part.astype(jnp.int32) for part in parts])


def _left_of(cards: jax.Array, seen: jax.Array) -> jax.Array:
    """Return which cards of a list [20] are not among those seen [N], bool [20]."""
    earlier = (cards[None] == cards[:, None]) & (jnp.arange(DECK) < jnp.arange(DECK)[:, None])
    return earlier.sum(axis=1) >= (seen[None] == cards[:, None]).sum(axis=1)


def _shuffled(key: jax.Array, cards: jax.Array, seen: jax.Array) -> jax.Array:
    """Return what is left of a list in random order, int32 [20], repeated to the end."""
    left = _left_of(cards, seen)
    order = jnp.argsort(jnp.where(left, jax.random.uniform(key, (DECK,)), 2.0))
    return cards[order[jnp.arange(DECK) % jnp.maximum(left.sum(), 1)]]


def _outlook(
    key: jax.Array, seen: State, action: jax.Array, lists: Any, types: Any, max_turns: int
) -> jax.Array:
    """Try an action in one drawn game; return from -1 to 1 how well it went for player 0."""
    for_game, for_first, for_rest = jax.random.split(key, 3)
    options = jnp.array([max_turns, get_args(Opening).index("redraw"), 0, 1], jnp.int32)
    state = drawn_state(for_game, seen, lists, types)
    until = state.turn + HORIZON

    def play(key: jax.Array, state: State, action: jax.Array) -> State:
        words = jax.random.bits(key, (2,), jnp.uint32)
        return batched.step(state, jnp.full(2, action, jnp.int32), words, options)[0]

    def goes_on(carry: Any) -> jax.Array:
        number, state = carry
        return (state.winner == GOING_ON) & (state.turn < until) & (number < LONGEST)

    def on(carry: Any) -> Any:
        number, state = carry
        for_action, for_step = jax.random.split(jax.random.fold_in(for_rest, number))
        who = jnp.clip(state.decider, 0, 1)
        observation = batched.observe(state, False)[who]
        mask = batched.legal_actions(state)[who]
        return number + 1, play(for_step, state, attach_and_attack(for_action, observation, mask))

    _, state = jax.lax.while_loop(goes_on, on, (jnp.int32(0), play(for_first, state, action)))
    return _worth(state)


def _worth(state: State) -> jax.Array:
    """Return how a game stands for player 0: 1 won, -1 lost, 0 a tie."""
    hp = jnp.asarray(np.array([card.hp for card in playing().cards], np.float32))
    left = jnp.where(state.card > 0, hp[state.card.astype(jnp.int32)] - state.damage, 0.0)
    energy = state.energy.sum(axis=(1, 2), dtype=jnp.float32)
    standing = 2.0 * state.points.astype(jnp.float32) + left.sum(axis=1) / 100 + energy / 3
    going = jnp.tanh((standing[0] - standing[1]) / 4)
    won = jnp.where(state.winner == 0, 1.0, jnp.where(state.winner == 1, -1.0, 0.0))
    return jnp.where(state.winner == GOING_ON, going, won)
