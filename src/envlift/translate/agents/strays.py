"""Processes that left their parents behind: on Linux they come to who asked for them.

A process may start another one in a session of its own, with an environment of its own, and end:
neither the process group nor a mark in the environment finds that one again. While somebody adopts,
such orphans become its children, instead of those of the system's first process.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36
_ROUNDS = 200
_PAUSE = 0.01


@contextlib.contextmanager
def adopted() -> Iterator[Callable[[], None]]:
    """Adopt the orphans of what is started meanwhile; what is given ends them all.

    Where the system has no such thing, nothing is adopted.
    """
    before = _children()
    adopts = _adopt(True)

    def end() -> None:
        # The end of one may bring up those that it started.
        for _ in range(_ROUNDS if adopts else 0):
            strays = _children() - before
            if not strays:
                return
            for pid in strays:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            for pid in strays:
                with contextlib.suppress(OSError):
                    os.waitpid(pid, os.WNOHANG)
            time.sleep(_PAUSE)

    try:
        yield end
    finally:
        end()
        _adopt(False)


def _adopt(wanted: bool) -> bool:
    try:
        return ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(wanted), 0, 0, 0) == 0
    except (OSError, AttributeError, TypeError):
        return False


def _children() -> set[int]:
    """Return the children of this process, where the system tells."""
    found: set[int] = set()
    with contextlib.suppress(OSError):
        for thread in Path("/proc/self/task").iterdir():
            found |= set(map(int, (thread / "children").read_text().split()))
    return found
