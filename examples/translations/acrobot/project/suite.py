"""What acrobot and its reference are compared by.

Nobody but a person changes this file: an agent's turn that touches it is undone.
"""

import sys
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from envlift.translate.components import from_function
from envlift.translate.fields import field
from envlift.translate.project import load_project
from envlift.verify.suite import (
    Component,
    Config,
    Deviation,
    Feature,
    Field,
    Policy,
    Scenario,
    Suite,
)

HERE = Path(__file__).parent
# Last, so that nothing here stands before a library.
if str(HERE) not in sys.path:
    sys.path.append(str(HERE))

# Tolerances are those of envlift.toml.
PROJECT = load_project(HERE)
PI = float(np.float32(np.pi))
FULL, SHORT = 500, 75

# Whole episodes: only quiet play can be followed for 500 steps. What swings is cut at 75, just
# after the first can have reached the goal (65 steps), before chaos has eaten the tolerance.
CONFIGS = (
    Config("default", {}, {}),
    Config("short", {"max_episode_steps": SHORT}, {"max_episode_steps": SHORT}),
)


def speed(t, joint):
    return t.before["state"][..., 2 + joint]


def turned(t, joint):
    """The angle went over the seam at pi."""
    return np.abs(t.final["state"][..., joint] - t.before["state"][..., joint]) > np.pi


FEATURES = (
    Feature("the full limit", lambda t: t.truncated & (t.final["elapsed_steps"] == FULL),
            configs=("default",)),
    Feature("the goal", lambda t: t.terminated, configs=("short",)),
    Feature("the short limit without the goal", lambda t: t.truncated & ~t.terminated,
            configs=("short",)),
    Feature("the elbow turns over", lambda t: turned(t, 1), configs=("short",)),
    Feature("a fast shoulder", lambda t: np.abs(speed(t, 0)) > 4, configs=("short",)),
    Feature("a fast elbow", lambda t: np.abs(speed(t, 1)) > 6, configs=("short",)),
    Feature("torque to the left", lambda t: t.action == 0),
    Feature("no torque", lambda t: t.action == 1),
    Feature("torque to the right", lambda t: t.action == 2),
)  # fmt: skip


def mostly(rng, choice, share):
    return np.where(rng.random(choice.shape) < share, choice, rng.integers(0, 3, choice.shape))


def brake(rng, observation, state):
    """Push against the elbow half of the time: stays low, where rounding does not grow."""
    return mostly(rng, np.where(observation[:, 5] > 0, 0, 2), 0.5)


def pump(rng, observation, state):
    """Push with the elbow: the goal is reached in 65 steps and more."""
    return mostly(rng, np.where(observation[:, 5] > 0, 2, 0), 0.97)


def swing(rng, observation, state):
    """Push against the shoulder."""
    return mostly(rng, np.where(observation[:, 4] < 0, 2, 0), 0.97)


POLICIES = (
    Policy("brake", brake, configs=("default",)),
    Policy("random", configs=("short",)),
    Policy("pump", pump, configs=("short",)),
    Policy("swing", swing, configs=("short",)),
)


def random_states(rng, n, config):
    """All angles, speeds to 6 and 12 (play reaches 5 and 13), often just before the limit."""
    limit = config.reference.get("max_episode_steps", FULL)
    angles = rng.uniform(-np.pi, np.pi, (n, 2))
    upright = rng.random(n) < 0.3
    # The free end near the height of the goal, where an end is decided.
    angles[upright] = angles[upright] * [0.25, 0.5] + [np.pi / 2, 0]
    speeds = rng.uniform(-1, 1, (n, 2)) * rng.choice([0.5, 2, 6], (n, 1)) * [1, 2]
    elapsed = np.where(rng.random(n) < 0.2, limit - 1, rng.integers(0, limit, n))
    return {
        "state": np.concatenate([angles, speeds], axis=1),
        "elapsed_steps": elapsed.astype(np.int64),
    }


SCENARIOS = (
    Scenario("up, and the limit in the same step",
             state={"state": [2.8, 0.2, 1.0, 0.0], "elapsed_steps": SHORT - 1}, actions=(1,),
             reaches=("the goal",), configs=("short",)),
    Scenario("the limit comes after 75 steps and no sooner",
             state={"elapsed_steps": SHORT - 3}, actions=(0, 2, 1),
             reaches=("the short limit without the goal",), configs=("short",)),
    Scenario("the limit comes after 500 steps and no sooner",
             state={"elapsed_steps": FULL - 3}, actions=(0, 2, 1),
             reaches=("the full limit",), configs=("default",)),
    # The reference's speeds are at the bound after the first step; play never is that fast.
    Scenario("the shoulder's speed is bounded", state={"state": [2.125, 2.5, 12.5, 10.0]},
             actions=(1, 2), reaches=()),
    Scenario("the shoulder's speed is bounded below", state={"state": [-1.375, -0.75, -12.5, -6.0]},
             actions=(1, 2), reaches=()),
    Scenario("the elbow's speed is bounded", state={"state": [0.625, 2.125, 0.0, 25.5]},
             actions=(1, 2), reaches=()),
    Scenario("the elbow's speed is bounded below", state={"state": [-1.25, -2.25, 0.0, -24.25]},
             actions=(1, 2), reaches=()),
)  # fmt: skip


def number(low, high):
    """Numbers that float32 holds, but for those under 1e-38, which XLA and Warp round to 0."""
    low, high = float(np.float32(low)), float(np.float32(high))
    return st.floats(low, high, width=32, allow_subnormal=False)


# The reference is given them in float64.
COMPONENTS = (
    Component(
        "_dsdt",
        fields=(
            Field("result", atol=1e-4, rtol=5e-6, reason="float32: some 30 roundings of terms "
                  "around 100, divided by no less than a half"),
        ),
        candidate=from_function("acrobot.dynamics:dsdt"),
        row=st.fixed_dictionaries(
            {
                "s_augmented": st.tuples(
                    number(-10, 10), number(-10, 10), number(-6, 6), number(-12, 12),
                    st.sampled_from([-1.0, 0.0, 1.0]),
                ).map(list)
            }
        ),
        dtypes={"s_augmented": "float64"},
        configs=("default",),
    ),
    Component(
        "wrap",
        fields=(Field("result", atol=1e-5, reason="float32: a number up to 40 is wrapped at most "
                      "6 times, each rounded to 2e-6"),),
        candidate=from_function("acrobot.integrate:wrap"),
        row=st.fixed_dictionaries({"x": number(-40, 40), "m": st.just(-PI), "M": st.just(PI)}),
        dtypes={"x": "float64", "m": "float64", "M": "float64"},
        configs=("default",),
    ),
    Component(
        "bound",
        fields=(Field("result"),),
        candidate=from_function("acrobot.integrate:bound"),
        row=st.fixed_dictionaries(
            {"x": number(-40, 40), "m": number(-30, 0), "M": number(0, 30)}
        ),
        dtypes={"x": "float64", "m": "float64", "M": "float64"},
        configs=("default",),
    ),
)  # fmt: skip

# -- where float32 and float64 cannot agree ----------------------------------------------------

LINK = "https://gymnasium.farama.org/environments/classic_control/acrobot/"
HEIGHT = "-np.cos(final['state'][..., 0]) - np.cos(final['state'][..., 0] + final['state'][..., 1])"
AT_THE_GOAL = f"np.abs({HEIGHT} - 1) < 2e-3"
AT_THE_SEAM = "(np.pi - np.abs(final['state'][..., :2]) < 1e-2).any(-1)"

DEVIATIONS = (
    *(
        Deviation(f"height at the goal: {name}", name, AT_THE_GOAL,
                  "the height is within 2e-3 of the goal: rounding decides whether it is reached, "
                  "and so whether a new episode has begun", LINK)
        for name in ("terminated", "reward", "state", "elapsed_steps", "observation")
    ),
    *(
        Deviation(f"angle at the seam: {name}", name, AT_THE_SEAM,
                  "an angle is within 1e-2 of pi: rounding decides whether it is pi or -pi; the "
                  "observation holds its sine and cosine, and is compared", LINK)
        for name in ("state", "final state")
    ),
)  # fmt: skip

LABELS = ("theta1", "theta2", "dtheta1", "dtheta2")

SUITE = Suite(
    name=PROJECT.name,
    reference=PROJECT.reference.launch,
    candidate=PROJECT.candidate,
    observation=field(
        PROJECT, "observation",
        ("cos theta1", "sin theta1", "cos theta2", "sin theta2", "dtheta1", "dtheta2"),
    ),
    reward=field(PROJECT, "reward"),
    state=(field(PROJECT, "state.state", LABELS), Field("elapsed_steps")),
    # the reference's state is copied into the candidate once per episode
    start="copy",
    configs=CONFIGS,
    features=FEATURES,
    policies=POLICIES,
    scenarios=SCENARIOS,
    random_states=random_states,
    components=COMPONENTS,
    deviations=DEVIATIONS,
    corpus=HERE / "fixtures",
    not_verified=(
        "whether a learned policy notices a difference (no margin is fixed)",
        "a swing-up followed for more than 75 steps: the pendulum is chaotic, float32 and float64 "
        "part; single steps and 500 braked steps are compared",
        "single steps from speeds above 6 (shoulder) and 12 (elbow), but for four scenarios in "
        "which speeds are bounded",
        "which side of the goal or of pi a number falls that is within rounding of it",
        "the equations of the NIPS paper, torque noise, the options of reset, rendering",
    ),
)  # fmt: skip
