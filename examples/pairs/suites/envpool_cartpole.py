"""EnvPool's CartPole, which shows its state but cannot be set, and Gymnasium's."""

import numpy as np

from envlift.verify.suite import Config, Field, Suite

WHY = "the state is known from a float32 observation; a falling pole makes a rounding grow"
CLOSE = {"atol": 1e-6, "rtol": 1e-5, "drift": 1e3, "reason": WHY}
SUITE = Suite(
    name="CartPole: EnvPool",
    reference="",
    candidate="",
    observation=Field("observation", **CLOSE),
    state=(Field("state", **CLOSE), Field("elapsed_steps")),
    to_candidate=lambda s: {**s, "state": np.asarray(s["state"], np.float64)},
    to_reference=lambda s: {**s, "state": np.asarray(s["state"], np.float32)},
    configs=(Config("default", reference={"interpreter": "build/pairs/envpool"}),),
)
