"""Asking a candidate what only the environment itself can answer (``candidate/probes``)."""

from __future__ import annotations

from typing import Any

import numpy as np

from envlift.candidate.probes import PREFIX
from envlift.reference.types import Array, Side, StateDict


def can_probe(side: Side) -> bool:
    """Whether a side is an ``envlift.Env`` and answers probes."""
    return bool(getattr(side, "probes", False))


def probe(side: Side, name: str, **arguments: Any) -> dict[str, Array]:
    """Ask one probe; numbers and flags among the arguments become arrays.

    Raises:
        CandidateFailure: if the candidate's code raises.
    """
    given = {key: np.asarray(value) for key, value in arguments.items()}
    return side.call(PREFIX + name, given)


def state_arguments(state: StateDict) -> dict[str, Array]:
    """Return a state in the candidate's own fields as arguments of a probe."""
    return {f"state.{name}": value for name, value in state.items()}
