"""Gymnasium's interfaces over every environment: single, batched in three modes, and by id."""

from __future__ import annotations

import contextlib
import copy
import pickle
import warnings
from typing import Any

import gymnasium
import jax
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env, data_equivalence
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import envlift
from envlift.adapters.gymnasium import GymnasiumEnv, VectorEnv, register_ids
from envlift.registry import registration
from tests.contract.cases import NUM_ENVS, Case, assert_same, cases, entry_of

STEPS = 40
MODES = list(AutoresetMode)

# An unbounded observation space may be the reference's own; the checker only warns of it.
ALLOWED = r"A Box observation space (minimum|maximum) value is -?infinity"


@pytest.fixture(params=[c for c in cases() if c.alone or entry_of(c).players == 1], ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    """Whatever has one player."""
    return request.param


@pytest.fixture
def env_id(case: Case) -> Any:
    """The id under which Gymnasium knows it; the toys are taken out again."""
    before = set(gymnasium.registry)
    ids = {one.split("/")[1].rsplit("-v", 1)[0]: one for one in register_ids()}
    assert register_ids() == list(ids.values())
    yield ids[case.name]
    for added in set(gymnasium.registry) - before:
        del gymnasium.registry[added]


def test_check_env(case: Case, env_id: str) -> None:
    env = gymnasium.make(env_id, disable_env_checker=True, **dict(case.options)).unwrapped
    assert isinstance(env, GymnasiumEnv)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=f".*{ALLOWED}")
        check_env(env)


def test_ids_make_vectors(case: Case, env_id: str) -> None:
    venv = gymnasium.make_vec(
        env_id, num_envs=3, vectorization_mode="vector_entry_point", **dict(case.options)
    )
    assert isinstance(venv.unwrapped, VectorEnv)
    assert venv.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    observations, _ = venv.reset(seed=1)
    assert venv.observation_space.contains(observations)


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name.lower())
def test_make_vec(case: Case, mode: AutoresetMode) -> None:
    for spelling in (mode, mode.name.lower()):
        venv = envlift.make_vec(
            case.name, num_envs=2, autoreset_mode=spelling, **dict(case.options)
        )
        assert venv.metadata["autoreset_mode"] is mode
        assert venv.num_envs == 2


def test_single_env_plays_the_functional_rules(case: Case) -> None:
    """The adapter against ``env.reset`` and ``env.step`` themselves, with the same keys."""
    env = case.make("disabled")
    single = case.single()
    observation, _ = single.reset(seed=5)
    key, now = jax.random.split(jax.random.wrap_key_data(np.array([0, 5], np.uint32)))
    expected, state = env.reset(now)
    np.testing.assert_array_equal(observation, expected)
    single.action_space.seed(0)
    step = jax.jit(env.step)
    for _ in range(5):
        action = single.action_space.sample()
        seen = single.step(action)
        key, now = jax.random.split(key)
        obs, state, reward, terminated, truncated, _ = step(now, state, np.asarray(action))
        np.testing.assert_array_equal(seen[0], obs)
        assert single.observation_space.contains(seen[0])
        assert seen[0].dtype == single.observation_space.dtype
        assert seen[1:4] == (float(reward), bool(terminated), bool(truncated))
        assert [type(value) for value in seen[1:4]] == [float, bool, bool]
        if terminated or truncated:
            break


def late(venv: Any, case: Case) -> None:
    """Put lanes shortly before the end of an episode, so that few steps meet many ends."""
    states = jax.tree.map(lambda leaf: leaf[:NUM_ENVS], case.states())
    if isinstance(venv, SyncVectorEnv):
        for lane, env in enumerate(venv.envs):
            env.state = jax.tree.map(lambda leaf, lane=lane: leaf[lane], states)
    else:
        venv.state = states


def pair(case: Case, mode: AutoresetMode) -> tuple[VectorEnv, SyncVectorEnv]:
    return case.vector(mode), SyncVectorEnv([case.single] * NUM_ENVS, autoreset_mode=mode)


def assert_same_step(ours: Any, theirs: Any, what: str) -> None:
    for name, one, other in zip(
        ("observations", "rewards", "terminations", "truncations", "infos"),
        ours,
        theirs,
        strict=True,
    ):
        if name == "rewards":
            # Gymnasium collects Python floats; we keep the contract's float32.
            assert one.dtype == np.float32
            other = other.astype(np.float32)
        assert data_equivalence(one, other), f"{what}: {name} are {one}, Gymnasium's {other}"


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name.lower())
def test_vector_semantics_are_gymnasiums(case: Case, mode: AutoresetMode) -> None:
    """Same seeds, same actions: ours and Gymnasium's own loop over singles are one thing."""
    ours, theirs = pair(case, mode)
    assert ours.metadata["autoreset_mode"] is mode
    for attribute in ("observation_space", "action_space", "single_action_space"):
        assert getattr(ours, attribute) == getattr(theirs, attribute)
    assert_same_reset(ours.reset(seed=11), theirs.reset(seed=11))
    late(ours, case)
    late(theirs, case)
    ours.action_space.seed(3)
    ends = 0
    for step in range(STEPS):
        actions = ours.action_space.sample()
        out = ours.step(actions)
        assert ours.observation_space.contains(out[0])
        assert out[0].dtype == ours.observation_space.dtype
        assert_same_step(out, theirs.step(actions), f"step {step}")
        over = out[2] | out[3]
        ends += over.sum()
        if mode is AutoresetMode.DISABLED and over.any():
            seeds = [100 + step, None, 300 + step, None]
            options = {"reset_mask": over}
            # Gymnasium takes the mask out of the dictionary it is given.
            assert_same_reset(
                ours.reset(seed=seeds, options=dict(options)),
                theirs.reset(seed=seeds, options=dict(options)),
            )
    assert ends > 0, "no episode ended, so this test has seen nothing"


def assert_same_reset(ours: Any, theirs: Any) -> None:
    assert data_equivalence(ours[0], theirs[0], exact=True)
    assert data_equivalence(ours[1], theirs[1], exact=True), f"{ours[1]} and {theirs[1]}"


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name.lower())
def test_what_an_end_looks_like(case: Case, mode: AutoresetMode) -> None:
    """Each mode's promise at an end, in its own words, without Gymnasium's help."""
    venv = case.vector(mode)
    venv.reset(seed=2)
    late(venv, case)
    venv.action_space.seed(1)
    observe = case.batched("observe")
    for _ in range(STEPS):
        observations, _, terminated, truncated, infos = venv.step(venv.action_space.sample())
        over = terminated | truncated
        np.testing.assert_array_equal(observations, observe(venv.state))
        assert ("final_obs" in infos) == (mode is AutoresetMode.SAME_STEP and over.any())
        if over.any():
            break
    assert over.any(), "no episode ended, so this test has seen nothing"
    lane = int(np.flatnonzero(over)[0])
    if mode is AutoresetMode.SAME_STEP:
        assert [one is not None for one in infos["final_obs"]] == over.tolist()
        np.testing.assert_array_equal(infos["_final_obs"], over)
        np.testing.assert_array_equal(infos["_final_info"], over)
        final = infos["final_obs"][lane]
        assert venv.single_observation_space.contains(final)
    elif mode is AutoresetMode.NEXT_STEP:
        actions = venv.action_space.sample()
        other = np.array(actions)
        other[lane] = venv.single_action_space.sample()
        observations, rewards, terminated, truncated, infos = venv.step(actions)
        assert (rewards[lane], terminated[lane], truncated[lane]) == (0.0, False, False)
        assert "final_obs" not in infos
    else:
        with pytest.raises(gymnasium.error.ResetNeeded, match=rf"environments \[.*{lane}.*\]"):
            venv.step(venv.action_space.sample())
        before = observations.copy()
        mask = np.zeros(NUM_ENVS, dtype=np.bool_)
        mask[lane] = True
        with contextlib.suppress(gymnasium.error.ResetNeeded):
            observations, infos = venv.reset(options={"reset_mask": mask})
        np.testing.assert_array_equal(observations[~mask], before[~mask])


def test_the_action_after_an_end_is_ignored(case: Case) -> None:
    """``next_step``: two batches that differ in the ended lane's action only stay equal."""
    results: list[Any] = []
    for first in (True, False):
        venv = case.vector()
        venv.reset(seed=2)
        late(venv, case)
        venv.action_space.seed(1)
        for _ in range(STEPS):
            _, _, terminated, truncated, _ = venv.step(venv.action_space.sample())
            over = terminated | truncated
            if over.any():
                break
        actions = np.array(venv.action_space.sample())
        # Not even in the space: an agent may leave anything there.
        garbage = np.nan if actions.dtype.kind == "f" else 10**6
        actions[over] = actions[over] if first else garbage
        results.append(venv.step(actions))
    assert over.any()
    assert data_equivalence(results[0], results[1], exact=True)
    assert (results[0][1][over] == 0).all()


def test_seeds(case: Case) -> None:
    venv = case.vector()

    def states(**arguments: Any) -> list[bytes]:
        venv.reset(**arguments)
        leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(venv.state)]
        return [b"".join(leaf[lane].tobytes() for leaf in leaves) for lane in range(NUM_ENVS)]

    assert states(seed=7) == states(seed=7)
    assert states(seed=7)[1:] == states(seed=8)[:-1], "seed s gives lane i the seed s + i"
    assert states(seed=[9, 7, 8, 7])[1:] == [
        states(seed=7)[0],
        states(seed=8)[0],
        states(seed=7)[0],
    ]
    assert len({one for seed in range(0, 64, 4) for one in states(seed=seed)}) > 1
    states(seed=7)
    going_on = [states() for _ in range(16)]
    assert any(one != going_on[0] for one in going_on), "reset() must go on, not start over"
    states(seed=7)
    assert [states() for _ in range(16)] == going_on
    # The first reset takes the constructor's seed.
    first = VectorEnv(case.make("disabled"), num_envs=NUM_ENVS, seed=7)
    first.reset()
    venv.reset(seed=7)
    assert_same(first.state, venv.state, "the first reset")


def test_the_mask_can_be_sampled_from(case: Case) -> None:
    venv = case.vector()
    _, infos = venv.reset(seed=0)
    single = case.single()
    _, info = single.reset(seed=0)
    if not isinstance(venv.single_action_space, gymnasium.spaces.Discrete):
        assert infos == {}
        assert info == {}
        return
    single.action_space.sample(info["action_mask"])
    for _ in range(10):
        actions = venv.action_space.sample(mask=tuple(infos["action_mask"]))
        assert infos["action_mask"][np.arange(NUM_ENVS), actions].all()
        *_, infos = venv.step(actions)


def test_what_is_returned_can_be_written_to(case: Case) -> None:
    venv = case.vector()
    observations, _ = venv.reset(seed=0)
    kept = observations.copy()
    observations[:] = 0
    out = venv.step(venv.action_space.sample())
    for value in out[:4]:
        value[:] = 0
    again, _ = venv.reset(seed=0)
    np.testing.assert_array_equal(again, kept)


COPIES = {"copied": copy.deepcopy, "pickled": lambda env: pickle.loads(pickle.dumps(env))}


@pytest.mark.parametrize("way", COPIES)
def test_a_copy_goes_on_where_it_was_made(case: Case, way: str) -> None:
    """Played first, so that a copy that shared anything with the original would have moved on."""
    single = case.single()
    single.reset(seed=3)
    single.action_space.seed(0)
    actions = [single.action_space.sample() for _ in range(6)]
    played(single, actions[:3])
    other = COPIES[way](single)
    seen = played(single, actions[3:])
    assert_same(played(other, actions[3:]), seen, "step")
    # The random stream came along too.
    assert_same(other.reset()[0], single.reset()[0], "reset")


def played(single: GymnasiumEnv, actions: list[Any]) -> list[Any]:
    """Play on, over ends, and return what was seen."""
    seen = []
    for action in actions:
        seen.append(single.step(action)[:4])
        if any(seen[-1][2:]):
            seen.append(single.reset()[0])
    return seen


@pytest.mark.parametrize("way", COPIES)
def test_a_copied_vector_goes_on_where_it_was_made(case: Case, way: str) -> None:
    venv = case.vector(AutoresetMode.SAME_STEP)
    first = venv.reset(seed=4)[0].copy()
    venv.action_space.seed(0)
    actions = [venv.action_space.sample() for _ in range(4)]
    venv.step(actions[0])
    other = COPIES[way](venv)
    seen = [venv.step(action)[:4] for action in actions[1:]]
    for action, expected in zip(actions[1:], seen, strict=True):
        assert_same(other.step(action)[:4], expected, "step")
    # One made before the first reset is whole too.
    untouched = VectorEnv(case.make("disabled"), num_envs=NUM_ENVS, autoreset_mode="same_step")
    assert_same(COPIES[way](untouched).reset(seed=4)[0], first, "reset")


def test_pictures_of_steps(case: Case) -> None:
    env = case.make("disabled")
    if registration(case.name).render is None:
        with pytest.raises(ValueError, match=r"render_mode='rgb_array': give None"):
            GymnasiumEnv(env, render_mode="rgb_array")
        return
    single = GymnasiumEnv(env, render_mode="rgb_array")
    assert single.metadata["render_modes"] == ["rgb_array"]
    assert single.metadata["render_fps"] > 0
    # Gymnasium's own wrappers ask for pictures in this way.
    wrapped = gymnasium.wrappers.RenderCollection(single)
    wrapped.reset(seed=0)
    single.action_space.seed(0)
    for _ in range(3):
        wrapped.step(single.action_space.sample())
    pictures = wrapped.render()
    assert len(pictures) == 4
    assert all(picture.dtype == np.uint8 and picture.shape[-1] == 3 for picture in pictures)
    assert not np.array_equal(pictures[0], pictures[-1])
    batch = VectorEnv(env, num_envs=2, render_mode="rgb_array")
    batch.reset(seed=0)
    two = batch.render()
    assert len(two) == 2
    np.testing.assert_array_equal(two[0], pictures[0])
    assert all(picture.flags.writeable for picture in (single.render(), *two))
    assert GymnasiumEnv(env).render() is None
    with pytest.raises(ValueError, match=r"render_mode='human': give 'rgb_array' or None"):
        VectorEnv(env, num_envs=2, render_mode="human")


def test_ids_take_a_render_mode(case: Case, env_id: str) -> None:
    if registration(case.name).render is None:
        return
    env = gymnasium.make(env_id, render_mode="rgb_array", **dict(case.options))
    env.reset(seed=0)
    assert env.render().dtype == np.uint8
    venv = gymnasium.make_vec(
        env_id,
        num_envs=2,
        vectorization_mode="vector_entry_point",
        render_mode="rgb_array",
        **dict(case.options),
    )
    venv.reset(seed=0)
    assert len(venv.render()) == 2
