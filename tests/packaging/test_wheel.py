"""The wheel builds without a network and holds everything that the package reads."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "envlift"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index",
        "--no-build-isolation", "--disable-pip-version-check", "--wheel-dir", str(folder),
        str(ROOT),
    ]  # fmt: skip
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    (built,) = folder.glob("*.whl")
    return zipfile.ZipFile(built)


def test_holds_every_file_of_the_package(wheel: zipfile.ZipFile) -> None:
    """Python, ``py.typed``, C, tables, corpus and templates alike."""
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "src/envlift"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    expected = {name.removeprefix("src/") for name in tracked if name and (ROOT / name).is_file()}
    held = {name for name in wheel.namelist() if name.startswith("envlift/")}
    assert held == expected
    for name in ("envlift/py.typed", "envlift/envs/pong/reference/adapter.c"):
        assert name in held


def test_is_pure_and_runs_anywhere(wheel: zipfile.ZipFile) -> None:
    assert wheel.filename is not None
    assert wheel.filename.endswith("-py3-none-any.whl")


def test_metadata(wheel: zipfile.ZipFile) -> None:
    name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = wheel.read(name).decode()
    assert "License-Expression: Apache-2.0" in metadata
    assert "Requires-Python: >=3.11" in metadata
    assert any(name.endswith("licenses/LICENSE") for name in wheel.namelist())
    scripts = next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "envlift = envlift.cli:main" in wheel.read(scripts).decode()


def test_the_wheel_alone_imports(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    """Without the checkout on the path: what is missing from the wheel cannot be borrowed."""
    wheel.extractall(tmp_path)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import envlift, envlift.cli\n"
        "assert envlift.__file__.startswith(sys.argv[1]), envlift.__file__\n"
        "print(*envlift.list_envs())"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "pong" in result.stdout.split()


def test_one_version() -> None:
    import importlib.metadata

    import envlift

    assert importlib.metadata.version("envlift") == envlift.__version__


def test_the_source_archive_holds_what_make_needs(tmp_path: Path) -> None:
    """Every committed file, so that an unpacked one sets itself up and runs its tests."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        held = {name.partition("/")[2] for name in opened.getnames()}
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    missing = {name for name in tracked if name and (ROOT / name).is_file()} - held
    assert not missing
