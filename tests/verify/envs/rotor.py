"""Kicked rotors as an ``Env``, in a precision of choice or with one fault, and their suite."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np

from envlift.env import Env, EnvInfo, Transition
from envlift.verify.suite import Component, Config, Feature, Field, Policy, Scenario, Suite

KICK = 5.0
WHEELS = 3
NOISE = 0.1


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class State:
    """angle, speed: [WHEELS] of the environment's dtype; elapsed, limit: int32, steps."""

    angle: jax.Array
    speed: jax.Array
    elapsed: jax.Array
    limit: jax.Array


class KickedRotor(Env[State, None, Any]):
    """The rules in one precision.

    ``fault`` is added to the first angle of a step that begins with a speed above ``above``.
    """

    def __init__(
        self, *, dtype="float32", fault=0.0, above=0.0, noise=NOISE, normal=False, shared=False
    ):
        options = {"dtype": dtype, "fault": fault}
        super().__init__(EnvInfo("rotor", 1, "jax", options), "same_step")
        self.dtype = jnp.dtype(dtype)
        self.fault, self.above, self.noise = fault, above, noise
        self.normal, self.shared = normal, shared

    @property
    def default_params(self):
        return None

    def observation_space(self, params=None):
        return gymnasium.spaces.Box(-np.inf, np.inf, (2 * WHEELS,), self.dtype)

    def action_space(self, params=None):
        return gymnasium.spaces.Box(-1.0, 1.0, (WHEELS,), np.float32)

    def sample_initial(self, key, params=None):
        keys = jax.random.split(key, 3)
        if self.shared:
            keys = jnp.stack([keys[0]] * 3)
        angle = jax.random.uniform(keys[0], (WHEELS,), self.dtype, -self.noise, self.noise)
        if self.normal:
            angle = self.noise / 3**0.5 * jax.random.normal(keys[0], (WHEELS,), self.dtype)
        speed = self.noise * jax.random.normal(keys[1], (WHEELS,), self.dtype)
        return angle, speed, 10 + jax.random.randint(keys[2], (), 0, 7)

    def initial(self, draws, params=None):
        return State(draws[0], draws[1], jnp.int32(0), draws[2].astype(jnp.int32))

    def sample(self, key, state, action, params=None):
        return None

    def transition(self, state, action, draws, params=None):
        action = action.astype(self.dtype)
        speed = 0.5 * state.speed + KICK * jnp.sin(state.angle) + action
        angle = 0.5 * state.angle + speed
        wrong = jnp.where(state.speed[0] > self.above, self.fault, 0.0).astype(self.dtype)
        angle = angle.at[0].add(wrong)
        elapsed = state.elapsed + 1
        reward = speed.mean() - 0.1 * jnp.square(action).sum()
        end = State(angle, speed, elapsed, state.limit)
        return Transition(end, reward, jnp.bool_(False), elapsed >= state.limit)

    def observe(self, state, params=None):
        return jnp.concatenate([state.angle, state.speed])

    def step(self, key, state, action, params=None):
        *shown, info = super().step(key, state, action, params)
        return *shown, {**info, "fastest": jnp.abs(state.speed).max()}


def faulty(**options):
    return KickedRotor(fault=1e-2, above=2.0, **options)


def candidate_forces(env):
    @jax.jit
    def f(angle):
        harmonics = jnp.arange(1, 5, dtype=env.dtype)[None, :, None]
        return KICK * jnp.sin(harmonics * angle.astype(env.dtype)[:, None, :])

    return lambda arguments: {"force": np.asarray(f(arguments["angle"]))}


def random_states(rng, n, config):
    return {
        "angle": rng.uniform(-3, 3, (n, WHEELS)),
        "speed": rng.normal(size=(n, WHEELS)),
        "elapsed": rng.integers(0, 5, n).astype(np.int32),
        "limit": rng.integers(10, 17, n).astype(np.int32),
    }


def close(name, eps, drift=1.0):
    reason = "angles below 24 are rounded, and a kick makes that 5-fold"
    return Field(name, atol=100 * eps, rtol=4 * eps, drift=drift, reason=reason)


def fields(eps, drift=1.0):
    return tuple(close(name, eps, drift) for name in ("angle", "speed", "observation", "reward"))


SINGLE, DOUBLE = 1.2e-7, 2.2e-16

ANGLE, SPEED, OBSERVATION, REWARD = fields(SINGLE, 200.0)
FORCES = Component(
    "forces",
    (Field("force", atol=1e-5, rtol=1e-6, reason="float32"),),
    candidate=candidate_forces,
    rows=lambda rng, n: {"angle": rng.uniform(-3, 3, (n, WHEELS))},
    dtypes={"angle": "float64"},
    configs=("float32",),
)
SUITE = Suite(
    name="rotor",
    reference=f"python:{Path(__file__).with_name('rotor_reference.py')}:Rotor",
    candidate=KickedRotor,
    state=(ANGLE, SPEED, Field("elapsed"), Field("limit")),
    observation=OBSERVATION,
    reward=REWARD,
    policies=(Policy("random"), Policy("swing", lambda rng, obs, state: np.sin(obs[:, :3]), 3)),
    features=(
        Feature("over", lambda t: t.truncated),
        Feature("fast", lambda t: np.abs(t.before["speed"]).max(axis=-1) > 3),
    ),
    components=(
        FORCES,
        replace(
            FORCES,
            fields=(Field("force", atol=1e-14, rtol=1e-15, reason="float64"),),
            configs=("float64",),
        ),
    ),
    scenarios=(
        Scenario(
            "thrown",
            {"speed": [4.0, -4.0, 0.5], "limit": 2},
            ([1.0, -1.0, 0.0], [0.0, 0.0, 1.0]),
            ("fast", "over"),
        ),
    ),
    random_states=random_states,
    configs=(
        Config("float32", resync=1),
        Config(
            "float64",
            {},
            {"dtype": "float64"},
            x64=True,
            resync=1,
            fields=fields(DOUBLE, 200.0),
        ),
    ),
)
