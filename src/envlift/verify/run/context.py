"""What every level needs: the pair, the chance, the effort, and where findings go."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from envlift.candidate.opening import launch_name
from envlift.reference.types import Side, StateDict
from envlift.verify.engine.actions import Played
from envlift.verify.engine.again import NotRestoredError, reference_again
from envlift.verify.engine.history import LaneHistory
from envlift.verify.engine.lockstep import MAX_SEED
from envlift.verify.engine.play import First
from envlift.verify.failure.case import UNNAMED, Case, record, write_case
from envlift.verify.failure.minimise import minimise
from envlift.verify.failure.replay import Replayer, shows
from envlift.verify.run.result import Check, Divergence, Report, Verdict
from envlift.verify.sides.own import Own
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
        open_candidate: opens the candidate alone with so many lanes, likewise.
        open_stranger: opens the reference alone with so many lanes and this ``PYTHONHASHSEED``, to
            be compared with itself.
        report: where checks are collected.
        progress: display.
        fixtures: folder for minimised failures.
        pair: reference and candidate, where they are not the suite's own.
        minimises: whether failures are shortened to fixtures.
        asks: whether the reference is asked for its answer again before a difference counts.
        pool: states of the reference's play, kept once they were asked for (``levels.steps.pool``).
        options: of the candidate, beside the configuration's.
        own: what runs the suite's functions of the candidate; None where they run here.
        open_probe: opens the reference alone with two lanes, for questions beside the play.
        unseeded: resets without a seed are compared.
        played: the actions that were played, counted.
        firsts: what the reference and the candidate played first when they were new.
        born: equal seeds are repeated by new environments only, on both sides alike; what those
            play is compared from their first episode on.
        reasons: part of the contract -> why it is not compared here.
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
    open_candidate: Callable[[int], Side]
    open_stranger: Callable[[int, str], Side]
    report: Report
    progress: Progress
    fixtures: Path
    pair: tuple[str | None, str | Callable[..., object] | None] = (None, None)
    minimises: bool = True
    asks: bool = True
    pool: StateDict | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    own: Own | None = None
    open_probe: Callable[[], Side] | None = None
    unseeded: bool = False
    played: Played | None = None
    born: bool = False
    firsts: tuple[First | None, First | None] = (None, None)
    reasons: dict[str, str] = field(default_factory=dict)

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

    def begin_anew(self) -> None:
        """Reset both sides alike before states are copied.

        What no field shows, a counter of steps say, then begins at the same place on both.
        """
        lanes = self.reference.num_lanes
        seeds = self.rng.integers(0, MAX_SEED, size=lanes)
        chance = self.suite.draw(self.rng, (lanes,))
        for side in (self.candidate, self.reference):
            side.reset(seeds, chance)

    def fail(self, check: Check, divergence: Divergence, history: LaneHistory | None) -> None:
        """Record a difference, minimise it and write its fixture.

        The reference is asked first whether it does the same again: a difference that it has from
        itself is not the candidate's.

        Raises:
            NotRestoredError: where states are copied because nothing spoke against it, and this
                does.
        """
        if history is not None and self.asks:
            told = reference_again(self, history)
            if told:
                check.verdict, check.detail = Verdict.INCONCLUSIVE, told
                if self.suite.start == "copy" and not self.suite.described:
                    raise NotRestoredError(told)
                return
        check.verdict = Verdict.FAIL
        check.divergence = divergence
        check.detail = (
            f"{divergence.field} differs at step {divergence.step}, lane {divergence.lane}"
        )
        if history is None or not self.minimises:
            return
        self.progress.begin(check.level, "minimising")
        try:
            case = self._minimise(divergence, history)
        except Exception as error:
            # The difference stands, whatever became of the attempt to shorten it.
            check.detail += f"; could not be minimised: {first_line(error)}"
            return
        if isinstance(case, str):
            check.detail += f"; {case}"
            return
        try:
            check.fixture = str(write_case(self.fixtures, case, divergence.field))
        except OSError as error:
            check.detail += (
                f"; its case could not be written to {self.fixtures}: {error.strerror or error}; "
                "name another folder with --fixtures"
            )
            return
        check.detail += f"; minimised to {case.steps} step{'s' if case.steps > 1 else ''}"

    def _minimise(self, divergence: Divergence, history: LaneHistory) -> Case | str:
        """Return the shortest case that shows the difference, or why there is none."""
        reference, candidate = self.pair
        template = Case(
            suite=self.suite_source,
            config=self.config.name,
            actions=[],
            reference=reference,
            candidate=launch_string(candidate),
            options=dict(self.options),
            start=self.suite.start,
            note=f"{divergence.field} differed (run seed {self.report.seed})",
        )
        told = None
        for fresh in (False, True):
            replayer = Replayer(self.suite, self.config, self.open_sides, fresh)
            with contextlib.closing(replayer):
                state = replayer.plain_state(history.seed, history.start_chance)
                case = minimise(
                    history,
                    template,
                    lambda case, on=replayer: on.differs(case, divergence.field),  # type: ignore[misc]
                    state,
                    shrink=not fresh,
                )
                told = replayer.trouble or told
                if case is not None:
                    # What a replay left behind in a side may have been a part of the difference.
                    replayer.close()
                    played = replayer.play(case)
                    if shows(played, divergence.field):
                        return record(case, played)
        why = f"a replay of the lane alone does not show it: --seed {self.report.seed} repeats "
        why += "the whole run"
        return why if told is None else f"{why} (in the replay: {first_line(told)})"


def first_line(error: BaseException) -> str:
    """Return what an error says in one line, with its kind where it says nothing of its own."""
    text = str(error).strip().partition("\n")[0]
    return text or type(error).__name__


def launch_string(candidate: str | Callable[..., object] | None) -> str | None:
    """Return how a fixture names a candidate.

    A function that no other process finds cannot be written down; ``envlift repro`` says so.
    """
    if candidate is None or isinstance(candidate, str):
        return candidate
    return launch_name(candidate) or UNNAMED
