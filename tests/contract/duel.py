"""A small game of two players for what no registered environment has yet.

Both pull a rope, simultaneously or in turns; how much strength the other has left is hidden. It
has a time limit, wind, actions that are not legal, and players who wait.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np

from envlift.env import Autoreset, EnvInfo, Game, Transition
from envlift.registry import Registration

EDGE = 4
STRENGTH = 6
ACTIONS = 3


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class State:
    """rope: int32, towards player 0; strength: int32 [2], hidden from the other; time: int32."""

    rope: jax.Array
    strength: jax.Array
    time: jax.Array


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Draws:
    """wind: int32, -1, 0 or 1; strength: int32 [2], of an episode that begins."""

    wind: jax.Array
    strength: jax.Array


def _random(key: jax.Array, observation: jax.Array, mask: jax.Array) -> jax.Array:
    return jax.random.categorical(key, jnp.where(mask, 0.0, -jnp.inf)).astype(jnp.int32)


def _strongest(key: jax.Array, observation: jax.Array, mask: jax.Array) -> jax.Array:
    return (ACTIONS - 1 - jnp.argmax(mask[::-1])).astype(jnp.int32)


class Duel(Game[State, None, Draws]):
    """Pull by 0, 1 or 2; pulling costs strength. In every third step only one of them may."""

    num_players = 2
    bots = {"random": _random, "strongest": _strongest}

    def __init__(
        self, *, horizon: int = 8, leaks: bool = False, autoreset: Autoreset = "same_step"
    ) -> None:
        super().__init__(EnvInfo("duel", 1, "jax", {"horizon": horizon, "leaks": leaks}), autoreset)
        self.horizon = horizon
        self.leaks = leaks

    @property
    def default_params(self) -> None:
        return None

    def player_action_space(self, params: None = None) -> gymnasium.spaces.Discrete:
        return gymnasium.spaces.Discrete(ACTIONS)

    def player_observation_space(self, params: None = None) -> gymnasium.Space[Any]:
        high = np.array([EDGE, STRENGTH, self.horizon], np.int32)
        return gymnasium.spaces.Box(np.array([-EDGE, 0, 0], np.int32), high, dtype=np.int32)

    def sample_initial(self, key: jax.Array, params: None = None) -> Draws:
        strong = jax.random.bernoulli(key, shape=(2,))
        return Draws(jnp.int32(0), jnp.where(strong, STRENGTH, STRENGTH // 2).astype(jnp.int32))

    def initial(self, draws: Draws, params: None = None) -> State:
        return State(jnp.int32(0), draws.strength, jnp.int32(0))

    def sample(self, key: jax.Array, state: State, action: jax.Array, params: None = None) -> Draws:
        return Draws(jax.random.randint(key, (), -1, 2, jnp.int32), self._fresh(key))

    def _fresh(self, key: jax.Array) -> jax.Array:
        return self.sample_initial(jax.random.fold_in(key, 1)).strength

    def transition(
        self, state: State, action: jax.Array, draws: Draws, params: None = None
    ) -> Transition:
        illegal = self.illegal_actions(state, action)
        pull = jnp.where(illegal, 0, action).astype(jnp.int32)
        rope = jnp.clip(state.rope + pull[0] - pull[1] + draws.wind, -EDGE, EDGE)
        time = state.time + 1
        terminated = jnp.abs(rope) >= EDGE
        won = jnp.sign(rope).astype(jnp.float32)
        reward = jnp.where(terminated, won, 0.0) * jnp.array([1.0, -1.0])
        after = State(rope, state.strength - pull, time)
        return Transition(after, reward, terminated, time >= self.horizon)

    def observe(self, state: State, params: None = None) -> jax.Array:
        rope = state.rope * jnp.array([1, -1], jnp.int32)
        strength = state.strength[::-1] if self.leaks else state.strength
        return jnp.stack([rope, strength, jnp.full(2, state.time)], axis=-1)

    def legal_actions(self, state: State, params: None = None) -> jax.Array:
        enough = jnp.arange(ACTIONS) <= state.strength[:, None]
        return enough & (self.to_act(state)[:, None] | (jnp.arange(ACTIONS) == 0))

    def to_act(self, state: State, params: None = None) -> jax.Array:
        alone = state.time % 3 == 2
        return ~alone | (jnp.arange(2) == (state.time // 3) % 2)

    def redraw_hidden(
        self, key: jax.Array, state: State, player: jax.Array, params: None = None
    ) -> State:
        other = jnp.arange(2) != player
        return replace(state, strength=jnp.where(other, self._fresh(key), state.strength))


REGISTRATION = Registration(
    name="duel",
    factory=Duel,
    title="two who pull a rope",
    players=2,
    variants=({"horizon": 5},),
)
