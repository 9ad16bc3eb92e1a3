"""Pong, from PufferLib 3.0's C: the right paddle against a scripted left one, to 21 points."""

from typing import Any

from envlift.registry import Registration


def make(**options: Any) -> Any:
    """Make a Pong; see ``envs.pong.env.Pong`` for the options."""
    from envlift.envs.pong.env import Pong

    return Pong(**options)


REGISTRATION = Registration(
    name="pong",
    factory=make,
    title="Pong (PufferLib): one paddle against a scripted one, to 21 points",
    suite="envlift.envs.pong.verification.suite:SUITE",
    reference="PufferLib 3.0.0 pong.h",
    variants=tuple(
        {"backend": backend, "continuous": continuous, "frameskip": frameskip}
        for backend in ("jax", "warp")
        for continuous in (False, True)
        for frameskip in (1, 4)
    ),
    render="envlift.envs.pong.render:frame",
    # On CUDA: benchmarks/results/gpu/2026-11-28-nvidia-h200-truth.json.
    verified_on={"jax": ("cpu", "cuda"), "warp": ("cpu", "cuda")},
)
