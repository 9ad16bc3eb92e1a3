"""From the project file's tolerances to the fields of a suite, so that a tolerance stands once."""

from __future__ import annotations

from typing import Any

from envlift.translate.project.file import Project
from envlift.verify.suite import Field


def field(project: Project, name: str, labels: tuple[str, ...] = ()) -> Field:
    """Return how closely a field is compared.

    Args:
        project: with its ``[tolerances]``.
        name: ``observation``, ``reward`` or ``state.NAME``. A state field that has no tolerance of
            its own takes that of ``[tolerances.state]``; integers stay exact all the same.
        labels: names of a vector's entries, for messages.
    """
    group, _, own = name.partition(".")
    tolerance = project.tolerances.get(name) or project.tolerances.get(group)
    close: dict[str, Any] = {}
    if tolerance is not None:
        close = {key: getattr(tolerance, key) for key in ("atol", "rtol", "drift", "reason")}
    return Field(own or group, labels=labels, **close)
