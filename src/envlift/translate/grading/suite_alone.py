"""Judging a suite before anything is written for it: the reference stands on both sides.

What fails here would fail for whatever an agent writes, and is a person's to mend: a suite that
raises, a reference that does not equal itself, a feature that nobody reaches.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from envlift.translate.grading.judgement import Failure, Judgement
from envlift.translate.project.file import Project

LEVELS = ("L1", "L2", "resets", "L3")
"""Of ``envlift verify``; the others look at how a candidate is driven, or train in it."""

PARTS = {"L1": ("agreement", "L1"), "L2": ("L2", "resets"), "L3": ("L3",)}
"""The loop's levels in terms of ``envlift verify``; agreement stands before all of them."""


def twin_of(suite: Any) -> Any:
    """Return the suite with its reference as the candidate, asked as the reference is."""
    return replace(
        suite,
        candidate=suite.reference,
        to_candidate=None,
        to_reference=None,
        configs=tuple(
            replace(one, candidate=dict(one.reference))
            for one in suite.configs
            if not one.transfer_only
        ),
        components=tuple(replace(one, candidate=None) for one in suite.components),
        corpus=None,
        transfer=None,
    )


def judge_suite(project: Project) -> Judgement:
    """Compare the reference with itself by the project's suite.

    Returns:
        A judgement whose verdicts are those of levels 1 to 3, whose report says which features
        were never reached, and whose seconds say what one judgement takes without the candidate.

    Raises:
        SuiteError: the suite cannot be used; with its line.
    """
    from envlift.translate.grading.judge import SuiteError, effort_of, read_suite, verify_errors
    from envlift.verify.run.progress import Silent
    from envlift.verify.run.session import Request, verify

    started = time.perf_counter()
    known: tuple[type[Exception], ...] = (ValueError, *verify_errors())
    suite, source = read_suite(project)
    effort, asked = effort_of(project)
    judgement = Judgement()
    with tempfile.TemporaryDirectory() as scratch:
        request = Request(
            suite=twin_of(suite),
            suite_source=source,
            effort=effort,
            asked=asked,
            fixtures=Path(scratch),
            levels=LEVELS,
            timeout=project.verification.timeout,
            minimise=False,
        )
        try:
            report = verify(request, Silent())
        except known as error:
            # Nobody else's code runs here: whatever is wrong is a person's to mend.
            raise SuiteError(str(error)) from error
    judgement.report = report.to_json()
    for level, parts in PARTS.items():
        found = {str(one.verdict) for one in report.checks if one.level in parts}
        ranked = [name for name in ("FAIL", "INCONCLUSIVE", "PASS", "SKIPPED") if name in found]
        judgement.verdicts |= {level: ranked[0]} if ranked else {}
        judgement.failures += [
            Failure(level, one.name, one.detail, divergence=one.divergence)
            for one in report.checks
            if one.level in parts and str(one.verdict) == "FAIL"
        ]
    judgement.seconds = time.perf_counter() - started
    return judgement
