"""``python -m envlift.watch.node PACKAGE FOLDER``: a Node host with other packages than its own.

It becomes the Node process: ``PACKAGE/node/host.mjs`` is started with the folder of its packages.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

from envlift.reference.processes import npm


def main(package: str, packages: str) -> None:
    """Run the host in place of this process."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"there is no package {package}")
    folder = Path(spec.submodule_search_locations[0]) / "node"
    program = npm.node(folder)
    os.execv(program, [program, str(folder / "host.mjs"), packages])


if __name__ == "__main__":
    main(*sys.argv[1:])
