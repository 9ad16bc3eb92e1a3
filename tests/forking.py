"""Processes that are there at once: forked from one that has imported what they import.

Most of what a small verification costs is the start of its four or five processes, each of which
imports the same libraries. Within ``forked()`` a process that ``envlift.reference`` starts is
forked from a server instead: with its own pipes, environment, folder, session and supervisor, and
with no environment in it. So is what judges a translation, and what it starts where there is no
sandbox. How users' processes start is tested in ``tests/reference``.

What an interpreter takes from its environment when it starts cannot be changed later: there is a
server for every value of these variables, and for each of what is started. A candidate's process
holds nothing of the verifier's, nor does the one that it is forked from.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import fcntl
import gc
import importlib
import io
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import time
import traceback
import uuid
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

AT_START = ("PYTHONHASHSEED", "OPENBLAS_NUM_THREADS", "JAX_", "XLA_FLAGS")
"""Beginnings of the names of variables that are read once, at the start or by an import."""

JUDGE = "envlift.translate.grading.judge"
TESTS = "envlift.translate.grading.planted"

AHEAD: dict[str, tuple[str, ...]] = {
    JUDGE: (
        *("envlift.translate.grading.property_tests", "envlift.translate.components"),
        *("envlift.translate.grading.speed", "envlift.translate.grading.suite_alone"),
        *("envlift.verify.run.session", "hypothesis.strategies"),
    ),
    TESTS: ("pytest", "hypothesis", "jax.numpy", "envlift.reference.launch"),
}
"""What a module imports that is run and cannot be imported itself."""

NEAR = (
    *("envlift.candidate.host", "envlift.verify.sides.suite_host"),
    *("envlift.translate.grading.component_host", "envlift.translate.grading.speed_host", TESTS),
)
"""What a judge starts beside references."""

SHARED = ("JAX_COMPILATION_CACHE_DIR", "JAX_PERSISTENT_CACHE_MIN_")
"""Likewise, of variables that forked processes have as the tests have them: one folder for all."""

LONGEST = 1 << 20
"""Bytes of one request."""

MOST = 64
"""Descriptors of one request."""

HIGH = 1_000
"""From here on, descriptors are nobody's."""

WRAPPER = ("-I", "-S")
"""How programs of ours are started that do something and become the rest of their words."""

OWN_WORDS = 5
"""Of these: interpreter, two options, program, one argument."""


# -- the server -----------------------------------------------------------------------------------


def serve(link: socket.socket) -> None:
    """Fork what is asked for until the other side is gone."""
    import numpy as np

    gc.freeze()
    while True:
        request, given, *_ = socket.recv_fds(link, LONGEST, MOST)
        if not request:
            return
        asked = json.loads(request)
        if "wait" in asked:
            pid, status = os.waitpid(asked["wait"], os.WNOHANG)
            _answer(link, asked, os.waitstatus_to_exitcode(status) if pid else None)
            continue
        with warnings.catch_warnings():
            # JAX warns of every fork; it has started no thread here yet.
            warnings.simplefilter("ignore")
            forked = os.fork() == 0
        if forked:
            code = 1
            with contextlib.suppress(BaseException):
                np.random.seed()  # noqa: NPY002 - as a fresh process has it
                code = _become(link, asked, given)
            os._exit(code)
        for descriptor in given:
            os.close(descriptor)


def _answer(link: socket.socket, asked: Mapping[str, Any], value: int | None) -> None:
    link.send(json.dumps([asked["id"], value]).encode())


def _become(link: socket.socket, asked: Mapping[str, Any], given: Sequence[int]) -> int:
    """Be the process that was asked for; return its exit status."""
    os.setsid()
    _answer(link, asked, os.getpid())
    link.close()
    moved = [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, HIGH) for descriptor in given]
    for descriptor in given:
        os.close(descriptor)
    places = asked["descriptors"]
    for place, descriptor in zip(places, moved, strict=False):
        os.dup2(descriptor, place)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked["cwd"])
    for (what, *variables), link in zip(asked["servers"], moved[len(places) :], strict=True):
        key = what, *map(tuple, variables)
        _servers[key] = Server(socket.socket(fileno=link))
    command = asked["command"]
    while is_wrapped(command):
        command = _unwrapped(command)
    at = command.index("-c")
    sys.path[:0] = ["", *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    sys.argv = ["-c", *command[at + 2 :]]
    sys.orig_argv[:] = command
    status: Any = 0
    try:
        with forked() if _servers else contextlib.nullcontext():
            exec(command[at + 1], vars(sys.modules["__main__"]))
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


def is_wrapped(command: Sequence[str]) -> bool:
    """Whether a program of ours comes before the command itself."""
    return tuple(command[1:3]) == WRAPPER and command[3].endswith(".py")


def _unwrapped(command: Sequence[str]) -> list[str]:
    """Do what a program does before it becomes another; return the words of that one."""
    words: list[str] = []
    sys.argv = list(command[3:])
    program = runpy.run_path(command[3])
    with patch("os.execvp", lambda name, more: words.extend(more)):
        program["main"]()
    return words


def import_ahead(what: str) -> None:
    """Import what a process would.

    Args:
        what: the bootstrap of a reference, or the module that a process runs.
    """
    if not what.endswith(".py"):
        for name in AHEAD.get(what, (what,)):
            importlib.import_module(name)
        if what == JUDGE:
            _hurry_judges()
        return
    lent = runpy.run_path(what)
    lent["lend"]("envlift", Path(what).parents[2])
    for name in ("host", "bridge.environment"):
        importlib.import_module(f"envlift.reference.{name}")


def _hurry_judges() -> None:
    """Let a judge compare less: what tests have it find is not rare."""
    from envlift.translate import components
    from envlift.translate.grading import speed
    from envlift.verify.run import context

    sizes = {"examples": 10, "transitions": 128, "pool": 256, "min_steps": 64, "resets": 128}
    context.QUICK = replace(context.QUICK, **sizes)
    components.Effort = partial(context.Effort, examples=20)  # type: ignore
    speed.BATCHES = (32,)


# -- who asks it ----------------------------------------------------------------------------------


class Server:
    """Who forks on demand: its end of a link, and its process if this one started it."""

    def __init__(self, link: socket.socket, process: subprocess.Popen[bytes] | None = None) -> None:
        self.link, self._process = link, process

    @classmethod
    def start(cls, what: str, variables: Mapping[str, str]) -> Server:
        """Start one of the given variables, for what is started, see ``import_ahead``."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        env = {
            name: value
            for name, value in os.environ.items()
            if name.startswith(SHARED) or not name.startswith(("PYTHONPATH", *AT_START))
        }
        words = [sys.executable, __file__, str(theirs.fileno()), what]
        process = subprocess.Popen(
            words, env={**env, **variables}, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL
        )
        theirs.close()
        server = cls(ours, process)
        atexit.register(server.close)
        return server

    def ask(self, request: Mapping[str, Any], descriptors: Sequence[int] = ()) -> Any:
        """Send a request and return its answer."""
        more = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
        mark = uuid.uuid4().hex
        message = json.dumps({"id": mark, **request}).encode()
        self.link.sendmsg([message], more if descriptors else [])
        # Who was ended while it waited has left an answer behind.
        while (answer := json.loads(self.link.recv(LONGEST)))[0] != mark:
            pass
        return answer[1]

    def close(self) -> None:
        """End it."""
        self.link.close()
        if self._process is not None:
            self._process.wait()


class Forked:
    """What is used of ``subprocess.Popen``."""

    def __init__(
        self,
        server: Server,
        words: Sequence[str],
        env: Mapping[str, str],
        *,
        cwd: Any = None,
        pass_fds: Sequence[int] = (),
        stderr: int = subprocess.PIPE,
        text: bool = False,
        near: Mapping[Key, Server] | None = None,
    ) -> None:
        self._server = server
        self.returncode: int | None = None
        pipes = [os.pipe() for _ in range(3)]
        (reads, self_in), (self_out, writes), (self_err, tells) = pipes
        if stderr == subprocess.DEVNULL:
            os.dup2(os.open(os.devnull, os.O_WRONLY), tells)
        near = near or {}
        request = {
            "command": list(words),
            "descriptors": [0, 1, 2, *pass_fds],
            "env": dict(env),
            "cwd": os.fspath(cwd or os.getcwd()),
            "servers": list(near),
        }
        links = [other.link.fileno() for other in near.values()]
        self.pid = int(server.ask(request, (reads, writes, tells, *pass_fds, *links)))
        for descriptor in (reads, writes, tells):
            os.close(descriptor)
        self.stdin: Any = os.fdopen(self_in, "wb", 0)
        self.stdout: Any = os.fdopen(self_out, "rb", 0)
        self.stderr: Any = os.fdopen(self_err, "rb", 0)
        if text:
            self.stdin = io.TextIOWrapper(io.BufferedWriter(self.stdin))
            self.stdout = io.TextIOWrapper(io.BufferedReader(self.stdout), errors="replace")

    def kill(self) -> None:
        """Kill it."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    def communicate(self) -> None:
        """Close its pipes and wait for its end."""
        for pipe in (self.stdin, self.stdout, self.stderr):
            with contextlib.suppress(OSError):
                pipe.close()
        self.wait()

    def poll(self) -> int | None:
        """Return the exit status, None while it runs."""
        if self.returncode is None:
            self.returncode = self._server.ask({"wait": self.pid})
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end.

        Raises:
            subprocess.TimeoutExpired: if it does not end in time.
        """
        until = None if timeout is None else time.monotonic() + timeout
        while (status := self.poll()) is None:
            if until is not None and time.monotonic() > until:
                raise subprocess.TimeoutExpired("forked", timeout or 0)
            time.sleep(0.002)
        return status


Key = tuple[Any, ...]
"""What a server starts, and the variables that it was started with."""

_servers: dict[Key, Server] = {}
_ours = os.getpid()


def started(words: Sequence[str]) -> str | None:
    """Return what a command starts, see ``import_ahead``; None if it cannot be forked."""
    from envlift.reference import launch
    from envlift.verify.sides import candidates

    while is_wrapped(words):
        words = words[OWN_WORDS:]
    if words[0] != sys.executable or "-c" not in words:
        return None
    code, *arguments = words[list(words).index("-c") + 1 :]
    if code == launch._RUN:
        return arguments[0]
    if code == candidates._RUN:
        return arguments[1]
    return next((name for name in AHEAD if f"run_module('{name}'" in code), None)


def key_of(what: str, env: Mapping[str, str]) -> Key:
    """Return which server a process of some variables is forked from."""
    read = [item for item in env.items() if item[0].startswith(AT_START)]
    return what, *sorted(item for item in read if not item[0].startswith(SHARED))


def server_of(key: Key) -> Server | None:
    """Return a server; in a process that was forked itself, None if it was given none."""
    if key not in _servers and os.getpid() == _ours:
        _servers[key] = Server.start(key[0], dict(key[1:]))
    return _servers.get(key)


def near_judges(env: Mapping[str, str]) -> dict[Key, Server]:
    """Return the servers of what a judge starts."""
    from envlift.reference import launch

    keys = [key_of(what, env) for what in NEAR]
    keys.append(key_of(launch._BOOTSTRAP, {launch.HASH_SEED: "0", **env}))
    return {key: server for key in keys if (server := server_of(key))}


def popen(words: Sequence[str], **how: Any) -> Any:
    """Fork what can be forked; start anything else."""
    given = how.get("env")
    env = dict(os.environ if given is None else given)
    what = started(words)
    server = None if what is None else server_of(key_of(what, env))
    if server is None:
        return subprocess.Popen(words, **how)
    used = {name: how[name] for name in ("cwd", "pass_fds", "stderr", "text") if name in how}
    near = near_judges(env) if what == JUDGE else None
    return Forked(server, words, env, near=near, **used)


_NAMES = ("PIPE", "STDOUT", "DEVNULL", "TimeoutExpired", "run")
_SHIM = SimpleNamespace(Popen=popen, **{name: getattr(subprocess, name) for name in _NAMES})
WHO_STARTS = ("envlift.reference.processes.child", "envlift.translate.grading.property_tests")


@contextlib.contextmanager
def forked() -> Iterator[None]:
    """Let ``envlift.reference`` and a judge fork their processes of this interpreter.

    No sandbox is forked: nobody is a stranger within this.
    """
    with contextlib.ExitStack() as stack:
        ours = "envlift.verify.sides.strangers.is_ours"
        stack.enter_context(patch(ours, lambda candidate: True))
        for name in WHO_STARTS:
            if name in sys.modules or name == WHO_STARTS[0]:
                stack.enter_context(patch(f"{name}.subprocess", _SHIM))
        yield


@contextlib.contextmanager
def forked_judges() -> Iterator[None]:
    """Let a translation fork its judges, and these what they start without a sandbox."""
    from envlift.translate.grading import decision

    run = decision.run_child

    def run_child(words: Sequence[str], **how: Any) -> Any:
        assert started(words) == JUDGE, words
        # Whatever is started while it runs is ended with it.
        env = how["environment"]
        server_of(key_of(JUDGE, env))
        near_judges(env)
        return run(words, **how)

    with (
        patch.object(decision, "run_child", run_child),
        patch("envlift.translate.agents.processes.subprocess", _SHIM),
    ):
        yield


if __name__ == "__main__":
    sys.path.pop(0)  # the folder of this file, which a process of ours does not have
    asker = socket.socket(fileno=int(sys.argv[1]))
    import_ahead(sys.argv[2])
    _ours = 0
    serve(asker)
