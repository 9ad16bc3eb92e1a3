"""envlift: fast reinforcement-learning environments, shown to be the same environment."""

from typing import Any

from envlift.env import Env, Transition
from envlift.registry import Registration, list_envs, make, register

__all__ = ["Env", "Registration", "Transition", "list_envs", "make", "make_vec", "register"]
__version__ = "0.1.0"


def make_vec(
    name: str, *, num_envs: int, autoreset_mode: str = "next_step", seed: int = 0, **options: Any
) -> Any:
    """Make a ``gymnasium.vector.VectorEnv``; see ``envlift.adapters.gymnasium``."""
    from envlift.adapters.gymnasium import VectorEnv

    return VectorEnv(
        make(name, autoreset="disabled", **options),
        num_envs=num_envs,
        autoreset_mode=autoreset_mode,
        seed=seed,
    )
