"""A virtual environment for a reference, made once from a committed list of pinned packages.

A reference keeps its own packages: its pins never bind the user's installation. The list is a pip
requirements file in which every package has a version and hashes; the environment lies in the
user's cache and is made by pip with the user's own settings (index, proxy, certificates).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import sysconfig
from pathlib import Path

from envlift.reference.failure import ReferenceUnavailable
from envlift.reference.processes.cache import cache_folder
from envlift.reference.processes.making import only_one, run, say

# What the environment was made from, written last: one without it was never finished, however it
# looks.
_FINISHED = "envlift-requirements.txt"
_WHAT = "the reference's environment"


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
        with only_one(folder.with_name(folder.name + ".lock"), _WHAT) as lock:
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


def _make(folder: Path, requirements: Path, lock: int) -> None:
    if folder.exists():
        shutil.rmtree(folder)
    say(f"making the reference's own environment, once, in {folder}")
    # -I keeps PYTHONPATH and the user's own packages out: pip would find a package there and leave
    # it out here. Wheels only, because what builds a source archive has no hash.
    make = (sys.executable, "-I", "-m", "venv", str(folder))
    pip = (str(folder / "bin" / "python"), "-I", "-m", "pip", "--disable-pip-version-check")
    pins = ("--require-hashes", "--only-binary=:all:", "-r", str(requirements))
    try:
        run(
            make,
            lock,
            f"a virtual environment of {sys.executable} could not be made; Debian and Ubuntu keep "
            "what is needed in the package python3-venv",
        )
        run(
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
