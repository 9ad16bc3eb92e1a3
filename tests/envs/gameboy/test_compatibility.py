"""The table of docs/gameboy.md, made anew by calling PyBoy and ours."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from envlift.envs.gameboy import compatibility
from envlift.envs.gameboy.rom import BRICKS
from envlift.reference.launch import choose_interpreter

PAGE = Path(__file__).parents[3] / "docs" / "gameboy.md"
BEGIN, END = "<!-- compatibility: begin -->\n", "<!-- compatibility: end -->"
REQUIREMENTS = "envlift.envs.gameboy.reference:requirements.txt"
#: Run by path alone, Python would put our folder, with our pyboy.py, on its module path.
RUN = "import runpy, sys; runpy.run_path(sys.argv.pop(1), run_name='__main__')"


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    """What PyBoy answers, from a state it makes, and what ours does, from the same."""
    state = tmp_path_factory.mktemp("state") / "bricks.state"
    python = choose_interpreter({"requirements": REQUIREMENTS})
    command = [str(python), "-c", RUN, str(Path(compatibility.__file__)), "pyboy"]
    ran = subprocess.run([*command, str(BRICKS), str(state)], capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr.decode()
    theirs = json.loads(ran.stdout.decode().splitlines()[-1])
    return theirs, compatibility.answers("envlift.gameboy", str(BRICKS), state)


def test_nothing_that_is_offered_differs(both: tuple[dict[str, Any], dict[str, Any]]) -> None:
    theirs, ours = both
    different = [text for text in ours if "gives" in ours[text] and ours[text] != theirs[text]]
    assert different == ["screen.image", "get_tile(1).image()"]
    assert {theirs[text]["raises"] for text in different} == {"PyBoyDependencyError"}
    assert theirs["tick(5, render=False)"]["gives"] != theirs["tick()"]["gives"]


def test_what_is_not_offered_says_so(both: tuple[dict[str, Any], dict[str, Any]]) -> None:
    _, ours = both
    assert {own["raises"] for own in ours.values() if "raises" in own} == {"NotImplementedError"}


def test_the_table_of_the_page_is_what_was_found(
    both: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    shown = PAGE.read_text().split(BEGIN)[1].split(END)[0]
    assert shown == compatibility.table(*both)
