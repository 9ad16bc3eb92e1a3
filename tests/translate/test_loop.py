"""The loop from end to end: a real reference, a real judge, an agent that follows a script."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from envlift.cli import main
from envlift.translate.agents.protocol import Cost, TurnRequest, TurnResult
from envlift.translate.agents.secrets import Redactor
from envlift.translate.grading.decision import Decisions
from envlift.translate.grading.judgement import Failure, Judgement
from envlift.translate.loop.ledger import Turn
from envlift.translate.loop.plan import Stop
from envlift.translate.loop.recording import save
from envlift.translate.loop.run import Loop
from envlift.translate.loop.workspace import Workspace, WorkspaceError
from envlift.translate.project.file import ProjectError, load_project
from envlift.verify.run import session
from tests.translate import answers
from tests.translate.conftest import Deed, Quiet, Scripted, writes

RULES = writes(walk__rules_py=answers.RULES, tests__test_rules_py=answers.TEST_RULES)
ENV = writes(walk__env_py=answers.ENV, tests__test_env_py=answers.TEST_ENV)
ALL = {"L1": "PASS", "L2": "PASS", "L3": "PASS", "L4": "SKIPPED"}


def run(folder: Path, *deeds: Deed, **more: object) -> tuple[Stop, list[Turn], Scripted]:
    agent = Scripted(deeds)
    # What is judged in a sandbox cannot be forked, see ``conftest``.
    options: dict[str, object] = {"last": len(deeds), "sandbox": "none", **more}
    loop = Loop(folder, Quiet(), agent=agent, **options)  # type: ignore[arg-type]
    return loop.run(), loop.ledger.read().turns, agent


def told(turns: Sequence[Turn]) -> list[tuple[str, str | None, dict[str, str], bool]]:
    return [(turn.kind, turn.module, turn.verdicts, turn.kept) for turn in turns]


def test_from_a_wrong_module_to_a_verified_environment(toy: Path) -> None:
    """Level 1 finds the slip that the agent's own tests miss; level 2 finds the wrong limit."""
    stop, turns, agent = run(
        toy,
        writes(walk__rules_py=answers.FORGETS_TO_SLIP, tests__test_rules_py=answers.TEST_RULES),
        writes(walk__rules_py=answers.RULES),
        writes(walk__env_py=answers.WRONG_LIMIT, tests__test_env_py=answers.TEST_ENV),
        writes(walk__env_py=answers.ENV),
        sandbox="auto",
    )
    assert told(turns) == [
        ("translate", "rules", {"L1": "FAIL"}, True),
        ("repair", "rules", {"L1": "PASS"}, True),
        ("translate", "env", {"L1": "PASS", "L2": "FAIL"}, True),
        ("repair", None, ALL, True),
    ]
    assert stop.kind == "done"
    assert turns[0].failing == ["L1 move"]
    assert (toy / "walk" / "env.py").read_text() == answers.ENV
    assert min(turns[-1].speed["32"], turns[-1].speed["reference"]) > 0
    # The prompt of a repair holds the smallest difference, not the log.
    repair = agent.requests[1].prompt
    assert "result differs for x=4, action=0" in repair
    judgement = Judgement.read(toy / ".envlift" / "evidence" / "0001.json")
    (failure,) = judgement.failures
    assert failure.divergence is not None
    assert failure.divergence.before == {"x": 4, "action": 0}
    # Going on when everything is done says so and asks for nothing.
    assert Loop(toy, Quiet(), agent=Scripted([])).run().kind == "done"


def test_hollow_tests_are_noticed_and_written_anew(toy: Path) -> None:
    _, turns, _ = run(
        toy,
        writes(walk__rules_py=answers.RULES, tests__test_rules_py=answers.HOLLOW_TEST_RULES),
        writes(tests__test_rules_py=answers.HOLLOW_TEST_RULES + "# Surely enough.\n"),
        writes(tests__test_rules_py=answers.TEST_RULES),
    )
    assert told(turns) == [
        ("translate", "rules", {"L1": "FAIL"}, True),
        ("tests", "rules", {"L1": "FAIL"}, False),
        ("tests", "rules", {"L1": "PASS"}, True),
    ]
    assert "passes all the same" in turns[1].reason
    assert turns[0].hollow == ["rules"]
    assert "hollow tests" in turns[0].failing[0]


def late_slip(request: TurnRequest) -> None:
    """An environment that forgets time in the seventh step: episodes alone can tell."""
    wrong = answers.ENV.replace("elapsed = state.elapsed + 1", "elapsed = state.elapsed + 1 + late")
    wrong = wrong.replace(
        "        x = move",
        "        late = (state.elapsed == 6).astype(jnp.int32)\n        x = move",
    )
    writes(walk__env_py=wrong, tests__test_env_py=answers.TEST_ENV)(request)


PIN = """import jax.numpy as jnp

from walk.env import State, make


def test_time_goes_on():
    found = make().transition(State(jnp.int32(3), jnp.int32(6)), jnp.int32(1), jnp.int32(0))
    assert int(found.state.elapsed) == 7
"""


def only_episodes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave single steps and starts out of the toy's suite: level 3 has something to find.

    The suite is loaded in this process too, where the levels have to come back.
    """
    for level in ("L2", "resets"):
        monkeypatch.setitem(session.STAGES, level, session.STAGES[level])
    suite = folder / "suite.py"
    suite.write_text(suite.read_text() + SHORT_SIGHTED)


SHORT_SIGHTED = """
from envlift.verify.run import session

session.STAGES |= dict.fromkeys(("L2", "resets"), lambda context: None)
"""


def test_a_late_failure_becomes_a_case_and_tests_before_it_is_repaired(
    toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_episodes(toy, monkeypatch)
    _, turns, agent = run(
        toy,
        RULES,
        late_slip,
        writes(tests__test_case_py=PIN.replace("== 7", "> 0")),
        writes(tests__test_case_py=PIN),
        writes(walk__env_py=answers.ENV),
    )
    kinds = [(turn.kind, turn.level, turn.kept) for turn in turns]
    assert kinds == [
        ("translate", "L1", True),
        ("translate", "L1", True),
        ("root-cause", "L3", False),
        ("root-cause", "L3", True),
        ("repair", "L1", True),
    ]
    assert turns[1].verdicts["L3"] == "FAIL"
    fixture = turns[1].fixtures[0]
    assert (toy / fixture).is_file(), "the minimised case is in the workspace"
    assert json.loads((toy / fixture).read_text())["recorded"]
    assert "do not show the failure" in turns[2].reason
    assert turns[3].verdicts == {"L1": "FAIL"}
    assert turns[4].verdicts["L3"] == "PASS"
    assert turns[4].verdicts["L1"] == "PASS"
    assert Path(fixture).name in agent.requests[2].prompt


FORGETS = writes(walk__rules_py=answers.FORGETS_TO_SLIP, tests__test_rules_py=answers.TEST_RULES)
TOO_LONG = writes(walk__env_py=answers.WRONG_LIMIT, tests__test_env_py=answers.TEST_ENV)


@pytest.mark.usefixtures("by_text")
def test_a_repair_that_breaks_a_lower_level_is_undone(toy: Path) -> None:
    def breaks_rules(request: TurnRequest) -> None:
        writes(walk__env_py=answers.ENV, walk__rules_py=answers.FORGETS_TO_SLIP)(request)

    _, turns, agent = run(toy, RULES, TOO_LONG, breaks_rules, writes(walk__env_py=answers.ENV))
    assert [turn.kept for turn in turns] == [True, True, False, True]
    assert "broke L1, which had passed: move" in turns[2].reason
    assert "broke L1" in agent.requests[3].prompt, "the next turn is told"
    assert turns[3].base == turns[1].head, "it starts from what was there before"
    assert turns[3].verdicts == ALL


@pytest.mark.usefixtures("by_text")
def test_a_module_that_breaks_an_earlier_one_is_undone(toy: Path) -> None:
    def breaks_rules(request: TurnRequest) -> None:
        ENV(request)
        writes(walk__rules_py=answers.FORGETS_TO_SLIP)(request)

    _, turns, _ = run(toy, RULES, breaks_rules, ENV)
    assert [turn.kept for turn in turns] == [True, False, True]
    assert "broke rules, which had passed" in turns[1].reason
    assert turns[2].kind == "translate"


def test_only_rollouts_judges_nothing_before_the_whole(toy: Path, by_text: list[list[str]]) -> None:
    _, turns, _ = run(toy, RULES, TOO_LONG, only_rollouts=True)
    assert [(turn.kind, turn.module, turn.level) for turn in turns] == [
        ("translate", "rules", "L3"),
        ("translate", "env", "L3"),
    ]
    assert [words[:3] for words in by_text] == [["--only-rollouts", "--level", "L3"]]
    with pytest.raises(ValueError, match="--levels 3"):
        run(toy)


@pytest.mark.usefixtures("by_text")
def test_a_persons_change_is_judged_before_the_work_goes_on(toy: Path) -> None:
    _, turns, _ = run(toy, RULES, ENV)
    assert turns[-1].verdicts == ALL
    (toy / "walk" / "rules.py").write_text(answers.FORGETS_TO_SLIP)
    deeds: list[Deed] = [RULES, ENV, RULES, writes(walk__rules_py=answers.RULES)]
    loop = Loop(toy, Quiet(), agent=Scripted(deeds))
    stop = loop.run()
    turns = loop.ledger.read().turns
    assert told(turns[2:]) == [("check", None, {"L1": "FAIL"}, True), ("repair", None, ALL, True)]
    assert stop.kind == "done"


def stopped_in_the_middle(toy: Path, agent: Scripted) -> None:
    def half(request: TurnRequest) -> None:
        writes(walk__rules_py=answers.RULES)(request)
        raise KeyboardInterrupt

    agent.deeds = [half]
    with pytest.raises(KeyboardInterrupt):
        Loop(toy, Quiet(), agent=agent, last=1).run()


@pytest.mark.usefixtures("by_text")
@pytest.mark.parametrize("resumes", [True, False])
def test_a_person_goes_on_in_the_same_worktree_an_agent_begins_anew(
    toy: Path, resumes: bool
) -> None:
    agent = Scripted([])
    agent.resumes = resumes  # type: ignore[attr-defined]
    stopped_in_the_middle(toy, agent)
    agent.deeds = [writes(tests__test_rules_py=answers.TEST_RULES)]
    loop = Loop(toy, Quiet(), agent=agent, last=1)
    loop.run()
    (turn,) = loop.ledger.read().turns
    there = loop.workspace.change(turn.base, turn.commit).paths
    assert ("walk/rules.py" in there) is resumes
    assert "tests/test_rules.py" in there
    assert len(loop.ledger.read().lost) == (0 if resumes else 1)


@pytest.mark.usefixtures("by_text")
def test_a_person_who_changed_the_project_meanwhile_is_asked_anew(toy: Path) -> None:
    agent = Scripted([])
    agent.resumes = True  # type: ignore[attr-defined]
    stopped_in_the_middle(toy, agent)
    (toy / "note.txt").write_text("changed meanwhile")
    agent.deeds = [RULES]
    loop = Loop(toy, Quiet(), agent=agent, last=1)
    loop.run()
    (turn,) = loop.ledger.read().turns
    assert turn.kept
    assert (toy / "note.txt").is_file()


def test_what_a_person_has_to_mend_is_told_in_a_sentence(
    toy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Loop(toy, Quiet()).workspace.alone():
        assert main(["translate", str(toy)]) == 4
    assert "envlift: another `envlift translate` is at work" in capsys.readouterr().err
    assert main(["translate", str(toy), "--agent", "nobody"]) == 4
    assert "nobody" in capsys.readouterr().err
    (toy / ".envlift" / "ledger.jsonl").write_text("no event\n")
    assert main(["translate", str(toy)]) == 4
    assert "ledger.jsonl:1 is not an event" in capsys.readouterr().err


def test_a_speed_that_cannot_be_measured_has_a_reason(
    toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_judge(*given: object) -> tuple[Judgement, object]:
        failure = Failure("L1", "build", "`make` ended with exit code 2", "build")
        return Judgement(failures=[failure]), SimpleNamespace(how="exit status 0")

    workspace = Workspace(toy)
    workspace.prepare()
    monkeypatch.setattr(Decisions, "_run", run_judge)
    found = Decisions(load_project(toy), workspace, Redactor()).measured(workspace.head)
    assert found == ({}, "its speed could not be measured: `make` ended with exit code 2")


def test_two_loops_do_not_work_in_one_folder(toy: Path) -> None:
    with (
        Loop(toy, Quiet()).workspace.alone(),
        pytest.raises(WorkspaceError, match=f"process {os.getpid()}"),
    ):
        run(toy, RULES)
    run(toy, lambda request: None)


def test_a_branch_that_went_elsewhere_is_not_touched(toy: Path) -> None:
    run(toy, lambda request: None)
    workspace = Loop(toy, Quiet()).workspace
    aside = workspace.git("commit-tree", f"{workspace.head}^{{tree}}", "-m", "elsewhere")
    workspace.git("reset", "--quiet", "--hard", aside)
    with pytest.raises(WorkspaceError, match="has left the ledger's way"):
        run(toy)
    assert workspace.head == aside


MODULES = """
[[module]]
name = "rules"
file = "walk/rules.py"
sources = ["reference/walk.py"]
contract = "move(x, action) -> int32"

[[module]]
name = "env"
file = "walk/env.py"
contract = '''
make() -> Env
with "quotes" and \\ backslash'''
needs = ["rules"]
"""


def without_modules(folder: Path) -> None:
    toml = folder / "envlift.toml"
    toml.write_text(toml.read_text().partition("[[module]]")[0])


@pytest.mark.usefixtures("by_text")
def test_proposed_modules_are_shown_to_a_person_first(toy: Path) -> None:
    without_modules(toy)
    stop, turns, _ = run(toy, writes(modules_toml=MODULES), RULES)
    assert stop.kind == "person"
    assert "envlift.toml" in stop.reason
    assert len(turns) == 1
    project = load_project(toy)
    assert [module.name for module in project.modules] == ["rules", "env"]
    assert project.modules[1].contract == 'make() -> Env\nwith "quotes" and \\ backslash'
    assert not (toy / "modules.toml").exists()
    _, turns, _ = run(toy, writes(modules_toml=MODULES), RULES)
    assert (turns[1].kind, turns[1].module) == ("translate", "rules")


@pytest.mark.usefixtures("by_text")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[module]", "not TOML"),
        ("", "no \\[\\[module"),
        (MODULES.replace('needs = ["rules"]', 'needs = ["env"]'), "circle"),
        (MODULES.replace("walk/rules.py", "../rules.py"), "out of the project"),
        (MODULES.replace('contract = "move(x, action) -> int32"', ""), "no contract"),
    ],
)
def test_a_bad_proposal_is_undone_with_its_reason(toy: Path, text: str, words: str) -> None:
    without_modules(toy)
    _, (turn,), _ = run(toy, writes(modules_toml=text))
    assert not turn.kept
    assert re.search(words, turn.fault), turn.fault


@pytest.mark.usefixtures("by_text")
def test_an_optimisation_must_be_faster_and_right(toy: Path) -> None:
    text = (toy / "envlift.toml").read_text().replace("turns = 30", "turns = 30\noptimise = 3")
    (toy / "envlift.toml").write_text(text)
    slow = answers.ENV + "\n# SLOW\n"
    stop, turns, agent = run(
        toy,
        RULES,
        writes(walk__env_py=slow, tests__test_env_py=answers.TEST_ENV),
        writes(walk__env_py=slow + "# A comment is no optimisation.\n"),
        writes(walk__env_py=answers.WRONG_LIMIT),
        writes(walk__env_py=answers.ENV),
    )
    assert turns[1].verdicts == ALL
    assert [turn.kind for turn in turns[2:]] == ["optimise"] * 3
    assert "1.00 times as fast" in turns[2].reason
    assert "broke L2" in turns[3].reason
    assert [turn.kept for turn in turns[2:]] == [False, False, True]
    assert turns[4].speed == {"32": 40.0}
    assert "| 32 | 10 |" in agent.requests[2].prompt
    assert "1.00 times as fast" in agent.requests[3].prompt
    assert stop.kind == "done"


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        (lambda request: None, "changed nothing"),
        (writes(suite_py="SUITE = None"), "suite.py, which is protected"),
        (writes(walk__rules_py="import reference.walk"), "imports reference.walk"),
    ],
)
def test_a_turn_that_does_not_count_is_undone_and_reported(
    toy: Path, deed: Deed, words: str
) -> None:
    _, turns, _ = run(toy, deed)
    (turn,) = turns
    assert not turn.kept
    assert words in turn.fault
    assert turn.head == turn.base
    assert turn.verdicts == {}


def test_an_edit_outside_the_worktree_is_undone_and_reported(toy: Path) -> None:
    def reaches_out(request: TurnRequest) -> None:
        RULES(request)
        (request.worktree.parents[2] / "suite.py").write_text("SUITE = None")

    _, (turn,), _ = run(toy, reaches_out)
    assert "suite.py outside its worktree" in turn.fault
    assert list((toy / ".envlift" / "turns" / "0001" / "outside").iterdir())
    assert not turn.kept
    assert "SUITE = Suite(" in (toy / "suite.py").read_text()


def test_a_change_of_envlift_itself_ends_the_loop(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "installed" / "envlift"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    monkeypatch.setattr("envlift.__file__", str(package / "__init__.py"))

    def bribes(request: TurnRequest) -> None:
        RULES(request)
        (package / "judge.py").write_text("print('PASS')")

    with pytest.raises(WorkspaceError, match="envlift itself changed during turn 1"):
        run(toy, bribes)
    assert not Loop(toy, Quiet()).ledger.read().turns[0].answered


@pytest.mark.parametrize("where", ["file", "committed", "path", "link", "also outside", "its log"])
def test_a_secret_is_neither_committed_nor_written_down(
    toy: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    secret = "sk-planted-0123456789abcdef"
    monkeypatch.setenv("PLANTED_API_KEY", secret)

    def leaks(request: TurnRequest) -> TurnResult:
        RULES(request)
        package = request.worktree / "walk"
        if where == "path":
            (package / secret).write_text("")
        elif where == "link":
            (package / "key").symlink_to(secret)
        elif where == "its log":
            (request.log / "notes.txt").write_text(secret)
        else:
            (package / "key.py").write_text(f"KEY = {secret!r}")
        if where == "committed":
            as_agent = ("git", "-c", "user.name=a", "-c", "user.email=a@localhost")
            for words in (["add", "--all"], ["commit", "--quiet", "-m", "mine"]):
                subprocess.run([*as_agent, *words], cwd=request.worktree, check=True)
        if where == "also outside":
            (toy / "suite.py").write_text(f"KEY = {secret!r}")
        return TurnResult("done", f"I used {secret}", cost=Cost(0.0, "declared"))

    _, (turn,), agent = run(toy, leaks)
    assert turn.kept is (where == "its log")
    assert turn.kept or "secret PLANTED_API_KEY" in turn.fault
    assert secret not in agent.requests[0].environment.values()
    for path in (toy / ".envlift").rglob("*"):
        assert secret not in str(path)
        if path.is_file():
            assert secret not in path.read_text(errors="replace"), path
    git = Loop(toy, Quiet()).workspace.git
    names = git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)").splitlines()
    assert len(names) > 5
    for name in names:
        assert secret not in git("cat-file", "-p", name), "nor does an object that nothing reaches"


def test_dollars_in_flight_are_told_and_stop_the_loop(toy: Path) -> None:
    text = (
        (toy / "envlift.toml")
        .read_text()
        .replace("[budget]", "[budget]\ndollars = 0.05\nhours = 0.5")
    )
    (toy / "envlift.toml").write_text(text)

    left, seconds = [], []

    def dear(request: TurnRequest) -> TurnResult:
        left.append(request.dollars_left)
        seconds.append(request.seconds_left)
        time.sleep(0.05)
        return TurnResult("over budget", "enough", cost=Cost(0.03, "reported"))

    loop = Loop(toy, Quiet(), agent=Scripted([dear, dear, RULES]))
    stop = loop.run()
    assert left == [pytest.approx(0.05), pytest.approx(0.02)]
    assert seconds[0] == 1800
    assert 1700 < seconds[1] < 1799.96
    assert stop.kind == "budget"
    assert "0.06 of 0.05 dollars" in stop.reason


def test_a_build_that_fails_is_told_with_the_compilers_words(toy: Path) -> None:
    text = (toy / "envlift.toml").read_text()
    build = 'build = ["python3", "-c", "import sys; sys.exit(\'no such type: Foo\')"]\n'
    (toy / "envlift.toml").write_text(text.replace("[reference]", build + "\n[reference]", 1))
    _, (turn,), _ = run(toy, RULES)
    assert turn.verdicts == {"L1": "FAIL"}
    judgement = Judgement.read(toy / ".envlift" / "evidence" / "0001.json")
    assert judgement.failures[0].kind == "build"
    assert "no such type: Foo" in judgement.failures[0].traceback


@pytest.mark.parametrize(
    ("line", "where", "how"),
    [
        ("raise SystemExit(3)", "L1 move", "exit status 3"),
        # Far outside of what it was given: the system ends the process.
        (
            "import numpy\n"
            "numpy.lib.stride_tricks.as_strided(numpy.zeros(1), (1 << 40,), (8,))[-1:].sum()",
            "L1 move",
            "SIGSEGV|exit status 139",
        ),
    ],
)
def test_a_candidate_that_ends_its_process_has_failed(
    toy: Path, line: str, where: str, how: str
) -> None:
    ends = answers.RULES.replace("LAST = 9", f"LAST = 9\n{line}")
    _, (turn,), _ = run(toy, writes(walk__rules_py=ends, tests__test_rules_py=answers.ENDED))
    assert turn.verdicts == {"L1": "FAIL"}
    assert turn.failing == [where]
    judgement = Judgement.read(toy / ".envlift" / "evidence" / "0001.json")
    assert re.search(how, judgement.failures[0].summary)


def test_what_stops_the_verifier_is_evidence_not_the_end_of_the_loop(toy: Path) -> None:
    def once(request: TurnRequest) -> None:
        RULES(request)
        ENV(request)
        broken = answers.ENV.replace(
            "def make(**options):", "def make(*, needed):\n    options = {}"
        )
        writes(walk__env_py=broken, tests__test_env_py=answers.NEEDED)(request)
        text = (request.worktree / "walk" / "rules.py").read_text()
        assert text == answers.RULES

    toml = toy / "envlift.toml"
    head, _, _ = toml.read_text().partition("[[module]]")
    both = '[[module]]\nname = "env"\nfile = "walk/env.py"\nsources = ["reference/walk.py"]\n'
    toml.write_text(head + both)
    _, (turn,), _ = run(toy, once)
    assert turn.verdicts == {"L1": "FAIL"}
    assert turn.failing == ["L1 candidate [default]"]
    judgement = Judgement.read(toy / ".envlift" / "evidence" / "0001.json")
    assert "needed" in judgement.failures[0].summary


def test_a_suite_that_cannot_be_read_costs_nothing(toy: Path) -> None:
    suite = toy / "suite.py"
    suite.write_text(suite.read_text() + "\nSUITE.featurs\n")
    with pytest.raises(ProjectError, match=r"(?s)suite.py is wrong.*featurs.*line \d+"):
        run(toy, RULES)
    assert Loop(toy, Quiet()).ledger.read().turns == []


def test_a_fault_of_the_suite_is_no_fault_of_the_agents(toy: Path) -> None:
    """The person is told; the turn waits to be judged until the suite is mended."""
    suite = toy / "suite.py"
    suite.write_text(
        suite.read_text().replace("st.integers(0, 9)", "st.integers(0, 9).map(lambda x: 1 // 0)")
    )
    with pytest.raises(ProjectError, match=r"(?s)the judge cannot work.*ZeroDivisionError"):
        run(toy, RULES)
    (turn,) = Loop(toy, Quiet()).ledger.read().turns
    assert turn.answered
    assert not turn.judged


@pytest.mark.usefixtures("by_text")
def test_a_replay_that_leaves_its_recording_says_where(
    toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another verdict makes the loop ask for another turn: that is a difference, not a crash."""
    run(toy, RULES, ENV)
    recording = tmp_path / "recording"
    save(toy, recording)
    patch = recording / "turns" / "0001.patch"
    right = "+" + answers.RULES.replace("\n", "\n+").removesuffix("+")
    wrong = "+" + answers.FORGETS_TO_SLIP.replace("\n", "\n+").removesuffix("+")
    assert right in patch.read_text()
    lines = len(right.splitlines()) - len(wrong.splitlines())
    text = patch.read_text().replace(right, wrong)
    if lines:
        old, new = len(right.splitlines()), len(wrong.splitlines())
        text = text.replace(f"+1,{old} @@", f"+1,{new} @@")
    patch.write_text(text)
    assert main(["replay", str(recording)]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "turn 1: verdicts was {'L1': 'PASS'}, is {'L1': 'FAIL'} now" in said
    assert "turn 2 leaves the recording" in said
