"""Which mutants are judged, in which order, by which levels, and what an interrupted run leaves."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from envlift.cli import main
from envlift.verify.mutation import judge as judging
from envlift.verify.mutation import run
from envlift.verify.mutation.judge import LEVELS
from envlift.verify.run.result import Verdict
from envlift.verify.suite import Config, Suite
from envlift.verify.suite.find import find_suite

RULES = "def frame(x):\n    speed = x * 2\n    return speed < 13\n"


@pytest.fixture
def broken():
    """Whether the judge finds fault with the rules as they are, too."""
    return False


@pytest.fixture
def judged(tmp_path, monkeypatch, broken):
    """A Pong of three lines, and a judge that notes the faults it is shown and notices them all."""
    folder = tmp_path / "package" / "envs" / "pong"
    (folder / "rules").mkdir(parents=True)
    (folder / "env.py").write_text("")
    (folder / "rules" / "jax.py").write_text(RULES)
    (folder / "verification").mkdir()
    seen = []

    def answer(command, cwd, **_):
        caught = dict.fromkeys(LEVELS)
        shown = (cwd / "envlift" / "envs" / "pong" / "rules" / "jax.py").read_text()
        if broken or shown != (folder / "rules" / "jax.py").read_text():
            seen.append(json.loads(command[-1]))
            caught["L2"] = "frame: 2 != 3"
        return SimpleNamespace(returncode=0, stdout=json.dumps(caught) + "\n", stderr="")

    monkeypatch.setattr(run, "PACKAGE", tmp_path / "package")
    everything = run.all_mutants
    monkeypatch.setattr(
        run, "all_mutants", lambda name, backend: everything(name, backend, run.PACKAGE)
    )
    monkeypatch.setattr(run.subprocess, "run", answer)
    return seen


def mutate(*arguments):
    return main(["mutate", "pong", "--backend", "jax", "--jobs", "1", *arguments])


def ids(path):
    return [row["id"] for row in json.loads(path.read_text())["mutants"]]


def test_a_larger_sample_begins_with_the_smaller_one(judged, tmp_path):
    total = len(run.all_mutants("pong", "jax"))
    assert total > 5
    for name, limit in (("few", 2), ("more", 4), ("all", total)):
        mutate("--json", str(tmp_path / name), "--limit", str(limit))
    assert len(ids(tmp_path / "few")) == 2
    assert ids(tmp_path / "more")[:2] == ids(tmp_path / "few")
    assert ids(tmp_path / "all")[:4] == ids(tmp_path / "more")
    in_order = [mutant.id for mutant in run.all_mutants("pong", "jax")]
    assert sorted(ids(tmp_path / "all")) == sorted(in_order)
    assert ids(tmp_path / "all") != in_order


def test_a_resumed_run_judges_what_is_left(judged, tmp_path, capsys):
    path = tmp_path / "result.json"
    mutate("--json", str(path), "--limit", "2")
    before = ids(path)
    judged.clear()
    mutate("--json", str(path), "--resume")
    total = len(run.all_mutants("pong", "jax"))
    assert "2 of them were judged before" in capsys.readouterr().out
    assert len(judged) == total - 2
    assert ids(path)[:2] == before
    assert len(set(ids(path))) == total
    assert json.loads(path.read_text())["score"] == 1.0
    judged.clear()
    assert mutate("--json", str(path), "--resume") == 0
    assert judged == []


def test_a_change_made_in_two_places_is_judged_in_both(judged, tmp_path):
    rules = run.PACKAGE / "envs" / "pong" / "rules" / "jax.py"
    rules.write_text(RULES + RULES.replace("frame", "again"))
    path = tmp_path / "result.json"
    mutate("--json", str(path))
    data = json.loads(path.read_text())
    left_out = data["mutants"].pop()
    assert left_out["id"] in [row["id"] for row in data["mutants"]]
    path.write_text(json.dumps(data))
    judged.clear()
    mutate("--json", str(path), "--resume")
    assert len(judged) == 1
    assert json.loads(path.read_text())["mutants"][-1] == left_out


def test_a_resumed_run_reads_the_explanations_anew(judged, tmp_path, capsys):
    path, folder = tmp_path / "result.json", run.PACKAGE / "envs" / "pong" / "verification"
    mutate("--json", str(path), "--limit", "1")
    (folder / "mutants.toml").write_text(
        f'[[mutant]]\nid = "{ids(path)[0]}"\nverdict = "equivalent"\nreason = "so they say"\n'
    )
    assert mutate("--json", str(path), "--limit", "1", "--resume") != 0
    assert "written down as equivalent but was caught" in capsys.readouterr().out
    assert json.loads(path.read_text())["mutants"][0]["explained"] == "so they say"


@pytest.mark.parametrize("change", ["rules", "--first", "--config=discrete", "no result"])
def test_another_run_is_not_resumed(judged, tmp_path, capsys, change):
    path = tmp_path / "result.json"
    mutate("--json", str(path), "--limit", "2")
    if change == "rules":
        rules = run.PACKAGE / "envs" / "pong" / "rules" / "jax.py"
        rules.write_text(RULES.replace("x * 2", "x * 7").replace("13", "17"))
    if change == "no result":
        path.write_text("{}")
    before = path.read_text()
    assert mutate("--json", str(path), "--resume", *([change] if change[0] == "-" else [])) != 0
    text = capsys.readouterr().err
    assert str(path) in text.replace("\n", "")
    assert path.read_text() == before


@pytest.mark.parametrize("broken", [True])
def test_rules_that_fail_without_a_fault_get_no_score(judged, tmp_path, capsys, broken):
    path = tmp_path / "result.json"
    assert mutate("--json", str(path)) != 0
    text = " ".join(capsys.readouterr().err.split())
    assert "without any fault, at L2: frame: 2 != 3" in text
    assert len(judged) == 1
    assert not path.exists()


def test_what_is_resumed_has_a_name(judged, capsys):
    assert mutate("--resume") != 0
    assert "--json" in capsys.readouterr().err


@pytest.mark.parametrize("first", [False, True])
def test_the_judge_is_told_whether_the_first_notice_is_enough(judged, tmp_path, first):
    path = tmp_path / "result.json"
    mutate("--json", str(path), "--limit", "1", *(["--first"] if first else []))
    assert [request["first"] for request in judged] == [first]
    assert json.loads(path.read_text())["first"] is first


def test_the_judge_is_told_the_configurations(judged, tmp_path, capsys):
    path = tmp_path / "result.json"
    names = [config.name for config in find_suite("pong")[0].configs]
    mutate("--json", str(path), "--limit", "1")
    mutate("--json", str(path), "--limit", "1", "--config", names[1], "--config", names[0])
    # As the suite orders them.
    assert [request["configs"] for request in judged] == [[], names[:2]]
    assert json.loads(path.read_text())["configs"] == names[:2]
    judged.clear()
    assert mutate("--json", str(path), "--config", "nowhere") != 0
    text = capsys.readouterr().err
    assert "'nowhere'" in text
    assert names[0] in text
    assert judged == []


def verdicts(monkeypatch, failing):
    """Let ``verify`` fail the levels in ``failing``; return what it was asked for."""
    asked = []
    configs = (Config("single", {}), Config("double", {}, x64=True))
    suite = Suite("pong", "python:nobody:Reference", "pong", configs=configs)

    def verify(request, _):
        asked.append((request.levels, list(request.configs)))
        checks = [
            SimpleNamespace(
                level=level,
                name=level,
                detail="it differs",
                verdict=Verdict.FAIL if level in failing else Verdict.PASS,
            )
            for level in request.levels
        ]
        return SimpleNamespace(checks=checks)

    monkeypatch.setattr(judging, "verify", verify)
    monkeypatch.setattr(judging, "find_suite", lambda name: (suite, ""))
    return asked


@pytest.mark.parametrize("failing", [set(), {"L1", "L3"}, {"L3"}])
@pytest.mark.parametrize("first", [False, True])
def test_the_levels_a_mutant_is_shown_to(monkeypatch, tmp_path, first, failing):
    asked = verdicts(monkeypatch, failing)
    answers = judging.judge("pong", {}, 1, str(tmp_path), first)
    if not first:
        assert asked == [(LEVELS, ["single", "double"])]
        noticed = failing
    else:
        rest = [] if "L1" in failing else [(LEVELS[1:], ["double", "single"])]
        assert asked == [(("L1",), ["double", "single"]), *rest]
        noticed = {"L1"} if "L1" in failing else failing
    assert {level for level, what in answers.items() if what} == noticed


@pytest.mark.parametrize("first", [False, True])
def test_a_mutant_is_judged_in_the_named_configurations_alone(monkeypatch, tmp_path, first):
    asked = verdicts(monkeypatch, set())
    judging.judge("pong", {}, 1, str(tmp_path), first, ["single"])
    assert {tuple(configs) for _, configs in asked} == {("single",)}
