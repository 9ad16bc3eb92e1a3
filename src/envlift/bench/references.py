"""The references' own loops, in one process or in several at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from envlift.bench.benchmark import Case, Form, Loop, ReferenceLoop
from envlift.bench.plan import Loops
from envlift.reference.client import ReferenceProcess
from envlift.reference.launch import open_reference

TIMEOUT = 900.0
"""Seconds that one loop may take, its installation and compilation included."""

TRIALS = 3
"""Short runs of every form; the fastest run of all chooses."""


class References:
    """The children of one reference; they sleep while something else is timed.

    Args:
        reference: what is run.
        forms: what the trial chooses from, instead of all of ``reference.forms``.
        interpreter: runs it instead of the pinned environment that its ``requirements`` name.

    Attributes:
        name: what the reference called itself, None before the first one was opened.
        pins: exact versions.
    """

    def __init__(
        self,
        reference: ReferenceLoop,
        forms: tuple[Form, ...] = (),
        interpreter: Path | None = None,
    ) -> None:
        self._reference = reference
        self._tried = forms or reference.forms
        self._interpreter = interpreter
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
        config = {**self._reference.config, **case.reference}
        if self._interpreter is not None and config.pop("requirements", None) is not None:
            config["interpreter"] = str(self._interpreter)
        while len(children) < processes:
            child = open_reference(
                self._reference.launch, num_lanes=1, config=config, timeout=TIMEOUT
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
            self._forms[case.name] = self._tried[0]
            if len(self._tried) > 1:
                self._forms[case.name] = min(
                    self._tried,
                    key=lambda form: min(
                        self._reference.play(child, form, steps, seed).seconds
                        for _ in range(TRIALS)
                    ),
                )
        return self._forms[case.name]

    def play(self, loops: Loops, seed: int) -> Loop:
        """Play one repetition in all processes of a measurement at once.

        Returns:
            Seconds of the slowest process by its own clock (messages not counted), a checksum
            over all, and the longest compilation.
        """
        children = self.open(loops.case, loops.processes)
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
        compiled = [loop.compile_seconds for loop in played if loop.compile_seconds is not None]
        return Loop(max(loop.seconds for loop in played), total, max(compiled, default=None))

    def close(self) -> None:
        """End all children."""
        self._stack.close()
