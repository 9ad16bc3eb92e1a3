"""Made-up evidence and a made-up translation, and the browser that opens their pages."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import envlift
from tests.conftest import find_browser
from tests.report.checkout import LOCK, README
from tests.report.translated import project, report


@pytest.fixture
def browser() -> str:
    found = find_browser()
    assert found, "no Chromium was found; install the package chromium (apt-get install chromium)"
    return found


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    """A failing report of the made-up Taxi."""
    path = tmp_path / "taxi.json"
    report(failing=True).write(path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A finished translation of eight turns."""
    return project(tmp_path / "project")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with nothing measured."""
    pong = Path(envlift.__file__).parent / "envs" / "pong"
    target = tmp_path / "src" / "envlift" / "envs" / "pong" / "verification"
    target.mkdir(parents=True)
    shutil.copy(pong / "verification" / "deviations.toml", target)
    shutil.copy(pong / "env.py", target.parent)
    for file in ("targets/chance.py", "train/learning/ppo.py", "verify/engine/compare.py"):
        copy = tmp_path / "src" / "envlift" / file
        copy.parent.mkdir(parents=True)
        shutil.copy(pong.parents[1] / file, copy)
    for file in ("reference/adapter.c", "train.toml", "verification/corpus/discrete.jsonl"):
        copy = target.parent / file
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(pong / file, copy)
    (tmp_path / "requirements.lock").write_text(LOCK)
    (tmp_path / "README.md").write_text(README)
    return tmp_path
