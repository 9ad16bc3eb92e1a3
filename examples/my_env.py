"""An environment of your own in JAX: Gymnasium's MountainCar-v0 as an ``envlift.Env``, whole.

Run: envlift verify examples/my_suite.py
"""

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np

from envlift import Env, Transition


class MountainCar(Env):
    """Every method speaks of ONE environment; ``jax.vmap`` makes the batch."""

    def observation_space(self, params=None):
        return gymnasium.spaces.Box(np.float32([-1.2, -0.07]), np.float32([0.6, 0.07]))

    def action_space(self, params=None):
        return gymnasium.spaces.Discrete(3)  # push left, not at all, right

    def sample_initial(self, key, params=None):
        return jax.random.uniform(key, minval=-0.6, maxval=-0.4)  # all chance of a new episode

    def initial(self, draws, params=None):
        return {"position": draws, "velocity": jnp.float32(0), "time": jnp.int32(0)}

    def sample(self, key, state, action, params=None):
        return jnp.float32(0)  # nothing is drawn in a step

    def transition(self, state, action, draws, params=None):
        force = (action - 1) * 0.001 - jnp.cos(3 * state["position"]) * 0.0025
        velocity = jnp.clip(state["velocity"] + force, -0.07, 0.07)
        position = jnp.clip(state["position"] + velocity, -1.2, 0.6)
        velocity = jnp.where((position == -1.2) & (velocity < 0), 0.0, velocity)
        after = {"position": position, "velocity": velocity, "time": state["time"] + 1}
        there = (position >= 0.5) & (velocity >= 0)
        return Transition(after, jnp.float32(-1), there, after["time"] >= 200)

    def observe(self, state, params=None):
        return jnp.stack([state["position"], state["velocity"]])


make = MountainCar
