"""PufferLib 3.0's Pong in C: found by package name, pinned by its hash, kept in the user's cache.

Nothing of it is committed here. The archive (60 MB) is read once; only two headers are kept.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from envlift.envs.pong.reference.index import Sources, read_sources
from envlift.reference.failure import ReferenceUnavailable
from envlift.reference.processes.cache import cache_folder

PACKAGE = "pufferlib"
VERSION = "3.0.0"
SHA256 = "7df3a3e3f5f894d78d2a1f5374097890aec01473183e748abefe4f3faa10eaa9"
# What the pinned archive holds: the end of the path inside it, and the hash of the file.
FILES = {
    "pong.h": (
        "/pufferlib/ocean/pong/pong.h",
        "47c08b8ed9f90c92bb6569cdc0be6999f1586f5abe11cf7777a6b9861a74f669",
    ),
    "raylib.h": (
        "/raylib-5.5_linux_amd64/include/raylib.h",
        "afb287ecd313de61e0000921375190b7e1cc35cd381ad6caf914489473a3c871",
    ),
}
_WAY_OUT = (
    "connect this machine to a package index (pip's own settings are used, for example "
    f"PIP_INDEX_URL), or lay {PACKAGE}-{VERSION}.tar.gz into a folder and name that folder in "
    "PIP_FIND_LINKS"
)

Progress = Callable[[int, int | None], None]


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def headers(sources: Sources | None = None) -> Path:
    """Return the folder with the pinned ``pong.h`` and ``raylib.h``, fetching them if need be.

    Args:
        sources: where to look, None for where the user's package installer looks.

    Raises:
        ReferenceUnavailable: without network, or if what was found is not what is pinned.
    """
    folder = cache_folder() / f"{PACKAGE}-{VERSION}"
    if all(_is_pinned(folder / name, pin) for name, (_, pin) in FILES.items()):
        return folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix="download-") as place:
            archive = download(Path(place), sources or read_sources())
            check_archive(archive, SHA256)
            extract(archive, folder)
    except OSError as error:
        raise ReferenceUnavailable(
            f"the cache folder {folder} cannot be used: {error}; "
            "set ENVLIFT_CACHE to a folder that can be written"
        ) from None
    return folder


def _is_pinned(path: Path, pin: str) -> bool:
    return path.is_file() and sha256(path) == pin


def download(place: Path, sources: Sources, progress: Progress | None = None) -> Path:
    """Find the package's source archive by name and bring it to ``place``.

    Raises:
        ReferenceUnavailable: if it is not found or cannot be read.
    """
    # Not needed, and in a reference's own interpreter not there, once the headers are cached.
    import httpx2
    from unearth import PackageFinder
    from unearth.errors import UnpackError

    report = progress or _ProgressLine()
    wanted = f"{PACKAGE}=={VERSION}"
    print(f"envlift: looking for the source archive of {wanted}", file=sys.stderr, flush=True)
    try:
        finder = PackageFinder(
            index_urls=[sources.index_url] if sources.index_url else [],
            trusted_hosts=sources.trusted_hosts,
            no_binary=[PACKAGE],
        )
        if sources.no_index:
            finder.sources.clear()
        for url in () if sources.no_index else sources.extra_index_urls:
            finder.add_index_url(url)
        for link in sources.find_links:
            # Settings may name a folder that this machine does not have; an index may still do.
            if "://" in link or os.path.exists(link):
                finder.add_find_links(link)
        found = finder.find_best_match(wanted).best
        if found is None:
            looked = ", ".join(_without_secret(source["url"]) for source in finder.sources)
            raise ReferenceUnavailable(
                f"the source archive of {wanted}, which holds the reference, was not found; "
                f"looked at {looked or 'no place at all'}. To have it, {_WAY_OUT}"
            )

        def note(link: Any, completed: int, total: int | None) -> None:
            report(completed, total)

        # The archive's hash is checked by us, against our pin and not the index's word.
        return finder.download(found.link, place, hashes={}, download_reporter=note)
    except (httpx2.HTTPError, UnpackError, ValueError) as error:
        raise ReferenceUnavailable(
            f"the source archive of {wanted}, which holds the reference, could not be read: "
            f"{error or type(error).__name__}. To have it, {_WAY_OUT}"
        ) from None


def _without_secret(url: str) -> str:
    """Drop a user's name and password from an index's address."""
    scheme, mark, rest = url.partition("://")
    return scheme + mark + rest.rpartition("@")[2] if mark else url


class _ProgressLine:
    """Shows a download on stderr: one moving line on a terminal, else a line for each tenth."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._shown = -1

    def __call__(self, completed: int, total: int | None) -> None:
        part = 100 * completed // total if total else completed >> 20
        if part == self._shown or (not self._terminal and part // 10 == self._shown // 10):
            return
        self._shown = part
        done = f"{completed / 1e6:.0f} of {total / 1e6:.0f} MB" if total else f"{part} MiB"
        end = "\n" if not self._terminal or completed == total else ""
        start = "\r" if self._terminal else ""
        print(f"{start}envlift: {PACKAGE} {VERSION}: {done}", end=end, file=sys.stderr, flush=True)


def check_archive(archive: Path, pin: str) -> None:
    """Refuse an archive whose SHA-256 is not ``pin``.

    Raises:
        ReferenceUnavailable: naming both hashes.
    """
    found = sha256(archive)
    if found != pin:
        raise ReferenceUnavailable(
            f"{archive.name} has the SHA-256 {found}, the pinned one is {pin}. It was refused and "
            "not kept: the index or the way to it gave another file than PufferLib's release"
        )


def extract(archive: Path, folder: Path) -> None:
    """Take the two headers out of a checked archive; each appears whole or not at all.

    Raises:
        ReferenceUnavailable: if a header is not in the archive or is not the pinned one.
    """
    missing = dict(FILES)
    with tarfile.open(archive, "r:gz") as tar:
        for member in tar:
            name = next((n for n, (end, _) in missing.items() if member.name.endswith(end)), None)
            if name is None or not member.isfile():
                continue
            file = tar.extractfile(member)
            assert file is not None
            content = file.read()
            found, pin = hashlib.sha256(content).hexdigest(), missing.pop(name)[1]
            if found != pin:
                raise ReferenceUnavailable(
                    f"{name} in {archive.name} has the SHA-256 {found}, the pinned one is {pin}"
                )
            write_atomically(folder / name, content)
            if not missing:
                return
    raise ReferenceUnavailable(f"{archive.name} does not hold {', '.join(missing)}")


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file that other processes see whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
