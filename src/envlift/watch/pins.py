"""What a reference is pinned to, which versions there are, and locking others of them.

Packages come from PyPI (a ``requirements.in`` beside the locked file that a suite names) or from
npm (``node/package.json`` in the package that a suite starts). What is locked anew has hashes too,
so that it is installed exactly as the old one was.
"""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from packaging.markers import Marker
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from envlift.reference.processes import npm
from envlift.verify.suite import Suite

_PIN = re.compile(r"^([A-Za-z0-9._-]+)(\[[\w,.-]+\])?==([\w.!+-]+)$")
_SEMVER = re.compile(r"^(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+.*)?$")
_LOCKED = re.compile(
    r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)(?:\s*;\s*([^\\]+?))?\s*(?:\\|--|$)"
)
_SERVED = re.compile(r"^process:python -m ([\w.]+)$")
TIMEOUT = 600


class VersionsUnknownError(ValueError):
    """A reference whose versions are not known here; the message says why."""


class NotInstalledError(RuntimeError):
    """Other versions cannot be had, together or at all; with the installer's words."""


@dataclass(frozen=True)
class Pins:
    """Packages that a reference is made of.

    Attributes:
        source: where they come from.
        locked: the file that pins all that they need, None where there is none.
        versions: package -> exact version.
        extras: package -> ``[extra]`` as it is asked for, where one is.
        folder: of ``package.json``; None for PyPI.
    """

    source: Literal["PyPI", "npm"]
    versions: Mapping[str, str]
    extras: Mapping[str, str]
    folder: Path | None = None
    locked: Path | None = None


def pins_of(name: str, suite: Suite, to: Mapping[str, str]) -> Pins:
    """Return what the reference of a suite is pinned to.

    A suite without pins of its own, such as one of ``gymnasium:CartPole-v1``, has those versions of
    the packages in ``to`` that are installed here.

    Args:
        name: of the environment or suite, for messages.
        suite: it.
        to: the packages that are asked for.

    Raises:
        VersionsUnknownError: there are no pins, or they are kept in a way that is not known here.
    """
    named = {
        str(c.reference["requirements"]) for c in suite.configs if c.reference.get("requirements")
    }
    if len(named) == 1:
        return _of_pypi(name, _file(named.pop()))
    if named:
        raise VersionsUnknownError(
            f"{name} has several files of requirements: {', '.join(sorted(named))}"
        )
    served = _SERVED.match(suite.reference)
    if served is not None:
        folder = _package(served[1]) / "node"
        if (folder / "package.json").is_file():
            wanted = json.loads((folder / "package.json").read_text(encoding="utf-8"))
            return Pins("npm", wanted["dependencies"], {}, folder, folder / "package-lock.json")
    if suite.reference.startswith(("gymnasium:", "python:")) and to:
        return Pins("PyPI", {package: _installed(package) for package in to}, {})
    raise VersionsUnknownError(
        f"the reference of {name} ({suite.reference}) is no package of PyPI or npm: its versions "
        "cannot be looked up"
    )


def _of_pypi(name: str, locked: Path) -> Pins:
    file = locked.with_suffix(".in")
    if not file.is_file():
        raise VersionsUnknownError(
            f"{name}: there is no {file.name} beside the locked requirements"
        )
    versions, extras = {}, {}
    for line in file.read_text(encoding="utf-8").splitlines():
        text = line.partition("#")[0].strip()
        if not text:
            continue
        match = _PIN.match(text)
        if match is None:
            raise VersionsUnknownError(
                f"{name}: {text!r} in {file.name} is no exact pin (package==version)"
            )
        versions[match[1]] = match[3]
        if match[2]:
            extras[match[1]] = match[2]
    return Pins("PyPI", versions, extras, locked=locked)


def _file(name: str) -> Path:
    package, colon, file = name.rpartition(":")
    return (_package(package) if colon else Path()) / file


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise VersionsUnknownError(f"there is no package {name}")
    return Path(spec.submodule_search_locations[0])


def _installed(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        raise VersionsUnknownError(
            f"{package} is not installed here, so there is nothing older"
        ) from None


def known_versions(pins: Pins, package: str) -> list[str]:
    """Return the versions of a package, the newest first; of PyPI those that this Python can run.

    Raises:
        NotInstalledError: the index cannot be asked.
    """
    if pins.source == "npm":
        said = _run([_npm(), "view", package, "versions", "--json"], Path.cwd())
        found = json.loads(said)
        versions = [found] if isinstance(found, str) else found
    else:
        said = _run([*_PIP, "index", "versions", package], Path.cwd())
        versions = said.partition("Available versions:")[2].partition("\n")[0].split(",")
    ordered = [(order(pins.source, one), one) for one in map(str.strip, versions)]
    return [one for place, one in sorted((o for o in ordered if o[0]), reverse=True)]


def order(source: str, version: str) -> tuple[Any, ...]:
    """Return what versions are sorted by: first of all a release after its candidates.

    The last entry says whether it is a final release. Empty for what is no version.
    """
    if source == "npm":
        match = _SEMVER.match(version)
        if match is None:
            return ()
        parts = (match[4] or "").split(".")
        before = tuple((0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts)
        return (*map(int, match.groups()[:3]), match[4] is None, before)
    try:
        return (Version(version),)
    except InvalidVersion:
        return ()


def is_final(source: str, version: str) -> bool:
    """Whether a version is a release and no candidate for one."""
    return "-" not in version if source == "npm" else not Version(version).is_prerelease


def moved(pins: Pins, to: Mapping[str, str]) -> Pins:
    """Return the same packages in other versions.

    Args:
        pins: the old ones.
        to: package -> version; if it is empty, all packages move to their newest release.

    Raises:
        ValueError: for a package that the reference is not pinned to, or a version that there is
            not.
        NotInstalledError: the index cannot be asked.
    """
    unknown = sorted(set(to) - set(pins.versions))
    if unknown:
        raise ValueError(
            f"--to {unknown[0]}: the reference is pinned to {', '.join(sorted(pins.versions))}"
        )
    chosen = dict(pins.versions)
    for package in to or pins.versions:
        versions = known_versions(pins, package)
        if not to:
            final = [one for one in versions if is_final(pins.source, one)]
            known = [*final[:1], chosen[package]]
            chosen[package] = max(known, key=lambda one: order(pins.source, one))
        elif to[package] in versions:
            chosen[package] = to[package]
        else:
            near = ", ".join(versions[:8])
            raise ValueError(f"--to {package}={to[package]}: no such release; the newest: {near}")
    return replace(pins, versions=chosen)


def lock(pins: Pins, folder: Path) -> Path:
    """Write down exactly what these versions need, with hashes.

    What else the old versions needed stays as it was where that goes.

    Args:
        pins: of the packages.
        folder: where ``requirements.txt`` or ``package-lock.json`` is written.

    Returns:
        The file of requirements, or the folder of Node packages, installed.

    Raises:
        NotInstalledError: they do not go together, or not with this Python or Node.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return _lock_npm(pins, folder) if pins.source == "npm" else _lock_pypi(pins, folder)


def _lock_pypi(pins: Pins, folder: Path) -> Path:
    wanted = [f"{p}{pins.extras.get(p, '')}=={v}" for p, v in pins.versions.items()]
    # The host of references needs it.
    if "numpy" not in pins.versions:
        wanted.append("numpy")
    (folder / "requirements.in").write_text("\n".join(wanted) + "\n", encoding="utf-8")
    kept = list(_kept(pins))
    (folder / "constraints.txt").write_text("\n".join(kept) + "\n", encoding="utf-8")
    try:
        found = _resolved(folder, ["-c", "constraints.txt"])
    except NotInstalledError:
        if not kept:
            raise
        found = _resolved(folder, [])
    lines = [_locked(item) for item in found]
    path = folder / "requirements.txt"
    path.write_text("\n".join(sorted(lines)) + "\n", encoding="utf-8")
    return path


def _kept(pins: Pins) -> Iterator[str]:
    """Yield what the old lock pins beside the packages themselves, as constraints."""
    if pins.locked is None or not pins.locked.is_file():
        return
    own = {canonicalize_name(package) for package in pins.versions}
    for line in pins.locked.read_text(encoding="utf-8").splitlines():
        match = _LOCKED.match(line)
        if match and canonicalize_name(match[1]) not in own:
            marker = f" ; {match[3].strip()}" if match[3] else ""
            yield f"{match[1]}=={match[2]}{marker}"


def _resolved(folder: Path, more: list[str]) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as scratch:
        told = Path(scratch) / "report.json"
        _run(
            [
                *(*_PIP, "install", "--dry-run", "--ignore-installed", "--only-binary=:all:"),
                *("--quiet", "--no-input", "--report", str(told), "-r", "requirements.in", *more),
            ],
            folder,
        )
        found: list[dict[str, Any]] = json.loads(told.read_text(encoding="utf-8"))["install"]
    return found


def _locked(item: Mapping[str, Any]) -> str:
    about, archive = item["metadata"], item["download_info"]["archive_info"]
    digest = archive["hashes"]["sha256"]
    return f"{about['name']}=={about['version']} --hash=sha256:{digest}"


def _lock_npm(pins: Pins, folder: Path) -> Path:
    assert pins.folder is not None, "packages of npm have a folder"
    wanted = json.loads((pins.folder / "package.json").read_text(encoding="utf-8"))
    wanted["dependencies"] = dict(pins.versions)
    (folder / "package.json").write_text(json.dumps(wanted, indent=2) + "\n", encoding="utf-8")
    # npm changes of an old lock only what it has to.
    shutil.copyfile(pins.folder / "package-lock.json", folder / "package-lock.json")
    _run(
        [_npm(), "install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund"],
        folder,
    )
    return npm.packages(folder)


def all_versions(pins: Pins, lock: Path | None) -> dict[str, str]:
    """Return every package of a lock file and its version; the pins alone where there is none."""
    if lock is None or not lock.is_file():
        return dict(pins.versions)
    if pins.source == "npm":
        held = json.loads(lock.read_text(encoding="utf-8"))["packages"]
        return {
            place.rpartition("node_modules/")[2]: about["version"]
            for place, about in held.items()
            if place
        }
    found: dict[str, str] = {}
    for line in lock.read_text(encoding="utf-8").splitlines():
        match = _LOCKED.match(line)
        if match and (match[3] is None or Marker(match[3].strip()).evaluate()):
            found[canonicalize_name(match[1])] = match[2]
    return found


_PIP = (sys.executable, "-I", "-m", "pip", "--disable-pip-version-check")


def _npm() -> str:
    found = shutil.which("npm")
    if found is None:
        raise NotInstalledError("there is no npm on the PATH; install Node with npm")
    return found


def _run(words: list[str], folder: Path) -> str:
    """Run an installer; return what it printed.

    Raises:
        NotInstalledError: with its last lines.
    """
    try:
        ended = subprocess.run(
            words, cwd=folder, capture_output=True, text=True, check=False, timeout=TIMEOUT
        )
    except subprocess.TimeoutExpired:
        raise NotInstalledError(f"{words[0]} gave no answer in {TIMEOUT} s") from None
    if ended.returncode:
        last = [line for line in ended.stderr.splitlines() if line.strip()][-4:]
        raise NotInstalledError(
            " ".join(last) or f"{words[0]} ended with status {ended.returncode}"
        )
    return ended.stdout
