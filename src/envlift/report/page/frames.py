"""Two frames of a first difference, drawn by the environment's own renderer."""

from __future__ import annotations

import base64
import dataclasses
import importlib
import io
from typing import Any

import numpy as np

from envlift.registry import registration

SCALE = 0.5
LARGEST = 60_000
"""Bytes of one PNG; a larger one is left out, the page has to stay small."""


def draw(
    name: str | None, reference: dict[str, Any], candidate: dict[str, Any]
) -> tuple[dict[str, str], str]:
    """Draw both sides after the step.

    Args:
        name: of the registered environment; None if the pair is no registered one.
        reference, candidate: states as the evidence tells them.

    Returns:
        ``data:`` URIs by side, and why there are none.
    """
    if name is None:
        return {}, "the pair is no registered environment, so there is no renderer"
    render = registration(name).render
    if render is None:
        return {}, f"{name} has no renderer"
    try:
        module, _, function = render.partition(":")
        picture = getattr(importlib.import_module(module), function)
        kind = importlib.import_module(f"envlift.envs.{name}.state").State
        frames = {
            side: png(np.asarray(picture(_state(kind, values), SCALE)))
            for side, values in (("reference", reference), ("candidate", candidate))
        }
    except ModuleNotFoundError as error:
        return {}, f"the renderer needs {error.name}, which the extra `train` installs"
    except (ValueError, TypeError, AttributeError, ArithmeticError, OSError) as error:
        return {}, f"the renderer could not draw these states: {error}"
    return frames, ""


def _state(kind: Any, values: dict[str, Any]) -> Any:
    names = [one.name for one in dataclasses.fields(kind)]
    missing = [name for name in names if name not in values]
    if missing:
        raise ValueError(f"the evidence does not hold {', '.join(missing)}")
    return kind(**{name: np.asarray(values[name], dtype=float) for name in names})


def png(frame: np.ndarray[Any, Any]) -> str:
    """Return uint8 [H, W, 3] as a ``data:`` URI.

    Raises:
        ValueError: for anything else, or if the PNG is large.
    """
    from PIL import Image

    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
        raise ValueError(f"it gave {frame.dtype} {list(frame.shape)}, not uint8 [H, W, 3]")
    stream = io.BytesIO()
    Image.fromarray(frame).save(stream, format="PNG", optimize=True)
    if stream.tell() > LARGEST:
        raise ValueError(f"a frame takes {stream.tell():,} bytes, more than {LARGEST:,}")
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()
