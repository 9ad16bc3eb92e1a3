"""Judging an attempt, by ``python -P -m envlift.translate.grading.judge`` in a project or worktree.

Always a process of its own, into which no code is imported that an agent wrote: the suite and the
project file are read from the folder it is started in, and ``--work`` is only ever copied. Tests,
builds and the candidate run in processes of their own, see ``trees``. The agent may run the same
command; what counts is the loop's own run of it, which hands over the judgement through a file
that has no name.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import functools
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from envlift.candidate.isolation import choose
from envlift.translate.grading.judgement import LEVELS, Failure, Judgement
from envlift.translate.grading.trees import Trees, make_trees, unbounded
from envlift.translate.project.file import Module, Project, ProjectError, load_project
from envlift.translate.project.guarded import guards

VERIFIED = {
    "L1": ("L1",),
    "L2": ("corpus", "L2", "resets", "transforms"),
    "L3": ("L3",),
    "L4": ("L4",),
}
"""What the loop's levels are in terms of ``envlift verify``."""

TAIL = 4_000
"""Characters kept of the end of a traceback or of a compiler's complaint."""


def judge(
    trees: Trees,
    *,
    level: str = "L4",
    module: str | None = None,
    only_rollouts: bool = False,
    fixtures: Path | None = None,
) -> Judgement:
    """Judge a work, from level 1 up to the first level that fails.

    Args:
        trees: the folders of this judgement.
        level: the highest one judged.
        module: the last module that has been written; None if all have. While some are missing,
            level 1 alone can be judged.
        only_rollouts: judge whole episodes alone, the ablation.
        fixtures: where minimised failures go; None for a folder that is thrown away.

    Raises:
        ProjectError: for an unknown module.
    """
    started = time.perf_counter()
    judgement = Judgement(isolated=not trees.trouble, trouble=trees.trouble)
    project = trees.project
    if project.reference.launch:
        # Before anything of the agent's runs: what is wrong with the suite is not its fault.
        read_suite(project)
    names = [one.name for one in project.modules]
    if module is not None:
        project.module(module)
    due = project.modules[: names.index(module) + 1] if module else project.modules
    whole = len(due) == len(project.modules)
    if project.build:
        _build(trees, judgement)
    if not judgement.failures and not only_rollouts:
        from envlift.translate.grading import property_tests

        property_tests.judge(trees, due, module, whole, judgement)
    if not judgement.failures and not whole and not only_rollouts:
        _components(trees, due, judgement)
    if judgement.failures or not only_rollouts:
        judgement.verdicts["L1"] = "FAIL" if judgement.failures else "PASS"
    if whole and not judgement.failures and (level != "L1" or only_rollouts):
        with tempfile.TemporaryDirectory() as scratch:
            _verify(trees, level, only_rollouts, fixtures or Path(scratch), judgement)
    judgement.seconds = time.perf_counter() - started
    return judgement


def _build(trees: Trees, judgement: Judgement) -> None:
    """Run the project's build command."""
    from envlift.translate.grading.property_tests import build

    project = trees.project
    try:
        done = build(project.build, trees.of_candidate(build=True))
    except OSError as error:
        words = f"the build command {project.build[0]!r} does not start: {error}"
        judgement.failures.append(Failure("L1", "build", words, "build"))
        return
    if done.returncode:
        command = " ".join(project.build)
        words = f"`{command}` ended with exit code {done.returncode}"
        judgement.failures.append(
            Failure("L1", "build", words, "build", traceback=end(done.stdout))
        )


def end(text: str) -> str:
    """Return the end of a long text, whole lines."""
    if len(text) <= TAIL:
        return text
    return "...\n" + text[-TAIL:].partition("\n")[2]


def _components(trees: Trees, due: Sequence[Module], judgement: Judgement) -> None:
    """Compare the modules' functions with the reference's, before there is an environment."""
    from envlift.translate.components import compare
    from envlift.verify.run.result import Verdict

    names = {name: module.name for module in due for name in module.components}
    if not names:
        return
    for check in compare(trees.project, names, trees.of_suite()):
        if check.verdict is not Verdict.PASS:
            judgement.failures.append(_failure("L1", check, names))


def _verify(
    trees: Trees, level: str, only_rollouts: bool, fixtures: Path, judgement: Judgement
) -> None:
    """Run ``envlift verify`` and translate what it says."""
    project = trees.project
    if not project.reference.launch:
        # Rules on paper cannot play.
        judgement.verdicts["L2"] = "INCONCLUSIVE"
        judgement.report = {"not_verified": ["there is no running reference, only written rules"]}
        return
    wanted = ["L3"] if only_rollouts else list(LEVELS[: LEVELS.index(level) + 1])
    below = [one for one in wanted if one != "L4"]
    report = _verified(trees, below, fixtures, judgement)
    if report is None:
        return
    judgement.report = report.to_json()
    if trees.trouble:
        line = f"whether what was judged left its judge alone: it was not isolated, {trees.trouble}"
        judgement.report["not_verified"].append(line)
    why = unbounded(trees.trouble)
    if why:
        line = f"that what was judged left the machine alone: its processes are not counted, {why}"
        judgement.report["not_verified"].append(line)
    # Training takes long, and a fault that is known already does not need it.
    if below == wanted or any(judgement.verdicts.get(one) != "PASS" for one in below):
        return
    if read_suite(project)[0].transfer is None:
        judgement.verdicts["L4"] = "SKIPPED"
        return
    report = _verified(trees, ["L4"], fixtures, judgement)
    if report is not None:
        judgement.report = _with_transfer(judgement.report, report.to_json())


def _verified(trees: Trees, levels: list[str], fixtures: Path, judgement: Judgement) -> Any:
    """Return the report on some of the loop's levels, None where there is none; note verdicts."""
    project = trees.project
    try:
        report = run_verify(trees, levels, fixtures)
    except (ProjectError, SuiteError):
        raise
    except verify_errors() as error:
        # No code of the agent's runs in this process: a person has to mend it.
        raise SuiteError(str(error)) from error
    except Exception as error:
        # Whatever stops the verifier once the suite is read stems from what it looks at.
        words = f"the verifier could not look at it: {type(error).__name__}: {error}"
        judgement.verdicts[levels[0]] = "FAIL"
        judgement.failures.append(
            Failure(levels[0], "opening", words, traceback=end(traceback.format_exc()))
        )
        return None
    owners = {name: module.name for module in project.modules for name in module.components}
    for one in levels:
        checks = [check for check in report.checks if check.level in VERIFIED[one]]
        verdicts = {str(check.verdict) for check in checks}
        for verdict in ("FAIL", "INCONCLUSIVE", "PASS", "SKIPPED"):
            if verdict in verdicts:
                judgement.verdicts[one] = verdict
                break
        for check in checks:
            if str(check.verdict) == "FAIL":
                judgement.failures.append(_failure(one, check, owners))
        undecided = judgement.verdicts.get(one) in (None, "SKIPPED")
        if undecided and report.level_verdict("agreement") == "INCONCLUSIVE":
            # A reference that does not agree with itself, or broke while it was asked.
            judgement.verdicts[one] = "INCONCLUSIVE"
        if judgement.failed(one):
            break
    due = {name for one in levels for name in VERIFIED[one]}
    for check in report.checks:
        if str(check.verdict) == "FAIL" and check.level not in due:
            # It broke where it was opened or asked, before its level.
            judgement.verdicts[levels[0]] = "FAIL"
            judgement.failures.append(_failure(levels[0], check, owners))
    return report


def _with_transfer(report: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Return the report on the other levels with what a report on level 4 adds."""
    told = [
        check
        for check in more["checks"]
        if check["level"] == "L4" or check["verdict"] in ("FAIL", "INCONCLUSIVE")
    ]
    checks = [*(check for check in report["checks"] if check["level"] != "L4"), *told]
    lines = [
        line
        for line in dict.fromkeys([*report["not_verified"], *more["not_verified"]])
        if not line.startswith("levels left out")
    ]
    joined = {**report, "checks": checks, "not_verified": lines}
    joined |= {name: more[name] for name in ("transfer", "curves") if name in more}
    verdicts = {check["verdict"] for check in told}
    for verdict in ("FAIL", "INCONCLUSIVE"):
        if verdict in verdicts:
            return {**joined, "verdict": verdict}
    return joined


def verify_errors() -> tuple[type[Exception], ...]:
    """Return what the verifier raises for a fault of the suite or of envlift itself."""
    from envlift.verify.run.trouble import InternalError
    from envlift.verify.suite.guarded import SuiteError as WrongSuite

    return (WrongSuite, InternalError)


class SuiteError(ValueError):
    """The suite cannot be used; only a person may mend it."""


def read_suite(project: Project) -> tuple[Any, str]:
    """Return the project's suite and its name.

    Raises:
        SuiteError: with the suite's own error.
    """
    from envlift.verify.suite.find import find_suite

    try:
        return find_suite(str(project.folder / project.suite))
    except Exception as error:
        raise SuiteError(str(error)) from error


def run_verify(trees: Trees, levels: Sequence[str], fixtures: Path) -> Any:
    """Return the report of ``envlift verify`` on the work, on some of the loop's levels."""
    from envlift.verify.run.progress import Silent
    from envlift.verify.run.session import Request, verify

    project = trees.project
    effort, asked = effort_of(project)
    suite, source = read_suite(project)
    request = Request(
        suite=suite,
        suite_source=source,
        effort=effort,
        asked=asked,
        fixtures=fixtures,
        levels=tuple(name for one in levels for name in VERIFIED[one] if name != "corpus"),
        timeout=project.verification.timeout,
        stop_at_failure=True,
        stop_at_level=True,
        place=trees.of_candidate(),
        suite_place=trees.of_suite(),
    )
    return verify(request, Silent())


def effort_of(project: Project) -> tuple[Any, dict[str, int]]:
    """Return how much a project's judgements compare, and the numbers that it asks for itself."""
    from envlift.verify.run.context import QUICK, Effort

    wanted = project.verification
    given = {name: getattr(wanted, name) for name in ("lanes", "max_steps", "min_ends")}
    asked = {name: value for name, value in given.items() if value is not None}
    return (QUICK if wanted.quick else Effort()), asked


def _failure(level: str, check: Any, owners: dict[str, str]) -> Failure:
    """Say in the loop's terms what a failed check says."""
    component = check.name.partition(" [")[0]
    return Failure(
        level=level,
        name=check.name,
        summary=check.detail,
        module=owners.get(component),
        divergence=check.divergence,
        fixture=Path(check.fixture).name if check.fixture else None,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge the work; print what was found; exit with 0 if nothing failed.

    With ``--answer`` it exits with 0 if the judgement is complete, whatever it says.
    """
    parser = argparse.ArgumentParser(
        prog="python -P -m envlift.translate.grading.judge", description=__doc__
    )
    parser.add_argument("--level", choices=LEVELS, default="L4", help="the highest level judged")
    parser.add_argument("--module", help="the last module that has been written (default: all)")
    parser.add_argument("--only-rollouts", action="store_true", help="whole episodes alone")
    parser.add_argument("--work", type=Path, default=Path(), help="what is judged (default: here)")
    parser.add_argument("--fixtures", type=Path, help="where minimised failures are written")
    parser.add_argument("--json", type=Path, help="write the judgement for machines")
    parser.add_argument("--answer", type=int, help=argparse.SUPPRESS)
    parser.add_argument(
        "--suite", action="store_true", help="judge the suite instead: the reference beside itself"
    )
    parser.add_argument("--speed", action="store_true", help="measure steps per second instead")
    parser.add_argument(
        "--sandbox", choices=["auto", "required", "none"], default="auto", help="for what is judged"
    )
    options = parser.parse_args(arguments)
    if options.answer is not None:
        guard(options.answer)
    # Last, so that nothing in the workspace stands before a library or before envlift.
    sys.path.append(os.getcwd())
    sys.dont_write_bytecode = True
    project = load_project(Path.cwd())
    with tempfile.TemporaryDirectory(prefix="envlift-judge-") as name:
        scratch = Path(name).resolve()
        trouble = choose(options.sandbox)
        trees = make_trees(
            project, options.work.resolve(), scratch, trouble, functools.partial(guards, project)
        )
        judgement = _judged(trees, options).without(
            f"{trees.candidate}/", f"{scratch}/", f"{trees.rules}/"
        )
    if options.json:
        judgement.write(options.json)
    if options.answer is not None:
        with os.fdopen(options.answer, "w", encoding="utf-8") as stream:
            stream.truncate(0)
            stream.write(judgement.to_text())
        return 0
    from rich.console import Console

    from envlift.translate.commands.show import print_judgement

    print_judgement(Console(highlight=False), judgement)
    return 1 if judgement.failures else 0


def _judged(trees: Trees, options: argparse.Namespace) -> Judgement:
    if options.suite:
        from envlift.translate.grading.suite_alone import judge_suite

        return judge_suite(trees.project)
    if not options.speed:
        return judge(
            trees,
            level=options.level,
            module=options.module,
            only_rollouts=options.only_rollouts,
            fixtures=options.fixtures,
        )
    from envlift.translate.grading.speed import measure

    judgement = Judgement(isolated=not trees.trouble, trouble=trees.trouble)
    if trees.project.build:
        _build(trees, judgement)
    if not judgement.failures:
        judgement.speed = measure(trees)
    return judgement


def guard(answer: int) -> None:
    """Keep the answer, and this process's memory, from the processes that it starts."""
    os.set_inheritable(answer, False)
    with contextlib.suppress(OSError, AttributeError):
        # PR_SET_DUMPABLE: of Linux; nobody of the same user may look into this process.
        ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ValueError as error:
        print(f"envlift: {error}", file=sys.stderr)
        sys.exit(4)
