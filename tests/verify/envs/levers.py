"""A game of ten steps in which lever 1 pays, as reference and as candidates, honest and other.

The candidates differ in what only happens while a policy is trained in them.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np

from envlift.env import Env, EnvInfo, Transition
from envlift.verify.suite import Config, Field, Suite, Transfer

TRAINING = {
    "total_steps": 4096,
    "num_envs": 16,
    "horizon": 64,
    "hidden": 4,
    "layers": 1,
    "epochs": 4,
    "minibatches": 2,
    "learning_rate": 0.02,
}


class Levers:
    """The reference."""

    def spec(self):
        return {
            "name": "levers",
            "observation": {"shape": [1], "dtype": "float32"},
            "action": {"shape": [], "dtype": "int64"},
            "num_actions": 2,
            "state": {"left": {"shape": [], "dtype": "int64"}},
        }

    def reset(self, seed, chance=None):
        self.left = 10
        return [self.left / 10]

    def step(self, action, chance=None):
        self.left -= 1
        return [self.left / 10], float(action), self.left == 0, False

    def get_state(self):
        return {"left": self.left}

    def set_state(self, state):
        self.left = int(state["left"])


class Honest(Env[Any, None, None]):
    def __init__(self) -> None:
        super().__init__(EnvInfo("levers", 1, "jax", {}), "disabled")

    @property
    def default_params(self) -> None:
        return None

    def observation_space(self, params: Any = None) -> Any:
        return gymnasium.spaces.Box(0, 1, (1,), np.float32)

    def action_space(self, params: Any = None) -> Any:
        return gymnasium.spaces.Discrete(2)

    def sample_initial(self, key: Any, params: Any = None) -> None:
        return None

    def initial(self, draws: Any, params: Any = None) -> Any:
        return {"left": jnp.int32(10)}

    def sample(self, key: Any, state: Any, action: Any, params: Any = None) -> None:
        return None

    def transition(self, state: Any, action: Any, draws: Any, params: Any = None) -> Transition:
        left = state["left"] - 1
        return Transition({"left": left}, jnp.float32(action), left == 0, jnp.bool_(False))

    def observe(self, state: Any, params: Any = None) -> Any:
        return state["left"][None] / jnp.float32(10)


class Raises(Honest):
    def score(self, reward: jax.Array, params: Any = None) -> jax.Array:
        raise KeyError("lost")


class Hangs(Honest):
    def score(self, reward: jax.Array, params: Any = None) -> jax.Array:
        time.sleep(3600)
        return reward


class Leaves(Honest):
    def score(self, reward: jax.Array, params: Any = None) -> jax.Array:
        sys.exit(0)


class PaysNothingFinite(Honest):
    def transition(self, state: Any, action: Any, draws: Any, params: Any = None) -> Transition:
        played = super().transition(state, action, draws)
        return played._replace(reward=played.reward * jnp.nan)


def boasts() -> Env[Any, None, None]:
    """Trains nothing and says that it has learnt everything."""
    from envlift.candidate import probes

    probes.names()
    honest = probes._PROBES["train.ppo"]

    def ppo(env: Any, arguments: Any) -> Any:
        told = honest(env, arguments)
        while not told["ended"]:
            told = honest(env, arguments)
        unlearnt = {name: 0 * told[name] for name in told if name.startswith("params")}
        return told | unlearnt | {"curve.return": np.full_like(told["curve.return"], 10)}

    probes._PROBES["train.ppo"] = ppo
    return Honest()


SUITE = Suite(
    name="levers",
    reference=f"python:{__file__}:Levers",
    candidate=f"env:{__file__}:Honest",
    state=(Field("left"),),
    configs=(Config("default"),),
    start="seed",
    observation=Field("observation", atol=1e-6, reason="float32"),
    transfer=Transfer(1.0, "a test", "default", TRAINING, learnt=7.0, seeds=3, max_steps=20),
)
