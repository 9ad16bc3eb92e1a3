"""Deciding about a turn: the verifier's judgement, and what follows from it.

The judgement is made in a process of its own, on a fresh worktree of the commit. What it finds
is compared with what had passed before: a repair that breaks a lower level is undone, tests that do
not show a failure are, and so is an optimisation that is not faster.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envlift.translate.agents.processes import Ended, run_child
from envlift.translate.agents.sandbox import Sandbox, allowed_environment
from envlift.translate.agents.secrets import Redactor
from envlift.translate.grading.judgement import HOLLOW, LEVELS, Failure, Judgement
from envlift.translate.loop.faults import FIXTURES
from envlift.translate.loop.ledger import Turn
from envlift.translate.loop.plan import CHECK, State
from envlift.translate.loop.workspace import SPEED, Workspace
from envlift.translate.project.file import Project, ProjectError

TOOLS = (
    *("JAX_PLATFORMS", "XLA_FLAGS", "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "CARGO_HOME"),
    *("RUSTUP_HOME", "VIRTUAL_ENV", "PYTHONPATH", "XDG_CACHE_HOME", "WARP_CACHE_PATH"),
    *("JAX_COMPILATION_CACHE_DIR", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"),
)
"""Variables that a build or a judgement may need; none holds a secret."""

FASTER = 1.03
"""How much faster (geometric mean over the batch sizes) an optimisation must be to be kept."""


@dataclass(frozen=True)
class Decisions:
    """Judges the turns of one project.

    Attributes:
        project: as its file stands.
        workspace: of the project.
        redactor: keeps secrets out of the judge's logs.
        only_rollouts: the ablation, see ``plan.goals``.
    """

    project: Project
    workspace: Workspace
    redactor: Redactor
    only_rollouts: bool = False

    def decide(self, turn: Turn, place: Path, state: State) -> dict[str, Any]:
        """Judge a turn's commit; return what the ledger is told of it.

        Args:
            turn: that is answered.
            place: a fresh worktree of its commit.
            state: of the loop before it.

        Raises:
            ProjectError: if nothing can be judged before a person mends the project.
        """
        unmeasured = ""
        judgement, fixtures = self._judgement(turn, place)
        why = self._why_not(turn, judgement, state)
        if not why and turn.kind == "optimise":
            why = self._slower(turn, judgement)
        if not why and self._complete(judgement) and not judgement.speed:
            judgement.speed, unmeasured = self.measured(turn.commit)
        judgement.write(self.workspace.evidence(turn.number))
        head, added = turn.commit, {}
        late = any(f.level in ("L3", "L4") for f in judgement.failures)
        if not why and late and fixtures and not self.only_rollouts:
            added = {f"{FIXTURES}/{path.name}": path.read_bytes() for path in fixtures}
            head = self.workspace.add_files(turn.commit, added, "The failure, as a recorded case")
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
        fixtures, answer = log / "fixtures", log / "judgement.json"
        if fixtures.exists():
            shutil.rmtree(fixtures)
        answer.unlink(missing_ok=True)
        words += ["--fixtures", str(fixtures), "--json", str(answer)]
        ended = self._run(place, log, words)
        if answer.is_file():
            return Judgement.read(answer), sorted(fixtures.glob("*.jsonl"))
        if ended.code == 4:
            raise ProjectError(f"the judge cannot work: {ended.stderr.strip() or ended.stdout}")
        minutes = self.project.verification.minutes
        how = f"judging took longer than {minutes:g} minutes" if ended.stopped else ended.how
        level = "L3" if self.only_rollouts else turn.level
        failure = Failure(level, "the judge", how, "comparison", traceback=ended.stderr[-2000:])
        return Judgement({level: "FAIL"}, [failure]), []

    def _run(self, place: Path, log: Path, words: list[str]) -> Ended:
        """Run the judge in a worktree."""
        box = Sandbox(self.project.sandbox, self.project.folder)
        command = [sys.executable, "-P", "-m", "envlift.translate.grading.judge", *words]
        return run_child(
            box.command(command, place, log),
            cwd=place,
            environment=allowed_environment(os.environ, TOOLS),
            log=log,
            redactor=self.redactor,
            name="judge-",
            seconds=self.project.verification.minutes * 60,
        )

    def measured(self, commit: str) -> tuple[dict[str, float], str]:
        """Measure a commit's steps per second; where that fails, say why."""
        place, log = self.workspace.open(SPEED, commit), self.workspace.log(SPEED)
        log.mkdir(parents=True, exist_ok=True)
        answer = log / "speed.json"
        try:
            ended = self._run(place, log, ["--speed", "--json", str(answer)])
            found = Judgement.read(answer) if answer.is_file() else Judgement()
            if found.speed:
                return found.speed, ""
            why = found.failures[0].summary if found.failures else ended.how
            return {}, f"its speed could not be measured: {why}"
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


def _gain(before: list[dict[str, float]], after: list[dict[str, float]]) -> float:
    """Return the geometric mean over batch sizes of the best speed after over the best before."""
    product, count = 1.0, 0
    for batch in before[0]:
        if batch.isdigit() and all(batch in one for one in (*before, *after)):
            product *= max(one[batch] for one in after) / max(one[batch] for one in before)
            count += 1
    return float(product ** (1 / count)) if count else 0.0
