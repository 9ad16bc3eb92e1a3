"""Written rules on the page."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from envlift.report.page import data, rules
from envlift.report.page.gather import from_json, gather, to_json
from envlift.report.page.render import render
from envlift.translate.project.file import load_project
from tests.report.reader import read

PROJECT = """
format = 1
name = "stones"
target = "jax"

[reference]
launch = "python:reference/stones.py:Stones"
specification = "reference/rules.md"
"""
RULES = """
- R-1 A heap has 7 stones.
- R-2 A player takes one or two.
- R-3 Clocks are left out. not tested: there is nothing to test
"""
REFERENCE = '''
class Stones:
    def step(self):
        """R-1, R-2: a turn."""

def test_a_heap():
    """R-1: seven."""
'''


@pytest.fixture
def stones(tmp_path: Path) -> Path:
    (tmp_path / "reference").mkdir()
    (tmp_path / "envlift.toml").write_text(PROJECT)
    (tmp_path / "reference" / "rules.md").write_text(RULES)
    (tmp_path / "reference" / "stones.py").write_text(REFERENCE)
    (tmp_path / "suite.py").write_text('SUITE = Suite(features=[Feature("R-2 taking", f)])')
    return tmp_path


def test_a_project_from_rules(stones: Path) -> None:
    one, two, three = rules.of_project(load_project(stones), {"R-1": 4})
    assert (one.tests, one.functions) == (["stones.py::test_a_heap"], ["stones.py::step"])
    assert (one.applied, two.applied) == (4, 0)
    assert (two.tests, two.parts) == ([], {"L3": ["R-2 taking"]})
    assert three.not_tested == "there is nothing to test"
    assert [row.applied for row in rules.of_project(load_project(stones), {})] == [None] * 3


def test_a_project_without_rules(stones: Path) -> None:
    path = stones / "envlift.toml"
    path.write_text(PROJECT.replace('specification = "reference/rules.md"', ""))
    assert rules.of_project(load_project(stones), {}) == []


def test_a_registered_environment_from_rules(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    folder = root / "src" / "envlift" / "envs" / "tcg_pocket"
    tests = root / "tests" / "envs" / "tcg_pocket"
    found = rules.of_environment("tcg_pocket", folder, tests, {})
    assert len(found) == 158
    # A test for each but those that say why not, and nearly each in the suite.
    assert [row.id for row in found if not row.tests and not row.not_tested] == []
    one, two, three = (sum(level in row.parts for row in found) for level in ("L1", "L2", "L3"))
    text = " ".join((root / "docs" / "from-rules.md").read_text().split())
    assert f"{one} are named by a component, {two} by a scenario, {three} by what must" in text
    assert rules.of_environment("tcg_pocket", folder, tmp_path / "none", {}) == []
    assert rules.of_environment("pong", folder.parent / "pong", tests, {}) == []


def test_the_page_shows_them(stones: Path, evidence: Path) -> None:
    page = gather([str(evidence)])
    written = rules.of_project(load_project(stones), {"R-1": 1_234})
    evil = dataclasses.replace(written[0], id="R-9", text="<script>alert(1)</script>")
    subject = dataclasses.replace(page.subjects[0], rules=[*written, evil])
    shown = dataclasses.replace(page, subjects=[subject])
    html = render(shown)
    assert "Without a test: R-2." in html
    assert "Never applied in the comparison: R-2." in html
    assert "not tested: there is nothing to test" in html
    assert "<script>" not in html
    (table,) = [t for t in read(html).all("table") if "applied" in t.text and "rule" in t.text]
    assert "1,234" in table.text
    assert from_json(to_json(shown)) == shown
    assert "Written rules" not in render(page)


def test_a_page_of_an_older_envlift_has_no_rules(evidence: Path) -> None:
    plain = to_json(gather([str(evidence)]))
    for subject in plain["subjects"]:
        del subject["rules"]
    assert all(isinstance(s, data.Subject) and s.rules == [] for s in from_json(plain).subjects)
