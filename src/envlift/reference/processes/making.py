"""Making something in the user's cache once, however many processes ask for it."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from envlift.reference.failure import ReferenceUnavailable

_SHOWN = 15


@contextmanager
def only_one(path: Path, what: str) -> Iterator[int]:
    """Hold a lock that ends with its process, and with the children it is handed to.

    Args:
        path: the file that is locked.
        what: what is being made, for whoever waits.

    Yields:
        Its file descriptor.
    """
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another process is making {what}; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def run(command: tuple[str, ...], lock: int, failed: str, cwd: Path | None = None) -> None:
    """Run a command and show what it says.

    Args:
        command: the program and its arguments.
        lock: a descriptor of ``only_one``. A child that outlives us, because we alone were killed,
            keeps the others out of its folder.
        failed: what to say if it fails: what could not be done, and what to do.
        cwd: its working directory, None for ours.

    Raises:
        ReferenceUnavailable: where it fails, with its last lines.
    """
    last: deque[str] = deque(maxlen=_SHOWN)
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        pass_fds=(lock,),
        cwd=cwd,
    ) as child:
        assert child.stdout is not None
        try:
            for line in child.stdout:
                last.append(line.rstrip())
                say(line.rstrip().partition(" (from -r ")[0])
        except BaseException:
            child.kill()
            raise
    if child.returncode:
        said = "\n".join(f"  {line}" for line in last) or "  (nothing)"
        raise ReferenceUnavailable(
            f"{failed}. It ended with exit status {child.returncode} and said last:\n{said}"
        )


def say(line: str) -> None:
    """Tell the user, on stderr."""
    print(f"envlift: {line}", file=sys.stderr, flush=True)
