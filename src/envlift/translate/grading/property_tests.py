"""Level 1, the agent's half: its property tests run, and they would notice a broken module.

The tests are the agent's own words about its module, so passing them proves little: the
comparisons with the reference decide. But tests that would pass whatever the module did are worth
nothing when the next turn breaks it. So a few faults are planted in a module that passes, and tests
that notice none of them do not count.
"""

from __future__ import annotations

import difflib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from envlift.translate.grading.judgement import HOLLOW, Failure, Judgement
from envlift.translate.grading.rust import faults as rust_faults
from envlift.translate.project.file import Module, Project
from envlift.verify.mutation.operators import mutants_of

PLANTED = 6
"""Faults planted in a module that passes its tests."""

SHOWN = 5
"""Failed tests that are described; the others are counted."""

OPTIONS = (
    *("-p", "no:cacheprovider", "--noconftest", "-c", os.devnull, "-q", "--tb=short"),
    *("-p", "envlift.translate.testing"),
)
"""No configuration and no plugin of the workspace changes how its tests are run."""

Plan = dict[str, Any]
"""What ``planted`` is told, and the ``source`` that is broken."""


def tests_of(module: Module) -> str:
    """Return where a module's property tests stand."""
    return f"tests/test_{module.name}.py"


def judge(
    project: Project,
    due: Sequence[Module],
    module: str | None,
    whole: bool,
    judgement: Judgement,
) -> None:
    """Run the tests of the modules that are due; of the newest, see whether they notice faults."""
    folder = project.folder
    newest = due[-1:] if module else due
    for one in newest:
        if not (folder / tests_of(one)).is_file():
            words = f"there is no {tests_of(one)}: write property tests of the module"
            judgement.failures.append(Failure("L1", HOLLOW, words, HOLLOW, one.name))
    if judgement.failures:
        return
    files = [tests_of(one) for one in due]
    if whole:
        mine = {tests_of(one) for one in project.modules}
        more = sorted(p.relative_to(folder).as_posix() for p in folder.glob("tests/test_*.py"))
        files += [path for path in more if path not in mine]
    files = [path for path in files if (folder / path).is_file()]
    newest_of = project.module(module) if module else None
    with tempfile.TemporaryDirectory() as scratch:
        plan = _plan(project, newest_of, Path(scratch)) if newest_of else None
        passed, failures, noticed = run(folder, files, plan)
    judgement.tests = passed
    owners = {tests_of(one): one.name for one in due}
    for path, name, words, traceback in failures[:SHOWN]:
        judgement.failures.append(
            Failure("L1", f"{path}::{name}", words, "test", owners.get(path), traceback)
        )
    if len(failures) > SHOWN:
        words = f"{len(failures) - SHOWN} more tests fail"
        judgement.failures.append(Failure("L1", "more tests", words, "test"))
    if judgement.failures or newest_of is None:
        return
    if plan:
        _hollow(newest_of, plan["source"], plan["sources"], noticed, judgement)
    elif newest_of.file.endswith(".rs"):
        _plant_built(project, newest_of, judgement)


def run(
    folder: Path, files: Sequence[str], plan: Plan | None = None
) -> tuple[int, list[tuple[str, str, str, str]], list[bool]]:
    """Run test files in a process of their own, and then those of a plan (see ``planted``).

    Returns:
        How many passed; of each failure: file, test, one sentence, end of the traceback; and
        whether the tests of the plan failed with each of its sources.
    """
    with tempfile.TemporaryDirectory() as scratch:
        found = Path(scratch) / "found.xml"
        runner = "envlift.translate.grading.planted" if plan else "pytest"
        words = [sys.executable, "-P", "-m", runner, *OPTIONS, f"--rootdir={folder}"]
        done = subprocess.run(
            [*words, f"--junitxml={found}", "-o", "junit_family=xunit1", *files],
            cwd=folder,
            env=environment(folder),
            input=json.dumps(plan) if plan else "",
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        output = done.stdout + done.stderr
        if not found.is_file():
            ended = f"pytest ended with {done.returncode}"
            return 0, [("tests", "pytest", ended, _end(output))], []
        code = Path(plan["code"]) if plan else None
        # A fault that ends the process ends it later, and was noticed by everybody.
        passes = code is not None and code.is_file() and code.read_text() == "0"
        cases = list(ElementTree.parse(found).getroot().iter("testcase"))
    failures, passed = [], 0
    for case in cases:
        path = case.get("file") or f"{case.get('classname', 'tests').replace('.', '/')}.py"
        wrong = [inner for kind in ("failure", "error", "skipped") for inner in case.findall(kind)]
        if wrong:
            message = (wrong[0].get("message") or "failed").strip().splitlines()[0]
            failures.append((path, case.get("name", "?"), message, _end(wrong[0].text or "")))
        else:
            passed += 1
    if not cases:
        failures.append((files[0] if files else "tests", "none", "no test was found", _end(output)))
    elif done.returncode and not failures and not passes:
        failures.append(("tests", "pytest", f"pytest ended with {done.returncode}", _end(output)))
    try:
        noticed = [bool(one) for one in json.loads(done.stdout.strip().rpartition("\n")[2])]
    except ValueError:
        noticed = [True]
    return passed, failures, noticed


def environment(folder: Path) -> dict[str, str]:
    """Return the environment variables of a test run: the workspace can be imported.

    So can what the judge itself was given by PYTHONPATH, envlift among it perhaps.
    """
    places = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    more = {"PYTHONPATH": os.pathsep.join(places), "PYTHONDONTWRITEBYTECODE": "1"}
    return {**os.environ, **more}


def _end(text: str) -> str:
    lines = text.strip().splitlines()
    return "\n".join(lines[-30:])


def _plan(project: Project, module: Module, scratch: Path) -> Plan | None:
    """Plan how a module is broken a few times; its tests must notice at least once."""
    if not module.file.endswith(".py"):
        return None
    try:
        source = (project.folder / module.file).read_text(encoding="utf-8")
        broken = [mutant.source for mutant in mutants_of(project.folder, module.file)]
    except (OSError, ValueError, SyntaxError):
        return None  # Its tests say so.
    if not broken:
        return None
    copy = _copied(project, scratch)
    return {
        "code": str(scratch / "code"),
        "folder": str(project.folder),
        "copy": str(copy),
        "file": module.file,
        "source": source,
        "sources": _drawn(source, broken),
        "tests": tests_of(module),
        "options": [*OPTIONS, f"--rootdir={copy}"],
    }


def _drawn(source: str, broken: Sequence[str]) -> list[str]:
    """Draw by the source itself, so that judging an attempt again draws the same."""
    return random.Random(source).sample(broken, min(PLANTED, len(broken)))


def _copied(project: Project, scratch: Path) -> Path:
    ignored = shutil.ignore_patterns(".git", ".envlift", "__pycache__")
    return Path(shutil.copytree(project.folder, scratch / "work", ignore=ignored))


def _plant_built(project: Project, module: Module, judgement: Judgement) -> None:
    """Break a module that is compiled a few times."""
    source = (project.folder / module.file).read_text(encoding="utf-8")
    broken = rust_faults(source)
    if not broken:
        return
    chosen = _drawn(source, broken)
    with tempfile.TemporaryDirectory() as scratch:
        noticed = _noticed_built(project, _copied(project, Path(scratch)), module, chosen)
    _hollow(module, source, chosen, noticed, judgement)


def _hollow(
    module: Module,
    source: str,
    chosen: Sequence[str],
    noticed: Sequence[bool],
    judgement: Judgement,
) -> None:
    """Note it if no fault was noticed."""
    if noticed and not any(noticed):
        shown = "\n".join(_diff(source, one) for one in chosen[:3])
        words = (
            f"{tests_of(module)} passes all the same with each of {len(noticed)} faults planted in "
            f"{module.file}; its tests must notice a broken module"
        )
        judgement.failures.append(Failure("L1", HOLLOW, words, HOLLOW, module.name, shown))


def _diff(old: str, new: str) -> str:
    rows = difflib.unified_diff(old.splitlines(), new.splitlines(), n=0, lineterm="")
    return "\n".join(list(rows)[2:])


def _noticed_built(
    project: Project, copy: Path, module: Module, sources: Sequence[str]
) -> list[bool]:
    """Build each changed source and run the tests, until they fail with one of them."""
    noticed = []
    for source in sources:
        (copy / module.file).write_text(source, encoding="utf-8")
        if build(project.build, copy).returncode:
            continue  # No fault of the module's rules: the compiler notices it.
        noticed.append(bool(run(copy, [tests_of(module)])[1]))
        if noticed[-1]:
            break
    return noticed


def build(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a build command; what it makes lies in the folder itself, whatever is set outside.

    Raises:
        OSError: if the command does not start.
    """
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "CARGO_TARGET_DIR": str(folder / "target")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
