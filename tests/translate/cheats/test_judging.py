"""What is judged cannot say how it is judged, in a sandbox and without one.

Each turn leaves a module that is wrong and something that would have it pass.
"""

from __future__ import annotations

import ast
import hashlib
import json
from pathlib import Path

import pytest

from envlift.candidate.isolation import Wanted, trouble_here
from envlift.translate.grading.judgement import Judgement
from envlift.translate.loop.ledger import Turn
from envlift.translate.loop.run import Loop
from tests.translate import answers
from tests.translate.conftest import Quiet, Scripted, writes

BOTH = pytest.mark.parametrize("sandbox", ["auto", "none"])
WRONG = answers.FORGETS_TO_SLIP

JUDGE = """
import os, re

def parents():
    pid = os.getpid()
    while pid > 1:
        pid = int(re.search(r"PPid:\\t(\\d+)", open(f"/proc/{pid}/status").read())[1])
        yield pid

def judges():
    for pid in parents():
        try:
            words = open(f"/proc/{pid}/cmdline").read().split("\\0")
        except OSError:
            continue
        if any("grading.judge" in word for word in words):
            yield pid, words
"""
"""Finds the judge by the way from child to parent, so as not to meet one of somebody else's."""

FORGED = json.dumps(
    {"verdicts": {"L1": "PASS"}, "failures": [], "tests": 6, "isolated": True, "seconds": 1.0}
)


def judged(toy: Path, sandbox: Wanted, rules: str, tests: str = "", reach: str = "") -> Turn:
    """Judge one turn; its tests notice planted faults and not what is wrong with the module.

    ``reach`` is a module beside it, in which no faults are planted.
    """
    tests += "\n\n" + answers.TEST_RULES
    deed = writes(walk__rules_py=rules, walk__reach_py=reach, tests__test_rules_py=tests)
    loop = Loop(toy, Quiet(), agent=Scripted([deed]), last=1, sandbox=sandbox)
    loop.run()
    (turn,) = loop.ledger.read().turns
    isolated = sandbox == "auto" and not trouble_here()
    assert not turn.isolation or turn.isolation.startswith("bubblewrap" if isolated else "none: ")
    return turn


def summary(toy: Path) -> str:
    judgement = Judgement.read(toy / ".envlift" / "evidence" / "0001.json")
    return judgement.failures[0].summary


@pytest.mark.started
@BOTH
def test_a_test_that_forges_the_judgement_and_kills_the_judge(toy: Path, sandbox: Wanted) -> None:
    forges = f"""{JUDGE}
FORGED = {FORGED!r}

def test_forges():
    for pid, words in judges():
        for word in words:
            if word.startswith("/") and not os.path.isdir(word) and "python" not in word:
                open(word, "w").write(FORGED)
        for number in os.listdir(f"/proc/{{pid}}/fd"):
            try:
                if "tmp" in os.readlink(f"/proc/{{pid}}/fd/{{number}}"):
                    open(f"/proc/{{pid}}/fd/{{number}}", "w").write(FORGED)
            except OSError:
                pass
        os.kill(pid, 9)
"""
    turn = judged(toy, sandbox, WRONG, forges)
    assert turn.verdicts == {"L1": "FAIL"}
    assert turn.failing == (["L1 the judge"] if turn.isolation.startswith("none") else ["L1 move"])


@pytest.mark.started
@BOTH
def test_a_test_that_rewrites_the_suite(toy: Path, sandbox: Wanted) -> None:
    rewrites = f"""{JUDGE}
from pathlib import Path

def test_rewrites():
    places = [Path.cwd(), *Path.cwd().parents]
    for pid, words in judges():
        places += [Path(os.readlink(f"/proc/{{pid}}/cwd"))]
        places += [Path(word) for word in words if word.startswith("/")]
    for place in places:
        suite = place / "suite.py"
        try:
            text = suite.read_text()
            suite.write_text(text.replace('Field("result")', 'Field("result", atol=99)'))
            suite.write_text(text)
        except OSError:
            pass
"""
    turn = judged(toy, sandbox, WRONG, rewrites)
    if turn.isolation:
        assert turn.verdicts == {"L1": "FAIL"}
        assert turn.failing == ["L1 move"]
    else:
        # Without a sandbox it gets there; that it put everything back does not hide it.
        assert "it changed what it is judged by" in turn.fault
        assert not turn.kept


@BOTH
def test_a_test_that_writes_the_ledger(toy: Path, sandbox: Wanted) -> None:
    """The loop's own memory would say whatever is wanted."""
    writes_it = f"""
from pathlib import Path

def test_writes():
    try:
        with open({str(toy / ".envlift" / "ledger.jsonl")!r}, "a") as stream:
            stream.write('{{"format": 1, "event": "judged", "number": 1, "verdicts": {{}}}}\\n')
        Path({str(toy / "suite.py")!r}).write_text("SUITE = None")
    except OSError:
        pass
"""
    turn = judged(toy, sandbox, WRONG, writes_it)
    assert not turn.kept or turn.failing == ["L1 move"]
    assert turn.failing == ["L1 move"] or "while it was judged; put back" in turn.fault
    assert "SUITE = Suite(" in (toy / "suite.py").read_text()


REACHES = """
import typing


def _reach(name):
    return getattr(typing.sys, "mod" + "ules").get(name)


os = _reach("os")
"""


@BOTH
@pytest.mark.parametrize(
    "cheat",
    [
        f"""
if _reach("pytest") is None:
    for number in range(3, 64):
        try:
            os.write(number, {FORGED!r}.encode())
        except OSError:
            pass
    getattr(os, "_ex" + "it")(0)
""",
        """
for name in ("engine.compare", "levels.steps.properties", "run.result"):
    module = _reach("envlift.verify." + name)
    for function in ("differs", "difference", "compare", "compare_component"):
        if hasattr(module, function):
            setattr(module, function, lambda *given, **more: None)
""",
    ],
    ids=["writes the judgement and leaves", "replaces the comparison"],
)
def test_a_candidate_that_would_be_its_judge(toy: Path, sandbox: Wanted, cheat: str) -> None:
    turn = judged(toy, sandbox, "import walk.reach\n" + WRONG, reach=REACHES + cheat)
    assert turn.fault == "", "it has to get as far as the judge"
    assert turn.verdicts == {"L1": "FAIL"}
    assert turn.failing == ["L1 move"]


READS = [
    ("numpy", "np.fromfile({path!r}, np.uint8)"),
    ("memory", "np.memmap({path!r}, np.uint8, 'r')"),
    (
        "ctypes",
        "_opened({path!r})",
    ),
]


@BOTH
@pytest.mark.parametrize(("way", "line"), READS, ids=[way for way, _ in READS])
def test_the_reference_is_out_of_reach(toy: Path, sandbox: Wanted, way: str, line: str) -> None:
    """By the path in its own folder there is none; where the project lies, it may not read it."""
    reach = f"""
import numpy as np

def _opened(path):
    library = np.ctypeslib.ctypes.CDLL(None)
    number = library.open(path.encode(), 0)
    if number < 0:
        raise OSError("no such file")
    return number

def _found(path):
    try:
        return {line.format(path="PATH").replace("'PATH'", "path")} is not None
    except OSError:
        return False

KNOWS = _found("reference/walk.py") or _found({str(toy / "reference" / "walk.py")!r})
"""
    rules = answers.RULES.replace("(action == 0)", "(action == 0) & KNOWS")
    rules = rules.replace("import jax\n", "import jax\nfrom walk.reach import KNOWS\n", 1)
    assert rules.count("KNOWS") == 2
    turn = judged(toy, sandbox, rules, reach=reach)
    assert turn.fault == ""
    assert turn.failing == ["L1 move"], "whoever knows the reference passes"


HASHES = {
    "text": "hashlib.sha256(open('walk/rules.py', 'rb').read()).hexdigest()",
    "code": "hashlib.sha256(rules.move.__code__.co_code).hexdigest()",
    "tree": (
        "hashlib.sha256(ast.dump(ast.parse(open('walk/rules.py').read())).encode()).hexdigest()"
    ),
}


@pytest.mark.parametrize("what", HASHES)
def test_tests_of_the_text_are_hollow(toy: Path, what: str) -> None:
    scope: dict[str, object] = {"__name__": "rules"}
    exec(compile(answers.RULES, "walk/rules.py", "exec"), scope)
    values = {
        "text": hashlib.sha256(answers.RULES.encode()).hexdigest(),
        "code": hashlib.sha256(scope["move"].__code__.co_code).hexdigest(),  # type: ignore[attr-defined]
        "tree": hashlib.sha256(ast.dump(ast.parse(answers.RULES)).encode()).hexdigest(),
    }
    tests = f"""import ast
import hashlib

from walk import rules

def test_unchanged():
    assert {HASHES[what]} == {values[what]!r}
"""
    deed = writes(walk__rules_py=answers.RULES, tests__test_rules_py=tests)
    loop = Loop(toy, Quiet(), agent=Scripted([deed]), last=1)
    loop.run()
    (turn,) = loop.ledger.read().turns
    assert turn.failing == ["L1 hollow tests"]
    assert "only the text of walk/rules.py changed" in summary(toy)


@pytest.mark.started
def test_what_lies_in_the_tree_runs_in_no_judge(toy: Path, tmp_path: Path) -> None:
    """Python runs a ``sitecustomize`` that it finds, before anything else."""
    told = tmp_path / "told"
    spy = f"import sys\nopen({str(told)!r}, 'a').write(' '.join(sys.orig_argv) + chr(10))\n"
    deed = writes(
        sitecustomize_py=spy,
        usercustomize_py=spy,
        conftest_py=spy,
        numpy_py=spy,
        walk__rules_py=WRONG,
        tests__test_rules_py=answers.TEST_RULES,
        tests__conftest_py=spy,
    )
    loop = Loop(toy, Quiet(), agent=Scripted([deed]), last=1, sandbox="none")
    loop.run()
    (turn,) = loop.ledger.read().turns
    assert turn.failing == ["L1 move"]
    assert not told.exists()


def test_where_nothing_is_isolated_the_verdict_says_so(toy: Path) -> None:
    from envlift.translate.commands.show import turn_line

    turn = judged(toy, "none", WRONG)
    assert turn.isolation == "none: it was asked not to be"
    assert "(not isolated)" in turn_line(turn)
