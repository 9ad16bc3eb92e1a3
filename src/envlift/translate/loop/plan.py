"""What the loop does next, as a function of what the ledger says.

The recipe (arXiv 2603.12145, algorithm 1): every module passes its own level 1; composed, they pass
level 2; whole episodes level 3; learned policies level 4. A failure is repaired at its level while
the lower ones stay green. A failure at level 3 or 4 first becomes a recorded case and tests of the
lower levels. Once everything passes, a few turns may make it faster.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from envlift.translate.loop.ledger import History, Turn
from envlift.translate.project.file import Project

CHECK = "check"
"""Kind of a turn without an agent: the work is judged after a person changed it."""

ROOT_CAUSE_TRIES = 3
"""Attempts to pin a failure down with tests before it is repaired by its recorded case alone."""

SHOWN = 3
"""Open questions that a stop tells."""

Goal = tuple[str, str | None]
"""A level, and the module it is about; None for the whole."""


@dataclass(frozen=True)
class Step:
    """One turn to ask for.

    Attributes:
        kind: see ``TurnRequest``, or ``check``.
        level: to pass.
        module: it is about; None for the whole.
        iteration: turns that this goal has taken, from 0.
        evidence: number of the turn whose judgement describes the work, None if there is none.
        undone: number of the last turn, if it was undone.
        session: how to go on with the conversation.
    """

    kind: str
    level: str
    module: str | None = None
    iteration: int = 0
    evidence: int | None = None
    undone: int | None = None
    session: str | None = None


@dataclass(frozen=True)
class Stop:
    """Nothing more to do without a person.

    Attributes:
        kind: ``done``, ``person``, ``budget`` or ``unpriced``.
        reason: one sentence.
    """

    kind: str
    reason: str


@dataclass
class State:
    """Where the loop stands.

    Attributes:
        verdicts: goal -> its last verdict on the work as it stands.
        counts: goal -> turns it has taken.
        translated: modules that have been written.
        hollow: modules whose tests would pass without them.
        evidence: number of the turn whose judgement describes the work.
        undone: number of the last turn, if it was undone.
        unpinned: tries to pin the present failure of level 3 or 4 down; None without one.
        optimised: turns that tried to make it faster.
        last: the last turn that is over.
        unanswered: what the judgement of the work as it stands left open.
    """

    verdicts: dict[Goal, str] = field(default_factory=dict)
    counts: dict[Goal, int] = field(default_factory=dict)
    translated: set[str] = field(default_factory=set)
    hollow: set[str] = field(default_factory=set)
    evidence: int | None = None
    undone: int | None = None
    unpinned: int | None = None
    optimised: int = 0
    last: Turn | None = None
    unanswered: list[str] = field(default_factory=list)

    def passed(self, goal: Goal) -> bool:
        """Whether a goal is reached on the work as it stands."""
        return self.verdicts.get(goal) in ("PASS", "SKIPPED")


def goals(project: Project, only_rollouts: bool) -> list[Goal]:
    """Return what has to be reached, in order.

    Args:
        project: with its modules.
        only_rollouts: the ablation: modules are written, and judged by whole episodes alone.
    """
    level = "L3" if only_rollouts else "L1"
    modules: list[Goal] = [(level, module.name) for module in project.modules]
    if only_rollouts:
        return [*modules, ("L3", None)]
    return [*modules, ("L1", None), ("L2", None), ("L3", None), ("L4", None)]


def state_of(project: Project, history: History, only_rollouts: bool = False) -> State:
    """Replay the turns that are over."""
    state = State()
    for turn in history.turns:
        if not turn.judged:
            continue
        goal = (turn.level, turn.module)
        state.last = turn
        if turn.kind == "optimise":
            state.optimised += 1
        elif turn.kind != CHECK:
            state.counts[goal] = state.counts.get(goal, 0) + 1
        if turn.kind == "root-cause" and state.unpinned is not None:
            state.unpinned += 1
        if not turn.kept:
            state.undone = turn.number
            continue
        state.undone = None
        if turn.kind == "translate" and turn.module:
            state.translated.add(turn.module)
        if turn.kind != "decompose":
            state.evidence = turn.number
            _take(state, project, turn, only_rollouts)
    return state


def _take(state: State, project: Project, turn: Turn, only_rollouts: bool) -> None:
    """Note what a kept turn's judgement says of the work as it stands now."""
    names = [module.name for module in project.modules]
    due = names[: names.index(turn.module) + 1] if turn.module in names else names
    state.hollow = set(turn.hollow)
    state.unanswered = list(turn.unanswered)
    if only_rollouts and turn.module:
        state.verdicts["L3", turn.module] = "PASS"
    first = turn.verdicts.get("L1")
    if first == "PASS":
        state.verdicts |= {("L1", name): "PASS" for name in due}
    elif first is not None and turn.module:
        state.verdicts["L1", turn.module] = first
    state.verdicts.pop(("L1", None), None)
    if first is not None and due == names:
        state.verdicts["L1", None] = first
    for level in ("L2", "L3", "L4"):
        state.verdicts.pop((level, None), None)
        if level in turn.verdicts:
            state.verdicts[level, None] = turn.verdicts[level]
    whole = [turn.verdicts.get(level) for level in ("L3", "L4")]
    if turn.kind == "root-cause":
        state.unpinned = None
    elif "FAIL" in whole and not only_rollouts:
        state.unpinned = 0
    else:
        state.unpinned = None


def next_step(
    project: Project, history: History, *, only_rollouts: bool = False, stale: bool = False
) -> Step | Stop:
    """Say what comes next.

    Args:
        project: as its file stands now.
        history: the ledger.
        only_rollouts: see ``goals``.
        stale: a person changed the work since it was last judged.
    """
    stop = exhausted(project, history)
    if stop is not None:
        return stop
    state = state_of(project, history, only_rollouts)
    if not project.modules:
        return _asked(project, state, "decompose", ("L1", None))
    if stale and state.evidence is not None:
        return Step(CHECK, "L1", _last_written(project, state), 0, state.evidence)
    for goal in goals(project, only_rollouts):
        if not state.passed(goal):
            return _towards(project, state, goal, only_rollouts)
    if state.optimised < project.budget.optimise:
        return Step("optimise", "L3", None, state.optimised, state.evidence, state.undone)
    levels = "level 3 passed, whole episodes, and nothing else was judged (--levels 3)"
    if not only_rollouts:
        levels = f"every level passed that {project.name}'s suite asks for"
    quick = ", judged quickly ([verification] quick)" if project.verification.quick else ""
    return Stop("done", f"{levels}{quick}{_reach(history)}")


def _reach(history: History) -> str:
    """Say it if what was judged was not isolated when it was judged last."""
    judged = [turn for turn in history.turns if turn.kept and turn.isolation]
    if not judged or not judged[-1].isolation.startswith("none"):
        return ""
    why = judged[-1].isolation.partition(": ")[2]
    return f"; NOT ISOLATED: what was judged could reach what judged it ({why})"


def _last_written(project: Project, state: State) -> str | None:
    """Return the last of the modules that are written, None if all are."""
    written = [module.name for module in project.modules if module.name in state.translated]
    return written[-1] if written and len(written) < len(project.modules) else None


def _towards(project: Project, state: State, goal: Goal, only_rollouts: bool) -> Step | Stop:
    level, module = goal
    verdict = state.verdicts.get(goal)
    if verdict == "INCONCLUSIVE":
        what = f" ({'; '.join(state.unanswered[:SHOWN])})" if state.unanswered else ""
        return Stop(
            "person",
            f"{level} is inconclusive{what}, which no change of the code can mend; change the "
            "suite, the reference or the effort, then run the same command again",
        )
    if module is not None and module not in state.translated:
        return _asked(project, state, "translate", goal)
    if level == "L1" and verdict is not None and state.hollow:
        return _asked(project, state, "tests", goal)
    pinning = state.unpinned is not None and state.unpinned < ROOT_CAUSE_TRIES
    if level in ("L3", "L4") and pinning and not only_rollouts:
        return _asked(project, state, "root-cause", goal)
    return _asked(project, state, "repair", goal)


def _asked(project: Project, state: State, kind: str, goal: Goal) -> Step | Stop:
    taken = state.counts.get(goal, 0)
    if taken >= project.budget.iterations:
        what = f" of module {goal[1]}" if goal[1] else ""
        return Stop(
            "person",
            f"{goal[0]}{what} did not pass in {taken} turns (iterations = "
            f"{project.budget.iterations}); look at the evidence, mend it by hand or raise the cap",
        )
    session = None
    if state.last is not None and (state.last.level, state.last.module) == goal and kind != "tests":
        session = state.last.session
    return Step(kind, *goal, taken, state.evidence, state.undone, session)


def exhausted(project: Project, history: History) -> Stop | None:
    """Say which cap is reached, None if none is."""
    budget = project.budget
    turns = sum(turn.kind != CHECK for turn in history.turns if turn.answered)
    if history.unpriced and budget.dollars_per_turn is None:
        number = history.unpriced[0].number
        return Stop(
            "unpriced",
            f"nobody knows what turn {number} cost; write dollars_per_turn = ... in [budget], or "
            "use an agent and model whose price is known",
        )
    if budget.dollars is not None and history.dollars >= budget.dollars:
        return Stop(
            "budget", f"{history.dollars:.2f} of {budget.dollars:.2f} dollars are spent; raise "
            "dollars in [budget] to go on",
        )  # fmt: skip
    if turns >= budget.turns:
        return Stop("budget", f"{turns} of {budget.turns} turns are taken; raise turns in [budget]")
    if history.seconds >= budget.hours * 3600:
        return Stop(
            "budget",
            f"{history.seconds / 3600:.1f} of {budget.hours:g} hours are spent; raise hours in "
            "[budget]",
        )
    return None
