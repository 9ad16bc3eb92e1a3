"""Showing that a fast environment is the same environment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from envlift.candidate.isolation import Wanted
    from envlift.verify.run.context import Progress
    from envlift.verify.run.result import Report
    from envlift.verify.run.soak import Soak

__all__ = ["verify"]


def verify(
    name: str,
    candidate: str | Callable[..., Any] | None = None,
    *,
    suite: str | None = None,
    backend: str | None = None,
    variant: int | None = None,
    configs: Sequence[str] = (),
    levels: Sequence[str] = (),
    quick: bool = False,
    lanes: int | None = None,
    max_steps: int | None = None,
    min_ends: int | None = None,
    state_attributes: Sequence[str] = (),
    seed: int | None = None,
    timeout: float = 60.0,
    start_timeout: float = 300.0,
    fixtures: str | Path = "envlift-fixtures",
    progress: Progress | None = None,
    steps: int | None = None,
    hours: float | None = None,
    tell: Callable[[Soak], None] | None = None,
    sandbox: Wanted = "auto",
    trusted: bool = False,
) -> Report:
    """Compare two environments, as ``envlift verify`` does.

    Args:
        name: alone, a registered environment (or the path of a suite file), which is compared with
            its own reference. With ``candidate``, the launch string of the reference.
        candidate: launch string, a function that returns an ``envlift.Env``, or the path of a
            suite file.
        suite: what a pair is compared by: a registered environment or the path of a suite file.
            None compares every field with loose tolerances.
        backend: target of a registered environment, for example ``jax``.
        variant: seed of another game of the same rules, where the environment has such.
        configs: names of the suite's configurations to run; empty for all.
        levels: of ``L1``, ``L2``, ``L3``, ``resets``, ``transforms``, ``L4``; empty for all. What
            is left out stands in the report as not verified.
        quick: compare less, in seconds; policies are trained (``L4``) only if ``levels`` says so.
        lanes, max_steps, min_ends: episodes side by side; lockstep steps, and episode ends wanted,
            for each of them and each policy. None for what ``quick`` or a configuration says.
        state_attributes: names of the attributes that hold the state of both sides, where they are
            Gymnasium environments (dots allowed, ``data.qpos``); empty for what the suite says.
        seed: repeats a run; None draws a fresh one.
        timeout: seconds that a side may take for one answer before it counts as hung. Slow sides
            are asked for less at a time, and what a busy machine takes from them does not count.
        start_timeout: seconds that a side may take to start.
        fixtures: folder for minimised failures.
        progress: is told of every check; None shows nothing.
        steps, hours: go on with fresh seeds, in lockstep, until so many steps or hours in all; see
            ``envlift.verify.run.soak``. None for one run.
        tell: is told after every round of those how far it is.
        sandbox: a candidate that is not envlift's own is isolated: ``auto`` where bubblewrap works,
            ``required`` or not at all, ``none`` never. The report says where it was not.
        trusted: it is not isolated, and runs where an environment of envlift's own would.

    Returns:
        The report. ``report.verdict`` is PASS, FAIL or INCONCLUSIVE; Ctrl-C ends the run and
        returns what was found so far.

    Raises:
        ValueError: for an unknown name, configuration or level, or a number below 1; the message
            says what is known. ``SuiteError``, a ``ValueError``, where code of the suite raises:
            it names the file and the line. ``NotIsolatedError``, a ``ValueError``, where isolation
            is required and cannot be had.
        InternalError: a bug of envlift's; the message says where its traceback stands.
    """
    # Importing them here keeps `import envlift.verify` free of Hypothesis, SciPy and all levels.
    from envlift.verify.run.context import QUICK, Effort
    from envlift.verify.run.progress import Silent
    from envlift.verify.run.session import Request
    from envlift.verify.run.session import verify as run
    from envlift.verify.run.soak import soak
    from envlift.verify.sides.strangers import placed
    from envlift.verify.suite.find import find_pair

    given = {"lanes": lanes, "max_steps": max_steps, "min_ends": min_ends}
    numbers = {what: number for what, number in given.items() if number is not None}
    for what, number in numbers.items():
        if number < 1:
            raise ValueError(f"{what} must be at least 1, it is {number}")
    if seed is not None and seed < 0:
        raise ValueError(f"seed must be 0 or more, it is {seed}")
    for what, limit in (("timeout", timeout), ("start_timeout", start_timeout)):
        if not limit > 0:
            raise ValueError(f"{what} must be more than 0 seconds, it is {limit}")
    for what, wanted in (("steps", steps), ("hours", hours)):
        if wanted is not None and not wanted > 0:
            raise ValueError(f"{what} must be more than 0, it is {wanted}")
    if variant is not None:
        if candidate is not None or suite is not None:
            raise ValueError("variant is for a registered environment alone, not for a pair")
        name = f"{name}@{variant}"
    found, source, reference, other = find_pair(name, candidate, suite)
    request = Request(
        suite=found,
        suite_source=source,
        reference=reference,
        candidate=other,
        options={"backend": backend} if backend else {},
        state_attributes=tuple(name.strip() for name in state_attributes),
        configs=tuple(configs),
        levels=tuple(levels),
        effort=QUICK if quick else Effort(),
        asked=numbers,
        seed=seed,
        fixtures=Path(fixtures),
        timeout=timeout,
        start_timeout=start_timeout,
    )
    shown = Silent() if progress is None else progress
    judged = other if found is None or other is not None else found.candidate
    assert judged is not None
    with placed(judged, source, sandbox, trusted) as (place, why):
        request = replace(request, place=place, not_isolated=why)
        if steps is None and hours is None:
            return run(request, shown)
        return soak(request, shown, tell or (lambda far: None), steps=steps, hours=hours)
