"""``envlift verify --hours`` and ``--steps``: one run after the other, each with a fresh seed.

The first run is a whole one. Each that follows opens both sides anew and plays lockstep (level 3)
under every policy, until the time or the steps are used up, a difference is found, or Ctrl-C.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from envlift.verify.run.context import Progress
from envlift.verify.run.progress import Silent
from envlift.verify.run.result import Check, Report, Verdict
from envlift.verify.run.session import Request, verify

NAME = "soak"
FEWEST_STEPS = 16
"""Lockstep steps per lane and policy of a round, at least: starting both sides takes longer."""
HOUR = 3600.0


@dataclass
class Soak:
    """How far a soak is.

    Attributes:
        rounds: that have ended, the first run included.
        steps, episodes: lockstep steps and episode ends over all lanes, policies and rounds.
        seconds: since the start.
        seed: of the last round.
        wanted_steps, wanted_seconds: when it is over; None for never.
    """

    rounds: int = 0
    steps: int = 0
    episodes: int = 0
    seconds: float = 0.0
    seed: int = 0
    wanted_steps: int | None = None
    wanted_seconds: float | None = None

    @property
    def over(self) -> bool:
        """Whether all that was asked for has been done."""
        done = self.wanted_steps is not None and self.steps >= self.wanted_steps
        return done or (self.wanted_seconds is not None and self.seconds >= self.wanted_seconds)

    def line(self) -> str:
        """Say so in one line."""
        return (
            f"soak: {self.rounds} round{'s' if self.rounds > 1 else ''}, {self.steps:,} lockstep "
            f"steps, {self.episodes:,} episodes, {self.seconds / HOUR:.2f} hours; last seed "
            f"{self.seed}"
        )


def soak(
    request: Request,
    progress: Progress,
    tell: Callable[[Soak], None],
    *,
    steps: int | None = None,
    hours: float | None = None,
) -> Report:
    """Verify, then go on with fresh seeds.

    Args:
        request: of the first run; its seed, if it has one, is the first round's alone.
        progress: is told of the checks of the first run, and of every check that does not pass.
        tell: is called after every round.
        steps: lockstep steps over all rounds; the last round may go a little beyond them.
        hours: of all rounds; the round that runs then is played to its end.

    Returns:
        The report of the first run with one more check, ``soak``, and the features of all rounds;
        or that of the round in which a difference was found, with its seed. Ctrl-C returns what was
        found so far, marked as interrupted.
    """
    started = time.monotonic()
    wanted = None if hours is None else hours * HOUR
    far = Soak(wanted_steps=steps, wanted_seconds=wanted)

    def count(report: Report) -> None:
        far.rounds += 1
        far.seed = report.seed
        far.steps += report.total("steps")
        far.episodes += report.total("episodes")
        far.seconds = time.monotonic() - started
        tell(far)

    report = first = verify(request, progress)
    count(first)
    inconclusive: list[str] = []
    missing = {name: set(features) for name, features in first.missing.items()}
    played = far.steps > 0
    while played and not (report.verdict is Verdict.FAIL or report.interrupted or far.over):
        before = far.steps
        round_ = replace(
            request,
            seed=secrets.randbits(48),
            levels=("L3",),
            ask_reference=False,
            asked={**request.asked, "min_steps": _length(request, first, far)},
        )
        report = verify(round_, _Failures(progress))
        count(report)
        played = far.steps > before
        for name, reached in report.features.items():
            first.features[name] = first.features.get(name, 0) + reached
        for name, features in missing.items():
            features &= set(report.missing.get(name, ()))
        inconclusive += _open(report)
    last = report
    first.interrupted |= last.interrupted
    if last.verdict is Verdict.FAIL:
        first = last
    else:
        _judge_features(first, missing)
    first.checks.append(_check(far, inconclusive, failed=last.verdict is Verdict.FAIL))
    progress.end(first.checks[-1])
    return first


def _length(request: Request, first: Report, far: Soak) -> int:
    """Return how many steps per lane and policy the next round has, by what is left."""
    usual = int(request.asked.get("min_steps", request.effort.min_steps))
    plays = [c for c in first.checks if c.level == "L3" and "lanes" in c.counts]
    lanes = max(1, sum(c.counts["lanes"] for c in plays))
    left = float(usual * lanes)
    if far.wanted_steps is not None:
        left = min(left, far.wanted_steps - far.steps)
    if far.wanted_seconds is not None:
        rate = far.steps / max(far.seconds, 1e-9)
        left = min(left, rate * (far.wanted_seconds - far.seconds))
    return max(FEWEST_STEPS, min(usual, round(left / lanes)))


def _open(report: Report) -> list[str]:
    """Return what a round left open, but for features, which all rounds have together."""
    return [
        f"{check.name}: {check.detail} (seed {report.seed})"
        for check in report.checks
        if check.verdict is Verdict.INCONCLUSIVE and check.name not in report.missing
    ]


def _check(far: Soak, inconclusive: list[str], failed: bool) -> Check:
    """Return what a soak adds to a report."""
    counts = {"rounds": far.rounds, "steps in all": far.steps, "episodes in all": far.episodes}
    if failed:
        detail, verdict = "a difference; its round is above", Verdict.FAIL
    elif inconclusive:
        detail, verdict = inconclusive[0], Verdict.INCONCLUSIVE
    elif not far.over:
        detail, verdict = "it ended before what was asked for was played", Verdict.INCONCLUSIVE
    else:
        detail, verdict = "no difference, a fresh seed in every round", Verdict.PASS
    return Check("L3", NAME, verdict, detail, counts, seconds=far.seconds)


def _judge_features(first: Report, missing: dict[str, set[str]]) -> None:
    """Let a feature count that any round reached."""
    for check in first.checks:
        if check.name in first.missing and not missing[check.name]:
            check.verdict, check.detail = Verdict.PASS, "every one, over all rounds"
        elif check.name in first.missing:
            check.detail = f"never reached: {', '.join(sorted(missing[check.name]))}"


class _Failures(Silent):
    """Shows what runs, and of what has ended only what did not pass."""

    def __init__(self, progress: Progress) -> None:
        self.begin = progress.begin  # type: ignore[method-assign]
        self.advance = progress.advance  # type: ignore[method-assign]
        self._shown = progress

    def end(self, check: Check) -> None:
        """Show a check that found something."""
        if check.verdict is Verdict.FAIL:
            self._shown.end(check)
