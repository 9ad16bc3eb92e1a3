"""Playing a recorded case again: the reference and the candidate side by side."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from envlift.reference.failure import ReferenceUnavailable
from envlift.reference.launch import open_reference
from envlift.reference.types import Record
from envlift.verify.failure.case import Case, Played, play, read_cases
from envlift.verify.levels.corpus import recorded_side
from envlift.verify.run.result import EXIT_CODES, Verdict
from envlift.verify.run.show import number, print_divergence
from envlift.verify.sides.candidates import arithmetic, open_candidate
from envlift.verify.suite import Config, Suite, default_suite
from envlift.verify.suite.find import find_suite

SHOWN = 12
"""Steps shown before a difference."""


def repro(console: Console, path: Path, backend: str | None) -> int:
    """Play every case of a file; return 1 if one still differs, else 0."""
    worst = 0
    for case in read_cases(path):
        worst = max(worst, _repro_case(console, case, backend))
    return worst


def _repro_case(console: Console, case: Case, backend: str | None) -> int:
    suite, config = _pair(case)
    with arithmetic(config):
        return _play(console, case, suite, config, backend)


def _play(console: Console, case: Case, suite: Suite, config: Config, backend: str | None) -> int:
    options: dict[str, Any] = {**config.candidate, **({"backend": backend} if backend else {})}
    with contextlib.ExitStack() as stack:
        candidate = open_candidate(suite.candidate, options, 1)
        stack.callback(candidate.close)
        try:
            reference: Any = stack.enter_context(
                contextlib.closing(
                    open_reference(suite.reference, num_lanes=1, config=dict(config.reference))
                )
            )
        except ReferenceUnavailable as error:
            if not case.recorded:
                raise
            console.print(f"[yellow]{error}[/]\nThe recorded answers stand in for it.")
            reference = recorded_side(suite, candidate, case)
        played = play(suite, config, reference, candidate, case)
        console.print(
            f"[bold]{case.note or 'a recorded case'}[/]  ({config.name}, {case.steps} steps)"
        )
        console.print(f"reference: {reference.spec.name}")
        console.print(f"candidate: {candidate.spec.name}", markup=False)
    _print_steps(console, case, played)
    if played.divergence is None:
        console.print("[green]no difference[/]")
        return EXIT_CODES[Verdict.PASS]
    print_divergence(console, played.divergence)
    return EXIT_CODES[Verdict.FAIL]


def _pair(case: Case) -> tuple[Suite, Config]:
    if case.suite:
        suite, _ = find_suite(case.suite)
        suite = suite.with_pair(case.reference, case.candidate)
    else:
        assert case.reference is not None
        with contextlib.closing(open_reference(case.reference, num_lanes=1, config={})) as side:
            suite = default_suite(case.reference, case.candidate, side.spec)
    for config in suite.configs:
        if config.name == case.config:
            return suite.of_config(config), config
    known = ", ".join(config.name for config in suite.configs)
    raise ValueError(f"the case names the configuration {case.config!r}; {suite.name} has {known}")


def _print_steps(console: Console, case: Case, played: Played) -> None:
    """Show action, reward and ends of both sides, up to the difference."""
    last = case.steps if played.divergence is None else played.divergence.step
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("step", "action", "reward", "candidate's", "end", "candidate's"):
        table.add_column(column)
    for t in range(max(0, last - SHOWN), last):
        cells = []
        for record in (played.reference, played.candidate):
            cells.append((_reward(record, t), _end(record, t)))
        (reward, end), (their_reward, their_end) = cells
        table.add_row(str(t + 1), number(case.actions[t]), reward, their_reward, end, their_end)
    console.print(table)


def _reward(record: Record, t: int) -> str:
    assert record.reward is not None
    return number(record.reward[t, 0].item())


def _end(record: Record, t: int) -> str:
    assert record.terminated is not None
    assert record.truncated is not None
    if record.terminated[t, 0]:
        return "terminated"
    return "truncated" if record.truncated[t, 0] else "-"
