"""What two readings of Pig are compared by."""

import numpy as np

from envlift.verify.suite import Feature, Field, Policy, Suite


def draw_chance(rng, shape):
    return rng.integers(1, 7, shape, dtype=np.int32)


def careful(rng, observation, state):
    """Hold at 12 or more, which ends games."""
    return (observation[:, 2] >= 12).astype(np.int32)


SUITE = Suite(
    name="pig",
    reference="python:rules.py:Pig",
    candidate="python:second.py:Second",
    state=tuple(Field(name) for name in ("points", "pot", "turn", "six", "decisions")),
    start="chance",
    draw_chance=draw_chance,
    policies=(Policy("random"), Policy("careful", careful)),
    features=(Feature("a game ends", lambda trace: trace.terminated),),
)
