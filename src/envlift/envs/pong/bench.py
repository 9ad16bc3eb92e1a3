"""What of Pong is measured, and beside what."""

from typing import Any

import numpy as np

from envlift.bench.benchmark import Benchmark, Case, Form, Loop, ReferenceChild, ReferenceLoop


def rollout(env: Any, key: Any, state: Any, num_steps: int) -> Any:
    """Play random actions in one program; see ``Pong.random_rollout``."""
    state, seen = env.random_rollout(key, state, num_steps)
    return state.observations, seen.reward, seen.episodes


def play_reference(child: ReferenceChild, form: Form, steps: int, seed: int) -> Loop:
    """Play random actions in a loop in C; see ``PongReference.bench``."""
    numbers = {"envs": form.batch, "steps": steps // form.batch, "seed": seed, **form.arguments}
    answer = child.call("bench", {k: np.array([v], np.int64) for k, v in numbers.items()})
    played = int(answer["steps"][0])
    if played != steps:
        raise ValueError(f"{steps} steps were to be played by {form.batch} games, not {played}")
    checksum = {
        # A sum of float64 by one thread in a fixed order: equal seeds give equal bits.
        "observations": round(float(answer["checksum"][0]) * 4096),
        "terminals": int(answer["terminals"][0]),
        "steps": played,
    }
    return Loop(float(answer["seconds"][0]), checksum)


# Compiler flags (``reference/build.py``, BENCHES) and games in turn: each is fastest somewhere.
FORMS = tuple(
    Form(name, games, {"variant": variant})
    for variant, name in enumerate(("C -O2", "C -O3 native", "C -O3 native finite-math"))
    for games in (1, 64, 1024)
)

BENCH = Benchmark(
    rollout=rollout,
    reference=ReferenceLoop(
        "python:envlift.envs.pong.reference.pong:PongReference", play_reference, forms=FORMS
    ),
    backends=("warp", "jax"),
    cases=(
        Case("frameskip 1", {"frameskip": 1, "continuous": False}, {"frameskip": 1}),
        Case("frameskip 8", {"frameskip": 8, "continuous": False}, {"frameskip": 8}, 8, True),
    ),
)
