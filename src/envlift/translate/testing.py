"""A pytest plugin for the property tests of a translation: they may ask the reference.

Tests are not the fast environment, so they may look at the answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from envlift.reference.client import ReferenceProcess
from envlift.reference.launch import open_reference
from envlift.translate.project.file import load_project


@pytest.fixture(scope="session")
def open_lanes() -> Iterator[Callable[[int], ReferenceProcess]]:
    """A function that opens the project's reference with so many lanes; closed at the end."""
    project = load_project(Path.cwd())
    opened: list[ReferenceProcess] = []

    def open_one(lanes: int) -> ReferenceProcess:
        if not project.reference.launch:
            pytest.fail("this project has no running reference, only a written specification")
        side = open_reference(
            project.reference.launch, num_lanes=lanes, config=dict(project.reference.config)
        )
        opened.append(side)
        return side

    yield open_one
    for side in opened:
        side.close()


@pytest.fixture(scope="session")
def reference(open_lanes: Callable[[int], ReferenceProcess]) -> ReferenceProcess:
    """The project's reference with one lane, see ``envlift.reference.types.Side``."""
    return open_lanes(1)
