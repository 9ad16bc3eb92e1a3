"""Fast environments as ``gymnasium.Env`` and ``gymnasium.vector.VectorEnv``.

NumPy outside, one compiled JAX call per step inside. A lane ``i`` of ``VectorEnv`` reset with
``seed=s`` plays exactly what ``GymnasiumEnv`` reset with ``seed=s + i`` plays. Shape letter: ``B``
is the number of environments.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from envlift.adapters import lanes
from envlift.adapters.lanes import Array, Lane, Played
from envlift.adapters.pictures import pictures_of
from envlift.env import autoreset
from envlift.registry import AnyEnv, list_envs, make_alone, registration, tell_gymnasium


class _Copied:
    """Copies and pickles an adapter, both of which go on where it was.

    A copy shares what is compiled; after pickling it is compiled anew.
    """

    PROGRAMS: tuple[str, ...]
    """Names of the attributes that are compiled functions."""

    def __copy__(self) -> Any:
        twin = type(self).__new__(type(self))
        vars(twin).update(vars(self))
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        twin = self.__copy__()
        memo[id(self)] = twin
        for name, value in vars(self).items():
            if name not in ("env", "_renderer", *self.PROGRAMS):
                setattr(twin, name, copy.deepcopy(value, memo))
        return twin

    def __getstate__(self) -> dict[str, Any]:
        kept = {name: value for name, value in vars(self).items() if name not in self.PROGRAMS}
        return kept | {"env": lanes.recipe(kept["env"]), "_renderer": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        adapter: Any = self
        vars(adapter).update(state)
        adapter.env = lanes.made_again(adapter.env)
        _, adapter._renderer = pictures_of(adapter.env, adapter.render_mode)
        adapter._compile()


class GymnasiumEnv(_Copied, gymnasium.Env[Any, Any]):
    """One environment as a ``gymnasium.Env``.

    ``info["action_mask"]`` (int8 [actions], for discrete actions) is what
    ``action_space.sample(mask)`` takes. A copy, or one that was pickled, goes on where it was made.

    Args:
        env: made with ``autoreset="disabled"``.
        params: the environment's parameters; its defaults if None.
        render_mode: ``rgb_array`` if ``render`` shall draw, for environments with a renderer.

    Raises:
        ValueError: if ``env`` resets itself, or for a render mode that it does not have.
    """

    PROGRAMS = ("_reset", "_step", "_place")

    def __init__(self, env: AnyEnv, params: Any = None, render_mode: str | None = None) -> None:
        self.env = env
        # An own dictionary: SyncVectorEnv of Gymnasium 1.3 writes into it.
        self.metadata, self._renderer = pictures_of(env, render_mode)
        self.render_mode = render_mode
        self.params = env.default_params if params is None else params
        self.observation_space = env.observation_space(self.params)
        self.action_space = env.action_space(self.params)
        self._compile()
        self._key: jax.Array | None = None
        self._lane: Lane | None = None
        self._ended = False

    def _compile(self) -> None:
        rules = lanes.rules(self.env)
        self._reset = jax.jit(rules.reset)
        self._step = jax.jit(rules.step)
        self._place = jax.jit(rules.place)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Start an episode. Without a seed the random stream goes on where it was.

        Returns:
            ``observation, info``.

        Raises:
            ValueError: for a seed outside [0, 2**64).
            ForkedError: in a process that was forked from one that had used JAX.
        """
        lanes.refuse_fork()
        named = None if seed is None else lanes.keys_of([seed])[0]
        super().reset(seed=seed)
        if named is not None:
            self._key = named
        elif self._key is None:
            self._key = lanes.keys_of([int(self.np_random.integers(2**63))])[0]
        self._lane = self._reset(self._key, self.params)
        self._key = self._lane.key
        self._ended = False
        return self._seen()

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Play one step.

        Returns:
            ``observation, reward, terminated, truncated, info``.

        Raises:
            ResetNeeded: before the first ``reset`` and after the end of an episode.
            TypeError, ValueError: for an action that is not in the action space.
        """
        lanes.refuse_fork()
        if self._lane is None or self._ended:
            raise ResetNeeded("call reset() first: there is no episode to play a step of")
        checked = lanes.check_actions(
            self.action_space, np.asarray(action)[None], np.ones(1, dtype=np.bool_)
        )
        played = self._step(self._lane, checked[0], self.params)
        self._lane, self._key = played.lane, played.lane.key
        terminated, truncated = bool(played.terminated), bool(played.truncated)
        self._ended = terminated or truncated
        observation, info = self._seen()
        return observation, float(played.reward), terminated, truncated, info

    def render(self) -> Any:
        """Draw the state: uint8 [H, W, 3]; None without a render mode.

        Raises:
            ResetNeeded: before the first ``reset``.
        """
        return None if self._renderer is None else self._renderer.draw(self.state)

    @property
    def state(self) -> Any:
        """The environment's state, a tree of JAX arrays; assign one to go on from there.

        Raises:
            ResetNeeded: before the first ``reset``.
        """
        if self._lane is None:
            raise ResetNeeded("call reset() first: there is no state yet")
        return self._lane.state

    @state.setter
    def state(self, state: Any) -> None:
        if self._key is None:
            raise ResetNeeded("call reset() first: there is no random stream yet")
        self._lane = self._place(self._key, state, self.params)
        self._ended = False

    def _seen(self) -> tuple[Any, dict[str, Any]]:
        assert self._lane is not None
        observation = lanes.to_numpy(self.observation_space, self._lane.observation)
        if self._lane.mask is None:
            return observation, {}
        return observation, {"action_mask": np.array(self._lane.mask)}


def parse_autoreset_mode(mode: str | AutoresetMode) -> AutoresetMode:
    """Return Gymnasium's enum for ``next_step``, ``same_step`` or ``disabled``.

    Raises:
        ValueError: for anything else.
    """
    if isinstance(mode, AutoresetMode):
        return mode
    known = {member.name.lower(): member for member in AutoresetMode}
    # Gymnasium's own strings ("NextStep") are taken too, for code written for SyncVectorEnv.
    spellings = known | {member.value: member for member in AutoresetMode}
    if mode not in spellings:
        raise ValueError(
            f"autoreset_mode={mode!r} is not known; choose one of {', '.join(sorted(known))}"
        )
    return spellings[mode]


class VectorEnv(_Copied, gymnasium.vector.VectorEnv[Any, Any, Array]):
    """``B`` environments as a ``gymnasium.vector.VectorEnv``.

    Rewards are float32 [B], end flags bool [B]. ``infos["action_mask"]`` is int8 [B, actions]
    where actions are discrete. What happens when an episode ends is Gymnasium's, by mode:

    - ``next_step``: the step after an end ignores that lane's action, starts its next episode and
      returns the first observation, reward 0 and no end flag.
    - ``same_step``: the ending step returns the first observation of the next episode;
      ``infos["final_obs"]`` (object array of single observations) and ``infos["final_info"]``
      hold the end.
    - ``disabled``: ``reset(options={"reset_mask": mask})`` starts the lanes of ``mask`` anew.

    A copy, or one that was pickled, goes on where it was made.

    Args:
        env: made with ``autoreset="disabled"``.
        num_envs: B.
        autoreset_mode: one of the three, as a string or Gymnasium's enum.
        seed: of the first ``reset``, if that one names none; None takes a fresh one.
        params: the environment's parameters; its defaults if None.
        render_mode: ``rgb_array`` if ``render`` shall draw, for environments with a renderer.

    Raises:
        TypeError: if ``num_envs`` is not a whole number.
        ValueError: for ``num_envs`` below 1, an unknown mode, an environment that resets itself,
            or a render mode that it does not have.
    """

    PROGRAMS = ("_step_all", "_reset_all", "_reset_some", "_place_all")

    def __init__(
        self,
        env: AnyEnv,
        *,
        num_envs: int,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        seed: int | None = 0,
        params: Any = None,
        render_mode: str | None = None,
    ) -> None:
        if not isinstance(num_envs, int) or isinstance(num_envs, bool):
            raise TypeError(f"num_envs={num_envs!r} is not a whole number")
        if num_envs < 1:
            raise ValueError(f"num_envs={num_envs} is too small; ask for at least 1")
        self.env = env
        self.params = env.default_params if params is None else params
        self.num_envs = num_envs
        self.autoreset_mode = parse_autoreset_mode(autoreset_mode)
        self.metadata, self._renderer = pictures_of(env, render_mode)
        self.metadata["autoreset_mode"] = self.autoreset_mode
        self.render_mode = render_mode
        self.single_observation_space = env.observation_space(self.params)
        self.single_action_space = env.action_space(self.params)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._first_seed = seed
        self._lanes: Lane | None = None
        self._ended = np.zeros(num_envs, dtype=np.bool_)
        self._compile()

    def _compile(self) -> None:
        rules, mode = lanes.rules(self.env), self.autoreset_mode

        def step(lane: Lane, ended: jax.Array, action: jax.Array, params: Any) -> Any:
            played = rules.step(lane, action, params)
            if mode is AutoresetMode.DISABLED:
                return played, None
            if mode is AutoresetMode.NEXT_STEP:
                fresh = rules.reset(lane.key, params)
                nothing = jnp.zeros_like(played.reward)
                no = jnp.zeros_like(played.terminated)
                return autoreset(ended, Played(fresh, nothing, no, no), played), None
            over = played.terminated | played.truncated
            fresh = rules.reset(played.lane.key, params)
            goes_on = played._replace(lane=autoreset(over, fresh, played.lane))
            return goes_on, (played.lane.observation, played.lane.mask)

        def reset(lane: Lane, key: jax.Array, chosen: jax.Array, params: Any) -> Any:
            return autoreset(chosen, rules.reset(key, params), lane)

        self._step_all = jax.jit(jax.vmap(step, in_axes=(0, 0, 0, None)))
        self._reset_all = jax.jit(jax.vmap(rules.reset, in_axes=(0, None)))
        self._reset_some = jax.jit(jax.vmap(reset, in_axes=(0, 0, 0, None)))
        self._place_all = jax.jit(jax.vmap(rules.place, in_axes=(0, 0, None)))

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        """Start an episode in every lane, or in those of ``options["reset_mask"]`` (bool [B]).

        Args:
            seed: ``s`` gives lane ``i`` the seed ``s + i``; a list gives one seed per lane, where
                None lets that lane's random stream go on, as ``seed=None`` does for all.
            options: see above.

        Returns:
            ``observations, infos``; lanes outside the mask show their last observation.

        Raises:
            TypeError, ValueError: for a mask that is not bool [B] with at least one True, for a
                list of another length than B, or for a seed outside [0, 2**64).
            ResetNeeded: for a mask before the first full ``reset``.
            ForkedError: in a process that was forked from one that had used JAX.
        """
        lanes.refuse_fork()
        mask = self._parse_mask((options or {}).get("reset_mask"))
        keys = self._parse_seed(seed)
        if mask is None:
            self._lanes = self._reset_all(keys, self.params)
            mask = np.ones(self.num_envs, dtype=np.bool_)
        elif self._lanes is None:
            raise ResetNeeded("reset all lanes once before you reset some of them")
        else:
            self._lanes = self._reset_some(self._lanes, keys, mask, self.params)
        self._ended = self._ended & ~mask
        return self._observations(), self._infos(self._lanes.mask, mask)

    def step(self, actions: Any) -> tuple[Any, Array, Array, Array, dict[str, Any]]:
        """Play one step in every lane. actions: [B, *action].

        Returns:
            ``observations, rewards, terminations, truncations, infos``.

        Raises:
            ResetNeeded: before the first ``reset``; and, if autoreset is disabled, while a lane
                is at its end.
            TypeError, ValueError: for actions that are not in the action space.
        """
        lanes.refuse_fork()
        if self._lanes is None:
            raise ResetNeeded("call reset() first: there is no episode to play a step of")
        if self.autoreset_mode is AutoresetMode.DISABLED and self._ended.any():
            raise ResetNeeded(
                f"the episodes of environments {np.flatnonzero(self._ended).tolist()} are over; "
                'reset them with reset(options={"reset_mask": mask})'
            )
        next_step = self.autoreset_mode is AutoresetMode.NEXT_STEP
        used = ~self._ended if next_step else np.ones_like(self._ended)
        checked = lanes.check_actions(self.single_action_space, actions, used)
        played, final = self._step_all(self._lanes, self._ended, checked, self.params)
        self._lanes = played.lane
        terminated, truncated = np.array(played.terminated), np.array(played.truncated)
        over = terminated | truncated
        self._ended = over
        infos = self._infos(played.lane.mask, np.ones(self.num_envs, dtype=np.bool_))
        if final is not None and over.any():
            observation, mask = final
            infos["final_obs"] = self._final_observations(observation, over)
            infos["_final_obs"] = over.copy()
            infos["final_info"] = self._infos(mask, over)
            infos["_final_info"] = over.copy()
        return self._observations(), np.array(played.reward), terminated, truncated, infos

    def render(self) -> tuple[Array, ...] | None:
        """Draw every lane's state: uint8 [H, W, 3] each; None without a render mode.

        Raises:
            ResetNeeded: before the first ``reset``.
        """
        if self._renderer is None:
            return None
        states = jax.device_get(self.state)
        lane = [jax.tree.map(lambda leaf, i=i: leaf[i], states) for i in range(self.num_envs)]
        return tuple(map(self._renderer.draw, lane))

    @property
    def state(self) -> Any:
        """The state of all lanes, a tree of JAX arrays [B, ...]; assign one to go on from there.

        Raises:
            ResetNeeded: before the first ``reset``.
        """
        if self._lanes is None:
            raise ResetNeeded("call reset() first: there is no state yet")
        return self._lanes.state

    @state.setter
    def state(self, state: Any) -> None:
        if self._lanes is None:
            raise ResetNeeded("call reset() first: there is no random stream yet")
        self._lanes = self._place_all(self._lanes.key, state, self.params)
        self._ended = np.zeros_like(self._ended)

    def save(self) -> dict[str, Any]:
        """Return where all lanes stand, their random streams included: a tree of arrays.

        Raises:
            ResetNeeded: before the first ``reset``.
        """
        if self._lanes is None:
            raise ResetNeeded("call reset() first: there is nothing to save yet")
        return {"lanes": self._lanes, "ended": self._ended}

    def restore(self, saved: dict[str, Any]) -> None:
        """Go on exactly from what ``save`` returned in an equal environment."""
        self._lanes = jax.tree.map(jnp.asarray, saved["lanes"])
        self._ended = np.asarray(saved["ended"])

    def _observations(self) -> Any:
        assert self._lanes is not None
        return lanes.to_numpy(self.observation_space, self._lanes.observation)

    def _infos(self, mask: jax.Array | None, present: Array) -> dict[str, Any]:
        if mask is None:
            return {}
        masks = np.array(mask)
        masks[~present] = 0
        return {"action_mask": masks, "_action_mask": present.copy()}

    def _final_observations(self, observations: Any, over: Array) -> Array:
        batch = lanes.to_numpy(self.observation_space, observations)
        final = np.full(self.num_envs, None, dtype=object)
        for lane in np.flatnonzero(over):
            final[lane] = jax.tree.map(lambda part, lane=lane: part[lane], batch)
        return final

    def _parse_mask(self, mask: Any) -> Array | None:
        if mask is None:
            return None
        if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
            raise TypeError(f"options['reset_mask'] must be a NumPy array of bool, got {mask!r}")
        if mask.shape != (self.num_envs,):
            raise ValueError(
                f"options['reset_mask'] has shape {mask.shape}; expected {(self.num_envs,)}"
            )
        if not mask.any():
            raise ValueError("options['reset_mask'] names no environment to reset")
        return mask

    def _parse_seed(self, seed: int | Sequence[int | None] | None) -> jax.Array:
        """Return the stream [B] that a reset of each lane uses."""
        if seed is None and self._lanes is not None:
            return self._lanes.key
        if seed is None:
            seed = self._first_seed
        if isinstance(seed, int | np.integer):
            keys = lanes.keys_of([int(seed) + lane for lane in range(self.num_envs)])
            super().reset(seed=int(seed))
            return keys
        given = [None] * self.num_envs if seed is None else list(seed)
        if len(given) != self.num_envs:
            raise ValueError(f"got {len(given)} seeds for num_envs={self.num_envs}")
        fresh = self.np_random.integers(2**63, size=self.num_envs)
        keys = lanes.keys_of(
            [int(f) if s is None else s for s, f in zip(given, fresh, strict=True)]
        )
        if self._lanes is None:
            return keys
        return jnp.where(np.array([named is not None for named in given]), keys, self._lanes.key)


def make_single(name: str, render_mode: str | None = None, **options: Any) -> GymnasiumEnv:
    """Make a registered environment as a ``gymnasium.Env``; options: ``registry.make_alone``."""
    return GymnasiumEnv(make_alone(name, autoreset="disabled", **options), render_mode=render_mode)


def make_vector(
    name: str,
    num_envs: int,
    autoreset_mode: str = "next_step",
    render_mode: str | None = None,
    **options: Any,
) -> VectorEnv:
    """Make a registered environment as a ``VectorEnv``; options as for ``registry.make_alone``."""
    return VectorEnv(
        make_alone(name, autoreset="disabled", **options),
        num_envs=num_envs,
        autoreset_mode=autoreset_mode,
        seed=None,
        render_mode=render_mode,
    )


def register_ids() -> list[str]:
    """Return the ids of all environments for ``gymnasium.make``, for example ``envlift/pong-v1``.

    ``import envlift`` tells Gymnasium all of them; this does so again where one was taken out.
    """
    found = [registration(name) for name in list_envs()]
    for one in found:
        tell_gymnasium(one)
    return [one.gymnasium_id for one in found]
