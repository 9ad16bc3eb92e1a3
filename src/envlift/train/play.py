"""Playing episodes with a policy, and filming them.

Shape letters: ``B`` = 1 environment, ``A`` actions, ``N`` numbers of noise per action.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np

from envlift.adapters.pictures import Renderer, renderer_of
from envlift.env import Env
from envlift.registry import AnyEnv
from envlift.train.config import ConfigError
from envlift.train.player import Player

if TYPE_CHECKING:
    from envlift.train.film import Film

Array = np.ndarray[Any, np.dtype[Any]]


class RandomPlayer:
    """Takes any legal action, each equally often, or a point of the action space.

    Raises:
        ConfigError: for a space without bounds, or of another kind.
    """

    def __init__(self, space: gymnasium.Space[Any]) -> None:
        box = isinstance(space, gymnasium.spaces.Box) and space.is_bounded()
        if not (box or isinstance(space, gymnasium.spaces.Discrete)):
            raise ConfigError(
                f"random play needs a Discrete space or a Box with bounds, not {space}"
            )
        self.space = space
        self.noise_size = int(np.prod(space.shape)) if space.shape else 1

    def start(self, batch: int) -> None:
        """Nothing is remembered."""

    def act(
        self,
        memory: Any,
        observation: Array,
        starts: Array,
        noise: Array,
        mask: Array | None = None,
        greedy: bool = False,
    ) -> tuple[Any, Array]:
        """Choose by the noise alone; ``greedy`` has no meaning here."""
        space = self.space
        if isinstance(space, gymnasium.spaces.Box):
            unit = noise.reshape(-1, *space.shape)
            return None, (space.low + unit * (space.high - space.low)).astype(space.dtype)
        count = int(space.n)  # type: ignore[attr-defined]
        legal = np.ones((len(noise), count), bool) if mask is None else np.asarray(mask, bool)
        chosen = [
            np.flatnonzero(row)[int(number * row.sum())]
            for row, number in zip(legal, noise[:, 0], strict=True)
        ]
        return None, np.array(chosen, np.int32)


@dataclass(frozen=True)
class Episode:
    """One played episode.

    Attributes:
        returned: sum of the rewards.
        score: the same of ``Env.score``.
        length: steps.
        end: ``terminated``, ``truncated``, or ``stopped`` by ``max_steps``.
    """

    returned: float
    score: float
    length: int
    end: str

    def __str__(self) -> str:
        counted = f"return {self.returned:+.2f}, score {self.score:+.2f}"
        return f"{counted}, {self.length:,} steps, {self.end}"


@dataclass(frozen=True)
class Camera:
    """How states of one environment are filmed.

    Attributes:
        film: takes the pictures.
        draw: ``draw(state)`` gives uint8 [H, W, 3].
        between: the states inside a step, see ``Registration.render``.
    """

    film: Film
    draw: Callable[[Any], Array]
    between: Callable[[Any, Any, Any], Sequence[Any]]


def camera(name: str, film: Film, scale: float) -> Camera:
    """Return the camera of a registered environment.

    Raises:
        ConfigError: if the environment has no renderer, or for a scale out of range.
    """
    renderer = _renderer(name)
    if not 0.1 <= scale <= 4:
        raise ConfigError(f"scale = {scale} is not allowed: give a number from 0.1 to 4")
    return Camera(film, lambda state: renderer.draw(state, scale), renderer.between)


def real_time(name: str) -> int:
    """Return the pictures per second at which a registered environment's time passes as it does.

    Raises:
        ConfigError: if the environment has no renderer.
    """
    # Pillow is needed where something is filmed, and not for play alone.
    from envlift.train.film import MAX_FPS

    return min(_renderer(name).fps, MAX_FPS)


def _renderer(name: str) -> Renderer:
    renderer = renderer_of(name)
    if renderer is None:
        raise ConfigError(f"{name} has no renderer: play it without --gif")
    return renderer


def play(
    env: AnyEnv,
    player: Player,
    *,
    seed: int = 0,
    episodes: int = 1,
    max_steps: int = 10_000,
    greedy: bool = False,
    view: Camera | None = None,
) -> list[Episode]:
    """Play episodes one after the other; the same seed gives the same episodes.

    Args:
        env: made with ``autoreset="disabled"``.
        player: chooses the actions.
        seed: of the environment's chance and of the player's noise.
        episodes: how many, at least 1.
        max_steps: of one episode, at least 1.
        greedy: take the most probable action.
        view: films the episodes until its film is full.

    Raises:
        ValueError: for an environment that resets itself, or a number out of range.
    """
    if env.autoreset != "disabled":
        raise ValueError(f"{env!r} must be made with autoreset='disabled'")
    if episodes < 1 or max_steps < 1:
        raise ValueError(
            f"episodes = {episodes}, max_steps = {max_steps}: give whole numbers from 1"
        )
    table = _Table(env)
    noise = np.random.default_rng(seed)
    key = jax.random.key(seed)
    return [
        _episode(table, player, jax.random.fold_in(key, number), noise, max_steps, greedy, view)
        for number in range(episodes)
    ]


class _Table:
    """The compiled functions of one environment."""

    def __init__(self, env: AnyEnv) -> None:
        self.env = env
        self.reset = jax.jit(env.reset)
        discrete = isinstance(env.action_space(), gymnasium.spaces.Discrete)
        masked = discrete and type(env).legal_actions is not Env.legal_actions
        self.mask = jax.jit(env.legal_actions) if masked else None

        def step(key: jax.Array, state: Any, action: jax.Array) -> Any:
            observation, state, reward, terminated, truncated, _ = env.step(key, state, action)
            return observation, state, reward, env.score(reward), terminated, truncated

        self.step = jax.jit(step)


def _episode(
    table: _Table,
    player: Player,
    key: jax.Array,
    noise: np.random.Generator,
    max_steps: int,
    greedy: bool,
    view: Camera | None,
) -> Episode:
    observation, state = table.reset(jax.random.fold_in(key, 0))
    memory = player.start(1)
    returned = score = 0.0
    _show(view, [state], returned, 0)
    for length in range(1, max_steps + 1):
        mask = None if table.mask is None else np.asarray(table.mask(state))[None]
        drawn = noise.random((1, player.noise_size), np.float32)
        starts = np.array([length == 1])
        memory, actions = player.act(
            memory, np.asarray(observation)[None], starts, drawn, mask, greedy
        )
        action = jnp.asarray(actions[0])
        if view is not None and not view.film.full:
            _show(view, view.between(table.env, state, action), returned, length)
        after = table.step(jax.random.fold_in(key, length), state, action)
        observation, state, reward, scored, terminated, truncated = after
        returned, score = returned + float(reward), score + float(scored)
        _show(view, [state], returned, length)
        if terminated or truncated:
            return Episode(returned, score, length, "terminated" if terminated else "truncated")
    return Episode(returned, score, max_steps, "stopped")


def _show(view: Camera | None, states: Sequence[Any], returned: float, step: int) -> None:
    if view is None:
        return
    for state in states:
        if view.film.full:
            view.film.dropped += 1
        else:
            picture = view.draw(jax.device_get(state))
            view.film.add(picture, f"return {returned:+.1f}   step {step:,}")


def load_policy(folder: Path, step: int | None = None) -> Any:
    """Return the policy of a run folder's checkpoint; None takes the newest.

    Raises:
        CheckpointError: if there is none, or it is damaged.
    """
    from envlift.train import checkpoint
    from envlift.train.policy import Policy

    policy = Policy.of(checkpoint.read_about(folder, step))
    policy.params, _ = checkpoint.restore(folder, policy.params, step, part=".learner.params")
    return policy
