"""Kicked rotors in float64: a chaotic reference in which rounding doubles in every step."""

from __future__ import annotations

import numpy as np

from envlift.reference.host import component

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
