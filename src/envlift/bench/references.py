"""The reference's own loops, in one process or in several at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from envlift.bench.benchmark import Case, Form, Loop, ReferenceLoop
from envlift.bench.plan import Loops
from envlift.reference.client import ReferenceProcess
from envlift.reference.launch import open_reference

TIMEOUT = 300.0
"""Seconds that one loop may take."""

TRIALS = 3
"""Short runs of every form; the fastest run of all chooses."""


class References:
    """The children of every variant; they sleep while something else is timed.

    Attributes:
        name: what the reference called itself, None before the first one was opened.
        pins: exact versions.
    """

    def __init__(self, reference: ReferenceLoop) -> None:
        self._reference = reference
        self._children: dict[str, list[ReferenceProcess]] = {}
        self._forms: dict[str, Form] = {}
        self._stack = ExitStack()
        self.name: str | None = None
        self.pins: dict[str, str] = {}

    def open(self, case: Case, processes: int) -> list[ReferenceProcess]:
        """Return that many children of a variant.

        Raises:
            ReferenceFailure: if a child does not start.
        """
        children = self._children.setdefault(case.name, [])
        while len(children) < processes:
            child = open_reference(
                self._reference.launch, num_lanes=1, config=dict(case.reference), timeout=TIMEOUT
            )
            children.append(self._stack.enter_context(child))
            self.name, self.pins = child.spec.name, child.spec.pins
        return children[:processes]

    def choose(self, case: Case, steps: int, seed: int) -> Form:
        """Return the form of the loop that is the fastest here, from short trials.

        Raises:
            ReferenceFailure: if the reference fails.
        """
        if case.name not in self._forms:
            child = self.open(case, 1)[0]
            self._forms[case.name] = min(
                self._reference.forms,
                key=lambda form: min(
                    self._reference.play(child, form, steps, seed).seconds for _ in range(TRIALS)
                ),
            )
        return self._forms[case.name]

    def play(self, loops: Loops, seed: int) -> tuple[float, dict[str, int]]:
        """Play one repetition in all processes of a measurement at once.

        Returns:
            Seconds of the slowest process by its own clock (messages not counted), and a checksum
            over all.
        """
        children = self.open(loops.case, loops.measurement.threads)
        form = self._forms[loops.case.name]

        def one(numbered: tuple[int, ReferenceProcess]) -> Loop:
            index, child = numbered
            return self._reference.play(child, form, loops.steps, seed + index)

        with ThreadPoolExecutor(len(children)) as pool:
            played = list(pool.map(one, enumerate(children)))
        total: dict[str, int] = {}
        for loop in played:
            for name, value in loop.checksum.items():
                total[name] = total.get(name, 0) + value
        return max(loop.seconds for loop in played), total

    def close(self) -> None:
        """End all children."""
        self._stack.close()
