"""However a session ends, no process of it is left behind."""

import contextlib
import gc
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from envlift.reference.client import ReferenceFailure, ReferenceProcess

NAUGHTY = str(Path(__file__).with_name("naughty.py"))
SOURCE = str(Path(__file__).parents[2] / "src")


def group(number):
    """Return the processes of a process group."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            status, _, pgid = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
            if int(pgid) == number and status != "Z":
                found.append(int(folder.name))
    return found


def wait_until_gone(number, seconds=120):
    deadline = time.monotonic() + seconds
    while group(number) and time.monotonic() < deadline:
        time.sleep(0.02)
    return group(number)


def start(mode="good", **options):
    return ReferenceProcess([sys.executable, NAUGHTY, mode], num_lanes=3, **options)


def test_close_leaves_nothing():
    reference = start()
    assert reference.pid in group(reference.pid)
    reference.close()
    assert wait_until_gone(reference.pid) == []


def test_an_exception_inside_with_leaves_nothing():
    with pytest.raises(KeyboardInterrupt), start() as reference:
        raise KeyboardInterrupt
    assert wait_until_gone(reference.pid) == []


def test_garbage_collection_leaves_nothing():
    reference = start()
    pid = reference.pid
    del reference
    gc.collect()
    assert wait_until_gone(pid) == []


def test_a_reference_that_does_not_want_to_end_is_killed():
    reference = start("stubborn")
    reference.close()
    assert wait_until_gone(reference.pid) == []


def test_its_own_children_are_killed_too():
    with start("grandchild") as reference:
        reference.get_state()
        assert len(group(reference.pid)) == 3  # the reference, its sleep, and the watcher
    assert wait_until_gone(reference.pid) == []


def test_a_failure_leaves_nothing():
    reference = start("hang", timeout=0.5)
    reference.step(np.zeros((1, 3), np.int32))
    with pytest.raises(ReferenceFailure):
        reference.step(np.zeros((1, 3), np.int32))
    assert wait_until_gone(reference.pid) == []


PARENT = textwrap.dedent(
    """
    import sys
    import numpy as np
    from envlift.reference.client import ReferenceProcess

    reference = ReferenceProcess([sys.executable, {naughty!r}, "hang"], num_lanes=3)
    print(reference.pid, flush=True)
    reference.step(np.zeros((1, 3), np.int32))
    {then}
    """
)


def run_parent(then):
    code = PARENT.format(naughty=NAUGHTY, then=then)
    parent = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": SOURCE},
    )
    return parent, int(parent.stdout.readline())


def test_a_parent_that_is_killed_leaves_no_child_even_if_that_hangs():
    parent, pid = run_parent("reference.step(np.zeros((1, 3), np.int32))")
    with parent:
        time.sleep(0.3)
        assert pid in group(pid)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    assert wait_until_gone(pid) == []


def test_a_parent_that_ends_without_closing_leaves_no_child():
    parent, pid = run_parent("sys.exit(0)")
    with parent:
        assert parent.wait(20) == 0
    assert wait_until_gone(pid) == []
