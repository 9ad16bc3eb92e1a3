"""Processes that are there at once: forked from one that has imported what they import.

Most of what a small verification costs is the start of its four or five processes, each of which
imports the same libraries. Within ``forked()`` a process that ``envlift.reference`` starts is
forked from a server instead: with its own pipes, environment, folder, session and supervisor, and
with no environment in it. How users' processes start is tested in ``tests/reference``.

What an interpreter takes from its environment when it starts cannot be changed later: there is a
server for every value of these variables.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import importlib
import json
import os
import runpy
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

AT_START = ("PYTHONHASHSEED", "OPENBLAS_NUM_THREADS", "JAX_", "XLA_")
"""Beginnings of the names of variables that are read once, at the start or by an import."""

LONGEST = 1 << 20
"""Bytes of one request."""


# -- the server -----------------------------------------------------------------------------------


def serve(link: socket.socket) -> None:
    """Fork what is asked for until the other side is gone."""
    import numpy as np

    while True:
        request, given, *_ = socket.recv_fds(link, LONGEST, 4)
        if not request:
            return
        asked = json.loads(request)
        if "wait" in asked:
            pid, status = os.waitpid(asked["wait"], os.WNOHANG if asked["at once"] else 0)
            link.send(json.dumps(os.waitstatus_to_exitcode(status) if pid else None).encode())
            continue
        if os.fork() == 0:
            code = 1
            with contextlib.suppress(BaseException):
                np.random.seed()  # noqa: NPY002 - as a fresh process has it
                code = _become(link, asked, given)
            os._exit(code)
        for descriptor in given:
            os.close(descriptor)


def _become(link: socket.socket, asked: Mapping[str, Any], given: Sequence[int]) -> int:
    """Be the process that was asked for; return its exit status."""
    os.setsid()
    link.send(json.dumps(os.getpid()).encode())
    link.close()
    for place, descriptor in enumerate(given[:3]):
        os.dup2(descriptor, place)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["cwd"])
    _, _, code, *arguments = asked["command"]
    sys.path[:0] = ["", *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    sys.argv = ["", str(given[3]), "-"]
    supervisor = runpy.run_path(asked["supervisor"])
    with patch("os.execvp", lambda program, words: None):
        supervisor["main"]()
    sys.argv = ["-c", *arguments]
    sys.orig_argv[:] = asked["command"]
    status: Any = 0
    try:
        exec(code, vars(sys.modules["__main__"]))
    except SystemExit as ended:
        status = ended.code
    except BaseException:
        traceback.print_exc()
        status = 1
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    if isinstance(status, str):
        os.write(2, f"{status}\n".encode())
    return status if isinstance(status, int) else int(status is not None)


def import_ahead(bootstrap: str) -> None:
    """Import what a process would: what the bootstrap leads to, or JAX where there is none."""
    if not bootstrap:
        importlib.import_module("jax")
        importlib.import_module("gymnasium")
        return
    lent = runpy.run_path(bootstrap)
    lent["lend"]("envlift", Path(bootstrap).parents[2])
    for name in ("host", "bridge.environment"):
        importlib.import_module(f"envlift.reference.{name}")


# -- who asks it ----------------------------------------------------------------------------------


class Server:
    """A server of the given variables, for what the bootstrap starts or for JAX."""

    def __init__(self, variables: Mapping[str, str], bootstrap: str) -> None:
        self.link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        words = [sys.executable, __file__, str(theirs.fileno()), bootstrap]
        self._process = subprocess.Popen(
            words, env={**env, **variables}, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL
        )
        theirs.close()

    def ask(self, request: Mapping[str, Any], descriptors: Sequence[int] = ()) -> Any:
        """Send a request and return its answer."""
        more = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
        self.link.sendmsg([json.dumps(request).encode()], more if descriptors else [])
        return json.loads(self.link.recv(LONGEST))

    def close(self) -> None:
        """End it."""
        self.link.close()
        self._process.wait()


class Forked:
    """What ``envlift.reference`` uses of ``subprocess.Popen``."""

    def __init__(
        self,
        server: Server,
        command: Sequence[str],
        lifeline: int,
        env: Mapping[str, str],
        cwd: Any,
        supervisor: str,
    ) -> None:
        self._server = server
        self.returncode: int | None = None
        pipes = [os.pipe() for _ in range(3)]
        (reads, self_in), (self_out, writes), (self_err, tells) = pipes
        request = {
            "command": list(command),
            "env": dict(env),
            "cwd": os.fspath(cwd or os.getcwd()),
            "supervisor": supervisor,
        }
        self.pid = int(server.ask(request, (reads, writes, tells, lifeline)))
        for descriptor in (reads, writes, tells):
            os.close(descriptor)
        self.stdin = os.fdopen(self_in, "wb", 0)
        self.stdout = os.fdopen(self_out, "rb", 0)
        self.stderr = os.fdopen(self_err, "rb", 0)

    def poll(self) -> int | None:
        """Return the exit status, None while it runs."""
        return self._ask(at_once=True)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end.

        Raises:
            subprocess.TimeoutExpired: if it does not end in time.
        """
        until = None if timeout is None else time.monotonic() + timeout
        while (status := self._ask(at_once=until is not None)) is None:
            if until is not None and time.monotonic() > until:
                raise subprocess.TimeoutExpired("forked", timeout or 0)
            time.sleep(0.002)
        return status

    def _ask(self, at_once: bool) -> int | None:
        if self.returncode is None:
            self.returncode = self._server.ask({"wait": self.pid, "at once": at_once})
        return self.returncode


_servers: dict[tuple[Any, ...], Server] = {}


def popen(words: Sequence[str], **how: Any) -> Any:
    """Fork what can be forked; start anything else."""
    given = how.get("env")
    env = dict(os.environ if given is None else given)
    supervisor = sys.modules["envlift.reference.processes.child"]._SUPERVISOR
    command = words[words.index(supervisor) + 2 :]
    if command[:2] != [sys.executable, "-c"]:
        return subprocess.Popen(words, **how)
    variables = {name: value for name, value in env.items() if name.startswith(AT_START)}
    bootstrap = command[3] if command[3].endswith("bootstrap.py") else ""
    key = bootstrap, *sorted(variables.items())
    if key not in _servers:
        _servers[key] = Server(variables, bootstrap)
        atexit.register(_servers[key].close)
    (lifeline,) = how["pass_fds"]
    return Forked(_servers[key], command, lifeline, env, how["cwd"], supervisor)


@contextlib.contextmanager
def forked() -> Iterator[None]:
    """Let ``envlift.reference`` fork its processes of this interpreter.

    No sandbox is forked: nobody is a stranger within this.
    """
    names = ("PIPE", "TimeoutExpired")
    shim = SimpleNamespace(Popen=popen, **{name: getattr(subprocess, name) for name in names})
    with (
        patch("envlift.reference.processes.child.subprocess", shim),
        patch("envlift.verify.sides.strangers.is_ours", lambda candidate: True),
    ):
        yield


if __name__ == "__main__":
    sys.path.pop(0)  # the folder of this file, which a process of ours does not have
    asker = socket.socket(fileno=int(sys.argv[1]))
    import_ahead(sys.argv[2])
    serve(asker)
