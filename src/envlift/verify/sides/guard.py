"""What candidate code does wrong in this process becomes a verdict about it.

Where a candidate runs in a process of its own, that process does the same (``candidate/host.py``).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from envlift.candidate.audit import audited
from envlift.reference.failure import CandidateFailure as CandidateFailure
from envlift.reference.failure import CandidateViolation as CandidateViolation
from envlift.reference.failure import PairError
from envlift.reference.types import Array, Record, Side, StateDict


@contextlib.contextmanager
def blamed(what: str) -> Iterator[None]:
    """Audit candidate code, and turn whatever it raises into a verdict about it."""
    try:
        with audited():
            yield
    except (CandidateViolation, CandidateFailure, PairError):
        raise
    except (Exception, SystemExit) as error:
        raise CandidateFailure(
            f"it raised {type(error).__name__}: {error}", operation=what
        ) from error


class AuditedSide:
    """A candidate, every call of which is audited; everything else is the candidate's own."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self.spec = side.spec
        self.num_lanes = side.num_lanes
        self.together = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._side, name)

    def reset(self, seeds: Array, chance: Array | None = None) -> Record:
        """Audited."""
        with blamed("reset"):
            return self._side.reset(seeds, chance)

    def step(
        self, actions: Array, chance: Array | None = None, reset_seeds: Array | None = None
    ) -> Record:
        """Audited."""
        with blamed("step"):
            return self._side.step(actions, chance, reset_seeds)

    def get_state(self) -> StateDict:
        """Audited."""
        with blamed("get_state"):
            return self._side.get_state()

    def set_state(self, state: StateDict) -> None:
        """Audited."""
        with blamed("set_state"):
            self._side.set_state(state)

    def call(self, component: str, arguments: dict[str, Array]) -> dict[str, Array]:
        """Audited."""
        with blamed(component.removeprefix("probe:")):
            return self._side.call(component, arguments)

    def coverage(self) -> dict[str, int]:
        """Of the candidate."""
        return self._side.coverage()

    def close(self) -> None:
        """Of the candidate."""
        self._side.close()
