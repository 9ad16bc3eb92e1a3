"""Noticing, and undoing, what a turn changes outside its worktree.

In the sandbox tier ``none`` an agent's processes can write wherever their user can. What matters to
the verdict is watched: the project folder with its ledger and git settings, and envlift itself. A
change in the project folder is put back (a copy is kept, in case it was a person's), and the turn
does not count. Where nobody but a person can have made it (the turn waits for one, or the agent is
in a sandbox), it stays, and the loop stops and asks after the turn.

A change of envlift itself, of a library that it judges with, or of what Python runs when it starts
ends the loop: nobody can say what judges then. Tier ``bubblewrap`` makes everything outside
read-only.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import site
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import envlift
from envlift.translate.loop.workspace import CACHES, HIDDEN, WorkspaceError

LARGEST = 20_000_000
"""Bytes of a file up to which its content is kept; a larger one is told by size and time."""

Content = bytes | Path | tuple[int, int]
"""Of a file; where a link leads; size and time of a file that is too large."""


@dataclass
class Watch:
    """A copy of everything that a turn must not change.

    Args:
        roots: folders and files that are put back, all below the first.
        beside: paths below them that the turn may change.
        judges: folders that are only looked at.
    """

    roots: tuple[Path, ...]
    beside: tuple[Path, ...]
    judges: tuple[Path, ...] = ()
    _seen: dict[Path, Content] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._libraries = libraries()
        self._seen = {path: _content(path) for path in self._files(self.roots)}
        self._judging = {path: _content(path) for path in self._files(self.judges)}

    def judges_changed(self) -> list[Path]:
        """Return the changed paths among those that are only looked at."""
        now = {path: _content(path) for path in self._files(self.judges)}
        both = now.keys() | self._judging.keys()
        changed = [path for path in both if now.get(path) != self._judging.get(path)]
        after = libraries()
        for name in after.keys() | self._libraries.keys():
            if after.get(name) == self._libraries.get(name):
                continue
            if name.endswith(".pyc"):
                # What Python compiled by the way is made again; what somebody put there is not.
                with contextlib.suppress(OSError):
                    os.unlink(name)
            else:
                changed.append(Path(name))
        return sorted(changed)

    def put_back(self, keep: Path, *, theirs: bool = False) -> list[Path]:
        """Undo every change; return the paths that had been changed.

        Args:
            keep: folder for what stood there instead.
            theirs: a person alone can have changed the project's own files, so they stay as they
                are and are not told; what belongs to the loop and to git is put back all the same.

        Raises:
            WorkspaceError: for a file that is too large to have been kept.
        """
        changed, lost = [], []
        present = set(self._files(self.roots))
        for path in sorted(present - self._seen.keys()):
            if theirs and self._own(path):
                continue
            changed.append(path)
            self._keep(path, keep)
            path.unlink()
        for path, content in sorted(self._seen.items()):
            if path in present and _content(path) == content:
                continue
            if theirs and self._own(path):
                continue
            changed.append(path)
            if isinstance(content, tuple):
                lost.append(path)
                continue
            self._keep(path, keep)
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            path.unlink(missing_ok=True)
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Path):
                path.symlink_to(content)
            else:
                path.write_bytes(content)
        if lost:
            raise WorkspaceError(
                f"{lost[0]} changed during the turn and is too large to be put back; restore it, "
                "then run the same command again"
            )
        return changed

    def _own(self, path: Path) -> bool:
        """Whether a path is one of the project's own files, and not the loop's or git's."""
        return path.relative_to(self.roots[0]).parts[0] not in (HIDDEN, ".git")

    def _keep(self, path: Path, folder: Path) -> None:
        """Copy a file that is about to be put back, to the same place below ``folder``."""
        if path.is_file() and not path.is_symlink() and path.stat().st_size <= LARGEST:
            place = folder / path.relative_to(self.roots[0])
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)

    def _files(self, roots: Iterable[Path]) -> Iterator[Path]:
        for root in roots:
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
    return Watch((folder, *settings), (*beside, repository), (package,))


def _content(path: Path) -> Content:
    if path.is_symlink():
        return path.readlink()
    about = path.stat()
    if about.st_size > LARGEST:
        return about.st_size, about.st_mtime_ns
    return path.read_bytes()


JUDGING = ("numpy", "jax", "jaxlib", "gymnasium", "hypothesis", "envlift")
"""Packages whose every file a judgement rests on."""

AT_START = (".pth", ".py", ".so", ".zip", ".egg-link")
"""Endings of what, beside packages, Python reads when it starts or before others."""

Stamp = tuple[int, int, int, int]


def libraries() -> dict[str, Stamp]:
    """Return what tells whether somebody wrote what the judge will import: path -> stamp."""
    folders = {os.path.realpath(entry) for entry in sys.path if entry and os.path.isdir(entry)}
    with contextlib.suppress(Exception):
        folders.add(site.getusersitepackages())
    found: dict[str, Stamp] = {}
    for folder in folders:
        with contextlib.suppress(OSError):
            for entry in os.scandir(folder):
                if entry.name.endswith(AT_START) and not entry.is_dir():
                    found[entry.path] = _stamp(entry.path)
        for name in JUDGING:
            if os.path.isfile(os.path.join(folder, name, "__init__.py")):
                _add(os.path.join(folder, name), found)
    return found


def _add(folder: str, found: dict[str, Stamp]) -> None:
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            if entry.is_dir(follow_symlinks=False):
                _add(entry.path, found)
            else:
                found[entry.path] = _stamp(entry.path)


def _stamp(path: str) -> Stamp:
    try:
        about = os.lstat(path)
    except OSError:
        return (0, 0, 0, 0)
    return (about.st_ino, about.st_size, about.st_ctime_ns, about.st_mode)


def stamps(folder: Path) -> dict[str, Stamp]:
    """Return what tells whether a file was written: inode, size, and when it was changed last.

    Whoever changes a file and changes it back moves the last of these, which nobody can set. What
    Hypothesis remembers of its examples decides nothing.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        if ".hypothesis" not in path.parts and (path.is_symlink() or not path.is_dir()):
            found[str(path)] = _stamp(str(path))
    return found
