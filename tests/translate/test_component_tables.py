"""A component without arguments: a constant of a module beside the reference's."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from envlift.translate import components
from envlift.translate.components import from_function
from envlift.translate.project.file import load_project
from envlift.verify.run.result import Verdict
from envlift.verify.suite import Component, Field, PairError
from envlift.verify.suite.find import find_suite

WAYS = np.array([-1, 0, 1], dtype=np.int64)


def given(monkeypatch, toy: Path, component: Component) -> object:
    """Compare one component of the toy, whose reference holds the table ``ways``."""
    reference = toy / "reference" / "walk.py"
    table = "    @component\n    def ways(self):\n        return np.array([-1, 0, 1])\n"
    text = "import numpy as np\nfrom envlift.reference.host import component\n"
    reference.write_text(text + reference.read_text() + "\n" + table)
    monkeypatch.chdir(toy)
    project = load_project(toy)
    suite, source = find_suite(project.suite)
    changed = replace(suite, components=(component,))
    monkeypatch.setattr(components, "find_suite", lambda name: (changed, source))
    (check,) = components.compare(project, [component.name])
    return check


@pytest.mark.parametrize("held", [WAYS, lambda: WAYS], ids=["constant", "function"])
def test_a_table_may_be_a_constant_or_a_function(monkeypatch, toy, held):
    monkeypatch.setattr(sys.modules[__name__], "WAYS_HELD", held, raising=False)
    where = f"{__name__}:WAYS_HELD"
    component = Component("ways", (Field("result"),), from_function(where))
    assert given(monkeypatch, toy, component).verdict is Verdict.PASS


def test_a_wrong_table_fails(monkeypatch, toy):
    monkeypatch.setattr(sys.modules[__name__], "WAYS_HELD", WAYS + 1, raising=False)
    component = Component("ways", (Field("result"),), from_function(f"{__name__}:WAYS_HELD"))
    check = given(monkeypatch, toy, component)
    assert check.verdict is Verdict.FAIL


def test_a_table_without_its_one_row_is_told_so(monkeypatch, toy):
    component = Component("ways", (Field("result"),), lambda env: lambda _: {"result": WAYS})
    with pytest.raises(PairError, match=r"gives 1 rows of 'result', the candidate 3"):
        given(monkeypatch, toy, component)
