"""``envlift mutate --check``: do committed results still speak of the rules beside them?

Nothing is judged. Planting the faults anew gives their ids, and an id depends on the rules' text
alone.
"""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console

from envlift.registry import list_envs, registration
from envlift.verify.mutation.run import PACKAGE, all_mutants
from envlift.verify.run.result import EXIT_CODES, Verdict

SHOWN = 3


def check(console: Console, name: str | None, backend: str | None) -> int:
    """Compare every committed result with the rules and print what is wrong.

    Args:
        console: where it is printed.
        name: a registered environment, None for all of them.
        backend: the target, None for all that have a result.

    Raises:
        ValueError: for an unknown name, or a file that is no result.
    """
    names = list_envs() if name is None else [registration(name).name]
    found = []
    for one in names:
        paths = _results(PACKAGE, one, backend)
        if not paths:
            console.print(f"{one} has no committed mutation result", markup=False)
        for path in paths:
            wrong = complaints(PACKAGE, one, path)
            found += wrong
            for line in wrong or [f"{one}: {path.name} is of the rules as they are"]:
                console.print(line, markup=False, soft_wrap=True)
    return EXIT_CODES[Verdict.FAIL if found else Verdict.PASS]


def _results(package: Path, name: str, backend: str | None) -> list[Path]:
    folder = package / "envs" / name / "verification"
    return sorted(folder.glob(f"mutation-{backend or '*'}.json"))


def complaints(package: Path, name: str, path: Path) -> list[str]:
    """Return a sentence for everything that one result says of rules that are not there.

    Args:
        package: source folder of the package.
        name: of the environment.
        path: ``mutation-{backend}.json``.

    Raises:
        ValueError: if the file is no result of ``envlift mutate``.
    """
    backend = path.stem.removeprefix("mutation-")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        total, recorded = data["of"], [mutant["id"] for mutant in data["mutants"]]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no result of `envlift mutate --json`: {error!r}") from None
    now = all_mutants(name, backend, package)
    anew = (
        f"the rules of {name} changed after it was made; "
        f"run `envlift mutate {name} --backend {backend} --json FILE`"
    )
    found = []
    gone = sorted(set(recorded) - {mutant.id for mutant in now})
    if gone:
        shown = ", ".join(gone[:SHOWN]) + (", ..." if len(gone) > SHOWN else "")
        found.append(
            f"{path.name} holds {len(gone)} of {len(recorded)} mutants that {name} [{backend}] "
            f"does not have ({shown}): {anew}"
        )
    if total != len(now):
        found.append(
            f"{path.name} is about {total} mutants, {name} [{backend}] has {len(now)}: {anew}"
        )
    return found
