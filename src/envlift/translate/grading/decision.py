"""Deciding about a turn: the verifier's judgement, and what follows from it.

The judgement is made in a process of its own, into which no byte of the agent's is imported: it
reads the project's rules as they stood before the turn, and runs a copy of the commit apart. It
hands over what it found through a file without a name, and that counts only if it ended by itself
with exit status 0 and nothing was touched meanwhile that is not the turn's. What it finds is
compared with what had passed before: a repair that breaks a lower level is undone, tests that do
not show a failure are, and so is an optimisation that is not faster.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from envlift.candidate.isolation import Wanted
from envlift.translate.agents.processes import Ended, run_child
from envlift.translate.agents.sandbox import allowed_environment
from envlift.translate.agents.secrets import Redactor
from envlift.translate.grading.judgement import HOLLOW, LEVELS, Failure, Judgement
from envlift.translate.loop import outside
from envlift.translate.loop.ledger import Turn
from envlift.translate.loop.plan import CHECK, State
from envlift.translate.loop.workspace import (
    JUDGED,
    RULES,
    SPEED,
    SUITE,
    Workspace,
    WorkspaceError,
)
from envlift.translate.project.file import Project, ProjectError
from envlift.translate.project.guarded import FIXTURES

TOOLS = (
    *("JAX_PLATFORMS", "XLA_FLAGS", "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "CARGO_HOME"),
    *("RUSTUP_HOME", "VIRTUAL_ENV", "PYTHONPATH", "XDG_CACHE_HOME", "WARP_CACHE_PATH"),
    *("JAX_COMPILATION_CACHE_DIR", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"),
)
"""Variables that a build or a judgement may need; none holds a secret."""

NO_BYTECODE = {"PYTHONDONTWRITEBYTECODE": "1"}

LARGEST_ANSWER = 64_000_000
"""Bytes of a judgement that are read."""

_BOOT = (
    "import json, runpy, sys; sys.path[:] = json.loads(sys.argv.pop(1)); "
    "runpy.run_module('envlift.translate.grading.judge', run_name='__main__')"
)
"""Starts the judge with a path that is given: no file of a folder or site is run before it."""

OPEN = 5
"""Open questions of a judgement that the ledger keeps."""

FASTER = 1.03
"""How much faster (geometric mean over the batch sizes) an optimisation must be to be kept."""


class MeddlingError(Exception):
    """What was judged touched what is not its own while it was judged."""


@dataclass(frozen=True)
class Decisions:
    """Judges the turns of one project.

    Attributes:
        project: as its file stands.
        workspace: of the project.
        redactor: keeps secrets out of the judge's logs.
        only_rollouts: the ablation, see ``plan.goals``.
        sandbox: for what is judged, see ``candidate.isolation.choose``.
    """

    project: Project
    workspace: Workspace
    redactor: Redactor
    only_rollouts: bool = False
    sandbox: Wanted = "auto"

    def decide(self, turn: Turn, place: Path, state: State) -> dict[str, Any]:
        """Judge a turn's commit; return what the ledger is told of it.

        Args:
            turn: that is answered.
            place: a fresh worktree of its commit.
            state: of the loop before it.

        Raises:
            ProjectError: if nothing can be judged before a person mends the project.
            MeddlingError: if what was judged touched what is not its own.
        """
        unmeasured = ""
        judgement, fixtures = self._judgement(turn, place)
        why = self._why_not(turn, judgement, state)
        if not why and turn.kind == "optimise":
            why = self._slower(turn, judgement)
        if not why and self._complete(judgement) and not judgement.speed:
            judgement.speed, unmeasured = self.measured(turn.commit)
        head, added = turn.commit, {}
        late = any(f.level in ("L3", "L4") for f in judgement.failures)
        if not why and late and fixtures and not self.only_rollouts:
            added = {f"{FIXTURES}/{path.name}": path.read_bytes() for path in fixtures}
            head = self.workspace.add_files(turn.commit, added, "The failure, as a recorded case")
        # A case that is not added is no file that an agent could be told of.
        judgement.failures = [
            f if f"{FIXTURES}/{f.fixture}" in added else replace(f, fixture=None)
            for f in judgement.failures
        ]
        judgement.write(self.workspace.evidence(turn.number))
        hollow = [f.module for f in judgement.failures if f.kind == HOLLOW and f.module]
        return {
            "verdicts": judgement.verdicts,
            "failing": judgement.failing,
            "hollow": hollow,
            "kept": not why,
            "reason": why or unmeasured,
            "head": turn.base if why else head,
            "fixtures": sorted(added),
            "speed": judgement.speed,
            "isolation": "bubblewrap" if judgement.isolated else f"none: {judgement.trouble}",
            "unanswered": judgement.unanswered[:OPEN],
        }

    def _why_not(self, turn: Turn, judgement: Judgement, state: State) -> str:
        """Say why a judged turn is undone, empty if it is kept."""
        if turn.kind == CHECK:
            return ""
        if turn.kind == "root-cause":
            return self._does_not_show(turn, judgement)
        below = LEVELS[: LEVELS.index(turn.level)]
        for level in below:
            if state.passed((level, None)) and judgement.failed(level):
                first = next((f.name for f in judgement.failures if f.level == level), "")
                return f"it broke {level}, which had passed: {first}"
        if turn.level == "L1" and turn.module:
            for failure in judgement.failures:
                known = failure.module and failure.module != turn.module
                if known and state.passed(("L1", failure.module)):
                    return f"it broke {failure.module}, which had passed: {failure.name}"
        if turn.kind == "tests" and any(f.kind == HOLLOW for f in judgement.failures):
            return judgement.failures[0].summary
        if turn.kind == "optimise" and judgement.failures:
            return f"it broke {judgement.failures[0].level}: {judgement.failures[0].name}"
        if turn.kind == "optimise" and not self._complete(judgement):
            return "not every level passed again"
        return ""

    def _does_not_show(self, turn: Turn, judgement: Judgement) -> str:
        """Say why new tests do not pin a failure down, empty if they do."""
        new = set(self.workspace.change(turn.base, turn.commit).paths)
        if not judgement.failed("L1"):
            return "its tests pass on the present code, so they do not show the failure"
        wrong = [f.name for f in judgement.failures if f.name.partition("::")[0] not in new]
        return f"something else than its tests fails: {wrong[0]}" if wrong else ""

    def _complete(self, judgement: Judgement) -> bool:
        """Whether all levels are through, so that speed means something."""
        last = "L3" if self.only_rollouts else "L4"
        return judgement.verdicts.get(last) in ("PASS", "SKIPPED")

    def _judgement(self, turn: Turn, place: Path) -> tuple[Judgement, list[Path]]:
        """Run the judge on a fresh worktree; return what it found and the minimised failures."""
        names = [module.name for module in self.project.modules]
        part = turn.module is not None and turn.module != names[-1]
        if self.only_rollouts:
            if part:
                return Judgement(), []
            words = ["--only-rollouts", "--level", "L3"]
        elif part or turn.kind == "root-cause":
            words = ["--level", "L1"]
        else:
            words = ["--level", "L4"]
        if turn.module is not None:
            words += ["--module", turn.module]
        log = self.workspace.log(turn.number)
        fixtures = log / "fixtures"
        if fixtures.exists():
            shutil.rmtree(fixtures)
        words += ["--fixtures", str(fixtures)]
        judgement, ended = self._run(place, turn.base, log, words)
        if judgement is not None:
            return judgement, sorted(fixtures.glob("*.jsonl"))
        if not ended.stopped and ended.code >= 0:
            # Nothing of the agent's runs in it: the suite, the reference or envlift is wrong.
            raise _cannot_work(ended)
        minutes = self.project.verification.minutes
        how = f"judging took longer than {minutes:g} minutes" if ended.stopped else ended.how
        level = "L3" if self.only_rollouts else turn.level
        failure = Failure(level, "the judge", how, "comparison", traceback=ended.stderr[-2000:])
        return Judgement({level: "FAIL"}, [failure], trouble="the judge was ended"), []

    def _run(
        self, place: Path, base: str, log: Path, words: Sequence[str]
    ) -> tuple[Judgement | None, Ended]:
        """Judge a worktree by the rules of a commit; without a judgement, say how it ended."""
        package = f"{self.project.name}/"
        rules = self.workspace.open_rules(base, lambda path: path.startswith((package, "tests/")))
        try:
            before = outside.stamps(rules)
            seen = outside.watch(self.workspace.folder, (place, rules, log))
            libraries = list(map(os.path.abspath, filter(None, sys.path)))
            libraries = [one for one in libraries if Path(one) != self.workspace.folder]
            with tempfile.TemporaryFile() as answer:
                given = ["--work", str(place), "--answer", str(answer.fileno())]
                boot = [sys.executable, "-I", "-S", "-B", "-c", _BOOT, json.dumps(libraries)]
                try:
                    ended = run_child(
                        [*boot, *words, *given, "--sandbox", self.sandbox],
                        cwd=rules,
                        environment=allowed_environment(os.environ, TOOLS) | NO_BYTECODE,
                        log=log,
                        redactor=self.redactor,
                        name="judge-",
                        seconds=self.project.verification.minutes * 60,
                        keep=(answer.fileno(),),
                    )
                finally:
                    touched = seen.put_back(log / "outside")
                self._undisturbed(touched, rules, before, seen)
                answer.seek(0)
                text = answer.read(LARGEST_ANSWER).decode("utf-8", "replace")
            if ended.code or ended.stopped:
                return None, ended
            try:
                return Judgement.of_text(text, "what the judge handed over"), ended
            except ValueError as error:
                raise MeddlingError(f"somebody wrote over the judgement: {error}") from None
        finally:
            self.workspace.close(RULES)

    def _undisturbed(
        self, touched: Sequence[Path], rules: Path, before: object, seen: outside.Watch
    ) -> None:
        """Believe nothing that was found while something else was touched."""
        judges = seen.judges_changed()
        if judges:
            raise WorkspaceError(
                f"envlift itself changed during a judgement ({judges[0]}): what judges now is not "
                "what judged before. Install it afresh and run the same command again"
            )
        if outside.stamps(rules) != before:
            raise MeddlingError("it changed what it is judged by while it was judged")
        if touched:
            near = touched[0].relative_to(self.workspace.folder)
            raise MeddlingError(f"it changed {near} while it was judged; put back")

    def of_suite(self, commit: str) -> Judgement:
        """Judge the suite of a commit: the reference beside itself.

        Raises:
            ProjectError: if it cannot be judged before a person mends it.
        """
        place, log = self.workspace.open(JUDGED, commit), self.workspace.log(SUITE)
        log.mkdir(parents=True, exist_ok=True)
        try:
            judgement, ended = self._run(place, commit, log, ["--suite"])
        except MeddlingError as error:
            raise ProjectError(f"while the suite was judged, {error}") from None
        finally:
            self.workspace.close(JUDGED)
        if judgement is not None:
            return judgement
        if ended.stopped:
            minutes = self.project.verification.minutes
            raise ProjectError(
                f"comparing the reference with itself by {self.project.suite} took longer than "
                f"{minutes:g} minutes; ask for less in [verification], or raise minutes there"
            )
        raise _cannot_work(ended)

    def measured(self, commit: str) -> tuple[dict[str, float], str]:
        """Measure a commit's steps per second; where that fails, say why."""
        place, log = self.workspace.open(SPEED, commit), self.workspace.log(SPEED)
        log.mkdir(parents=True, exist_ok=True)
        try:
            judgement, ended = self._run(place, commit, log, ["--speed"])
            if judgement is not None and judgement.speed:
                return judgement.speed, ""
            failures = [] if judgement is None else judgement.failures
            why = failures[0].summary if failures else ended.how
            return {}, f"its speed could not be measured: {why}"
        except MeddlingError as error:
            return {}, f"its speed could not be measured: {error}"
        finally:
            self.workspace.close(SPEED)
            shutil.rmtree(log)

    def _slower(self, turn: Turn, judgement: Judgement) -> str:
        """Measure the work before and after a turn in turns; say so if it is not faster."""
        before: list[dict[str, float]] = []
        after: list[dict[str, float]] = []
        for _ in range(2):
            for commit, found in ((turn.base, before), (turn.commit, after)):
                speed, trouble = self.measured(commit)
                if trouble:
                    return trouble
                found.append(speed)
        judgement.speed = {key: max(one.get(key, 0.0) for one in after) for key in after[0]}
        gain = _gain(before, after)
        if gain < FASTER:
            return f"it is {gain:.2f} times as fast as before; at least {FASTER} is asked for"
        return ""


def _cannot_work(ended: Ended) -> ProjectError:
    told = ended.stderr.strip() or ended.stdout.strip() or ended.how
    return ProjectError(f"the judge cannot work: {told.removeprefix('envlift: ')}")


def _gain(before: list[dict[str, float]], after: list[dict[str, float]]) -> float:
    """Return the geometric mean over batch sizes of the best speed after over the best before."""
    product, count = 1.0, 0
    for batch in before[0]:
        if batch.isdigit() and all(batch in one for one in (*before, *after)):
            product *= max(one[batch] for one in after) / max(one[batch] for one in before)
            count += 1
    return float(product ** (1 / count)) if count else 0.0
