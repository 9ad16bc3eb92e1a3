"""Other observations and other rewards: the options ``observation`` and ``shaping``."""

from __future__ import annotations

import dataclasses
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envlift
from envlift.adapters.gymnasium import VectorEnv
from envlift.envs.pokemon import structured
from envlift.envs.pokemon.env import Pokemon
from envlift.envs.pokemon.observation import NAMES, PLACES
from envlift.envs.pokemon.shaping import METAMON

LANES, STEPS = 32, 100
SIDES = (0, 1)


@pytest.fixture(scope="module")
def played() -> Any:
    """Random play with metamon's rewards: states, both ways of a step, and what came of it."""
    game = Pokemon(shaping="metamon", observation="structured")
    plain = Pokemon()

    def body(state: Any, t: jax.Array) -> Any:
        keys = jax.random.split(jax.random.fold_in(jax.random.key(2), t), LANES)
        mask = jax.vmap(game.legal_actions)(state)
        action = jax.vmap(jax.random.categorical)(keys, jnp.where(mask, 0.0, -jnp.inf))
        action = jnp.stack([action[:, 0], action[:, 1]], axis=1)
        after = jax.vmap(lambda s, a: game.transition(s, a, None))(state, action)
        won = jax.vmap(plain.step)(keys, state, action)[2]
        numbers = jax.vmap(plain.observe)(state)
        seen = jax.vmap(game.observe)(state)
        _, state_after, reward, over, _, info = jax.vmap(game.step)(keys, state, action)
        last = info["final_observation"]
        return state_after, (state, after, reward, won, over, numbers, seen, last)

    start = jax.vmap(game.reset)(jax.random.split(jax.random.key(0), LANES))[1]
    run = jax.jit(lambda state: jax.lax.scan(body, state, jnp.arange(STEPS)))
    return jax.tree.map(np.asarray, run(start)[1])


def counted(before: Any, after: Any, at: tuple[int, int], won: np.ndarray[Any, Any]) -> list[float]:
    """Both players' rewards with metamon's weights, counted member by member."""
    earned = [0.0, 0.0]
    for side in SIDES:
        for member in range(6):
            if before.species[at][side, member] == 0:
                continue
            old, new = (s.hp[at][side, member] for s in (before, after))
            share = (int(new) - int(old)) / int(before.max_hp[at][side, member])
            earned[side] += share
            earned[1 - side] -= share
            was, now = (s.status[at][side, member] for s in (before, after))
            if was == 0 and now in (1, 2, 3, 4, 5, 6):
                earned[side] -= 0.5
                earned[1 - side] += 0.5
            if old > 0 and new == 0:
                earned[side] -= 1.0
                earned[1 - side] += 1.0
    return [earned[side] + 100.0 * float(won[at][side]) for side in SIDES]


def test_shaped_rewards_are_what_happened_to_each_member(played: Any) -> None:
    before, after, reward, won, over, *_ = played
    wanted = [
        [counted(before, after.state, (t, lane), won) for lane in range(LANES)]
        for t in range(STEPS)
    ]
    np.testing.assert_allclose(reward, wanted, atol=1e-4)
    np.testing.assert_allclose(after.reward, reward, atol=1e-5)
    np.testing.assert_allclose(reward.sum(axis=-1), 0, atol=1e-4)
    assert (np.abs(reward[over]) > 90).all(axis=-1).any()
    assert (np.abs(won) > 0).any()
    gave = (before.status == 0) & (after.state.status > 0) & (after.state.status < 7)
    assert gave.sum() > 10
    assert (after.state.hp > before.hp).any()


def test_terms_can_be_weighed_one_by_one(played: Any) -> None:
    before, after, *_ = played
    state, last = (jax.tree.map(lambda leaf: leaf[3, 5], s) for s in (before, after.state))
    alone = Pokemon(shaping={"faint": 2.0, "win": 0.0})
    whole = dataclasses.replace(state, hp=np.array(state.max_hp))
    hp = np.array(state.max_hp)
    hp[1, [2, 4]] = 0
    hp[0, 3] = 0
    paid = alone._reward(whole, jnp.int8(0), dataclasses.replace(last, hp=hp))
    np.testing.assert_allclose(paid, [2.0, -2.0])
    assert alone.info.options["shaping"] == {"hp": 0.0, "status": 0.0, "faint": 2.0, "win": 0.0}
    assert Pokemon(shaping="metamon").info.options["shaping"] == METAMON
    assert Pokemon().info.options["shaping"] is None


def test_unknown_terms_are_refused() -> None:
    with pytest.raises(ValueError, match="shaping has 'hit', which is no term; the terms are hp, "):
        Pokemon(shaping={"hit": 1.0})
    with pytest.raises(ValueError, match="shaping='dense' is not known; use 'metamon', None"):
        Pokemon(shaping="dense")  # type: ignore[arg-type]


def test_every_number_stands_in_one_part() -> None:
    names = [name for part in structured.PARTS.values() for name in part]
    assert sorted(names) == sorted(NAMES)
    assert {part: len(names) for part, names in structured.PARTS.items()} == {
        "species": 14,
        "moves": 6 * 4 + 4 + 6 * 4 + 2 * 4,
        "types": 4,
        "statuses": 12,
        "numbers": 224 - 14 - 60 - 4 - 12,
    }


def test_parts_are_the_numbers_by_name(played: Any) -> None:
    *_, numbers, seen, last = played
    for part, names in structured.PARTS.items():
        wanted = np.stack([numbers[..., PLACES[name]] for name in names], axis=-1)
        np.testing.assert_array_equal(seen[part], wanted)
        assert seen[part].dtype == last[part].dtype == np.int16
        assert last[part].shape == seen[part].shape
    space = Pokemon(observation="structured").player_observation_space()
    assert isinstance(space, gymnasium.spaces.Dict)
    one = {part: values[7, 3, 1] for part, values in seen.items()}
    assert space.contains(one)
    # A number of a table is never outside of it, and reaches far into it.
    for part, largest in structured.LARGEST.items():
        assert seen[part].min() >= 0
        assert largest / 2 < seen[part].max() <= largest
    boosts = [k for k, name in enumerate(structured.PARTS["numbers"]) if "_boost_" in name]
    assert seen["numbers"][..., boosts].min() < 0


def test_a_vector_of_one_player_shows_the_parts() -> None:
    game = envlift.against(Pokemon(observation="structured", autoreset="disabled"), "random")
    vector = VectorEnv(game, num_envs=3)
    seen, infos = vector.reset(seed=1)
    assert vector.observation_space.contains(seen)
    actions = np.argmax(infos["action_mask"], axis=1)
    seen, *_ = vector.step(actions)
    assert vector.observation_space.contains(seen)


def test_a_game_without_its_shaping() -> None:
    """Matches are decided by who wins, see ``train.games.matches``."""
    game = Pokemon(shaping={"win": 0.0, "faint": 1.0}, observation="structured")
    plain = game.unshaped()
    assert plain.shows == "structured"
    before = jax.tree.map(lambda leaf: leaf, game.reset(jax.random.key(0))[1])
    won = game._reward(before, jnp.int32(1), before), plain._reward(before, jnp.int32(1), before)
    assert [list(np.asarray(each)) for each in won] == [[0, 0], [-1, 1]]
