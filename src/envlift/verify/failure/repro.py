"""Playing a recorded case again: the reference and the candidate side by side."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from envlift.reference.failure import CandidateFailure, ReferenceFailure, ReferenceUnavailable
from envlift.reference.launch import open_reference
from envlift.verify.failure.case import UNNAMED, Case, Played, play, read_cases
from envlift.verify.levels.steps.corpus import recorded_side
from envlift.verify.run.result import EXIT_CODES, Verdict
from envlift.verify.run.show import number, plain_text, print_divergence
from envlift.verify.sides.candidates import Limits, arithmetic, open_candidate
from envlift.verify.sides.guard import CandidateViolation
from envlift.verify.sides.strangers import placed
from envlift.verify.suite import Config, Suite, default_suite, for_pair
from envlift.verify.suite.find import find_suite
from envlift.verify.suite.guarded import guarded

SHOWN = 12
"""Steps shown before a difference."""


def repro(console: Console, path: Path, backend: str | None) -> int:
    """Play every case of a file and return an exit code: 1 if one still differs, else 0.

    A candidate that breaks in a case has failed it (1); a reference that does leaves it open (2).

    Raises:
        ValueError: if the file holds no cases, or a case names what is not there.
    """
    cases = read_cases(path)
    if not cases:
        raise ValueError(f"{path} holds no recorded case")
    verdicts = []
    for case in cases:
        with contextlib.chdir(_home(path, case)):
            verdicts.append(_repro_case(console, case, backend))
    for worst in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        if worst in verdicts:
            return EXIT_CODES[worst]
    return EXIT_CODES[Verdict.PASS]


def _home(path: Path, case: Case) -> Path:
    """Return the folder from which a case's files are found: this one, or one above the case."""
    launched = [
        str(name).partition(":")[2].rpartition(":")[0] for name in (case.reference, case.candidate)
    ]
    files = [name for name in (case.suite, *launched) if name and name.endswith(".py")]
    for folder in (Path.cwd(), *path.resolve().parents):
        if all((folder / name).is_file() for name in files):
            return folder
    return Path.cwd()


def _repro_case(console: Console, case: Case, backend: str | None) -> Verdict:
    try:
        suite, config = _pair(case)
        with arithmetic(config):
            return _play(console, case, suite, config, backend)
    except ReferenceFailure as error:
        console.print(str(error), markup=False, soft_wrap=True)
        return Verdict.INCONCLUSIVE
    except (CandidateFailure, CandidateViolation) as error:
        console.print(str(error), markup=False, soft_wrap=True)
        return Verdict.FAIL


def _play(
    console: Console, case: Case, suite: Suite, config: Config, backend: str | None
) -> Verdict:
    chosen = {"backend": backend} if backend else {}
    options: dict[str, Any] = {**config.candidate, **case.options, **chosen}
    with contextlib.ExitStack() as stack:
        place, _ = stack.enter_context(placed(suite.candidate, case.suite))
        limits = Limits(place=place)
        candidate = open_candidate(suite.candidate, options, 1, limits, apart=True)
        stack.callback(candidate.close)
        try:
            reference: Any = stack.enter_context(
                contextlib.closing(
                    open_reference(
                        suite.reference,
                        num_lanes=1,
                        config={**config.reference, **_attributes(suite.reference, case)},
                    )
                )
            )
        except ReferenceUnavailable as error:
            if not case.recorded:
                raise
            console.print(f"[yellow]{error}[/]\nThe recorded answers stand in for it.")
            reference = recorded_side(suite, candidate, case)
        if not suite.described:
            suite, config, _ = for_pair(suite, config, reference.spec, candidate.spec)
        if case.start:
            suite = replace(suite, start=case.start)
        played = play(suite, config, reference, candidate, case)
        console.print(
            f"[bold]{plain_text(case.note or 'a recorded case')}[/]  "
            f"({config.name}, {case.steps} step{'s' if case.steps > 1 else ''})",
            soft_wrap=True,
        )
        console.print(f"reference: {reference.spec.name}", markup=False)
        console.print(f"candidate: {candidate.spec.name}", markup=False)
    _print_steps(console, case, played)
    if played.divergence is None:
        console.print("[green]no difference[/]")
        return Verdict.PASS
    print_divergence(console, played.divergence)
    return Verdict.FAIL


def _pair(case: Case) -> tuple[Suite, Config]:
    if case.candidate == UNNAMED:
        raise ValueError(
            "the candidate of this case was a Python function, which a file cannot name: define it "
            "in a module, or name the candidate by a launch string such as env:module:function"
        )
    if case.suite:
        suite, _ = find_suite(case.suite)
        suite = suite.with_pair(case.reference, case.candidate)
    else:
        assert case.reference is not None
        told = _attributes(case.reference, case)
        with contextlib.closing(open_reference(case.reference, num_lanes=1, config=told)) as side:
            suite = default_suite(case.reference, case.candidate, side.spec)
    for config in suite.configs:
        if config.name == case.config:
            return guarded(suite.of_config(config)), config
    known = ", ".join(config.name for config in suite.configs)
    raise ValueError(f"the case names the configuration {case.config!r}; {suite.name} has {known}")


def _attributes(reference: str, case: Case) -> dict[str, Any]:
    """Return the attributes that hold the state, where they were named for both sides."""
    name = "state_attributes"
    known = name in case.options and reference.startswith("gymnasium:")
    return {name: case.options[name]} if known else {}


def _print_steps(console: Console, case: Case, played: Played) -> None:
    """Show action, reward and end flags of both sides, up to the difference."""
    last = case.steps if played.divergence is None else played.divergence.step
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in ("step", "action"):
        table.add_column(column)
    for column in ("reward", "terminated", "truncated"):
        table.add_column(column)
        table.add_column("candidate's")
    for t in range(max(0, last - SHOWN), last):
        cells = [
            number(values[t, 0].tolist())
            for name in ("reward", "terminated", "truncated")
            for record in (played.reference, played.candidate)
            if (values := getattr(record, name)) is not None
        ]
        table.add_row(str(t + 1), number(case.actions[t]), *cells)
    console.print(table)
