"""What of the game is measured, and beside what: uniform legal play on both sides.

A step is one decision of one player; some 100 of them make a game of the built-in decks.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from envlift.bench.benchmark import (
    Bars,
    Benchmark,
    Form,
    Loop,
    ReferenceChild,
    ReferenceLoop,
    Sizes,
)


def rollout(env: Any, key: Any, state: Any, num_steps: int) -> Any:
    """Play inside one program; see ``TcgPocket.random_rollout``."""
    state, seen = env.random_rollout(key, state, num_steps)
    return state.decision, seen.games, seen.turns


def play_reference(child: ReferenceChild, form: Form, steps: int, seed: int) -> Loop:
    """Play games in plain Python, without observations; see ``reference/play.py``."""
    numbers = {"decisions": steps, "seed": seed}
    answer = child.call("play", {k: np.array([v], np.int64) for k, v in numbers.items()})
    played = int(answer["decisions"][0])
    if played != steps:
        raise ValueError(f"{steps} decisions were to be played, not {played}")
    checksum = {name: int(answer[name][0]) for name in ("checksum", "turns", "games")}
    return Loop(float(answer["seconds"][0]), checksum)


BENCH = Benchmark(
    rollout=rollout,
    references=(
        ReferenceLoop(
            "python:envlift.envs.tcg_pocket.reference.play:PocketPlayer",
            play_reference,
            steps=1_000,
            forms=(Form("plain Python"),),
            bars=Bars((300.0, 1_000.0), (100.0, 300.0)),
        ),
    ),
    backends=("warp",),
    sizes={
        "cpu": Sizes(
            environment_batches=(64, 256, 1_024),
            environment_steps=1 << 20,
            api_batches=(256, 1_024, 4_096),
            api_steps=1 << 16,
        )
    },
    compile_seconds=30.0,
)
