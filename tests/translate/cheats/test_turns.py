"""What an agent does beside its work, in its turn, changes nothing that counts."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from envlift.translate.agents.processes import run_child
from envlift.translate.agents.protocol import TurnRequest
from envlift.translate.agents.secrets import Redactor
from envlift.translate.loop import outside
from envlift.translate.loop.run import Loop
from envlift.translate.loop.workspace import WorkspaceError
from tests.translate import answers
from tests.translate.conftest import Quiet, Scripted, writes

RULES = writes(walk__rules_py=answers.RULES, tests__test_rules_py=answers.TEST_RULES)
AS_AGENT = ("git", "-c", "user.name=a", "-c", "user.email=a@localhost")


def git(folder: Path, *words: str) -> str:
    done = subprocess.run([*AS_AGENT, *words], cwd=folder, check=True, capture_output=True)
    return done.stdout.decode().strip()


def one_turn(toy: Path, deed: object) -> tuple[Loop, object]:
    loop = Loop(toy, Quiet(), agent=Scripted([deed]), last=1)  # type: ignore[list-item]
    loop.run()
    return loop, loop.ledger.read().turns[0]


@pytest.mark.usefixtures("by_text")
@pytest.mark.parametrize("moved", ["refs/heads/main", "refs/tags/first", "HEAD"])
def test_branches_and_tags_are_put_back(toy: Path, moved: str) -> None:
    """An agent's commit at the branch would be taken for a person's work, whatever it holds."""
    Loop(toy, Quiet()).workspace.prepare()
    git(toy, "tag", "first")
    before = Loop(toy, Quiet()).workspace.refs()

    def moves(request: TurnRequest) -> None:
        RULES(request)
        suite = request.worktree / "suite.py"
        suite.write_text(suite.read_text().replace('Field("x")', 'Field("x", atol=1e9)'))
        git(request.worktree, "add", "--all")
        git(request.worktree, "commit", "--quiet", "-m", "mine")
        mine = git(request.worktree, "rev-parse", "HEAD")
        git(request.worktree, "checkout", "--quiet", "--", ".")
        git(request.worktree, "branch", "aside")
        if moved == "HEAD":
            git(toy, "symbolic-ref", "HEAD", "refs/heads/aside")
        else:
            git(request.worktree, "update-ref", moved, mine)

    loop, turn = one_turn(toy, moves)
    assert not turn.kept  # type: ignore[attr-defined]
    assert f"it moved {moved}" in turn.fault  # type: ignore[attr-defined]
    now = loop.workspace.refs()
    assert {name: now.get(name) for name in before} == before
    assert "refs/heads/aside" not in now
    assert "atol" not in (toy / "suite.py").read_text()


@pytest.mark.usefixtures("by_text")
def test_a_branch_of_its_own_is_no_fault_and_does_not_stay(toy: Path) -> None:
    def branches(request: TurnRequest) -> None:
        git(request.worktree, "checkout", "--quiet", "-b", "feature")
        RULES(request)

    loop, turn = one_turn(toy, branches)
    assert turn.kept  # type: ignore[attr-defined]
    assert "refs/heads/feature" not in loop.workspace.refs()


@pytest.mark.usefixtures("by_text")
def test_an_enormous_file_is_not_even_stored(toy: Path) -> None:
    def leaves(request: TurnRequest) -> None:
        RULES(request)
        with (request.worktree / "walk" / "table.bin").open("wb") as stream:
            stream.truncate(2_000_000_000)

    loop, turn = one_turn(toy, leaves)
    assert "walk/table.bin of 2,000,000,000 bytes" in turn.fault  # type: ignore[attr-defined]
    assert not turn.kept  # type: ignore[attr-defined]
    sizes = loop.workspace.git(
        "cat-file", "--batch-all-objects", "--batch-check=%(objectsize)", "--unordered"
    )
    assert max(map(int, sizes.split())) < 1_000_000


@pytest.mark.usefixtures("by_text")
def test_another_repository_in_its_place_is_not_asked(toy: Path) -> None:
    """The worktree's ``.git`` would lead the loop's own git to settings of the agent's."""

    def replaces(request: TurnRequest) -> None:
        (request.worktree / ".git").unlink()
        git(request.worktree, "init", "--quiet")
        ran = request.log / "ran"
        git(request.worktree, "config", "filter.x.clean", f"touch {ran}; cat")
        RULES(request)

    loop, turn = one_turn(toy, replaces)
    assert turn.kept  # type: ignore[attr-defined]
    assert not (loop.workspace.log(1) / "ran").exists()
    assert "walk/rules.py" in loop.workspace.change(turn.base, turn.commit).paths  # type: ignore[attr-defined]


@pytest.mark.usefixtures("by_text")
def test_an_object_of_git_with_another_content_is_noticed(
    toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import zlib

    workspace = Loop(toy, Quiet()).workspace
    workspace.prepare()
    base = workspace.head
    name = workspace.git("rev-parse", f"{base}:suite.py")
    place = toy / ".git" / "objects" / name[:2] / name[2:]
    kind, _, content = zlib.decompress(place.read_bytes()).partition(b"\0")
    place.chmod(0o644)
    place.write_bytes(zlib.compress(kind + b"\0" + content.replace(b"walk", b"wolf")))
    with pytest.raises(WorkspaceError, match="fsck"):
        workspace.open_rules(base, lambda path: False)


@pytest.mark.usefixtures("by_text")
def test_a_helper_of_the_suite_is_a_persons(toy: Path) -> None:
    (toy / "players.py").write_text("LIMIT = 20\n")
    _, turn = one_turn(toy, writes(players_py="LIMIT = 0\n", walk__rules_py=answers.RULES))
    assert "players.py, which a person wrote" in turn.fault  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["evil.pth", "sitecustomize.py", "numpy/core.py"])
@pytest.mark.usefixtures("by_text")
def test_what_python_runs_at_its_start_is_watched(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    site = tmp_path / "site-packages"
    (site / "numpy").mkdir(parents=True)
    (site / "numpy" / "__init__.py").touch()
    monkeypatch.setattr(sys, "path", [*sys.path, str(site)])

    def infects(request: TurnRequest) -> None:
        RULES(request)
        (site / name).write_text("import os\n")

    with pytest.raises(WorkspaceError, match=f"envlift itself changed during turn 1.*{name}"):
        one_turn(toy, infects)


def test_what_python_compiled_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A compiled file is run instead of its source if it says that it belongs to it."""
    cache = tmp_path / "numpy" / "__pycache__"
    cache.mkdir(parents=True)
    (tmp_path / "numpy" / "__init__.py").touch()
    (cache / "kept.pyc").write_bytes(b"as it was")
    (cache / "other.pyc").write_bytes(b"as it was")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.setattr(outside.site, "getusersitepackages", lambda: str(tmp_path / "none"))
    seen = outside.Watch((), ())
    (cache / "other.pyc").write_bytes(b"poisoned")
    (cache / "new.pyc").write_bytes(b"poisoned")
    assert seen.judges_changed() == []
    assert [path.name for path in cache.iterdir()] == ["kept.pyc"]


ESCAPES = """
import os, sys
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open("pid.part", "w").write(str(os.getpid()))
        os.rename("pid.part", "pid.txt")
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        os.execve(sys.executable, ["sleeper", "-c", "import time; time.sleep(300)"], {})
    os._exit(0)
os.wait()
while not os.path.exists("pid.txt"):
    pass
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux adopts orphans")
def test_nothing_outlives_its_turn(tmp_path: Path) -> None:
    """Not even what has a session of its own, no parent and no variables."""
    run_child(
        [sys.executable, "-c", ESCAPES],
        cwd=tmp_path,
        environment=os.environ,
        log=tmp_path,
        redactor=Redactor(),
    )
    pid = int((tmp_path / "pid.txt").read_text())
    patience = time.monotonic() + 60
    while time.monotonic() < patience and _runs(pid):
        time.sleep(0.05)
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    try:
        return "sleeper" in Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return False
