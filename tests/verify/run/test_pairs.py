"""Any pair of environments: the two committed examples, from the command line."""

from __future__ import annotations

import json

import pytest

from envlift.cli import main
from envlift.verify.run.context import QUICK
from envlift.verify.run.progress import Silent
from envlift.verify.run.session import Request, verify
from envlift.verify.suite.find import find_suite


@pytest.fixture
def run(tmp_path, capsys):
    def run(*arguments):
        report = tmp_path / "report.json"
        where = ["--json", str(report), "--fixtures", str(tmp_path / "fixtures")]
        code = main([*arguments, *where])
        return code, json.loads(report.read_text()), capsys.readouterr().out

    return run


def test_the_functional_cartpole_fails_at_its_first_wrong_field(run, tmp_path, capsys):
    code, report, out = run(
        "verify", "gymnasium:CartPole-v1", "examples/cartpole_phys2d.py", "--quick"
    )
    assert code == 1
    assert report["verdict"] == "FAIL"
    spaces, *failed = [c for c in report["checks"] if c["verdict"] == "FAIL"]
    assert spaces["detail"].startswith("observation space, high: the reference has [4.8")
    # The first step of an episode may be its last one: then the field is that of its end.
    fields = {c["divergence"]["field"].removeprefix("final ") for c in failed}
    assert fields == {"state.x_dot"}
    assert {c["divergence"]["step"] for c in failed} == {1}
    assert all(abs(c["divergence"]["difference"]) > 0.1 for c in failed)
    fixtures = sorted((tmp_path / "fixtures").glob("*.jsonl"))
    assert fixtures
    assert f"envlift repro {fixtures[0]}".split("/")[-1] in out
    assert main(["repro", str(fixtures[0])]) == 1
    again = capsys.readouterr().out
    assert "state.x_dot at step 1" in again


def test_gymnax_cartpole_passes(run):
    code, report, _ = run(
        "verify", "gymnasium:CartPole-v1", "examples/cartpole_gymnax.py", "--quick"
    )
    assert code == 0, [c for c in report["checks"] if c["verdict"] != "PASS"]
    rollouts = [c["counts"] for c in report["checks"] if c["name"].startswith("lockstep")]
    assert sum(c["steps"] for c in rollouts) >= 2_000
    assert sum(c["episodes"] for c in rollouts) >= 20


def test_a_state_of_other_fields_is_not_written_into_a_jax_environment(run):
    """Nor is that the end of the run: its starts after an end come from its own play."""
    pair = "gymnasium:CartPole-v1", "gymnax:CartPole-v1"
    _, report, _ = run("verify", *pair, "--quick", "--level", "resets")
    (check,) = [c for c in report["checks"] if c["name"] == "starts after an end"]
    assert check["verdict"] == "PASS"
    assert check["counts"]["episodes"] > 100


def test_a_pair_without_a_suite_says_that_it_was_compared_loosely(run):
    code, report, _ = run(
        "verify", "gymnasium:CartPole-v1", "gymnasium:CartPole-v1", "--quick", "--level", "L3"
    )
    assert code == 0
    assert any("no suite was given" in sentence for sentence in report["not_verified"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["verify", "pnog"], "no environment is named 'pnog'; known: gameboy, half_cheetah, "),
        (["verify", "a", "b", "c"], "verify takes NAME or REF CAND"),
        (["verify", "nothing.py"], "there is no file nothing.py"),
        (["verify", "gymnasium:CartPole-v1", "nonsense"], "'nonsense' is not a candidate"),
        (["verify", "pong", "--config", "x"], "no configuration 'x'; pong has discrete"),
        (["repro", "nothing.jsonl"], "nothing.jsonl"),
        (["verify", "gymnasium:CartPole-v1", "pong"], "the actions differ"),
    ],
)
def test_bad_usage_exits_with_4_and_says_what_to_do(arguments, message, capsys):
    assert main(arguments) == 4
    assert message in capsys.readouterr().err


def test_unknown_options_exit_with_4():
    with pytest.raises(SystemExit) as stop:
        main(["verify", "pong", "--nonsense"])
    assert stop.value.code == 4


VECTOR = "tests/verify/envs/vector_cartpole.py"


def test_a_vector_environment_is_compared_seed_for_seed(run):
    code, report, _ = run("verify", "gymnasium:CartPole-v1", VECTOR, "--quick")
    assert code == 0, [c for c in report["checks"] if c["verdict"] != "PASS"]
    names = {c["name"]: c for c in report["checks"]}
    assert names["lockstep: random play"]["counts"]["episodes"] >= 16
    assert names["transitions"]["verdict"] == "SKIPPED"


def test_a_wrong_vector_environment_fails(run):
    arguments = ("gymnasium:CartPole-v1", f"vector:{VECTOR}:heavy", "--suite", VECTOR)
    code, report, _ = run("verify", *arguments, "--quick", "--level", "L3")
    assert code == 1
    failed = [c for c in report["checks"] if c["verdict"] == "FAIL"]
    assert failed[0]["divergence"]["field"] == "observation[1]"
    assert failed[0]["divergence"]["step"] == 1


@pytest.mark.parametrize(
    ("candidate", "said"), [("right_in_a_few", "with 131 lanes"), ("right_at_first", "with 1 lane")]
)
def test_a_vector_environment_that_is_right_in_some_batches_alone_fails(candidate, said, tmp_path):
    suite, source = find_suite(VECTOR)
    request = Request(
        suite.with_pair(None, f"vector:{VECTOR}:{candidate}"),
        source,
        QUICK,
        tmp_path,
        levels=("L3",),
        minimise=False,
        ask_reference=False,
    )
    (failed,) = [c for c in verify(request, Silent()).checks if c.verdict == "FAIL"]
    assert failed.name == "batches of other sizes"
    assert f"{said}, reward differs" in failed.detail


def test_a_vector_environment_that_resets_within_the_step_is_compared_seed_for_seed(run):
    arguments = ("gymnasium:CartPole-v1", f"vector:{VECTOR}:same_step", "--suite", VECTOR)
    code, report, _ = run("verify", *arguments, "--quick", "--level", "L3")
    assert code == 0, [c for c in report["checks"] if c["verdict"] != "PASS"]
    played = [c for c in report["checks"] if c["name"].startswith("lockstep")]
    assert played[0]["counts"]["episodes"] >= 16


def test_one_that_takes_no_seeds_for_that_is_compared_as_distributions(run):
    arguments = ("gymnasium:CartPole-v1", f"vector:{VECTOR}:same_step_alone", "--suite", VECTOR)
    code, report, _ = run("verify", *arguments, "--quick", "--level", "L3")
    assert code == 0, [c for c in report["checks"] if c["verdict"] != "PASS"]
    names = {c["name"]: c for c in report["checks"]}
    assert "by no seed that it is given" in names["the reference with itself"]["detail"]
    assert names["episodes as distributions"]["verdict"] == "PASS"
    assert names["features reached"]["detail"] == "every one"
    assert report["features"]["falls"] >= 100


def test_a_vector_environment_that_resets_in_a_step_of_its_own_is_refused(capsys):
    arguments = ["gymnasium:CartPole-v1", f"vector:{VECTOR}:next_step", "--suite", VECTOR]
    assert main(["verify", *arguments]) == 4
    assert "SAME_STEP or DISABLED" in capsys.readouterr().err
