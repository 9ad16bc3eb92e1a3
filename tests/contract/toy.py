"""A small environment for the paths that no registered one has: a walk along a line in the wind.

Unlike Pong it has a time limit (truncation), chance in every step, illegal actions, and lanes that
end at different times. It is registered in the tests only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np

from envlift.env import Autoreset, Env, EnvInfo, Transition
from envlift.registry import Registration

EDGE = 3.0


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Params:
    """wind: float32, the chance that the wind blows in a step."""

    wind: jax.Array | float = 0.5


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class State:
    """position: float32 in [-4, 4]; time: int32, steps played."""

    position: jax.Array
    time: jax.Array


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Draws:
    """drift: float32, -1, 0 or 1 in a step; the starting place of an episode."""

    drift: jax.Array


class Toy(Env[State, Params, Draws]):
    """Walk until an edge (terminated) or the time limit (truncated), or both at once."""

    def __init__(
        self, *, horizon: int = 7, continuous: bool = False, autoreset: Autoreset = "same_step"
    ) -> None:
        options = {"horizon": horizon, "continuous": continuous}
        super().__init__(EnvInfo("toy", 3, "jax", options), autoreset)
        self.horizon = horizon
        self.continuous = continuous

    @property
    def default_params(self) -> Params:
        return Params()

    def observation_space(self, params: Params | None = None) -> gymnasium.Space[Any]:
        high = np.array([2 * EDGE, self.horizon], np.float32)
        return gymnasium.spaces.Box(np.array([-2 * EDGE, 0], np.float32), high, dtype=np.float32)

    def action_space(self, params: Params | None = None) -> gymnasium.Space[Any]:
        if self.continuous:
            return gymnasium.spaces.Box(-1.0, 1.0, (1,), np.float32)
        return gymnasium.spaces.Discrete(3)

    def sample_initial(self, key: jax.Array, params: Params | None = None) -> Draws:
        return Draws(drift=jax.random.uniform(key, minval=-1.0, maxval=1.0))

    def initial(self, draws: Draws, params: Params | None = None) -> State:
        return State(position=draws.drift, time=jnp.int32(0))

    def sample(
        self, key: jax.Array, state: State, action: jax.Array, params: Params | None = None
    ) -> Draws:
        blows, way = jax.random.split(key)
        wind = self.default_params.wind if params is None else params.wind
        drift = jnp.where(jax.random.bernoulli(way), 1.0, -1.0)
        return Draws(drift=jnp.where(jax.random.bernoulli(blows, wind), drift, 0.0))

    def transition(
        self, state: State, action: jax.Array, draws: Draws, params: Params | None = None
    ) -> Transition:
        move = action.reshape(()) if self.continuous else (action - 1).astype(jnp.float32)
        position = jnp.clip(state.position + move + draws.drift, -EDGE, EDGE)
        time = state.time + 1
        terminated = jnp.abs(position) >= EDGE
        reward = jnp.where(terminated, -1.0, 1.0) + 0.25 * move
        # Both, where the walk reaches an edge in its last step: so does Gymnasium's TimeLimit.
        truncated = time >= self.horizon
        return Transition(State(position, time), reward, terminated, truncated)

    def observe(self, state: State, params: Params | None = None) -> jax.Array:
        return jnp.stack([state.position, state.time.astype(jnp.float32)])

    def legal_actions(self, state: State, params: Params | None = None) -> jax.Array:
        if self.continuous:
            return super().legal_actions(state, params)
        return jnp.stack([state.position > -2.0, jnp.bool_(True), state.position < 2.0])


REGISTRATION = Registration(
    name="toy",
    factory=Toy,
    title="a walk in the wind",
    variants=({"horizon": 5}, {"continuous": True}),
    version=3,
)
