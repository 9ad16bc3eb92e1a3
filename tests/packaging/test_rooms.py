"""The import contracts of pyproject.toml catch what they are there for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# file -> what is written into it, and the contract that must break
BREACHES = {
    "a reference in the rules": (
        "envs/pong/env.py", "from envlift.reference import types\n", "cannot see a reference"
    ),
    "the verifier in the rules": (
        "envs/pong/rules/jax.py", "from envlift.verify import suite\n", "cannot see a reference"
    ),
    "its own verification folder": (
        "envs/pong/state.py",
        "from envlift.envs.pong.verification import suite\n",
        "cannot see a reference",
    ),
    "its own bench, which runs the reference": (
        "envs/pong/state.py", "import envlift.envs.pong.bench\n", "cannot see a reference"
    ),
    "what it is as fast as": (
        "envs/half_cheetah/rules/step.py",
        "import envlift.envs.half_cheetah.baselines.base\n",
        "cannot see a reference",
    ),
    "a new environment, at once": (
        "envs/zz_new/env.py", "import envlift.verify.suite\n", "cannot see a reference"
    ),
    "a new environment's own reference": (
        "envs/zz_new/rules.py",
        "from envlift.envs.zz_new.reference import answers\n",
        "cannot see a reference",
    ),
    "a target that looks at answers": (
        "targets/__init__.py", "import envlift.reference.types\n", "cannot see a reference"
    ),
    "the contract knows an environment": (
        "env.py", "import envlift.envs.pong.env\n", "knows only the rooms below"
    ),
    "the rules know what evidence is tied to": (
        "envs/pong/rules/jax.py", "import envlift.sources\n", "cannot see a reference"
    ),
    "the hashing of sources knows an environment": (
        "sources.py", "import envlift.registry\n", "knows only the rooms below"
    ),
    "an adapter knows the verifier": (
        "adapters/__init__.py", "import envlift.verify.suite\n", "knows only the rooms below"
    ),
    "the command line is nobody's helper": (
        "verify/suite/find.py", "import envlift.cli\n", "knows only the rooms below"
    ),
    "a reference knows the candidate": (
        "reference/types.py", "import envlift.envs.pong.env\n", "knows no fast environment"
    ),
}  # fmt: skip


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [
        str(Path(sys.executable).with_name("lint-imports")), "--no-cache",
        "--config", str(ROOT / "pyproject.toml"),
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package, so that the checkout stays as it is."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src" / "envlift", tmp_path / "envlift", ignore=ignored)
    return tmp_path


def test_the_package_keeps_them(copy: Path) -> None:
    result = lint_imports(copy)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(("file", "line", "contract"), BREACHES.values(), ids=BREACHES)
def test_breach_is_caught(copy: Path, file: str, line: str, contract: str) -> None:
    path = copy / "envlift" / file
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        (path.parent / "__init__.py").write_text("")
        (path.parent / "reference").mkdir(exist_ok=True)
        (path.parent / "reference" / "__init__.py").write_text("")
        (path.parent / "reference" / "answers.py").write_text("")
        path.write_text("")
    path.write_text(path.read_text() + line)
    result = lint_imports(copy)
    assert result.returncode != 0
    broken = [text for text in result.stdout.splitlines() if " BROKEN" in text]
    assert any(contract in text for text in broken), result.stdout
