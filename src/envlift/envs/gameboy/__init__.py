"""The Game Boy: many of them side by side in one process, compiled from Rust (``crates/``)."""

from typing import Any

from envlift.registry import VectorRegistration


def make_vec(**options: Any) -> Any:
    """Make Game Boys; see ``envs.gameboy.vector_env.GameBoyVectorEnv`` for the options."""
    from envlift.envs.gameboy.vector_env import GameBoyVectorEnv

    return GameBoyVectorEnv(**options)


REGISTRATION = VectorRegistration(
    name="gameboy",
    factory=make_vec,
    title="Game Boy: any ROM with a game file; without one Bricks, a game of our own",
    suite="envlift.envs.gameboy.verification.suite:SUITE",
    reference="PyBoy 2.8.1",
)
