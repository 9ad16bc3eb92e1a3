"""Where the code of strangers runs: apart from who judges it, with few rights.

With bubblewrap a stranger has a user, process, network, IPC and host name space of its own: it sees
no other process, reaches no network, and finds the machine read-only, without the folders that hold
the answers. Its only places to write are a fresh ``/tmp`` and what it is given. Where bubblewrap
cannot be had, only the limits of ``limits.py`` and the audit of ``audit.py`` are left, and
``Isolation.trouble`` says why: a verdict that was reached like that says so.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from envlift.candidate import limits
from envlift.candidate.audit import HIDDEN

Wanted = Literal["auto", "required", "none"]

LARGEST_FILE = 1 << 30
"""Bytes to which a stranger's file may grow."""

_NAMESPACES = (
    *("--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"),
    *("--cap-drop", "ALL", "--die-with-parent"),
    *("--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"),
)
_ACCELERATORS = ("nvidia*", "dri", "kfd")
_PROBE_SECONDS = 20.0


class NotIsolatedError(ValueError):
    """Isolation was required and cannot be had; the message says why and what to do."""


@functools.lru_cache
def trouble_here() -> str:
    """Return why strangers cannot be isolated on this machine, empty if they can."""
    program = shutil.which("bwrap")
    if program is None:
        return "the program bwrap was not found on PATH; install bubblewrap"
    words = [program, "--ro-bind", "/", "/", *_NAMESPACES, "true"]
    try:
        ended = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PROBE_SECONDS,
            check=False,
            cwd=tempfile.gettempdir(),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bwrap does not start: {error}"
    if ended.returncode == 0:
        return ""
    said = ended.stderr.strip() or f"exit status {ended.returncode}"
    return f"this machine or container does not let bwrap make its namespaces ({said})"


@dataclass(frozen=True)
class Isolation:
    """What a stranger's processes see, and where they work.

    Attributes:
        trouble: why there is no sandbox, empty if there is one.
        hidden: folders that are empty for it.
        shown: what it reads nevertheless, below hidden folders or in ``/tmp``.
        writable: what it may write beside ``/tmp``.
        folder: where it works.
        path: its ``sys.path``, None for that of this process.
        environment: variables that it gets beside those of this process.
    """

    trouble: str
    hidden: tuple[Path, ...] = ()
    shown: tuple[Path, ...] = ()
    writable: tuple[Path, ...] = ()
    folder: Path | None = None
    path: tuple[str, ...] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    def command(self, words: Sequence[str]) -> list[str]:
        """Return the words that start a command in here."""
        limited = [sys.executable, "-I", "-S", limits.__file__, str(LARGEST_FILE), *words]
        if self.trouble:
            return limited
        bwrap = shutil.which("bwrap")
        assert bwrap is not None
        built = [bwrap, "--ro-bind", "/", "/", *_NAMESPACES]
        for pattern in _ACCELERATORS:
            for device in sorted(Path("/dev").glob(pattern)):
                built += ["--dev-bind-try", str(device), str(device)]
        placed = [(folder.resolve(), True) for folder in self.hidden if folder.is_dir()]
        placed += [(one.resolve(), False) for one in (*self._covered(words[0]), *self.shown)]
        # What lies within something else comes after it: it is hidden or shown whatever that is.
        for place, hides in sorted(placed, key=lambda one: len(one[0].parts)):
            there = str(place)
            built += ["--tmpfs", there] if hides else ["--ro-bind", there, there]
        for place in self.writable:
            built += ["--bind", str(place.resolve()), str(place.resolve())]
        folder = (self.folder or Path("/tmp")).resolve()
        return [*built, "--chdir", str(folder), "--", *limited]

    def _covered(self, program: str) -> list[Path]:
        """Return what a program needs to read and a hidden folder, or a fresh ``/tmp``, covers."""
        hidden = [place.resolve() for place in self.hidden]
        over = [Path("/tmp").resolve(), *hidden]
        needed = {Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()}
        # The environment that Python belongs to, also where its start-up files were not read.
        needed |= {Path(sys.executable).absolute().parents[1]}
        if os.sep in program:
            needed |= {Path(program).absolute().parents[1]}
        needed |= {Path(__file__).resolve().parents[2]}
        needed |= {Path(entry).resolve() for entry in sys.path if entry and Path(entry).is_dir()}
        found = sorted(
            place
            for place in needed - set(over)
            if any(place.is_relative_to(one) for one in over)
            and not any(one.is_relative_to(place) for one in hidden)
        )
        # What lies below another needs no line of its own.
        return [p for p in found if not any(p != q and p.is_relative_to(q) for q in found)]

    def variables(self) -> dict[str, str]:
        """Return the environment variables of a stranger's process."""
        # Caches under HOME cannot be written, and Warp compiles into one.
        places = {} if self.trouble else {"TMPDIR": "/tmp", "WARP_CACHE_PATH": "/tmp/warp"}
        places["PYTHONDONTWRITEBYTECODE"] = "1"
        places[HIDDEN] = os.pathsep.join(map(str, self.hidden))
        return {**os.environ, **places, **self.environment}


def choose(wanted: Wanted) -> str:
    """Return why strangers will not be isolated, empty if they will be.

    Raises:
        NotIsolatedError: if it is required and cannot be had.
    """
    if wanted == "none":
        return "it was asked not to be"
    trouble = trouble_here()
    if trouble and wanted == "required":
        raise NotIsolatedError(
            f"--sandbox required: what is judged cannot be isolated here: {trouble}. Run where "
            "bubblewrap works, or leave --sandbox required out and read the verdict for what it is"
        )
    return trouble
