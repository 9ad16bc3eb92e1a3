"""Environments that end in every way, and have every kind of observation an adapter takes."""

from __future__ import annotations

from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np

from envlift.adapters.gymnasium import GymnasiumEnv, VectorEnv
from envlift.env import Env, Transition
from tests.contract.toy import Params, State, Toy


class EndsTwice(Toy):
    """At the time limit the episode terminates and is truncated in one step."""

    def transition(self, state: Any, action: Any, draws: Any, params: Any = None) -> Transition:
        played = super().transition(state, action, draws, params)
        last = played.state.time >= self.horizon
        return played._replace(terminated=played.terminated | last, truncated=last)


class Named(Toy):
    """What is seen has names."""

    def observation_space(self, params: Params | None = None) -> gymnasium.Space[Any]:
        where = gymnasium.spaces.Box(-6.0, 6.0, (1,), np.float32)
        when = gymnasium.spaces.Box(0.0, 100.0, (1,), np.float32)
        return gymnasium.spaces.Dict({"state": where, "time": when})

    def observe(self, state: State, params: Params | None = None) -> Any:
        return {
            "state": state.position[None],
            "time": state.time[None].astype(jnp.float32),
        }


class Free(Toy):
    """Every action is legal."""

    legal_actions = Env.legal_actions


TOYS = {
    "discrete": lambda: Toy(autoreset="disabled"),
    "continuous": lambda: Toy(autoreset="disabled", continuous=True),
    "ends twice": lambda: EndsTwice(autoreset="disabled"),
    "named": lambda: Named(autoreset="disabled"),
}


def vector(env: Any, num_envs: int, mode: str, seed: int | None = 0) -> VectorEnv:
    return VectorEnv(env, num_envs=num_envs, autoreset_mode=mode, seed=seed)


def actions(env: Any, steps: int, num_envs: int, seed: int = 1) -> np.ndarray[Any, Any]:
    """Return random actions [T, B, ...]; those that nobody forbids."""
    space = env.action_space()
    rng = np.random.default_rng(seed)
    if isinstance(space, gymnasium.spaces.Discrete):
        return rng.integers(0, int(space.n), (steps, num_envs))
    return rng.uniform(-1, 1, (steps, num_envs, *space.shape)).astype(np.float32)


def singles(make: Any, num_envs: int) -> list[GymnasiumEnv]:
    return [GymnasiumEnv(make()) for _ in range(num_envs)]


def leaves(tree: Any) -> list[np.ndarray[Any, Any]]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves(tree)]
