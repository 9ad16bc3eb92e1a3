"""Start a command that cannot outlive the process that asked for it.

Run by path as ``python -I -S supervise.py LIFELINE COMMAND...`` in a new session. ``LIFELINE`` is
the read end of a pipe whose write end only the asking process holds. A supervisor in the command's
process group waits for that pipe to close, which the operating system does however the asking
process ends, and then kills the whole group. This works for references in any language, also when
one hangs and never looks at its stdin; unlike ``PR_SET_PDEATHSIG`` it reaches grandchildren, does
not depend on which thread started the child, and is not Linux only.
"""

import os
import signal
import sys


def _supervise(lifeline: int) -> None:
    """Kill the process group when the lifeline closes; never returns."""
    # Held open, these would keep the command's pipes from ever reaching their end.
    for descriptor in (0, 1, 2):
        os.close(descriptor)
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    while os.read(lifeline, 1):
        pass
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Fork the supervisor, then become the command."""
    lifeline, command = int(sys.argv[1]), sys.argv[2:]
    middle = os.fork()
    if middle == 0:
        # The supervisor is a grandchild, so that a command that waits for its own children is not
        # handed one that it never started.
        if os.fork() == 0:
            _supervise(lifeline)
        os._exit(0)
    os.waitpid(middle, 0)
    os.close(lifeline)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"cannot start {command[0]}: {error.strerror}", file=sys.stderr)
        sys.stderr.flush()
        os._exit(127)


if __name__ == "__main__":
    main()
