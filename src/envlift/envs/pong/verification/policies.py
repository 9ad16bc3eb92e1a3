"""Who plays Pong: random play loses fast, the others reach what random play does not.

They read the reference's state; ``hold`` keeps exchanges with it few.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from envlift.reference.types import Array, StateDict
from envlift.verify.suite import Policy

CONTINUOUS = ("continuous",)
SKIPPING = ("frameskip8", "short")

Directions = Callable[[np.random.Generator, StateDict], Array]


TOP = 608.0
"""Where the ball's lower edge turns at the ceiling."""


def arrival(state: StateDict) -> tuple[Array, Array]:
    """Return where the ball will arrive at the right side, and whether it is rising there."""
    coming = state["ball_vx"] > 0
    frames = np.where(coming, (468.0 - state["ball_x"]) / 10.0, 0.0)
    unfolded = (state["ball_y"] + state["ball_vy"] * frames) % (2 * TOP)
    turned = unfolded > TOP
    rising = (state["ball_vy"] >= 0) != turned
    return np.where(turned, 2 * TOP - unfolded, unfolded), rising


def track(rng: np.random.Generator, state: StateDict) -> Array:
    """Wait with the middle of the paddle where the ball will arrive."""
    gap = (arrival(state)[0] + 16.0) - (state["paddle_yr"] + 35.0)
    return np.asarray(np.where(np.abs(gap) < 12.0, 0.0, np.sign(gap)))


def strike(rng: np.random.Generator, state: StateDict) -> Array:
    """Move with the ball when it arrives, so that it leaves steeper: this wins points."""
    return _swing(state, track(rng, state), np.ones(state["ball_x"].shape))


def counter(rng: np.random.Generator, state: StateDict) -> Array:
    """Move with the ball or against it, which brings its vertical speed towards zero.

    Such rallies have no end by themselves, so it lets the ball go: in most rounds after a few
    returns, in every fourth after many, since the steepest balls come late.
    """
    way = np.where(rng.random(state["ball_x"].shape) < 0.8, 1.0, -1.0)
    away = np.where(arrival(state)[0] > TOP / 2, -1.0, 1.0)
    patience = np.where((state["score_l"] + state["score_r"]) % 4 == 0, 40, 6)
    return np.where(state["n_bounces"] >= patience, away, _swing(state, track(rng, state), way))


REACH = 96.0
"""Pixels that a paddle moves while ``patient`` holds a choice of twelve frames."""


def patient(rng: np.random.Generator, state: StateDict) -> Array:
    """Return every ball without spin, in the first round of a game for thousands of frames.

    Nobody loses a rally as flat as that: a rule that changes late in a round is reached.
    """
    gap = (arrival(state)[0] + 16.0) - (state["paddle_yr"] + 35.0)
    first = state["score_l"] + state["score_r"] == 0
    rallies = first & (state["n_bounces"] < RALLY)
    away = np.where(arrival(state)[0] > TOP / 2, -1.0, 1.0)
    way = np.where(np.abs(gap) > REACH / 2, np.sign(gap), 0.0)
    return np.asarray(np.where(rallies, way, away))


RALLY = 150
"""Returns of a patient rally, some 6,500 frames."""


def _swing(state: StateDict, otherwise: Array, way: Array) -> Array:
    y, rising = arrival(state)
    gap = (y + 16.0) - (state["paddle_yr"] + 35.0)
    arriving = (state["ball_vx"] > 0) & (state["ball_x"] > 430.0) & (np.abs(gap) < 40.0)
    return np.where(arriving, way * np.where(rising, 1.0, -1.0), otherwise)


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
        Policy(name, _discrete(directions), 1, SKIPPING),
        Policy(name, _continuous(directions), hold, CONTINUOUS),
    )


def _flat(rng: np.random.Generator, observation: Array, state: StateDict) -> Array:
    return patient(rng, state)[..., None]


POLICIES = (
    Policy("random"),
    *_both("striking", strike, 4),
    *_both("countering", counter, 4),
    *_both("wandering", wander, 64),
    Policy("patient", _discrete(patient), 12, ("discrete",)),
    Policy("patient", _discrete(patient), 1, ("frameskip8",)),
    Policy("patient", _discrete(patient), 4, ("short",)),
    Policy("patient", _flat, 12, CONTINUOUS),
)
