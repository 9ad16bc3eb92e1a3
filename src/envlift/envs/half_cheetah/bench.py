"""What of HalfCheetah is measured, and beside what."""

from __future__ import annotations

from dataclasses import replace
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
    Training,
)

HERE = "envlift.envs.half_cheetah"


def rollout(env: Any, key: Any, state: Any, num_steps: int) -> Any:
    """Play random actions in one program; see ``HalfCheetah.random_rollout``."""
    state, seen = env.random_rollout(key, state, num_steps)
    return state.qpos, state.qvel, seen.reward, seen.episodes


def play(child: ReferenceChild, form: Form, steps: int, seed: int) -> Loop:
    """Play random actions in a baseline's own loop; see ``baselines/base.py``."""
    numbers = {"batch": form.batch, "steps": steps, "seed": seed, **form.arguments}
    answer = child.call("play", {k: np.array([v], np.int64) for k, v in numbers.items()})
    played = int(answer["steps"][0])
    if played != steps:
        raise ValueError(f"{steps} steps were to be played by {form.batch} lanes, not {played}")
    compiled = answer.get("compile_seconds")
    return Loop(
        float(answer["seconds"][0]),
        {"observations": int(answer["sum"][0]), "steps": played},
        None if compiled is None else float(compiled[0]),
    )


def _loop(
    name: str, program: str, steps: int, forms: tuple[Form, ...], **changes: Any
) -> ReferenceLoop:
    loop = ReferenceLoop(
        f"python:{HERE}.baselines.{program}",
        play,
        name=name,
        steps=steps,
        forms=forms,
        threaded=True,
        config={"requirements": f"{HERE}.baselines:requirements.txt"},
        bars=Bars(),
    )
    return replace(loop, **changes)


def _scans(*shapes: tuple[int, int]) -> tuple[Form, ...]:
    return tuple(Form(f"scan of {t}", batch, {"length": t}) for batch, t in shapes)


LIGHT = {"requirements": f"{HERE}.reference:requirements.txt"}
"""MuJoCo and Gymnasium alone: what the verifier's reference has."""

ROLLOUT = _loop(
    "mujoco.rollout",
    "rollout:MujocoRollout",
    1 << 16,
    tuple(
        Form(f"chunks of {c}" if c else "its own chunks", b, {"length": 128, "chunk": c})
        for b in (32, 64, 128)
        for c in (0, 1)
    ),
    trial_steps=1 << 14,
    config=LIGHT,
    bars=Bars(api=(4.0, 10.0)),
)
# AsyncVectorEnv is slower than one environment alone: it sends every action through a pipe.
GYMNASIUM = _loop(
    "Gymnasium",
    "simulators:Gymnasium",
    1 << 13,
    (Form("gymnasium.make"),),
    threaded=False,
    config=LIGHT,
)
ENVPOOL = _loop(
    "EnvPool",
    "simulators:EnvPool",
    1 << 15,
    tuple(Form("synchronous", batch) for batch in (32, 64, 128)),
)
# A program takes long to compile, so a quick run tries one batch only.
MJX = _loop(
    "MJX",
    "on_jax:Mjx",
    1 << 12,
    _scans((64, 16), (256, 4)),
    trial_steps=1 << 10,
    quick_forms=1,
    bars=Bars(api=(200.0, None)),
)
BRAX = tuple(
    replace(
        MJX,
        launch=f"python:{HERE}.baselines.on_jax:Brax",
        name=f"Brax {physics}",
        config={**MJX.config, "physics": physics},
        bars=Bars(api=(18.0, None)),
    )
    for physics in ("spring", "positional", "generalized")
)


def _on_gpu(reference: ReferenceLoop, bars: Bars, **config: str) -> ReferenceLoop:
    return replace(
        reference,
        device="gpu",
        steps=1 << 19,
        trial_steps=1 << 17,
        forms=_scans((4096, 32), (32768, 4)),
        config={**reference.config, "device": "gpu", **config},
        bars=bars,
    )


ON_GPU = (
    _on_gpu(MJX, Bars(api=(5.0, None))),
    _on_gpu(replace(MJX, name="MuJoCo Warp"), Bars(), impl="warp"),
    *(_on_gpu(reference, Bars()) for reference in BRAX),
)

TRAINING = Training(
    launch=f"python:{HERE}.reference.half_cheetah:HalfCheetahReference",
    reference=LIGHT,
    settings={"network": "mlp", "horizon": 64, "epochs": 1, "num_envs": 1024, "minibatches": 8},
    target_score=3000.0,
    # MuJoCo is not installed where the trainer runs.
    direct=False,
)

BENCH = Benchmark(
    rollout=rollout,
    references=(ROLLOUT, ENVPOOL, GYMNASIUM, MJX, *BRAX, *ON_GPU),
    backends=("warp",),
    sizes={
        "cpu": Sizes((4096, 16384), 1 << 20, (256, 1024, 4096, 16384), 1 << 20),
        "gpu": Sizes((32768, 131072), 1 << 23, (4096, 32768, 131072), 1 << 22),
    },
    compile_seconds=15.0,
    linear_memory=True,
    chaotic=True,
    training=TRAINING,
)
