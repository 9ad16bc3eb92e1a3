"""How one side of a comparison fails: always with a message for people, never with a hang."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class SideFailure(RuntimeError):  # noqa: N818 - a side failed, this is no error of ours
    """A side in another process crashed, hung, or answered something it may not answer.

    Attributes:
        operation: the operation of the protocol that failed, for example ``step``.
        step: number of the step, counted from 0 over the whole session; None outside of a step.
        lane: the lane it happened in, None where that is not known.
        action: the last action that was sent, None where there was none.
        stderr: the last lines of what the child wrote to its stderr.
        hung: it gave no answer in time, however little it was asked.
    """

    who: ClassVar[str] = "a side"

    def __init__(
        self,
        reason: str,
        *,
        operation: str = "",
        step: int | None = None,
        lane: int | None = None,
        action: Any = None,
        stderr: str = "",
        hung: bool = False,
    ) -> None:
        self.reason = reason
        self.operation = operation
        self.step = step
        self.lane = lane
        self.action = action
        self.stderr = stderr
        self.hung = hung
        super().__init__(self._message())

    def _message(self) -> str:
        where = [f"`{self.operation}`"] if self.operation else []
        where += [f"step {self.step}"] if self.step is not None else []
        where += [f"lane {self.lane}"] if self.lane is not None else []
        place = f" in {', '.join(where)}" if where else ""
        message = f"{self.who} failed{place}: {self.reason}"
        if self.action is not None:
            message += f"\nlast action: {self.action}"
        if self.stderr:
            indented = "\n".join(f"  {line}" for line in self.stderr.splitlines())
            message += f"\nlast lines of its stderr:\n{indented}"
        return message


class ReferenceFailure(SideFailure):
    """The trusted side failed: nothing can be said about the other."""

    who = "the reference"


class CandidateFailure(SideFailure):
    """The candidate failed: that is a verdict about it."""

    who = "the candidate"


class ReferenceUnavailable(ReferenceFailure):
    """A reference cannot be had here: no network, no compiler, or a file other than the pinned one.

    What needs no reference (a recorded corpus) can still run.
    """


class UnknownSideError(ValueError):
    """There is no such module, class, file or environment: a slip of the person who named it."""


class UnknownReferenceError(ReferenceFailure, UnknownSideError):
    """The reference that was named does not exist."""


def reference_failure(answer: Mapping[str, Any]) -> type[ReferenceFailure]:
    """Return how a reference failed that answered an error, from the error's marks."""
    if answer.get("unavailable") is True:
        return ReferenceUnavailable
    return UnknownReferenceError if answer.get("unknown") is True else ReferenceFailure


class PairError(ValueError):
    """The two sides cannot be compared in the way the suite says."""


class CandidateViolation(RuntimeError):  # noqa: N818 - a verdict about the candidate, not an error
    """The candidate tried to reach the reference or the outside."""
