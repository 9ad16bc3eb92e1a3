"""Processes that hold a mutant: what they import, how long they may take, what is left of them."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from envlift.verify.mutation import workers
from envlift.verify.mutation.operators import Mutant
from envlift.verify.mutation.workers import StoppedError, Workers, overlay

RULES = "envs/toy/rules/jax.py"
JUDGE = """
import json, os, subprocess, sys, time
from pathlib import Path
from envlift.envs.toy.rules import jax as rules


def main(request):
    print(f"rules say {rules.ANSWER}")
    if "answers" not in request:
        return
    with Path(request["answers"]).open("a", buffering=1) as out:
        print(json.dumps({"begun": "L1"}), file=out)
        if request["do"] == "die":
            os._exit(3)
        if request["do"] == "raise":
            raise NameError("speed")
        if request["do"] == "hang":
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            print(json.dumps({"child": child.pid}), file=out)
            time.sleep(600)
        said = {"says": rules.ANSWER, "path": os.environ["PYTHONPATH"], "here": os.getcwd()}
        print(json.dumps(said), file=out)
"""


@pytest.fixture
def package(tmp_path):
    """A package of the same name that has a judge and one rule."""
    root = tmp_path / "source" / "envlift"
    for name, text in {
        "verify/mutation/judge.py": JUDGE,
        RULES: "ANSWER = 1\n",
        "envs/toy/tables/data.txt": "7",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        for folder in list(path.relative_to(root).parents):
            (root / folder / "__init__.py").touch()
    return root


@pytest.fixture
def pool(package, tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "HEAVY", ("json",))
    (tmp_path / "work").mkdir()
    found = Workers(package, tmp_path / "work", 1, ())
    yield found
    found.close()


FAULT = Mutant(RULES, 1, "constant", "ANSWER = 2\n", "+ANSWER = 2")


def gone(pid):
    """Whether a process has ended, within the time that ending takes."""
    for _ in range(200):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.05)
    return False


def test_one_file_is_the_mutants_and_all_others_the_packages(package, tmp_path):
    overlay(package, tmp_path / "mutant", FAULT)
    held = tmp_path / "mutant" / "envlift"
    assert (held / RULES).read_text() == "ANSWER = 2\n"
    assert (package / RULES).read_text() == "ANSWER = 1\n"
    assert (held / "envs/toy/tables/data.txt").read_text() == "7"
    assert (held / "envs/toy/tables").is_symlink()
    names = {str(path.relative_to(package)) for path in package.rglob("*")}
    found = {
        str((Path(folder) / name).relative_to(held))
        for folder, folders, files in os.walk(held, followlinks=True)
        for name in (*folders, *files)
    }
    assert found == names


def test_each_process_has_its_own_fault_and_none_stays(pool):
    for mutant, says in ((FAULT, 2), (None, 1), (FAULT, 2)):
        answer = pool.ask(mutant, {"do": "answer"}, 60.0)
        assert (answer.status, answer.lines[-1]["says"]) == (0, says)
        assert answer.lines[-1]["path"] == answer.lines[-1]["here"]
        assert answer.log == f"rules say {says}"


def test_a_compiled_file_of_the_package_does_not_hide_the_fault(package, pool):
    import py_compile

    py_compile.compile(str(package / RULES))
    stat = (package / RULES).stat()
    answer = None

    real = workers.overlay

    def same_time(package, folder, mutant):
        real(package, folder, mutant)
        os.utime(folder / "envlift" / RULES, (stat.st_atime, stat.st_mtime))

    workers.overlay = same_time
    try:
        answer = pool.ask(FAULT, {"do": "answer"}, 60.0)
    finally:
        workers.overlay = real
    assert answer.lines[-1]["says"] == 2


@pytest.mark.parametrize(("do", "status"), [("die", 3), ("raise", 1)])
def test_a_process_that_dies_leaves_what_it_had_begun(pool, do, status):
    answer = pool.ask(FAULT, {"do": do}, 60.0)
    assert (answer.status, answer.lines) == (status, [{"begun": "L1"}])
    assert (answer.log == "NameError: speed") == (do == "raise")
    assert pool.ask(FAULT, {"do": "answer"}, 60.0).status == 0


def test_a_process_that_hangs_is_ended_with_its_children(pool):
    answer = pool.ask(FAULT, {"do": "hang"}, 2.0)
    assert answer.status is None
    assert gone(answer.lines[-1]["child"])
    assert pool.ask(FAULT, {"do": "answer"}, 60.0).status == 0


def test_who_waits_is_let_go_when_the_pool_stops(pool, tmp_path):
    caught = []

    def wait():
        try:
            pool.ask(FAULT, {"do": "hang"}, 600.0)
        except StoppedError:
            caught.append(True)

    thread = threading.Thread(target=wait)
    thread.start()
    written = tmp_path / "work" / "mutant-1" / "answers"
    for _ in range(600):
        if written.is_file() and written.read_text().count("\n") == 2:
            break
        time.sleep(0.05)
    child = int(written.read_text().splitlines()[-1].removeprefix('{"child": ').rstrip("}"))
    pool.stop()
    thread.join(60)
    assert caught == [True]
    assert gone(child)
