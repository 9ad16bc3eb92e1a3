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

from envlift.extras import install
from envlift.opponents import Against
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
                f"drawing needs {error.name}: {install('train', ['pillow'])}", name=error.name
            ) from None


def renderer_of(env: AnyEnv | str) -> Renderer | None:
    """Return what draws an environment, given itself or its name; None if nothing does.

    Raises:
        ValueError: for an unknown name.
    """
    if isinstance(env, Against):
        of_game = renderer_of(env.game)
        return None if of_game is None else _of_the_game(of_game)
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


def _of_the_game(renderer: Renderer) -> Renderer:
    """Return what draws the states of one player's view by those of its game."""
    return Renderer(
        lambda state, scale: renderer.frame(state.game, scale), lambda *_: [], renderer.fps
    )


def pictures_of(env: AnyEnv, render_mode: str | None) -> tuple[dict[str, Any], Renderer | None]:
    """Return Gymnasium's metadata, and what draws if it is wanted.

    Raises:
        ValueError: for a render mode that the environment does not have.
    """
    renderer = renderer_of(env)
    metadata: dict[str, Any] = {"render_modes": [] if renderer is None else ["rgb_array"]}
    if renderer is not None:
        metadata["render_fps"] = renderer.fps
    if render_mode is not None and render_mode not in metadata["render_modes"]:
        known = " or ".join(map(repr, [*metadata["render_modes"], None]))
        raise ValueError(f"{env!r} has no render_mode={render_mode!r}: give {known}")
    return metadata, None if render_mode is None else renderer
