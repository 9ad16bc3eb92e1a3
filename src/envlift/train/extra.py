"""What the extra ``train`` installs, and what is said where it is missing."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from envlift.extras import install

_EXTRA = {
    "flax": "flax",
    "matplotlib": "matplotlib",
    "optax": "optax",
    "orbax.checkpoint": "orbax-checkpoint",
    "PIL": "pillow",
}


PICTURES = ("PIL",)
"""What of it films."""
POLICIES = ("flax", "optax", "orbax.checkpoint")
"""What of it reads a policy."""


def require_extra(command: str, modules: Sequence[str] = tuple(_EXTRA)) -> None:
    """Look for some of its modules before a command begins, by default for all.

    Raises:
        ModuleNotFoundError: naming what is missing, and how to install it.
    """
    missing = []
    for module in modules:
        try:
            importlib.import_module(module)
        except ModuleNotFoundError:
            missing.append(_EXTRA[module])
    if missing:
        raise ModuleNotFoundError(
            f"envlift {command} needs {', '.join(missing)}: {install('train', missing)}"
        )
