"""Who plays the cheetah: at random, with full force, and with a gait that was learned."""

from __future__ import annotations

import numpy as np

from envlift.reference.types import Array, StateDict
from envlift.verify.suite import Policy

# Found by the cross-entropy method (512 candidates, 80 generations of 500 steps, on this package's
# own environment): one frequency, and for each motor a mean, an amplitude and a phase. It runs at
# about 4 m/s.
FREQUENCY = 0.998
MEAN = np.array([-0.381, -1.539, -0.865, -0.475, -0.596, -0.724])
AMPLITUDE = np.array([1.665, -0.115, -0.077, 0.718, 0.768, 0.571])
PHASE = np.array([0.008, -0.111, -4.359, -3.721, 3.531, 3.076])


def bang_bang(rng: np.random.Generator, observation: Array, state: StateDict) -> Array:
    """Full force, one way or the other; one lane in eight asks for more than is allowed."""
    lanes = len(observation)
    actions = rng.choice(np.array([-1.0, 1.0], np.float32), size=(lanes, 6))
    actions[::8] *= np.float32(1.5)
    return actions


def gait(rng: np.random.Generator, observation: Array, state: StateDict) -> Array:
    """The learned gait, with a little noise so that no two lanes run alike."""
    phase = FREQUENCY * state["elapsed_steps"][:, None] + PHASE
    actions = MEAN + AMPLITUDE * np.sin(phase) + 0.05 * rng.normal(size=(len(observation), 6))
    return np.clip(actions, -1.0, 1.0).astype(np.float32)


POLICIES = (
    Policy("random"),
    Policy("bang-bang", bang_bang),
    Policy("learned gait", gait),
)
