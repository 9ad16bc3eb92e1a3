"""The searching player of the fast engine."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envlift
from envlift.envs.tcg_pocket.baselines import search
from envlift.envs.tcg_pocket.baselines.search import drawn_state, searcher, seen_state
from envlift.envs.tcg_pocket.bots import attach_and_attack
from envlift.envs.tcg_pocket.decks import pool
from envlift.envs.tcg_pocket.observation import PLACES
from envlift.envs.tcg_pocket.rules.ids import GOING_ON, Action, Phase
from envlift.train.config import ConfigError
from envlift.train.games.arena import entries

weak = searcher(8)
GAMES = 128


@pytest.fixture(scope="module")
def env() -> Any:
    return envlift.make("tcg_pocket", autoreset="disabled")


@pytest.fixture(scope="module")
def middle(env: Any) -> Any:
    """States of games after 5, 15, 25, ... decisions, all fields [GAMES, ...]."""

    def play(key: jax.Array, decisions: jax.Array) -> Any:
        _, state = env.reset(key)

        def on(number: jax.Array, state: Any) -> Any:
            step = jax.random.fold_in(key, number)
            seen, masks = env.observe(state), env.legal_actions(state)
            joint = jnp.stack([attach_and_attack(step, seen[p], masks[p]) for p in (0, 1)])
            return env.step(step, state, joint)[1]

        return jax.lax.fori_loop(0, decisions, on, state)

    keys = jax.random.split(jax.random.key(3), GAMES)
    return jax.jit(jax.vmap(play))(keys, 5 + 10 * (jnp.arange(GAMES) % 5))


@pytest.mark.parametrize("viewer", [0, 1])
def test_a_drawn_game_looks_as_what_was_seen(env: Any, middle: Any, viewer: int) -> None:
    """Whatever is drawn, its player sees what it saw; and decks are whole."""
    seen = jax.vmap(env.observe)(middle)[:, viewer]
    lists, types = pool(None)

    def draw(key: jax.Array, observation: jax.Array) -> Any:
        state = drawn_state(key, seen_state(observation), lists, types)
        return state, env.observe(state)[0]

    keys = jax.random.split(jax.random.key(5), GAMES)
    drawn, looks = jax.jit(jax.vmap(draw))(keys, seen)
    going = np.asarray((middle.winner == GOING_ON) & (middle.phase != Phase.SETUP))
    assert going.sum() >= GAMES / 2
    assert np.array_equal(np.asarray(looks)[going], np.asarray(seen)[going])
    drawn, trainer = jax.device_get((drawn, drawn.pending_kind == 1))
    for game in np.flatnonzero(going & ~trainer):
        for p in (0, 1):
            parts = (drawn.card, drawn.under, drawn.hand, drawn.deck, drawn.discard)
            cards = np.concatenate([part[game, p].reshape(-1) for part in parts])
            held = np.sort(cards[cards > 0])
            assert np.array_equal(held, drawn.deck_list[game, p])


def test_the_order_of_the_own_deck_is_drawn_anew(env: Any, middle: Any) -> None:
    seen = jax.vmap(env.observe)(middle)[:, 0]
    lists, types = pool(None)

    def draw(key: jax.Array, observation: jax.Array) -> jax.Array:
        return drawn_state(key, seen_state(observation), lists, types).deck

    keys = jax.random.split(jax.random.key(6), GAMES)
    one = jax.vmap(draw)(keys, seen)
    other = jax.vmap(draw)(keys[::-1], seen)
    long = np.asarray(middle.deck_size[:, 0]) > 5
    assert (np.asarray(one != other)[:, 0].any(axis=-1) & long).sum() > 0.9 * long.sum()


def test_search_does_not_give_a_win_away(env: Any, middle: Any) -> None:
    """Where an attack wins, which any knock-out does with two points, the turn is not ended."""
    middle = dataclasses.replace(middle, points=jnp.full_like(middle.points, 2))
    keys = jax.random.split(jax.random.key(9), GAMES)
    who = jnp.clip(middle.decider, 0, 1)
    masks = jax.vmap(env.legal_actions)(middle)[jnp.arange(GAMES), who]

    def winner(attack: int) -> Any:
        joint = jnp.full((GAMES, 2), attack, jnp.int32)
        _, after, *_ = jax.vmap(env.step)(keys, middle, joint)
        return masks[:, attack] & (after.winner == who) & (middle.winner == GOING_ON)

    wins = np.flatnonzero(winner(Action.ATTACK) | winner(Action.ATTACK + 1))
    assert len(wins) >= 3
    seen = jax.vmap(env.observe)(middle)[jnp.arange(GAMES), who]
    played = jax.jit(jax.vmap(weak))(keys[wins], seen[wins], masks[wins])
    assert np.asarray(masks)[wins, np.asarray(played)].all()
    assert not np.isin(np.asarray(played), (Action.END, Action.PASS)).any()


@pytest.mark.parametrize("best", [3, 25, 49])
def test_what_looks_best_is_played(best: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 12 legal actions, each tried twice at first, whatever chance adds to a single try."""

    def outlook(key: jax.Array, seen: Any, action: jax.Array, *rest: Any) -> jax.Array:
        worth = 0.02 * action.astype(jnp.float32) / 50 + 0.4 * (action == best)
        return worth + jax.random.uniform(key, (), minval=-0.1, maxval=0.1)

    monkeypatch.setattr(search, "_outlook", outlook)
    legal = (
        jnp.zeros(50, bool).at[jnp.array([3, 4, 7, 11, 19, 23, 25, 30, 33, 41, 42, 49])].set(True)
    )
    seen = jnp.zeros(387, jnp.int16).at[PLACES["phase"]].set(int(Phase.MAIN))
    player = searcher(24)
    keys = jax.random.split(jax.random.key(2), 20)
    played = jax.vmap(lambda key: player(key, seen, legal))(keys)
    assert (played == best).all()
    # With fewer tries than actions some are left untried, and none that is illegal is played.
    played = jax.vmap(lambda key: searcher(5)(key, seen, legal))(keys)
    assert legal[played].all()


def test_a_function_is_a_contender() -> None:
    _, entrants = entries("tcg_pocket", [f"{__name__}:weak", "attach_and_attack"], {})
    assert [entrant.label for entrant in entrants] == ["weak", "attach_and_attack"]
    observation, mask = jnp.zeros((2, 387), jnp.int16), jnp.zeros((2, 50), bool).at[:, 7].set(True)
    keys = jax.random.split(jax.random.key(0), 2)
    _, action = entrants[0].contender.act((), (), observation, None, mask, keys)
    assert action.tolist() == [7, 7]


def test_what_is_no_contender() -> None:
    with pytest.raises(ConfigError, match=r"no\.such:bot cannot be imported"):
        entries("tcg_pocket", ["no.such:bot", "random"], {})
    with pytest.raises(ConfigError, match="is 128, no function"):
        entries("tcg_pocket", [f"{__name__}:GAMES", "random"], {})
    _, (wrong, _) = entries("tcg_pocket", [f"{__name__}:searcher", "random"], {})
    with pytest.raises(ConfigError, match="does not work as a function"):
        wrong.contender.act((), (), jnp.zeros((2, 3)), None, jnp.ones((2, 4), bool), jnp.arange(2))
    with pytest.raises(ConfigError, match="neither a bot of tcg_pocket"):
        entries("tcg_pocket", ["no such", "random"], {})


def test_numbers_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="strength=0"):
        searcher(0)
    with pytest.raises(ValueError, match="max_turns=901"):
        searcher(max_turns=901)
