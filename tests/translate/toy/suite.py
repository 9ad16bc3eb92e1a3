"""What the walk is compared by."""

from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from envlift.translate.components import from_function
from envlift.verify.suite import Component, Feature, Field, Policy, Suite


def forward(rng, observation, state):
    return np.where(rng.random(observation.shape[0]) < 0.9, 2, 0)


SUITE = Suite(
    name="walk",
    reference="python:reference/walk.py:Walk",
    candidate="env:walk.env:make",
    state=(Field("x"), Field("elapsed")),
    policies=(Policy("random"), Policy("forward", forward)),
    components=(
        Component(
            "move",
            fields=(Field("result"),),
            candidate=from_function("walk.rules:move"),
            row=st.fixed_dictionaries({"x": st.integers(0, 9), "action": st.integers(0, 2)}),
            dtypes={"x": "int32", "action": "int32"},
        ),
    ),
    features=(Feature("reaches the end", lambda trace: trace.terminated),),
    corpus=Path(__file__).parent / "fixtures",
)
