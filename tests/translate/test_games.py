"""``envlift init`` on games with dice inside a step that nobody prepared for it."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from envlift.translate.grading.suite_alone import twin_of
from envlift.translate.init.assigned import assigned
from envlift.translate.init.observation import parts
from envlift.translate.init.probe import Probe, look
from envlift.translate.init.start import Wanted, explore, write
from envlift.translate.project.file import load_project
from envlift.translate.prompts.render import render
from envlift.verify.run.context import QUICK
from envlift.verify.run.progress import Silent
from envlift.verify.run.session import Request
from envlift.verify.run.session import verify as compare
from envlift.verify.suite.find import find_suite

GAMES = Path(__file__).parent / "games"
YAHTZEE = f"gymnasium:{GAMES / 'yahtzee.py'}:YahtzeeEnv"
LUDO = f"gymnasium:{GAMES / 'ludo.py'}:LudoEnv"


@pytest.mark.parametrize("name", ["yahtzee.py", "ludo.py"])
def test_they_are_games_and_not_toys(name: str) -> None:
    assert len((GAMES / name).read_text().splitlines()) >= 300


def same(probe: Probe, words: int) -> None:
    """Its dice are given to it, and nothing of its state is hidden."""
    assert probe.tape_trouble == ""
    assert probe.dice == words
    assert probe.repeats
    assert probe.seeded


def test_yahtzee(tmp_path: Path) -> None:
    """A second Yahtzee is so rare that no random play shows that its bonus is kept in the state."""
    wanted = Wanted("yahtzee_fast", tmp_path / "yahtzee_fast", YAHTZEE)
    found = explore(wanted)
    assert found.probe is not None
    same(found.probe, 5)
    assert found.probe.seldom == ("bonuses",)
    assert set(found.config["state_attributes"]) == {
        *("dice", "sheet", "rolls_left", "bonuses", "mistakes")
    }
    project = write(wanted, found, "jax")
    assert project.reference.observation == (
        "bonuses: int8 [], 0 to 13",
        "dice: int8 [5], 1 to 6",
        "legal: int8 [45], 0 to 1",
        "rolls_left: int64 [], 0 to 2",
        "sheet: int16 [13], -1 to 50",
        "upper: int16 [], 0 to 200",
    )
    prompt = render("decompose", load_project(project.folder))
    assert "- `sheet`: int16 [13], -1 to 50\n" in prompt
    assert "`observation.bonuses[0]`" in prompt


@pytest.mark.slow
def test_what_differs_in_ludo_is_told_by_the_name_of_its_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the suite as ``init`` leaves it, with one number of the rules changed."""
    wanted = Wanted("ludo_fast", tmp_path / "ludo_fast", LUDO)
    found = explore(wanted)
    assert found.probe is not None
    same(found.probe, found.probe.dice)
    assert found.probe.dice >= 4
    project = write(wanted, found, "jax")
    monkeypatch.chdir(project.folder)
    monkeypatch.setattr(sys, "path", [*sys.path])
    suite, source = find_suite(str(project.folder / "suite.py"))
    text = (GAMES / "ludo.py").read_text()
    right = "/ np.float32(HOME)"
    assert right in text
    (project.folder / "other.py").write_text(text.replace(right, "/ np.float32(RING)"))
    report = compare(
        Request(
            suite=replace(twin_of(suite), candidate="gymnasium:other.py:LudoEnv"),
            suite_source=source,
            effort=QUICK,
            asked={"lanes": 2, "max_steps": 60},
            fixtures=tmp_path,
            levels=("L3",),
            minimise=False,
        ),
        Silent(),
    )
    (divergence, *_) = [one.divergence for one in report.checks if one.divergence is not None]
    assert divergence.field.startswith("observation.progress[")


def test_an_environment_without_hidden_state_gets_no_more() -> None:
    probe = look("gymnasium:FrozenLake-v1", {})
    same(probe, 1)
    assert (probe.attributes, probe.seldom) == (("s",), ())


class TestWhatAClassAssigns:
    SOURCE = """
class Game(Base):
    def __init__(self):
        self.size = 3

    def reset(self):
        self.a, self.b = 1, [2]
        self.grid[0] = self.c

    def play(self):
        self.d += 1
        self.e: int = 2
        other.f = 3

    def render_frame(self):
        self.window = 1


class Other:
    def reset(self):
        self.g = 1
"""

    def test_by_its_own_methods(self) -> None:
        assert set(assigned(self.SOURCE, 2, 18)) == {"a", "b", "grid", "d", "e"}
        assert assigned("class {", 1, 2) == ()

    def test_what_is_always_given_the_same_constant_is_none(self) -> None:
        source = """
class Game:
    def reset(self):
        self.way, self.open, self.count, self.seen = 0, 1, 0, 0
        self.turn = 0
        self.shut = False
        self.deep = 0

    def step(self):
        self.turn = 0
        self.shut = True
        self.deep += 1
"""
        assert assigned(source, 2, 12) == ("way", "open", "count", "seen", "shut", "deep")


def test_parts_of_spaces() -> None:
    box = {"kind": "Box", "shape": [2], "dtype": "float32", "low": "-inf", "high": 1.5}
    inner = {
        "kind": "Tuple",
        "spaces": [{"kind": "Discrete", "n": 3, "start": 1, "dtype": "int64"}],
    }
    text = {"kind": "Text", "min_length": 0, "max_length": 4, "characters": "ab"}
    assert parts({"kind": "Dict", "spaces": {"b": box, "a": inner, "t": text}}) == (
        "a.0: int64 [], 1 to 3",
        "b: float32 [2], -inf to 1.5",
        "t: Text, of no fixed length",
    )
    assert parts(box) == parts(None) == ()
