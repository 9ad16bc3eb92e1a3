"""Asking processes that hold a mutant: the package with one file replaced, a time limit, an end."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import select
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envlift.verify.mutation import warm
from envlift.verify.mutation.operators import Mutant

HEAVY = ("numpy", "scipy.stats", "jax", "jax.numpy", "gymnasium", "hypothesis", "msgpack", "rich")


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        lines: the JSON lines that were written.
        status: exit status of the process, None if it ran out of time.
        log: the last line that it printed.
        seconds, cpu: wall time; time that processors worked, whatever else the machine did.
    """

    lines: list[dict[str, Any]]
    status: int | None
    log: str
    seconds: float
    cpu: float = 0.0


class StoppedError(Exception):
    """The workers were closed while somebody waited."""


def overlay(package: Path, folder: Path, mutant: Mutant | None) -> None:
    """Make ``folder/envlift``: links to the package, and the one file that is not its own.

    Modules come from the package's own compiled files, which a copy would have to make anew.
    """
    target = folder / "envlift"
    if mutant is None:
        folder.mkdir(parents=True)
        target.symlink_to(package, target_is_directory=True)
        return
    here, there = package, target
    for part in Path(mutant.file).parts:
        there.mkdir(parents=True, exist_ok=True)
        for entry in here.iterdir():
            # Beside the mutant no compiled file may pass for it.
            if entry.name not in (part, "__pycache__"):
                (there / entry.name).symlink_to(entry, target_is_directory=entry.is_dir())
        here, there = here / part, there / part
    there.write_text(mutant.source, encoding="utf-8")


class Worker:
    """One warm process; one request at a time."""

    def __init__(self, cache: Path, modules: tuple[str, ...]) -> None:
        environment = {
            **os.environ,
            "PYTHONDONTWRITEBYTECODE": "1",
            # Most of a mutant is the program of its neighbour: XLA need not compile that again.
            "JAX_COMPILATION_CACHE_DIR": str(cache),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-P", warm.__file__, *HEAVY, *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
        self._child: int | None = None
        self._rest = b""

    def ask(
        self, work: Path, request: dict[str, Any], limit: float
    ) -> tuple[int | None, float, float]:
        """Return the exit status, None after the limit; the seconds it took; those of processors.

        Raises:
            StoppedError: if the process is gone.
        """
        started = time.monotonic()
        asked = {"work": str(work), "log": str(work / "log"), "request": request}
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(asked).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise StoppedError from None
        late = False
        while True:
            # The libraries are imported before the first request: that is nobody's time.
            left = limit - (time.monotonic() - started) if self._child is not None else None
            line = self._line(None if late or left is None else max(left, 0.0))
            if line is None:
                late = True
                self._end_child()
            elif "pid" in line:
                self._child, started = line["pid"], time.monotonic()
            else:
                self._child = None
                status = None if late else int(line["status"])
                return status, time.monotonic() - started, line["cpu"]

    def _line(self, timeout: float | None) -> dict[str, Any] | None:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        while b"\n" not in self._rest:
            if not select.select([descriptor], [], [], timeout)[0]:
                return None
            more = os.read(descriptor, 4096)
            if not more:
                raise StoppedError
            self._rest += more
        first, _, self._rest = self._rest.partition(b"\n")
        return dict(json.loads(first))

    def _end_child(self) -> None:
        child = self._child
        if child is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child, signal.SIGKILL)

    def stop(self) -> None:
        """End the process and what it runs."""
        self._end_child()
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Stop, once nobody waits for an answer."""
        self.stop()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            with contextlib.suppress(OSError):
                stream.close()


class Workers:
    """So many warm processes, and the folders in which mutants are laid out.

    Args:
        package: source folder of the package.
        folder: for everything that is written.
        count: processes at most; each starts when it is needed.
        modules: further libraries to import beforehand.
    """

    def __init__(self, package: Path, folder: Path, count: int, modules: tuple[str, ...]) -> None:
        self.package, self.folder = package, folder
        self._modules = modules
        self._idle: queue.LifoQueue[Worker | None] = queue.LifoQueue()
        for _ in range(count):
            self._idle.put(None)
        self.proving = threading.Lock()
        """Held while the answers of the rules as they are come about."""
        self._lock = threading.Lock()
        self._all: list[Worker] = []
        self._made = 0
        self._closed = False

    def ask(self, mutant: Mutant | None, request: dict[str, Any], limit: float) -> Answer:
        """Let a process that holds the mutant do what is asked.

        Args:
            mutant: None for the rules as they are.
            request: what ``judge.main`` takes; ``fixtures`` and ``answers`` are added to one that
                judges.
            limit: in seconds.

        Raises:
            StoppedError: if the workers were closed meanwhile.
        """
        with self._lock:
            self._made += 1
            work = self.folder / f"mutant-{self._made}"
        overlay(self.package, work, mutant)
        written = work / "answers"
        if "proof" not in request:
            request = request | {"fixtures": str(work / "fixtures"), "answers": str(written)}
        worker = self._idle.get()
        try:
            if worker is None:
                with self._lock:
                    if self._closed:
                        raise StoppedError
                    worker = Worker(self.folder / "xla", self._modules)
                    self._all.append(worker)
            status, seconds, cpu = worker.ask(work, request, limit)
        finally:
            self._idle.put(worker)
        lines = written.read_text(encoding="utf-8").splitlines() if written.is_file() else []
        log = (work / "log").read_text(errors="replace").strip() if (work / "log").is_file() else ""
        return Answer(
            [json.loads(line) for line in lines if line.endswith("}")],
            status,
            (log.splitlines() or ["it printed nothing"])[-1][:300],
            seconds,
            cpu,
        )

    def stop(self) -> None:
        """End all processes; whoever waits gets ``StoppedError``."""
        with self._lock:
            self._closed = True
            workers = list(self._all)
        for worker in workers:
            worker.stop()

    def close(self) -> None:
        """Stop, once nobody waits for an answer."""
        self.stop()
        for worker in self._all:
            worker.close()
