"""Who plays Pong: random play loses fast, the others reach what random play does not.

They read the reference's state; ``hold`` keeps exchanges with it few.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from envlift.reference.types import Array, StateDict
from envlift.verify.suite import Policy

CONTINUOUS = ("continuous",)
DISCRETE = ("discrete", "frameskip8")

Directions = Callable[[np.random.Generator, StateDict], Array]


def track(rng: np.random.Generator, state: StateDict) -> Array:
    """Follow the ball with the middle of the paddle."""
    gap = (state["ball_y"] + 16.0) - (state["paddle_yr"] + 35.0)
    return np.asarray(np.where(np.abs(gap) < 12.0, 0.0, np.sign(gap)))


def strike(rng: np.random.Generator, state: StateDict) -> Array:
    """Follow the ball, and move with it when it arrives, so that it leaves faster and steeper."""
    arriving = (state["ball_vx"] > 0) & (state["ball_x"] > 400.0)
    along = np.where(state["ball_vy"] >= 0, 1.0, -1.0)
    gap = (state["ball_y"] + 16.0) - (state["paddle_yr"] + 35.0)
    return np.where(arriving & (np.abs(gap) < 30.0), along, track(rng, state))


def counter(rng: np.random.Generator, state: StateDict) -> Array:
    """Like ``strike`` against the ball's way, which brings its vertical speed towards zero."""
    arriving = (state["ball_vx"] > 0) & (state["ball_x"] > 400.0)
    gap = (state["ball_y"] + 16.0) - (state["paddle_yr"] + 35.0)
    against = np.where(state["ball_vy"] >= 0, -1.0, 1.0)
    mixed = np.where(rng.random(gap.shape) < 0.5, against, -against)
    return np.where(arriving & (np.abs(gap) < 30.0), mixed, track(rng, state))


def wander(rng: np.random.Generator, state: StateDict) -> Array:
    """Go one way for long, which reaches both ends of the court."""
    return np.asarray(rng.integers(-1, 2, size=state["ball_y"].shape))


def _discrete(directions: Directions) -> Callable[[np.random.Generator, Array, StateDict], Array]:
    def act(rng: np.random.Generator, observation: Array, state: StateDict) -> Array:
        way = directions(rng, state)
        return np.where(way > 0, 1, np.where(way < 0, 2, 0))

    return act


def _continuous(directions: Directions) -> Callable[[np.random.Generator, Array, StateDict], Array]:
    """Add noise, and sometimes leave [-1, 1], which the environment must clip."""

    def act(rng: np.random.Generator, observation: Array, state: StateDict) -> Array:
        way = directions(rng, state)
        return (way + rng.normal(scale=0.3, size=way.shape))[..., None]

    return act


def _both(name: str, directions: Directions, hold: int) -> tuple[Policy, ...]:
    return (
        Policy(name, _discrete(directions), hold, ("discrete",)),
        Policy(name, _discrete(directions), 1, ("frameskip8",)),
        Policy(name, _continuous(directions), hold, CONTINUOUS),
    )


POLICIES = (
    Policy("random"),
    *_both("striking", strike, 4),
    *_both("countering", counter, 4),
    *_both("wandering", wander, 64),
)
