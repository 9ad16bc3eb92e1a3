"""Level 4 of a translation: policies are trained in the candidate, in a process of its own.

PPO is compiled together with the environment that it trains in, so whoever trains runs the
candidate's code. This process does, where strangers run; all that the judge takes from it is what
it says of level 4. It begins only after the levels below have been decided elsewhere, and a report
says that level 4 was not judged apart.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from envlift.translate.grading.trees import Bounded, Trees

NOT_APART = (
    "level 4 apart from the candidate: policies are trained in a process that runs its code, and "
    "what that process says of level 4 is taken"
)


def transferred(trees: Trees, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the report of level 4, see ``Report.to_json``.

    Args:
        trees: of the judgement.
        request: ``quick``, ``timeout`` and ``asked``, see ``verify.run.session.Request``.

    Raises:
        ValueError: with the end of what the process wrote, if it did not get to a report.
    """
    place = Bounded(
        trees.trouble,
        hidden=trees.hidden,
        shown=(trees.rules, trees.candidate),
        folder=trees.rules,
    )
    words = [sys.executable, "-P", "-m", __name__, str(trees.candidate), json.dumps(dict(request))]
    ended = subprocess.run(
        place.command(words),
        cwd=trees.rules,
        env=place.variables(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    try:
        found = json.loads(ended.stdout.strip().rpartition("\n")[2])
    except ValueError:
        last = (ended.stderr.strip() or "nothing").splitlines()[-1]
        raise ValueError(f"training ended with {ended.returncode}; it said: {last}") from None
    if not isinstance(found, dict):
        raise ValueError(f"training answered no report: {found!r}")
    return found


def main() -> None:
    """Run level 4 of the suite in this folder; the report is the last line of stdout."""
    from envlift.translate.project.file import load_project
    from envlift.verify.run.context import QUICK, Effort
    from envlift.verify.run.progress import Silent
    from envlift.verify.run.session import Request, verify
    from envlift.verify.suite.find import find_suite

    sys.path += [str(Path.cwd()), sys.argv[1]]
    asked = json.loads(sys.argv[2])
    project = load_project(Path.cwd())
    suite, source = find_suite(str(project.folder / project.suite))
    with tempfile.TemporaryDirectory() as scratch:
        request = Request(
            suite=suite,
            suite_source=source,
            effort=QUICK if asked["quick"] else Effort(),
            asked=asked["asked"],
            fixtures=Path(scratch),
            levels=("L4",),
            timeout=asked["timeout"],
            minimise=False,
        )
        report = verify(request, Silent())
    print()
    print(json.dumps(report.to_json()))


if __name__ == "__main__":
    main()
