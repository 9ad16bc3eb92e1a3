"""Node packages of a reference, from a lock file; the package here is made here."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from envlift.reference.failure import ReferenceUnavailable
from envlift.reference.processes import npm


@pytest.fixture
def pinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose lock file pins one package, `tiny`, that lies beside; an empty cache."""
    assert shutil.which("npm"), "npm is needed: one of the references is JavaScript"
    files = {
        "package.json": json.dumps({"name": "tiny", "version": "1.5.0", "main": "index.js"}),
        "index.js": "module.exports = 1.5;\n",
    }
    archive = tmp_path / "tiny-1.5.0.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        for name, text in files.items():
            about = tarfile.TarInfo(f"package/{name}")
            about.size = len(text)
            tar.addfile(about, io.BytesIO(text.encode()))
    folder = tmp_path / "mine"
    folder.mkdir()
    monkeypatch.setenv("ENVLIFT_CACHE", str(tmp_path / "cache"))
    write_lock(folder, archive, hashlib.sha512(archive.read_bytes()).digest())
    return folder


def write_lock(folder: Path, archive: Path, digest: bytes) -> None:
    needs = {"name": "mine", "version": "1.0.0", "dependencies": {"tiny": f"file:{archive}"}}
    needs["engines"] = {"node": ">=20"}
    tiny = {"version": "1.5.0", "resolved": f"file:{archive}"}
    tiny["integrity"] = f"sha512-{base64.b64encode(digest).decode()}"
    packages = {"": needs, "node_modules/tiny": tiny}
    lock = {"name": "mine", "lockfileVersion": 3, "requires": True, "packages": packages}
    (folder / "package.json").write_text(json.dumps(needs))
    (folder / "package-lock.json").write_text(json.dumps(lock))


def left_in(cache: Path) -> list[str]:
    return [path.name for path in (cache / "node").iterdir() if path.is_dir()]


def test_it_is_made_once_and_holds_what_is_pinned(
    pinned: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    place = npm.packages(pinned)
    assert "installing the reference's Node packages, once, in" in capfd.readouterr().err
    assert place.is_relative_to(tmp_path / "cache")
    asked = subprocess.run(
        ["node", "-p", "require('tiny')"], cwd=place, capture_output=True, text=True, check=True
    )
    assert asked.stdout == "1.5\n"
    # Neither npm nor a word is needed again, but another lock file is another folder.
    monkeypatch.setenv("PATH", str(tmp_path))
    assert npm.packages(pinned) == place
    assert capfd.readouterr().err == ""
    (pinned / "package-lock.json").write_text((pinned / "package-lock.json").read_text() + "\n")
    with pytest.raises(ReferenceUnavailable, match="the program 'node' was not found in PATH"):
        npm.packages(pinned)
    assert left_in(tmp_path / "cache") == [place.name]


def test_what_a_killed_process_left_is_removed(pinned: Path, tmp_path: Path) -> None:
    place = npm.packages(pinned)
    half = place.with_name(f"{place.name}-killed")
    shutil.move(place, half)
    (half / "node_modules" / "tiny" / "index.js").unlink()
    assert npm.packages(pinned) == place
    assert (place / "node_modules" / "tiny" / "index.js").is_file()
    assert left_in(tmp_path / "cache") == [place.name]


def test_another_file_than_the_pinned_one_is_refused(pinned: Path, tmp_path: Path) -> None:
    write_lock(pinned, tmp_path / "tiny-1.5.0.tgz", bytes(64))
    with pytest.raises(ReferenceUnavailable) as caught:
        npm.packages(pinned)
    message = str(caught.value)
    assert "the Node packages of mine could not be installed; connect this machine to" in message
    assert "EINTEGRITY" in message
    assert left_in(tmp_path / "cache") == []


def test_a_node_that_is_too_old_is_named(
    pinned: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old = tmp_path / "bin" / "node"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho v18.19.1\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{old.parent}:/bin")
    with pytest.raises(ReferenceUnavailable, match=r"is v18\.19\.1, the reference needs Node 20"):
        npm.packages(pinned)


def test_a_cache_that_cannot_be_written_is_named(
    pinned: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ENVLIFT_CACHE", str(tmp_path / "file"))
    with pytest.raises(ReferenceUnavailable, match="set ENVLIFT_CACHE to a folder that can be"):
        npm.packages(pinned)
