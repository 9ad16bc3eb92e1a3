"""Node packages for a reference, installed once from a committed lock file.

The lock file names every package with its version and hash. They lie in the user's cache, and npm
installs them with the user's own settings (registry, proxy, certificates); nothing of theirs runs
while they are installed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from envlift.reference.failure import ReferenceUnavailable
from envlift.reference.processes.cache import cache_folder
from envlift.reference.processes.making import only_one, run, say

_FILES = ("package.json", "package-lock.json")
_INSTALL = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-progress")


def node(folder: Path) -> str:
    """Return the Node program, new enough for ``engines`` of the folder's ``package.json``.

    Raises:
        ReferenceUnavailable: without one, or if it is too old; the message says what to install.
    """
    needed = json.loads((folder / "package.json").read_text(encoding="utf-8"))["engines"]["node"]
    least = int(re.fullmatch(r">=(\d+)", needed)[1])  # type: ignore[index]
    program = _program("node")
    asked = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    version = asked.stdout.strip()
    number = re.match(r"v(\d+)\.", version)
    if number is None or int(number[1]) < least:
        raise ReferenceUnavailable(
            f"{program} is {version or 'no Node (it says no version)'}, the reference needs Node "
            f"{least} or newer; install one and put it first in PATH"
        )
    return program


def packages(folder: Path) -> Path:
    """Return the folder whose ``node_modules`` hold exactly what the lock file pins.

    It is kept under a hash of both files. The first call makes it, and says so on stderr; a process
    that asks meanwhile waits. It appears in one piece or not at all.

    Args:
        folder: holds ``package.json`` and a complete ``package-lock.json`` with hashes.

    Raises:
        ReferenceUnavailable: without Node or npm, if npm fails (with its last lines), or if the
            cache cannot be written.
    """
    described = b"\0".join((folder / name).read_bytes() for name in _FILES)
    target = cache_folder() / "node" / hashlib.sha256(described).hexdigest()[:16]
    if target.is_dir():
        return target
    node(folder)
    npm = _program("npm")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with only_one(target.with_name(target.name + ".lock"), "the reference's packages") as lock:
            if not target.is_dir():
                _make(folder, target, (npm, *_INSTALL), lock)
    except OSError as error:
        raise ReferenceUnavailable(
            f"the cache folder {target.parent} cannot be used: {error}; "
            "set ENVLIFT_CACHE to a folder that can be written"
        ) from None
    return target


def _make(folder: Path, target: Path, command: tuple[str, ...], lock: int) -> None:
    for left in target.parent.glob(f"{target.name}-*"):
        shutil.rmtree(left)  # of one that was killed: the lock is ours
    say(f"installing the reference's Node packages, once, in {target}")
    place = Path(tempfile.mkdtemp(prefix=f"{target.name}-", dir=target.parent))
    try:
        for name in _FILES:
            shutil.copyfile(folder / name, place / name)
        run(
            command,
            lock,
            f"the Node packages of {folder.name} could not be installed; connect this machine to "
            "an npm registry (npm's own settings are used, for example its proxy), or copy the "
            f"folder {target.name} from the cache of a machine that has one (on this machine it "
            f"belongs at {target})",
            cwd=place,
        )
        place.chmod(0o755)
        os.rename(place, target)
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise ReferenceUnavailable(
            f"the program {name!r} was not found in PATH; the reference runs in Node: install Node "
            "with npm, from your system's packages or from nodejs.org"
        )
    return found
