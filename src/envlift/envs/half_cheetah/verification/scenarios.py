"""A few steps from states in which many rules meet."""

from __future__ import annotations

import numpy as np

from envlift.verify.suite import Scenario

REST = [0.0] * 6
FULL = [1.0] * 6
NOTHING = [0.0] * 9


def pose(z: float = 0.0, turn: float = 0.0, *hinges: float) -> list[float]:
    """Return positions: height above 0.7 m, the torso's turn, and the hinges."""
    return [0.0, z, turn, *(hinges or REST)]


SCENARIOS = (
    Scenario(
        "in the air with nothing to push against",
        {"qpos": pose(2.0), "qvel": NOTHING},
        actions=(REST, FULL, REST),
        reaches=("no constraint at all",),
    ),
    Scenario(
        "flat on the floor with everything",
        {"qpos": pose(-0.66, 0.0, 1.1, 0.8, 0.8, 0.75, 0.9, 0.55), "qvel": NOTHING},
        actions=(REST, FULL),
        reaches=("more than 16 rows", "torso on the floor", "bthigh at its upper limit"),
    ),
    Scenario(
        "on its back",
        {"qpos": pose(-0.5, np.pi), "qvel": NOTHING},
        actions=(REST, FULL, REST),
        reaches=("upside down", "head on the floor"),
    ),
    Scenario(
        "on its back after ten somersaults",
        {"qpos": pose(-0.5, 21 * np.pi), "qvel": NOTHING},
        actions=(REST, FULL, REST),
        reaches=("upside down", "head on the floor"),
    ),
    Scenario(
        "thrown at the floor",
        {"qpos": pose(-0.15), "qvel": [5.0, -10.0, 3.0, *REST]},
        actions=(FULL, REST),
        reaches=("2 cm deep in the floor",),
    ),
    Scenario(
        "every hinge below its limit",
        {"qpos": pose(1.0, 0.0, -0.6, -0.85, -0.5, -1.1, -1.3, -0.6), "qvel": NOTHING},
        actions=(REST, REST),
        reaches=tuple(
            f"{name} at its lower limit"
            for name in ("bthigh", "bshin", "bfoot", "fthigh", "fshin", "ffoot")
        ),
    ),
    Scenario(
        "every hinge above its limit",
        {"qpos": pose(1.0, 0.0, 1.2, 0.9, 0.9, 0.8, 1.0, 0.6), "qvel": NOTHING},
        actions=(REST, REST),
        reaches=tuple(
            f"{name} at its upper limit"
            for name in ("bthigh", "bshin", "bfoot", "fthigh", "fshin", "ffoot")
        ),
    ),
    Scenario(
        "more force than the motors have",
        {"qpos": pose(), "qvel": NOTHING},
        actions=([3.0, -3.0, 1.01, -7.0, 0.5, -1.0], [-2.0] * 6),
        reaches=("an action is clamped",),
    ),
    Scenario(
        "the last step of an episode",
        {"qpos": pose(), "qvel": NOTHING, "elapsed_steps": 999},
        actions=(REST,),
        reaches=("truncated",),
        configs=("float32", "float64"),
    ),
)
