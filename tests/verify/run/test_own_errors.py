"""What is neither side's fault: a suite's own error, a slip of the command line, a bug of ours.

Exit code 1 is FAIL alone, and nobody ever sees a traceback.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from envlift.cli import main
from envlift.reference.failure import PairError
from envlift.reference.host import _explain
from envlift.reference.reading import argument
from envlift.reference.types import ArraySpec, SideSpec
from envlift.verify import verify
from envlift.verify.engine.actions import chosen_actions
from envlift.verify.levels.transfer import training
from envlift.verify.run import session
from envlift.verify.run.progress import Silent
from envlift.verify.run.result import Check, Report, Verdict
from envlift.verify.run.show import print_report
from envlift.verify.run.trouble import InternalError
from envlift.verify.suite import Config, Feature, Field, Policy, Scenario, Suite, Trace
from envlift.verify.suite.guarded import SuiteError, guarded

FILE = Path(__file__).parents[1] / "envs" / "failing.py"
CARTPOLE = "gymnasium:CartPole-v1"

HEAD = """
from envlift.verify.suite import Component, Config, Feature, Field, Policy, Scenario, Suite

def broken(*_):
    return {}["a bug of the suite"]

def leaves(*_):
    raise SystemExit(0)

"""
"""``broken`` raises in the fourth line of the file."""

TAIL = """
SUITE = Suite(
    name="walk",
    reference="python:%s:Walk",
    candidate="python:%s:%s",
    %s
)
"""

BROKEN = {
    "a feature": ('features=(Feature("f", broken),), start="seed",', "the feature 'f'"),
    "a policy": ('policies=(Policy("p", broken),), start="seed",', "the policy 'p'"),
    "to_candidate": ("to_candidate=broken,", "to_candidate"),
    "to_reference": ('to_reference=broken, start="seed",', "to_reference"),
    "draw_chance": ('start="chance", draw_chance=broken,', "draw_chance"),
    "prepare": ("prepare=broken,", "prepare"),
    "random_states": ("random_states=broken,", "random_states"),
}


def write(folder: Path, more: str, candidate: str = "Walk") -> str:
    path = folder / "suite.py"
    path.write_text(HEAD.lstrip("\n") + TAIL % (FILE, FILE, candidate, more))
    return str(path)


LEAVES = {
    "a feature": 'features=(Feature("f", leaves),), start="seed",',
    "a policy": 'policies=(Policy("p", leaves),), start="seed",',
    "prepare": "prepare=leaves,",
}


@pytest.mark.parametrize("kind", LEAVES)
def test_a_suite_that_ends_the_process_is_no_pass(kind, tmp_path, capsys):
    suite = write(tmp_path, LEAVES[kind])
    assert main(["verify", suite, "--quick", "--lanes", "2", "--level", "L3"]) == 4
    said = capsys.readouterr().err
    assert f"raised SystemExit: 0 ({suite}, line 7: raise SystemExit(0))" in said


PLAYED = {
    "lambda rng, o, s: None": "gives a NoneType of the dtype object; numbers",
    "lambda rng, o, s: ['up'] * len(o)": "gives a list of the dtype <U2; numbers",
    "lambda rng, o, s: [0.5] * len(o)": "plays 0.5; whole numbers are wanted",
    "lambda rng, o, s: [2] * len(o)": "plays 2; a choice from 0 to 1 is wanted",
    "lambda rng, o, s: [-1] * len(o)": "plays -1; a choice from 0 to 1 is wanted",
    "lambda rng, o, s: [[1, 1]] * len(o)": "gives actions of the shape (2, 2); (2,), [lanes",
}


@pytest.mark.parametrize("act", PLAYED)
def test_what_a_policy_plays_that_is_no_action_is_the_suites_error(act, tmp_path, capsys):
    suite = write(tmp_path, f'policies=(Policy("p", {act}),), start="seed",')
    assert main(["verify", suite, "--quick", "--lanes", "2", "--level", "L3"]) == 4
    said = capsys.readouterr().err
    assert f"the policy 'p' {PLAYED[act]}" in said
    assert f"({suite}, line" in said


def test_a_corpus_that_is_not_there_is_listed(tmp_path):
    suite = write(tmp_path, 'corpus=__import__("pathlib").Path("gone").resolve(), start="seed",')
    found = verify(suite, quick=True, levels=["L3"], lanes=2)
    listed = [line for line in found.not_verified if line.startswith("recorded cases")]
    assert listed == ["recorded cases [default]: there is no gone (`envlift record` makes it)"]


NO_FAULT = {
    'configs=(Config("a", reference={"goa": 3}),),': "the reference takes no option 'goa', which",
    'configs=(Config("a", candidate={"goa": 3}),),': "the candidate takes no option 'goa', which",
    'features=(Feature("f", lambda t: t.truncated),), '
    'scenarios=(Scenario("s", {}, (1,), ("f",)),),': "the reference does not show f here",
}


@pytest.mark.parametrize("more", NO_FAULT)
def test_a_slip_of_the_suite_is_nobodys_failure(more, tmp_path, capsys):
    suite = write(tmp_path, more)
    assert main(["verify", suite, "--quick", "--lanes", "2", "--level", "L2"]) == 4
    assert NO_FAULT[more] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"observation": lambda: Field("o", atol=float("inf"), reason="r")}, "atol = inf; a nu"),
        ({"observation": lambda: Field("o", rtol=float("nan"), reason="r")}, "rtol = nan; a nu"),
        ({"observation": lambda: Field("o", atol="1e-3", reason="r")}, "atol = '1e-3'; a num"),
        ({"state": lambda: ("x",)}, "state = 'x'; a tuple of Field"),
        ({"features": lambda: Feature("f", lambda t: t.terminated)}, "a tuple of Feature is want"),
        ({"policies": lambda: ("random",)}, "policies = 'random'; a tuple of Policy"),
        ({"configs": lambda: (Config("a"), Config("a"))}, "more than one configuration 'a'"),
        ({"start": lambda: "seeds"}, "start = 'seeds'; known: chance, copy, seed, apart"),
        ({"reference": lambda: None}, "reference = None; a launch string is wanted"),
        ({"scenarios": lambda: (Scenario("s", {}, (), ()),)}, "scenario 's' has no actions"),
    ],
)
def test_what_makes_no_suite_is_told_when_it_is_made(more, message):
    whole = {"name": "walk", "reference": "python:a:B", "candidate": "python:a:C"}
    with pytest.raises(ValueError, match=re.escape(message)):
        Suite(**{**whole, **{name: make() for name, make in more.items()}})


@pytest.mark.parametrize("kind", BROKEN)
def test_a_suites_own_error_is_4_with_its_line(kind, tmp_path, capsys):
    more, what = BROKEN[kind]
    suite = write(tmp_path, more)
    level = "L2" if kind == "random_states" else "L3"
    assert main(["verify", suite, "--quick", "--lanes", "2", "--level", level]) == 4
    said = capsys.readouterr().err
    assert f"the suite walk is wrong: {what} raised KeyError: 'a bug of the suite'" in said
    assert f'{suite}, line 4: return {{}}["a bug of the suite"]' in said
    assert "Traceback" not in said


def trace(steps=3, lanes=2):
    flags = np.zeros((steps, lanes), dtype=bool)
    return Trace({}, flags, {}, flags, flags, flags, flags, {})


def suite(**more):
    return guarded(Suite("walk", "python:a:B", "python:a:C", start="seed", **more))


@pytest.mark.parametrize(
    ("reached", "shown"),
    [
        (lambda t: t.terminated[0], "bool of the shape (2,)"),
        (lambda t: 1, "int64 of the shape ()"),
        (lambda t: t.terminated.astype(float), "float64 of the shape (3, 2)"),
    ],
)
def test_a_feature_of_the_wrong_shape_is_the_suites_error(reached, shown):
    (feature,) = suite(features=(Feature("f", reached),)).features
    with pytest.raises(SuiteError, match="the suite walk is wrong: the feature 'f' gives") as told:
        feature.reached(trace())
    assert shown in str(told.value)
    assert "test_own_errors.py, line" in str(told.value)


@pytest.mark.parametrize("actions", [[1, 2, 3], np.zeros((1, 2)), np.zeros(())])
def test_a_policy_that_plays_too_few_lanes_is_the_suites_error(actions):
    (policy,) = suite(policies=(Policy("p", lambda *_: actions),)).policies
    assert policy.act is not None
    with pytest.raises(SuiteError, match=r"the policy 'p' gives \d actions for 2 lanes"):
        policy.act(np.random.default_rng(0), np.zeros((2, 4)), {})


@pytest.mark.parametrize("what", ["to_candidate", "to_reference", "random_states"])
def test_a_translation_that_gives_no_fields_is_the_suites_error(what):
    broken = getattr(suite(**{what: lambda *_: None}), what)
    with pytest.raises(SuiteError, match=f"{what} gives a NoneType; a dict of named arrays"):
        broken({})


@pytest.mark.parametrize(("given", "shown"), [(np.zeros((3, 2)), "3 rows"), (1.0, "one number")])
def test_too_few_generated_states_are_the_suites_error(given, shown):
    few = suite(random_states=lambda rng, n, config: {"x": given}).random_states
    assert few is not None
    with pytest.raises(SuiteError, match=f"random_states gives {shown} of 'x'; 4 were asked for"):
        few(np.random.default_rng(0), 4, Config("default"))


def test_what_a_suite_gives_rightly_goes_through():
    whole = suite(
        features=(Feature("f", lambda t: t.terminated),),
        policies=(Policy("p", lambda rng, observation, state: np.ones(len(observation))),),
        to_candidate=lambda state: {"y": state["x"]},
    )
    assert whole.features[0].reached(trace()).shape == (3, 2)
    assert whole.policies[0].act is not None
    assert whole.policies[0].act(np.random.default_rng(0), np.zeros((2, 4)), {}).tolist() == [1, 1]
    assert whole.candidate_state({"x": np.ones(1)}) == {"y": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SUITE = (", "reading it raised SyntaxError: '(' was never closed"),
        ("x = {}['a']", "reading it raised KeyError: 'a'"),
        ("import no_such_module", "reading it raised ModuleNotFoundError: No module named"),
        ("from envlift.verify.suite import Suite\nSUITE = Suite(nme=1)", "TypeError: Suite"),
        ("SUITE = 3", "defines no SUITE"),
        ("raise SystemExit(0)", "reading it raised SystemExit: 0"),
    ],
)
@pytest.mark.parametrize("command", ["verify", "record"])
def test_a_suite_that_cannot_be_read_is_4(command, text, message, tmp_path, capsys):
    path = tmp_path / "suite.py"
    path.write_text(text + "\n")
    assert main([command, str(path)]) == 4
    said = capsys.readouterr().err
    assert message in said
    assert "SUITE = 3" in text or f"{path}, line" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([CARTPOLE, "env:numpy:nothing"], "numpy has no 'nothing'; it has"),
        ([CARTPOLE, "env:no_module:x"], "'no_module' cannot be imported"),
        ([CARTPOLE, "gymnax:Nope"], "gymnax has no environment 'Nope'"),
        ([CARTPOLE, CARTPOLE, "--json", "/"], "--json / is a folder; name a file"),
        ([CARTPOLE, CARTPOLE, "--json", "/proc/x/y.json"], "--json /proc/x/y.json cannot be"),
        ([CARTPOLE, CARTPOLE, "--seed", "-1"], "seed must be 0 or more, it is -1"),
        ([CARTPOLE, CARTPOLE, "--timeout", "nan"], "timeout must be more than 0 seconds"),
        ([CARTPOLE, CARTPOLE, "--suite", "nothing.py"], "there is no file nothing.py"),
        (["/"], "no environment is named '/'"),
    ],
)
def test_a_slip_on_the_command_line_is_4(arguments, message, capsys):
    assert main(["verify", *arguments, "--quick"]) == 4
    assert message in capsys.readouterr().err


def test_an_environment_that_is_only_half_there_is_4(capsys):
    """gymnax 1.0.1 registers FrozenLake without its observation (its pull request 104)."""
    pair = ["gymnasium:FrozenLake-v1", "gymnax:FrozenLake-misc"]
    assert main(["verify", *pair, "--quick"]) == 4
    said = capsys.readouterr().err
    assert "'gymnax:FrozenLake-misc' cannot be opened: it does not implement get_obs" in said


def test_a_candidate_that_breaks_when_it_is_made_has_failed(tmp_path, capsys):
    path = tmp_path / "made.py"
    path.write_text("def make(**_):\n    raise OSError('no screen')\n")
    assert main(["verify", CARTPOLE, f"env:{path}:make", "--quick"]) == 1
    said = capsys.readouterr().out
    assert "the candidate failed in" in said
    assert "opening it raised OSError: no screen" in said


def test_a_reference_that_does_not_start_leaves_the_question_open(tmp_path, capsys):
    path = tmp_path / "made.py"
    path.write_text("class Made:\n    def __init__(self):\n        raise OSError('no screen')\n")
    assert main(["verify", f"python:{path}:Made", CARTPOLE, "--quick"]) == 2
    said = capsys.readouterr().out
    assert "INCONCLUSIVE: L1 reference [default]: the reference failed" in said


# -- bugs of ours ----------------------------------------------------------------------------------


def test_a_bug_of_ours_is_70_and_its_traceback_is_kept(tmp_path, monkeypatch, capsys):
    def broken(_):
        raise RuntimeError("an odd state of things")

    monkeypatch.setitem(session.STAGES, "L3", broken)
    assert main(["verify", write(tmp_path, 'start="seed",'), "--quick", "--level", "L3"]) == 70
    said = capsys.readouterr().err
    assert said.startswith("envlift: a bug of envlift: RuntimeError: an odd state of things")
    kept = Path(said.partition("stands in ")[2].partition(";")[0])
    assert "Traceback (most recent call last)" in kept.read_text()
    kept.unlink()


def test_a_bug_elsewhere_is_70_too(monkeypatch, capsys):
    monkeypatch.setattr("envlift.registry.list_envs", lambda: {}["nothing"])
    assert main(["list"]) == 70
    said = capsys.readouterr().err
    assert said.startswith("envlift: a bug of envlift: KeyError")
    Path(said.partition("stands in ")[2].partition(";")[0]).unlink()


def test_numpys_complaints_are_no_sentences_of_ours(tmp_path, monkeypatch):
    monkeypatch.setitem(session.STAGES, "L3", lambda _: np.zeros(2) + np.zeros(3))
    with pytest.raises(InternalError, match="a bug of envlift: ValueError: operands could not"):
        verify(write(tmp_path, 'start="seed",'), quick=True, levels=["L3"])


def test_a_failure_survives_what_goes_wrong_after_it(tmp_path):
    suite = write(tmp_path, "random_states=broken,", "Wrong")
    kept = tmp_path / "kept"
    found = verify(suite, quick=True, levels=["L2"], lanes=2, fixtures=kept)
    assert found.verdict is Verdict.FAIL
    assert any(
        "the run ended early: the suite walk is wrong: random_states raised" in sentence
        for sentence in found.not_verified
    )


def test_a_component_that_neither_side_has_is_a_slip_of_the_suite(tmp_path, capsys):
    suite = write(tmp_path, 'components=(Component("hop", fields=(Field("to"),)),),')
    assert main(["verify", suite, "--quick", "--lanes", "2", "--level", "L1"]) == 4
    assert "neither side answers the component 'hop'; correct its name" in capsys.readouterr().err


def test_a_generated_number_that_its_field_cannot_hold_is_named(tmp_path, capsys):
    np_ = "__import__('numpy')"
    big = f"lambda rng, n, c: {{f: {np_}.full(n, 2**63 + 5, 'uint64') for f in ('x', 'gone')}}"
    suite = write(tmp_path, f"random_states={big},")
    assert main(["verify", suite, "--quick", "--lanes", "2", "--level", "L2"]) == 4
    assert "holds 9223372036854775813, which does not fit into int64" in capsys.readouterr().err


def test_a_state_or_an_action_that_its_dtype_cannot_hold_is_no_other_one():
    """Cast in silence, 1e39 is infinite and the choice 300 is 44, on both sides alike."""
    with pytest.raises(ValueError, match=r"x holds 1e\+39, which does not fit into float32"):
        argument("x", np.array([1.0, np.inf, 1e39]), (3,), ArraySpec((), "float32"))
    kept = argument("x", np.array([1.0, np.inf, np.nan]), (3,), ArraySpec((), "float32"))
    assert np.array_equal(kept, np.float32([1.0, np.inf, np.nan]), equal_nan=True)
    number = ArraySpec((), "int8")
    policy = Policy("p", lambda rng, observation, state: np.array([7, 300]))
    with pytest.raises(PairError, match="plays 300; a number that int8 holds is wanted"):
        chosen_actions(policy, SideSpec("s", number, number), None, np.zeros(2), {}, None)


def test_state_attributes_that_nobody_looks_for_are_refused(capsys):
    names = f"python:{FILE}:Walk", f"python:{FILE}:Walk"
    assert main(["verify", *names, "--state-attributes", "x,y"]) == 4
    assert "--state-attributes x,y is for gymnasium: and vector: sides" in capsys.readouterr().err


# -- what was asked for ----------------------------------------------------------------------------


def report(*checks, suite="walk"):
    return Report(suite, "r", "c", 7, checks=[Check(*check) for check in checks])


def test_pass_says_which_levels(capsys):
    passed = [("L2", "n", Verdict.PASS), ("L3", "n", Verdict.PASS), ("L4", "n", Verdict.SKIPPED)]
    assert report(*passed).scope == " (levels L2, L3)"
    bare = report(*passed, suite="default")
    assert bare.scope == " (random play, no suite): levels L2, L3"


def test_inconclusive_says_why():
    few = report(("L3", "lockstep", Verdict.INCONCLUSIVE, "no lane ended"))
    assert few.scope == ": L3 lockstep: no lane ended"
    assert report().scope == ": neither single transitions nor whole episodes were compared"


def test_the_verdict_and_what_it_leaves_out_come_first_and_the_verdict_last(tmp_path):
    found = report(("L3", "lockstep", Verdict.FAIL, "reward differs"))
    found.not_compared, found.not_verified = ["info"], ["long episodes"]
    path = tmp_path / "out.txt"
    with path.open("w") as stream:
        print_report(Console(file=stream, width=80), found)
    lines = [line for line in path.read_text().splitlines() if line]
    assert lines[:3] == [
        "FAIL (in L3)",
        "not compared: info",
        "not verified: long episodes",
    ]
    assert lines[-1] == "FAIL (in L3)  (repeat this run with --seed 7)"


def test_a_missing_package_is_no_pass(monkeypatch):
    """The suite asks for level 4: without what trains policies the question stays open."""
    from envlift.envs.pong.verification.suite import SUITE
    from envlift.verify.run.context import Effort

    def passes(context):
        with context.check("L3", "played") as check:
            check.verdict = Verdict.PASS

    stages = dict.fromkeys(session.STAGES, lambda _: None) | {"L3": passes}
    for name, stage in stages.items():
        monkeypatch.setitem(session.STAGES, name, stage)
    monkeypatch.setattr(training, "PACKAGES", ("no_such_package",))
    assert SUITE.transfer is not None
    request = session.Request(
        suite=SUITE,
        suite_source="pong",
        effort=Effort(lanes=2),
        fixtures=Path("nowhere"),
    )
    found = session.verify(request, Silent())
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "the suite asks for L4: there is no no_such_package: pip install " in found.scope


def test_a_level_asked_for_by_name_that_does_not_run_is_no_pass(tmp_path):
    path = write(tmp_path, 'start="seed",')
    found = verify(path, quick=True, levels=["L3", "L4"], lanes=2)
    assert found.level_verdict("L3") is Verdict.PASS
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.scope == ": L4 was asked for and did not run: the suite names no margin"


# -- interrupted -----------------------------------------------------------------------------------

CHILD = """
import sys
from envlift.verify.run import session

def waits(context):
    with context.check("L3", "played") as check:
        print("WAITING", flush=True)
        import time
        time.sleep(60)

session.STAGES["L3"] = waits
from envlift.cli import main
sys.exit(main(["verify", sys.argv[1], "--quick", "--level", "L3", "--json", sys.argv[2]]))
"""


@pytest.mark.parametrize(
    ("number", "before"), [(signal.SIGTERM, None), (signal.SIGINT, '{"whole": true}')]
)
def test_what_ends_the_run_keeps_what_was_found(number, before, tmp_path):
    """A report that is there already stays; the new one, which is not whole, stands beside it."""
    kept = tmp_path / "report.json"
    if before is not None:
        kept.write_text(before)
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CHILD), write(tmp_path, 'start="seed",'), str(kept)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ},
    )
    assert child.stdout is not None
    for line in child.stdout:
        if "WAITING" in line:
            break
    child.send_signal(number)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 2, err
    assert "interrupted, this is what was found so far" in out
    assert "Traceback" not in err
    if before is not None:
        assert kept.read_text() == before
        kept = tmp_path / "report.interrupted.json"
        assert str(kept) in out
    assert json.loads(kept.read_text())["interrupted"] is True


# -- a case from another folder --------------------------------------------------------------------


def test_a_case_is_played_again_from_any_folder(tmp_path, monkeypatch, capsys):
    write(tmp_path, 'start="seed",', "Wrong")
    monkeypatch.chdir(tmp_path)
    assert main(["verify", "suite.py", "--quick", "--lanes", "2", "--level", "L3"]) == 1
    (case,) = (tmp_path / "envlift-fixtures").glob("*.jsonl")
    monkeypatch.chdir("/")
    assert main(["repro", str(case)]) == 1
    assert "there is no file" not in capsys.readouterr().err
    assert Path.cwd() == Path("/")


def test_the_error_of_a_callback_in_jax_is_told_without_its_traceback():
    class JaxRuntimeError(RuntimeError):
        """As JAX's: its words hold the traceback of what was raised."""

    words = "INTERNAL: CpuCallback\nTraceback (most recent call last):\n  File\nKeyError: 'lost'"
    assert _explain(JaxRuntimeError(words))["error"] == "JaxRuntimeError: KeyError: 'lost'"
