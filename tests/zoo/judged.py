"""Running one row through the command line, and what a user would find wrong with the answer."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from envlift.cli import main
from envlift.verify.levels.steps import freely
from envlift.verify.run import context, session
from envlift.verify.run.result import Report
from tests.forking import forked
from tests.zoo.rows import HERE, PASS, Row

TINY = replace(
    context.QUICK, lanes=4, examples=10, transitions=256, min_steps=128, max_steps=4_000, resets=128
)
"""What ``--quick`` means here: the faults of the zoo are not rare ones."""

STEPS_IN_A_ROW = 64
"""Likewise: each of them is an exchange of its own."""

LISTED = ("not compared", "not verified")


@contextmanager
def small(whole: bool = True) -> Iterator[None]:
    """Let ``--quick`` compare less, fork processes, and let them find the zoo's environments.

    Where the run is not wanted whole, a difference is not made short, and nothing runs after the
    first level that failed.
    """
    run = session.verify

    def hurried(request: session.Request, progress: context.Progress) -> Report:
        return run(replace(request, minimise=False, stop_at_level=True), progress)

    path = os.pathsep.join(filter(None, (str(HERE / "envs"), os.environ.get("PYTHONPATH"))))
    with (
        patch.object(context, "QUICK", TINY),
        patch.object(freely, "QUICK_STEPS", STEPS_IN_A_ROW),
        patch.object(session, "verify", run if whole else hurried),
        patch.dict("os.environ", {"PYTHONPATH": path}),
        forked(),
    ):
        yield


def judge(row: Row, folder: Path, seed: int) -> int:
    """Return the exit code of ``envlift verify`` for a row; what it says is printed."""
    suite = () if row.suite is None else ("--suite", str(row.suite))
    where = ("--fixtures", str(folder / "fixtures"), "--json", str(folder / "report.json"))
    seeded = () if "--seed" in row.arguments else ("--seed", str(seed))
    with small(row.whole):
        return main(
            ["verify", row.reference, row.candidate, *suite, *row.arguments, *seeded, *where]
        )


def complaints(row: Row, code: int, out: str, err: str) -> list[str]:
    """Return what a user would find wrong with an answer; nothing if it is right."""
    said = re.sub(r"\s+", " ", out + err)
    found = []
    if "Traceback (most recent call last)" in err:
        found.append("a traceback reached the user")
    if code == PASS and row.listed is not None:
        lines = [line for line in out.splitlines() if line.startswith(LISTED)]
        if not any(row.listed in line for line in lines):
            found.append(f"PASS, and no line of {' or '.join(LISTED)} names {row.listed!r}")
        return found
    if code != row.code:
        found.append(f"exit code {code}, it should be {row.code}")
    for word in row.words:
        choices = (word,) if isinstance(word, str) else word
        if not any(choice in said for choice in choices):
            found.append(f"nothing says {' or '.join(map(repr, choices))}")
    return found
