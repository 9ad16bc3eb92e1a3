"""Start a command that may have so many processes, its threads counted.

Run by path as ``python -I -S processes_limit.py MOST COMMAND...``, inside of a user name space: the
kernel (Linux 5.14 and later) then counts the processes of that name space alone. A process of root
is not held to it, whatever its name space.
"""

import os
import sys


def main() -> None:
    """Lower the limit, then become the command."""
    import resource

    hard = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    most = int(sys.argv[1])
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(resource.RLIMIT_NPROC, (most, most))
    command = sys.argv[2:]
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"cannot start {command[0]}: {error.strerror}", file=sys.stderr)
        sys.stderr.flush()
        os._exit(127)


if __name__ == "__main__":
    main()
