"""The tests of a workspace and the faults that they must notice, run in one process."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from envlift.translate.grading.property_tests import OPTIONS, run

RIGHT = "ONE = 1\n"
NOTICED = "ONE = 2\n"
OVERLOOKED = "ONE = 1\nTWO = 3\n"
ENDS = "import os\nos._exit(3)\n"
TESTS = """import small.rules


def test_one():
    assert small.rules.ONE == 1
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace whose only test passes."""
    work = tmp_path / "first"
    (work / "small").mkdir(parents=True)
    (work / "small" / "__init__.py").touch()
    (work / "small" / "rules.py").write_text(RIGHT)
    (work / "tests").mkdir()
    (work / "tests" / "test_rules.py").write_text(TESTS)
    return work


def plan(folder: Path, *sources: str) -> dict[str, object]:
    copy = shutil.copytree(folder, folder.parent / "second")
    return {
        "code": str(folder.parent / "code"),
        "folder": str(folder),
        "copy": str(copy),
        "file": "small/rules.py",
        "sources": sources,
        "tests": "tests/test_rules.py",
        "options": [*OPTIONS, f"--rootdir={copy}"],
    }


@pytest.mark.parametrize(
    ("sources", "noticed"),
    [
        ((OVERLOOKED, NOTICED, RIGHT), [False, True]),
        ((OVERLOOKED, RIGHT), [False, False]),
        ((OVERLOOKED, ENDS), [True]),
    ],
    ids=["until one is noticed", "none is", "one that ends the process is"],
)
def test_broken_sources_are_run_after_the_right_one(
    folder: Path, sources: tuple[str, ...], noticed: list[bool]
) -> None:
    assert run(folder, ["tests/test_rules.py"], plan(folder, *sources)) == (1, [], noticed)
    assert (folder / "small" / "rules.py").read_text() == RIGHT


def test_nothing_is_broken_where_a_test_fails(folder: Path) -> None:
    (folder / "small" / "rules.py").write_text(NOTICED)
    passed, failures, noticed = run(folder, ["tests/test_rules.py"], plan(folder, RIGHT))
    assert (passed, noticed) == (0, [])
    assert [(path, name) for path, name, *_ in failures] == [("tests/test_rules.py", "test_one")]


def test_tests_that_end_their_process_have_not_passed(folder: Path) -> None:
    ends = TESTS + f"\n\nimport atexit, os\natexit.register(os._exit, {os.EX_SOFTWARE})\n"
    (folder / "tests" / "test_rules.py").write_text(ends)
    passed, (failure,), _ = run(folder, ["tests/test_rules.py"])
    assert passed == 1
    assert failure[2] == f"pytest ended with {os.EX_SOFTWARE}"
