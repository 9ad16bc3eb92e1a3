"""A translation as it happened, kept so that it can be played again.

A recording is a folder: ``project/`` (the workspace before the first turn), ``turns/NNNN.patch``
(what each turn changed) and ``turns.jsonl`` (the ledger's turns). Playing it again asks for the
same turns, applies the recorded changes and judges every one of them for real.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

from envlift.translate.agents.protocol import Cost, Usage
from envlift.translate.loop.ledger import Ledger, Turn
from envlift.translate.loop.plan import CHECK
from envlift.translate.loop.workspace import Workspace
from envlift.translate.project.file import ProjectError

TURNS = "turns.jsonl"


def save(folder: Path, out: Path) -> list[Turn]:
    """Write the recording of a project's translation.

    Raises:
        ProjectError: if there is nothing to record, or something would be overwritten.
    """
    workspace = Workspace(folder)
    history = Ledger(workspace.hidden / "ledger.jsonl").read()
    turns = [turn for turn in history.turns if turn.judged]
    if not turns:
        raise ProjectError(f"{folder} holds no turn that is over; nothing can be recorded yet")
    if out.exists() and any(out.iterdir()):
        raise ProjectError(f"{out} is not empty; choose a new folder for the recording")
    for old, new in pairwise(turns):
        if new.kind == CHECK or new.base != old.head:
            raise ProjectError(
                f"a person changed the work between the turns {old.number} and {new.number}; only "
                "what agents did can be recorded"
            )
    (out / "turns").mkdir(parents=True)
    start = turns[0].base
    for path in workspace.files(start, ["."]):
        place = out / "project" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(workspace.content(start, path))
    rows = []
    for turn in turns:
        if turn.commit and turn.commit != turn.base:
            patch = workspace.diff(turn.base, turn.commit)
            (out / "turns" / f"{turn.number:04}.patch").write_bytes(patch)
        row = asdict(turn)
        # Commits and times are of that run.
        for name in ("base", "commit", "head", "session"):
            row[name] = "" if name != "session" else None
        rows.append(json.dumps(row))
    (out / TURNS).write_text("\n".join(rows) + "\n", encoding="utf-8")
    return turns


def read_turns(recording: Path) -> list[Turn]:
    """Read the turns of a recording.

    Raises:
        ProjectError: if the folder holds no recording.
    """
    path = recording / TURNS
    if not path.is_file() or not (recording / "project").is_dir():
        raise ProjectError(f"{recording} holds no recording: {TURNS} and project/ are missing")
    turns = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
            row["usage"] = None if row["usage"] is None else Usage(**row["usage"])
            row["cost"] = None if row["cost"] is None else Cost(**row["cost"])
            turns.append(Turn(**row))
        except (ValueError, KeyError, TypeError) as error:
            raise ProjectError(f"{path}:{number} is no turn: {error}") from None
    return turns


def unpack(recording: Path, folder: Path) -> None:
    """Copy the workspace of before the first turn.

    Raises:
        ProjectError: if the folder is not empty.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ProjectError(f"{folder} is not empty; choose a new folder to replay in")
    read_turns(recording)
    shutil.copytree(recording / "project", folder, dirs_exist_ok=True)


def differences(recorded: list[Turn], replayed: list[Turn]) -> list[str]:
    """Say where a replay came to another verdict than the recording."""
    found = []
    for old, new in zip(recorded, replayed, strict=False):
        for name in ("kind", "module", "level", "verdicts", "kept", "fault", "hollow"):
            before, after = getattr(old, name), getattr(new, name)
            if before != after:
                found.append(f"turn {old.number}: {name} was {before!r}, is {after!r} now")
    if len(recorded) != len(replayed):
        found.append(f"{len(recorded)} turns were recorded, {len(replayed)} were replayed")
    return found
