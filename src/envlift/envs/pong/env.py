"""Pong behind the contract of ``envlift.env``, in two targets: pure JAX and Warp."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal, NamedTuple, get_args

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np

from envlift.env import Autoreset, Env, EnvInfo, Transition
from envlift.envs.pong.rules import constants as c
from envlift.envs.pong.rules import jax as jax_rules
from envlift.envs.pong.state import Draws, State
from envlift.registry import device_kind
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


class RandomRollout(NamedTuple):
    """What ``Pong.random_rollout`` saw.

    Attributes:
        reward: float32 [B], the sum of the rewards.
        episodes: int32 [B], the games that ended.
        observations: float32 [T, B, 8], or None if they were not kept.
    """

    reward: jax.Array
    episodes: jax.Array
    observations: jax.Array | None


class Pong(Env[State, Params, Draws]):
    """PufferLib's Pong: ``Discrete(3)`` (stay, up, down) or a direction in [-1, 1].

    Observations are float32 [8]: paddle left, paddle right, ball x, ball y, ball vx, ball vy, each
    scaled to about [0, 1], then two scores that stay 0. Rewards are 1 or -1 for a point and 0.1
    for a bounce; a game ends when either side has 21 points. There is no time limit.
    """

    truncates = False

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

    def score(self, reward: jax.Array, params: Params | None = None) -> jax.Array:
        """Count points, not bounces."""
        return jnp.where(jnp.abs(reward) >= 1.0, reward, 0.0)

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

    def step(
        self, key: jax.Array, state: State, action: jax.Array, params: Params | None = None
    ) -> tuple[jax.Array, State, jax.Array, jax.Array, jax.Array, dict[str, Any]]:
        """Play one step; see ``Env.step``.

        In Warp the chance, the rules and the reset are one kernel, which updates the state in
        place. ``info["final_observation"]`` is computed apart, and only if it is used.
        """
        if self.info.backend != "warp" or self.autoreset != "same_step":
            return super().step(key, state, action, params)
        after, reward, ended = self._rules.autoreset_step(
            state, self._direction(action), chance.words(key), _max_score(params), self.frameskip
        )
        played = self.transition(state, action, self.sample(key, state, action, params), params)
        info = {"final_observation": self.observe(played.state, params)}
        return self.observe(after, params), after, reward, ended, jnp.zeros_like(ended), info

    def random_rollout(
        self,
        key: jax.Array,
        state: State,
        num_steps: int,
        params: Params | None = None,
        *,
        keep_observations: bool = False,
    ) -> tuple[State, RandomRollout]:
        """Play random actions in a batch of games: the environment alone, for benchmarks.

        Every step's observation is written to memory: over the last one, in the state, or one
        after the other. Equal keys give equal games in both targets, whatever is kept.

        Args:
            key: one key.
            state: a batch of states, every field [B, ...].
            num_steps: steps ``T`` of every lane, at least 1, static.
            params: as everywhere.
            keep_observations: also return the observations of all steps, static.

        Returns:
            The states after the steps, with ended games started anew, and what happened.

        Raises:
            ValueError: if ``num_steps`` is below 1.
        """
        if num_steps < 1:
            raise ValueError(f"num_steps={num_steps} is out of range: it must be at least 1")
        lanes = chance.lane_keys(key, state.tick.shape[0])
        if self.info.backend == "warp":
            word_0, word_1 = chance.words(lanes)

            def play(state: State, word_0: jax.Array, word_1: jax.Array) -> Any:
                return self._rules.random_rollout(
                    state,
                    (word_0, word_1),
                    _max_score(params),
                    self.frameskip,
                    self.continuous,
                    num_steps,
                    keep_observations,
                )

            axis = 1 if keep_observations else None
            state, reward, ended, kept = jax.vmap(play, out_axes=(0, 0, 0, axis))(
                state, word_0, word_1
            )
            return state, RandomRollout(reward, ended, kept)
        return self._random_scan(lanes, state, num_steps, params, keep_observations)

    def _random_scan(
        self,
        lanes: jax.Array,
        state: State,
        num_steps: int,
        params: Params | None,
        keep_observations: bool,
    ) -> tuple[State, RandomRollout]:
        # Ended games start anew here whatever ``step`` of this object does, as in the Warp target.
        restarting = copy.copy(self)
        restarting.autoreset = "same_step"

        def one(key: jax.Array, state: State) -> Any:
            action = self.random_action(key)
            return Env.step(restarting, key, state, action, params)

        def body(carry: Any, step: jax.Array) -> tuple[Any, jax.Array | None]:
            state, reward, episodes = carry
            obs, state, new_reward, ended, _, _ = jax.vmap(one)(chance.at_step(lanes, step), state)
            carry = state, reward + new_reward, episodes + ended.astype(jnp.int32)
            return carry, obs if keep_observations else None

        zeros = jnp.zeros_like(state.ball_x), jnp.zeros_like(state.tick)
        (state, reward, episodes), kept = jax.lax.scan(body, (state, *zeros), jnp.arange(num_steps))
        return state, RandomRollout(reward, episodes, kept)

    def random_action(self, key: jax.Array) -> jax.Array:
        """Return the action that ``random_rollout`` plays in a step with this key.

        The key of step ``t`` of lane ``i`` is ``at_step(lane_keys(key, B)[i], t)``
        (``envlift.targets.chance``); the step itself draws from the same key.
        """
        word = chance.bits(chance.stream(key, chance.ACTION))
        if self.continuous:
            return 2.0 * chance.unit(word) - 1.0
        return chance.below(word, c.NUM_ACTIONS)

    def compute_observations(self, state: State, params: Params | None = None) -> jax.Array:
        """Return what the rules would show of ``state`` if it were looked at now, float32 [8]."""
        return self._rules.compute_observations(state, _max_score(params))

    def _direction(self, action: jax.Array) -> jax.Array:
        action = jnp.asarray(action)
        if action.shape not in ((), (1,)):
            raise ValueError(f"an action of shape () or (1,) is needed, got {action.shape}")
        action = action.reshape(())
        if self.continuous:
            return jax_rules.clip_direction(action)
        return jax_rules.paddle_direction(action)


def default_backend() -> Backend:
    """Return the target that is faster through the JAX API on JAX's default device.

    Measured on CPUs and on an NVIDIA H200 (docs/targets.md); Warp knows no other device.
    """
    return "warp" if device_kind() in ("cpu", "cuda") else "jax"


def _rules_of(backend: Backend) -> ModuleType:
    if backend == "warp":
        # Only here: a user of pure JAX never loads Warp.
        from envlift.envs.pong.rules import warp_batched

        return warp_batched
    return jax_rules


def _serve(key: jax.Array) -> jax.Array:
    # ``rand()`` returns 31 bits, never negative.
    return (chance.bits(key) >> 1).astype(jnp.int32)


def _max_score(params: Params | None) -> jax.Array | int:
    return c.MAX_SCORE if params is None else params.max_score
