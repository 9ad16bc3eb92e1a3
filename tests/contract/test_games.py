"""Games: several players, masks, who may know what, and one player's view of them."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envlift import against
from envlift.env import Game
from tests.contract.cases import LANES, Case, assert_same, cases, entry_of
from tests.contract.duel import Duel

GAMES = [c for c in cases() if not c.alone and entry_of(c).players > 1]


@pytest.fixture(params=GAMES, ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    return request.param


def reached(case: Case, count: int = 512):
    """Return states of play, [count, ...], evenly from all that were seen."""
    before = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), case.play().before)
    total = len(jax.tree.leaves(before)[0])
    rows = np.linspace(0, total - 1, min(count, total)).astype(int)
    return jax.tree.map(lambda leaf: jnp.asarray(leaf[rows]), before)


def test_it_says_how_many_play(case: Case) -> None:
    env = case.make()
    assert isinstance(env, Game)
    assert env.num_players == entry_of(case).players > 1


def test_everything_has_an_axis_of_players(case: Case) -> None:
    env, states = case.make(), case.states()
    players, actions = env.num_players, int(env.player_action_space().n)
    masks = case.batched("legal_actions")(states)
    assert (masks.shape, masks.dtype) == ((LANES, players, actions), jnp.bool_)
    to_act = case.batched("to_act")(states)
    assert (to_act.shape, to_act.dtype) == ((LANES, players), jnp.bool_)
    assert env.action_space().shape == (players,)
    one = env.player_observation_space()
    assert case.batched("observe")(states).shape == (LANES, players, *one.shape)


def test_masks_are_never_empty_and_who_waits_has_one_action(case: Case) -> None:
    states = reached(case)
    masks = np.asarray(case.batched("legal_actions")(states))
    to_act = np.asarray(case.batched("to_act")(states))
    assert masks.any(axis=-1).all()
    assert (masks.sum(axis=-1)[~to_act] == 1).all()
    assert to_act.any(axis=-1).all(), "in some state nobody is asked for anything"
    assert not to_act.all(), "everybody was always asked, so this test has seen nothing"


def test_illegal_actions_are_marked_and_harm_nobody_else(case: Case) -> None:
    """Numbers far outside and moves that the mask forbids, in every second lane."""
    states = case.states()
    keys = jax.random.split(jax.random.key(4), LANES)
    legal = case.batched("act")(keys, states)
    step = case.batched("step", "disabled")
    masks = np.asarray(case.batched("legal_actions")(states))
    forbidden = np.where(masks.all(-1), 99, masks.argmin(-1)).astype(np.int32)
    for wrong in (forbidden, np.full_like(legal, -7), np.full_like(legal, 2**31 - 1)):
        mixed = np.array(legal)
        mixed[::2] = wrong[::2]
        out, want = step(keys, states, jnp.asarray(mixed)), step(keys, states, legal)
        odd = lambda tree: jax.tree.map(lambda leaf: leaf[1::2], tree)  # noqa: E731
        assert_same(odd(out[:5]), odd(want[:5]), "the lanes with legal actions")
        assert np.asarray(out[5]["illegal"])[::2].all()
        assert not np.asarray(out[5]["illegal"])[1::2].any()
        observations = np.asarray(out[0])
        space = case.make().observation_space()
        assert all(space.contains(one) for one in observations)


def hidden_differences(env, states, player):
    """Return fields that ``redraw_hidden`` changed, and whether the player saw any of it."""
    count = len(jax.tree.leaves(states)[0])
    keys = jax.random.split(jax.random.key(8), count)
    other = jax.jit(jax.vmap(env.redraw_hidden, in_axes=(0, 0, None)))(keys, states, player)
    changed = {
        jax.tree_util.keystr(path)
        for (path, a), b in zip(
            jax.tree_util.tree_leaves_with_path(states), jax.tree.leaves(other), strict=True
        )
        if not np.array_equal(a, b)
    }
    see = jax.jit(jax.vmap(lambda s: (env.observe(s), env.legal_actions(s), env.to_act(s))))
    return changed, [
        bool((np.asarray(a)[:, player] != np.asarray(b)[:, player]).any())
        for a, b in zip(see(states), see(other), strict=True)
    ]


def test_what_a_player_may_not_know_changes_nothing_he_observes(case: Case) -> None:
    env, states = case.make(), reached(case)
    for player in range(env.num_players):
        changed, seen = hidden_differences(env, states, player)
        assert changed, "nothing was drawn anew, so this test has seen nothing"
        assert not any(seen)


def test_a_game_that_tells_is_caught() -> None:
    env = Duel(leaks=True)
    keys = jax.random.split(jax.random.key(0), 32)
    states = jax.vmap(env.reset)(keys)[1]
    changed, seen = hidden_differences(env, states, 1)
    assert changed == {".strength"}
    assert seen[0]


def test_one_players_view_is_the_game(case: Case) -> None:
    """Step by step against the game itself, the opponent asked by hand with the same keys."""
    game = case.make("disabled")
    for seat in range(game.num_players):
        env = against(game, "random", seat=seat)
        key = jax.random.key(seat)
        state = env.initial(env.sample_initial(key))
        sample, transition = jax.jit(env.sample), jax.jit(game.transition)
        for number in range(6):
            key = jax.random.fold_in(key, number)
            mask = np.asarray(env.legal_actions(state))
            np.testing.assert_array_equal(mask, game.legal_actions(state.game)[seat])
            np.testing.assert_array_equal(env.observe(state), game.observe(state.game)[seat])
            action = int(np.flatnonzero(mask)[0])
            draws = sample(key, state, action)
            joint = np.zeros(game.num_players, np.int32)
            joint[seat] = action
            others = [(seat + k) % game.num_players for k in range(1, game.num_players)]
            joint[others] = draws.others
            assert game.legal_actions(state.game)[np.array(others), draws.others].all()
            want = transition(state.game, jnp.asarray(joint), draws.game)
            got = jax.jit(env.transition)(state, action, draws)
            assert_same(got.state.game, want.state, f"step {number}")
            assert float(got.reward) == float(want.reward[seat])
            state = got.state
            if bool(got.terminated | got.truncated):
                break


def test_seats_are_drawn_or_fixed() -> None:
    keys = jax.random.split(jax.random.key(0), 64)
    for seat, want in ((None, {0, 1}), (0, {0}), (1, {1})):
        env = against(Duel(), "random", seat=seat)
        seats = jax.vmap(lambda k, env=env: env.reset(k)[1].seat)(keys)
        assert set(np.asarray(seats).tolist()) == want


def test_opponents_play_as_they_are() -> None:
    """An opponent that always pulls as hard as it can wins more often than one that rests."""

    def rest(key, observation, mask):
        return jnp.int32(0)

    def mean_reward(opponent):
        env = against(Duel(), opponent)

        def episode(key):
            def body(carry, key):
                state, total, over = carry
                _, state, reward, terminated, truncated, _ = env.step(key, state, jnp.int32(1))
                total = total + jnp.where(over, 0.0, reward)
                return (state, total, over | terminated | truncated), None

            state = env.reset(key)[1]
            start = (state, jnp.float32(0.0), jnp.bool_(False))
            return jax.lax.scan(body, start, jax.random.split(key, 8))[0][1]

        return float(jax.vmap(episode)(jax.random.split(jax.random.key(1), 256)).mean())

    assert mean_reward(rest) > 0.5 > 0.0 > mean_reward("strongest")


def test_errors_of_against() -> None:
    from tests.contract.toy import Toy

    with pytest.raises(TypeError, match="has one player"):
        against(Toy(), "random")
    with pytest.raises(ValueError, match="no bot 'rnd'; known: random, strongest"):
        against(Duel(), "rnd")
    with pytest.raises(ValueError, match="seat=2 is out of range: choose 0 to 1, or None"):
        against(Duel(), "random", seat=2)
