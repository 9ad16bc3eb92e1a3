"""``make demo``: its command lines are real, and it stops where a step ends otherwise."""

from __future__ import annotations

import shlex
from types import ModuleType

import pytest

from envlift.cli import parser
from tests.scripts import script


@pytest.fixture(scope="module")
def demo() -> ModuleType:
    return script("demo")


def test_every_step_is_a_command_line_and_the_whole_takes_four_minutes(demo: ModuleType) -> None:
    for step in demo.STEPS:
        parser().parse_args(shlex.split(step.arguments))
    assert sum(step.seconds for step in demo.STEPS) <= 240
    (wrong,) = [step for step in demo.STEPS if step.expected]
    assert wrong.expected == 1
    assert "examples/cartpole_phys2d.py" in wrong.arguments


@pytest.mark.parametrize(("expected", "code"), [(0, 0), (1, 1)])
def test_a_step_that_ends_otherwise_ends_the_demonstration(
    demo: ModuleType,
    expected: int,
    code: int,
    tmp_path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    steps = [demo.Step(name, "", 1, "list", expected) for name in ("first", "second")]
    assert demo.main(tuple(steps)) == code
    said = capfd.readouterr()
    assert ("2 of 2: second" in said.out) is (code == 0)
    assert ("step 1 (first) ended with exit code 0, where 1 was expected" in said.err) is bool(code)
