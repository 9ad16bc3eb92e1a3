"""A virtual environment for a reference, made once from a committed list of pinned packages.

A reference keeps its own packages: its pins never bind the user's installation. The list is a pip
requirements file in which every package has a version and hashes; the environment lies in the
user's cache and is made by pip with the user's own settings (index, proxy, certificates).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from envlift.reference.failure import ReferenceUnavailable
from envlift.reference.processes.cache import cache_folder

# What the environment was made from, written last: one without it was never finished, however it
# looks.
_FINISHED = "envlift-requirements.txt"
_SHOWN = 15


def environment(requirements: Path) -> Path:
    """Return the interpreter of the environment that holds exactly these packages.

    It is kept under a hash of the file's content, the Python version and the base interpreter.
    The first call makes it, and says so on stderr; a process that asks meanwhile waits. What a
    killed process left is removed by the next.

    Args:
        requirements: a pip requirements file with hashes, complete: every package that is needed.

    Raises:
        ReferenceUnavailable: if pip fails, with its last lines, or the cache cannot be written.
    """
    base = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
    version = f"py{sys.version_info.major}.{sys.version_info.minor}"
    machine = f"{base} {version} {sysconfig.get_platform()}".encode()
    key = hashlib.sha256(b"\0".join([machine, requirements.read_bytes()])).hexdigest()[:16]
    folder = cache_folder() / "venvs" / f"{version}-{key}"
    program = folder / "bin" / "python"
    if _finished(folder):
        return program
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _only_one(folder.with_name(folder.name + ".lock")) as lock:
            if not _finished(folder):
                _make(folder, requirements, lock)
    except OSError as error:
        raise ReferenceUnavailable(
            f"the cache folder {folder.parent} cannot be used: {error}; "
            "set ENVLIFT_CACHE to a folder that can be written"
        ) from None
    return program


def _finished(folder: Path) -> bool:
    # bin/python is a link to the base interpreter, which may have been removed since.
    return (folder / _FINISHED).is_file() and (folder / "bin" / "python").is_file()


@contextmanager
def _only_one(path: Path) -> Iterator[int]:
    """Hold a lock that ends with its process, and with the children it is handed to.

    Yields:
        Its file descriptor.
    """
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("another process is making the reference's environment; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def _make(folder: Path, requirements: Path, lock: int) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    _say(f"making the reference's own environment, once, in {folder}")
    # -I keeps PYTHONPATH and the user's own packages out: pip would find a package there and leave
    # it out here. Wheels only, because what builds a source archive has no hash.
    make = (sys.executable, "-I", "-m", "venv", str(folder))
    pip = (str(folder / "bin" / "python"), "-I", "-m", "pip", "--disable-pip-version-check")
    pins = ("--require-hashes", "--only-binary=:all:", "-r", str(requirements))
    try:
        _run(
            make,
            lock,
            f"a virtual environment of {sys.executable} could not be made; Debian and Ubuntu keep "
            "what is needed in the package python3-venv",
        )
        _run(
            (*pip, "install", "--no-input", "--progress-bar=off", *pins),
            lock,
            f"the packages of {requirements.name} could not be installed; connect this machine to "
            "a package index (pip's own settings are used, for example PIP_INDEX_URL), or lay the "
            "wheels into a folder and name that folder in PIP_FIND_LINKS",
        )
        shutil.copyfile(requirements, folder / _FINISHED)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _run(command: tuple[str, ...], lock: int, failed: str) -> None:
    """Run a command and show what it says; where it fails, raise with its last lines."""
    last: deque[str] = deque(maxlen=_SHOWN)
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        # A pip that outlives us, because we alone were killed, keeps the others out of its folder.
        pass_fds=(lock,),
    ) as child:
        assert child.stdout is not None
        try:
            for line in child.stdout:
                last.append(line.rstrip())
                _say(line.rstrip().partition(" (from -r ")[0])
        except BaseException:
            child.kill()
            raise
    if child.returncode:
        said = "\n".join(f"  {line}" for line in last) or "  (nothing)"
        raise ReferenceUnavailable(
            f"{failed}. It ended with exit status {child.returncode} and said last:\n{said}"
        )


def _say(line: str) -> None:
    print(f"envlift: {line}", file=sys.stderr, flush=True)
