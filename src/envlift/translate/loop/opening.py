"""Before a turn is paid for: can anything that is written pass this suite at all?

The suite is judged alone, the reference beside itself, before turn 1 and again whenever a person
has changed what the judgement rests on.
"""

from __future__ import annotations

import hashlib

from envlift.translate.grading.judgement import Judgement
from envlift.translate.loop.ledger import History
from envlift.translate.loop.plan import SHOWN, Stop
from envlift.translate.loop.workspace import Workspace
from envlift.translate.project.file import FILE, Project
from envlift.translate.project.guarded import FIXTURES

EVENT = "suite"
"""Name of the ledger's note, and of what a watcher hears."""

AGAIN = "run the same command again"

_APART = (FILE, ".gitignore", ".gitattributes")


def digest(project: Project, workspace: Workspace, commit: str) -> str:
    """Return a hash of what a judgement of the suite rests on, as it stands in a commit.

    That is every file that no agent writes, but the project file, of which the parts count that
    a comparison reads.
    """
    theirs = workspace.written_by_agents(commit)
    folders = (f"{project.name}/", "tests/", f"{FIXTURES}/", "prompts/")
    rows = [
        row
        for row in workspace.git("ls-tree", "-r", commit).splitlines()
        if not (path := row.partition("\t")[2]).startswith(folders)
        and path not in theirs
        and path not in _APART
    ]
    parts = (project.reference, project.suite, project.tolerances, project.verification)
    return hashlib.sha256("\n".join([*rows, repr(parts)]).encode()).hexdigest()


def settled(history: History, key: str) -> bool:
    """Whether a suite of this digest was judged, and a person has seen what came of it."""
    notes = [note for note in history.notes if note["event"] == EVENT]
    return any(note["rules"] == key and note["verdict"] != "FAIL" for note in notes)


def verdict_of(judgement: Judgement) -> str:
    """Return ``FAIL``, ``INCONCLUSIVE`` or ``PASS``."""
    if judgement.failures:
        return "FAIL"
    return "INCONCLUSIVE" if judgement.unanswered else "PASS"


def what_it_said(judgement: Judgement) -> str:
    """Say in one sentence what the judgement of a suite found, and how long one takes."""
    features = judgement.report.get("features", {})
    reached = sum(count > 0 for count in features.values())
    words = f"{reached} of {len(features)} features reached" if features else "no features asked"
    how = {"FAIL": "DIFFERS from itself", "INCONCLUSIVE": "equals itself as far as could be asked"}
    equals = how.get(verdict_of(judgement), "equals itself")
    return (
        f"the reference {equals}, {words}; this took {judgement.seconds:.0f} s, and so does every "
        "judgement of the whole, beside what the fast environment takes"
    )


def stop_of(project: Project, judgement: Judgement, yes: bool) -> Stop | None:
    """Say why nothing should be written yet, None if it may be.

    Args:
        project: whose suite was judged.
        judgement: what was found.
        yes: go on with open questions, as with proposed modules.
    """
    if judgement.failures:
        first = judgement.failures[0]
        return Stop(
            "person",
            f"under {project.suite} the reference differs from itself, so that nothing can pass: "
            f"{first.level} {first.name}: {first.summary.partition(chr(10))[0]}; mend the suite or "
            f"the reference, then {AGAIN}",
        )
    if judgement.unanswered and not yes:
        found = "; ".join([*judgement.unanswered[:SHOWN], *_of_itself(judgement)])
        return Stop(
            "person",
            f"the reference beside itself leaves open: {found}; no pass will be believed before "
            f"that is mended in {project.suite} (a player, a scenario, more effort). To go on as "
            f"it is, {AGAIN}",
        )
    return None


def _of_itself(judgement: Judgement) -> list[str]:
    """Return how the reference does not agree with itself, where that is why much is left open."""
    checks = judgement.report.get("checks", ())
    return [f"{one['name']}: {one['detail']}" for one in checks if one["level"] == "agreement"]
