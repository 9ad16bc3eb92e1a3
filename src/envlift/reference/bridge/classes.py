"""Gymnasium environments that nobody registered: a class in a module or in a file."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import Any


def made(id: str, options: dict[str, Any]) -> Any:
    """Return ``gymnasium.make(id, **options)``, also for a class that has no id.

    Args:
        id: a registered id, ``module:ID``, ``module:Class`` or ``path/to/file.py:Class``.
        options: of ``gymnasium.make`` and of the class's constructor.

    Raises:
        ValueError: if the file has no such environment.
        gymnasium.error.Error: as ``gymnasium.make``.
    """
    import gymnasium

    kind = _class(id)
    if kind is None:
        return gymnasium.make(id, **options)
    spec = gymnasium.envs.registration.EnvSpec(f"{kind.__name__}-v0", entry_point=kind)
    return gymnasium.make(spec, **options)


def _class(id: str) -> Any:
    """Return the class that an id names, None if it names something that is registered."""
    import gymnasium

    place, _, name = id.rpartition(":")
    if not place or not name.isidentifier():
        return None
    if place.endswith(".py"):
        found = getattr(_file(Path(place)), name, None)
        if isinstance(found, type) and issubclass(found, gymnasium.Env):
            return found
        raise ValueError(f"{place} has no gymnasium.Env named {name!r}")
    try:
        found = getattr(importlib.import_module(place), name, None)
    except ModuleNotFoundError:
        return None  # gymnasium.make says it better
    return found if isinstance(found, type) and issubclass(found, gymnasium.Env) else None


def _file(path: Path) -> Any:
    """Import a file; what stands beside it can be imported by it."""
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    name = f"envlift_reference_{path.stem}"
    if name not in sys.modules:
        folder = str(path.resolve().parent)
        if folder not in sys.path:
            sys.path.append(folder)
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]
