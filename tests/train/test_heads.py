"""Actions of every kind of space: drawn, scored, masked, given to the environment, learnt."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from PIL import Image

from envlift.adapters.gymnasium import VectorEnv
from envlift.cli import main
from envlift.train.config import Config, ConfigError
from envlift.train.play import RandomPlayer, load_policy
from envlift.train.policies.distributions import Categorical, Head, head_of
from envlift.train.policies.networks import Outputs
from envlift.train.policies.observations import Reading
from envlift.train.policies.policy import Policy
from envlift.train.trainer import train
from tests.contract.toy import Toy

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


@pytest.mark.parametrize("name", SPACES)
def test_random_play_lies_in_the_space_and_within_what_is_legal(name: str) -> None:
    space = SPACES[name]
    player = RandomPlayer(space)
    noise = np.random.default_rng(0).random((256, player.noise_size)).astype(np.float32)
    _, actions = player.act(None, noise, noise, noise)
    assert actions.shape == (256, *space.shape)
    assert all(space.contains(np.asarray(action, space.dtype)) for action in actions)
    if name == "two choices":
        assert {tuple(action) for action in actions.tolist()} == {
            (i, j) for i in range(3) for j in range(2)
        }
        mask = np.array([[True, False, True, False, True]] * 256)
        _, actions = player.act(None, noise, noise, noise, mask)
        assert {tuple(action) for action in actions.tolist()} == {(0, 1), (2, 1)}


class Wide(nn.Module):
    """A network of one's own: one layer for all, and a value that knows the noise of nothing."""

    head: Head
    reading: Reading
    recurrent = False

    def start(self, batch: int) -> Any:
        return ()

    @nn.compact
    def __call__(self, memory: Any, seen: Any, starts: Any, mask: Any = None) -> Any:
        x = nn.relu(nn.Dense(24, name="only")(self.reading.flat(seen)))
        raw, value = nn.Dense(self.head.outputs)(x), nn.Dense(1)(x)[..., 0]
        return memory, Outputs(self.head.distribution(raw, None, mask), value)


@pytest.mark.parametrize("collector", ["fused", "host"])
def test_a_network_of_ones_own(collector: str, tmp_path: Any) -> None:
    def wide(config: Config, reading: Reading, head: Head) -> Any:
        return Wide(head, reading)

    settings = Config(
        env="toy", collector=collector, num_envs=8, horizon=8, total_steps=4 * 64, minibatches=2,
        checkpoint_every=2,
    )  # fmt: skip
    given: dict[str, Any] = {"env": Toy(), "network": wide}
    if collector == "host":
        vector = VectorEnv(Toy(autoreset="disabled"), num_envs=8, autoreset_mode="same_step")
        given = {"vector_env": vector, "network": wide}
    trained = train(settings, out=tmp_path, **given)
    assert trained.policy.params["only"]["kernel"].shape[1] == 24
    policy = load_policy(tmp_path, network=wide)
    seen = np.zeros((3, *policy.observation_shape), policy.observation_dtype)
    noise = np.full((3, 1), 0.5, np.float32)
    ours, theirs = (p.act((), seen, np.ones(3, bool), noise)[1] for p in (trained.policy, policy))
    np.testing.assert_array_equal(ours, theirs)
    resumed = train(settings.replace(total_steps=6 * 64), out=tmp_path, resume=True, **given)
    assert [row["update"] for row in resumed.history] == [5, 6]
    with pytest.raises(ConfigError, match="network = 'gru' is not allowed for a network whose rec"):
        train(settings.replace(network="gru"), **given)


class Painted(Locks):
    """Has pictures, and five steps."""

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"], "render_fps": 10}

    def __init__(self, render_mode: str | None = None) -> None:
        self.render_mode = render_mode

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        self.steps = 0
        return super().reset(seed=seed)

    def step(self, action: Any) -> Any:
        self.steps += 1
        seen, reward, *_ = super().step(action)
        return seen, reward, False, self.steps == 5, {}

    def render(self) -> Any:
        return np.full((8, 12, 3), 50 * self.steps, np.uint8)


gymnasium.register("Painted-v0", entry_point=Painted)


def test_a_gymnasium_id_is_played_and_filmed(tmp_path: Any, capsys: Any) -> None:
    run, film = tmp_path / "run", tmp_path / "locks.gif"
    small = ["--num-envs", "8", "--horizon", "8", "--minibatches", "2", "--hidden", "8", "--plain"]
    words = ["train", "gymnasium:Painted-v0", "--total-steps", "128", "--out", str(run), *small]
    assert main([*words, "--quiet"]) == 0
    words = ["play", "gymnasium:Painted-v0", "--checkpoint", str(run), "--episodes", "2"]
    assert main([*words, "--gif", str(film)]) == 0
    first, second, mean, made = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"episode 1: return \+\d+\.00, score \+\d+\.00, 5 steps, truncated", first)
    assert second.startswith("episode 2: ")
    assert mean.startswith("mean of 2")
    assert "12 pictures, 1.2 s" in made
    with Image.open(film) as pictures:
        assert pictures.n_frames == 12
    assert main(words) == 0
    assert capsys.readouterr().out.splitlines() == [first, second, mean]
    for line, message in (
        ("gymnasium:Acrobot-v1 --checkpoint RUN", "is a run of gymnasium:Painted-v0"),
        ("gymnasium:Nothing-v0 --random", "cannot be made"),
        ("gymnasium:CartPole-v1 --random --option slope=3", "cannot be made"),
        ("gymnasium:FrozenLake-v1 --random --gif x.gif", "no picture can be drawn.*pygame"),
    ):
        assert main(["play", *line.replace("RUN", str(run)).split()]) == 4
        assert re.search(message, capsys.readouterr().err)
    assert main(["play", "gymnasium:Taxi-v4", "--random", "--max-steps", "5"]) == 0
    assert ", 5 steps, stopped" in capsys.readouterr().out
