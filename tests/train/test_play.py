"""Played episodes are those of the environment: returns, ends, masks, memory and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import jax
import numpy as np
import pytest

import envlift
from envlift import registry
from envlift.train.config import Config, ConfigError
from envlift.train.learning.fused import TrainState
from envlift.train.learning.ppo import Learner
from envlift.train.play import Camera, Episode, RandomPlayer, camera, load_policy, play
from envlift.train.policies.distributions import Head
from envlift.train.policies.observations import Reading
from envlift.train.policies.policy import Policy
from envlift.train.saving import checkpoint
from envlift.train.showing.film import Film
from tests.contract.toy import REGISTRATION, Toy


class Scripted:
    """Plays a fixed action and writes down what it was given."""

    noise_size = 2

    def __init__(self, action: int) -> None:
        self.action = action
        self.calls: list[tuple[Any, ...]] = []
        self.begun = 0

    def start(self, batch: int) -> int:
        assert batch == 1
        self.begun += 1
        return 0

    def act(
        self,
        memory: int,
        observation: Any,
        starts: Any,
        noise: Any,
        mask: Any = None,
        greedy: bool = False,
    ) -> tuple[int, Any]:
        self.calls.append((memory, observation.copy(), starts.tolist(), noise, mask, greedy))
        return memory + 1, np.array([self.action], np.int32)


@pytest.fixture
def toy() -> Toy:
    return Toy(autoreset="disabled", horizon=5)


def test_an_episode_is_what_the_environment_does(toy: Toy) -> None:
    """Returns, length and end are counted again from the observations the player saw."""
    player = Scripted(1)
    calls = iter(player.calls)
    episodes = play(toy, player, episodes=12)
    winds = set()
    for episode in episodes:
        seen = np.concatenate([next(calls)[1] for _ in range(episode.length)])
        # An observation is position and time; only the last step may reach an edge.
        np.testing.assert_array_equal(seen[:, 1], np.arange(episode.length))
        assert (np.abs(seen[:, 0]) < 3).all()
        winds.add(tuple(np.diff(seen[:, 0]).round()))
        last = -1.0 if episode.end == "terminated" else 1.0
        assert episode.returned == episode.score == episode.length - 1 + last
        assert episode.length == 5 or episode.end == "terminated"
    assert next(calls, None) is None
    # The wind is drawn anew in every step.
    assert any(len(set(wind)) > 1 for wind in winds)
    assert {episode.end for episode in episodes} == {"terminated", "truncated"}


def test_the_player_is_told_everything(toy: Toy) -> None:
    player = Scripted(1)
    episodes = play(toy, player, seed=3, episodes=4, greedy=True)
    memories = [call[0] for call in player.calls]
    starts = [call[2][0] for call in player.calls]
    expected = [step for episode in episodes for step in range(episode.length)]
    assert player.begun == 4
    assert memories == expected
    assert starts == [step == 0 for step in expected]
    for _, observation, _, noise, mask, greedy in player.calls:
        assert observation.shape == (1, 2)
        assert (noise.shape, noise.dtype) == ((1, 2), np.float32)
        position = observation[0, 0]
        np.testing.assert_array_equal(mask, [[position > -2, True, position < 2]])
        assert greedy
    assert len({call[3].tobytes() for call in player.calls}) == len(player.calls)


def test_no_mask_where_all_is_legal() -> None:
    player = Scripted(0)
    (episode,) = play(
        envlift.make("pong", backend="jax", autoreset="disabled"), player, max_steps=2
    )
    assert (episode.length, episode.end) == (2, "stopped")
    assert [call[4] for call in player.calls] == [None, None]


def test_a_seed_decides_everything(toy: Toy) -> None:
    random = RandomPlayer(toy.action_space())
    first, again, other = (play(toy, random, seed=seed, episodes=6) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    # Episodes of one run differ as well.
    assert len(set(first)) > 1


@pytest.mark.parametrize(("episodes", "max_steps"), [(0, 5), (1, 0)])
def test_numbers_out_of_range(toy: Toy, episodes: int, max_steps: int) -> None:
    with pytest.raises(ValueError, match=f"episodes = {episodes}, max_steps = {max_steps}"):
        play(toy, Scripted(0), episodes=episodes, max_steps=max_steps)


def test_an_environment_that_resets_itself() -> None:
    with pytest.raises(ValueError, match="must be made with autoreset='disabled'"):
        play(Toy(), Scripted(0))


def test_what_an_episode_says() -> None:
    said = str(Episode(-20.4, -21.0, 1234, "terminated"))
    assert said == "return -20.40, score -21.00, 1,234 steps, terminated"


class TestRandomPlay:
    def test_every_legal_action_equally_often_and_no_other(self) -> None:
        player = RandomPlayer(gymnasium.spaces.Discrete(4))
        noise = np.linspace(0, 1, 900, endpoint=False, dtype=np.float32)[:, None]
        mask = np.tile([True, False, True, True], (900, 1))
        _, actions = player.act(None, noise, noise, noise, mask)
        assert np.bincount(actions, minlength=4).tolist() == [300, 0, 300, 300]
        _, actions = player.act(None, noise, noise, noise)
        assert np.bincount(actions, minlength=4).tolist() == [225] * 4

    def test_a_box_is_filled(self) -> None:
        low, high = np.array([-1, 10], np.float32), np.array([1, 30], np.float32)
        player = RandomPlayer(gymnasium.spaces.Box(low, high))
        assert player.noise_size == 2
        _, actions = player.act(None, None, None, np.array([[0.0, 0.25], [0.5, 0.0]], np.float32))
        np.testing.assert_array_equal(actions, [[-1, 15], [0, 10]])
        assert actions.dtype == np.float32

    @pytest.mark.parametrize(
        "space", [gymnasium.spaces.Box(-np.inf, np.inf, (1,)), gymnasium.spaces.Text(2)]
    )
    def test_other_spaces(self, space: gymnasium.Space[Any]) -> None:
        with pytest.raises(ConfigError, match="needs a Discrete, MultiDiscrete or Multi"):
            RandomPlayer(space)


class TestTheCamera:
    def test_every_step_is_filmed_with_what_lies_inside(self, toy: Toy) -> None:
        drawn: list[float] = []

        def draw(state: Any) -> Any:
            drawn.append(float(state.position))
            return np.zeros((4, 40, 3), np.uint8)

        def between(env: Any, state: Any, action: Any) -> list[Any]:
            assert (env, int(action)) == (toy, 1)
            return [state, state]

        film = Film()
        (episode,) = play(toy, Scripted(1), view=Camera(film, draw, between))
        assert len(film) == len(drawn) == 1 + 3 * episode.length
        # What lies inside the next step follows its beginning, here by the same state twice.
        assert drawn[0] == drawn[1] == drawn[2]
        assert drawn[3:6] == [drawn[3]] * 3

    def test_a_full_film_does_not_end_the_game(self, toy: Toy) -> None:
        film = Film(fps=10, seconds=0.2)
        states = {"drawn": 0}

        def draw(state: Any) -> Any:
            states["drawn"] += 1
            return np.zeros((4, 40, 3), np.uint8)

        def between(env: Any, state: Any, action: Any) -> list[Any]:
            assert not film.full, "nothing needs to be computed for a full film"
            return []

        whole = play(toy, Scripted(1), seed=4)
        assert play(toy, Scripted(1), seed=4, view=Camera(film, draw, between)) == whole
        assert (len(film), states["drawn"], film.dropped) == (2, 2, whole[0].length - 1)

    def test_pong_is_filmed_frame_by_frame(self) -> None:
        env = envlift.make("pong", backend="jax", frameskip=8, autoreset="disabled")
        film = Film(fps=50, seconds=0.5)
        play(env, RandomPlayer(env.action_space()), max_steps=3, view=camera("pong", film, 0.25))
        assert len(film) == 25
        assert film.picture(0).shape[1:] == (135, 3)
        # The ball moves in every picture.
        assert len({film.picture(index).tobytes() for index in range(25)}) == 25

    def test_an_environment_without_a_renderer(self, monkeypatch: pytest.MonkeyPatch) -> None:
        registry.list_envs()
        monkeypatch.setitem(registry._registrations, "toy", REGISTRATION)
        with pytest.raises(ConfigError, match="toy has no renderer: play it without --gif"):
            camera("toy", Film(), 1.0)

    @pytest.mark.parametrize("scale", [0.0, -1.0, 5.0, float("nan")])
    def test_a_scale_out_of_range(self, scale: float) -> None:
        with pytest.raises(ConfigError, match=f"scale = {scale} is not allowed"):
            camera("pong", Film(), scale)


def test_a_policy_comes_back_from_its_run(tmp_path: Path) -> None:
    """With a checkpoint in the trainer's form: the parameters are a part of it."""
    config = Config(hidden=4)
    head = Head(3, True, (), ())
    about = Policy(config, head, Reading((8,), "float32"), None).about()
    fresh = Policy.of(about)
    params = jax.tree.map(lambda leaf: leaf + 0.5, fresh.params)
    learner = Learner(params, np.zeros(2))
    checkpoint.save(tmp_path, 1, TrainState(learner, None, jax.random.key(0), np.int32(1)), about)
    found = load_policy(tmp_path)
    assert (found.config, found.reading) == (config, Reading((8,), "float32"))
    for expected, leaf in zip(*map(jax.tree.leaves, (params, found.params)), strict=True):
        np.testing.assert_array_equal(expected, leaf)
