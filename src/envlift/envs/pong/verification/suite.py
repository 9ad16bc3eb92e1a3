"""Pong against PufferLib's C: what is compared, by whom it is played, what must be reached."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np

from envlift.envs.pong.reference.build import prepare
from envlift.envs.pong.reference.chance import draw_chance
from envlift.envs.pong.verification.components import COMPONENTS
from envlift.envs.pong.verification.features import FEATURES
from envlift.envs.pong.verification.policies import POLICIES
from envlift.envs.pong.verification.scenarios import SCENARIOS
from envlift.reference.types import Array, StateDict
from envlift.verify.suite import Config, Field, Suite, Transfer, load_deviations

HERE = Path(__file__).parent

STATE = (
    Field("paddle_yl"),
    Field("paddle_yr"),
    Field("ball_x"),
    Field("ball_y"),
    Field("ball_vx"),
    Field("ball_vy"),
    Field("score_l"),
    Field("score_r"),
    Field("tick"),
    Field("n_bounces"),
    Field("win"),
)
OBSERVATION_LABELS = (
    "paddle_yl",
    "paddle_yr",
    "ball_x",
    "ball_y",
    "ball_vx",
    "ball_vy",
    "score_l",
    "score_r",
)
OBSERVATION = Field(
    "observation",
    ulp=1,
    reason="XLA may turn the division by a constant into a multiplication by its inverse",
    labels=OBSERVATION_LABELS,
)
BUFFER = replace(OBSERVATION, name="observations")

CONFIGS = (
    Config("discrete", {"frameskip": 1, "continuous": False}, {"frameskip": 1}),
    Config("continuous", {"frameskip": 1, "continuous": True}, {"continuous": True}),
    Config("frameskip8", {"frameskip": 8, "continuous": False}, {"frameskip": 8}),
    # Another frame skip, and what a caller may give to each game by ``params``.
    Config(
        "short",
        {"frameskip": 3, "continuous": False, "max_score": 5},
        {"frameskip": 3, "params": {"max_score": 5}},
        effort={"lanes": 16, "min_steps": 500, "transitions": 4096, "resets": 1024},
    ),
)


MOST = 2**31 - 65
"""The largest count from which a step of 64 frames can go on counting in an int32."""


def counts(rng: np.random.Generator, n: int) -> Array:
    """Draw counts over all that an int32 can count, every order of magnitude alike, int32 [n]."""
    small = rng.integers(0, 64, size=n)
    large = np.minimum(np.exp2(rng.uniform(0, 31, size=n)), MOST)
    return np.where(rng.random(n) < 0.25, small, large).astype(np.int32)


def random_states(rng: np.random.Generator, n: int, config: Config) -> StateDict:
    """Draw states with the ball near a goal half of the time, scores near the end included.

    Rounds and rallies of any length: play can go on for ever.
    """
    continuous = bool(config.reference["continuous"])

    def pixels(low: float, high: float) -> Array:
        if continuous:
            return rng.uniform(low, high, size=n).astype(np.float32)
        return rng.integers(int(low), int(high) + 1, size=n).astype(np.float32)

    near = rng.random(n)
    ball_x = np.where(near < 0.25, pixels(0, 20), pixels(0, 468))
    ball_x = np.where(near > 0.75, pixels(440, 468), ball_x).astype(np.float32)
    ball_y = np.where(rng.random(n) < 0.3, pixels(-13, 30), pixels(-13, 621)).astype(np.float32)
    beside = np.clip(ball_y + pixels(-110, 70), -35, 605).astype(np.float32)
    most = int(config.reference.get("max_score", 21)) - 1
    scores = np.where(rng.random((2, n)) < 0.3, most, rng.integers(0, most + 1, size=(2, n)))
    return {
        "paddle_yl": np.where(rng.random(n) < 0.5, beside, pixels(-35, 605)).astype(np.float32),
        "paddle_yr": np.where(rng.random(n) < 0.5, beside, pixels(-35, 605)).astype(np.float32),
        "ball_x": ball_x,
        "ball_y": ball_y,
        "ball_vx": rng.choice(np.array([-10.0, 10.0], dtype=np.float32), size=n),
        "ball_vy": pixels(-13, 13),
        "score_l": scores[0].astype(np.int32),
        "score_r": scores[1].astype(np.int32),
        "tick": counts(rng, n),
        "n_bounces": counts(rng, n),
        "win": rng.integers(0, 2, size=n).astype(np.int32),
        "observations": rng.random((n, 8), dtype=np.float32),
    }


def outcome(chance: Array) -> Array:
    """Only the lowest bit of ``rand()`` decides a serve."""
    return chance % 2


# The settings of `envlift train pong`; level 4 chooses environment and options by itself.
TRAINING = tomllib.loads((HERE.parent / "train.toml").read_text())
TRAINING.pop("env_options")

TRANSFER = Transfer(
    margin=1.0,
    reason="the published margin for Pong (arXiv 2603.12145): one point of a game to 21",
    config="frameskip8",
    training={**TRAINING, "total_steps": 8_000_000},
    # Random play returns -20: who returns 10 wins most of its games.
    learnt=10.0,
    seeds=10,
    reference_seeds=3,
    budget=120.0,
    episodes=100,
)

SUITE = Suite(
    name="pong",
    reference="python:envlift.envs.pong.reference.pong:PongReference",
    candidate="pong",
    state=(*STATE, BUFFER),
    observation=OBSERVATION,
    start="chance",
    draw_chance=draw_chance,
    chance_outcome=outcome,
    configs=CONFIGS,
    policies=POLICIES,
    components=COMPONENTS,
    scenarios=SCENARIOS,
    features=FEATURES,
    deviations=load_deviations(HERE / "deviations.toml"),
    random_states=random_states,
    corpus=HERE / "corpus",
    prepare=prepare,
    transfer=TRANSFER,
    not_verified=(
        "libc's own random numbers: both sides are given the same drawn numbers",
        "court sizes and speeds other than PufferLib's defaults; of frame skips 1, 3 and 8, and of "
        "games those to 5 and to 21 points",
        "rendering and the log of PufferLib's Pong",
    ),
)
