"""Pictures of registered environments, by the function that a registration names.

Shape letters: ``H``, ``W`` height and width of a picture.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from envlift.registry import AnyEnv, list_envs, registration

DEFAULT_FPS = 50
"""Pictures a second of an environment that does not say how fast it is."""


@dataclass(frozen=True)
class Renderer:
    """What draws the states of one environment.

    Attributes:
        frame: ``frame(state, scale)`` gives uint8 [H, W, 3].
        between: ``between(env, state, action)`` gives the states inside a step.
        fps: pictures a second at which things happen as fast as they do.
    """

    frame: Callable[[Any, float], np.ndarray[Any, np.dtype[Any]]]
    between: Callable[[Any, Any, Any], Sequence[Any]]
    fps: int

    def draw(self, state: Any, scale: float = 0.5) -> np.ndarray[Any, np.dtype[Any]]:
        """Draw one state, uint8 [H, W, 3].

        Raises:
            ModuleNotFoundError: if what draws is not installed; says how to install it.
        """
        try:
            # A copy: pictures of Pillow are read-only, and who films writes into them.
            return np.array(self.frame(jax.device_get(state), scale))
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                f'drawing needs {error.name}: pip install "envlift[train]"', name=error.name
            ) from None


def renderer_of(env: AnyEnv | str) -> Renderer | None:
    """Return what draws an environment, given itself or its name; None if nothing does.

    Raises:
        ValueError: for an unknown name.
    """
    if not isinstance(env, str):
        if env.info.name not in list_envs():
            return None
        env = env.info.name
    where = registration(env).render
    if where is None:
        return None
    name, _, function = where.partition(":")
    module = importlib.import_module(name)
    between: Any = getattr(module, "between", lambda env, state, action: [])
    return Renderer(getattr(module, function), between, int(getattr(module, "FPS", DEFAULT_FPS)))
