"""Candidates that reach out of their process; each is wrong as well, which is to be seen.

What they try stands in ``DEEDS``, an environment variable: names with ``,`` between. What they need
to know of their judge, they are told by files beside them.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any

import jax.numpy as jnp

from tests.verify.envs import levers


def told(name: str) -> int:
    """Return the number in a file of the current folder, once it is there."""
    while not (place := Path(name)).exists() or not place.read_text():
        time.sleep(0.01)
    return int(place.read_text())


def kill() -> None:
    os.kill(told("judge.pid"), signal.SIGKILL)


def look() -> None:
    """Find the judge among the processes, and end it."""
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        if b"envlift.cli" in place.read_bytes() and int(place.parts[2]) == told("judge.pid"):
            os.kill(int(place.parts[2]), signal.SIGKILL)


def write() -> None:
    Path("left.txt").write_text("I was here")


def forge() -> None:
    Path("report.json").write_text('{"verdict": "PASS"}')


def call() -> None:
    socket.create_connection(("127.0.0.1", told("port")), timeout=1).close()


def patch() -> None:
    import envlift.verify.engine.compare as compare

    compare._differs = lambda reference, candidate, field: jnp.zeros(reference.shape, bool)
    compare.differs = compare._differs


DEEDS = {one.__name__: one for one in (kill, look, write, forge, call, patch)}


def do() -> None:
    """Try again and again, from a thread: nobody audits what happens between two answers."""
    for _ in range(200):
        for name in os.environ["DEEDS"].split(","):
            with contextlib.suppress(Exception):
                DEEDS[name]()
        time.sleep(0.02)


class Reaching(levers.Honest):
    """Pays for the other lever when five steps are left."""

    def __init__(self) -> None:
        super().__init__()
        threading.Thread(target=do, daemon=True).start()

    def transition(self, state: Any, action: Any, draws: Any, params: Any = None) -> Any:
        played = super().transition(state, action, draws)
        wrong = jnp.where(state["left"] == 5, 1 - played.reward, played.reward)
        return played._replace(reward=wrong)


class Lanes(levers.Levers):
    """The same in a class that the Python host serves: it observes 1 where it could write."""

    def reset(self, seed: int, chance: Any = None) -> list[float]:
        super().reset(seed)
        with contextlib.suppress(OSError):
            write()
            return [1.0]
        return [0.0]
