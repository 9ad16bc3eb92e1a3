"""The words of `envlift watch`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from envlift.cli import main
from envlift.watch import run
from envlift.watch.command import _folder
from envlift.watch.pins import VersionsUnknownError
from envlift.watch.run import Outcome, Watched


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Answer for the comparisons: what was asked of them."""
    found: list[Any] = []

    def watch(name: str, to: Any, folder: Path, tell: Any, more: Any, configs: Any) -> Watched:
        found.append((name, to, folder.name, [*more, *configs]))
        if name == "pong":
            raise VersionsUnknownError("no package")
        verdict = "FAIL" if name == "pokemon" else "PASS"
        outcomes = Outcome("both", verdict), Outcome("fast", "PASS")
        return Watched(name, {"a": "1"}, {"a": "2"}, *outcomes)

    monkeypatch.setattr(run, "watch", watch)
    return found


def test_one_environment(asked: list[Any], tmp_path: Path, capsys: Any) -> None:
    words = ["--to", "mujoco=3.3.7", "--to", "gymnasium==1.2.0", "--quick", "--seed", "3"]
    assert main(["watch", "half_cheetah", *words, "--out", str(tmp_path)]) == 0
    versions = {"mujoco": "3.3.7", "gymnasium": "1.2.0"}
    assert asked == [("half_cheetah", versions, "half_cheetah", ["--quick", "--seed", "3"])]
    assert "half_cheetah: unchanged" in capsys.readouterr().out
    (row,) = json.loads((tmp_path / "report.json").read_text())["watched"]
    assert (row["status"], row["after"]) == ("unchanged", {"a": "2"})
    assert "| half_cheetah | a 1 → 2 |" in (tmp_path / "report.md").read_text()


def test_all_environments(asked: list[Any], tmp_path: Path, capsys: Any) -> None:
    """What cannot be watched is left out and said; one change makes the exit code 1."""
    assert main(["watch", "--out", str(tmp_path)]) == 1
    assert {"half_cheetah", "pokemon", "pong", "gameboy"} <= {name for name, *_ in asked}
    said = capsys.readouterr().out
    assert "pong: left out: no package" in said
    assert "pokemon: changed" in said


def test_suite_files_have_folders_of_their_own() -> None:
    names = ["suite.py", "../x/suite.py", "x/suite.py", "x-suite.py", "half_cheetah.py"]
    folders = {_folder(name) for name in (*names, "half_cheetah")}
    assert len(folders) == 6
    assert all(set(folder) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-") for folder in folders)


def test_an_interrupted_run_is_written_and_ends(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "report.md").write_text("of another run")
    interrupted = Watched("x", {"a": "1"}, {"a": "2"}, why="interrupted", interrupted=True)
    monkeypatch.setattr(run, "watch", lambda *given: interrupted)
    assert main(["watch", "pokemon", "half_cheetah", "--out", str(tmp_path)]) == 130
    assert capsys.readouterr().out.count("x: not comparable (interrupted)") == 1
    assert "interrupted" in (tmp_path / "report.md").read_text()


def test_bad_words(asked: list[Any], tmp_path: Path, capsys: Any) -> None:
    out = ["--out", str(tmp_path)]
    assert main(["watch", "pong", *out]) == 4
    assert "no package" in capsys.readouterr().err
    assert main(["watch", "--to", "a=1", *out]) == 4
    assert "--to is for one environment" in capsys.readouterr().err
    assert main(["watch", "--config", "a", *out]) == 4
    assert "--config is for one environment" in capsys.readouterr().err
    for text in ("mujoco", "=3", "mujoco="):
        assert main(["watch", "half_cheetah", "--to", text, *out]) == 4
        assert f"--to {text} is not PACKAGE=VERSION" in capsys.readouterr().err
    assert not (tmp_path / "report.md").exists()
