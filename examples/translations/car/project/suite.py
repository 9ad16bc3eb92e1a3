"""What mountain_car and its reference are compared by.

Everything is exact: the reference computes in double precision with the C library's cosine, and so
can Rust. Episodes start by seed on both sides, so the draw of the start is compared too.
"""

import sys
from pathlib import Path

import numpy as np

from envlift.translate.components import from_arrays
from envlift.translate.fields import field
from envlift.translate.project import load_project
from envlift.verify.suite import Component, Config, Feature, Field, Policy, Scenario, Suite

HERE = Path(__file__).parent
# Last, so that nothing here stands before a library.
if str(HERE) not in sys.path:
    sys.path.append(str(HERE))

# Tolerances are those of envlift.toml.
PROJECT = load_project(HERE)

# The candidate's attributes that hold its state.
STATE = ["state", "elapsed_steps"]

LEFT, GOAL, RIGHT, FASTEST = -1.2, 0.5, 0.6, 0.07

# A second variant, in which the flag counts only at a speed: then a car can pass it, reach the
# right end, and come down with enough speed to be held to the largest.
HASTY = {"goal_velocity": 0.04, "max_episode_steps": 240}


def position(state):
    return state["state"][..., 0]


def velocity(state):
    return state["state"][..., 1]


def ended(t):
    return t.terminated | t.truncated


def meets_left_end(t):
    return ~ended(t) & (position(t.before) > LEFT) & (position(t.after) == LEFT)


FEATURES = (
    Feature("the flag is reached", lambda t: t.terminated),
    Feature("time is up", lambda t: t.truncated),
    Feature("the left end takes all speed", lambda t: meets_left_end(t) & (velocity(t.after) == 0)),
    Feature("rolling without a push", lambda t: t.action == 1),
    Feature(
        "the right end, with speed left",
        lambda t: ~ended(t) & (position(t.after) == RIGHT) & (velocity(t.after) > 0),
        configs=("hasty",),
    ),
    Feature(
        "past the flag, too slowly",
        lambda t: ~ended(t) & (position(t.after) >= GOAL),
        configs=("hasty",),
    ),
    Feature(
        "as fast as can be",
        lambda t: ~ended(t) & (np.abs(velocity(t.after)) == FASTEST),
        configs=("hasty",),
    ),
)


def along(observation):
    """Push the way it rolls, which gains height."""
    return np.where(observation[:, 1] >= 0, 2, 0)


def swing(rng, observation, state):
    """Up to the flag, with an accident now and then."""
    other = rng.integers(0, 3, size=len(observation))
    return np.where(rng.random(len(observation)) < 0.1, other, along(observation))


def bounce(rng, observation, state):
    """Never to the flag: brake on the right, with a run at the left end."""
    return np.where(observation[:, 0] > 0.1, 0, along(observation))


def linger(rng, observation, state):
    """Past the flag as slowly as it goes, then down again with a push."""
    x, speed = observation[:, 0], observation[:, 1]
    brake = ((x > 0.35) & (speed > 0.012)) | (x > GOAL)
    return np.where(brake, 0, along(observation))


POLICIES = (
    Policy("random"),
    Policy("swing", swing, hold=2),
    Policy("bounce", bounce, hold=2),
    Policy("linger", linger, hold=2, configs=("hasty",)),
)

SCENARIOS = (
    Scenario(
        "into the left end",
        state={"state": [-1.19, -0.03], "elapsed_steps": 10},
        actions=(0, 0, 1, 2),
        reaches=("the left end takes all speed",),
    ),
    Scenario(
        "over the line in the last step",
        state={"state": [0.49, 0.05], "elapsed_steps": 199},
        actions=(2,),
        reaches=("the flag is reached", "time is up"),
        configs=("default",),
    ),
    Scenario(
        "stopped short at the last step",
        state={"state": [0.49, 0.001], "elapsed_steps": 199},
        actions=(0,),
        reaches=("time is up",),
        configs=("default",),
    ),
    Scenario(
        "past the flag, to the right end and back",
        state={"state": [0.595, 0.006], "elapsed_steps": 20},
        actions=(1,) + (0,) * 70,
        reaches=(
            "past the flag, too slowly",
            "the right end, with speed left",
            "as fast as can be",
        ),
        configs=("hasty",),
    ),
)

# The reference has no functions of its rules but `step`; its numbers can be asked for.
CONSTANTS = (*("force", "gravity", "max_speed", "min_position", "max_position", "goal_position"),)
COMPONENTS = tuple(
    Component(
        name, fields=(Field("result"),), candidate=from_arrays(f"mountain_car.library:{name}")
    )
    for name in CONSTANTS
)


def random_states(rng, n, config):
    """Anywhere on the track at any speed and time; every other one where rules meet."""
    place = rng.uniform(LEFT, RIGHT, size=n)
    edge = rng.choice([LEFT, -1.199, 0.45, 0.49, GOAL, 0.55, RIGHT], size=n)
    place = np.where(rng.random(n) < 0.5, edge, place)
    speed = rng.uniform(-FASTEST, FASTEST, size=n)
    speed = np.where(rng.random(n) < 0.3, rng.choice([-FASTEST, 0.0, FASTEST], size=n), speed)
    last = config.reference.get("max_episode_steps", 200) - 1
    steps = np.where(rng.random(n) < 0.2, last, rng.integers(0, last + 1, size=n))
    return {"state": np.stack([place, speed], axis=1), "elapsed_steps": steps}


SUITE = Suite(
    name=PROJECT.name,
    reference=PROJECT.reference.launch,
    candidate=PROJECT.candidate,
    observation=field(PROJECT, "observation"),
    reward=field(PROJECT, "reward"),
    state=(
        field(PROJECT, "state.state"),
        field(PROJECT, "state.elapsed_steps"),
    ),
    # Both sides draw for themselves: equal seeds must give equal episodes.
    start="seed",
    configs=(
        Config("default", PROJECT.reference.config, {"state_attributes": STATE}),
        Config(
            "hasty", {**PROJECT.reference.config, **HASTY}, {"state_attributes": STATE, **HASTY}
        ),
    ),
    features=FEATURES,
    policies=POLICIES,
    scenarios=SCENARIOS,
    components=COMPONENTS,
    random_states=random_states,
    corpus=HERE / "fixtures",
    not_verified=(
        "whether a learned policy notices a difference: exact equality leaves it nothing to notice",
        "rendering; `options` of reset; actions outside of 0, 1, 2",
    ),
)
