"""Acrobot: gymnax's names for the state that Gymnasium has in one array."""

import numpy as np

from envlift.verify.suite import Config, Field, Suite

NAMES = ("joint_angle1", "joint_angle2", "velocity_1", "velocity_2")
CLOSE = {"atol": 1e-4, "rtol": 1e-5, "reason": "float32 against float64"}


def to_candidate(s):
    return {**{n: s["state"][..., i] for i, n in enumerate(NAMES)}, "time": s["elapsed_steps"]}


def to_reference(s):
    return {"state": np.stack([s[n] for n in NAMES], -1), "elapsed_steps": s["time"]}


SUITE = Suite(
    name="Acrobot: gymnax",
    reference="gymnasium:Acrobot-v1",
    candidate="gymnax:Acrobot-v1",
    observation=Field("observation", **CLOSE),
    reward=Field("reward", **CLOSE),
    state=(Field("state", **CLOSE), Field("elapsed_steps")),
    # The motion is chaotic: what float32 loses doubles every few steps.
    configs=(Config("default", resync=1),),
    to_candidate=to_candidate,
    to_reference=to_reference,
)
