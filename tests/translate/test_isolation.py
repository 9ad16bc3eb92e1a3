"""What is judged runs apart, or the verdict says that it did not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from envlift.candidate import isolation, limits
from envlift.candidate.isolation import Isolation, NotIsolatedError, trouble_here
from envlift.translate.grading import processes_limit, trees
from envlift.translate.grading.trees import Bounded, unbounded
from envlift.translate.loop.run import Loop
from tests.translate import answers
from tests.translate.conftest import Quiet, Scripted, writes


def test_required_refuses_where_it_cannot_be_had(
    toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolation, "trouble_here", lambda: "there is no bwrap")
    loop = Loop(toy, Quiet(), agent=Scripted([]), sandbox="required")
    with pytest.raises(NotIsolatedError, match=r"--sandbox required: .*there is no bwrap"):
        loop.run()
    assert not loop.ledger.path.exists()


def test_required_wants_the_agents_own_processes_isolated(toy: Path) -> None:
    assert Loop(toy, Quiet(), sandbox="required")._project().sandbox == "bubblewrap"
    assert Loop(toy, Quiet())._project().sandbox == "none"


@pytest.mark.usefixtures("by_text")
def test_the_last_line_says_that_nothing_was_isolated(toy: Path) -> None:
    deeds = [
        writes(walk__rules_py=answers.RULES, tests__test_rules_py=answers.TEST_RULES),
        writes(walk__env_py=answers.ENV, tests__test_env_py=answers.TEST_ENV),
    ]
    stop = Loop(toy, Quiet(), agent=Scripted(deeds)).run()
    assert stop.kind == "done"
    assert "NOT ISOLATED" in stop.reason


def test_a_file_grows_to_its_limit_alone(tmp_path: Path) -> None:
    writing = "import pathlib; pathlib.Path('big').write_bytes(bytes(3000))"
    for limit, code in ((10_000, 0), (1_000, 1)):
        words = [sys.executable, limits.__file__, str(limit), sys.executable, "-c", writing]
        ended = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert bool(ended.returncode) == bool(code), ended.stderr


def test_what_a_stranger_sees(tmp_path: Path) -> None:
    """Its folder, no other process, no network; outside of a sandbox only the limits hold."""
    hidden, shown = tmp_path / "hidden", tmp_path / "shown"
    for folder in (hidden, shown):
        folder.mkdir()
        (folder / "x").write_text("x")
    looks = (
        "import os, socket\n"
        f"print(os.path.exists({str(hidden / 'x')!r}), os.path.exists({str(shown / 'x')!r}))\n"
        "print(len([name for name in os.listdir('/proc') if name.isdigit()]) < 8)\n"
        "print([name for _, name in socket.if_nameindex()])\n"
        f"try:\n    open({str(shown / 'y')!r}, 'w')\n    print('wrote')\n"
        "except OSError:\n    print('read-only')\n"
    )
    place = Isolation(trouble_here(), hidden=(hidden,), shown=(shown,), folder=shown)
    words = place.command([sys.executable, "-c", looks])
    ended = subprocess.run(
        words, cwd=shown, env=place.variables(), capture_output=True, text=True, check=False
    )
    if place.trouble:
        assert ended.stdout.split("\n")[0] == "True True"
    else:
        assert ended.stdout.splitlines() == ["False True", "True", "['lo']", "read-only"], ended


FORKS = """
import os, time
made = 0
try:
    while made < 60:
        if os.fork() == 0:
            time.sleep(5)
            os._exit(0)
        made += 1
except OSError:
    print("refused after", made)
else:
    print("made", made)
"""


def test_a_sandbox_holds_so_many_processes_where_the_kernel_counts_them(tmp_path: Path) -> None:
    """As an ordinary user: root gives itself up for it, and is not held to it itself."""
    python = shutil.which("python3", path="/usr/bin:/bin") or sys.executable
    tmp_path.chmod(0o755)
    script, limit = tmp_path / "forks.py", tmp_path / "limit.py"
    script.write_text(FORKS)
    shutil.copy(processes_limit.__file__, limit)
    inner = [python, "-I", "-S", str(limit), "20", python, str(script)]
    outer = ["bwrap", "--ro-bind", "/", "/", "--unshare-user", "--unshare-pid", "--proc", "/proc"]
    words = [*outer, "--dev", "/dev", "--die-with-parent", *inner]
    if os.geteuid() == 0:
        # Every folder on the way has to be open to that user.
        for folder in [*tmp_path.parents][:3]:
            folder.chmod(folder.stat().st_mode | 0o055)
        words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *words]
    if trouble_here() or unbounded("") not in ("", trees.ROOT):
        assert unbounded(trouble_here()), "where nothing counts them, it is said"
        return
    ended = subprocess.run(words, cwd="/", capture_output=True, text=True, check=False, timeout=60)
    assert ended.stdout.startswith("refused after 1"), ended


def test_what_is_judged_is_started_with_the_limit_and_where_not_it_is_said() -> None:
    words = ["true"]
    limited = Bounded("").command(words)
    at = limited.index(processes_limit.__file__)
    assert limited[at + 1 :] == [str(trees.MOST), "true"]
    assert processes_limit.__file__ not in Bounded("no bwrap").command(words)
    assert unbounded("no bwrap") == "there is no sandbox"
    assert (unbounded("") == trees.ROOT) == (os.geteuid() == 0)
