"""``scripts/check_tree.py`` finds each kind of file that must not be committed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "check_tree.py"

# In pieces, so that this file itself is clean.
CASES = {
    "generated folder": ("src/__pycache__/a.txt", "x", "is generated"),
    "compiled file": ("src/fast.so", "x", "is generated"),
    "over-long module": ("src/long.py", "x = 1\n" * 601, "601 lines"),
    "registry host": ("lock.txt", "https://py" + "pi.org/simple", "registry"),
    "host of crates": ("Cargo.lock", 'source = "sparse+https://index.crates.' + 'io/"', "registry"),
    "machine path": ("notes.md", "see /wo" + "rk/shared", "path of one machine"),
    "home path": ("notes.md", "see `/ro" + "ot/x`", "path of one machine"),
    "environment path": ("run.sh", "/tm" + "p/v/bin/python", "path of one machine"),
}


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    return subprocess.run(
        [sys.executable, str(SCRIPT), str(folder)], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(("name", "text", "message"), CASES.values(), ids=CASES)
def test_finding(tmp_path: Path, name: str, text: str, message: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    result = check(tmp_path)
    assert result.returncode == 1
    assert name in result.stdout
    assert message in result.stdout


def test_clean_tree_and_ignored_files(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("x = 1\n" * 600)
    (tmp_path / "words.md").write_text("a framework/root cause, and /tmp/vault")
    source = "registry+https://github.com/rust-lang/crates.io-index"
    (tmp_path / "Cargo.lock").write_text(f'source = "{source}"\n')
    (tmp_path / ".gitignore").write_text("__pycache__/\n")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "module.pyc").write_bytes(b"\0")
    result = check(tmp_path)
    assert result.returncode == 0, result.stdout
