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
from collections.abc import Iterator
from typing import Any

from envlift.reference.failure import CandidateViolation
from envlift.reference.processes.cache import cache_folder

# One flag for the process, not one per thread: XLA calls back into Python from its own threads.
_auditing = 0
_forbidden_folder = ""
_installed = False

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
    if event == "import" and _is_reference(str(arguments[0])):
        raise CandidateViolation(f"the candidate imported {arguments[0]}: it may not see answers")
    if event in _FILES and arguments and isinstance(arguments[0], (str, bytes, os.PathLike)):
        path = os.path.realpath(os.fsdecode(arguments[0]))
        other = _OF_A_PROCESS.match(path)
        if other and int(other[1]) != os.getpid():
            raise CandidateViolation(f"the candidate opened {path}: it may not see other processes")
        if path.startswith(_forbidden_folder):
            raise CandidateViolation(f"the candidate opened {path}: it may not see the reference")


def _is_reference(module: str) -> bool:
    parts = module.split(".")
    if parts[:2] == ["envlift", "envs"]:
        return "reference" in parts[3:] or "verification" in parts[3:]
    return parts[:2] == ["envlift", "reference"]


@contextlib.contextmanager
def audited() -> Iterator[None]:
    """Audit the process while candidate code runs."""
    global _forbidden_folder, _installed, _auditing
    _forbidden_folder = os.path.join(os.path.realpath(cache_folder()), "")
    if not _installed:
        # Warp asks for it when it starts, and Python starts a process once to find out.
        platform.processor()
        sys.addaudithook(_audit)
        _installed = True
    _auditing += 1
    try:
        yield
    finally:
        _auditing -= 1
