"""Hashes as evidence held them before they covered all that a verdict rests on.

Only for the committed evidence that has nothing else; this file goes when that is made anew.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from envlift.sources import GENERATED_FOLDERS, GENERATED_SUFFIXES

OLD_KINDS = {
    "rules": ("env.py", "state.py", "rules/**/*.py", "tables/**/*"),
    "suite": ("look.py", "verification/*.py", "verification/*.toml", "reference/**/*"),
}


def old_hashes(folder: Path) -> dict[str, str]:
    """Return the two hashes of an environment's folder that old evidence holds."""
    return {kind: _hash(folder, patterns) for kind, patterns in OLD_KINDS.items()}


def _hash(folder: Path, patterns: tuple[str, ...]) -> str:
    whole = hashlib.sha256()
    paths = {path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}
    for name in sorted(path.relative_to(folder).as_posix() for path in paths):
        parts = Path(name).parts
        generated = any(part in GENERATED_FOLDERS or part.startswith(".") for part in parts)
        if generated or Path(name).suffix in GENERATED_SUFFIXES:
            continue
        if name != "verification/mutants.toml":
            content = (folder / name).read_bytes()
            whole.update(f"{name}\0{len(content)}\0".encode())
            whole.update(content)
    return whole.hexdigest()
