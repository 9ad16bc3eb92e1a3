"""What of Pong is measured, and beside what."""

from typing import Any

import numpy as np

from envlift.bench.benchmark import Benchmark, Case, Loop, ReferenceChild, ReferenceLoop


def rollout(env: Any, key: Any, state: Any, num_steps: int) -> Any:
    """Play random actions in one program; see ``Pong.random_rollout``."""
    state, seen = env.random_rollout(key, state, num_steps)
    return state.observations, seen.reward, seen.episodes


def play_reference(child: ReferenceChild, steps: int, seed: int) -> Loop:
    """Play random actions in a loop in C; see ``bench`` of the reference."""
    arguments = {"steps": np.array([steps], np.int64), "seed": np.array([seed], np.int64)}
    answer = child.call("bench", arguments)
    checksum = {name: int(value[0]) for name, value in answer.items() if name != "seconds"}
    return Loop(float(answer["seconds"][0]), checksum)


BENCH = Benchmark(
    rollout=rollout,
    reference=ReferenceLoop(
        "python:envlift.envs.pong.reference.pong:PongReference", play_reference
    ),
    backends=("warp", "jax"),
    cases=(
        Case("frameskip 1", {"frameskip": 1, "continuous": False}, {"frameskip": 1}),
        Case("frameskip 8", {"frameskip": 8, "continuous": False}, {"frameskip": 8}, 8, True),
    ),
)
