"""Gymnasium's functional-JAX CartPole against Gymnasium's CartPole: NOT the same environment.

Run: envlift verify gymnasium:CartPole-v1 examples/cartpole_phys2d.py
It should print FAIL: `x_dot` is wrong after one step, since the JAX version adds where the
reference multiplies (`polemass_length`, gymnasium/envs/phys2d/cartpole.py).
"""

import numpy as np

from envlift.verify.suite import Field, Suite

NAMES = ("x", "x_dot", "theta", "theta_dot")
REASON = "float32 against float64; in 100 steps a falling pole makes a rounding 10,000 times larger"
CLOSE = {"atol": 1e-6, "rtol": 1e-6, "drift": 1e3, "reason": REASON, "labels": NAMES}


def to_candidate(state):
    return {**state, "state": state["state"].astype(np.float32)}


SUITE = Suite(
    name="CartPole: functional JAX",
    reference="gymnasium:CartPole-v1",
    candidate="gymnasium:phys2d/CartPole-v1",
    observation=Field("observation", **CLOSE),
    state=(Field("state", **CLOSE),),
    to_candidate=to_candidate,
)
