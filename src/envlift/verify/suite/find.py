"""Finding a suite: of a registered environment, or in a file that defines ``SUITE``."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from envlift.registry import entry
from envlift.verify.sides.candidates import load, load_file
from envlift.verify.suite import Suite
from envlift.verify.suite.guarded import suite_error


def find_suite(name: str) -> tuple[Suite, str]:
    """Return a suite and the name by which it is found again.

    Raises:
        ValueError: there is no such environment or file, or it has no suite.
        SuiteError: the file raises; with the line.
    """
    if name.endswith(".py"):
        path = Path(name)
        if not path.is_file():
            raise ValueError(f"there is no file {name}")
        try:
            module = load_file(path)
        except (Exception, SystemExit) as error:
            raise suite_error(name, "reading it", error) from error
        suite = getattr(module, "SUITE", None)
        if not isinstance(suite, Suite):
            raise ValueError(f"{name} defines no SUITE; see docs/verify.md for an example")
        return _with_neighbour(suite, path.parent), name
    name, variant = of_variant(name)
    if variant is not None:
        return _suite_of_variant(name, variant), f"{name}@{variant}"
    suite = entry(name).suite
    if suite is None:
        raise ValueError(f"{name} has no verification suite")
    found = load(suite)
    assert isinstance(found, Suite)
    return found, name


def of_variant(name: str) -> tuple[str, int | None]:
    """Divide ``NAME@SEED``, by which the suite of a variant is found, into its parts.

    Raises:
        ValueError: for a seed that is no whole number.
    """
    name, at, seed = name.partition("@")
    if not at:
        return name, None
    if not seed.isdecimal() or int(seed) < 1:
        raise ValueError(f"{name} has no variant {seed!r}; its seeds are whole numbers from 1 on")
    return name, int(seed)


def _suite_of_variant(name: str, seed: int) -> Suite:
    maker = getattr(entry(name), "suite_of", None)
    if maker is None:
        raise ValueError(f"{name} has no variants; leave --variant {seed} out")
    made = load(maker)(seed)
    assert isinstance(made, Suite)
    return made


def _with_neighbour(suite: Suite, folder: Path) -> Suite:
    """Name the candidate's file by its path where it stands in the suite's own folder alone."""
    if not isinstance(suite.candidate, str):
        return suite
    form, _, target = suite.candidate.partition(":")
    module, _, attribute = target.rpartition(":")
    if form not in ("env", "vector") or not module:
        return suite
    if module.endswith(".py"):
        file, known = folder / module, Path(module).is_file()
    else:
        parts = module.split(".")
        file = folder.joinpath(*parts).with_suffix(".py")
        known = importlib.util.find_spec(parts[0]) is not None
    if known or not file.is_file():
        return suite
    return replace(suite, candidate=f"{form}:{file}:{attribute}")


def find_pair(
    name: str, candidate: str | Callable[..., Any] | None, suite: str | None
) -> tuple[Suite | None, str, str | None, str | Callable[..., Any] | None]:
    """Return suite, its source, and the launch strings that replace the suite's.

    Args:
        name: a registered environment or a suite file where it stands alone, else the reference.
        candidate: None where ``name`` stands alone; may be a suite file.
        suite: a registered environment or a suite file; None where the others say it.

    Raises:
        ValueError: as ``find_suite``.
    """
    if candidate is None:
        return *find_suite(suite or name), None, None
    if suite is not None:
        return *find_suite(suite), name, candidate
    if isinstance(candidate, str) and candidate.endswith(".py"):
        return *find_suite(candidate), name, None
    return None, "", name, candidate
