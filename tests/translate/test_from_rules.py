"""The example of docs/from-rules.md: Pig, from twenty rules to two readings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from envlift.cli import main
from envlift.translate.rules.book import read_book

ROOT = Path(__file__).parents[2]
PIG = ROOT / "examples" / "from_rules" / "pig"


def test_all_twenty_rules_are_tested(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(read_book(PIG / "rules.md").rules) == 20
    assert main(["rules", "check", str(PIG / "rules.md")]) == 0
    assert "20 rules, 19 tested, 1 marked as not tested, 19 carried out" in capsys.readouterr().out


def test_the_plain_reading_passes_them() -> None:
    words = [sys.executable, "-m", "pytest", "-q", "--noconftest", "-c", os.devnull]
    words += ["-p", "no:cacheprovider", "--rootdir", str(ROOT), str(PIG / "test_rules.py")]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "8 passed" in done.stdout


def test_two_readings_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second one forgets that a six of one turn does not count in the next."""
    monkeypatch.chdir(PIG)
    report = tmp_path / "report.json"
    words = ["verify", "python:rules.py:Pig", "python:second.py:Second", "--suite", "suite.py"]
    words += ["--quick", "--level", "L3", "--fixtures", str(tmp_path), "--json", str(report)]
    assert main(words) == 1
    assert "six at step" in capsys.readouterr().out
    assert main(["rules", "check", "rules.md", "--report", str(report)]) == 0
    told = capsys.readouterr().out
    assert "never applied in the comparison: " in told
    assert "R-1," not in told.partition("comparison: ")[2]
