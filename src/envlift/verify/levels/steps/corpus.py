"""Recorded cases: failures that were minimised once, and scenarios with the reference's answers.

They run before everything else, and they are all that runs where the reference is not at hand.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from envlift.reference.types import Side, SideSpec
from envlift.verify.failure.case import Case, RecordedSide, play, read_cases
from envlift.verify.run.context import Context, Progress
from envlift.verify.run.result import Check, Report, Verdict
from envlift.verify.sides.candidates import Limits, open_candidate
from envlift.verify.suite import Config, Suite


def cases_of(suite: Suite, config: Config) -> list[Case]:
    """Read the corpus's cases of one configuration, in file order."""
    if suite.corpus is None:
        return []
    files = sorted(Path(suite.corpus).glob("*.jsonl"))
    return [case for path in files for case in read_cases(path) if case.config == config.name]


def run(context: Context) -> None:
    """Play every case against the running reference, which must still answer as recorded."""
    cases = cases_of(context.suite, context.config)
    if not cases:
        folder = context.suite.corpus
        if folder is not None and not Path(folder).is_dir():
            context.report.not_verified.append(
                f"recorded cases [{context.config.name}]: there is no {_shown(Path(folder))} "
                "(`envlift record` makes it)"
            )
        return
    with (
        context.check("corpus", "recorded cases") as check,
        context.open_sides(1) as (reference, candidate),
    ):
        _play_all(context.suite, context.config, cases, reference, candidate, check)
        if check.verdict is Verdict.PASS:
            _still_recorded(context.suite, context.config, cases, reference, check)


def _shown(folder: Path) -> str:
    """Return a folder's path, from the current one where it is in that: evidence is shared."""
    here = Path.cwd()
    return str(folder.relative_to(here) if folder.is_relative_to(here) else folder)


def run_recorded(
    suite: Suite,
    config: Config,
    options: dict[str, Any],
    limits: Limits,
    report: Report,
    progress: Progress,
) -> None:
    """Play every case against its recorded answers."""
    cases = [case for case in cases_of(suite, config) if case.recorded]
    if not cases:
        return
    name = f"recorded answers [{config.name}]"
    check = Check("corpus", name, Verdict.INCONCLUSIVE, "did not finish")
    report.checks.append(check)
    progress.begin(check.level, check.name)
    limits = replace(limits, lanes=None)
    with contextlib.closing(open_candidate(suite.candidate, options, 1, limits, True)) as candidate:
        _play_all(suite, config, cases, None, candidate, check)
    progress.end(check)


def _play_all(
    suite: Suite,
    config: Config,
    cases: list[Case],
    reference: Side | None,
    candidate: Side,
    check: Check,
) -> None:
    steps = 0
    for case in cases:
        side = reference or recorded_side(suite, candidate, case)
        played = play(suite, config, side, candidate, case)
        steps += case.steps
        check.counts = {"cases": len(cases), "steps": steps}
        if played.divergence is not None:
            check.verdict = Verdict.FAIL
            check.divergence = played.divergence
            check.detail = f"{case.note or case.digest()}: {played.divergence.field} differs"
            return
    check.verdict = Verdict.PASS
    check.detail = "the candidate gives the reference's answers"


def _still_recorded(
    suite: Suite, config: Config, cases: list[Case], reference: Side, check: Check
) -> None:
    """A recording that the reference no longer gives is stale and proves nothing."""
    exact = replace(suite, to_candidate=None, to_reference=None, deviations=())
    for case in cases:
        if not case.recorded:
            continue
        recorded = RecordedSide(reference.spec, case)
        divergence = play(exact, config, reference, recorded, case).divergence
        if divergence is not None:
            check.verdict = Verdict.FAIL
            check.divergence = divergence
            check.detail = (
                f"{case.note or case.digest()}: the reference no longer answers as recorded; "
                "record the corpus anew and say why in the changelog"
            )
            return


def recorded_side(suite: Suite, candidate: Side, case: Case) -> RecordedSide:
    """Let a case answer for the reference, with the candidate's shapes in the reference's names."""
    own = candidate.spec
    state = case.recorded["state"]
    if suite.to_reference is None and set(own.state) >= set(state):
        fields = {name: own.state[name] for name in state}
    else:
        translated = suite.reference_state(candidate.get_state())
        fields = {name: _spec_of(translated[name]) for name in state}
    spec: SideSpec = replace(
        own,
        name="recorded answers",
        state=fields,
        chance=None if case.chance is None else _spec_of_chance(suite),
    )
    return RecordedSide(spec, case)


def _spec_of(values: Any) -> Any:
    from envlift.reference.types import ArraySpec

    return ArraySpec(tuple(values.shape[1:]), str(values.dtype))


def _spec_of_chance(suite: Suite) -> Any:
    import numpy as np

    drawn = suite.draw(np.random.default_rng(0), (1,))
    return None if drawn is None else _spec_of(drawn)
