"""Tests that open a page in a real browser; where there is none they are left out, and it is said.

In CI, where the environment variable ``CI`` is set, they run and fail without a browser. This
stands at the top because with several workers only what is loaded here can speak at the end.
"""

from __future__ import annotations

import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_browser() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def left_out() -> bool:
    return not find_browser() and not os.environ.get("CI")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    needing = [item for item in items if left_out() and item.get_closest_marker("browser")]
    if needing:
        items[:] = [item for item in items if item not in needing]
        config.hook.pytest_deselected(items=needing)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if left_out():
        terminalreporter.write_line(
            f"tests in a browser are left out: no {', '.join(NAMES)} on the PATH; install the "
            "package chromium to run them"
        )
