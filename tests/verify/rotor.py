"""Kicked rotors: a chaotic environment of floats in which rounding grows about 2-fold in every step.

``Rotor`` is the reference in float64; ``KickedRotor`` is the same as an ``Env`` in a precision of
choice, or with one fault.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np

from envlift.env import Env, EnvInfo, Transition
from envlift.reference.host import component
from envlift.verify.suite import Component, Config, Feature, Field, Policy, Scenario, Suite

KICK = 5.0
WHEELS = 3
NOISE = 0.1


class Rotor:
    """All lanes in one object; episodes of 10 to 16 steps, or of ``limit``."""

    batched = True

    def __init__(self, num_lanes, limit=0):
        self.num_lanes, self.limit = num_lanes, limit
        self.state = {}

    def spec(self):
        wheels = {"shape": [WHEELS], "dtype": "float64"}
        whole = {"shape": [], "dtype": "int32"}
        return {
            "name": "rotor",
            "observation": {"shape": [2 * WHEELS], "dtype": "float64"},
            "action": {"shape": [WHEELS], "dtype": "float32"},
            "action_low": [-1.0] * WHEELS,
            "action_high": [1.0] * WHEELS,
            "state": {"angle": wheels, "speed": wheels, "elapsed": whole, "limit": whole},
        }

    def _fresh(self, seed):
        rng = np.random.default_rng(seed)
        return {
            "angle": rng.uniform(-NOISE, NOISE, WHEELS),
            "speed": NOISE * rng.normal(size=WHEELS),
            "elapsed": np.int32(0),
            "limit": np.int32(self.limit or 10 + seed % 7),
        }

    def _copy(self):
        return {name: values.copy() for name, values in self.state.items()}

    def _observation(self):
        return np.concatenate([self.state["angle"], self.state["speed"]], axis=-1)

    def reset(self, seeds, chance, returns):
        lanes = [self._fresh(int(seed)) for seed in seeds]
        self.state = {name: np.stack([lane[name] for lane in lanes]) for name in lanes[0]}
        return {"observation": self._observation(), "state": self._copy()}

    def step(self, actions, chance, reset_seeds, returns):
        steps = [self._step(a, s) for a, s in zip(actions, reset_seeds, strict=True)]
        return {
            name: {key: np.stack([s[name][key] for s in steps]) for key in steps[0][name]}
            if isinstance(steps[0][name], dict)
            else np.stack([s[name] for s in steps])
            for name in steps[0]
        }

    def _step(self, action, seeds):
        state, action = self.state, action.astype(np.float64)
        state["speed"] = 0.5 * state["speed"] + KICK * np.sin(state["angle"]) + action
        state["angle"] = 0.5 * state["angle"] + state["speed"]
        state["elapsed"] = state["elapsed"] + np.int32(1)
        shown = {
            "reward": state["speed"].mean(axis=-1) - 0.1 * np.square(action).sum(axis=-1),
            "terminated": np.zeros(self.num_lanes, np.bool_),
            "truncated": state["elapsed"] >= state["limit"],
            "final_observation": self._observation(),
            "final_state": self._copy(),
        }
        for lane in np.flatnonzero(shown["truncated"]):
            for name, value in self._fresh(int(seeds[lane])).items():
                state[name][lane] = value
        return {**shown, "observation": self._observation(), "state": self._copy()}

    def get_state(self):
        return self._copy()

    def set_state(self, state):
        self.state = {name: values.copy() for name, values in state.items()}

    @component
    def forces(self, angle):
        """Return [N, 4, WHEELS]: the kick and its harmonics."""
        return {"force": np.stack([KICK * np.sin(k * angle) for k in range(1, 5)], axis=1)}


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
    reference=f"python:{__file__}:Rotor",
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
