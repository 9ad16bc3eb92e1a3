"""The environments as users compile them: all other tests leave most of XLA's optimiser out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import QUICK, QUICK_TO_COMPILE

ROOT = Path(__file__).parents[3]

COMPARED = (
    "tests/verify/play/test_pong.py::test_pong_is_pufferlibs_pong[discrete-jax]",
    "tests/envs/half_cheetah/test_physics.py",
)
"""Tests that compare Pong with PufferLib's at every level, and HalfCheetah with physics."""


FLAGS = "import os, sys, tests.conftest; print(os.environ.get('XLA_FLAGS'))"


@pytest.mark.parametrize("given", [None, "", "--xla_dump_to=x"])
def test_whoever_sets_flags_keeps_theirs(given):
    """Else the comparison below would be compiled as all the others are."""
    variables = {n: v for n, v in os.environ.items() if n != "XLA_FLAGS"}
    if given is not None:
        variables["XLA_FLAGS"] = given
    command = [sys.executable, "-c", FLAGS]
    ran = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True)
    quick = QUICK_TO_COMPILE if QUICK else "None"
    assert ran.stdout.rstrip("\n") == (quick if given is None else given), ran.stderr


def test_they_are_the_same_game_when_they_are_optimised():
    # Set, so that tests/conftest.py leaves it alone, but to nothing: XLA's own choice.
    variables = {n: v for n, v in os.environ.items() if not n.startswith("PYTEST_")}
    quiet = ("-q", "-p", "no:cacheprovider", "-m", "optimised or not optimised")
    command = [sys.executable, "-m", "pytest", *quiet, *COMPARED]
    ran = subprocess.run(
        command,
        cwd=ROOT,
        env={**variables, "XLA_FLAGS": ""},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout
    assert " passed" in ran.stdout.splitlines()[-1]
    assert "skipped" not in ran.stdout.splitlines()[-1]
