"""A reference as a ``VectorEnv``, beside the same reference driven directly."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from envlift.adapters.reference import RETURNS, ReferenceVectorEnv
from envlift.envs.pong.verification.suite import SUITE, draw_chance
from envlift.reference.launch import open_reference
from envlift.reference.types import ArraySpec, Record, SideSpec

B, T, SEED = 6, 400, 7
COUNT = {"steps": ArraySpec((), "int64")}


class Counting:
    """A side in this process: observes the steps of each lane, ends them after their number."""

    num_lanes = B

    def __init__(self, **spec):
        defaults = {
            "name": "counting",
            "observation": ArraySpec((2,), "float32"),
            "action": ArraySpec((), "int32"),
            "num_actions": 3,
            "legal_actions": True,
        }
        self.spec = SideSpec(**(defaults | spec))
        self.messages = 0
        self.closed = 0
        self.steps = np.zeros(B, np.int64)

    def _seen(self):
        return np.stack([self.steps, np.arange(B)], axis=-1).astype(self.spec.observation.dtype)

    def _legal(self):
        return (np.arange(3) + self.steps[:, None]) % 3 > 0

    def reset(self, seeds, chance=None):
        self.messages += 1
        self.steps[:] = 0
        return Record(self._seen(), {}, legal_actions=self._legal())

    def step(self, actions, chance=None, reset_seeds=None):
        self.messages += 1
        assert actions.shape == (1, B)
        assert actions.dtype == self.spec.action.dtype
        self.steps += 1
        final, ended = self._seen(), self.steps == np.arange(B) + 1
        self.steps[ended] = 0
        return Record(
            self._seen()[None],
            {},
            reward=actions.astype(self.spec.reward.dtype),
            terminated=(ended & (np.arange(B) % 2 == 0))[None],
            truncated=(ended & (np.arange(B) % 2 == 1))[None],
            legal_actions=self._legal()[None],
            final_observation=final[None],
        )

    def get_state(self):
        self.messages += 1
        return {"steps": self.steps.copy()}

    def set_state(self, state):
        assert self.messages, "this one has no state before its first episode"
        self.steps[:] = state["steps"]

    def close(self):
        self.closed += 1


def pong(lanes=B, **options):
    SUITE.prepare()
    config = {"frameskip": 8, "continuous": False, **options}
    return open_reference(SUITE.reference, num_lanes=lanes, config=config, returns=RETURNS)


def cartpole(lanes=B):
    config = {"max_episode_steps": 14}
    return open_reference("gymnasium:CartPole-v1", num_lanes=lanes, config=config, returns=RETURNS)


def play(env, actions):
    """Return what T steps show, and how many episodes ended."""
    shown = [env.step(row) for row in actions]
    ended = sum(int((step[2] | step[3]).sum()) for step in shown)
    return shown, ended


def assert_equal_steps(one, other):
    for first, second in zip(one, other, strict=True):
        for a, b in zip(first[:4], second[:4], strict=True):
            np.testing.assert_array_equal(a, b, strict=True)
        assert first[4].keys() == second[4].keys()


def test_pongs_c_plays_as_when_it_is_driven_directly():
    actions = np.random.default_rng(1).integers(0, 3, (T, B))
    env = ReferenceVectorEnv(pong(), draw_chance)
    try:
        first, _ = env.reset(seed=SEED)
        shown, ended = play(env, actions)
    finally:
        env.close()
    assert ended > B, "some episodes must end, so that resets are compared too"
    rng = np.random.default_rng(SEED)
    with pong() as side:
        start = side.reset(rng.integers(0, 2**31, B), draw_chance(rng, (B,)))
        np.testing.assert_array_equal(first, start.observation, strict=True)
        drawn = [(draw_chance(rng, (1, B)), rng.integers(0, 2**31, (1, B))) for _ in range(T)]
        chance = np.concatenate([numbers for numbers, _ in drawn])
        record = side.step(actions.astype(np.int32), chance, np.zeros((T, B), np.int64))
    for t, (observation, reward, terminated, truncated, infos) in enumerate(shown):
        np.testing.assert_array_equal(observation, record.observation[t], strict=True)
        np.testing.assert_array_equal(reward, record.reward[t], strict=True)
        np.testing.assert_array_equal(terminated, record.terminated[t], strict=True)
        np.testing.assert_array_equal(truncated, record.truncated[t], strict=True)
        over = terminated | truncated
        if not over.any():
            assert infos == {}
            continue
        np.testing.assert_array_equal(infos["_final_obs"], over)
        for lane in np.flatnonzero(over):
            expected = record.final_observation[t, lane]
            np.testing.assert_array_equal(infos["final_obs"][lane], expected, strict=True)


def test_a_gymnasium_reference_plays_as_gymnasium_does():
    """Beside Gymnasium's own environments, with the seeds drawn as documented."""
    actions = np.random.default_rng(2).integers(0, 2, (60, B))
    env = ReferenceVectorEnv(cartpole())
    try:
        first, _ = env.reset(seed=SEED)
        shown, _ = play(env, actions)
    finally:
        env.close()
    rng = np.random.default_rng(SEED)
    seeds = rng.integers(0, 2**31, B)
    reset_seeds = [rng.integers(0, 2**31, (1, B))[0] for _ in range(60)]
    kinds = set()
    for lane in range(B):
        game = gymnasium.make("CartPole-v1", max_episode_steps=14)
        np.testing.assert_array_equal(first[lane], game.reset(seed=int(seeds[lane]))[0])
        for t, (observation, reward, terminated, truncated, infos) in enumerate(shown):
            seen, wanted, over, cut, _ = game.step(actions[t, lane])
            assert (reward[lane], terminated[lane], truncated[lane]) == (wanted, over, cut)
            if over or cut:
                kinds.add((over, cut))
                np.testing.assert_array_equal(infos["final_obs"][lane], seen, strict=True)
                assert infos["_final_obs"][lane]
                seen = game.reset(seed=int(reset_seeds[t][lane]))[0]
            elif "final_obs" in infos:
                assert infos["final_obs"][lane] is None
                assert not infos["_final_obs"][lane]
            np.testing.assert_array_equal(observation[lane], seen, strict=True)
        game.close()
    assert {(True, False), (False, True)} <= kinds, "both kinds of end must be seen"


def test_a_step_is_one_message_and_asks_for_no_state():
    side = Counting(state=COUNT)
    env = ReferenceVectorEnv(side)
    env.reset(seed=0)
    for _ in range(5):
        env.step(np.zeros(B, int))
    assert side.messages == 6
    with pong() as reference:
        chance = np.zeros(B, np.int32)
        assert reference.reset(np.zeros(B, int), chance).state == {}
        assert reference.step(np.zeros((1, B), int), chance[None]).state == {}


def test_masks_and_the_ends_of_lanes():
    env = ReferenceVectorEnv(Counting())
    _, infos = env.reset(seed=0)
    np.testing.assert_array_equal(infos["action_mask"], [[0, 1, 1]] * B, strict=False)
    assert infos["action_mask"].dtype == np.int8
    assert infos["_action_mask"].all()
    ends = 0
    for t in range(1, 8):
        observation, reward, terminated, truncated, infos = env.step(np.full(B, 2))
        np.testing.assert_array_equal(reward, 2.0)
        over = terminated | truncated
        steps = observation[:, 0].astype(int)
        np.testing.assert_array_equal(steps[over], 0)
        legal = (np.arange(3) + steps[:, None]) % 3 > 0
        np.testing.assert_array_equal(infos["action_mask"], legal)
        if over.any():
            np.testing.assert_array_equal(infos["_final_obs"], over)
            for lane in np.flatnonzero(over):
                ends += 1
                np.testing.assert_array_equal(infos["final_obs"][lane], [lane + 1, lane])
        assert terminated[0], f"lane 0 ends in every step, {t} too"
    assert ends > 7


def test_equal_seeds_give_equal_games_and_none_goes_on():
    def openings(*seeds):
        env = ReferenceVectorEnv(cartpole(), seed=0)
        seen = [env.reset(seed=seed)[0] for seed in seeds]
        env.close()
        return seen

    first, second, third = openings(5, 5, 6)
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, third)
    assert len(np.unique(first, axis=0)) == B, "lanes must differ"
    one, two = openings(None, None)
    assert not np.array_equal(one, two)
    (again,) = openings(None)
    np.testing.assert_array_equal(one, again)


@pytest.mark.parametrize(("make", "draw"), [(pong, draw_chance), (cartpole, None)])
def test_what_is_restored_goes_on_as_it_would_have(make, draw):
    actions = np.random.default_rng(3).integers(0, 2, (300, B))
    one = ReferenceVectorEnv(make(), draw)
    other = ReferenceVectorEnv(make(), draw)
    try:
        one.reset(seed=1)
        (*_, last), _ = play(one, actions[:20])
        saved = one.save()
        assert all(
            type(leaf) is np.ndarray for leaf in [*saved["state"].values(), saved["generator"]]
        )
        seen = one.step(actions[20])
        expected, ended = play(one, actions[21:])
        observation, _ = other.restore(saved)
        np.testing.assert_array_equal(observation, last[0], strict=True)
        assert_equal_steps([seen], [other.step(actions[20])])
        found, _ = play(other, actions[21:])
    finally:
        one.close()
        other.close()
    assert ended > 0
    assert_equal_steps(expected, found)


def test_a_side_that_never_began_an_episode_is_begun_before_it_is_restored():
    one, other = (
        ReferenceVectorEnv(Counting(state=COUNT)),
        ReferenceVectorEnv(Counting(state=COUNT)),
    )
    one.reset(seed=0)
    _, _, _, _, before = one.step(np.zeros(B, int))
    observation, infos = other.restore(one.save())
    np.testing.assert_array_equal(observation[:, 0], [0, 1, 1, 1, 1, 1])
    np.testing.assert_array_equal(infos["action_mask"], before["action_mask"], strict=True)
    step = np.zeros(B, int)
    np.testing.assert_array_equal(other.step(step)[0], one.step(step)[0], strict=True)


def test_what_shows_no_state_cannot_be_saved():
    env = ReferenceVectorEnv(Counting())
    env.reset()
    with pytest.raises(ValueError, match="counting shows no state"):
        env.save()


@pytest.mark.parametrize(
    ("changes", "action", "observation"),
    [
        ({}, gymnasium.spaces.Discrete(3), gymnasium.spaces.Box(-np.inf, np.inf, (2,))),
        (
            {
                "action": ArraySpec((1, 2), "float32"),
                "num_actions": None,
                "action_low": (-1.0, -2.0),
                "action_high": (1.0, 2.0),
                "legal_actions": False,
            },
            gymnasium.spaces.Box(np.float32([[-1, -2]]), np.float32([[1, 2]])),
            gymnasium.spaces.Box(-np.inf, np.inf, (2,)),
        ),
        (
            {
                "action": ArraySpec((2,), "float64"),
                "num_actions": None,
                "legal_actions": False,
                "observation": ArraySpec((4, 4, 3), "uint8"),
            },
            gymnasium.spaces.Box(-np.inf, np.inf, (2,), np.float64),
            gymnasium.spaces.Box(0, 255, (4, 4, 3), np.uint8),
        ),
    ],
)
def test_spaces_are_those_of_the_side(changes, action, observation):
    env = ReferenceVectorEnv(Counting(**changes))
    assert env.single_action_space == action
    assert env.single_observation_space == observation
    assert env.observation_space.shape == (B, *observation.shape)
    assert env.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    assert env.num_envs == B


def test_observations_are_in_their_space():
    env = ReferenceVectorEnv(cartpole())
    observation, _ = env.reset(seed=0)
    assert observation in env.observation_space
    assert env.step(np.ones(B, int))[0] in env.observation_space
    env.close()


def test_close_ends_the_child_once():
    side = Counting()
    env = ReferenceVectorEnv(side)
    env.close()
    env.close()
    assert side.closed == 1
    reference = cartpole()
    env = ReferenceVectorEnv(reference)
    env.close()
    assert not reference.alive


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="pass draw_chance"):
        ReferenceVectorEnv(Counting(chance=ArraySpec((), "int32")))
    with pytest.raises(ValueError, match=r"rewards of shape \(2,\)"):
        ReferenceVectorEnv(Counting(reward=ArraySpec((2,), "float64")))
    env = ReferenceVectorEnv(Counting())
    with pytest.raises(gymnasium.error.ResetNeeded, match=r"call reset\(\) first"):
        env.step(np.zeros(B, int))
    with pytest.raises(TypeError, match=r"seed=\[1\]"):
        env.reset(seed=[1])
    with pytest.raises(ValueError, match="reset_mask"):
        env.reset(options={"reset_mask": np.ones(B, bool)})
    env.reset()
    with pytest.raises(ValueError, match=rf"the shape \({B},\), they have \(1, {B}\)"):
        env.step(np.zeros((1, B), int))
