"""``envlift mutate --check``: do committed results still speak of what lies beside them?

Nothing is judged. A result holds hashes of all it rests on. Where rules, suite, reference or
contract changed since, it speaks of something else and the check fails. Where only the verifier
changed it is of an older one, which the card says with the date: a run takes hours, and a verifier
that changes from week to week would otherwise never have a score.
"""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console

from envlift.registry import list_envs, registration
from envlift.sources import OF_ENVIRONMENT, hashes
from envlift.verify.mutation.result import SCHEMA_VERSION
from envlift.verify.mutation.run import PACKAGE
from envlift.verify.run.result import EXIT_CODES, Verdict

MUST_BE_SAME = (*OF_ENVIRONMENT, "contract")


def check(console: Console, name: str | None, backend: str | None) -> int:
    """Compare every committed result with what it rests on and print what is wrong.

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
            wrong, noted = complaints(PACKAGE, one, path)
            found += wrong
            for line in wrong or [f"{one}: {path.name} is {noted}"]:
                console.print(line, markup=False, soft_wrap=True)
    return EXIT_CODES[Verdict.FAIL if found else Verdict.PASS]


def _results(package: Path, name: str, backend: str | None) -> list[Path]:
    folder = package / "envs" / name / "verification"
    return sorted(folder.glob(f"mutation-{backend or '*'}.json"))


def complaints(package: Path, name: str, path: Path) -> tuple[list[str], str]:
    """Return a sentence for everything that is wrong with a result, and what it is if nothing is.

    Args:
        package: source folder of the package.
        name: of the environment.
        path: ``mutation-{backend}.json``.

    Raises:
        ValueError: if the file is no result of ``envlift mutate``.
    """
    backend = path.stem.removeprefix("mutation-")
    anew = f"run `envlift mutate {name} --backend {backend} --json FILE`"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["schema_version"] != SCHEMA_VERSION:
            said = f"{path.name} was written by an older version, which counted otherwise; {anew}"
            return [said], ""
        made, date = dict(data["sources"]), data["date"]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no result of `envlift mutate --json`: {error!r}") from None
    now = hashes(package / "envs" / name)
    found = [
        f"{path.name} does not say with which {kind} it was made; {anew}"
        if kind not in made
        else f"the {kind} of {name} changed after {path.name} was made; {anew}"
        for kind in MUST_BE_SAME
        if made.get(kind) != now[kind]
    ]
    same = made.get("verifier") == now["verifier"]
    return found, "of what lies beside it" if same else f"of an older verifier ({date})"
