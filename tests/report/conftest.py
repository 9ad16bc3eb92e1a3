"""Tests that open a page in a real browser; where there is none they are left out, and it is said.

In CI, where the environment variable ``CI`` is set, they run and fail without a browser.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.report.translated import project, report

NAMES = ("chromium", "chromium-browser", "google-chrome")
_left_out = pytest.StashKey[int]()


def find_browser() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if find_browser() or os.environ.get("CI"):
        return
    needing = [item for item in items if item.get_closest_marker("browser")]
    if needing:
        items[:] = [item for item in items if item not in needing]
        config.hook.pytest_deselected(items=needing)
        config.stash[_left_out] = len(needing)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    count = config.stash.get(_left_out, 0)
    if count:
        terminalreporter.write_line(
            f"{count} browser tests were left out: no {', '.join(NAMES)} on the PATH; "
            "install the package chromium to run them"
        )


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
