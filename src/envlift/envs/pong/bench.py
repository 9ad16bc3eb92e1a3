"""What of Pong is measured, and beside what."""

from typing import Any

import numpy as np

from envlift.bench.benchmark import (
    Benchmark,
    Case,
    Form,
    Loop,
    Recorded,
    ReferenceChild,
    ReferenceLoop,
    Training,
)
from envlift.envs.pong.reference.chance import draw_chance


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

REFERENCE = "python:envlift.envs.pong.reference.pong:PongReference"
SPEC = "its own trainer, on one core of a machine like this one; measured before, not in this run"

SHARED = {"share_layers": True}
"""As PufferLib has it: equal work."""

TRAINING = Training(
    launch=REFERENCE,
    draw_chance=draw_chance,
    reference={"frameskip": 8, "continuous": False},
    candidate={"frameskip": 8},
    # One pass over rollouts of 64 steps in minibatches of 8,192: PufferLib 3.0's defaults.
    settings={"horizon": 64, "epochs": 1, "num_envs": 1024, "minibatches": 8},
    target_score=20.0,
    gpu={"frameskip": 1},
    recorded=(
        Recorded(
            "PufferLib 3.0, MLP", 256_000, {"network": "mlp", "hidden": 128, **SHARED}, 2.0, SPEC
        ),
        # 148 units make a GRU of 134K parameters, as many as its LSTM of 128 units has.
        Recorded(
            "PufferLib 3.0, LSTM", 42_000, {"network": "gru", "hidden": 148, **SHARED}, 2.0, SPEC
        ),
    ),
)

BENCH = Benchmark(
    rollout=rollout,
    references=(ReferenceLoop(REFERENCE, play_reference, forms=FORMS),),
    backends=("warp", "jax"),
    cases=(
        Case("frameskip 1", {"frameskip": 1, "continuous": False}, {"frameskip": 1}),
        Case("frameskip 8", {"frameskip": 8, "continuous": False}, {"frameskip": 8}, 8, True),
    ),
    training=TRAINING,
)
