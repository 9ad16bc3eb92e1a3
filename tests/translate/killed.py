"""Run the loop in children that are killed at a chosen moment, then go on; print what came of it.

Run by ``test_resume.py`` in a process of its own, so that forking is safe. Moments are counted:
the ledger's writes (before, in the middle of, after each), git's commands, the watcher's events.
The judge is replaced by a look at the text: what is tested is the loop's memory.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

from envlift.translate.grading.decision import Decisions
from envlift.translate.grading.judgement import Failure, Judgement
from envlift.translate.loop.ledger import Ledger
from envlift.translate.loop.run import Loop
from envlift.translate.loop.workspace import Workspace
from tests.translate import answers
from tests.translate.conftest import TOY, Scripted, writes

DEEDS = [
    writes(walk__rules_py=answers.FORGETS_TO_SLIP, tests__test_rules_py=answers.TEST_RULES),
    writes(suite_py="SUITE = None"),
    writes(walk__rules_py=answers.RULES),
    writes(walk__env_py=answers.ENV, tests__test_env_py=answers.TEST_ENV),
]


class Moments:
    """Counts moments; kills the process at one of them."""

    def __init__(self, fatal: int | None) -> None:
        self.fatal = fatal
        self.names: list[str] = []

    def pass_by(self, name: str) -> None:
        self.names.append(name)
        if len(self.names) - 1 == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    def event(self, name: str, turn: object, **about: object) -> None:
        self.pass_by(f"event {name}")


def run(folder: Path, fatal: int | None) -> list[str]:
    moments = Moments(fatal)
    plain_append, plain_git = Ledger.append, Workspace._git

    def append(ledger: Ledger, event: str, **data: Any) -> None:
        moments.pass_by(f"before {event}")
        plain_append(ledger, event, **data)
        content = ledger.path.read_bytes()
        # What a kill in the middle of the write would have left.
        ledger.path.write_bytes(content[:-7])
        moments.pass_by(f"half of {event}")
        ledger.path.write_bytes(content)
        moments.pass_by(f"after {event}")

    def git(workspace: Workspace, *words: str, **options: Any) -> bytes:
        moments.pass_by(f"git {words[0]}")
        return plain_git(workspace, *words, **options)

    def run_judge(
        decisions: Decisions, place: Path, base: str, log: Path, words: list[str]
    ) -> tuple[Judgement, None]:
        found = Judgement({"L1": "PASS"}, speed={"32": 1.0})
        if "--suite" in words:
            return found, None
        if "== 7" in (place / "walk" / "rules.py").read_text():
            found = Judgement({"L1": "FAIL"}, [Failure("L1", "move", "slips", module="rules")])
        elif (place / "walk" / "env.py").is_file():
            found.verdicts |= {"L2": "PASS", "L3": "PASS", "L4": "SKIPPED"}
        return found, None

    Ledger.append, Workspace._git = append, git  # type: ignore[method-assign,assignment]
    Decisions._run = run_judge  # type: ignore[method-assign,assignment]
    Loop(folder, moments, agent=Scripted(DEEDS)).run()
    return moments.names


def in_child(folder: Path, fatal: int | None) -> int:
    """Run the loop in a child; return its exit status, -9 if it was killed."""
    child = os.fork()
    if child == 0:
        try:
            names = run(folder, fatal)
            (folder.parent / "names.json").write_text(json.dumps(names))
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def outcome(folder: Path) -> dict[str, Any]:
    """Return what must be the same whatever happened on the way."""
    workspace = Workspace(folder)
    history = Ledger(workspace.hidden / "ledger.jsonl").read()
    return {
        "turns": [
            [t.number, t.kind, t.module, t.iteration, t.kept, t.fault, t.verdicts, t.prompt_sha256]
            for t in history.turns
        ],
        "tree": workspace.git("rev-parse", "HEAD^{tree}"),
        "trees": [workspace.git("rev-parse", f"{t.commit}^{{tree}}") for t in history.turns],
        "dirty": workspace.dirty(),
        "left": sorted(path.name for path in (workspace.hidden / "worktrees").glob("*")),
        "lost": [turn.number for turn in history.lost],
        "dollars": round(history.dollars, 6),
    }


def fresh(scratch: Path, name: str) -> Path:
    folder = scratch / name / "walk"
    shutil.copytree(TOY, folder)
    return folder


def main() -> None:
    scratch, every = Path(sys.argv[1]), int(sys.argv[2])
    whole = fresh(scratch, "whole")
    assert in_child(whole, None) == 0
    names = json.loads((whole.parent / "names.json").read_text())
    found = {"whole": outcome(whole), "names": names, "killed": {}}
    for moment in range(0, len(names), every):
        folder = fresh(scratch, f"at{moment}")
        first = in_child(folder, moment)
        second = in_child(folder, None)
        found["killed"][moment] = {
            "codes": [first, second],
            **(outcome(folder) if second == 0 else {}),
        }
        shutil.rmtree(folder.parent)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
