"""A committed mutation result that speaks of other rules is noticed without judging anything."""

from __future__ import annotations

import json

import pytest

from envlift.cli import main
from envlift.verify.mutation import check
from envlift.verify.mutation.run import Judged, Result, _write, all_mutants

SHARED = "def reward(x):\n    return x + 1\n"
RULES = "def frame(x):\n    speed = x * 2\n    return speed < 13\n"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package whose Pong is a few lines, with a result for each target."""
    folder = tmp_path / "envs" / "pong"
    (folder / "rules").mkdir(parents=True)
    (folder / "env.py").write_text(SHARED)
    for backend in ("jax", "warp"):
        (folder / "rules" / f"{backend}.py").write_text(RULES)
        record(tmp_path, backend)
    monkeypatch.setattr(check, "PACKAGE", tmp_path)
    return tmp_path


def record(package, backend, drop=0):
    """Write a result as ``envlift mutate`` does, of all mutants or of all but the first few."""
    mutants = all_mutants("pong", backend, package)
    assert len(mutants) > 5
    result = Result("pong", backend, [Judged(mutant, {"L3": "x"}) for mutant in mutants[drop:]])
    _write(recorded(package, backend), result, len(mutants))


def recorded(package, backend):
    return package / "envs" / "pong" / "verification" / f"mutation-{backend}.json"


def run(capsys, *arguments):
    code = main(["mutate", *arguments, "--check"])
    return code, capsys.readouterr().out


def test_results_of_the_rules_as_they_are_pass(package, capsys):
    record(package, "warp", drop=3)
    code, out = run(capsys, "pong")
    assert code == 0
    assert out.splitlines() == [
        f"pong: mutation-{backend}.json is of the rules as they are" for backend in ("jax", "warp")
    ]


def test_a_changed_rule_is_noticed_for_its_target_alone(package, capsys):
    rules = package / "envs" / "pong" / "rules" / "warp.py"
    rules.write_text(RULES.replace("x * 2", "x * 3"))
    code, out = run(capsys, "pong")
    assert code == 1
    good, wrong = out.splitlines()
    assert good.startswith("pong: mutation-jax.json")
    assert wrong.startswith("mutation-warp.json holds ")
    assert "mutants that pong [warp] does not have (" in wrong
    assert wrong.endswith("run `envlift mutate pong --backend warp --json FILE`")
    assert run(capsys, "pong", "--backend", "jax")[0] == 0


def test_a_new_rule_is_noticed_though_every_old_mutant_is_still_there(package, capsys):
    shared = package / "envs" / "pong" / "env.py"
    before = {backend: len(all_mutants("pong", backend, package)) for backend in ("jax", "warp")}
    shared.write_text(SHARED + "\n\ndef ended(x):\n    return x > 20\n")
    code, out = run(capsys, "pong")
    assert code == 1
    for backend, count in before.items():
        now = len(all_mutants("pong", backend, package))
        assert now > count
        assert (
            f"mutation-{backend}.json is about {count} mutants, pong [{backend}] has {now}" in out
        )
    assert "holds" not in out


def test_moving_a_rule_to_another_line_changes_nothing(package, capsys):
    (package / "envs" / "pong" / "env.py").write_text("# a comment\n\n" + SHARED)
    assert run(capsys)[0] == 0


def test_a_file_that_is_no_result_is_bad_usage(package, capsys):
    path = recorded(package, "jax")
    path.write_text(json.dumps({"mutants": []}))
    assert main(["mutate", "--check"]) == 4
    assert "mutation-jax.json is no result of `envlift mutate --json`" in capsys.readouterr().err


def test_nothing_recorded_is_said(package, capsys):
    for backend in ("jax", "warp"):
        recorded(package, backend).unlink()
    assert run(capsys, "pong") == (0, "pong has no committed mutation result\n")


def test_without_check_a_name_is_needed(capsys):
    assert main(["mutate"]) == 4
    assert "needs the name of an environment, or --check" in capsys.readouterr().err
