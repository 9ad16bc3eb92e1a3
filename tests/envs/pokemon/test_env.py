"""Battles behind the contract: what a player sees, may do and may not know."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import envlift
from envlift.envs.pokemon import hidden, observation, observation_table
from envlift.envs.pokemon.env import Draws, Pokemon
from envlift.envs.pokemon.observation import PLACES
from envlift.envs.pokemon.rules.gen1 import batched
from envlift.envs.pokemon.state import FIELDS, State
from envlift.targets import chance

LANES = 64


@functools.cache
def env() -> Pokemon:
    return Pokemon()


@functools.cache
def played(steps: int = 120) -> Any:
    """States of random play, [T, B, ...], and what each step gave."""

    def body(carry: Any, _: None) -> Any:
        key, state = carry
        key, now, choose = jax.random.split(key, 3)
        masks = jax.vmap(env().legal_actions)(state)
        actions = jax.random.categorical(choose, jnp.where(masks, 0.0, -jnp.inf))
        keys = jax.random.split(now, LANES)
        obs, after, reward, over, _, info = jax.vmap(env().step)(keys, state, actions)
        return (key, after), (state, obs, reward, over, info)

    keys = jax.random.split(jax.random.key(0), LANES)
    start = jax.vmap(env().reset)(keys)[1]
    run = jax.jit(lambda state: jax.lax.scan(body, (jax.random.key(1), state), length=steps))
    return jax.tree.map(np.asarray, run(start)[1])


def states(count: int = 512) -> State:
    """States of play, [count, ...]."""
    flat = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), played()[0])
    rows = np.linspace(0, len(flat.turn) - 1, count).astype(int)
    return jax.tree.map(lambda leaf: jnp.asarray(leaf[rows]), flat)


def test_battles_end_and_somebody_wins() -> None:
    _, _, reward, over, info = played()
    assert over.sum() > 20
    assert (np.abs(reward).sum(-1)[over] == 2).any()
    assert (reward.sum(-1) == 0).all()
    assert (reward[~over] == 0).all()
    last = info["final_observation"][over]
    assert (last[..., PLACES["own_request"]] == 0).all()
    first = played()[1][over]
    assert (first[..., PLACES["turn"]] == 1).all()


def test_every_number_has_a_name_and_lies_in_the_space() -> None:
    seen = played()[1]
    assert seen.shape[-1] == len(observation.NAMES) == len(set(observation.NAMES)) == 224
    assert seen.dtype == np.int16
    assert seen.min() >= observation.LOW
    assert seen.max() <= observation.HIGH
    never = [name for name, place in PLACES.items() if len(np.unique(seen[..., place])) == 1]
    # What random teams do not bring about: their sets lack the moves, or the time.
    rare = ("invulnerability", "two_turn_move", "locked_move", "mist", "bide", "focus_energy")
    rare += ("boost_evasion", "leech_seed", "light_screen", "rage", "foe_team_size", "disable_move")
    assert not [name for name in never if not name.endswith(rare)]


def test_what_is_hidden_is_drawn_anew() -> None:
    now = states()
    keys = jax.random.split(jax.random.key(5), 512)
    other = jax.jit(jax.vmap(hidden.redraw, in_axes=(0, 0, None)))(keys, now, 0)
    changed = {
        f.name for f in FIELDS if not np.array_equal(getattr(now, f.name), getattr(other, f.name))
    }
    wanted = {*hidden.FOES, *hidden.COUNTERS, *hidden.WHOLE}
    wanted |= {"species", "level", "max_hp", "hp", "moves"}
    # Random teams have no move that begins these.
    absent = {"locked_move_time", "locked_move_accuracy", "bide_time", "bide_damage"}
    absent |= {"rage_accuracy", "disable_time", "partial_trapping_lock_damage"}
    assert wanted - absent <= changed <= wanted
    for name in ("hp", "species", "moves", "base_stored_stats", "pp", "sub_fainted"):
        own = np.asarray(getattr(now, name))[:, 0], np.asarray(getattr(other, name))[:, 0]
        np.testing.assert_array_equal(*own, name)


LEAKS = {
    "hp": lambda s: s.hp[0, 0],
    "a move not yet used": lambda s: jnp.where(s.revealed_moves[0, 0] & 1, 0, s.moves[0, 0, 0]),
    "sleep_time": lambda s: s.sleep_time.sum(),
    "the seed": lambda s: s.seed[0] & 7,
}


@pytest.mark.parametrize("name", sorted(LEAKS))
def test_an_observation_that_tells_is_caught(name: str) -> None:
    now = states()
    keys = jax.random.split(jax.random.key(5), 512)
    other = jax.vmap(hidden.redraw, in_axes=(0, 0, None))(keys, now, 1)

    def leaking(state: State) -> jax.Array:
        told = LEAKS[name](state).astype(jnp.int16)
        return batched.observe(state).at[1, 0].add(told)

    see = jax.jit(jax.vmap(leaking))
    assert (np.asarray(see(now))[:, 1] != np.asarray(see(other))[:, 1]).any()


def test_an_illegal_action_is_the_first_legal_one() -> None:
    now = states(LANES)
    masks = np.asarray(jax.vmap(env().legal_actions)(now))
    first = masks.argmax(-1)
    for wrong in (masks.argmin(-1), np.full_like(first, -1), np.full_like(first, 10)):
        assert not np.take_along_axis(masks, np.clip(wrong, 0, 9)[..., None], -1).all()
        step = jax.jit(jax.vmap(env().transition, in_axes=(0, 0, None)))
        got, want = step(now, jnp.asarray(wrong), None), step(now, jnp.asarray(first), None)
        jax.tree.map(np.testing.assert_array_equal, got, want)


def test_a_battle_that_is_over_stays_as_it_is() -> None:
    before, _, _, over, _ = played()
    at = np.argwhere(over)[:8]
    last = jax.tree.map(lambda leaf: jnp.asarray(leaf[tuple(at.T)]), before)
    step = jax.jit(jax.vmap(env().transition, in_axes=(0, 0, None)))
    ended = dataclasses.replace(last, winner=jnp.zeros_like(last.winner))
    again = step(ended, jnp.zeros((len(at), 2), jnp.int32), None)
    jax.tree.map(np.testing.assert_array_equal, again.state, ended)
    assert again.terminated.all()
    assert not again.reward.any()


def test_a_rollout_is_its_steps() -> None:
    """What is timed plays what the API plays, action by action and battle by battle."""
    steps, now = 150, states(LANES)
    after, seen = jax.jit(env().random_rollout, static_argnums=2)(jax.random.key(6), now, steps)
    lanes = chance.lane_keys(jax.random.key(6), LANES)

    @jax.jit
    def step(state: State, number: int) -> Any:
        keys = chance.at_step(lanes, number)

        def words(label: int) -> jax.Array:
            return chance.bits(chance.stream(keys, label))

        masks = jax.vmap(env().legal_actions)(state)
        count = jnp.cumsum(masks, axis=-1)
        drawn = jnp.stack([words(chance.ACTION), words(chance.ACTION + 32)], axis=1)
        nth = (drawn >> 8) * count[..., -1].astype(jnp.uint32) >> 24
        actions = jnp.argmax(count > nth[..., None].astype(jnp.int32), axis=-1)
        seeds = jnp.stack([words(chance.RESET + 64 + k) for k in range(4)], axis=1)
        return jax.vmap(batched.play_on, in_axes=(0, 0, 0, None))(state, actions, seeds, True)

    battles = np.zeros(LANES, int)
    for number in range(steps):
        now, winner = step(now, number)
        battles += np.asarray(winner) >= 0
    jax.tree.map(np.testing.assert_array_equal, after, now)
    assert seen.battles.tolist() == battles.tolist()
    assert battles.sum() > 20


def win_rate(one: str, other: str, battles: int = 64) -> float:
    """How often a bot of ``one`` wins against ``other``, of battles from both seats; ties half."""
    game = Pokemon(autoreset="disabled")
    first, second = game.bots[one], game.bots[other]

    def body(carry: Any, key: jax.Array) -> Any:
        state, total = carry
        seen, masks = jax.vmap(game.observe)(state), jax.vmap(game.legal_actions)(state)
        keys = jax.random.split(key, battles * 2).reshape(battles, 2)
        swap = jnp.arange(battles) % 2 == 1

        def act(bot: Any, seat: jax.Array) -> jax.Array:
            rows = jnp.arange(battles)
            return jax.vmap(bot)(keys[rows, seat], seen[rows, seat], masks[rows, seat])

        mine, theirs = swap.astype(int), 1 - swap.astype(int)
        a, b = act(first, mine), act(second, theirs)
        joint = jnp.stack([jnp.where(swap, b, a), jnp.where(swap, a, b)], axis=1)
        nxt = jax.vmap(game.transition, in_axes=(0, 0, None))(state, joint, None)
        return (nxt.state, total + nxt.reward[jnp.arange(battles), mine]), nxt.terminated.all()

    keys = jax.random.split(jax.random.key(3), battles)
    start = jax.vmap(game.reset)(keys)[1]
    run = jax.jit(
        lambda s: jax.lax.scan(
            body, (s, jnp.zeros(battles)), jax.random.split(jax.random.key(4), 300)
        )
    )
    (_, total), over = run(start)
    assert bool(over[-1])
    return float((1 + total).mean() / 2)


def test_bots_are_as_good_as_showdowns() -> None:
    """Showdown's score 98.0 %, 99.8 % and 63.3 % in 600 battles; some standard errors below."""
    assert win_rate("max_damage", "random") > 0.9
    assert win_rate("heuristic", "random") > 0.93
    assert win_rate("heuristic", "max_damage", battles=256) > 0.55


def test_given_teams_are_played() -> None:
    text = "Tauros\n- Body Slam\n- Hyper Beam\n\nSnorlax\nLevel: 50\n- Rest\n"
    game = Pokemon(format="gen1ou", teams=[text, "Jynx||||psychic|||||||"])
    state = jax.jit(game.initial)(Draws(jnp.array([1, 2, 0, 1], jnp.uint32)))
    assert state.species[0, :3].tolist() == [128, 143, 0]
    assert state.level[0, :2].tolist() == [100, 50]
    assert state.max_hp[0, 0] == 353
    assert state.species[1, 0] == 124
    assert game.legal_actions(state)[0].tolist() == [True, True, *[False] * 3, True, *[False] * 4]


def test_errors_say_what_to_do() -> None:
    with pytest.raises(ValueError, match="format='gen2ou' is not known; choose one of gen1random"):
        Pokemon(format="gen2ou")
    with pytest.raises(ValueError, match=r"gen1ou is played with given teams: give teams=\[...\]"):
        envlift.make("pokemon", format="gen1ou")
    with pytest.raises(ValueError, match="draws its own teams"):
        Pokemon(teams=["Mew||||psychic|||||||"])
    with pytest.raises(ValueError, match=r"gen1ou forbids mew \(Mew\): Uber"):
        Pokemon(format="gen1ou", teams=["Mew||||psychic|||||||"])
    with pytest.raises(ValueError, match="teams is empty"):
        Pokemon(format="gen1ou", teams=[])


def test_the_page_has_the_table() -> None:
    page = Path(__file__).parents[3] / "docs" / "pokemon.md"
    assert observation_table.table() in page.read_text(encoding="utf-8")
    names = [name for _, name, _ in observation_table.rows()]
    plain = {name.replace("own_0_", "own_m_").replace("foe_0_", "foe_m_") for name in PLACES}
    assert set(names) <= plain


def test_many_teams_do_not_fill_the_description() -> None:
    teams = [[{"species": 143, "moves": [34]}]] * 30
    shown = repr(Pokemon(format="gen1customgame", teams=teams))
    assert shown == "<envlift pokemon-v1 [warp] format='gen1customgame', 30 teams>"
    assert repr(Pokemon()) == "<envlift pokemon-v1 [warp] format='gen1randombattle'>"
