"""The walls around a turn: where they stand, and that a missing one is told."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from envlift.translate.agents.protocol import AgentError
from envlift.translate.agents.registry import make_agent
from envlift.translate.agents.sandbox import Sandbox, _probe, allowed_environment


def fake_bwrap(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    folder.mkdir(exist_ok=True)
    program = folder / "bwrap"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_the_allowed_variables() -> None:
    source = {
        **dict.fromkeys(("PATH", "HOME", "LANG", "LC_ALL", "TERM", "TMPDIR", "USER", "SHELL"), "x"),
        **dict.fromkeys(("OPENAI_API_KEY", "AWS_PROFILE", "XLC_ALL", "PYTHONPATH"), "y"),
    }
    plain = allowed_environment(source)
    assert set(plain.values()) == {"x"}
    assert len(plain) == 8
    named = allowed_environment(source, ["OPENAI_API_KEY", "NOT_SET"])
    assert set(named) - set(plain) == {"OPENAI_API_KEY"}


def test_none_changes_nothing(tmp_path: Path) -> None:
    assert Sandbox().command(["true", "x"], tmp_path, tmp_path) == ["true", "x"]


def test_none_cannot_take_the_network_away(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="bubblewrap"):
        Sandbox().command(["true"], tmp_path, tmp_path, network=False)


def test_the_program_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AgentError, match="not found on PATH; install bubblewrap, or choose"):
        make_agent("manual", sandbox="bubblewrap")


def test_namespaces_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_bwrap(tmp_path, monkeypatch, "echo 'No permissions to create a namespace' >&2; exit 1")
    for use in (
        lambda: make_agent("command:claude", sandbox="bubblewrap"),
        lambda: Sandbox("bubblewrap").command(["true"], tmp_path, tmp_path),
    ):
        with pytest.raises(AgentError, match=r"\(No permissions to create a namespace\); allow"):
            use()


def test_the_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_bwrap(tmp_path / "bin", monkeypatch, "exit 0")
    worktree, log = tmp_path / "worktree", tmp_path / "log"
    box = Sandbox("bubblewrap", project=Path("/elsewhere"))
    words = box.command(["agent", "--go"], worktree, log, [Path("/more")])
    assert words[0] == str(tmp_path / "bin" / "bwrap")
    assert words[words.index("--") :] == ["--", "agent", "--go"]
    triples = list(zip(words, words[1:], words[2:], strict=False))
    writable = {target for option, _, target in triples if option in ("--bind", "--bind-try")}
    assert writable == {str(worktree), str(log), "/more"}
    # Later words win: the worktree over the fresh /tmp, its .git entry over the worktree.
    order = [
        triples.index(("--ro-bind", "/", "/")),
        words.index("--tmpfs"),
        triples.index(("--bind", str(worktree), str(worktree))),
        triples.index(("--ro-bind-try", str(worktree / ".git"), str(worktree / ".git"))),
    ]
    assert order == sorted(order)
    assert {"--die-with-parent", "--unshare-pid"} <= set(words)
    assert "--unshare-net" not in words
    assert "--unshare-net" in box.command(["agent"], worktree, log, network=False)


def test_for_real(tmp_path: Path) -> None:
    """Where bubblewrap works the walls hold; where it does not, that is said."""
    project = tmp_path / "project"
    worktree, log = project / ".envlift" / "worktrees" / "0001", project / ".envlift" / "turns"
    for folder in (worktree, log):
        folder.mkdir(parents=True)
    (worktree / ".git").write_text("gitdir: elsewhere")
    (project / "suite.py").write_text("SUITE = 1\n")
    box = Sandbox("bubblewrap", project)
    script = f"""
        cat {project}/suite.py > read.txt; touch {log}/own
        touch {project}/suite.py {project}/.envlift/ledger.jsonl {Path.home()}/envlift-probe
        echo mine > .git; touch /tmp/private; ps -e | wc -l > processes.txt; true
    """
    program = shutil.which("bwrap")
    if program is None or _probe(program):
        with pytest.raises(AgentError, match="bubblewrap"):
            box.command(["sh", "-c", script], worktree, log)
        return
    before = (project / "suite.py").stat().st_mtime_ns
    words = box.command(["sh", "-c", script], worktree, log)
    ended = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 0, ended.stderr
    assert (worktree / "read.txt").read_text() == "SUITE = 1\n"
    assert (log / "own").exists()
    assert (project / "suite.py").stat().st_mtime_ns == before
    assert not (project / ".envlift" / "ledger.jsonl").exists()
    assert not (Path.home() / "envlift-probe").exists()
    assert not Path("/tmp/private").exists()
    assert (worktree / ".git").read_text() == "gitdir: elsewhere"
    assert ended.stderr.count("Read-only file system") == 4
