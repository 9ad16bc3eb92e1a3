"""A committed mutation result that speaks of other rules is noticed without judging anything."""

from __future__ import annotations

import json

import pytest

from envlift.cli import main
from envlift.sources import hashes
from envlift.verify.mutation import check
from envlift.verify.mutation.result import Judged, Result
from envlift.verify.mutation.run import one_place_mutants

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
    for backend in ("jax", "warp"):
        record(tmp_path, backend)
    monkeypatch.setattr(check, "PACKAGE", tmp_path)
    return tmp_path


def record(package, backend):
    """Write a result as ``envlift mutate`` does."""
    mutants = one_place_mutants("pong", backend, package)
    assert len(mutants) > 5
    result = Result("pong", backend, [Judged(mutant, {"L3": "x"}) for mutant in mutants])
    result.sources = hashes(package / "envs" / "pong")
    result.write(recorded(package, backend))


def recorded(package, backend):
    return package / "envs" / "pong" / "verification" / f"mutation-{backend}.json"


def run(capsys, *arguments):
    code = main(["mutate", *arguments, "--check"])
    return code, capsys.readouterr().out


def test_results_of_what_lies_beside_them_pass(package, capsys):
    code, out = run(capsys, "pong")
    assert code == 0
    assert out.splitlines() == [
        f"pong: mutation-{backend}.json is of what lies beside it" for backend in ("jax", "warp")
    ]


@pytest.mark.parametrize(
    ("file", "what"),
    [
        ("envs/pong/env.py", "rules"),
        ("envs/pong/rules/warp.py", "rules"),
        ("envs/pong/verification/suite.py", "suite"),
        ("envs/pong/verification/corpus/x.jsonl", "suite"),
        ("envs/pong/reference/adapter.c", "reference"),
        ("targets/chance.py", "contract"),
        ("env.py", "contract"),
    ],
)
def test_a_result_of_something_else_is_noticed(package, capsys, file, what):
    path = package / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x = 9\n")
    code, out = run(capsys, "pong", "--backend", "jax")
    assert code == 1
    assert out == (
        f"the {what} of pong changed after mutation-jax.json was made; "
        "run `envlift mutate pong --backend jax --json FILE`\n"
    )


def test_an_older_verifier_is_said_and_is_no_fault(package, capsys):
    (package / "verify").mkdir()
    (package / "verify" / "compare.py").write_text("x = 9\n")
    code, out = run(capsys, "pong", "--backend", "jax")
    date = json.loads(recorded(package, "jax").read_text())["date"]
    assert code == 0
    assert out == f"pong: mutation-jax.json is of an older verifier ({date})\n"


@pytest.mark.parametrize(
    "file", ["verify/mutation/run.py", "envs/pong/verification/mutants.toml", "envs/pong/CARD.md"]
)
def test_what_no_verdict_rests_on_changes_nothing(package, capsys, file):
    path = package / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x = 9\n")
    (package / "envs" / "pong" / "env.py").write_text("# a comment\n\n" + SHARED)
    code, out = run(capsys, "pong", "--backend", "jax")
    assert (code, out) == (0, "pong: mutation-jax.json is of what lies beside it\n")


def test_a_result_that_names_no_files_is_noticed(package, capsys):
    path = recorded(package, "jax")
    data = json.loads(path.read_text())
    del data["sources"]["suite"]
    path.write_text(json.dumps(data))
    code, out = run(capsys, "pong", "--backend", "jax")
    assert code == 1
    assert out.startswith("mutation-jax.json does not say with which suite it was made; run `")


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


def test_a_result_that_counted_otherwise_is_noticed(package, capsys):
    path = recorded(package, "jax")
    data = json.loads(path.read_text())
    path.write_text(json.dumps(data | {"schema_version": 1}))
    code, out = run(capsys, "pong", "--backend", "jax")
    assert code == 1
    assert out.startswith("mutation-jax.json was written by an older version, which counted other")
