"""Turns that do not count, whatever their code does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from envlift.translate.loop.faults import fault_of, not_blind
from envlift.translate.loop.workspace import Change
from envlift.translate.project.file import Project, load_project

TOY = Path(__file__).parent / "toy"


@pytest.fixture
def project() -> Project:
    return replace(load_project(TOY), protected=("walk/tables", "*.lock"))


def change(*paths: str, links: tuple[str, ...] = ()) -> Change:
    return Change("c", dict.fromkeys(paths, "M"), 1, 0, links)


PASSED = {"tests/test_rules.py"}


@pytest.mark.parametrize(
    ("changed", "kind", "words"),
    [
        ([], "translate", "changed nothing"),
        (["walk/env.py", "suite.py"], "translate", "suite.py, which is protected"),
        (["envlift.toml"], "repair", "envlift.toml, which is protected"),
        (["reference/walk.py"], "repair", "protected"),
        (["fixtures/new.jsonl"], "repair", "protected"),
        (["prompts/repair.md.jinja"], "repair", "protected"),
        ([".gitignore"], "translate", "protected"),
        (["walk/tables/a.json"], "translate", "protected"),
        (["deep/x.lock"], "translate", "protected"),
        (["tests/test_rules.py"], "translate", "has passed them already"),
        (["tests/test_rules.py"], "root-cause", "has passed them already"),
        (["walk/rules.py"], "root-cause", "writes tests"),
        (["walk/rules.py", "tests/test_env.py"], "tests", "writes tests"),
        (["walk/rules.py"], "decompose", "modules.toml alone"),
    ],
)
def test_it_does_not_count(project: Project, changed: list[str], kind: str, words: str) -> None:
    assert words in fault_of(project, change(*changed), kind, PASSED)


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        (["walk/env.py", "tests/test_env.py"], "translate"),
        (["tests/test_case.py"], "root-cause"),
        (["tests/test_rules.py"], "tests"),
        (["modules.toml"], "decompose"),
        (["referenced.txt", "suite.pyx"], "translate"),
    ],
)
def test_it_counts(project: Project, changed: list[str], kind: str) -> None:
    assert fault_of(project, change(*changed), kind, PASSED) == ""


def test_a_persons_module_is_not_rewritten(project: Project) -> None:
    """The suite may import it; what an agent made itself it may change."""
    wrote = Change("c", {"helper.py": "M"}, 1, 0, ())
    assert "helper.py, which a person wrote" in fault_of(project, wrote, "translate", PASSED)
    assert fault_of(project, wrote, "translate", PASSED, {"helper.py"}) == ""
    made = Change("c", {"helper.py": "A"}, 1, 0, ())
    assert fault_of(project, made, "translate", PASSED) == ""


def test_links_are_refused(project: Project) -> None:
    assert "link" in fault_of(project, change("walk/x", links=("walk/x",)), "translate", set())


def judged(project: Project, tmp_path: Path, source: str, target: str = "jax") -> str:
    (tmp_path / "walk").mkdir()
    (tmp_path / "walk" / "env.py").write_text(source)
    return not_blind(replace(project, target=target), tmp_path)


@pytest.mark.parametrize(
    "source",
    [
        "import subprocess",
        "import reference.walk",
        "from reference import walk",
        "import envlift.reference.launch",
        "from envlift.verify import verify",
        "import envlift",
        "from gymnasium.envs.toy_text import taxi",
        "from gymnasium import make",
        "import gymnasium\nenv = gymnasium.make('Taxi-v3')",
        "import gymnasium\nenv = gymnasium.envs",
        "from jax import pure_callback",
        "import jax\njax.experimental.io_callback(print, None)",
        "import importlib",
        "open('answers')",
        "exec('1')",
        "__import__('os')",
        "import socket",
        "import ctypes",
        "import warp",
    ],
)
def test_a_fast_environment_may_not_look(project: Project, tmp_path: Path, source: str) -> None:
    line = source.count("\n") + 1
    assert f"walk/env.py:{line} " in judged(project, tmp_path, source)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("from __future__ import annotations\nimport jax.numpy as jnp, numpy as np", "jax"),
        ("from envlift.env import Env\nfrom envlift.targets import chance", "jax"),
        ("from walk.rules import move\nfrom . import rules\nimport math", "jax"),
        ("import gymnasium\nspace = gymnasium.spaces.Discrete(3)", "jax"),
        ("import warp as wp", "warp"),
        ("import ctypes, sys\nfrom gymnasium.vector import VectorEnv", "rust"),
        ("this is no Python", "jax"),
    ],
)
def test_what_it_needs_it_may_import(
    project: Project, tmp_path: Path, source: str, target: str
) -> None:
    assert judged(project, tmp_path, source, target) == ""


@pytest.mark.parametrize(("target", "found"), [("rust", True), ("jax", False)])
def test_a_crate_is_looked_at_where_rust_is_the_target(
    project: Project, tmp_path: Path, target: str, found: bool
) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "lib.rs").write_text("use std::process::Command;\n")
    assert bool(judged(project, tmp_path, "", target)) is found
