"""The compiled package, or a sentence that says how to get it."""

from __future__ import annotations

import importlib
from typing import Any


def native() -> Any:
    """Return the module ``envlift_gameboy``.

    Raises:
        ImportError: if it is not installed; the message says how to install or build it.
    """
    try:
        return importlib.import_module("envlift_gameboy")
    except ModuleNotFoundError as error:
        if error.name != "envlift_gameboy":
            raise
        raise ImportError(
            "the Game Boy is compiled and comes in a package of its own: "
            "in a copy of the repository `make gameboy` builds it; "
            "that needs Rust (rustup, or Debian's packages cargo and rustc)."
        ) from None
