"""A candidate that looks at the reference proves nothing: this makes looking an error.

While candidate code runs, Python's audit events are watched: starting a process, opening a
connection, importing an environment's ``reference`` or ``verification`` folder or the
``envlift.reference`` client, and opening or loading a file of the reference's cache all raise
``CandidateViolation``. Compiled code can escape such a watch; that the candidate moves before the
reference is asked, and that seeds are fresh on every run, does not depend on it.
"""

from __future__ import annotations

import contextlib
import os
import platform
import sys
from collections.abc import Iterator
from typing import Any

from envlift.reference.cache import cache_folder
from envlift.reference.failure import CandidateFailure
from envlift.reference.types import Array, Record, Side, StateDict
from envlift.verify.suite import PairError


class CandidateViolation(RuntimeError):  # noqa: N818 - a verdict about the candidate, not an error
    """The candidate tried to reach the reference or the outside."""


# One flag for the process, not one per thread: XLA calls back into Python from its own threads.
_watching = 0
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
_FILES = ("open", "ctypes.dlopen", "os.listdir", "os.scandir")


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching:
        return
    if event in _OUTSIDE:
        raise CandidateViolation(f"the candidate called {event}: it may not reach outside")
    if event == "import" and _is_reference(str(arguments[0])):
        raise CandidateViolation(f"the candidate imported {arguments[0]}: it may not see answers")
    if event in _FILES and arguments and isinstance(arguments[0], (str, bytes, os.PathLike)):
        path = os.path.realpath(os.fsdecode(arguments[0]))
        if path.startswith(_forbidden_folder):
            raise CandidateViolation(f"the candidate opened {path}: it may not see the reference")


def _is_reference(module: str) -> bool:
    parts = module.split(".")
    if parts[:2] == ["envlift", "envs"]:
        return "reference" in parts[3:] or "verification" in parts[3:]
    return parts[:2] == ["envlift", "reference"]


@contextlib.contextmanager
def watched() -> Iterator[None]:
    """Watch the process while candidate code runs."""
    global _forbidden_folder, _installed, _watching
    _forbidden_folder = os.path.join(os.path.realpath(cache_folder()), "")
    if not _installed:
        # Warp asks for it when it starts, and Python starts a process once to find out.
        platform.processor()
        sys.addaudithook(_audit)
        _installed = True
    _watching += 1
    try:
        yield
    finally:
        _watching -= 1


@contextlib.contextmanager
def judged(what: str) -> Iterator[None]:
    """Watch candidate code and turn whatever it raises into a verdict about it."""
    try:
        with watched():
            yield
    except (CandidateViolation, CandidateFailure, PairError):
        raise
    except Exception as error:
        raise CandidateFailure(
            f"it raised {type(error).__name__}: {error}", operation=what
        ) from error


class WatchedSide:
    """A candidate, every call of which is watched; everything else is the candidate's own."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self.spec = side.spec
        self.num_lanes = side.num_lanes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._side, name)

    def reset(self, seeds: Array, chance: Array | None = None) -> Record:
        """Watched."""
        with judged("reset"):
            return self._side.reset(seeds, chance)

    def step(
        self, actions: Array, chance: Array | None = None, reset_seeds: Array | None = None
    ) -> Record:
        """Watched."""
        with judged("step"):
            return self._side.step(actions, chance, reset_seeds)

    def get_state(self) -> StateDict:
        """Watched."""
        with judged("get_state"):
            return self._side.get_state()

    def set_state(self, state: StateDict) -> None:
        """Watched."""
        with judged("set_state"):
            self._side.set_state(state)

    def call(self, component: str, arguments: dict[str, Array]) -> dict[str, Array]:
        """Watched."""
        with judged(component.removeprefix("probe:")):
            return self._side.call(component, arguments)

    def coverage(self) -> dict[str, int]:
        """Of the candidate."""
        return self._side.coverage()

    def close(self) -> None:
        """Of the candidate."""
        self._side.close()
