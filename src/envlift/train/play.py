"""Playing episodes with a policy, and filming them.

Shape letters: ``B`` = 1 environment, ``A`` actions, ``N`` numbers of noise per action.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np

from envlift.adapters.pictures import Renderer, renderer_of
from envlift.env import Env
from envlift.opponents import Against
from envlift.registry import AnyEnv, registration
from envlift.train.config import ConfigError
from envlift.train.policies.observations import mask_of, row
from envlift.train.policies.player import Player

if TYPE_CHECKING:
    from envlift.train.showing.film import Film

Array = np.ndarray[Any, np.dtype[Any]]


class RandomPlayer:
    """Takes any legal action, each equally often, or a point of the action space.

    Raises:
        ConfigError: for a space without bounds, or of another kind.
    """

    def __init__(self, space: gymnasium.Space[Any]) -> None:
        box = isinstance(space, gymnasium.spaces.Box)
        kinds = (
            gymnasium.spaces.Discrete,
            gymnasium.spaces.MultiDiscrete,
            gymnasium.spaces.MultiBinary,
        )
        if not (box and space.is_bounded()) and not isinstance(space, kinds):  # type: ignore[attr-defined]
            raise ConfigError(
                f"random play needs a Discrete, MultiDiscrete or MultiBinary space, or a Box with "
                f"bounds, not {space}"
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
        if isinstance(space, gymnasium.spaces.MultiBinary):
            sizes, first = np.full(space.shape, 2), np.zeros(space.shape, int)
        elif isinstance(space, gymnasium.spaces.MultiDiscrete):
            sizes, first = space.nvec, space.start
        else:
            assert isinstance(space, gymnasium.spaces.Discrete)
            sizes, first = np.array(space.n), np.array(space.start)
        options = sizes.reshape(-1)
        legal = np.ones((len(noise), options.sum()), bool)
        if mask is not None:
            legal = np.asarray(mask, bool)
        parts = np.split(legal, np.cumsum(options)[:-1], axis=1)
        chosen = [
            [np.flatnonzero(may)[int(number * may.sum())] for may, number in zip(*one, strict=True)]
            for one in zip(parts, noise.T, strict=True)
        ]
        actions = np.array(chosen, np.int32).T.reshape(-1, *sizes.shape) + first
        return None, actions.astype(np.int32)


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


class Single(gymnasium.Env[Any, Any]):
    """The one environment of a vector, for playing episodes one after the other.

    Args:
        vector: of one environment, made with autoreset disabled.

    Raises:
        ValueError: for a vector of more.
    """

    def __init__(self, vector: gymnasium.vector.VectorEnv[Any, Any, Any]) -> None:
        if vector.num_envs != 1:
            raise ValueError(f"the vector has {vector.num_envs} environments; make it with one")
        self._vector = vector
        self.metadata = vector.metadata
        self.observation_space = vector.single_observation_space
        self.action_space = vector.single_action_space

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode."""
        observation, _ = self._vector.reset(seed=seed, options=options)
        return observation[0], {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take one step."""
        played = np.asarray([action])
        observation, reward, terminated, truncated, _ = self._vector.step(played)
        return observation[0], float(reward[0]), bool(terminated[0]), bool(truncated[0]), {}

    def render(self) -> Any:
        """Return the picture, uint8 [H, W, 3]."""
        pictures: Any = self._vector.render()
        return pictures[0]

    def close(self) -> None:
        """Close the vector."""
        self._vector.close()


def play_gymnasium(
    env: gymnasium.Env[Any, Any],
    player: Player,
    *,
    seed: int = 0,
    episodes: int = 1,
    max_steps: int = 10_000,
    greedy: bool = False,
    film: Film | None = None,
) -> list[Episode]:
    """Play episodes of any Gymnasium environment; the same seed gives the same episodes.

    Args:
        env: made with ``render_mode="rgb_array"`` if it is filmed.
        player: chooses the actions.
        seed: of the first reset and of the player's noise.
        episodes: how many, at least 1.
        max_steps: of one episode, at least 1.
        greedy: take the most probable action.
        film: takes a picture of every step until it is full.

    Raises:
        ValueError: for a number out of range.
    """
    _require_whole(episodes, max_steps)
    noise = np.random.default_rng(seed)
    played = []
    for number in range(episodes):
        observation, info = env.reset(seed=seed if number == 0 else None)
        memory = player.start(1)
        returned, end, length = 0.0, "stopped", 0
        _picture(env, film, returned, 0)
        for length in range(1, max_steps + 1):
            seen = jax.tree.map(lambda part: np.asarray(part)[None], observation)
            mask = mask_of(info.get("action_mask"))
            drawn = noise.random((1, player.noise_size), np.float32)
            memory, actions = player.act(
                memory,
                row(env.observation_space, seen),
                np.array([length == 1]),
                drawn,
                None if mask is None else mask[None],
                greedy,
            )
            action = np.asarray(actions[0], env.action_space.dtype)
            one: Any = action.item() if action.shape == () else action
            observation, reward, terminated, truncated, info = env.step(one)
            returned += float(reward)
            _picture(env, film, returned, length)
            if terminated or truncated:
                end = "terminated" if terminated else "truncated"
                break
        played.append(Episode(returned, returned, length, end))
    return played


def _picture(env: gymnasium.Env[Any, Any], film: Film | None, returned: float, step: int) -> None:
    if film is None:
        return
    if film.full:
        film.dropped += 1
    else:
        try:
            picture: Any = env.render()
        except gymnasium.error.Error as error:
            raise ConfigError(f"no picture can be drawn of {env}: {error}") from None
        film.add(np.asarray(picture), f"return {returned:+.1f}   step {step:,}")


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


def camera(env: AnyEnv | str, film: Film, scale: float) -> Camera:
    """Return the camera of an environment, given itself or its registered name.

    Raises:
        ConfigError: if the environment has no renderer, or for a scale out of range.
    """
    renderer = _renderer(env)
    if not 0.1 <= scale <= 4:
        raise ConfigError(f"scale = {scale} is not allowed: give a number from 0.1 to 4")
    return Camera(film, lambda state: renderer.draw(state, scale), renderer.between)


Teller = Callable[[Any, Array, Sequence[Any]], str]
"""``tell(draws, actions, states) -> text`` of an episode."""


def teller(name: str, options: Mapping[str, Any]) -> Teller:
    """Return what tells an episode of a registered environment, see ``Registration.log``.

    Args:
        name: of the environment.
        options: those that it was made with.

    Raises:
        ConfigError: if the environment has nothing that does.
    """
    where = registration(name).log
    if where is None:
        raise ConfigError(f"{name} has no log: play it without --log")
    module, _, function = where.partition(":")
    found: Callable[..., str] = getattr(importlib.import_module(module), function)
    sees_states = "states" in inspect.signature(found).parameters

    def tell(draws: Any, actions: Array, states: Sequence[Any]) -> str:
        return found(draws, actions, options, **({"states": states} if sees_states else {}))

    return tell


def real_time(name: str) -> int:
    """Return the pictures per second at which a registered environment's time passes as it does.

    Raises:
        ConfigError: if the environment has no renderer.
    """
    # Pillow is needed where something is filmed, and not for play alone.
    from envlift.train.showing.film import MAX_FPS

    return min(_renderer(name).fps, MAX_FPS)


def _renderer(env: AnyEnv | str) -> Renderer:
    renderer = renderer_of(env)
    if renderer is None:
        name = env if isinstance(env, str) else env.info.name
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
    tell: Callable[[Any, Array, Sequence[Any]], None] | None = None,
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
        tell: is given of each episode, when it is over, the draws that began it, all actions
            [T, ...] and the T + 1 states; of one player's view of a game, the game's.

    Raises:
        ValueError: for an environment that resets itself, or a number out of range.
    """
    if env.autoreset != "disabled":
        raise ValueError(f"{env!r} must be made with autoreset='disabled'")
    _require_whole(episodes, max_steps)
    table = _Table(env)
    noise = np.random.default_rng(seed)
    key = jax.random.key(seed)
    return [
        _episode(
            table, player, jax.random.fold_in(key, number), noise, max_steps, greedy, view, tell
        )
        for number in range(episodes)
    ]


def _require_whole(episodes: int, max_steps: int) -> None:
    if episodes < 1 or max_steps < 1:
        raise ValueError(
            f"episodes = {episodes}, max_steps = {max_steps}: give whole numbers from 1"
        )


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
        self.joint = jax.jit(
            env.joint if isinstance(env, Against) else lambda _k, _s, action: action
        )

    def draws(self, key: jax.Array) -> Any:
        """Return the draws with which ``reset`` begins, of a game the game's own."""
        drawn = self.env.sample_initial(key)
        return drawn.game if isinstance(self.env, Against) else drawn

    def game_of(self, state: Any) -> Any:
        """Return the state; of one player's view of a game, the game's."""
        return state.game if isinstance(self.env, Against) else state


def _episode(
    table: _Table,
    player: Player,
    key: jax.Array,
    noise: np.random.Generator,
    max_steps: int,
    greedy: bool,
    view: Camera | None,
    tell: Callable[[Any, Array, Sequence[Any]], None] | None,
) -> Episode:
    observation, state = table.reset(jax.random.fold_in(key, 0))
    played, states = [], [jax.device_get(table.game_of(state))]
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
        step_key = jax.random.fold_in(key, length)
        if tell is not None:
            played.append(np.asarray(table.joint(step_key, state, action)))
        after = table.step(step_key, state, action)
        observation, state, reward, scored, terminated, truncated = after
        returned, score = returned + float(reward), score + float(scored)
        if tell is not None:
            states.append(jax.device_get(table.game_of(state)))
        _show(view, [state], returned, length)
        if terminated or truncated:
            break
    if tell is not None:
        first = jax.device_get(table.draws(jax.random.fold_in(key, 0)))
        tell(first, np.array(played), states)
    end = "terminated" if terminated else "truncated" if truncated else "stopped"
    return Episode(returned, score, length, end)


def _show(view: Camera | None, states: Sequence[Any], returned: float, step: int) -> None:
    if view is None:
        return
    for state in states:
        if view.film.full:
            view.film.dropped += 1
        else:
            picture = view.draw(jax.device_get(state))
            view.film.add(picture, f"return {returned:+.1f}   step {step:,}")


def load_policy(folder: Path, step: int | None = None, network: Any = None) -> Any:
    """Return the policy of a run folder's checkpoint.

    Args:
        folder: of the run.
        step: environment steps of the checkpoint; None takes the newest.
        network: makes a network of your own, as it was given to ``train``.

    Returns:
        A ``policy.Policy``: ``act`` gives actions for observations.

    Raises:
        CheckpointError: if there is none, or it is damaged.
    """
    from envlift.train.policies.networks import make_network
    from envlift.train.policies.policy import Policy
    from envlift.train.saving import checkpoint

    policy = Policy.of(checkpoint.read_about(folder, step), network=network or make_network)
    policy.params, _ = checkpoint.restore(folder, policy.params, step, part=".learner.params")
    return policy
