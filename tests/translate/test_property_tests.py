"""The tests of a workspace and the faults that they must notice."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from envlift.candidate.isolation import trouble_here
from envlift.translate.grading import property_tests
from envlift.translate.grading.judgement import HOLLOW, Judgement
from envlift.translate.grading.neutral import neutral
from envlift.translate.grading.property_tests import Outcome, Runner
from envlift.translate.grading.trees import Trees, make_trees
from envlift.translate.project.file import Module, parse

RIGHT = "ONE = 1\nTWO = 2\n"
NOTICED = "ONE = 2\n"
ENDS = "import os\nos._exit(3)\n"
TESTS = """import small.rules


def test_one():
    assert small.rules.ONE == 1
"""


@pytest.fixture
def trees(tmp_path: Path) -> Trees:
    """A workspace whose only test passes."""
    work = tmp_path / "first"
    (work / "small").mkdir(parents=True)
    (work / "small" / "__init__.py").touch()
    (work / "small" / "rules.py").write_text(RIGHT)
    (work / "tests").mkdir()
    (work / "tests" / "test_rules.py").write_text(TESTS)
    told = {
        "format": 1, "name": "small", "target": "jax", "reference": {"launch": "python:x.py:X"},
        "module": [{"name": "rules", "file": "small/rules.py"}],
    }  # fmt: skip
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return make_trees(parse(told, work), work, scratch, trouble_here(), lambda path: False)


def run(trees: Trees, *files: str) -> Outcome:
    copy = trees.copy_for_tests()
    with Runner(trees.of_tests(copy)) as runner:
        return runner.run(copy, files or ["tests/test_rules.py"])


def judge(trees: Trees) -> Judgement:
    judgement = Judgement()
    module = Module("rules", "small/rules.py")
    property_tests.judge(trees, [module], "rules", True, judgement)
    return judgement


def test_a_test_that_passes(trees: Trees) -> None:
    assert run(trees) == Outcome(0, 1, ())


def test_a_test_that_fails(trees: Trees) -> None:
    (trees.work / "small" / "rules.py").write_text(NOTICED)
    tested = run(trees)
    assert (tested.code, tested.passed) == (1, 0)
    ((path, name, words, traceback),) = tested.failures
    assert (path, name) == ("tests/test_rules.py", "test_one")
    assert words == "AssertionError: assert 2 == 1"
    assert "small.rules.ONE" in traceback


def test_a_plugin_that_happens_to_be_installed_is_not_there(trees: Trees) -> None:
    test = 'def test_one(pytestconfig):\n    assert pytestconfig.pluginmanager.hasplugin("xdist")\n'
    (trees.work / "tests" / "test_rules.py").write_text(test)
    assert run(trees).code == 1
    (trees.work / "tests" / "test_rules.py").write_text(test.replace("assert", "assert not"))
    assert run(trees) == Outcome(0, 1, ())


def test_each_run_begins_anew(trees: Trees) -> None:
    """One that ends its process does not end the next, and what it imported is gone."""
    broken = trees.copy_for_tests()
    (broken / "small" / "rules.py").write_text(ENDS)
    right = trees.copy_for_tests()
    shown = trees.of_tests(right)
    place = type(shown)(**{**vars(shown), "shown": (right, broken)})
    with Runner(place) as runner:
        first = runner.run(broken, ["tests/test_rules.py"])
        assert (first.code, first.passed) == (3, 0)
        assert first.failures[0][2] == "pytest ended with 3"
        assert runner.run(right, ["tests/test_rules.py"]) == Outcome(0, 1, ())


def test_tests_that_end_their_process_have_not_passed(trees: Trees) -> None:
    ends = TESTS + f"\n\nimport atexit, os\natexit.register(os._exit, {os.EX_SOFTWARE})\n"
    (trees.work / "tests" / "test_rules.py").write_text(ends)
    tested = run(trees)
    assert tested.passed == 1
    assert tested.failures[0][2] == f"pytest ended with {os.EX_SOFTWARE}"


def test_tests_that_notice_a_fault_count(trees: Trees) -> None:
    judgement = judge(trees)
    assert judgement.failures == []
    assert judgement.tests == 1
    assert (trees.work / "small" / "rules.py").read_text() == RIGHT


@pytest.mark.parametrize(
    ("tests", "words"),
    [
        ("import small.rules\n\ndef test_one():\n    assert small.rules\n", "passes all the same"),
        (
            "import inspect, small.rules\n\ndef test_one():\n"
            f"    assert inspect.getsource(small.rules) == {RIGHT!r}\n",
            "only the text of small/rules.py changed",
        ),
        (
            "import os, small.rules\n\ndef test_one():\n    assert small.rules.ONE == 1\n"
            "    assert os.path.basename(os.getcwd()) == 'tests-0'\n",
            "on the same module",
        ),
    ],
    ids=["notices nothing", "looks at the text", "fails the second time"],
)
def test_tests_that_do_not_count(trees: Trees, tests: str, words: str) -> None:
    (trees.work / "tests" / "test_rules.py").write_text(tests)
    (failure,) = judge(trees).failures
    assert (failure.kind, failure.module) == (HOLLOW, "rules")
    assert words in failure.summary


def test_another_text_does_the_same() -> None:
    source = 'def f(a):\n    """Add."""\n    # One more.\n    return a + 1\n'
    changed = neutral(source, "jax")
    assert changed != source
    assert "One more" not in changed
    scopes: list[dict[str, object]] = [{}, {}]
    for text, scope in zip((source, changed), scopes, strict=True):
        exec(compile(text, "x.py", "exec"), scope)
    first, second = (scope["f"] for scope in scopes)
    assert first(1) == second(1) == 2  # type: ignore[operator]
    assert first.__doc__ == second.__doc__ == "Add."
    assert first.__code__.co_code != second.__code__.co_code  # type: ignore[attr-defined]
    # Warp compiles the bodies of functions: they stay.
    assert "return a + 1" in neutral(source, "warp")
    assert neutral(source, "warp").count("unused_") == 1
