"""Level 1, the agent's half: its property tests run, and they would notice a broken module.

The tests are the agent's own words about its module, so passing them proves little: the
comparisons with the reference decide. But tests that would pass whatever the module did are worth
nothing when the next turn breaks it. So a few faults are planted in a module that passes, and tests
that notice none of them do not count. Nor do tests that fail where nothing changed but the text:
those look at the source, not at what it does.
"""

from __future__ import annotations

import difflib
import json
import os
import random
import secrets
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from envlift.candidate.isolation import Isolation
from envlift.translate.grading.judgement import HOLLOW, Failure, Judgement
from envlift.translate.grading.neutral import neutral, neutral_rust
from envlift.translate.grading.rust import faults as rust_faults
from envlift.translate.grading.trees import Trees
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

_BOOT = (
    "import json, runpy, sys; sys.path[:] = json.loads(sys.argv.pop(1)); "
    "runpy.run_module('envlift.translate.grading.planted', run_name='__main__')"
)


def tests_of(module: Module) -> str:
    """Return where a module's property tests stand."""
    return f"tests/test_{module.name}.py"


@dataclass(frozen=True)
class Outcome:
    """What one run of tests came to.

    Attributes:
        code: pytest's exit code, negative for a signal.
        passed: how many passed.
        failures: of each: file, test, one sentence, end of the traceback.
    """

    code: int
    passed: int
    failures: tuple[tuple[str, str, str, str], ...]


class Runner:
    """A process that runs tests of copies of a workspace, see ``planted``.

    Args:
        place: where it runs.
    """

    def __init__(self, place: Isolation) -> None:
        libraries = json.dumps([p for p in sys.path if p] if place.path is None else place.path)
        self._process = subprocess.Popen(
            place.command([sys.executable, "-P", "-c", _BOOT, libraries]),
            cwd=place.folder,
            env=variables(place),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            errors="replace",
        )

    def __enter__(self) -> Runner:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def run(self, folder: Path, files: Sequence[str], *more: str) -> Outcome:
        """Run test files of a copy."""
        arguments = [*OPTIONS, f"--rootdir={folder}", *more, *files]
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {"folder": str(folder), "arguments": arguments}
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            found: dict[str, Any] = json.loads(self._process.stdout.readline())
            code, text, printed = int(found["code"]), str(found["xml"]), str(found["printed"])
        except (OSError, ValueError, KeyError, TypeError):
            return Outcome(-9, 0, (("tests", "pytest", "what runs the tests was ended", ""),))
        return read(code, text, printed, files)


def read(code: int, text: str, printed: str, files: Sequence[str]) -> Outcome:
    """Read what pytest found."""
    try:
        cases = list(ElementTree.fromstring(text).iter("testcase"))
    except ElementTree.ParseError:
        return Outcome(code, 0, (("tests", "pytest", f"pytest ended with {code}", _end(printed)),))
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
        first = files[0] if files else "tests"
        failures.append((first, "none", "no test was found", _end(printed)))
    elif code and not failures:
        failures.append(("tests", "pytest", f"pytest ended with {code}", _end(printed)))
    return Outcome(code, passed, tuple(failures))


def judge(
    trees: Trees,
    due: Sequence[Module],
    module: str | None,
    whole: bool,
    judgement: Judgement,
) -> None:
    """Run the tests of the modules that are due; of the newest, see whether they notice faults."""
    project, folder = trees.project, trees.work
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
    copy = trees.copy_for_tests()
    changed = _changed(trees, newest_of) if newest_of else []
    place = trees.of_tests(copy)
    place = replace(place, shown=(*place.shown, *(one.folder for one in changed)))
    with Runner(place) as runner:
        tested = runner.run(copy, files)
        judgement.tests = tested.passed
        _note(tested, due, judgement)
        if judgement.failures or newest_of is None:
            return
        if changed:
            _hollow(runner, newest_of, changed, judgement)
    if newest_of.file.endswith(".rs"):
        _plant_built(trees, newest_of, judgement)


def _note(tested: Outcome, due: Sequence[Module], judgement: Judgement) -> None:
    owners = {tests_of(one): one.name for one in due}
    for path, name, words, traceback in tested.failures[:SHOWN]:
        judgement.failures.append(
            Failure("L1", f"{path}::{name}", words, "test", owners.get(path), traceback)
        )
    if len(tested.failures) > SHOWN:
        words = f"{len(tested.failures) - SHOWN} more tests fail"
        judgement.failures.append(Failure("L1", "more tests", words, "test"))


@dataclass(frozen=True)
class _Changed:
    """A copy of the workspace with one file changed.

    Attributes:
        folder: of the copy.
        kind: ``fault``, ``again`` (nothing changed) or ``text`` (nothing but the text did).
        shown: what changed.
    """

    folder: Path
    kind: str
    shown: str = ""


def _changed(trees: Trees, module: Module) -> list[_Changed]:
    """Make copies with a fault planted, and some without; their order tells nothing."""
    if not module.file.endswith(".py"):
        return []
    try:
        source = (trees.work / module.file).read_text(encoding="utf-8")
        broken = [mutant.source for mutant in mutants_of(trees.work, module.file)]
        same = neutral(source, trees.project.target)
    except (OSError, ValueError, SyntaxError):
        return []  # Its tests say so.
    if not broken:
        return []
    wanted = [("fault", text) for text in _drawn(source, broken)]
    wanted += [("again", source), ("text", same)]
    random.Random(secrets.randbits(64)).shuffle(wanted)
    found = []
    for kind, text in wanted:
        folder = trees.copy_for_tests()
        (folder / module.file).write_text(text, encoding="utf-8")
        found.append(_Changed(folder, kind, _diff(source, text) if kind == "fault" else ""))
    return found


def _drawn(source: str, broken: Sequence[str]) -> list[str]:
    """Draw by the source itself, so that judging an attempt again draws the same."""
    return random.Random(source).sample(broken, min(PLANTED, len(broken)))


def _hollow(
    runner: Runner, module: Module, changed: Sequence[_Changed], judgement: Judgement
) -> None:
    """Note it if no fault is noticed, or if something is noticed where nothing changed."""
    overlooked: list[str] = []
    noticed = False
    for one in changed:
        if one.kind == "fault" and noticed:
            continue
        tested = runner.run(one.folder, [tests_of(module)], "-x")
        failed = tested.code != 0
        if one.kind == "fault":
            noticed |= failed
            if not failed:
                overlooked.append(one.shown)
        elif failed:
            kind = one.kind
            if kind == "text":
                # One that fails now and then has not read the text.
                same = next(other for other in changed if other.kind == "again")
                again = runner.run(same.folder, [tests_of(module)], "-x")
                kind, tested = ("again", again) if again.code else (kind, tested)
            judgement.failures.append(_unfounded(module, kind, tested))
            return
    if not noticed:
        judgement.failures.append(_overlooked(module, overlooked))


def _unfounded(module: Module, kind: str, tested: Outcome) -> Failure:
    path, name, words, traceback = (*tested.failures, (tests_of(module), "pytest", "", ""))[0]
    if kind == "again":
        why = (
            "was run again on the same module and failed; a test must not depend on chance or time"
        )
    else:
        why = (
            f"fails where only the text of {module.file} changed (layout, comments, a name that "
            "nobody uses); a test must look at what the module does, not at how it is written"
        )
    summary = f"{path}::{name} {why}: {words}".rstrip(": ")
    return Failure("L1", HOLLOW, summary, HOLLOW, module.name, traceback)


def _overlooked(module: Module, shown: Sequence[str]) -> Failure:
    words = (
        f"{tests_of(module)} passes all the same with each of {len(shown)} faults planted in "
        f"{module.file}; its tests must notice a broken module"
    )
    return Failure("L1", HOLLOW, words, HOLLOW, module.name, "\n".join(shown[:3]))


def _plant_built(trees: Trees, module: Module, judgement: Judgement) -> None:
    """Break a module that is compiled a few times; once, change nothing but its text."""
    project = trees.project
    source = (trees.work / module.file).read_text(encoding="utf-8")
    broken = rust_faults(source)
    if not broken:
        return
    chosen = _drawn(source, broken)
    copy = trees.copy_for_tests()
    place = trees.of_tests(copy)
    built = replace(place, shown=(), writable=(copy,))
    overlooked, noticed = [], False
    for kind, text in [("text", neutral_rust(source)), *(("fault", one) for one in chosen)]:
        if noticed:
            break
        (copy / module.file).write_text(text, encoding="utf-8")
        if build(project.build, built).returncode:
            continue  # No fault of the module's rules: the compiler notices it.
        with Runner(place) as runner:
            tested = runner.run(copy, [tests_of(module)], "-x")
        if kind == "fault":
            noticed = tested.code != 0
            overlooked += [] if noticed else [_diff(source, text)]
        elif tested.code:
            judgement.failures.append(_unfounded(module, kind, tested))
            return
    if overlooked and not noticed:
        judgement.failures.append(_overlooked(module, overlooked))


def variables(place: Isolation) -> dict[str, str]:
    """Return the environment variables of a test run."""
    found = {name: v for name, v in place.variables().items() if name != "PYTHONPATH"}
    # Nor does a plugin that happens to be installed; loading them took half of a run.
    found["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    if place.trouble:
        return found
    # Each copy's tests compile much the same; what they keep is gone with the sandbox.
    return found | {
        "HYPOTHESIS_STORAGE_DIRECTORY": "/tmp/hypothesis",
        "JAX_COMPILATION_CACHE_DIR": "/tmp/xla",
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }


def _end(text: str) -> str:
    lines = text.strip().splitlines()
    return "\n".join(lines[-30:])


def _diff(old: str, new: str) -> str:
    rows = difflib.unified_diff(old.splitlines(), new.splitlines(), n=0, lineterm="")
    return "\n".join(list(rows)[2:])


def build(command: Sequence[str], place: Isolation) -> subprocess.CompletedProcess[str]:
    """Run a build command; what it makes lies in the folder itself, whatever is set outside.

    Raises:
        OSError: if the command does not start.
    """
    assert place.folder is not None
    if shutil.which(command[0]) is None and os.sep not in command[0]:
        raise FileNotFoundError(f"there is no program {command[0]!r} on PATH")
    own = {"CARGO_TARGET_DIR": str(place.folder / "target")}
    if not place.trouble:
        own |= {"CARGO_HOME": "/tmp/cargo", "CARGO_NET_OFFLINE": "true"}
    return subprocess.run(
        place.command(command),
        cwd=place.folder,
        env={**place.variables(), **own},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )


def built_in(trees: Trees) -> Isolation:
    """Return where a project is built."""
    return trees.of_candidate(build=True)


__all__ = ["Outcome", "Project", "Runner", "build", "built_in", "judge", "read", "tests_of"]
