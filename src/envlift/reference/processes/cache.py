"""Where fetched and compiled references are kept."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Return the user's cache folder of envlift: ``ENVLIFT_CACHE``, else the platform's."""
    chosen = os.environ.get("ENVLIFT_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_cache_dir("envlift", appauthor=False))
