"""Run the tests of a workspace and, if they pass, a module's against several broken versions of it.

All in one process: its start and its imports take longer than most tests. The arguments are
pytest's for the first run. JSON on standard input: the file for its exit ``code``, the ``folder``
of the workspace, a ``copy`` of it, where ``file`` is broken, ``tests``, ``sources`` and pytest's
``options``. The last line of standard output is a JSON list: whether the tests failed with each
source, up to the first with which they did.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path

import pytest


def main(options: list[str]) -> int:
    """Run everything; return the exit code of the first run."""
    plan = json.load(sys.stdin)
    code = int(pytest.main(options))
    Path(plan["code"]).write_text(str(code))
    noticed: list[bool] = []
    if code == pytest.ExitCode.OK:
        here, copy = plan["folder"], plan["copy"]
        os.chdir(copy)
        sys.path[:] = [copy if entry == here else entry for entry in sys.path]
        for source in plan["sources"]:
            Path(plan["file"]).write_text(source, encoding="utf-8")
            _forget(here, copy)
            noticed.append(pytest.main([*plan["options"], "-x", plan["tests"]]) != 0)
            if noticed[-1]:
                break
    print()
    print(json.dumps(noticed))
    return code


def _forget(*folders: str) -> None:
    """Let what lies in these folders be imported anew."""
    inside = tuple(os.path.join(folder, "") for folder in folders)
    for name, module in list(sys.modules.items()):
        places = [getattr(module, "__file__", None), *getattr(module, "__path__", [])]
        if any(place and os.path.join(place, "").startswith(inside) for place in places):
            del sys.modules[name]
    importlib.invalidate_caches()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
