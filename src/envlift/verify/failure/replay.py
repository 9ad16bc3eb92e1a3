"""Playing cases on a pair of its own, again and again, whatever a case does to it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import numpy as np

from envlift.reference.types import Side, StateDict
from envlift.verify.failure.case import Case, Played, chance_of_start, play
from envlift.verify.suite import Config, Suite

OpenSides = Callable[[int], contextlib.AbstractContextManager[tuple[Side, Side]]]

MAX_TROUBLES = 8
"""After so many replays that raised, what is left to try is not worth new processes."""


class Replayer:
    """Plays cases on one lane; sides that a case broke are opened anew.

    Args:
        suite, config: what is compared.
        open_sides: opens both sides with so many lanes.
        fresh: whether every case meets sides that have played nothing before. It takes long, and
            only what outlives a reset needs it.
    """

    def __init__(
        self, suite: Suite, config: Config, open_sides: OpenSides, fresh: bool = False
    ) -> None:
        self.suite = suite
        self.config = config
        self._open = open_sides
        self._stack = contextlib.ExitStack()
        self._sides: tuple[Side, Side] | None = None
        self._fresh = fresh
        self._troubles = 0
        self._state_can_be_set: bool | None = None
        self.trouble: Exception | None = None
        """What the last replay raised that could not be played."""

    def sides(self) -> tuple[Side, Side]:
        """Return reference and candidate."""
        if self._sides is None:
            self._sides = self._stack.enter_context(self._open(1))
        return self._sides

    def plain_state(self, seed: int, start_chance: object) -> StateDict | None:
        """Return the reference's state after a reset; None where no state can be copied."""
        reference, candidate = self.sides()
        if not reference.spec.state or not candidate.spec.state:
            return None
        seeds = np.full(1, seed, dtype=np.int64)
        chance = chance_of_start(self.suite, reference, start_chance)
        reset = reference.reset(seeds, chance)
        return {name: values[0] for name, values in reset.state.items()}

    def play(self, case: Case) -> Played:
        """Play a case.

        Raises:
            Exception: whatever a side raised; the next case meets new ones.
        """
        if self._fresh:
            self.close()
        try:
            return play(self.suite, self.config, *self.sides(), case)
        except Exception:
            self.close()
            raise

    def differs(self, case: Case, field: str) -> bool:
        """Tell whether a field differs in a case; a case that cannot be played shows nothing."""
        copied = case.state is not None
        if self._troubles >= MAX_TROUBLES or (copied and self._state_can_be_set is False):
            return False
        try:
            played = self.play(case)
        except Exception as error:
            self._troubles += 1
            self.trouble = error
            if copied and self._state_can_be_set is None:
                self._state_can_be_set = False
            return False
        if copied:
            self._state_can_be_set = True
        return shows(played, field)

    def close(self) -> None:
        """Close the sides."""
        self._sides = None
        self._stack.close()
        self._stack = contextlib.ExitStack()


def shows(played: Played, field: str) -> bool:
    """Tell whether a field is among those that differ first."""
    found = played.divergence
    return found is not None and (found.field == field or field in found.also)
