"""Does committed evidence still speak of what lies beside it, and does it speak of all levels?"""

from __future__ import annotations

import re
from pathlib import Path

from envlift.report.facts import Evidence, Facts
from envlift.sources import KINDS, OF_ENVIRONMENT, hashes

LEVELS = ("L1", "L2", "L3", "resets", "transforms")
"""Each must have a passed check. Level 4 takes long: the matrix says which target has it."""

LIBRARIES = ("jax", "jaxlib", "numpy", "scipy")
"""What computes on both sides and in between. Whoever reads evidence has the locked ones."""
OF_TARGET = {"warp": ("warp-lang",)}
OF_TRAINING = ("flax", "optax")

LOCK = "requirements.lock"
_PIN = re.compile(r"^([\w.-]+)==([^\s;]+)", re.MULTILINE)


def complaints(facts: Facts, root: Path) -> list[str]:
    """Return a sentence for everything that is wrong with the evidence of an environment.

    A target without evidence is no complaint: its card says ``not measured``.

    Args:
        facts: of the environment.
        root: of the checkout, so that the command in a sentence can be typed there.

    Raises:
        ValueError: if there is evidence but no ``requirements.lock`` to compare it with.
    """
    found = []
    for target, evidence in facts.evidence.items():
        path = facts.folder / "verification" / f"evidence-{target}.json"
        anew = (
            f"run `envlift verify {facts.name} --backend {target} "
            f"--json {path.relative_to(root).as_posix()}`"
        )
        wrong = [
            *_of_files(facts, path.name, evidence),
            *_of_libraries(path.name, target, evidence, locked_versions(root / LOCK)),
            *_of_verdict(path.name, evidence),
        ]
        found += [f"{one}; {anew}" for one in wrong]
    return found


def locked_versions(lock: Path) -> dict[str, list[str]]:
    """Return the versions that a lock file pins; a library may have one for each Python.

    Raises:
        ValueError: if there is no such file.
    """
    if not lock.is_file():
        raise ValueError(f"{lock} is missing; `make lock` writes it")
    found: dict[str, list[str]] = {}
    for name, version in _PIN.findall(lock.read_text(encoding="utf-8")):
        found.setdefault(name.lower(), []).append(version)
    return found


def _of_files(facts: Facts, file: str, evidence: Evidence) -> list[str]:
    now = hashes(facts.folder)
    found = []
    for kind in KINDS:
        if kind == "trainer" and not evidence.transfer:
            # Only level 4 trains.
            continue
        what = f"the {kind} of {facts.name}" if kind in OF_ENVIRONMENT else f"the {kind}"
        if kind not in evidence.sources:
            found.append(f"{file} does not say with which {kind} it was made")
        elif evidence.sources[kind] != now[kind]:
            found.append(f"{what} changed after {file} was made")
    return found


def _of_libraries(
    file: str, target: str, evidence: Evidence, locked: dict[str, list[str]]
) -> list[str]:
    """Compare with the lock file, not with what somebody happens to have installed."""
    names = (*LIBRARIES, *OF_TARGET.get(target, ()), *(OF_TRAINING if evidence.transfer else ()))
    found = []
    for name in names:
        made, now = evidence.versions.get(name), locked.get(name, [])
        if made not in now:
            found.append(
                f"{file} was made with {name} {made or 'of an unknown version'}, {LOCK} has "
                f"{' or '.join(now) or 'none'}"
            )
    return found


def _of_verdict(file: str, evidence: Evidence) -> list[str]:
    found = []
    missing = [level for level in LEVELS if level not in evidence.passed]
    if missing:
        found.append(f"{file} holds no passed check of {', '.join(missing)}")
    if evidence.verdict != "PASS":
        found.append(f"{file} says {evidence.verdict}, not PASS")
    return found
