"""A child process that is always reaped, and an exchange with it that cannot dead-lock."""

from __future__ import annotations

import contextlib
import fcntl
import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_CHUNK = 1 << 20
_TAIL_BYTES = 1 << 16
_TAIL_LINES = 20
_GRACE = 2.0
_SUPERVISOR = str(Path(__file__).with_name("supervise.py"))


class ChildTrouble(Exception):  # noqa: N818 - turned into a SideFailure by the client
    """The child ended, closed its stdout or took too long; the message says which."""


class ChildHung(ChildTrouble):
    """It took too long."""


def _reap(process: subprocess.Popen[bytes], lifeline: int) -> None:
    """End the child's whole process group and wait for the child. Idempotent by its caller."""
    # The supervisor keeps the group's number from being used again, so this hits nobody else.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    os.close(lifeline)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


class _Clock:
    """The time a child has for an answer, without what a busy machine took from it.

    Looking that up costs more than most answers, so it begins when half of the time is over.
    """

    def __init__(self, pid: int, timeout: float) -> None:
        self._pid, self._timeout = pid, timeout
        self._worked = 0
        self._begin()

    def _begin(self) -> None:
        self.deadline = time.monotonic() + self._timeout
        self._waited: float | None = None

    def note(self, worked: int) -> None:
        """Begin anew if the child has said again that it is at work."""
        if worked != self._worked:
            self._worked = worked
            self._begin()

    def remaining(self) -> float:
        """Return the seconds until it is time to look."""
        half = 0.0 if self._waited is not None else self._timeout / 2
        return self.deadline - half - time.monotonic()

    def expired(self) -> bool:
        """Whether the time is over; if the child was kept from running, it is prolonged."""
        if self.remaining() > 0:
            return False
        waited = waited_for_a_core(self._pid)
        if self._waited is not None:
            self.deadline += max(waited - self._waited, 0.0)
        self._waited = waited
        return self.remaining() <= 0


def waited_for_a_core(pid: int) -> float:
    """Return the seconds that a process was ready to run while others ran; 0 where unknown.

    Of its threads, and those of the processes that it started (a sandbox starts what runs in it),
    the one that waited longest counts.
    """
    longest, todo = 0, [pid]
    while todo:
        with contextlib.suppress(OSError, ValueError, IndexError):
            for thread in Path(f"/proc/{todo.pop()}/task").iterdir():
                longest = max(longest, int((thread / "schedstat").read_text().split()[1]))
                todo += map(int, (thread / "children").read_text().split())
    return longest / 1e9


class ChildProcess:
    """A command with pipes to its stdin, stdout and stderr, in a process group of its own.

    The group is killed by ``close``, by garbage collection, at the exit of the interpreter, and
    by its supervisor (see ``supervise.py``) when this process ends in any other way.

    Raises:
        ChildTrouble: if the command does not exist.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
    ) -> None:
        if not command:
            raise ChildTrouble("its command is empty")
        search = (os.environ if env is None else env).get("PATH")
        program = Path(cwd or ".", command[0]) if os.sep in command[0] else None
        known = os.access(program, os.X_OK) if program else shutil.which(command[0], path=search)
        if not known:
            raise ChildTrouble(f"its program {command[0]!r} was not found or cannot be run")
        read_end, lifeline = os.pipe()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", _SUPERVISOR, str(read_end), *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                pass_fds=(read_end,),
                start_new_session=True,
                env=None if env is None else dict(env),
                cwd=cwd,
            )
        except OSError as error:
            os.close(lifeline)
            raise ChildTrouble(f"it could not be started: {error}") from None
        finally:
            os.close(read_end)
        self._finalizer = weakref.finalize(self, _reap, self._process, lifeline)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._stdin = self._process.stdin.fileno()
        self._stdout = self._process.stdout.fileno()
        self._stderr = self._process.stderr.fileno()
        for descriptor in (self._stdin, self._stdout, self._stderr):
            os.set_blocking(descriptor, False)
            if hasattr(fcntl, "F_SETPIPE_SZ"):
                with contextlib.suppress(OSError):
                    fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _CHUNK)
        self._tail = bytearray()
        self._received = bytearray()

    @property
    def pid(self) -> int:
        """The child's process id, which is also that of its process group."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the child has not been reaped."""
        return self._finalizer.alive

    def stderr_tail(self) -> str:
        """Return the last lines that the child wrote to stderr."""
        text = self._tail.decode("utf-8", "replace")
        return "\n".join(text.splitlines()[-_TAIL_LINES:])

    def exchange(
        self,
        pieces: Sequence[bytes | memoryview],
        complete: Callable[[bytearray], int | None],
        timeout: float,
    ) -> bytes:
        """Write ``pieces`` and read one answer, both at once, so that no full pipe blocks.

        Args:
            pieces: the request.
            complete: given all bytes received so far, returns the length of the answer, or None
                while it is incomplete. May raise. Where it counts in ``working`` how often the
                child said that it is at work, the time begins anew each time.
            timeout: seconds without a sign of work. Those in which other processes kept the
                child from running do not count.

        Raises:
            ChildHung: if the time is over.
            ChildTrouble: if the child ends.
        """
        clock = _Clock(self.pid, timeout)
        outgoing = [memoryview(piece).cast("B") for piece in pieces if len(piece)]
        outgoing.reverse()
        with selectors.DefaultSelector() as selector:
            selector.register(self._stdout, selectors.EVENT_READ)
            selector.register(self._stderr, selectors.EVENT_READ)
            if outgoing:
                selector.register(self._stdin, selectors.EVENT_WRITE)
            while (length := complete(self._received)) is None or outgoing:
                clock.note(getattr(complete, "working", 0))
                # Also when the time is over: this process may have slept, not the child.
                events = selector.select(max(clock.remaining(), 0))
                if not events and clock.expired():
                    raise ChildHung(
                        f"no answer within {timeout:.3g} s (the time limit for this much work); "
                        "it was stopped. If it is slow and does not hang, raise --timeout"
                    )
                for key, _ in events:
                    if key.fd == self._stdin:
                        self._write(outgoing, selector)
                    elif key.fd == self._stdout:
                        if not self._read(self._stdout, self._received):
                            raise ChildTrouble(self._ended(selector, clock.deadline))
                    elif not self._read(self._stderr, self._tail):
                        selector.unregister(self._stderr)
                    elif len(self._tail) > 2 * _TAIL_BYTES:
                        del self._tail[:-_TAIL_BYTES]
        answer = bytes(memoryview(self._received)[:length])
        del self._received[:length]
        return answer

    def _write(self, outgoing: list[memoryview], selector: selectors.BaseSelector) -> None:
        try:
            sent = os.write(self._stdin, outgoing[-1][:_CHUNK])
        except BlockingIOError:
            return
        except OSError:
            # The child no longer reads; its stdout will say more: an answer, or its end.
            outgoing.clear()
        else:
            rest = outgoing.pop()[sent:]
            if len(rest):
                outgoing.append(rest)
        if not outgoing:
            selector.unregister(self._stdin)

    @staticmethod
    def _read(descriptor: int, into: bytearray) -> bool:
        """Read what is there; False at the end of the pipe."""
        try:
            data = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return True
        into += data
        return bool(data)

    def _ended(self, selector: selectors.BaseSelector, deadline: float) -> str:
        """Say how the child ended, after reading what is left of its stderr."""
        until = min(deadline, time.monotonic() + _GRACE)
        try:
            code = self._process.wait(max(until - time.monotonic(), 0.01))
        except subprocess.TimeoutExpired:
            return "it closed its stdout without an answer"
        while self._stderr in selector.get_map():
            # A grandchild may hold stderr open; what the child itself wrote is there already.
            before = len(self._tail)
            if not self._read(self._stderr, self._tail) or len(self._tail) == before:
                break
        if self._received:
            excerpt = bytes(self._received[:200]).decode("utf-8", "replace")
            left = f", in the middle of an answer that begins {excerpt!r}"
        else:
            left = " without an answer"
        if code < 0:
            try:
                name = signal.Signals(-code).name
            except ValueError:
                name = f"signal {-code}"
            return f"it was killed by {name}{left}"
        return f"it ended with exit status {code}{left}"

    def close(self, farewell: bytes = b"", grace: float = _GRACE) -> None:
        """Say goodbye, give the child ``grace`` seconds to end by itself, then kill the group."""
        if not self._finalizer.alive:
            return
        with contextlib.suppress(OSError):
            os.write(self._stdin, farewell)
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        if grace > 0:
            self._drain_until_end(grace)
        self.kill()

    def _drain_until_end(self, grace: float) -> None:
        deadline = time.monotonic() + grace
        with selectors.DefaultSelector() as selector:
            # A last word to a full stdout or stderr must not keep the child from ending.
            for descriptor in (self._stdout, self._stderr):
                selector.register(descriptor, selectors.EVENT_READ)
            while self._process.poll() is None and time.monotonic() < deadline:
                for key, _ in selector.select(0.02):
                    sink = self._tail if key.fd == self._stderr else bytearray()
                    if not self._read(key.fd, sink):
                        selector.unregister(key.fd)
                if not selector.get_map():
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        self._process.wait(max(deadline - time.monotonic(), 0.01))
                    return

    def kill(self) -> None:
        """Kill the process group and reap the child at once."""
        self._finalizer()
