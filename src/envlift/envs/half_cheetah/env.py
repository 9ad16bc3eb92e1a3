"""HalfCheetah behind the contract of ``envlift.env``: Gymnasium's task on MuJoCo's physics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np

from envlift.env import Autoreset, Env, EnvInfo, Transition
from envlift.envs.half_cheetah.state import Draws, State
from envlift.targets import chance

Backend = Literal["warp"]
Dtype = Literal["float32", "float64"]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Params:
    """What may vary between cheetahs, also between the lanes of a batch.

    Attributes:
        forward_reward_weight: float, times the mean speed of a step, m/s.
        ctrl_cost_weight: float, times the sum of the squared actions.
        reset_noise_scale: float, of the uniform noise on qpos and of the normal noise on qvel.
    """

    forward_reward_weight: jax.Array | float = 1.0
    ctrl_cost_weight: jax.Array | float = 0.1
    reset_noise_scale: jax.Array | float = 0.1


class RandomRollout(NamedTuple):
    """What ``HalfCheetah.random_rollout`` saw.

    Attributes:
        reward: float [B], the sum of the rewards.
        episodes: int32 [B], the episodes that ended.
        observations: float [T, B, 17 or 18], or None if they were not kept.
    """

    reward: jax.Array
    episodes: jax.Array
    observations: jax.Array | None


class HalfCheetah(Env[State, Params, Draws]):
    """Gymnasium's HalfCheetah-v5: six torques in [-1, 1] make a planar cheetah run.

    Observations are the nine positions (without that of rootx, unless asked for) and the nine
    velocities. The reward is the mean speed of the step minus the cost of the action. An episode
    never terminates; it is truncated after ``max_episode_steps``.

    A step that meets what no solver should be trusted with (NaN, or more than 1e10, in the state,
    the action or an acceleration) is flagged in ``info["unstable"]``: its reward is 0, a state that
    was lost goes on from the model's first one, at rest, and no other lane notices.
    """

    truncates = True

    def __init__(
        self,
        *,
        backend: Backend | None = None,
        dtype: Dtype = "float32",
        frame_skip: int = 5,
        forward_reward_weight: float = 1.0,
        ctrl_cost_weight: float = 0.1,
        reset_noise_scale: float = 0.1,
        exclude_current_positions_from_observation: bool = True,
        max_episode_steps: int = 1000,
        autoreset: Autoreset = "same_step",
    ) -> None:
        """Make the environment.

        Args:
            backend: the target of the rules; ``warp`` is the only one.
            dtype: of what is shown, and of Newton's steps; all else is computed in float64 anyhow.
                ``float64`` needs JAX's 64-bit mode.
            frame_skip: MuJoCo's steps of 0.01 s in each of ours, at least 1.
            forward_reward_weight, ctrl_cost_weight, reset_noise_scale: the ``default_params``.
            exclude_current_positions_from_observation: leave out how far the cheetah has run.
            max_episode_steps: after how many steps an episode is truncated, at least 1.
            autoreset: what ``step`` does when an episode ends, see ``envlift.env.Autoreset``.

        Raises:
            ValueError: for a value out of range, or float64 without JAX's 64-bit mode.
        """
        if backend not in (None, *get_args(Backend)):
            raise ValueError(
                f"backend={backend!r} is not known; HalfCheetah has 'warp' alone, which runs on "
                "CPUs and on CUDA"
            )
        if dtype not in get_args(Dtype):
            raise ValueError(f"dtype={dtype!r} is not known; give 'float32' or 'float64'")
        if dtype == "float64" and not jax.config.jax_enable_x64:  # type: ignore[attr-defined]
            raise ValueError(
                "dtype='float64' needs JAX's 64-bit mode: set JAX_ENABLE_X64=1, or call "
                "jax.config.update('jax_enable_x64', True) before anything else"
            )
        for name, count in (("frame_skip", frame_skip), ("max_episode_steps", max_episode_steps)):
            if isinstance(count, bool) or not isinstance(count, int) or count < 1:
                raise ValueError(f"{name}={count!r} is out of range; give a whole number from 1")
        numbers = {
            "forward_reward_weight": forward_reward_weight,
            "ctrl_cost_weight": ctrl_cost_weight,
            "reset_noise_scale": reset_noise_scale,
        }
        for name, number in numbers.items():
            if not np.isfinite(number):
                raise ValueError(f"{name}={number!r} is not a finite number")
        if not isinstance(exclude_current_positions_from_observation, bool):
            raise ValueError(
                "exclude_current_positions_from_observation="
                f"{exclude_current_positions_from_observation!r} is not known; give True or False"
            )
        options = {
            "dtype": dtype,
            "frame_skip": frame_skip,
            **numbers,
            "exclude_current_positions_from_observation": (
                exclude_current_positions_from_observation
            ),
            "max_episode_steps": max_episode_steps,
        }
        super().__init__(EnvInfo("half_cheetah", 1, "warp", options), autoreset)
        self.dtype = dtype
        self.frame_skip = frame_skip
        self.max_episode_steps = max_episode_steps
        self._first = 1 if exclude_current_positions_from_observation else 0
        self._params = Params(**numbers)
        # Only here: the registry reads environments without loading Warp.
        from envlift.envs.half_cheetah.rules import batched

        self._rules = batched

    @property
    def default_params(self) -> Params:
        """Those of the constructor."""
        return self._params

    def observation_space(self, params: Params | None = None) -> gymnasium.Space[Any]:
        """Any 17 numbers, or 18 with the place of rootx."""
        return gymnasium.spaces.Box(-np.inf, np.inf, (18 - self._first,), np.dtype(self.dtype).type)

    def action_space(self, params: Params | None = None) -> gymnasium.Space[Any]:
        """Six torques in [-1, 1]; what lies outside is clamped, but costs what it costs."""
        return gymnasium.spaces.Box(-1.0, 1.0, (6,), np.float32)

    def split_key(self, key: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Split a step's key by labels; the hash of ``targets.chance`` does the mixing."""
        return key, chance.stream(key, chance.RESET)

    def sample_initial(self, key: jax.Array, params: Params | None = None) -> Draws:
        """Draw the noise of a new episode."""
        return self._rules.draw_noise(chance.words(key), self.dtype)

    def initial(self, draws: Draws, params: Params | None = None) -> State:
        """Start an episode at the model's first state, with noise."""
        scale = jnp.asarray(self._given(params).reset_noise_scale, self.dtype)
        qpos, qvel = scale * draws.uniform, scale * draws.normal
        return State(qpos, jnp.zeros_like(qpos), qvel, jnp.zeros_like(qvel), jnp.int32(0))

    def sample(
        self, key: jax.Array, state: State, action: jax.Array, params: Params | None = None
    ) -> Any:
        """Return nothing: a step has no chance."""
        return None

    def transition(
        self, state: State, action: jax.Array, draws: Any = None, params: Params | None = None
    ) -> Transition:
        """Play ``frame_skip`` steps of MuJoCo under one action."""
        after, seen = self._play(state, action, params)
        return Transition(
            after, seen["reward"], jnp.zeros_like(seen["truncated"]), seen["truncated"]
        )

    def observe(self, state: State, params: Params | None = None) -> jax.Array:
        """Return qpos (from the second number on, unless asked otherwise) and qvel, float [17]."""
        return jnp.concatenate([state.qpos[self._first :], state.qvel])

    def step(
        self, key: jax.Array, state: State, action: jax.Array, params: Params | None = None
    ) -> tuple[jax.Array, State, jax.Array, jax.Array, jax.Array, dict[str, Any]]:
        """Play one step; see ``Env.step``.

        Returns:
            ``info`` also has Gymnasium's terms ``x_position`` (m), ``x_velocity`` (m/s),
            ``reward_forward`` and ``reward_ctrl``, and ``unstable``, see the class.
        """
        after, seen = self._play(state, action, params)
        given, observation = self._given(params), self.observe(after, params)
        terminated = jnp.zeros_like(seen["truncated"])
        info = {
            "final_observation": observation,
            "x_position": after.qpos[0],
            "x_velocity": seen["x_velocity"],
            "reward_forward": seen["x_velocity"] * given.forward_reward_weight,
            "reward_ctrl": seen["reward_ctrl"],
            "unstable": seen["unstable"],
        }
        if self.autoreset == "same_step":
            _, reset_key = self.split_key(key)
            after = self._rules.restart(
                after, chance.words(reset_key), given.reset_noise_scale, self.max_episode_steps
            )
            observation = self.observe(after, params)
        return observation, after, seen["reward"], terminated, seen["truncated"], info

    def random_rollout(
        self,
        key: jax.Array,
        state: State,
        num_steps: int,
        params: Params | None = None,
        *,
        keep_observations: bool = False,
    ) -> tuple[State, RandomRollout]:
        """Play random actions in a batch of cheetahs: the environment alone, for benchmarks.

        Every step's state is written to memory: over the last one, or one after the other.

        Args:
            key: one key.
            state: a batch of states, every field [B, ...].
            num_steps: steps ``T`` of every lane, at least 1, static.
            params: as everywhere, the same for all lanes.
            keep_observations: also return the observations of all steps, static.

        Returns:
            The states after the steps, with ended episodes started anew, and what happened.

        Raises:
            ValueError: if ``num_steps`` is below 1.
        """
        given = self._given(params)
        weights = given.forward_reward_weight, given.ctrl_cost_weight
        words = chance.words(chance.lane_keys(key, state.elapsed_steps.shape[0]))

        def play(state: State, word_0: jax.Array, word_1: jax.Array) -> Any:
            return self._rules.random_rollout(
                state,
                (word_0, word_1),
                weights,
                given.reset_noise_scale,
                self.max_episode_steps,
                self.frame_skip,
                num_steps,
                keep_observations,
            )

        axis = 1 if keep_observations else None
        state, reward, episodes, kept = jax.vmap(play, out_axes=(0, 0, 0, axis))(state, *words)
        observations = None
        if kept is not None:
            observations = jnp.concatenate([kept[0][..., self._first :], kept[1]], axis=-1)
        return state, RandomRollout(reward, episodes, observations)

    def random_action(self, key: jax.Array) -> jax.Array:
        """Return the action that ``random_rollout`` plays in a step with this key, float32 [6].

        The key of step ``t`` of lane ``i`` is ``at_step(lane_keys(key, B)[i], t)``
        (``envlift.targets.chance``); the step itself draws from the same key.
        """
        labels = [chance.ACTION + 32 * motor for motor in range(6)]
        words = jnp.stack([chance.bits(chance.stream(key, label)) for label in labels])
        return 2.0 * chance.unit(words) - 1.0

    def _play(
        self, state: State, action: jax.Array, params: Params | None
    ) -> tuple[State, dict[str, jax.Array]]:
        action = jnp.asarray(action)
        if action.shape != (6,):
            raise ValueError(f"an action of shape (6,) is needed, got {action.shape}")
        given = self._given(params)
        weights = given.forward_reward_weight, given.ctrl_cost_weight
        return self._rules.transition(
            state, action, weights, self.max_episode_steps, self.frame_skip
        )

    def _given(self, params: Params | None) -> Params:
        return self._params if params is None else params
