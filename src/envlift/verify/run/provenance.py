"""What exactly was compared: versions of the libraries, hashes of the files."""

from __future__ import annotations

import contextlib
import importlib.metadata
import platform

from envlift.registry import list_envs, vector_registration
from envlift.sources import folder_of, hashes
from envlift.verify.sides.candidates import load
from envlift.verify.suite import Suite

LIBRARIES = (
    *("envlift", "jax", "jaxlib", "warp-lang", "numpy", "scipy", "gymnasium", "gymnax"),
    *("hypothesis", "flax", "optax"),
)


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that are installed."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in LIBRARIES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def _own_candidate(name: str) -> object:
    """Return the launch string of a registered environment, None for another name."""
    compiled = vector_registration(name)
    if compiled is not None and compiled.suite is not None:
        return load(compiled.suite).candidate
    return name if name in list_envs() else None


def sources(suite: Suite, name: str, reference: str | None) -> dict[str, str]:
    """Return hashes where what runs is a registered environment beside its own reference.

    Args:
        suite: with its candidate.
        name: by which the suite was found.
        reference: what replaces the suite's, None if nothing does.
    """
    if reference is not None or suite.candidate != _own_candidate(name):
        return {}
    folder = folder_of(name)
    return {} if folder is None else hashes(folder)
