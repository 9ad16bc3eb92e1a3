"""The loop: ask for a turn, look at what changed, judge it, write it down, go on.

Nothing is remembered but what the ledger and git hold, so a loop that was killed anywhere goes on
where it was. The order of writing makes that so: a turn is ``asked`` before the agent starts, its
work is committed before it is ``answered``, and the branch moves after it is ``judged``.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from envlift import __version__
from envlift.candidate.isolation import Wanted, choose
from envlift.translate.agents.protocol import Agent, Cost, TurnRequest, TurnResult
from envlift.translate.agents.registry import make_agent
from envlift.translate.agents.sandbox import allowed_environment
from envlift.translate.agents.secrets import Redactor, is_secret
from envlift.translate.grading.decision import TOOLS, Decisions, MeddlingError
from envlift.translate.grading.judgement import LEVELS, Judgement
from envlift.translate.grading.property_tests import tests_of
from envlift.translate.loop import opening, outside
from envlift.translate.loop.faults import PROPOSAL, fault_of, not_blind, too_large
from envlift.translate.loop.ledger import History, Ledger, Turn, told
from envlift.translate.loop.plan import CHECK, Step, Stop, next_step, state_of
from envlift.translate.loop.workspace import JUDGED, TURN, Workspace, WorkspaceError
from envlift.translate.project.decomposition import accept, proposed
from envlift.translate.project.file import Project, ProjectError, load_project
from envlift.translate.prompts.evidence import Evidence, Previous
from envlift.translate.prompts.render import render

LEDGER = "ledger.jsonl"


class Watcher(Protocol):
    """Is told what happens."""

    def event(self, name: str, turn: Turn | None, **about: Any) -> None:
        """Hear of an event; each stands between two writes that a kill may separate.

        In order: ``asked``, ``working``, ``answered``, ``judging``, ``judged``, ``kept``; last
        ``stop``, without a turn. ``suite``, without one as well: the suite is going to be judged
        alone, and again with what was ``said`` of it. ``aside``: a turn that a person had begun is
        asked for anew, and the ``branch`` keeps what was there.
        """


@dataclass
class Loop:
    """One run of ``envlift translate``.

    Attributes:
        folder: of the project.
        watcher: is told what happens.
        agent: that replaces the project's, by name or itself; None for the project's own.
        options: of an agent given by name.
        only_rollouts: the ablation ``--levels 3``.
        yes: go on with proposed modules, and with what the suite leaves open, without showing
            them to a person first.
        last: number of the last turn that is asked for; None for no such end.
        sandbox: for what is judged: ``auto`` isolates it where that can be done, ``required``
            refuses to go on where it cannot, and wants the agent's processes isolated as well.
    """

    folder: Path
    watcher: Watcher
    agent: str | Agent | None = None
    options: dict[str, Any] | None = None
    only_rollouts: bool = False
    yes: bool = False
    last: int | None = None
    sandbox: Wanted = "auto"
    workspace: Workspace = field(init=False)
    ledger: Ledger = field(init=False)

    def __post_init__(self) -> None:
        self.folder = self.folder.resolve()
        self.workspace = Workspace(self.folder)
        self.ledger = Ledger(self.workspace.hidden / LEDGER)

    def run(self) -> Stop:
        """Go on until there is nothing to do without a person.

        Raises:
            ProjectError, AgentError, WorkspaceError, LedgerError: for what a person has to mend.
        """
        project = self._project()
        choose(self.sandbox)
        with self.workspace.alone():
            self.workspace.prepare()
            self._same_levels()
            redactor = Redactor.of(os.environ, filter(is_secret, project.pass_environment))
            agent = self._agent(project, redactor)
            self.ledger.append(
                "run", agent=agent.name, envlift=__version__, levels=3 if self.only_rollouts else 4
            )
            stop = self._go_on(agent, redactor)
            self.ledger.append("stop", kind=stop.kind, reason=stop.reason)
            self.watcher.event("stop", None, stop=stop)
            return stop

    def _project(self) -> Project:
        """Read the project file."""
        project = load_project(self.folder)
        return replace(project, sandbox="bubblewrap") if self.sandbox == "required" else project

    def _agent(self, project: Project, redactor: Redactor) -> Agent:
        if self.agent is not None and not isinstance(self.agent, str):
            return self.agent
        return make_agent(
            self.agent or project.agent,
            project.agent_options if self.options is None else self.options,
            sandbox=project.sandbox,
            project=self.folder,
            redactor=redactor,
            dollars_per_turn=project.budget.dollars_per_turn,
        )

    def _same_levels(self) -> None:
        """Refuse to mix a run with all levels and the ablation: neither would mean anything."""
        levels = 3 if self.only_rollouts else 4
        before = {note["levels"] for note in self.ledger.read().notes if note["event"] == "run"}
        if before - {levels}:
            raise ProjectError(
                f"{self.folder} was begun {'without' if levels == 3 else 'with'} --levels 3; go on "
                "like that, or start in a fresh copy of the project"
            )

    def _go_on(self, agent: Agent, redactor: Redactor) -> Stop:
        while True:
            history = self.ledger.read()
            turn = history.turns[-1] if history.turns else None
            if turn is not None and not turn.answered and not self._resumes(turn, agent):
                self._lose(turn, agent, redactor)
                continue
            if turn is None or turn.judged:
                stale = self._follow(turn)
                project = self._project()
                step = next_step(project, history, only_rollouts=self.only_rollouts, stale=stale)
                if isinstance(step, Stop):
                    return step
                if self.last is not None and len(history.turns) >= self.last:
                    return Stop("person", f"the last turn asked for was turn {self.last}")
                stop = self._suite(project, history, redactor)
                if stop is not None:
                    return stop
                turn = self._ask(project, history, step, agent, redactor)
            project = self._project()
            if not turn.answered:
                turn = self._answer(project, history, turn, agent, redactor)
            turn, edited = self._judge(project, turn, redactor)
            if edited:
                return Stop("person", _asks(edited, turn))
            if turn.kind == "decompose" and turn.kept and not self.yes:
                return Stop("person", "look at the modules in envlift.toml, change what you like, "
                            "then run the same command again")  # fmt: skip

    def _suite(self, project: Project, history: History, redactor: Redactor) -> Stop | None:
        """Judge the suite alone, unless that is done; None if it may be worked by."""
        if not project.reference.launch:
            return None
        commit = self.workspace.head
        key = opening.digest(project, self.workspace, commit)
        if opening.settled(history, key):
            return None
        self.watcher.event(opening.EVENT, None)
        judgement = self._decisions(project, redactor).of_suite(commit)
        said = opening.what_it_said(judgement)
        self.ledger.append(
            opening.EVENT,
            rules=key,
            verdict=opening.verdict_of(judgement),
            unanswered=judgement.unanswered,
            features=judgement.report.get("features", {}),
            seconds=round(judgement.seconds, 3),
        )
        self.watcher.event(opening.EVENT, None, said=said)
        return opening.stop_of(project, judgement, self.yes)

    def _resumes(self, turn: Turn, agent: Agent) -> bool:
        """Whether a turn that was cut off goes on where it was."""
        if turn.kind == CHECK or not getattr(agent, "resumes", False):
            return False
        return turn.agent == agent.name and turn.base == self.workspace.head

    def _follow(self, turn: Turn | None) -> bool:
        """Bring the branch to where the ledger is; tell whether a person went further."""
        self.workspace.tidy()
        if turn is None:
            return False
        here = self.workspace.head
        if here == turn.head:
            return False
        if self.workspace.is_ancestor(here, turn.head):
            self.workspace.follow(turn.head)
            return False
        if self.workspace.is_ancestor(turn.head, here):
            return True
        if self.workspace.base_of(here, turn.head) == turn.base:
            # A person went on from where the turn began.
            self.workspace.merge(turn.head)
            return True
        raise WorkspaceError(
            f"the branch in {self.folder} has left the ledger's way: it should come after "
            f"{turn.head[:12]}; check that commit out, or keep yours by rebasing it onto that"
        )

    def _lose(self, turn: Turn, agent: Agent, redactor: Redactor) -> None:
        """Write down what a turn cost that a kill cut off; it will be asked for again.

        What a person had begun in its worktree is kept on a branch.
        """
        aside = ""
        if getattr(agent, "resumes", False) and turn.kind != CHECK:
            self._without_secrets(turn, redactor)
            aside = self.workspace.put_aside(turn.number, turn.base)
        log = self.workspace.log(turn.number)
        known = agent.recover(log) if log.is_dir() else TurnResult("failed")
        cost = known.cost
        if cost is None and known.usage is None:
            # It never got as far as to spend anything that somebody could tell.
            cost = Cost(0.0, "declared")
        self.ledger.append(
            "lost",
            number=turn.number,
            status="lost",
            detail=f"begun by hand, kept on the branch {aside}" if aside else known.detail,
            model=known.model,
            usage=told(known.usage),
            cost=told(cost),
        )
        self.workspace.close(TURN)
        if aside:
            self.watcher.event("aside", turn, branch=aside)

    def _without_secrets(self, turn: Turn, redactor: Redactor) -> None:
        """Refuse to keep a secret in git."""
        place = self.workspace.worktree(TURN)
        if not place.is_dir():
            return
        for path in self.workspace.pending(turn.number, turn.base):
            if _secrets(redactor, place, path):
                raise WorkspaceError(
                    f"what was begun of turn {turn.number} would be kept on a branch, but {path} "
                    f"holds a secret; take it out in {place}, then run the same command again"
                )

    # -- asking -----------------------------------------------------------------------------------

    def _ask(
        self, project: Project, history: History, step: Step, agent: Agent, redactor: Redactor
    ) -> Turn:
        number = len(history.turns) + 1
        base = self.workspace.head
        log = self.workspace.log(number)
        if log.exists():
            shutil.rmtree(log)
        log.mkdir(parents=True)
        prompt = ""
        if step.kind != CHECK:
            prompt = redactor.redact(self._prompt(project, history, step, redactor))
            (log / "prompt.md").write_text(prompt, encoding="utf-8")
            self.workspace.open(TURN, base)
        asked = {
            "number": number,
            "kind": step.kind,
            "module": step.module,
            "level": step.level,
            "iteration": step.iteration,
            "base": base,
            "prompt_sha256": hashlib.sha256(prompt.encode()).hexdigest(),
            "agent": "" if step.kind == CHECK else agent.name,
            "session": step.session,
        }
        self.ledger.append("asked", **asked)
        turn = self.ledger.read().turns[-1]
        self.watcher.event("asked", turn, log=log)
        return turn

    def _prompt(self, project: Project, history: History, step: Step, redactor: Redactor) -> str:
        """Return the prompt of a step."""
        evidence = previous = None
        speed: dict[str, float] = {}
        if step.evidence is not None:
            judgement = Judgement.read(self.workspace.evidence(step.evidence))
            level = next((one for one in LEVELS if judgement.failed(one)), step.level)
            if judgement.failures:
                evidence = Evidence(level, tuple(judgement.failures))
            speed = judgement.speed
        if step.undone is not None:
            last = history.turns[step.undone - 1]
            words = last.fault or last.reason
            diff = self.workspace.diff(last.base, last.commit).decode(errors="replace")
            judged = self.workspace.evidence(step.undone)
            if judged.is_file():
                words = "\n".join([words, *_told(Judgement.read(judged))])
            previous = Previous(words, diff)
        if step.kind == "optimise" and not speed:
            decisions = self._decisions(project, redactor)
            speed, _ = decisions.measured(self.workspace.head)
        return render(
            step.kind,
            project,
            module=step.module,
            level=step.level,
            iteration=step.iteration,
            evidence=evidence,
            previous=previous,
            speed=speed,
        )

    def _answer(
        self, project: Project, history: History, turn: Turn, agent: Agent, redactor: Redactor
    ) -> Turn:
        """Let the agent work; commit what it left."""
        if turn.kind == CHECK:
            self.ledger.append(
                "answered",
                number=turn.number,
                status="done",
                commit=turn.base,
                cost=told(Cost(0.0, "declared")),
            )
            return self._again(turn)
        place, log = self.workspace.worktree(TURN), self.workspace.log(turn.number)
        if not place.is_dir():
            self.workspace.open(TURN, turn.base)
        request = TurnRequest(
            turn=turn.number,
            kind=turn.kind,
            module=turn.module,
            level=turn.level,
            worktree=place,
            prompt=(log / "prompt.md").read_text(encoding="utf-8"),
            log=log,
            environment=allowed_environment(os.environ, (*TOOLS, *project.pass_environment)),
            session=turn.session,
            dollars_left=_left(project.budget.dollars, history.dollars),
            seconds_left=min(
                project.budget.turn_minutes * 60,
                project.budget.hours * 3600 - history.seconds,
            ),
        )
        seen, refs = outside.watch(self.folder, (place, log)), self.workspace.refs()
        self.watcher.event("working", turn, request=request)
        # Whatever is changed in the project's files meanwhile is a person's, and stays.
        persons = getattr(agent, "resumes", False) or project.sandbox == "bubblewrap"
        started = time.perf_counter()
        try:
            result = agent.run(request)
        finally:
            touched = seen.put_back(log / "outside", theirs=persons)
        seconds = time.perf_counter() - started
        judges = seen.judges_changed()
        if judges:
            raise WorkspaceError(
                f"envlift itself changed during turn {turn.number} ({judges[0]}): what judges now "
                "is not what judged before. Install it afresh and run the same command again"
            )
        # Whatever the agent left beside its work, copies of what it did outside among it.
        redactor.clean(log)
        fault = ""
        if touched:
            shown = ", ".join(_near(path, self.folder) for path in touched[:3])
            copy = _near(log / "outside", self.folder)
            fault = f"it changed {shown} outside its worktree; put back, a copy is in {copy}"
        moved = [] if persons else self.workspace.put_refs_back(refs)
        if moved:
            fault = f"it moved {moved[0]}, which is not its own; put back"
        pending = self.workspace.pending(turn.number, turn.base)
        large = too_large(place, pending)
        if large:
            fault = large
            place, pending = self.workspace.open(TURN, turn.base), []
        found = [str(one) for path in pending for one in _secrets(redactor, place, path)]
        if found:
            # Not even an object that no branch reaches may hold it.
            fault = f"it wrote a secret: {found[0]}"
            self.workspace.open(TURN, turn.base)
            self.workspace.git("prune", "--expire=now")
        change = self.workspace.commit(turn.number, turn.base, _title(turn))
        self.ledger.append(
            "answered",
            number=turn.number,
            status=result.status,
            detail=redactor.redact(result.detail),
            model=result.model,
            usage=told(result.usage),
            cost=told(self._cost(project, result)),
            seconds=round(seconds, 3),
            session=result.session,
            commit=change.commit,
            files=len(change.paths),
            added=change.added,
            removed=change.removed,
            fault=fault,
        )
        turn = self._again(turn)
        self.watcher.event("answered", turn, result=result)
        return turn

    def _cost(self, project: Project, result: TurnResult) -> Cost | None:
        if result.cost is not None or project.budget.dollars_per_turn is None:
            return result.cost
        return Cost(project.budget.dollars_per_turn, "declared")

    def _again(self, turn: Turn) -> Turn:
        """Return a turn as the ledger tells it now."""
        return self.ledger.read().turns[turn.number - 1]

    # -- judging ----------------------------------------------------------------------------------

    def _judge(
        self, project: Project, turn: Turn, redactor: Redactor
    ) -> tuple[Turn, Sequence[str]]:
        """Decide about a turn that is answered; write it down; move the branch.

        It does not move where a person changed something meanwhile: the paths are returned.
        """
        self.watcher.event("judging", turn)
        history = self.ledger.read()
        change = self.workspace.change(turn.base, turn.commit)
        outcome: dict[str, Any] = {"kept": False, "head": turn.base, "reason": ""}
        fault = turn.fault
        started = time.perf_counter()
        if not fault and turn.kind != CHECK:
            passed = self._passed_tests(project, history, turn)
            written = self.workspace.written_by_agents(turn.base)
            fault = fault_of(project, change, turn.kind, passed, written)
        if fault:
            pass
        elif turn.kind == "decompose":
            outcome |= self._accept_modules(turn)
            fault = outcome.pop("fault", "")
        else:
            place = self.workspace.open(JUDGED, turn.commit)
            fault = not_blind(project, place)
            if not fault:
                state = state_of(project, history, self.only_rollouts)
                decisions = self._decisions(project, redactor)
                try:
                    outcome |= decisions.decide(turn, place, state)
                except MeddlingError as error:
                    fault = str(error)
        self.ledger.append(
            "judged",
            number=turn.number,
            fault=fault,
            judging_seconds=round(time.perf_counter() - started, 3),
            **outcome,
        )
        turn = self._again(turn)
        self.watcher.event("judged", turn)
        edited = self.workspace.edited(turn.base)
        if not edited:
            self.workspace.follow(turn.head)
        self.workspace.close(TURN)
        self.workspace.close(JUDGED)
        self.watcher.event("kept", turn)
        return turn, edited

    def _decisions(self, project: Project, redactor: Redactor) -> Decisions:
        return Decisions(project, self.workspace, redactor, self.only_rollouts, self.sandbox)

    def _passed_tests(self, project: Project, history: History, turn: Turn) -> set[str]:
        """Return the tests of modules that have passed level 1: they are part of the suite now."""
        state = state_of(project, history, self.only_rollouts)
        passed = {
            tests_of(module)
            for module in project.modules
            if state.passed(("L1", module.name)) and module.name != turn.module
        }
        others = {tests_of(module) for module in project.modules}
        added = self.workspace.files(turn.base, ["tests"]) if passed else []
        return passed | {path for path in added if path not in others}

    def _accept_modules(self, turn: Turn) -> dict[str, Any]:
        """Take the modules that a turn proposed into the project file."""
        try:
            text = self.workspace.git("show", f"{turn.commit}:{PROPOSAL}")
            modules = proposed(self.folder, text)
        except (ProjectError, WorkspaceError) as error:
            return {"fault": f"its {PROPOSAL} cannot be used: {error}"}
        files = {"envlift.toml": accept(self.folder, modules).encode()}
        head = self.workspace.add_files(
            turn.base, files, f"Modules, proposed in turn {turn.number}"
        )
        return {"kept": True, "head": head, "reason": f"{len(modules)} modules"}


def _asks(edited: Sequence[str], turn: Turn) -> str:
    """Say what a person changed while a turn went on, and what becomes of it."""
    shown = ", ".join(edited[:3]) + (f" and {len(edited) - 3} more" if len(edited) > 3 else "")
    return (
        f"{shown} changed in the project folder while turn {turn.number} went on, and stays as it "
        "is. If you mean it, run the same command again: it is committed as yours, joined with "
        "the turn, and judged first. If not, take it back with git before"
    )


def _secrets(redactor: Redactor, place: Path, path: str) -> list[Any]:
    """Find secrets in what stands at a changed path, and in the path."""
    here = place / path
    inside = redactor.scan(here) if here.is_symlink() or here.is_file() else []
    return [*redactor.scan(path), *inside]


def _told(judgement: Judgement) -> list[str]:
    return [f"{failure.name}: {failure.summary}" for failure in judgement.failures[:3]]


def _title(turn: Turn) -> str:
    about = f" {turn.module}" if turn.module else ""
    return f"Turn {turn.number}: {turn.kind}{about} ({turn.level})"


def _left(cap: float | None, spent: float) -> float | None:
    return None if cap is None else max(cap - spent, 0.0)


def _near(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)
