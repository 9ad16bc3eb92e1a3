"""Games as a PettingZoo ``ParallelEnv``: NumPy outside, one compiled JAX call per step inside.

Shape letters: ``P`` players, ``A`` actions of one of them.
"""

from __future__ import annotations

from typing import Any, cast

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np

from envlift.adapters import lanes
from envlift.adapters.pictures import pictures_of
from envlift.extras import install
from envlift.registry import AnyEnv

try:
    from pettingzoo import ParallelEnv
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"PettingZoo cannot be imported ({error}): {install('pettingzoo')}"
    ) from None


class PettingZooEnv(ParallelEnv[str, Any, Any]):
    """A game of P players, ``player_0`` to ``player_<P - 1>``, all of whom act at every step.

    An observation is ``{"observation": ..., "action_mask": int8 [A]}``, the form in which
    PettingZoo's libraries look for masks. Whoever has nothing to decide has one legal action.
    ``infos[agent]`` holds ``to_act``, a bool, and after a step ``illegal``: an action that is not
    legal is replaced as the game says. An ended episode has no agents until the next reset.

    Args:
        env: of more than one player, made with ``autoreset="disabled"``.
        params: the environment's parameters; its defaults if None.
        render_mode: ``rgb_array`` if ``render`` shall draw, for environments with a renderer.

    Raises:
        TypeError: for an environment of one player.
        ValueError: if ``env`` resets itself, or for a render mode that it does not have.
    """

    def __init__(self, env: AnyEnv, params: Any = None, render_mode: str | None = None) -> None:
        if env.num_players < 2:
            raise TypeError(
                f"{env!r} has one player; make it a Gymnasium environment with "
                "envlift.adapters.gymnasium.GymnasiumEnv(env)"
            )
        if env.autoreset != "disabled":
            raise ValueError(
                "PettingZoo resets by itself and needs an environment made with "
                f"autoreset='disabled', but {env!r} has autoreset={env.autoreset!r}"
            )
        self.env = cast(Any, env)
        self.params = env.default_params if params is None else params
        self.render_mode = render_mode
        self.metadata, self._renderer = pictures_of(env, render_mode)
        self.metadata["name"] = f"{env.info.name}_v{env.info.version}"
        self.metadata["is_parallelizable"] = True
        self.possible_agents = [f"player_{k}" for k in range(env.num_players)]
        self.agents: list[str] = []
        self.observation_spaces = {agent: self._observation_space() for agent in self._seats}
        self.action_spaces = {
            agent: self.env.player_action_space(self.params) for agent in self._seats
        }
        self._key: jax.Array | None = None
        self._state: Any = None
        self._reset = jax.jit(self._reset_rules)
        self._step = jax.jit(self._step_rules)

    @property
    def _seats(self) -> list[str]:
        return list(self.possible_agents)

    def _observation_space(self) -> gymnasium.Space[Any]:
        actions = int(self.env.player_action_space(self.params).n)
        return gymnasium.spaces.Dict(
            {
                "observation": self.env.player_observation_space(self.params),
                "action_mask": gymnasium.spaces.Box(0, 1, (actions,), np.int8),
            }
        )

    # -- traced ---------------------------------------------------------------------------------

    def _shown(self, state: Any, params: Any) -> Any:
        mask = self.env.legal_actions(state, params).astype(jnp.int8)
        return self.env.observe(state, params), mask, self.env.to_act(state, params)

    def _reset_rules(self, key: jax.Array, params: Any) -> Any:
        key, now = jax.random.split(key)
        _, state = self.env.reset(now, params)
        return key, state, self._shown(state, params)

    def _step_rules(self, key: jax.Array, state: Any, actions: jax.Array, params: Any) -> Any:
        key, now = jax.random.split(key)
        _, state, reward, *ends, info = self.env.step(now, state, actions, params)
        return key, state, self._shown(state, params), (reward, *ends, info["illegal"])

    # -- PettingZoo's ---------------------------------------------------------------------------

    def observation_space(self, agent: str) -> gymnasium.Space[Any]:
        """The space of a player's observation with its mask; always the same object."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> gymnasium.Space[Any]:
        """The space of a player's action; always the same object."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Start an episode. Without a seed the random stream goes on where it was.

        Raises:
            ValueError: for a seed outside [0, 2**64).
            ForkedError: in a process that was forked from one that had used JAX.
        """
        lanes.refuse_fork()
        if seed is not None:
            self._key = lanes.keys_of([seed])[0]
        elif self._key is None:
            self._key = lanes.keys_of([int(np.random.default_rng().integers(2**63))])[0]
        self._key, self._state, shown = self._reset(self._key, self.params)
        self.agents = self._seats
        return self._observed(shown)

    def step(
        self, actions: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, float], dict[str, bool], dict[str, bool], dict[str, Any]]:
        """Play one step with an action of every player.

        Returns:
            ``observations, rewards, terminations, truncations, infos``, each by agent; nothing
            where the episode has ended already.

        Raises:
            ValueError: if somebody's action is missing or outside of its space.
        """
        lanes.refuse_fork()
        if not self.agents:
            return {}, {}, {}, {}, {}
        missing = sorted(set(self.agents) - set(actions))
        if missing:
            raise ValueError(
                f"there is no action of {', '.join(missing)}; everybody acts at every step, and "
                "the mask shows whoever waits its only action"
            )
        chosen = np.array([actions[agent] for agent in self.agents])
        checked = lanes.check_actions(
            self.action_spaces[self.agents[0]], chosen, np.ones(len(chosen), np.bool_)
        )
        self._key, self._state, shown, told = self._step(
            self._key, self._state, checked, self.params
        )
        reward, terminated, truncated, illegal = jax.tree.map(np.asarray, told)
        seats = self.agents
        observations, infos = self._observed(shown)
        for agent, wrong in zip(seats, illegal, strict=True):
            infos[agent]["illegal"] = bool(wrong)
        rewards = {agent: float(one) for agent, one in zip(seats, reward, strict=True)}
        ends = [dict.fromkeys(seats, bool(flag)) for flag in (terminated, truncated)]
        if terminated or truncated:
            self.agents = []
        return observations, rewards, ends[0], ends[1], infos

    def render(self) -> Any:
        """Draw the state: uint8 [H, W, 3]; None without a render mode."""
        return None if self._renderer is None else self._renderer.draw(self._state)

    def close(self) -> None:
        """Nothing to release."""

    def _observed(self, shown: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        seen, masks, to_act = jax.tree.map(np.asarray, shown)
        observations, infos = {}, {}
        for k, agent in enumerate(self._seats):
            space = self.env.player_observation_space(self.params)
            one = jax.tree.map(lambda leaf, k=k: leaf[k], seen)
            observations[agent] = {
                "observation": lanes.to_numpy(space, one),
                "action_mask": masks[k].copy(),
            }
            infos[agent] = {"to_act": bool(to_act[k])}
        return observations, infos
