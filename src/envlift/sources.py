"""Which files the evidence of an environment depends on, as one hash per kind.

Evidence is a statement about files. Their hashes are written into it, so that changed rules cannot
keep the evidence of the old ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

KINDS = {
    "rules": ("env.py", "state.py", "rules/**/*.py", "tables/**/*"),
    # ``look.py`` shows level 1 what rules compute on their way.
    "suite": ("look.py", "verification/*.py", "verification/*.toml", "reference/**/*"),
}
"""Kind -> patterns of the files that belong to it, relative to the environment's folder."""

NOT_SOURCES = {"verification/mutants.toml"}
"""``mutants.toml`` explains what mutation found; no comparison reads it."""

GENERATED_FOLDERS = {"__pycache__", "node_modules"}
GENERATED_SUFFIXES = {".pyc", ".pyo", ".o", ".a", ".so", ".dylib", ".dll", ".gcda", ".gcno"}


def folder_of(name: str) -> Path | None:
    """Return the folder under ``envs/`` of a registered environment, None if it has none there."""
    folder = Path(__file__).parent / "envs" / name
    return folder if folder.is_dir() else None


def hashes(folder: Path) -> dict[str, str]:
    """Return a SHA-256 for every kind of source of an environment, in hexadecimal digits.

    Args:
        folder: of the environment.
    """
    return {kind: _hash(folder, _files(folder, patterns)) for kind, patterns in KINDS.items()}


def _files(folder: Path, patterns: tuple[str, ...]) -> Iterator[str]:
    """Yield the paths of one kind, relative to the folder and with slashes."""
    for path in (path for pattern in patterns for path in folder.glob(pattern)):
        relative = path.relative_to(folder)
        # A list of what is generated, not of what is a source: an unknown file then fails a check
        # where somebody sees it, instead of never being looked at.
        generated = path.suffix in GENERATED_SUFFIXES or any(
            part in GENERATED_FOLDERS or part.startswith(".") for part in relative.parts
        )
        if path.is_file() and not generated and relative.as_posix() not in NOT_SOURCES:
            yield relative.as_posix()


def _hash(folder: Path, files: Iterator[str]) -> str:
    whole = hashlib.sha256()
    for name in sorted(set(files)):
        content = (folder / name).read_bytes()
        # With the length between them, no file's end can pass for the next one's name.
        whole.update(f"{name}\0{len(content)}\0".encode())
        whole.update(content)
    return whole.hexdigest()
