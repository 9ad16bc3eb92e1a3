"""Does committed evidence still speak of what lies beside it, and does it speak of all levels?"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from envlift.registry import vector_registration
from envlift.report.facts import Evidence, Facts
from envlift.sources import OF_ENVIRONMENT

LEVELS = ("L1", "L2", "L3", "resets", "transforms")
"""Each must have a passed check. Level 4 takes long: the matrix says which target has it."""

LEVELS_OF_COMPILED = ("L1", "L3", "resets")
"""Of a compiled environment, whose states are not copied and which JAX does not transform."""

LIBRARIES = ("jax", "jaxlib", "numpy", "scipy")
"""What computes on both sides and in between. Whoever reads evidence has the locked ones."""
OF_TARGET = {"warp": ("warp-lang",)}
OF_TRAINING = ("flax", "optax")

LOCK = "requirements.lock"
STALE = "src/envlift/report/stale.toml"
"""Evidence that is known to be out of date and shown as such, with the reason."""

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
    known = known_stale(root)
    for target, evidence in facts.evidence.items():
        path = facts.folder / "verification" / f"evidence-{target}.json"
        anew = (
            f"run `envlift verify {facts.name} --backend {target} "
            f"--json {path.relative_to(root).as_posix()}`"
        )
        wrong = [
            *_of_files(facts, path.name, evidence, (facts.name, target) in known),
            *_of_libraries(path.name, target, evidence, locked_versions(root / LOCK)),
            *_of_verdict(path.name, evidence, vector_registration(facts.name) is not None),
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


def _of_files(facts: Facts, file: str, evidence: Evidence, known: bool) -> list[str]:
    """Compare with the files; ``known`` is whether ``stale.toml`` says that it is out of date."""
    if known and not evidence.changed:
        return [f"{STALE} lists {file} of {facts.name}, which is up to date: take it out"]
    found = []
    for kind in () if known else evidence.changed:
        what = f"the {kind} of {facts.name}" if kind in OF_ENVIRONMENT else f"the {kind}"
        if kind in evidence.sources:
            found.append(f"{what} changed after {file} was made")
        else:
            found.append(f"{file} does not say with which {kind} it was made")
    return found


def known_stale(root: Path) -> dict[tuple[str, str], str]:
    """Return (environment, target) -> reason of the evidence that is known to be out of date.

    The matrix and the cards say of it that it is. Anything else that is out of date is an error.
    """
    path = root / STALE
    rows = tomllib.loads(path.read_text(encoding="utf-8"))["stale"] if path.is_file() else []
    return {(row["environment"], row["target"]): row["reason"] for row in rows}


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


def _of_verdict(file: str, evidence: Evidence, compiled: bool) -> list[str]:
    found = []
    wanted = LEVELS_OF_COMPILED if compiled else LEVELS
    missing = [level for level in wanted if level not in evidence.passed]
    if missing:
        found.append(f"{file} holds no passed check of {', '.join(missing)}")
    if evidence.verdict != "PASS":
        found.append(f"{file} says {evidence.verdict}, not PASS")
    return found
