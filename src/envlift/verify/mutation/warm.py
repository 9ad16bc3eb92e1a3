"""A process that has imported the libraries and forks one child for each request.

Run as ``python -P warm.py MODULE...``: it knows nothing of envlift, so that each child imports the
package it is told, with a fault in it. A request is a JSON line ``{"work": folder, "log": file,
"request": ...}``; the answers are the lines ``{"pid": n}`` and ``{"status": code,
"cpu": seconds}``.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import sys
import time
import traceback
from typing import Any, NoReturn

POLL = 0.02


def main() -> None:
    """Serve until the other end closes."""
    # Ctrl-C is for whoever asks: it ends the children by itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = os.getppid()
    for name in sys.argv[1:]:
        importlib.import_module(name)
    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _child(asked)
        print(json.dumps({"pid": pid}), flush=True)
        print(json.dumps(_wait(pid, parent)), flush=True)


def _wait(pid: int, parent: int) -> dict[str, float]:
    while True:
        done, status, used = os.wait4(pid, os.WNOHANG)
        if done:
            _end(pid)
            # With what the child itself waited for, a reference's process for example.
            cpu = used.ru_utime + used.ru_stime
            return {"status": os.waitstatus_to_exitcode(status), "cpu": cpu}
        if os.getppid() != parent:
            _end(pid)
            sys.exit(1)
        time.sleep(POLL)


def _end(pid: int) -> None:
    """End what is left of a child: it leads a group of its own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _child(asked: dict[str, Any]) -> NoReturn:
    code = 1
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.chdir(asked["work"])
        os.environ["PYTHONPATH"] = asked["work"]
        sys.path.insert(0, asked["work"])
        importlib.import_module("envlift.verify.mutation.judge").main(asked["request"])
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
