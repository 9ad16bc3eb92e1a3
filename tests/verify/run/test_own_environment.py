"""An environment of a user's own: what is missing is shown, what is there is found, and judged."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import gymnasium
import jax.numpy as jnp
import pytest

from envlift import Env
from envlift.candidate.opening import load, open_here
from envlift.env import MissingMethodError
from envlift.reference.failure import PairError
from envlift.verify import verify
from envlift.verify.run.result import Verdict
from envlift.verify.suite.find import find_suite
from tests.docs.pages import ROOT, blocks

EXAMPLES = ROOT / "examples"


class Half(Env):
    """No ``sample`` and no ``observe``."""

    def observation_space(self, params=None):
        return gymnasium.spaces.Discrete(2)

    def action_space(self, params=None):
        return gymnasium.spaces.Discrete(2)

    def sample_initial(self, key, params=None):
        return jnp.float32(0)

    def initial(self, draws, params=None):
        return draws

    def transition(self, state, action, draws, params=None):
        raise AssertionError


class Whole(Half):
    """It never calls ``Env.__init__``."""

    def __init__(self):
        self.size = 3

    def sample(self, key, state, action, params=None):
        return jnp.float32(0)

    def observe(self, state, params=None):
        return state


def test_missing_methods_are_shown_as_the_lines_to_write():
    with pytest.raises(MissingMethodError) as told:
        Half()
    text = str(told.value)
    assert text.startswith("Half is no whole environment yet: it has no observe, sample.")
    assert "    def sample(self, key, state, action, params=None):\n" in text
    assert '    def observe(self, state, params=None):\n        """Return what the agent' in text
    assert "def transition" not in text
    assert text.index("def sample") < text.index("def observe")


def test_a_half_written_candidate_is_no_verdict_but_a_sentence():
    with pytest.raises(PairError, match=r"it has no observe, sample"):
        open_here(Half, {}, 2)


def test_what_an_environment_need_not_say():
    env = Whole()
    assert (env.info.name, env.info.version, env.info.backend) == ("Whole", 1, "jax")
    assert env.autoreset == "same_step"
    assert env.default_params is None


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the example's two files, under names that nothing else has imported."""
    for name in ("env", "suite"):
        text = (EXAMPLES / f"my_{name}.py").read_text()
        (tmp_path / f"{tmp_path.name}_{name}.py").write_text(
            text.replace("env:my_env:", f"env:{tmp_path.name}_env:")
        )
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    return tmp_path


def test_a_module_is_found_in_the_current_folder(own: Path, monkeypatch: pytest.MonkeyPatch):
    module = f"{own.name}_env"
    with pytest.raises(ValueError, match="nor is it in the current folder"):
        load(f"{module}:make")
    monkeypatch.chdir(own)
    assert load(f"{module}:make")().info.name == "MountainCar"
    assert sys.path[-1] == str(own)


def test_a_module_is_found_beside_its_suite(own: Path):
    suite, _ = find_suite(str(own / f"{own.name}_suite.py"))
    assert suite.candidate == f"env:{own / f'{own.name}_env.py'}:make"


def test_a_file_may_import_what_stands_beside_it(own: Path):
    (own / f"{own.name}_more.py").write_text(f"from {own.name}_env import make as other\n")
    assert load(f"{own / f'{own.name}_more.py'}:other")().info.name == "MountainCar"


def test_the_page_shows_the_files_as_they_are():
    page = (ROOT / "docs" / "own-environment.md").read_text()
    shown = [block.code for block in blocks(page) if block.tag == "python"]
    assert shown == [(EXAMPLES / name).read_text() for name in ("my_env.py", "my_suite.py")]


@pytest.mark.slow
@pytest.mark.parametrize("gravity", ["0.0025", "0.0026"])
def test_the_example_is_judged_from_any_folder(
    gravity: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in ("my_env.py", "my_suite.py"):
        shutil.copy(EXAMPLES / name, tmp_path)
    rules = tmp_path / "my_env.py"
    assert rules.read_text().count("0.0025") == 1
    rules.write_text(rules.read_text().replace("0.0025", gravity))
    monkeypatch.chdir(tmp_path.parent)
    report = verify(
        f"{tmp_path.name}/my_suite.py", quick=True, lanes=8, levels=("L2", "L3"), seed=1
    )
    assert report.verdict is (Verdict.PASS if gravity == "0.0025" else Verdict.FAIL)
    if report.verdict is Verdict.PASS:
        assert min(report.features.values()) > 0
    else:
        (first, *_) = [check for check in report.checks if check.verdict is Verdict.FAIL]
        assert first.divergence is not None
        assert first.divergence.field == "state.position"
        assert "state.velocity" in first.divergence.also
        assert first.fixture is not None
