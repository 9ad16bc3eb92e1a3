"""Which mutants are judged, what becomes of each, what counts, what an interrupted run leaves."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from envlift.cli import main
from envlift.report.facts import read_mutation
from envlift.verify.mutation import judge as judging
from envlift.verify.mutation import run
from envlift.verify.mutation.judge import LEVELS
from envlift.verify.mutation.operators import Mutant
from envlift.verify.mutation.result import Outcome, Proof, wilson
from envlift.verify.mutation.run import judged_by
from envlift.verify.mutation.workers import Answer
from envlift.verify.run.result import Verdict
from envlift.verify.suite import Config, Suite
from envlift.verify.suite.find import find_suite

RULES = "def frame(x):\n    speed = x * 2\n    return speed < 13\n"
CAUGHT = {"caught": {"L2": "frame: 2 != 3"}, "invalid": None, "unjudged": None}
UNSEEN = {"caught": dict.fromkeys(LEVELS), "invalid": None, "unjudged": None}


def answer(line, status=0, seconds=1.0, log=""):
    return Answer([{"begun": "L1"}, line] if line else [], status, log, seconds)


class Judge:
    """Stands for the processes: notes what it is asked and notices every fault.

    ``says`` may hold other answers, by what the mutant changes.
    """

    def __init__(self):
        self.asked = []
        self.limits = []
        self.says = {}
        self.proofs = []
        self.without = UNSEEN

    def ask(self, mutant, request, limit):
        if "proof" in request:
            self.proofs.append(mutant)
            return answer(None)
        if mutant is None:
            return answer(self.without)
        self.asked.append(request)
        self.limits.append(limit)
        for part, said in self.says.items():
            if part in mutant.diff:
                return said.pop(0) if isinstance(said, list) else said
        return answer(CAUGHT)


@pytest.fixture
def judge(tmp_path, monkeypatch):
    """A Pong of three lines, and what stands for the processes that judge it."""
    folder = tmp_path / "package" / "envs" / "pong"
    (folder / "rules").mkdir(parents=True)
    (folder / "env.py").write_text("")
    (folder / "rules" / "jax.py").write_text(RULES)
    (folder / "verification").mkdir()
    found = Judge()

    class Workers:
        def __init__(self, package, folder, count, modules):
            self.folder = folder
            self.proving = SimpleNamespace(__enter__=None)
            self.ask = found.ask

        def stop(self):
            pass

        def close(self):
            pass

    monkeypatch.setattr(run, "PACKAGE", tmp_path / "package")
    everything = run.all_mutants
    monkeypatch.setattr(
        run, "all_mutants", lambda name, backend: everything(name, backend, run.PACKAGE)
    )
    monkeypatch.setattr(run, "Workers", Workers)
    monkeypatch.setattr(run, "_prove", lambda workers, plan, mutant: Proof(64, "reward differs"))
    return found


def mutate(*arguments):
    return main(["mutate", "pong", "--backend", "jax", "--jobs", "1", *arguments])


def rows(path):
    return json.loads(path.read_text())["mutants"]


def ids(path):
    return [row["id"] for row in rows(path)]


def explain(verdict, *names):
    path = run.PACKAGE / "envs" / "pong" / "verification" / "mutants.toml"
    row = '[[mutant]]\nid = "{}"\nverdict = "{}"\nreason = "so they say"\n'
    path.write_text("".join(row.format(name, verdict) for name in names))


def test_a_larger_sample_begins_with_the_smaller_one(judge, tmp_path):
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


def test_a_sample_is_of_so_many_real_mutants(judge, tmp_path, capsys):
    broken = {"caught": {}, "invalid": "NameError: speed", "unjudged": None}
    judge.says = {"pass": answer(broken)}
    path = tmp_path / "result.json"
    total = len(run.all_mutants("pong", "jax"))
    dropped = sum("pass" in mutant.diff for mutant in run.all_mutants("pong", "jax"))
    assert dropped > 0
    mutate("--json", str(path), "--limit", str(total - dropped))
    data = json.loads(path.read_text())
    assert data["counts"]["caught"] == total - dropped
    assert 0 < data["counts"]["invalid"] <= dropped
    assert data["seed"] == 0
    assert sum(data["of"].values()) == total


def test_only_what_is_caught_or_survives_counts(judge, capsys):
    broken = {"caught": {}, "invalid": "NameError: speed", "unjudged": None}
    judge.says = {
        "pass": answer(broken),
        "14": answer(UNSEEN),
        ">=": answer(None, status=None, seconds=9.0),
    }
    path = run.PACKAGE / "envs" / "pong" / "verification" / "mutation-jax.json"
    assert mutate("--json", str(path)) == 1
    data, total = json.loads(path.read_text()), len(run.all_mutants("pong", "jax"))
    counts = data["counts"]
    assert counts["survived"] == counts["timeout"] == 1
    assert counts["invalid"] >= 1
    assert counts["caught"] == total - 2 - counts["invalid"]
    assert data["score"] == counts["caught"] / (counts["caught"] + 1)
    assert data["interval"] is None, "all of them were judged"
    out = " ".join(capsys.readouterr().out.split())
    assert f"{counts['caught']} of {counts['caught'] + 1} real mutants caught" in out
    assert "it is no equivalent: reward differs" in out
    found = read_mutation(path)
    assert (found.caught, found.judged) == (counts["caught"], counts["caught"] + 1)
    assert (found.invalid, found.timeouts, found.seen) == (counts["invalid"], 1, total)
    assert not found.older, "by the verifier of the package that it lies in"
    with pytest.raises(ValueError, match="lies in no envs/NAME/verification/"):
        read_mutation(path.rename(run.PACKAGE / "mutation-jax.json"))


def test_who_ran_out_of_time_is_judged_again_alone_and_longer(judge, tmp_path):
    late = answer(None, status=None, seconds=9.0)
    unclear = answer(UNSEEN | {"unjudged": "reference [x]: no answer in 60 s"})
    judge.says = {">=": [late, answer(CAUGHT)], "14": [unclear, unclear]}
    path = tmp_path / "result.json"
    mutate("--json", str(path))
    assert len(judge.limits) == len(run.all_mutants("pong", "jax")) + 2
    assert judge.limits[-1] == judge.limits[-2] == run.ALONE * judge.limits[0]
    outcomes = {row["diff"].splitlines()[-1]: row["outcome"] for row in rows(path)}
    assert outcomes["+    return speed >= 13"] == "caught"
    assert outcomes["+    return speed < 14"] == "timeout"
    assert [row.get("reason") for row in rows(path) if row["outcome"] == "timeout"] == [
        "reference [x]: no answer in 60 s"
    ]


@pytest.mark.parametrize("verdict", ["equivalent", "survivor"])
@pytest.mark.parametrize("differs", [None, "reward differs"])
def test_an_equivalent_is_written_down_and_no_bit_differs(
    judge, tmp_path, capsys, monkeypatch, verdict, differs
):
    monkeypatch.setattr(run, "_prove", lambda workers, plan, mutant: Proof(64, differs))
    judge.says = {"14": answer(UNSEEN)}
    one = next(m.id for m in run.all_mutants("pong", "jax") if "14" in m.diff)
    explain(verdict, one)
    path = tmp_path / "result.json"
    code = mutate("--json", str(path))
    (row,) = (row for row in rows(path) if row["id"] == one)
    equivalent = verdict == "equivalent" and differs is None
    assert row["outcome"] == ("equivalent" if equivalent else "survived")
    assert row["proof"] == {"states": 64, "differs": differs}
    assert row["explained"] == "so they say"
    said = " ".join(capsys.readouterr().out.split())
    wrong = verdict == "equivalent" and differs is not None
    assert ("written down as equivalent but was seen to differ" in said) == wrong
    assert ("no bit differed in 64 states" in said) == (verdict == "survivor" and differs is None)
    assert code == (0 if equivalent else 1)


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (answer(CAUGHT), Outcome.CAUGHT),
        (answer(UNSEEN), Outcome.SURVIVED),
        (answer(UNSEEN | {"invalid": "TypeError: x"}), Outcome.INVALID),
        (answer(UNSEEN | {"unjudged": "reference: gone"}), Outcome.TIMEOUT),
        (answer(None, status=None), Outcome.TIMEOUT),
        # It cannot be imported, or dies before anything was compared.
        (answer(None, status=1, log="NameError: x"), Outcome.INVALID),
        (Answer([{"begun": "L2"}], -11, "", 1.0), Outcome.CAUGHT),
    ],
)
def test_what_an_answer_means(found, outcome):
    judged = judged_by(found, Mutant("env.py", 1, "constant", "", "+x"), None)
    assert judged.outcome is outcome
    if found.log:
        assert judged.reason == "the process ended with 1: NameError: x"
    if found.status == -11:
        assert judged.caught == {"L2": "the process ended with -11: "}


def test_the_interval_of_a_share():
    # Wilson's own, computed by another program (R's binom.confint, 95 %).
    low, high = wilson(19, 20)
    assert (round(low, 4), round(high, 4)) == (0.7639, 0.9911)
    assert wilson(5, 5)[1] == 1.0
    assert 0.56 < wilson(5, 5)[0] < 0.57
    assert wilson(0, 5)[0] == 0.0


def test_the_interval_is_that_of_a_sample(judge, tmp_path, capsys):
    path = tmp_path / "result.json"
    mutate("--json", str(path), "--limit", "3", "--seed", "5")
    data = json.loads(path.read_text())
    assert data["interval"] == list(wilson(3, 3))
    assert "a random sample (seed 5) of" in " ".join(capsys.readouterr().out.split())


def test_a_resumed_run_judges_what_is_left(judge, tmp_path, capsys):
    path = tmp_path / "result.json"
    mutate("--json", str(path), "--limit", "2")
    before = ids(path)
    judge.asked.clear()
    mutate("--json", str(path), "--resume")
    total = len(run.all_mutants("pong", "jax"))
    assert "2 of them were judged before" in capsys.readouterr().out
    assert len(judge.asked) == total - 2
    assert ids(path)[:2] == before
    assert len(set(ids(path))) == total
    assert json.loads(path.read_text())["score"] == 1.0
    judge.asked.clear()
    assert mutate("--json", str(path), "--resume") == 0
    assert judge.asked == []


def test_a_resumed_run_keeps_what_was_found(judge, tmp_path):
    judge.says = {"14": answer(UNSEEN), ">=": answer(None, status=None), "pass": answer(None, 1)}
    path, again = tmp_path / "result.json", tmp_path / "again.json"
    mutate("--json", str(path))
    again.write_text(path.read_text())
    mutate("--json", str(again), "--resume")
    assert json.loads(again.read_text()) == json.loads(path.read_text())


def test_a_change_made_in_two_places_is_judged_in_both(judge, tmp_path):
    rules = run.PACKAGE / "envs" / "pong" / "rules" / "jax.py"
    rules.write_text(RULES + RULES.replace("frame", "again"))
    path = tmp_path / "result.json"
    mutate("--json", str(path))
    data = json.loads(path.read_text())
    left_out = data["mutants"].pop()
    assert left_out["id"] in [row["id"] for row in data["mutants"]]
    path.write_text(json.dumps(data))
    judge.asked.clear()
    mutate("--json", str(path), "--resume")
    assert len(judge.asked) == 1
    assert rows(path)[-1] == left_out


def test_a_resumed_run_reads_the_explanations_anew(judge, tmp_path, capsys):
    path = tmp_path / "result.json"
    mutate("--json", str(path), "--limit", "1")
    explain("equivalent", ids(path)[0])
    # Hashes leave explanations out, so that writing one does not cost a run.
    assert mutate("--json", str(path), "--limit", "1", "--resume") != 0
    assert "written down as equivalent but was caught" in capsys.readouterr().out
    assert rows(path)[0]["explained"] == "so they say"


@pytest.mark.parametrize(
    "change",
    ["rules", "verifier", "--every-level", "--config=discrete", "--seed=1", "no result", "old"],
)
def test_another_run_is_not_resumed(judge, tmp_path, capsys, change):
    path = tmp_path / "result.json"
    mutate("--json", str(path), "--limit", "2")
    if change == "rules":
        rules = run.PACKAGE / "envs" / "pong" / "rules" / "jax.py"
        rules.write_text(RULES.replace("x * 2", "x * 7").replace("13", "17"))
    if change == "verifier":
        (run.PACKAGE / "verify").mkdir()
        (run.PACKAGE / "verify" / "compare.py").write_text("x = 1\n")
    if change == "no result":
        path.write_text("{}")
    if change == "old":
        path.write_text(path.read_text().replace('"schema_version": 2', '"schema_version": 1'))
    before = path.read_text()
    assert mutate("--json", str(path), "--resume", *([change] if change[0] == "-" else [])) != 0
    text = capsys.readouterr().err
    assert str(path) in text.replace("\n", "")
    assert path.read_text() == before


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (UNSEEN | {"caught": {"L2": "frame: 2 != 3"}}, "fault, at L2: frame: 2 != 3"),
        (UNSEEN | {"invalid": "TypeError: x"}, "fault, TypeError: x"),
        (UNSEEN | {"unjudged": "reference: gone"}, "fault, reference: gone"),
    ],
)
def test_rules_that_fail_without_a_fault_get_no_score(judge, tmp_path, capsys, said, words):
    judge.without = said
    path = tmp_path / "result.json"
    assert mutate("--json", str(path)) != 0
    assert words in " ".join(capsys.readouterr().err.split())
    assert judge.asked == []
    assert not path.exists()


def test_ctrl_c_leaves_what_was_judged(judge, tmp_path, monkeypatch, capsys):
    path = tmp_path / "result.json"

    def ask(mutant, request, limit):
        if len(judge.asked) == 2:
            raise KeyboardInterrupt
        return Judge.ask(judge, mutant, request, limit)

    monkeypatch.setattr(judge, "ask", ask)
    mutate("--json", str(path))
    assert "interrupted: the score is of the mutants judged so far" in capsys.readouterr().out
    assert len(ids(path)) == 2
    assert json.loads(path.read_text())["interval"] is not None


def test_what_is_resumed_has_a_name(judge, capsys):
    assert mutate("--resume") != 0
    assert "--json" in capsys.readouterr().err


@pytest.mark.parametrize("every", [False, True])
def test_the_judge_is_told_whether_the_first_notice_is_enough(judge, tmp_path, every):
    path = tmp_path / "result.json"
    mutate("--json", str(path), "--limit", "1", *(["--every-level"] if every else []))
    assert [request["every_level"] for request in judge.asked] == [every]
    assert json.loads(path.read_text())["every_level"] is every


def test_the_judge_is_told_the_configurations(judge, tmp_path, capsys):
    path = tmp_path / "result.json"
    names = [config.name for config in find_suite("pong")[0].configs]
    mutate("--json", str(path), "--limit", "1")
    mutate("--json", str(path), "--limit", "1", "--config", names[1], "--config", names[0])
    # As the suite orders them.
    assert [request["configs"] for request in judge.asked] == [(), tuple(names[:2])]
    assert json.loads(path.read_text())["configs"] == names[:2]
    judge.asked.clear()
    assert mutate("--json", str(path), "--config", "nowhere") != 0
    text = capsys.readouterr().err
    assert "'nowhere'" in text
    assert names[0] in text
    assert judge.asked == []


def verdicts(monkeypatch, failing, name="differs"):
    """Let ``verify`` fail the levels in ``failing``; return what it was asked for."""
    asked = []
    configs = (Config("single", {}), Config("double", {}, x64=True))
    suite = Suite("pong", "python:nobody:Reference", "pong", configs=configs)

    def verify(request, _):
        asked.append((request.levels, list(request.configs)))
        checks = [
            SimpleNamespace(
                level=level,
                name=name,
                detail="it differs",
                verdict=failing.get(level, Verdict.PASS),
            )
            for level in request.levels
        ]
        return SimpleNamespace(checks=checks)

    monkeypatch.setattr(judging, "verify", verify)
    monkeypatch.setattr(judging, "find_suite", lambda name: (suite, ""))
    monkeypatch.setattr(judging, "probe", lambda *_: None)
    return asked


@pytest.mark.parametrize("noticing", ["L1", "L2", "L3", None])
def test_what_is_cheap_is_asked_first_and_the_first_notice_ends_it(monkeypatch, tmp_path, noticing):
    asked = verdicts(monkeypatch, {noticing: Verdict.FAIL})
    begun = []
    found = judging.judge("pong", {}, 1, str(tmp_path), begun=begun.append)
    groups = [("L1",), ("L2",), LEVELS[2:]]
    expected = groups[: {"L1": 1, "L2": 2}.get(noticing, 3)]
    # Double precision first: its tolerances are narrower.
    assert asked == [(group, ["double", "single"]) for group in expected]
    assert begun == [group[0] for group in expected]
    assert {level for level, what in found["caught"].items() if what} == {noticing} - {None}
    assert found["invalid"] is found["unjudged"] is None


def test_every_level_is_asked_if_that_is_wanted(monkeypatch, tmp_path):
    asked = verdicts(monkeypatch, {"L1": Verdict.FAIL, "L3": Verdict.FAIL})
    found = judging.judge("pong", {}, 1, str(tmp_path), every_level=True)
    assert asked == [(LEVELS, ["double", "single"])]
    assert {level for level, what in found["caught"].items() if what} == {"L1", "L3"}


def test_a_mutant_is_judged_in_the_named_configurations_alone(monkeypatch, tmp_path):
    asked = verdicts(monkeypatch, {})
    judging.judge("pong", {}, 1, str(tmp_path), configs=["single"])
    assert {tuple(configs) for _, configs in asked} == {("single",)}


def test_what_cannot_be_traced_is_invalid_and_nothing_is_compared(monkeypatch, tmp_path):
    asked = verdicts(monkeypatch, {"L1": Verdict.FAIL})

    def broken(*_):
        raise NameError("speed\nand more")

    monkeypatch.setattr(judging, "probe", broken)
    found = judging.judge("pong", {}, 1, str(tmp_path))
    assert found["invalid"] == "NameError: speed"
    assert not any(found["caught"].values())
    assert asked == []


def test_a_reference_that_broke_leaves_the_question_open(monkeypatch, tmp_path):
    verdicts(monkeypatch, {"L3": Verdict.INCONCLUSIVE}, "reference [single]")
    found = judging.judge("pong", {}, 1, str(tmp_path))
    assert found["unjudged"] == "reference [single]: it differs"


def test_what_raises_out_of_the_verifier_is_not_caught(monkeypatch, tmp_path):
    verdicts(monkeypatch, {})

    def refuse(*_):
        raise ValueError("the actions differ")

    monkeypatch.setattr(judging, "verify", refuse)
    found = judging.judge("pong", {}, 1, str(tmp_path))
    assert found["invalid"] == "ValueError: the actions differ"


PLANTED = """
[[fault]]
name = "half as fast"
file = "rules/frame.py"
old = "x * 2"
new = "x"
"""


@pytest.fixture
def planted(tmp_path):
    folder = tmp_path / "envs" / "toy"
    for name, text in (("rules/frame.py", RULES), ("verification/planted.toml", PLANTED)):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(text)
    return tmp_path


def test_a_fault_that_was_written_down_is_planted(planted):
    (mutant,) = run.planted_mutants("toy", planted)
    assert (mutant.file, mutant.line, mutant.kind) == ("envs/toy/rules/frame.py", 2, "planted")
    assert mutant.source == RULES.replace("x * 2", "x")
    assert run.planted_mutants("another", planted) == []


@pytest.mark.parametrize(("old", "times"), [("x * 3", 0), ("speed", 2)])
def test_a_planted_fault_that_no_longer_fits_is_refused(planted, old, times):
    path = planted / "envs" / "toy" / "verification" / "planted.toml"
    path.write_text(PLANTED.replace("x * 2", old))
    with pytest.raises(ValueError, match=f"'half as fast' .* stands {times} times .*frame.py"):
        run.planted_mutants("toy", planted)


def test_only_mutants_of_a_kind_are_judged():
    mutants = [Mutant("f", 1, kind, kind, kind) for kind in ("constant", "planted", "constant")]
    known = {"constant": 2, "planted": 1}
    assert run._of_kinds(mutants, (), known) == mutants[::2]
    assert run._of_kinds(mutants, ["planted"], known) == mutants[1:2]
    with pytest.raises(ValueError, match="'rare'; there are constant, planted"):
        run._of_kinds(mutants, ["rare"], known)


def test_the_planted_faults_of_every_environment_fit_its_rules():
    found = {name: run.planted_mutants(name, run.PACKAGE) for name in ("pong", "pokemon")}
    assert found["pong"] == []
    assert len({mutant.id for mutant in found["pokemon"]}) == len(found["pokemon"]) > 20
    for mutant in found["pokemon"]:
        compile(mutant.source, mutant.file, "exec")
