"""Finding a suite: of a registered environment, or in a file that defines ``SUITE``."""

from __future__ import annotations

from pathlib import Path

from envlift.registry import registration
from envlift.verify.candidates import load, load_file
from envlift.verify.suite import Suite


def find_suite(name: str) -> tuple[Suite, str]:
    """Return a suite and the name by which it is found again.

    Raises:
        ValueError: there is no such environment or file, or it has no suite.
    """
    if name.endswith(".py"):
        suite = getattr(load_file(Path(name)), "SUITE", None)
        if not isinstance(suite, Suite):
            raise ValueError(f"{name} defines no SUITE; see docs/verify.md for an example")
        return suite, name
    entry = registration(name)
    if entry.suite is None:
        raise ValueError(f"{name} has no verification suite")
    found = load(entry.suite)
    assert isinstance(found, Suite)
    return found, name
