"""What the cheetah can do, read from the reference's trace alone."""

from __future__ import annotations

from functools import partial

import numpy as np

from envlift.envs.half_cheetah.rules import model
from envlift.reference.types import Array
from envlift.verify.suite import Feature, Trace

STEPS = ("float32", "float64")
"""Configurations in which an episode is long enough to fall over; a thousand substeps are 10 s."""

ALL_BUT_OPTIONS = (*STEPS, "substep", "float64-substep")

HINGES = ("bthigh", "bshin", "bfoot", "fthigh", "fshin", "ffoot")


_LAST: list[tuple[Array, Array]] = []


def depths(qpos: Array) -> Array:
    """Return how far each end of a capsule is above the floor, [..., 16], from positions.

    Nine features ask for the same positions, one after the other: the last answer is kept.
    """
    if _LAST and _LAST[0][0] is qpos:
        return _LAST[0][1]
    found = _depths(qpos)
    _LAST[:] = [(qpos, found)]
    return found


def _depths(qpos: Array) -> Array:
    m = model.load()
    angle = np.zeros((*qpos.shape[:-1], model.NUM_BODIES))
    height = np.zeros_like(angle)
    angle[..., 0], height[..., 0] = qpos[..., 2], qpos[..., 1] + m.body_pos[0][1]
    for body in range(1, model.NUM_BODIES):
        parent = model.PARENT[body]
        x, z = m.body_pos[body]
        turn = angle[..., parent]
        angle[..., body] = turn + qpos[..., body + 2]
        height[..., body] = height[..., parent] + z * np.cos(turn) - x * np.sin(turn)
    ends = []
    for body, (x, z), radius in zip(m.end_body, m.end_pos, m.end_radius, strict=True):
        turn = angle[..., body]
        ends.append(height[..., body] + z * np.cos(turn) - x * np.sin(turn) - radius)
    return np.stack(ends, axis=-1)


def rows(t: Trace) -> Array:
    """Return how many constraint rows there are before each step."""
    touching = (depths(t.before["qpos"]) < 0).sum(axis=-1)
    joints = t.before["qpos"][..., 3:]
    m = model.load()
    limits = (joints < np.array(m.range_low)) | (joints > np.array(m.range_high))
    return 4 * touching + limits.sum(axis=-1)


def touches(t: Trace, *ends: int) -> Array:
    """Whether any of these ends is in the floor."""
    return np.any(depths(t.before["qpos"])[..., ends] < 0, axis=-1)


def beyond_limit(t: Trace, hinge: int, upper: bool) -> Array:
    """Whether a hinge is beyond a limit."""
    m = model.load()
    angle = t.before["qpos"][..., 3 + hinge]
    return angle > m.range_high[hinge] if upper else angle < m.range_low[hinge]


def whips(t: Trace) -> Array:
    """Whether a hinge turns faster than 20 rad/s."""
    return np.any(np.abs(t.before["qvel"][..., 3:]) > 20.0, axis=-1)


def upside_down(t: Trace) -> Array:
    """Whether the torso lies on its back."""
    return np.cos(t.before["qpos"][..., 2]) < -0.7


FEATURES = (
    Feature("no constraint at all", lambda t: rows(t) == 0, ALL_BUT_OPTIONS),
    Feature("more than 16 rows", lambda t: rows(t) > 16, ALL_BUT_OPTIONS),
    Feature("torso on the floor", lambda t: touches(t, 0, 1), STEPS),
    Feature("head on the floor", lambda t: touches(t, 2, 3), STEPS),
    Feature("thigh on the floor", lambda t: touches(t, 4, 5, 10, 11), STEPS),
    Feature("shin on the floor", lambda t: touches(t, 6, 7, 12, 13), STEPS),
    Feature("back foot on the floor", lambda t: touches(t, 8, 9), ALL_BUT_OPTIONS),
    Feature("front foot on the floor", lambda t: touches(t, 14, 15), ALL_BUT_OPTIONS),
    Feature(
        "2 cm deep in the floor", lambda t: depths(t.before["qpos"]).min(axis=-1) < -0.02, STEPS
    ),
    Feature("upside down", upside_down, STEPS),
    Feature("faster than 3 m/s", lambda t: t.before["qvel"][..., 0] > 3.0, STEPS),
    Feature("backwards", lambda t: t.before["qvel"][..., 0] < -1.0, ALL_BUT_OPTIONS),
    Feature("a hinge faster than 20 rad/s", whips, ALL_BUT_OPTIONS),
    Feature("an action is clamped", lambda t: np.any(np.abs(t.action) > 1.0, axis=-1)),
    Feature("truncated", lambda t: t.truncated),
    *(
        Feature(
            f"{name} at its {'upper' if upper else 'lower'} limit",
            partial(beyond_limit, hinge=hinge, upper=upper),
            STEPS,
        )
        for hinge, name in enumerate(HINGES)
        for upper in (False, True)
    ),
)
