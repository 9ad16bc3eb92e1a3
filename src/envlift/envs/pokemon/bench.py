"""What of Pokémon battles is measured, and beside what: uniform legal play on both sides.

A step is a joint decision of both players; about 1.15 of them make a turn.
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
    """Play inside one program, both masks of every step written; see ``Pokemon.random_rollout``."""
    state, seen = env.random_rollout(key, state, num_steps)
    return state.legal, seen.battles, seen.turns


def play_reference(child: ReferenceChild, form: Form, steps: int, seed: int) -> Loop:
    """Play battles in Node, without a log and without an observation; see ``node/play.mjs``."""
    numbers = {"decisions": steps, "seed": seed}
    answer = child.call("play", {k: np.array([v], np.int64) for k, v in numbers.items()})
    played = int(answer["decisions"][0])
    if played != steps:
        raise ValueError(f"{steps} decisions were to be played, not {played}")
    checksum = {name: int(answer[name][0]) for name in ("checksum", "turns", "decisions")}
    return Loop(float(answer["seconds"][0]), checksum)


BENCH = Benchmark(
    rollout=rollout,
    references=(
        ReferenceLoop(
            "process:python -m envlift.envs.pokemon.reference",
            play_reference,
            steps=2_000,
            forms=(Form("log nulled"),),
            bars=Bars((300.0, 1_000.0), (100.0, 300.0)),
        ),
    ),
    backends=("warp",),
    sizes={
        "cpu": Sizes(
            environment_batches=(256, 1_024, 4_096),
            environment_steps=1 << 19,
            api_batches=(256, 1_024, 4_096),
            api_steps=1 << 16,
        )
    },
    compile_seconds=30.0,
)
