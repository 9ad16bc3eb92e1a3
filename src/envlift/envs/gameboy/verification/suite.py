"""The compiled Game Boy against PyBoy 2.8.1: what is compared, and what must have happened."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np

from envlift.envs.gameboy.verification.components import COMPONENTS
from envlift.reference.types import Array, StateDict
from envlift.verify.suite import Config, Feature, Field, Policy, Suite, Trace, Transfer

HERE = Path(__file__).parent
REQUIREMENTS = "envlift.envs.gameboy.reference:requirements.txt"
STATES = ("registers", "cycles", "wram", "vram", "oam", "hram")
_SCORE, _BALLS, _PADDLE, _BALL = 2, 1, 4, 5
_LEFT, _RIGHT = 1, 2


def _config(
    name: str,
    effort: dict[str, int],
    *,
    saves: bool = False,
    transfer_only: bool = False,
    **options: Any,
) -> Config:
    buttons = options.get("action") == "buttons"
    theirs = {key: value for key, value in options.items() if key != "action"}
    return Config(
        name,
        {"requirements": REQUIREMENTS, **theirs, **({"buttons": True} if buttons else {})},
        {**options, "saves": saves, "state_attributes": [] if transfer_only else list(STATES)},
        effort={"resets": 64, **effort},
        transfer_only=transfer_only,
    )


CONFIGS = (
    # Every frame. A game lasts some hundred to some thousand frames.
    _config("frames", {"lanes": 4, "min_ends": 1, "min_steps": 500}, frame_skip=1),
    # A hundred games and more; every state is saved and loaded between two steps.
    _config("steps", {"lanes": 16, "min_ends": 4, "min_steps": 300}, frame_skip=4, saves=True),
    _config("held", {"lanes": 4, "min_ends": 1, "min_steps": 100}, frame_skip=24, hold=9),
    _config(
        "buttons", {"lanes": 4, "min_ends": 1, "min_steps": 300}, frame_skip=4, action="buttons"
    ),
    # What is learnt from: the game's own numbers, and a limit of steps.
    _config(
        "variables",
        {"lanes": 8, "min_ends": 2, "min_steps": 300},
        frame_skip=4,
        observation="memory",
        max_steps=150,
    ),
    _config(
        "learning",
        {"lanes": 4},
        transfer_only=True,
        frame_skip=4,
        observation="memory",
        max_steps=500,
    ),
)

TRANSFER = Transfer(
    margin=0.5,
    reason="half a brick of the fifty",
    config="learning",
    # 100,000 steps break several bricks an episode; random play breaks one in two.
    training={
        "total_steps": 102_400,
        "num_envs": 32,
        "horizon": 64,
        "epochs": 4,
        "minibatches": 8,
        "hidden": 64,
        "layers": 2,
        "activation": "tanh",
        "learning_rate": 1e-3,
        "gamma": 0.99,
        "entropy_coefficient": 0.01,
        "normalize_observations": True,
    },
    learnt=2.0,
    seeds=5,
    max_steps=501,
)


def follow(rng: np.random.Generator, observation: Array, state: StateDict) -> Array:
    """Bring the paddle under the ball, but often enough something else that games end."""
    wram = state["wram"].astype(np.int32)
    ahead = wram[:, _BALL] + 2 - (wram[:, _PADDLE] + 12)
    chosen = np.where(ahead < -3, _LEFT, np.where(ahead > 3, _RIGHT, 0))
    return np.where(rng.random(len(chosen)) < 0.3, rng.integers(0, 3, len(chosen)), chosen)


def _grew(trace: Trace, place: int) -> Array:
    return trace.final["wram"][..., place] > trace.before["wram"][..., place]


FEATURES = (
    Feature("a brick is broken", lambda trace: trace.reward > 0),
    Feature(
        "a ball is lost",
        lambda trace: trace.final["wram"][..., _BALLS] < trace.before["wram"][..., _BALLS],
    ),
    Feature("the game ends", lambda trace: trace.terminated),
    Feature("an episode is cut off", lambda trace: trace.truncated, configs=("variables",)),
    Feature("the paddle moves to the right", lambda trace: _grew(trace, _PADDLE)),
)

with (HERE / "deviations.toml").open("rb") as stream:
    NOT_AS_PYBOY = tuple(
        f"{row['what']}: {row['why']} ({row['source']})"
        for row in tomllib.load(stream)["deviation"]
    )

SUITE = Suite(
    name="gameboy",
    reference="python:envlift.envs.gameboy.reference.pyboy:PyBoyReference",
    candidate="vector:envlift.envs.gameboy.watched:Watched",
    observation=Field("observation"),
    state=tuple(Field(name) for name in STATES),
    start="seed",
    restores=False,
    configs=CONFIGS,
    policies=(
        Policy("random"),
        Policy("held", hold=8),
        Policy("follow", follow, configs=("steps",)),
    ),
    components=COMPONENTS,
    features=FEATURES,
    transfer=TRANSFER,
    not_verified=(
        "Game Boy Color, sound registers, the serial port, the clock of MBC3, STOP and the opcodes "
        "that are none: PyBoy is no witness, or is not asked",
        "the moment of STAT interrupts, and OAM DMA while lines are drawn, instruction by "
        "instruction: the tests of the Rust core compare them with mooneye's figures",
        *NOT_AS_PYBOY,
    ),
)
