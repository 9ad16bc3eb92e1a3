"""Observations as floats: what they are made of, and that nothing else is in them."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envlift import against
from envlift.envs.pokemon import flat
from envlift.envs.pokemon.bots import BOTS
from envlift.envs.pokemon.env import Pokemon
from envlift.envs.pokemon.observation import PLACES, SIZE
from envlift.envs.pokemon.tables import records

B, T = 16, 40


@pytest.fixture(scope="module")
def seen():
    """Numbers and floats of both players over random play, [T * B * 2, ...] each."""
    game, whole = Pokemon(observation="flat"), Pokemon()

    def play(state, t):
        mask = jax.vmap(game.legal_actions)(state)
        key = jax.random.fold_in(jax.random.key(5), t)
        action = jax.random.categorical(key, jnp.where(mask, 0.0, -jnp.inf))
        shown = jax.vmap(whole.observe)(state), jax.vmap(game.observe)(state)
        return jax.vmap(game.step)(jax.random.split(key, B), state, action)[1], shown

    _, state = jax.jit(jax.vmap(game.reset))(jax.random.split(jax.random.key(4), B))
    _, shown = jax.jit(lambda state: jax.lax.scan(play, state, jnp.arange(T)))(state)
    numbers, floats = (np.asarray(each).reshape(-1, each.shape[-1]) for each in shown)
    return numbers, {name: floats[:, k] for k, name in enumerate(flat.names())}, floats


def test_it_follows_from_the_numbers(seen) -> None:
    """So what is hidden from the numbers is hidden here."""
    numbers, _, floats = seen
    assert np.array_equal(jax.jit(jax.vmap(flat.flat))(numbers), floats)
    assert numbers.shape[1] == SIZE
    space = Pokemon(observation="flat").player_observation_space()
    assert (space.shape, space.dtype) == (floats.shape[1:], np.float32)
    assert len(set(flat.names())) == floats.shape[1]


def test_numbers_are_around_one(seen) -> None:
    _, _, floats = seen
    assert np.isfinite(floats).all()
    assert np.abs(floats).max() <= 4
    assert (floats.std(axis=0) > 0).mean() > 0.8


def test_what_stands_where(seen) -> None:
    """Against the numbers and the tables, read apart from what makes the floats."""
    numbers, named, _ = seen

    def number(name: str) -> np.ndarray:
        return numbers[:, PLACES[name]].astype(float)

    moves = {move["num"]: move for move in records("gen1", "moves")}
    species = {one["num"]: one for one in records("gen1", "species")}
    for m in range(6):
        most = np.maximum(number(f"own_{m}_max_hp"), 1)
        assert np.allclose(named[f"own_hp_{m}"], number(f"own_{m}_hp") / most)
        assert np.allclose(named[f"own_stat_{m}_2"], number(f"own_{m}_spe") / 300)
        assert np.allclose(named[f"foe_level_{m}"], number(f"foe_{m}_level") / 100)
        assert np.array_equal(named[f"own_status_{m}_5"] > 0, number(f"own_{m}_status") == 5)
        foe = number(f"foe_{m}_species")
        attack = [species[int(n)]["atk"] if n else 0 for n in foe]
        assert np.allclose(named[f"foe_base_stat_{m}_1"], np.array(attack) / 100)
    for k in range(4):
        move = number(f"own_active_move_{k}")
        known = [moves.get(int(n)) for n in move]
        accuracy = [
            1.0 if one and one["accuracy"] is None else one["accuracy"] / 100 if one else 0
            for one in known
        ]
        assert np.allclose(named[f"slot_is_{k}_1"], accuracy)
        rock = [bool(one) and one["type"] == "Rock" for one in known]
        assert np.array_equal(named[f"slot_type_{k}_13"] > 0, rock)
        assert np.allclose(named[f"slot_pp_{k}"], number(f"own_active_pp_{k}") / 16)
    assert np.allclose(named["foe_front_boost_1"], number("foe_active_boost_def") / 2)


def test_bots_see_the_numbers() -> None:
    game = Pokemon(observation="flat")
    _, state = game.reset(jax.random.key(0))
    assert np.array_equal(game.bot_observation(state), Pokemon().observe(state))


def test_an_opponent_plays_as_it_does_by_the_numbers() -> None:
    """At the beginning of a battle ``max_damage`` draws nothing."""
    env, whole = against(Pokemon(observation="flat"), "max_damage", seat=0), Pokemon()
    for key in jax.random.split(jax.random.key(2), 3):
        observation, state = env.reset(key)
        assert observation.dtype == np.float32
        numbers, mask = whole.observe(state.game), whole.legal_actions(state.game)
        expected = BOTS["max_damage"](key, numbers[1], mask[1])
        assert int(env.sample(key, state, 0).others[0]) == int(expected)


def test_an_unknown_observation() -> None:
    with pytest.raises(ValueError, match="observation='pixels' is not known; choose one of num"):
        Pokemon(observation="pixels")
