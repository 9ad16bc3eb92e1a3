"""HalfCheetah, from Gymnasium's HalfCheetah-v5 on MuJoCo 4.0: run as fast as you can."""

from typing import Any

from envlift.registry import Registration


def make(**options: Any) -> Any:
    """Make a HalfCheetah; see ``envs.half_cheetah.env.HalfCheetah`` for the options."""
    from envlift.envs.half_cheetah.env import HalfCheetah

    return HalfCheetah(**options)


REGISTRATION = Registration(
    name="half_cheetah",
    factory=make,
    title="HalfCheetah (MuJoCo): a planar runner with six motors",
    suite="envlift.envs.half_cheetah.verification.suite:SUITE",
    reference="Gymnasium 1.4 HalfCheetah-v5 on MuJoCo 4.0.0",
    render="envlift.envs.half_cheetah.render:frame",
    # On CUDA: benchmarks/results/gpu/2026-11-28-nvidia-h200-truth.json.
    verified_on={"warp": ("cpu", "cuda")},
    variants=(
        {"backend": "warp"},
        {"backend": "warp", "exclude_current_positions_from_observation": False},
    ),
)
