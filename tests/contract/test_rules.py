"""The rules: a pure function of state, action and drawn chance, inside their declared spaces."""

from __future__ import annotations

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envlift.env import Env
from tests.contract.cases import LANES, Case, assert_same, random_action


def one_step(case, states, seed=0):
    """Return actions and draws of one step from ``states``."""
    keys = jax.random.split(jax.random.key(seed), LANES)
    actions = case.batched("act")(keys, states)
    return actions, case.batched("sample")(keys, states, actions)


def signature(tree):
    """Return structure, shapes, dtypes and weak types of a tree."""
    shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), tree)
    weak = [bool(getattr(leaf, "weak_type", False)) for leaf in jax.tree.leaves(tree)]
    return shapes, weak


def test_is_an_env_with_its_info(case: Case) -> None:
    env = case.make()
    assert isinstance(env, Env)
    assert env.info.name == case.name
    assert isinstance(env.info.version, int)
    assert env.info.version >= 0
    for key, value in case.options:
        recorded = env.info.backend if key == "backend" else env.info.options[key]
        assert recorded == value
    assert hash(env) == hash(env)


def test_transition_is_deterministic(case: Case) -> None:
    states = case.states()
    actions, draws = one_step(case, states)
    transition = case.batched("transition")
    assert_same(
        transition(states, actions, draws), transition(states, actions, draws), "transition"
    )


def test_transition_leaves_its_arguments_alone(case: Case) -> None:
    states = case.states()
    actions, draws = one_step(case, states)
    arguments = (states, actions, draws)
    before = jax.tree.map(np.array, arguments)
    result = case.batched("transition")(*arguments)
    jax.block_until_ready(result)
    assert_same(before, arguments, "arguments")
    # A transition that changes nothing would pass the line above.
    assert any(
        not np.array_equal(a, b)
        for a, b in zip(jax.tree.leaves(before[0]), jax.tree.leaves(result.state), strict=True)
    )


def test_transition_keeps_the_kind_of_its_state(case: Case) -> None:
    """A state that changes dtype, shape or weak type cannot be carried through ``lax.scan``."""
    env = case.make()
    key = jax.random.key(0)
    state = jax.eval_shape(lambda key: env.initial(env.sample_initial(key)), key)

    def move(key, state):
        action = random_action(env, key, state)
        return env.transition(state, action, env.sample(key, state, action))

    after = jax.eval_shape(move, key, state)
    assert signature(after.state) == signature(state)
    assert signature(jax.eval_shape(env.reset, key)[1]) == signature(state)


def test_kinds_of_what_a_transition_gives(case: Case) -> None:
    states = case.states()
    players = case.make().num_players
    actions, draws = one_step(case, states)
    nxt = case.batched("transition")(states, actions, draws)
    for value, dtype, shape in (
        (nxt.reward, jnp.float32, () if players == 1 else (players,)),
        (nxt.terminated, jnp.bool_, ()),
        (nxt.truncated, jnp.bool_, ()),
    ):
        assert value.shape == (LANES, *shape)
        assert value.dtype == dtype
    play = case.play()
    assert play.reward.dtype == np.float32
    assert np.isfinite(play.reward).all()
    assert not (play.terminated & play.truncated).all(axis=0).any()


def test_observations_are_in_the_space(case: Case) -> None:
    env, play = case.make(), case.play()
    space = env.observation_space(env.default_params)
    first = case.batched("reset")(jax.random.split(jax.random.key(1), LANES))[0]
    seen = {
        "after a step": play.observation.reshape(-1, *space.shape),
        "at the end of a step": play.info["final_observation"].reshape(-1, *space.shape),
        "after a reset": np.asarray(first),
    }
    for when, observations in seen.items():
        assert observations.dtype == space.dtype, when
        batch = gymnasium.vector.utils.batch_space(space, len(observations))
        if not batch.contains(observations):
            bad = next(one for one in observations if not space.contains(one))
            pytest.fail(f"the observation {bad} {when} is not in {space}")


def test_legal_actions(case: Case) -> None:
    env, states = case.make(), case.states()
    space = env.action_space(env.default_params)
    if env.num_players > 1:
        return  # test_games.py
    if not isinstance(space, gymnasium.spaces.Discrete):
        with pytest.raises(TypeError, match="only a Discrete space has a mask"):
            env.legal_actions(jax.tree.map(lambda leaf: leaf[0], states))
        return
    masks = case.batched("legal_actions")(states)
    assert masks.shape == (LANES, space.n)
    assert masks.dtype == jnp.bool_
    reached = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), case.play().before)
    every = np.asarray(case.batched("legal_actions")(reached))
    assert every.any(axis=1).all(), "a state that play reaches has no legal action"


def test_spaces_do_not_change(case: Case) -> None:
    for space in ("observation_space", "action_space"):
        of = getattr(case.make(), space)
        assert of() == of(case.make().default_params)


def test_resets_follow_their_seed(case: Case) -> None:
    """Equal seeds agree; different seeds and lanes give different episodes."""
    keys = jax.random.split(jax.random.key(3), 64)
    reset = case.batched("reset")
    assert_same(reset(keys), reset(keys), "reset")
    again = reset(keys[::-1])
    assert_same(reset(keys), jax.tree.map(lambda leaf: leaf[::-1], again), "reset, other lanes")
    states = reset(keys)[1]
    rows = {
        b"".join(np.asarray(leaf[lane]).tobytes() for leaf in jax.tree.leaves(states))
        for lane in range(len(keys))
    }
    if not jax.tree.leaves(case.batched("sample_initial")(keys)):
        pytest.fail("an environment whose resets are not random needs its own line in this test")
    assert len(rows) > 1, "64 seeds all start the same episode"


def test_steps_follow_their_key(case: Case) -> None:
    env, states = case.make(), case.states()
    actions, draws = one_step(case, states, seed=0)
    assert_same(draws, one_step(case, states, seed=0)[1], "draws")
    keys = jax.random.split(jax.random.key(9), 64)
    lanes = jax.vmap(env.sample, in_axes=(None, 0, 0))
    many = jax.jit(jax.vmap(lanes, in_axes=(0, None, None)))(keys, states, actions)
    for leaf in jax.tree.leaves(many):
        # In some lane at least: an opponent may have one legal action.
        assert (np.asarray(leaf) != np.asarray(leaf)[0]).any(), "64 keys all draw the same chance"


def test_same_step_autoreset(case: Case) -> None:
    """At an end: state and observation of the next episode, the last one beside them."""
    env, states = case.make("same_step"), case.states()
    step, plain = case.batched("step"), case.batched("step", "disabled")
    split, reset = jax.jit(jax.vmap(env.split_key)), case.batched("reset")
    ends = 0
    for seed in range(6):
        keys = jax.random.split(jax.random.key(seed), LANES)
        actions, _ = one_step(case, states, seed)
        obs, after, *flags, info = step(keys, states, actions)
        obs_end, after_end, *flags_end, info_end = plain(keys, states, actions)
        assert_same(flags, flags_end, "reward and flags", ulps=1)
        assert_same(info, info_end, "info", ulps=1)
        assert_same(obs_end, info_end["final_observation"], "the observation when disabled")
        ended = np.asarray(flags[1] | flags[2])
        ends += ended.sum()
        reset_keys = split(keys)[1]
        obs_fresh, after_fresh = reset(reset_keys)

        def pick(fresh, last, ended=ended):
            over = ended.reshape(-1, *(1,) * (fresh.ndim - 1))
            return np.where(over, fresh, last)

        expected = jax.tree.map(pick, (obs_fresh, after_fresh), (obs_end, after_end))
        assert_same((obs, after), expected, "after the step", ulps=1)
        states = after_end if not ended.any() else case.states()
    assert ends > 0, "no lane ended, so this test has seen nothing"


def test_ends_are_seen(case: Case) -> None:
    play = case.play()
    assert play.ended.sum(axis=0).min() >= 2


def test_unknown_autoreset(case: Case) -> None:
    with pytest.raises(ValueError, match=r"'sometimes'.*same_step, disabled"):
        Case.make.__wrapped__(case, "sometimes")


def test_unknown_option(case: Case) -> None:
    from envlift.registry import make

    with pytest.raises(TypeError, match="no_such_option"):
        make(case.name, no_such_option=1)


def test_an_environment_that_never_truncates_says_so_truly(case: Case) -> None:
    truncated = case.play().truncated.any()
    # A learner leaves out the value of final observations where nothing is truncated.
    assert not (truncated and not case.make().truncates)
    if case.name == "toy":
        assert truncated


def test_a_score_is_a_part_of_the_reward(case: Case) -> None:
    reward = jnp.asarray([-1.0, -0.5, 0.0, 0.1, 1.0], jnp.float32)
    score = case.make().score(reward)
    assert score.shape == reward.shape
    assert score.dtype == reward.dtype
    assert bool(jnp.all(jnp.abs(score) <= jnp.abs(reward)))


def test_every_autoreset_starts_an_episode_of_its_own(case: Case) -> None:
    """By keys that the test makes: that of a reset is derived by the environment itself."""
    env, states = case.make("same_step"), case.states()
    step = case.batched("step")
    rows: list[bytes] = []
    for seed in range(32):
        keys = jax.random.split(jax.random.key(1000 + seed), LANES)
        actions, _ = one_step(case, states, seed)
        _, after, _, terminated, truncated, _ = step(keys, states, actions)
        over = np.flatnonzero(np.asarray(terminated | truncated))
        rows += [
            b"".join(np.asarray(leaf[lane]).tobytes() for leaf in jax.tree.leaves(after))
            for lane in over
        ]
    assert len(rows) >= 32, "fewer than 32 steps ended an episode, so this test has seen nothing"
    distinct = len(set(rows))
    assert distinct > 1, f"{env!r}: {len(rows)} episodes after an end all start alike"
    # As often as resets by key do: half of all serves, and never twice the same noise.
    states_by_key = case.batched("reset")(jax.random.split(jax.random.key(3), 64))[1]
    leaves = jax.tree.leaves(states_by_key)
    usual = {b"".join(np.asarray(leaf[lane]).tobytes() for leaf in leaves) for lane in range(64)}
    if len(usual) == 64:
        assert distinct == len(rows)
    else:
        counts = np.array([rows.count(row) for row in set(rows)])
        assert len(counts) == len(usual)
        assert counts.min() >= len(rows) / len(usual) / 3
