"""Pong behind the contract of ``envlift.env``, in two targets: pure JAX and Warp."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal, get_args

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np

from envlift.env import Autoreset, Env, EnvInfo, Transition
from envlift.envs.pong.rules import constants as c
from envlift.envs.pong.rules import jax as jax_rules
from envlift.envs.pong.state import Draws, State
from envlift.targets import chance

Backend = Literal["jax", "warp"]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Params:
    """What may vary between games of one ``Pong``, also between the lanes of a batch.

    The court, speeds and sizes are constants of the rules; ``rules/constants.py`` says why.

    Attributes:
        max_score: int32, the points that win a game, at least 1.
    """

    max_score: jax.Array | int = c.MAX_SCORE


class Pong(Env[State, Params, Draws]):
    """PufferLib's Pong: ``Discrete(3)`` (stay, up, down) or a direction in [-1, 1].

    Observations are float32 [8]: paddle left, paddle right, ball x, ball y, ball vx, ball vy, each
    scaled to about [0, 1], then two scores that stay 0. Rewards are 1 or -1 for a point and 0.1
    for a bounce; a game ends when either side has 21 points. There is no time limit.
    """

    def __init__(
        self,
        *,
        backend: Backend | None = None,
        frameskip: int = 1,
        continuous: bool = False,
        autoreset: Autoreset = "same_step",
    ) -> None:
        """Make the environment.

        Args:
            backend: the target of the rules, ``jax`` or ``warp``; None takes the faster one on
                the device at hand (docs/targets.md).
            frameskip: frames per step, at least 1.
            continuous: take a direction instead of one of three actions.
            autoreset: what ``step`` does when a game ends, see ``envlift.env.Autoreset``.

        Raises:
            ValueError: for a value out of range.
        """
        if backend is None:
            backend = default_backend()
        if backend not in get_args(Backend):
            raise ValueError(
                f"backend={backend!r} is not known; choose one of {', '.join(get_args(Backend))}, "
                "or None for the faster one"
            )
        if isinstance(frameskip, bool) or not isinstance(frameskip, int) or frameskip < 1:
            raise ValueError(f"frameskip={frameskip!r} is out of range; give a whole number from 1")
        if not isinstance(continuous, bool):
            raise ValueError(f"continuous={continuous!r} is not known; give True or False")
        options = {"frameskip": frameskip, "continuous": continuous}
        super().__init__(EnvInfo("pong", 1, backend, options), autoreset)
        self.frameskip = frameskip
        self.continuous = continuous
        self._rules = _rules_of(backend)

    @property
    def default_params(self) -> Params:
        """The reference's default: a game to 21 points."""
        return Params()

    def observation_space(self, params: Params | None = None) -> gymnasium.Space[Any]:
        """Eight numbers. The reference says [0, 1], but its ball leaves the court by one frame."""
        low = np.zeros(c.OBSERVATION_SIZE, np.float32)
        low[2:4] = -0.025
        return gymnasium.spaces.Box(low, np.ones_like(low), dtype=np.float32)

    def action_space(self, params: Params | None = None) -> gymnasium.Space[Any]:
        """``Discrete(3)``, or ``Box(-1, 1, (1,))`` if continuous."""
        if self.continuous:
            return gymnasium.spaces.Box(-1.0, 1.0, (1,), np.float32)
        return gymnasium.spaces.Discrete(c.NUM_ACTIONS)

    def sample_initial(self, key: jax.Array, params: Params | None = None) -> Draws:
        """Draw the serve of a new game."""
        return Draws(serve=_serve(key))

    def sample(
        self, key: jax.Array, state: State, action: jax.Array, params: Params | None = None
    ) -> Draws:
        """Draw the serve that follows if this step makes a point."""
        return Draws(serve=_serve(key))

    def split_key(self, key: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Split a step's key by labels; the hash of ``targets.chance`` does the mixing."""
        return key, chance.stream(key, chance.RESET)

    def initial(self, draws: Draws, params: Params | None = None) -> State:
        """Start a game. ``win`` is 0, where the reference would keep the last game's."""
        return jax_rules.initial(draws.serve, _max_score(params))

    def transition(
        self, state: State, action: jax.Array, draws: Draws, params: Params | None = None
    ) -> Transition:
        """Play ``frameskip`` frames or up to a point.

        After the last point of a game the state is that of the point: nothing is reset, and the
        observation is the one before it.
        """
        direction = self._direction(action)
        state, reward, ended = self._rules.step(
            state, direction, draws.serve, _max_score(params), self.frameskip
        )
        return Transition(state, reward, ended, jnp.zeros_like(ended))

    def observe(self, state: State, params: Params | None = None) -> jax.Array:
        """Return the reference's observation buffer, float32 [8]; stale after a point."""
        return state.observations

    def _direction(self, action: jax.Array) -> jax.Array:
        action = jnp.asarray(action)
        if action.shape not in ((), (1,)):
            raise ValueError(f"an action of shape () or (1,) is needed, got {action.shape}")
        action = action.reshape(())
        if self.continuous:
            return jax_rules.clip_direction(action)
        return jax_rules.paddle_direction(action)


def default_backend() -> Backend:
    """Return the target that measured faster through the JAX API on the default device's kind."""
    return "jax"


def _rules_of(backend: Backend) -> ModuleType:
    if backend == "warp":
        # Only here: a user of pure JAX never loads Warp.
        from envlift.envs.pong.rules import warp as warp_rules

        return warp_rules
    return jax_rules


def _serve(key: jax.Array) -> jax.Array:
    # ``rand()`` returns 31 bits, never negative.
    return (chance.bits(key) >> 1).astype(jnp.int32)


def _max_score(params: Params | None) -> jax.Array | int:
    return c.MAX_SCORE if params is None else params.max_score
