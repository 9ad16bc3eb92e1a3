"""What the loop asks for next, from ledgers written by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from envlift.translate.agents.protocol import Cost
from envlift.translate.loop.ledger import History, Turn
from envlift.translate.loop.plan import ROOT_CAUSE_TRIES, Step, Stop, next_step
from envlift.translate.project.file import Project, load_project

TOY = Path(__file__).parent / "toy"
ALL = {"L1": "PASS", "L2": "PASS", "L3": "PASS", "L4": "SKIPPED"}


@pytest.fixture
def project() -> Project:
    return load_project(TOY)


def history(*turns: dict[str, Any]) -> History:
    made = []
    for number, told in enumerate(turns, start=1):
        plain = {
            "kind": "translate",
            "module": None,
            "level": "L1",
            "status": "done",
            "cost": Cost(1.0, "reported"),
            "kept": True,
            "head": "h",
        }
        made.append(Turn(number=number, **{**plain, **told}))
    return History(made)


RULES = {"module": "rules", "verdicts": {"L1": "PASS"}}
ENV = {"module": "env", "verdicts": ALL}


def asked(project: Project, *turns: dict[str, Any], **options: Any) -> Step:
    step = next_step(project, history(*turns), **options)
    assert isinstance(step, Step), step
    return step


def stopped(project: Project, *turns: dict[str, Any], **options: Any) -> Stop:
    stop = next_step(project, history(*turns), **options)
    assert isinstance(stop, Stop), stop
    return stop


def about(step: Step) -> tuple[str, str, str | None]:
    return step.kind, step.level, step.module


def test_modules_in_order_then_done(project: Project) -> None:
    assert about(asked(project)) == ("translate", "L1", "rules")
    assert about(asked(project, RULES)) == ("translate", "L1", "env")
    assert stopped(project, RULES, ENV).kind == "done"


def test_without_modules_they_are_proposed(project: Project) -> None:
    empty = replace(project, modules=())
    assert about(asked(empty)) == ("decompose", "L1", None)
    proposal = {"kind": "decompose", "kept": True}
    assert about(asked(project, proposal)) == ("translate", "L1", "rules")


def test_a_failed_module_is_repaired_with_its_evidence(project: Project) -> None:
    step = asked(project, {**RULES, "verdicts": {"L1": "FAIL"}})
    assert about(step) == ("repair", "L1", "rules")
    assert step.evidence == 1
    assert step.iteration == 1


def test_an_undone_first_try_is_translated_again_not_repaired(project: Project) -> None:
    step = asked(project, {**RULES, "kept": False, "fault": "the turn changed nothing"})
    assert about(step) == ("translate", "L1", "rules")
    assert step.undone == 1
    assert step.evidence is None


def test_hollow_tests_are_written_anew(project: Project) -> None:
    step = asked(project, {**RULES, "verdicts": {"L1": "FAIL"}, "hollow": ["rules"]})
    assert about(step) == ("tests", "L1", "rules")


@pytest.mark.parametrize(
    ("verdicts", "wanted"),
    [
        ({"L1": "PASS", "L2": "FAIL"}, ("repair", "L2", None)),
        ({"L1": "PASS", "L2": "PASS", "L3": "FAIL"}, ("root-cause", "L3", None)),
        ({"L1": "PASS", "L2": "PASS", "L3": "PASS", "L4": "FAIL"}, ("root-cause", "L4", None)),
    ],
)
def test_a_failure_is_met_at_its_level(
    project: Project, verdicts: dict[str, str], wanted: tuple[str, str, None]
) -> None:
    assert about(asked(project, RULES, {**ENV, "verdicts": verdicts})) == wanted


LATE = {**ENV, "verdicts": {"L1": "PASS", "L2": "PASS", "L3": "FAIL"}}
PINNED = {"kind": "root-cause", "level": "L3", "verdicts": {"L1": "FAIL"}}


def test_a_pinned_failure_is_repaired_at_the_level_of_its_tests(project: Project) -> None:
    step = asked(project, RULES, LATE, PINNED)
    assert about(step) == ("repair", "L1", None)
    assert step.evidence == 3


def test_a_repair_that_passes_ends_it(project: Project) -> None:
    repair = {"kind": "repair", "verdicts": ALL}
    assert stopped(project, RULES, LATE, PINNED, repair).kind == "done"


def test_another_late_failure_is_pinned_again(project: Project) -> None:
    repair = {"kind": "repair", "verdicts": LATE["verdicts"]}
    assert about(asked(project, RULES, LATE, PINNED, repair)) == ("root-cause", "L3", None)


def test_what_cannot_be_pinned_is_repaired_by_its_case(project: Project) -> None:
    tries = [{**PINNED, "kept": False}] * ROOT_CAUSE_TRIES
    assert about(asked(project, RULES, LATE, *tries[:-1])) == ("root-cause", "L3", None)
    assert about(asked(project, RULES, LATE, *tries)) == ("repair", "L3", None)


def test_a_level_that_is_lost_again_is_repaired_first(project: Project) -> None:
    lost = {"kind": "repair", "level": "L3", "verdicts": {"L1": "PASS", "L2": "FAIL"}}
    assert about(asked(project, RULES, LATE, lost)) == ("repair", "L2", None)


def test_inconclusive_asks_for_a_person(project: Project) -> None:
    verdicts = {"L1": "PASS", "L2": "PASS", "L3": "INCONCLUSIVE"}
    stop = stopped(project, RULES, {**ENV, "verdicts": verdicts})
    assert stop.kind == "person"
    assert "L3 is inconclusive" in stop.reason


def test_a_persons_change_is_judged_first(project: Project) -> None:
    assert about(asked(project, RULES, ENV, stale=True)) == ("check", "L1", None)
    assert about(asked(project, RULES, stale=True)) == ("check", "L1", "rules")
    assert about(asked(project, stale=True)) == ("translate", "L1", "rules")


def test_a_check_takes_no_iteration(project: Project) -> None:
    check = {"kind": "check", "verdicts": {"L1": "FAIL"}}
    step = asked(project, RULES, ENV, check)
    assert about(step) == ("repair", "L1", None)
    assert step.iteration == 0


def test_optimisation_comes_last_and_ends(project: Project) -> None:
    budget = replace(project.budget, optimise=2)
    eager = replace(project, budget=budget)
    assert asked(eager, RULES, ENV).kind == "optimise"
    slower = {"kind": "optimise", "level": "L3", "kept": False, "verdicts": ALL}
    assert asked(eager, RULES, ENV, slower).undone == 3
    assert stopped(eager, RULES, ENV, slower, slower).kind == "done"


def test_only_rollouts_writes_all_modules_then_repairs_by_episodes(project: Project) -> None:
    rules, env = ({"module": name, "level": "L3", "verdicts": {}} for name in ("rules", "env"))
    failed = {**env, "verdicts": {"L3": "FAIL"}}
    first = asked(project, only_rollouts=True)
    assert about(first) == ("translate", "L3", "rules")
    assert about(asked(project, rules, only_rollouts=True)) == ("translate", "L3", "env")
    repair = asked(project, rules, failed, only_rollouts=True)
    assert about(repair) == ("repair", "L3", None)
    passed = {**env, "verdicts": {"L3": "PASS"}}
    assert stopped(project, rules, passed, only_rollouts=True).kind == "done"


def test_a_conversation_goes_on_where_it_was_about_the_same(project: Project) -> None:
    failed = {**RULES, "verdicts": {"L1": "FAIL"}, "session": "s1"}
    assert asked(project, failed).session == "s1"
    assert asked(project, {**RULES, "session": "s1"}).session is None


def test_a_level_that_resists_asks_for_a_person(project: Project) -> None:
    failed = {**RULES, "verdicts": {"L1": "FAIL"}}
    limit = project.budget.iterations
    assert asked(project, *[failed] * (limit - 1)).kind == "repair"
    stop = stopped(project, *[failed] * limit)
    assert stop.kind == "person"
    assert f"{limit} turns" in stop.reason


@pytest.mark.parametrize(
    ("cap", "turn", "words"),
    [
        ({"dollars": 2.0}, {"cost": Cost(1.0, "reported")}, "2.00 of 2.00 dollars"),
        ({"turns": 2}, {}, "2 of 2 turns"),
        ({"hours": 1.0}, {"seconds": 1000.0, "judging_seconds": 800.0}, "1.0 of 1 hours"),
    ],
)
def test_a_cap_stops(
    project: Project, cap: dict[str, Any], turn: dict[str, Any], words: str
) -> None:
    capped = replace(project, budget=replace(project.budget, **cap))
    failed = {**RULES, "verdicts": {"L1": "FAIL"}, **turn}
    assert asked(capped, failed).kind == "repair"
    stop = stopped(capped, failed, failed)
    assert stop.kind == "budget"
    assert words in stop.reason


def test_a_lost_turn_counts_against_the_caps(project: Project) -> None:
    capped = replace(project, budget=replace(project.budget, dollars=2.0))
    told = history(RULES)
    told.lost.append(Turn(2, "translate", "env", "L1", status="lost", cost=Cost(1.5, "priced")))
    stop = next_step(capped, told)
    assert isinstance(stop, Stop)
    assert stop.kind == "budget"


def test_an_unknown_price_is_refused_unless_declared(project: Project) -> None:
    unknown = {**RULES, "cost": None}
    stop = stopped(project, unknown)
    assert stop.kind == "unpriced"
    assert "dollars_per_turn" in stop.reason
    declared = replace(project, budget=replace(project.budget, dollars_per_turn=0.1))
    assert asked(declared, unknown).module == "env"
