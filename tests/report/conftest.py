"""Made-up evidence and a made-up translation, and the browser that opens their pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import find_browser
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
