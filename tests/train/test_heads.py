"""Actions of every kind of space: drawn, scored, masked, given to the environment, learnt."""

from __future__ import annotations

from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from envlift.train.config import Config
from envlift.train.distributions import Categorical, head_of
from envlift.train.observations import Reading
from envlift.train.play import load_policy
from envlift.train.policy import Policy
from envlift.train.trainer import train

SPACES: dict[str, spaces.Space[Any]] = {
    "from three": spaces.Discrete(4, start=3),
    "two choices": spaces.MultiDiscrete([3, 2]),
    "from below": spaces.MultiDiscrete([3, 2], start=[-1, 5]),
    "a table": spaces.MultiDiscrete([[3, 2], [4, 5]]),
    "switches": spaces.MultiBinary(3),
    "a table of switches": spaces.MultiBinary((2, 2)),
    "a row": spaces.Box(-1.0, 2.0, (2,), np.float32),
    "a number": spaces.Box(-1.0, 2.0, (), np.float32),
    "a matrix": spaces.Box(
        -1.0, np.array([[1.0, 2.0], [3.0, 4.0]], np.float32), (2, 2), np.float32
    ),
}


@pytest.mark.parametrize("name", SPACES)
def test_what_is_played_lies_in_the_space_and_comes_up_everywhere(name: str) -> None:
    space = SPACES[name]
    policy = Policy.of(
        {**Policy(Config(hidden=4), head_of(space), Reading((2,), "float32"), None).about()}
    )
    assert policy.head == head_of(space)
    rng = np.random.default_rng(0)
    noise = rng.random((512, policy.noise_size)).astype(np.float32)
    for greedy in (False, True):
        seen, starts = np.zeros((512, 2), np.float32), np.ones(512, bool)
        _, actions = policy.act((), seen, starts, noise, greedy=greedy)
        assert actions.shape == (512, *space.shape)
        for action in actions:
            assert space.contains(np.asarray(action, space.dtype)), action
        if not greedy and not isinstance(space, spaces.Box):
            drawn = [space.sample() for _ in range(2000)]
            for index in np.ndindex(*space.shape):
                assert {int(a[index]) for a in actions} == {
                    int(np.asarray(a)[index]) for a in drawn
                }


def test_several_choices_are_independent_ones() -> None:
    head = head_of(spaces.MultiDiscrete([3, 2]))
    rng = np.random.default_rng(0)
    raw = jnp.asarray(rng.normal(size=(7, 5)), jnp.float32)
    mask = jnp.asarray([[True, False, True, True, True]] * 7)
    whole = head.distribution(raw, None, mask)
    legal = jnp.where(mask, raw, -1e9)
    parts = [Categorical(jax.nn.log_softmax(part)) for part in (legal[:, :3], legal[:, 3:])]
    noise = jnp.asarray(rng.random((7, 2)), jnp.float32)
    action = whole.sample(noise)
    assert action.shape == (7, 2)
    assert not bool((action[:, 0] == 1).any())
    for index, part in enumerate(parts):
        np.testing.assert_array_equal(action[:, index], part.sample(noise[:, index : index + 1]))
        np.testing.assert_array_equal(whole.mode()[:, index], part.mode())
    summed = sum(part.log_prob(action[:, index]) for index, part in enumerate(parts))
    np.testing.assert_allclose(whole.log_prob(action), summed, rtol=1e-6)
    np.testing.assert_allclose(whole.entropy(), sum(p.entropy() for p in parts), rtol=1e-6)


class Locks(gymnasium.Env[Any, Any]):
    """Shows which of three keys opens each of two doors; each right one is worth 1."""

    observation_space = spaces.MultiDiscrete([3, 3])
    action_space = spaces.MultiDiscrete([3, 3], start=[2, -1])

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.keys = self.np_random.integers(0, 3, 2)
        return self.keys, {}

    def step(self, action: Any) -> Any:
        assert self.action_space.contains(np.asarray(action, np.int64))
        right = float((np.asarray(action) - [2, -1] == self.keys).sum())
        self.keys = self.np_random.integers(0, 3, 2)
        return self.keys, right, True, False, {}


def test_several_choices_are_learnt_and_kept(tmp_path: Any) -> None:
    settings = Config(
        env="locks", collector="host", num_envs=8, horizon=16, total_steps=60 * 128, hidden=16,
        minibatches=4, learning_rate=1e-2, entropy_coefficient=0.0,
    )  # fmt: skip
    vector = SyncVectorEnv([Locks] * 8, autoreset_mode=AutoresetMode.SAME_STEP)
    trained = train(settings, vector_env=vector, out=tmp_path)
    assert trained.history[-1]["return"] > 1.8
    policy = load_policy(tmp_path)
    keys = np.array([[0, 1], [2, 2], [1, 0]])
    _, actions = policy.act((), keys, np.ones(3, bool), np.zeros((3, 2), np.float32), greedy=True)
    np.testing.assert_array_equal(actions, keys + np.array([2, -1]))
