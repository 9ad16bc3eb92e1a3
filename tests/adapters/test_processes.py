"""The Gymnasium adapter in processes that were forked, where JAX would wait for ever."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

# JAX warns of any fork; here that is the point. A child that hangs ends by its alarm, signal 14.
START = """
import os, signal, sys, warnings
warnings.simplefilter("ignore")
import jax.numpy as jnp
"""
USE = "jnp.ones(8).sum().block_until_ready()"
FORK = """
pid = os.fork()
if pid:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
signal.alarm(60)
from envlift.adapters.lanes import ForkedError
try:
    {play}
except ForkedError as error:
    print(error, flush=True)
    os._exit(7)
os._exit(0)
"""
IMPORT = """
from envlift.adapters.gymnasium import make_single, make_vector
"""
WAYS = {
    "an environment of the parent": (
        IMPORT + "env = make_single('pong', backend='jax')\n" + USE,
        "env.reset(seed=0)",
    ),
    "one that the parent has reset": (
        IMPORT + "env = make_single('pong', backend='jax')\nenv.reset(seed=0)",
        "env.step(0)",
    ),
    "a vector of the child's own": (
        IMPORT + USE,
        "make_vector('pong', 2, backend='jax').reset(seed=0)",
    ),
    "all of it imported after the fork": (
        USE,
        "from envlift.adapters.gymnasium import make_single; "
        "make_single('pong', backend='jax').reset(seed=0)",
    ),
}


def child_of(before: str, play: str) -> subprocess.CompletedProcess[str]:
    code = START + textwrap.dedent(before) + FORK.format(play=play)
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.parametrize(("before", "play"), WAYS.values(), ids=WAYS)
def test_a_fork_of_a_process_that_used_jax_is_refused(before: str, play: str) -> None:
    done = child_of(before, play)
    assert (done.returncode, done.stderr) == (7, "")
    assert "'spawn' or 'forkserver'" in done.stdout
    assert "envlift.make_vec" in done.stdout


def test_a_fork_before_jax_is_used_plays() -> None:
    done = child_of(IMPORT, "make_single('pong', backend='jax').reset(seed=0)")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_id_is_known_in_a_fresh_process() -> None:
    code = (
        "import gymnasium\n"
        "env = gymnasium.make('envlift.adapters.ids:envlift/pong-v1', backend='jax')\n"
        "print(env.unwrapped.env.info.name)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=600
    )
    assert (done.returncode, done.stdout) == (0, "pong\n"), done.stderr
