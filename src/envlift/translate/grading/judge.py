"""Judging an attempt, by ``python -P -m envlift.translate.grading.judge`` in a project or worktree.

Always a process of its own, so that every attempt is judged by fresh imports. The agent may run the
same command; what counts is the loop's own run of it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from envlift.translate.grading.judgement import LEVELS, Failure, Judgement
from envlift.translate.project.file import Module, Project, ProjectError, load_project

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
    project: Project,
    *,
    level: str = "L4",
    module: str | None = None,
    only_rollouts: bool = False,
    fixtures: Path | None = None,
) -> Judgement:
    """Judge the work in ``project.folder``, from level 1 up to the first level that fails.

    Args:
        project: read from the folder that is judged.
        level: the highest one judged.
        module: the last module that has been written; None if all have. While some are missing,
            level 1 alone can be judged.
        only_rollouts: judge whole episodes alone, the ablation.
        fixtures: where minimised failures go; None for a folder that is thrown away.

    Raises:
        ProjectError: for an unknown module.
    """
    started = time.perf_counter()
    judgement = Judgement()
    names = [one.name for one in project.modules]
    if module is not None:
        project.module(module)
    due = project.modules[: names.index(module) + 1] if module else project.modules
    whole = len(due) == len(project.modules)
    if project.build:
        _build(project, judgement)
    if not judgement.failures and not only_rollouts:
        from envlift.translate.grading import property_tests

        property_tests.judge(project, due, module, whole, judgement)
    if not judgement.failures and not whole and not only_rollouts:
        _components(project, due, judgement)
    if judgement.failures or not only_rollouts:
        judgement.verdicts["L1"] = "FAIL" if judgement.failures else "PASS"
    if whole and not judgement.failures and (level != "L1" or only_rollouts):
        with tempfile.TemporaryDirectory() as scratch:
            _verify(project, level, only_rollouts, fixtures or Path(scratch), judgement)
    judgement.seconds = time.perf_counter() - started
    return judgement


def _build(project: Project, judgement: Judgement) -> None:
    """Run the project's build command."""
    from envlift.translate.grading.property_tests import build

    try:
        done = build(project.build, project.folder)
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


def _components(project: Project, due: Sequence[Module], judgement: Judgement) -> None:
    """Compare the modules' functions with the reference's, before there is an environment."""
    from envlift.translate.components import compare
    from envlift.verify.run.result import Verdict

    names = {name: module.name for module in due for name in module.components}
    if not names:
        return
    for check in compare(project, names):
        if check.verdict is not Verdict.PASS:
            judgement.failures.append(_failure("L1", check, names))


def _verify(
    project: Project, level: str, only_rollouts: bool, fixtures: Path, judgement: Judgement
) -> None:
    """Run ``envlift verify`` and translate what it says."""
    if not project.reference.launch:
        # Rules on paper cannot play.
        judgement.verdicts["L2"] = "INCONCLUSIVE"
        judgement.report = {"not_verified": ["there is no running reference, only written rules"]}
        return
    try:
        report = run_verify(project, level, only_rollouts, fixtures)
    except (ProjectError, SuiteError):
        raise
    except Exception as error:
        # Whatever stops the verifier once the suite is read stems from what it looks at.
        words = f"the verifier could not look at it: {type(error).__name__}: {error}"
        first = "L3" if only_rollouts else "L1"
        judgement.verdicts[first] = "FAIL"
        judgement.failures.append(
            Failure(first, "opening", words, traceback=end(traceback.format_exc()))
        )
        return
    owners = {name: module.name for module in project.modules for name in module.components}
    wanted = ["L3"] if only_rollouts else list(LEVELS[: LEVELS.index(level) + 1])
    for one in wanted:
        checks = [check for check in report.checks if check.level in VERIFIED[one]]
        verdicts = {str(check.verdict) for check in checks}
        for verdict in ("FAIL", "INCONCLUSIVE", "PASS", "SKIPPED"):
            if verdict in verdicts:
                judgement.verdicts[one] = verdict
                break
        for check in checks:
            if str(check.verdict) == "FAIL":
                judgement.failures.append(_failure(one, check, owners))
        if judgement.failed(one):
            break
    judgement.report = report.to_json()


class SuiteError(ValueError):
    """The suite cannot be used; only a person may mend it."""


def read_suite(project: Project) -> tuple[Any, str]:
    """Return the project's suite and its name.

    Raises:
        SuiteError: with the suite's own error.
    """
    from envlift.verify.suite.find import find_suite

    try:
        return find_suite(project.suite)
    except Exception as error:
        raise SuiteError(f"{project.suite}: {type(error).__name__}: {error}") from error


def run_verify(project: Project, level: str, only_rollouts: bool, fixtures: Path) -> Any:
    """Return the report of ``envlift verify`` on the work in the project's folder."""
    from envlift.verify.run.context import QUICK, Effort
    from envlift.verify.run.progress import Silent
    from envlift.verify.run.session import Request, verify

    effort = project.verification
    given = {name: getattr(effort, name) for name in ("lanes", "max_steps", "min_ends")}
    suite, source = read_suite(project)
    levels = [name for one in LEVELS[: LEVELS.index(level) + 1] for name in VERIFIED[one]]
    if only_rollouts:
        levels = ["L3"]
    if suite.transfer is None and "L4" in levels:
        levels.remove("L4")
    request = Request(
        suite=suite,
        suite_source=source,
        effort=QUICK if effort.quick else Effort(),
        asked={name: value for name, value in given.items() if value is not None},
        fixtures=fixtures,
        levels=tuple(name for name in levels if name != "corpus"),
        timeout=effort.timeout,
        stop_at_failure=True,
        stop_at_level=True,
        # This is a process of its own already; one more for each level of each turn is slow.
        apart=False,
    )
    return verify(request, Silent())


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
    """Judge the current folder; print what was found; exit with 0 if nothing failed."""
    parser = argparse.ArgumentParser(
        prog="python -P -m envlift.translate.grading.judge", description=__doc__
    )
    parser.add_argument("--level", choices=LEVELS, default="L4", help="the highest level judged")
    parser.add_argument("--module", help="the last module that has been written (default: all)")
    parser.add_argument("--only-rollouts", action="store_true", help="whole episodes alone")
    parser.add_argument("--fixtures", type=Path, help="where minimised failures are written")
    parser.add_argument("--json", type=Path, help="write the judgement for machines")
    parser.add_argument("--speed", action="store_true", help="measure steps per second instead")
    options = parser.parse_args(arguments)
    # Last, so that nothing in the workspace stands before a library or before envlift.
    sys.path.append(os.getcwd())
    sys.dont_write_bytecode = True
    project = load_project(Path.cwd())
    if options.speed:
        from envlift.translate.grading.speed import measure

        judgement = Judgement()
        if project.build:
            _build(project, judgement)
        if not judgement.failures:
            judgement.speed = measure(project)
    else:
        judgement = judge(
            project,
            level=options.level,
            module=options.module,
            only_rollouts=options.only_rollouts,
            fixtures=options.fixtures,
        )
    if options.json:
        judgement.write(options.json)
    from rich.console import Console

    from envlift.translate.commands.show import print_judgement

    print_judgement(Console(highlight=False), judgement)
    return 1 if judgement.failures else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ValueError as error:
        print(f"envlift: {error}", file=sys.stderr)
        sys.exit(4)
