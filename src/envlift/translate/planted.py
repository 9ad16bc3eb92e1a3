"""Run a module's tests against several broken versions of it, in one process.

JSON on standard input: ``file``, ``tests`` and ``sources``. The last line of standard output is a
JSON list: whether the tests failed with each source, up to the first with which they did.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import pytest


def main(options: list[str]) -> int:
    """Judge every source; return the exit code."""
    plan = json.load(sys.stdin)
    file = Path(plan["file"])
    package = file.parts[0].removesuffix(".py")
    noticed = []
    for source in plan["sources"]:
        file.write_text(source, encoding="utf-8")
        ours = (package, Path(plan["tests"]).stem)
        for name in list(sys.modules):
            if name in ours or name.startswith(f"{package}."):
                del sys.modules[name]
        importlib.invalidate_caches()
        noticed.append(pytest.main([*options, "-x", plan["tests"]]) != pytest.ExitCode.OK)
        if noticed[-1]:
            break
    print()
    print(json.dumps(noticed))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
