"""envlift: fast reinforcement-learning environments, shown to be the same environment.

``from envlift.verify import verify`` compares two of them; it stands there because a package and a
function cannot both be ``envlift.verify``.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from envlift.env import Env, Game, Transition
from envlift.opponents import against
from envlift.registry import (
    Registration,
    list_envs,
    list_vector_envs,
    make,
    make_alone,
    register,
    vector_registration,
)

if TYPE_CHECKING:
    from gymnasium.vector import AutoresetMode, VectorEnv

__all__ = [
    "Env",
    "Game",
    "Registration",
    "Transition",
    "against",
    "list_envs",
    "list_vector_envs",
    "make",
    "make_vec",
    "register",
]
__version__ = "0.1.0"

# Gymnasium knows `envlift/pong-v1` from here on. An environment that cannot be imported hides no
# other one; `list_envs` says what is wrong with it.
with contextlib.suppress(ImportError):
    list_envs()


def make_vec(
    name: str,
    *,
    num_envs: int,
    autoreset_mode: str | AutoresetMode = "next_step",
    seed: int | None = 0,
    **options: Any,
) -> VectorEnv[Any, Any, Any]:
    """Make a ``gymnasium.vector.VectorEnv`` by name.

    Args:
        name: one of ``list_envs()`` or ``list_vector_envs()``.
        num_envs: how many environments step together.
        autoreset_mode: ``next_step``, ``same_step`` or ``disabled``, or Gymnasium's enum.
        seed: of the first ``reset``, if that one names none; None takes a fresh one.
        options: as for ``make``, or those of a compiled environment; a game is played against
            ``opponent`` ("random" if left out) from ``seat`` (drawn for each episode if left
            out), see ``against``.

    Raises:
        ValueError: for an unknown name (the message lists the known ones), an unknown mode, or
            an option out of range.
        TypeError: for an option that the environment does not have.
    """
    compiled = vector_registration(name)
    if compiled is not None:
        made: VectorEnv[Any, Any, Any] = compiled.factory(
            num_envs=num_envs, autoreset_mode=autoreset_mode, seed=seed, **options
        )
        return made
    # Importing it here keeps `import envlift` free of Gymnasium's vector machinery.
    from envlift.adapters.gymnasium import VectorEnv as Lanes

    return Lanes(
        make_alone(name, autoreset="disabled", **options),
        num_envs=num_envs,
        autoreset_mode=autoreset_mode,
        seed=seed,
    )
