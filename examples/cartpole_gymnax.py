"""gymnax's CartPole against Gymnasium's: the same environment, within float32.

Run: envlift verify gymnasium:CartPole-v1 examples/cartpole_gymnax.py
"""

import numpy as np

from envlift.verify.suite import Feature, Field, Policy, Suite

NAMES = ("x", "x_dot", "theta", "theta_dot")
REASON = "float32 against float64; in 100 steps a falling pole makes a rounding 10,000 times larger"
CLOSE = {"atol": 1e-6, "rtol": 1e-6, "drift": 1e3, "reason": REASON, "labels": NAMES}


def to_candidate(state):
    parts = {name: state["state"][..., i] for i, name in enumerate(NAMES)}
    return {**parts, "time": state["elapsed_steps"]}


def to_reference(state):
    return {
        "state": np.stack([state[name] for name in NAMES], axis=-1),
        "elapsed_steps": state["time"],
    }


SUITE = Suite(
    name="CartPole: gymnax",
    reference="gymnasium:CartPole-v1",
    candidate="gymnax:CartPole-v1",
    observation=Field("observation", **CLOSE),
    state=(Field("state", **CLOSE), Field("elapsed_steps")),
    to_candidate=to_candidate,
    to_reference=to_reference,
    policies=(Policy("random"), Policy("push right", lambda rng, obs, state: obs[:, 0] >= -9)),
    features=(
        Feature("pole falls left", lambda t: t.terminated & (t.before["state"][..., 2] < -0.1)),
        Feature("pole falls right", lambda t: t.terminated & (t.before["state"][..., 2] > 0.1)),
    ),
    not_verified=("500 steps in a row: float32 leaves float64 long before", "params"),
)
