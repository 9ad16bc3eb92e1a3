"""A process of a turn: watched, logged as it runs, and gone when the turn is over.

A command runs in a process group of its own, under a supervisor that kills the group should envlift
die (see ``reference/processes/supervise.py``). What it writes goes through the redactor into files
at once, so that a kill loses nothing. When it ends, by itself or not, whatever it left behind is
ended too, also what moved to a session of its own and forgot its environment (``strays``): nothing
may go on writing while the verifier judges.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from envlift.reference.processes import supervise
from envlift.translate.agents.protocol import AgentError
from envlift.translate.agents.secrets import Redactor
from envlift.translate.agents.strays import adopted

LIMIT = 20_000_000
"""Bytes of a stream that are kept on disk."""

MARK = "ENVLIFT_TURN_MARK"
"""Variable by which a process of a turn is known wherever it goes."""

_CHUNK = 1 << 16
_LONGEST_LINE = 1 << 23
_TAIL = 4000
_TICK = 0.25
GRACE = 3.0
"""Seconds between the request to end (SIGTERM) and the end (SIGKILL)."""


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    Attributes:
        code: exit status, negative for a signal.
        stopped: ``""`` if it ended by itself, ``"timeout"``, or ``"asked"`` when the reader of its
            lines had enough.
        seconds: wall time.
        stdout: the end of what it wrote there, redacted.
        stderr: the same, of stderr.
    """

    code: int
    stopped: str
    seconds: float
    stdout: str
    stderr: str

    @property
    def how(self) -> str:
        """Say how it ended: ``exit status 3: last line of stderr``."""
        if self.code < 0:
            with contextlib.suppress(ValueError):
                return f"killed by {signal.Signals(-self.code).name}{self._last_words()}"
        return f"exit status {self.code}{self._last_words()}"

    def _last_words(self) -> str:
        lines = [line.strip() for line in (self.stderr or self.stdout).splitlines() if line.strip()]
        return f": {lines[-1][:300]}" if lines else ""


class _Log:
    """One stream of a child: redacted, on disk up to a limit, handed on line by line."""

    def __init__(
        self, path: Path, redactor: Redactor, limit: int, line: Callable[[str], None] | None
    ) -> None:
        self._file: BinaryIO = path.open("wb", buffering=0)
        self._stream = redactor.stream()
        self._left = limit
        self._limit = limit
        self._line = line
        self._unfinished = bytearray()
        self.tail = b""

    def write(self, data: bytes) -> None:
        self._emit(self._stream.feed(data))

    def close(self) -> None:
        self._emit(self._stream.end())
        if self._unfinished:
            self._hand_on(bytes(self._unfinished))
        self._file.close()

    def _emit(self, data: bytes) -> None:
        if not data:
            return
        self.tail = (self.tail + data)[-_TAIL:]
        if self._left > 0:
            self._file.write(data[: self._left])
            self._left -= len(data)
            if self._left <= 0:
                note = f"\n[envlift: cut off here, after {self._limit} bytes]\n"
                self._file.write(note.encode())
        if self._line is None:
            return
        *lines, rest = data.split(b"\n")
        for part in lines:
            self._hand_on(bytes(self._unfinished) + part)
            self._unfinished.clear()
        # A line without end would fill the memory; nobody's result is this long.
        if len(self._unfinished) + len(rest) <= _LONGEST_LINE:
            self._unfinished += rest

    def _hand_on(self, line: bytes) -> None:
        if self._line is not None:
            self._line(line.decode("utf-8", "replace"))


class Enough(Exception):  # noqa: N818 - not an error: the reader of a child's lines had enough
    """Raised by the reader of a child's lines to have the child ended."""


def run_child(
    words: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    log: Path,
    redactor: Redactor,
    name: str = "",
    given: bytes = b"",
    seconds: float | None = None,
    line: Callable[[str], None] | None = None,
    merge: bool = False,
    limit: int = LIMIT,
    keep: Sequence[int] = (),
) -> Ended:
    """Run a command to its end, or to the end of its time.

    Args:
        words: the command.
        cwd: where it works.
        environment: all variables that it sees (and ``ENVLIFT_TURN_MARK``).
        log: folder for ``stdout.log`` and ``stderr.log``.
        redactor: takes secrets out of both before they are written.
        name: put before the names of the log files.
        given: what it reads from stdin.
        seconds: wall time it may take, None for no limit.
        line: is handed every line of stdout, redacted; may raise ``Enough``.
        merge: write stderr into ``stdout.log`` too.
        limit: bytes of a stream that are kept on disk.
        keep: file descriptors that the command inherits.

    Raises:
        AgentError: the program does not exist or cannot be started.
    """
    program = words[0]
    search = environment.get("PATH", os.defpath)
    if shutil.which(str(cwd / program) if os.sep in program else program, path=search) is None:
        raise AgentError(
            f"the program {program!r} was not found on PATH or cannot be run; install it, or "
            "choose another agent"
        )
    with adopted() as end_strays:
        mark = uuid.uuid4().hex
        started = time.monotonic()
        read_end, lifeline = os.pipe()
        try:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", supervise.__file__, str(read_end), *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT if merge else subprocess.PIPE,
                bufsize=0,
                pass_fds=(read_end, *keep),
                start_new_session=True,
                cwd=cwd,
                env={**environment, MARK: mark},
            )
        except OSError as error:
            os.close(lifeline)
            raise AgentError(f"{program!r} could not be started: {error}") from None
        finally:
            os.close(read_end)
        logs: list[_Log] = []
        stopped = ""
        try:
            logs.append(_Log(log / f"{name}stdout.log", redactor, limit, line))
            if not merge:
                logs.append(_Log(log / f"{name}stderr.log", redactor, limit, None))
            stopped = _attend(process, logs, given, None if seconds is None else started + seconds)
        finally:
            # Also on Ctrl-C. Once more at the end: the last processes may have started others.
            _signal_group(process, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0 if process.poll() is not None else GRACE)
            _signal_group(process, signal.SIGKILL)
            process.wait()
            _sweep(mark)
            os.close(lifeline)
            end_strays()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
            for entry in logs:
                with contextlib.suppress(Enough):
                    entry.close()
    tails = [entry.tail.decode("utf-8", "replace") for entry in logs]
    return Ended(
        process.returncode,
        stopped,
        time.monotonic() - started,
        tails[0],
        tails[1] if len(tails) > 1 else "",
    )


def _attend(
    process: subprocess.Popen[bytes], logs: list[_Log], given: bytes, deadline: float | None
) -> str:
    """Feed the child and log what it writes until it ends or is asked to; return why it was."""
    assert process.stdin is not None
    assert process.stdout is not None
    outgoing = memoryview(given)
    sinks = dict(zip((process.stdout, process.stderr), logs, strict=False))
    stopped, after, gone = "", None, False
    with selectors.DefaultSelector() as selector:
        for pipe in sinks:
            assert pipe is not None
            os.set_blocking(pipe.fileno(), False)
            selector.register(pipe, selectors.EVENT_READ)
        os.set_blocking(process.stdin.fileno(), False)
        if outgoing:
            selector.register(process.stdin, selectors.EVENT_WRITE)
        else:
            process.stdin.close()
        while selector.get_map() or process.poll() is None:
            now = time.monotonic()
            if deadline is not None and now >= deadline and not stopped:
                stopped, after = "timeout", now + GRACE
                _signal_group(process, signal.SIGTERM)
            events = selector.select(_tick(deadline, now)) if selector.get_map() else []
            if not selector.get_map():
                time.sleep(_tick(deadline, now))
            for key, _ in events:
                if key.fileobj is process.stdin:
                    outgoing = _send(process, outgoing, selector)
                    continue
                try:
                    _receive(key, sinks[key.fileobj], selector)  # type: ignore[index]
                except Enough:
                    if not stopped:
                        stopped, after = "asked", time.monotonic() + GRACE
                        _signal_group(process, signal.SIGTERM)
            if process.poll() is not None and not gone:
                # A process it left behind may hold its pipes open; what it wrote itself is there.
                gone, after = True, time.monotonic() + _TICK
            if after is not None and time.monotonic() >= after:
                break
    return stopped


def _tick(deadline: float | None, now: float) -> float:
    return _TICK if deadline is None else min(_TICK, max(deadline - now, 0.01))


def _send(
    process: subprocess.Popen[bytes], outgoing: memoryview, selector: selectors.BaseSelector
) -> memoryview:
    assert process.stdin is not None
    try:
        outgoing = outgoing[os.write(process.stdin.fileno(), outgoing[:_CHUNK]) :]
    except BlockingIOError:
        return outgoing
    except OSError:
        # It does not read its stdin: not our affair.
        outgoing = outgoing[:0]
    if not outgoing:
        selector.unregister(process.stdin)
        with contextlib.suppress(OSError):
            process.stdin.close()
    return outgoing


def _receive(key: selectors.SelectorKey, sink: _Log, selector: selectors.BaseSelector) -> None:
    try:
        data = os.read(key.fd, _CHUNK)
    except BlockingIOError:
        return
    if data:
        sink.write(data)
    else:
        selector.unregister(key.fileobj)


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    # The supervisor keeps the group's number from being used again, so this hits nobody else.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _sweep(mark: str) -> None:
    """Kill what left the process group, where the system tells (Linux)."""
    wanted = f"{MARK}={mark}".encode()
    for _ in range(10):
        killed = [entry for entry in Path("/proc").glob("[0-9]*") if _kill_marked(entry, wanted)]
        if not killed:
            return


def _kill_marked(entry: Path, wanted: bytes) -> bool:
    with contextlib.suppress(OSError):
        # The handle is taken first: it names this process even if its number is used again.
        handle = os.pidfd_open(int(entry.name))
        try:
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
                return True
        finally:
            os.close(handle)
    return False
