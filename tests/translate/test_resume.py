"""A kill at any moment changes nothing but what the lost turn had cost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EVERY = 5
"""Every fifth of all moments is tried; with 1 all of them are, which takes minutes."""


@pytest.mark.slow
def test_a_kill_at_any_moment_is_made_good(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.translate.killed", str(tmp_path), str(EVERY)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    whole, names = found["whole"], found["names"]
    assert [turn[1] for turn in whole["turns"]] == ["translate", "repair", "repair", "translate"]
    assert [turn[4] for turn in whole["turns"]] == [True, False, True, True]
    assert whole["left"] == []
    assert not whole["dirty"]
    lost = 0
    for moment, after in found["killed"].items():
        where = f"killed at moment {moment}: {names[int(moment)]}; {done.stderr}"
        assert after["codes"] == [-9, 0], where
        for key in ("turns", "tree", "trees", "dirty", "left"):
            assert after[key] == whole[key], f"{where}: {key}"
        # A lost turn costs what the agent can tell of it, here half a cent; it is counted once.
        assert after["dollars"] == pytest.approx(whole["dollars"] + 0.005 * len(after["lost"]))
        lost += len(after["lost"])
    assert lost, "no moment fell into a turn, so nothing was tried"
    tried = {names[int(moment)].split()[0] for moment in found["killed"]}
    assert {"git", "event"} <= tried
    assert tried & {"before", "half", "after"}
