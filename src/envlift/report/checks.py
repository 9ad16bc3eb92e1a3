"""Does committed evidence still speak of the files beside it, and does it speak of all levels?"""

from __future__ import annotations

from pathlib import Path

from envlift.report.facts import Evidence, Facts
from envlift.sources import KINDS, hashes

LEVELS = ("L1", "L2", "L3", "resets", "transforms")
"""Each must have a passed check. Level 4 takes long: the matrix says which target has it."""


def complaints(facts: Facts, root: Path) -> list[str]:
    """Return a sentence for everything that is wrong with the evidence of an environment.

    A target without evidence is no complaint: its card says ``not measured``.

    Args:
        facts: of the environment.
        root: of the checkout, so that the command in a sentence can be typed there.
    """
    now = hashes(facts.folder)
    found = []
    for target, evidence in facts.evidence.items():
        path = facts.folder / "verification" / f"evidence-{target}.json"
        anew = (
            f"run `envlift verify {facts.name} --backend {target} "
            f"--json {path.relative_to(root).as_posix()}`"
        )
        found += [f"{one}; {anew}" for one in _of_one(facts.name, path.name, evidence, now)]
    return found


def _of_one(name: str, file: str, evidence: Evidence, now: dict[str, str]) -> list[str]:
    """Return what is wrong with one file of evidence."""
    found = []
    for kind in KINDS:
        if kind not in evidence.sources:
            found.append(f"{file} does not say with which {kind} of {name} it was made")
        elif evidence.sources[kind] != now[kind]:
            found.append(f"the {kind} of {name} changed after {file} was made")
    missing = [level for level in LEVELS if level not in evidence.passed]
    if missing:
        found.append(f"{file} holds no passed check of {', '.join(missing)}")
    if evidence.verdict != "PASS":
        found.append(f"{file} says {evidence.verdict}, not PASS")
    return found
