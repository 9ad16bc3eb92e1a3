import os
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from envlift.bench import machine, workers
from envlift.bench.workers import WorkerError, WorkerProcess
from envlift.reference.processes.child import ChildProcess

REQUEST = {
    "prepare": "one", "kind": "environment", "options": {"backend": "jax"},
    "batch": 32, "num_steps": 10, "seed": 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def worker() -> Iterator[WorkerProcess]:
    with closing(WorkerProcess("pong", machine.cpus()[-1:])) as child:
        yield child


def test_a_one_thread_child_sees_one_cpu(worker: WorkerProcess) -> None:
    assert worker.hello["cpus"] == 1
    assert worker.hello["platform"] == "cpu"


def test_every_thread_of_the_child_is_pinned(worker: WorkerProcess) -> None:
    worker.ask(REQUEST)
    pid = worker.pid
    threads = [int(name) for name in os.listdir(f"/proc/{pid}/task")]
    assert len(threads) > 1, "JAX starts threads; this test must look at them"
    assert {frozenset(os.sched_getaffinity(t)) for t in threads} == {frozenset(machine.cpus()[-1:])}


def test_repetitions_of_a_child_agree(worker: WorkerProcess) -> None:
    first = worker.ask(REQUEST)
    again = worker.ask({"run": "one", "calls": 2})
    assert again["checksum"] == first["checksum"]
    assert again["seconds"] > 0
    assert first["first_seconds"] > first["warm_seconds"]


def test_an_error_leaves_the_child_alive(worker: WorkerProcess) -> None:
    wrong = REQUEST | {"prepare": "two", "options": {"backend": "fortran"}}
    with pytest.raises(WorkerError, match="backend='fortran' is not known"):
        worker.ask(wrong)
    assert worker.ask(REQUEST)["checksum"]


def test_a_child_that_dies_is_reported_and_reaped() -> None:
    child = WorkerProcess("pong", machine.cpus())
    pid = child.pid
    os.kill(pid, 9)
    with pytest.raises(WorkerError, match="it was killed by SIGKILL without an answer"):
        child.ask(REQUEST)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(WorkerError, match="ended by an earlier failure"):
        child.ask(REQUEST)
    child.close()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "import sys; print('{\"cpus\": 1', end='', flush=True); sys.exit('out of memory')",
            r"exit status 1, in the middle of an answer that begins '\{\"cpus\": 1'"
            r"\nlast lines of its stderr:\nout of memory",
        ),
        (
            "import time; print('compiling', flush=True); time.sleep(600)",
            r"a line that is not a JSON object: 'compiling'\nlast lines of its stderr:\nnothing",
        ),
    ],
    ids=["half an answer", "no answer"],
)
def test_what_is_no_answer_is_shown_and_the_child_is_reaped(
    monkeypatch: pytest.MonkeyPatch, code: str, said: str
) -> None:
    children = []

    def start(command: list[str], **options: Any) -> ChildProcess:
        children.append(ChildProcess([sys.executable, "-c", code], **options))
        return children[-1]

    monkeypatch.setattr(workers, "ChildProcess", start)
    with pytest.raises(WorkerError, match=said):
        WorkerProcess("pong", machine.cpus())
    (child,) = children
    assert not child.alive


def test_an_unknown_environment_is_an_error() -> None:
    with pytest.raises(WorkerError, match="no environment is named 'pung'"):
        WorkerProcess("pung", machine.cpus())
