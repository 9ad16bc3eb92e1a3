"""What the extra ``train`` installs, and what is said where it is missing."""

from __future__ import annotations

import importlib

_EXTRA = {
    "flax": "flax",
    "matplotlib": "matplotlib",
    "optax": "optax",
    "orbax.checkpoint": "orbax-checkpoint",
    "PIL": "pillow",
}


def require_extra(command: str) -> None:
    """Look for all of it before a command begins.

    Raises:
        ModuleNotFoundError: naming what is missing, and how to install it.
    """
    missing = []
    for module, package in _EXTRA.items():
        try:
            importlib.import_module(module)
        except ModuleNotFoundError:
            missing.append(package)
    if missing:
        raise ModuleNotFoundError(
            f'envlift {command} needs {", ".join(missing)}: pip install "envlift[train]"'
        )
