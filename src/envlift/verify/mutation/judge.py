"""Judging one mutant, in a process of its own: which level notices it first?

The mutated package stands first on the path of that process. What was found is written to a file,
line by line, so that it is known how far a process came that died.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from envlift.verify.mutation.probe import probe
from envlift.verify.run.context import QUICK
from envlift.verify.run.progress import Silent
from envlift.verify.run.result import Verdict
from envlift.verify.run.session import STAGES, Request, verify
from envlift.verify.suite.find import find_suite

LEVELS = tuple(level for level in STAGES if level not in ("corpus", "L4"))
"""The corpus is left out: it grows with every fault that was ever found. Level 4 trains."""

EFFORT = replace(QUICK, lanes=8, transitions=2_048, min_ends=1, max_steps=8_000, resets=1_024)


def judge(
    name: str,
    options: dict[str, Any],
    seed: int,
    fixtures: str,
    every_level: bool = False,
    configs: Collection[str] = (),
    begun: Callable[[str], None] = lambda level: None,
) -> dict[str, Any]:
    """Run the levels in all configurations until one of them notices the fault.

    Level 1 runs in all of them before level 2, and that before the others: what is cheap comes
    first. Double precision comes before the others, whose tolerances are wider. The divergence
    horizon is left out, whose share of lanes says nothing when the lanes are few.

    Args:
        name: a registered environment.
        options: of the candidate.
        seed: of everything.
        fixtures: folder for what was found.
        every_level: ask all levels in one configuration after the other, not only until the first
            notices the fault; a level then stands for the first of its checks that failed.
        configs: names of the configurations to run; empty for all.
        begun: is told each level before it begins.

    Returns:
        ``caught`` (level -> what failed first, or None); ``invalid``, why there was nothing to
        judge; ``unjudged``, why the question is open. The last two are None where it was judged.
    """
    if options.get("backend") == "warp":
        from envlift.targets.warp_init import MODULE_OPTIONS

        # A fault shows in results, not in speed, and compiling takes most of the time.
        MODULE_OPTIONS.update(max_unroll=1, optimization_level=1)
    answer: dict[str, Any] = {"caught": dict.fromkeys(LEVELS), "invalid": None, "unjudged": None}
    suite, source = find_suite(name)
    ordered = sorted(suite.configs, key=lambda config: not config.x64)
    chosen = [config for config in ordered if not configs or config.name in configs]
    try:
        probe(name, options, chosen)
    except Exception as error:
        return answer | {"invalid": _first_line(error)}
    request = Request(
        suite=replace(suite, corpus=None, transfer=None, horizon=None),
        suite_source=source,
        effort=EFFORT,
        fixtures=Path(fixtures),
        options=dict(options),
        configs=tuple(config.name for config in chosen),
        seed=seed,
        minimise=False,
        # A mutant plays no tricks, and a process more for each would take most of the time.
        apart=False,
        # It was asked when the rules were judged as they are.
        ask_reference=False,
        stop_at_failure=True,
        stop_at_level=not every_level,
    )
    groups = (LEVELS,) if every_level else (LEVELS[:1], LEVELS[1:2], LEVELS[2:])
    for levels in groups:
        begun(levels[0])
        try:
            report = verify(replace(request, levels=levels), Silent())
        except Exception as error:
            # The verifier refused the pair, or broke: that is no comparison that failed.
            return answer | {"invalid": _first_line(error)}
        for check in report.checks:
            if check.verdict is Verdict.FAIL and answer["caught"].get(check.level) is None:
                answer["caught"][check.level] = f"{check.name}: {check.detail}"
            if check.verdict is Verdict.INCONCLUSIVE and check.name.startswith("reference"):
                answer["unjudged"] = f"{check.name}: {check.detail}"
        if any(answer["caught"].values()):
            return answer | {"unjudged": None}
    return answer


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:300]


def main(request: dict[str, Any]) -> None:
    """Do what a request says; write one JSON line for each level begun, then the answer.

    Args:
        request: the arguments of ``judge`` and ``answers``, the file to write; or, with ``proof``,
            the arguments of ``prove.answers``.
    """
    if "proof" in request:
        from envlift.verify.mutation.prove import answers

        answers(**request["proof"])
        return
    with Path(request.pop("answers")).open("a", buffering=1, encoding="utf-8") as out:

        def begun(level: str) -> None:
            print(json.dumps({"begun": level}), file=out)

        print(json.dumps(judge(**request, begun=begun)), file=out)
