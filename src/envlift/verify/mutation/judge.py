"""Judging one mutant, in a process of its own: which levels notice it?

Run as ``python -m envlift.verify.mutation.judge REQUEST`` with the mutated package first on the
path. REQUEST is a JSON object: ``name``, ``options``, ``seed``, ``fixtures``, ``first``. The answer
is one JSON line on stdout: level -> what failed first, null where nothing did.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

from envlift.verify.context import QUICK
from envlift.verify.find import find_suite
from envlift.verify.progress import Silent
from envlift.verify.result import Verdict
from envlift.verify.session import STAGES, Request, verify

LEVELS = tuple(level for level in STAGES if level not in ("corpus", "L4"))
EFFORT = replace(QUICK, lanes=32, transitions=2_048, min_ends=1, max_steps=8_000, resets=1_024)


def judge(
    name: str, options: dict[str, object], seed: int, fixtures: str, first: bool = False
) -> dict[str, str | None]:
    """Run all levels, one configuration after the other until one of them notices the fault.

    A level stands for the first of its checks that failed. The corpus is left out: it grows with
    every fault that was ever found. So is level 4: training takes longer than everything else.

    Args:
        name: a registered environment.
        options: of the candidate.
        seed: of everything.
        fixtures: folder for what was found.
        first: run level 1 in all configurations first, in double precision before the others, whose
            tolerances are wider; and the other levels only if it noticed nothing.
    """
    suite, source = find_suite(name)
    configs = suite.configs
    if first:
        configs = tuple(sorted(configs, key=lambda config: not config.x64))
    request = Request(
        suite=replace(suite, corpus=None, transfer=None, configs=configs),
        suite_source=source,
        effort=EFFORT,
        fixtures=Path(fixtures),
        options=dict(options),
        seed=seed,
        minimise=False,
        stop_at_failure=True,
    )
    answers: dict[str, str | None] = dict.fromkeys(LEVELS)
    for levels in (LEVELS[:1], LEVELS[1:]) if first else (LEVELS,):
        try:
            report = verify(replace(request, levels=levels), Silent())
        except Exception as error:
            return dict.fromkeys(levels, f"{type(error).__name__}: {error}".splitlines()[0])
        for check in report.checks:
            if check.verdict is Verdict.FAIL and answers[check.level] is None:
                answers[check.level] = f"{check.name}: {check.detail}"
        if any(answers.values()):
            break
    return answers


if __name__ == "__main__":
    print(json.dumps(judge(**json.loads(sys.argv[1]))))
