"""The tables hold what MuJoCo's compiler says, and the check of that can fail."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import envlift.envs.half_cheetah
from envlift.reference.processes.venv import environment

HOME = Path(envlift.envs.half_cheetah.__file__).parent


def check(folder):
    """Run the check as a person would, in the reference's own environment."""
    program = environment(HOME / "reference" / "requirements.txt")
    command = [program, folder / "reference" / "tables.py", "--check"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


def test_they_are_what_the_compiled_model_says(tmp_path):
    done = check(shutil.copytree(HOME, tmp_path / "copy"))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


@pytest.mark.parametrize("table", ["bodies", "joints", "capsules", "options"])
def test_a_changed_number_is_found(table, tmp_path):
    folder = shutil.copytree(HOME, tmp_path / "copy")
    path = folder / "tables" / f"{table}.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    name = next(name for name, value in rows[-1].items() if isinstance(value, float))
    rows[-1][name] *= 1 + 1e-15
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = check(folder)
    assert done.returncode == 1
    assert done.stdout == (
        f"tables/{table}.jsonl is not what the compiled model says; run reference/tables.py\n"
    )
