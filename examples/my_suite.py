"""How ``my_env.py`` is compared with Gymnasium's MountainCar: what is equal to what, how closely.

Run: envlift verify examples/my_suite.py
"""

import numpy as np

from envlift.verify.suite import Feature, Field, Policy, Suite

CLOSE = {
    "atol": 1e-6,
    "drift": 1e3,
    "reason": "float32 against float64, and what a rollout makes of it",
    "labels": ("position", "velocity"),
}


def to_candidate(state):
    position, velocity = np.float32(state["state"]).T
    time = state["elapsed_steps"].astype(np.int32)
    return {"position": position, "velocity": velocity, "time": time}


def to_reference(state):
    both = np.stack([state["position"], state["velocity"]], axis=-1)
    return {"state": both.astype(np.float64), "elapsed_steps": state["time"]}


def along(rng, observation, state):
    """Push the way the car goes: that gets up the hill, which random play does not."""
    return np.where(observation[:, 1] < 0, 0, 2)


SUITE = Suite(
    name="my MountainCar",
    reference="gymnasium:MountainCar-v0",
    candidate="env:my_env:make",
    observation=Field("observation", **CLOSE),
    state=(Field("state", **CLOSE),),
    to_candidate=to_candidate,
    to_reference=to_reference,
    policies=(Policy("random"), Policy("along", along)),
    features=(
        Feature("reaches the flag", lambda t: t.terminated),
        Feature("runs out of time", lambda t: t.truncated),
        Feature("hits the wall", lambda t: t.after["state"][..., 0] == -1.2),
    ),
)
