"""Judging one mutant, in a process of its own: which levels notice it?

Run as ``python -m envlift.verify.mutation.judge REQUEST`` with the mutated package first on the
path. REQUEST is a JSON object, the arguments of ``judge``. The answer is one JSON line on stdout:
level -> what failed first, null where nothing did.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from envlift.verify.run.context import QUICK
from envlift.verify.run.progress import Silent
from envlift.verify.run.result import Verdict
from envlift.verify.run.session import STAGES, Request, verify
from envlift.verify.suite.find import find_suite

LEVELS = tuple(level for level in STAGES if level not in ("corpus", "L4"))
EFFORT = replace(QUICK, lanes=8, transitions=2_048, min_ends=1, max_steps=8_000, resets=1_024)


def judge(
    name: str,
    options: dict[str, object],
    seed: int,
    fixtures: str,
    first: bool = False,
    configs: Collection[str] = (),
) -> dict[str, str | None]:
    """Run all levels, one configuration after the other until one of them notices the fault.

    A level stands for the first of its checks that failed. The corpus is left out: it grows with
    every fault that was ever found. So is level 4: training takes longer than everything else. And
    so is the divergence horizon, whose share of lanes says nothing when the lanes are few.

    Args:
        name: a registered environment.
        options: of the candidate.
        seed: of everything.
        fixtures: folder for what was found.
        first: run level 1 in all configurations first, in double precision before the others, whose
            tolerances are wider; and the other levels only if it noticed nothing.
        configs: names of the configurations to run; empty for all.
    """
    if options.get("backend") == "warp":
        from envlift.targets.warp_init import MODULE_OPTIONS

        # A fault shows in results, not in speed, and compiling takes most of the time.
        MODULE_OPTIONS.update(max_unroll=1, optimization_level=1)
    suite, source = find_suite(name)
    ordered = suite.configs
    if first:
        ordered = tuple(sorted(ordered, key=lambda config: not config.x64))
    request = Request(
        suite=replace(suite, corpus=None, transfer=None, horizon=None),
        suite_source=source,
        effort=EFFORT,
        fixtures=Path(fixtures),
        options=dict(options),
        configs=tuple(config.name for config in ordered if not configs or config.name in configs),
        seed=seed,
        minimise=False,
        # It was asked when the rules were judged as they are.
        ask_reference=False,
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
