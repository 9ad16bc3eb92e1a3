"""Noticing, and undoing, what a turn changes outside its worktree.

In the sandbox tier ``none`` an agent's processes can write wherever their user can. What matters to
the verdict is watched: the project folder with its ledger and git settings, and envlift itself. A
change there is put back, and the turn does not count. Tier ``bubblewrap`` makes everything else
read-only as well.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import envlift

LARGEST = 20_000_000
"""Bytes of a file up to which its content is kept; a larger one is told by size and time."""

CACHES = {"__pycache__", ".pytest_cache", ".hypothesis", ".mypy_cache", ".ruff_cache", "target"}


@dataclass
class Watch:
    """A copy of everything that a turn must not change.

    Args:
        roots: folders and files.
        beside: paths below them that the turn may change.
    """

    roots: tuple[Path, ...]
    beside: tuple[Path, ...]
    _seen: dict[Path, bytes | tuple[int, int]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._seen = {path: _content(path) for path in self._files()}

    def put_back(self) -> list[Path]:
        """Undo every change; return the paths that had been changed."""
        changed = []
        present = set(self._files())
        for path in sorted(present - self._seen.keys()):
            changed.append(path)
            path.unlink()
        for path, content in sorted(self._seen.items()):
            if path in present and _content(path) == content:
                continue
            changed.append(path)
            if isinstance(content, bytes):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                path.unlink(missing_ok=True)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        return changed

    def _files(self) -> Iterator[Path]:
        for root in self.roots:
            yield from self._below(root)

    def _below(self, path: Path) -> Iterator[Path]:
        if path in self.beside or path.name in CACHES:
            return
        if path.is_symlink() or path.is_file():
            yield path
        elif path.is_dir():
            for inner in sorted(path.iterdir()):
                yield from self._below(inner)


def watch(folder: Path, beside: Iterable[Path]) -> Watch:
    """Watch a project folder, git's settings in it, and the installed envlift.

    Args:
        folder: of the project.
        beside: the turn's own worktree and log.
    """
    repository = folder / ".git"
    settings = tuple(repository / name for name in ("config", "hooks", "info"))
    package = Path(envlift.__file__).resolve().parent
    return Watch((folder, *settings, package), (*beside, repository))


def _content(path: Path) -> bytes | tuple[int, int]:
    if path.is_symlink():
        return b"link " + bytes(path.readlink())
    about = path.stat()
    if about.st_size > LARGEST:
        return about.st_size, about.st_mtime_ns
    return path.read_bytes()
