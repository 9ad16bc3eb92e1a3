"""What every level needs: the pair, the chance, the effort, and where findings go."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from envlift.reference.types import Side
from envlift.verify.engine.again import reference_again
from envlift.verify.engine.lockstep import LaneHistory
from envlift.verify.failure.case import Case, chance_of_start, play, record, write_case
from envlift.verify.failure.minimise import minimise
from envlift.verify.run.result import Check, Divergence, Report, Verdict
from envlift.verify.suite import Config, Suite
from envlift.verify.suite.effort import QUICK as QUICK
from envlift.verify.suite.effort import Effort as Effort


class Progress(Protocol):
    """Shows a person how far things are."""

    def begin(self, level: str, name: str) -> None:
        """A check begins."""

    def advance(self, done: int, total: int) -> None:
        """Some of it is done."""

    def end(self, check: Check) -> None:
        """It ended."""


@dataclass
class Context:
    """One configuration of one run.

    Attributes:
        suite, config: what is compared.
        suite_source: what ``envlift repro`` needs to find the suite again.
        rng: all chance of the run.
        effort: how much.
        reference: the trusted side, with ``effort.lanes`` lanes.
        candidate: the other, likewise.
        open_sides: opens both sides anew with so many lanes.
        open_reference: opens the reference alone with so many lanes, to be played without looking
            at its state.
        open_stranger: opens the reference alone with so many lanes and this ``PYTHONHASHSEED``, to
            be compared with itself.
        report: where checks are collected.
        progress: display.
        fixtures: folder for minimised failures.
        pair: reference and candidate, where they are not the suite's own.
        minimises: whether failures are shortened to fixtures.
    """

    suite: Suite
    config: Config
    suite_source: str
    rng: np.random.Generator
    effort: Effort
    reference: Side
    candidate: Side
    open_sides: Callable[[int], contextlib.AbstractContextManager[tuple[Side, Side]]]
    open_reference: Callable[[int], Side]
    open_stranger: Callable[[int, str], Side]
    report: Report
    progress: Progress
    fixtures: Path
    pair: tuple[str | None, str | Callable[..., object] | None] = (None, None)
    minimises: bool = True

    @contextlib.contextmanager
    def check(self, level: str, name: str) -> Iterator[Check]:
        """Open a check; it is kept in the report even if it is interrupted.

        A check that nobody gave a verdict is inconclusive.
        """
        if self.config.name != "default":
            name = f"{name} [{self.config.name}]"
        check = Check(level, name, Verdict.INCONCLUSIVE, "did not finish")
        self.report.checks.append(check)
        self.progress.begin(level, name)
        started = time.perf_counter()
        try:
            yield check
        finally:
            check.seconds = time.perf_counter() - started
            self.progress.end(check)

    def fail(self, check: Check, divergence: Divergence, history: LaneHistory | None) -> None:
        """Record a difference, minimise it and write its fixture.

        The reference is asked first whether it does the same again: a difference that it has from
        itself is not the candidate's.
        """
        if history is not None:
            told = reference_again(self, history)
            if told:
                check.verdict, check.detail = Verdict.INCONCLUSIVE, told
                return
        check.verdict = Verdict.FAIL
        check.divergence = divergence
        check.detail = (
            f"{divergence.field} differs at step {divergence.step}, lane {divergence.lane}"
        )
        if history is None or not self.minimises:
            return
        self.progress.begin(check.level, "minimising")
        case = self._minimise(divergence, history)
        if case is None:
            check.detail += "; a replay of the lane alone does not show it"
            return
        check.fixture = str(write_case(self.fixtures, case, divergence.field))
        check.detail += f"; minimised to {case.steps} step{'s' if case.steps > 1 else ''}"

    def _minimise(self, divergence: Divergence, history: LaneHistory) -> Case | None:
        reference, candidate = self.pair
        template = Case(
            suite=self.suite_source,
            config=self.config.name,
            actions=[],
            reference=reference,
            # A callable cannot be written down: the case is then replayed with the suite's own.
            candidate=candidate if isinstance(candidate, str) else None,
            note=f"{divergence.field} differed (run seed {self.report.seed})",
        )
        with self.open_sides(1) as (reference_side, candidate_side):

            def again(case: Case) -> bool:
                played = play(self.suite, self.config, reference_side, candidate_side, case)
                return played.divergence is not None and (
                    played.divergence.field == divergence.field
                    or divergence.field in played.divergence.also
                )

            state = None
            if reference_side.spec.state:
                seeds = np.full(1, history.seed, dtype=np.int64)
                chance = chance_of_start(self.suite, reference_side, history.start_chance)
                reset = reference_side.reset(seeds, chance)
                state = {name: values[0] for name, values in reset.state.items()}
            case = minimise(history, template, again, state)
            if case is None:
                return None
            played = play(self.suite, self.config, reference_side, candidate_side, case)
            return record(case, played)
