"""Start a command with limits on what it may take of the machine.

Run by path as ``python -I -S limits.py FILE_BYTES COMMAND...``. A file may grow to so many bytes,
the command's own data to most of the machine's memory, and no core is written.
"""

import os
import sys

PART_OF_MEMORY = 0.8


def main() -> None:
    """Lower the limits, then become the command."""
    try:
        import resource
    except ImportError:  # not on every system
        pass
    else:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        for kind, wanted in (
            (resource.RLIMIT_FSIZE, int(sys.argv[1])),
            (resource.RLIMIT_DATA, int(memory * PART_OF_MEMORY)),
            (resource.RLIMIT_CORE, 0),
        ):
            hard = resource.getrlimit(kind)[1]
            value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(kind, (value, value))
    command = sys.argv[2:]
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"cannot start {command[0]}: {error.strerror}", file=sys.stderr)
        sys.stderr.flush()
        os._exit(127)


if __name__ == "__main__":
    main()
