"""A candidate that looks at the reference proves nothing: this makes looking an error.

While candidate code runs, Python's audit events are listened to: starting a process, opening a
connection, importing an environment's ``reference`` or ``verification`` folder or the
``envlift.reference`` client, and opening or loading a file of the reference's cache or of another
process all raise ``CandidateViolation``. Compiled code can escape such an audit; that the candidate
runs in a process of its own, moves before the reference is asked, and that seeds are fresh on every
run, does not depend on it.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from envlift.reference.failure import CandidateViolation
from envlift.reference.processes.cache import cache_folder

# One flag for the process, not one per thread: XLA calls back into Python from its own threads.
_auditing = 0
_forbidden: tuple[str, ...] = ()
_allowed: tuple[str, ...] = ()
_installed = False

HIDDEN = "ENVLIFT_HIDDEN"
"""Variable with more folders that a candidate may not read, see ``isolation.py``."""

_OUTSIDE = (
    "subprocess.Popen",
    "os.system",
    "os.posix_spawn",
    "os.exec",
    "os.fork",
    "socket.connect",
)
_OF_A_PROCESS = re.compile(r"/proc/(\d+)(?:/|$)")
_FILES = ("open", "ctypes.dlopen", "os.listdir", "os.scandir")


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not _auditing:
        return
    if event in _OUTSIDE:
        raise CandidateViolation(f"the candidate called {event}: it may not reach outside")
    if event == "ctypes.dlopen" and arguments[0] is None:
        raise CandidateViolation("the candidate asked for the system's own functions by ctypes")
    if event == "import" and _is_reference(str(arguments[0])):
        raise CandidateViolation(f"the candidate imported {arguments[0]}: it may not see answers")
    if event in _FILES and arguments and isinstance(arguments[0], (str, bytes, os.PathLike)):
        path = os.path.realpath(os.fsdecode(arguments[0]))
        other = _OF_A_PROCESS.match(path)
        if other and int(other[1]) != os.getpid():
            raise CandidateViolation(f"the candidate opened {path}: it may not see other processes")
        if _reach(_forbidden, path) > _reach(_allowed, path):
            raise CandidateViolation(f"the candidate opened {path}: it may not see the reference")


def _is_reference(module: str) -> bool:
    parts = module.split(".")
    if parts[:2] == ["envlift", "envs"]:
        return "reference" in parts[3:] or "verification" in parts[3:]
    return parts[:2] == ["envlift", "reference"]


def _reach(folders: tuple[str, ...], path: str) -> int:
    """Return how long the longest of the folders is that a path lies in; 0 for none."""
    return max((len(folder) for folder in folders if path.startswith(folder)), default=0)


def _folders(places: Iterable[str | os.PathLike[str]]) -> tuple[str, ...]:
    return tuple(os.path.join(os.path.realpath(place), "") for place in places if str(place))


@contextlib.contextmanager
def audited() -> Iterator[None]:
    """Audit the process while candidate code runs."""
    global _forbidden, _allowed, _installed, _auditing
    if not _installed:
        hidden = os.environ.get(HIDDEN, "")
        _forbidden = _folders([cache_folder(), *filter(None, hidden.split(os.pathsep))])
        _allowed = _folders([sys.prefix, sys.base_prefix, *sys.path]) if hidden else ()
        # Warp asks for it when it starts, and Python starts a process once to find out.
        platform.processor()
        sys.addaudithook(_audit)
        _installed = True
    _auditing += 1
    try:
        yield
    finally:
        _auditing -= 1
