"""Check what is committed: no generated files, no over-long modules, nothing of one machine.

Run by ``make lint``. Prints one line per finding and exits with 1 if there is any.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

MAX_PYTHON_LINES = 600

GENERATED_FOLDERS = {
    "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", ".venv",
    ".import_linter_cache", ".ipynb_checkpoints", "node_modules", "build", "dist", "site",
}  # fmt: skip
GENERATED_SUFFIXES = {".pyc", ".pyo", ".so", ".o", ".a", ".dylib", ".dll", ".whl", ".egg-info"}

# Written so that no pattern matches its own line. A Cargo.lock names its source by the name that
# cargo has for it everywhere, which is no host.
PRIVATE = {
    "a package registry's host": re.compile(
        r"pypi\.org|pythonhosted\.org|npmjs\.(org|com)|crates\.io(?!-index\")|anaconda\.org|proxy\.golang\.org"
    ),
    "a path of one machine": re.compile(r"(?<![\w.])/(wor[k]|roo[t]|tm[p]/(v|wt|brief))(/|\b)"),
}


def committed(root: Path) -> list[Path]:
    """Return what git tracks or would add, relative to ``root``."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    paths = {Path(name) for name in listed.stdout.split("\0") if name}
    return sorted(path for path in paths if (root / path).is_file())


def findings(root: Path, path: Path) -> Iterator[str]:
    """Yield what is wrong with one file."""
    if GENERATED_FOLDERS.intersection(path.parts[:-1]) or path.suffix in GENERATED_SUFFIXES:
        yield f"{path}: is generated; remove it and name it in .gitignore"
        return
    try:
        lines = (root / path).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        return
    # A recorded translation holds its reference's text, as its authors wrote it.
    foreign = path.match("examples/translations/*/project/reference/*")
    if path.suffix == ".py" and len(lines) > MAX_PYTHON_LINES and not foreign:
        yield f"{path}: has {len(lines)} lines, more than {MAX_PYTHON_LINES}; divide it"
    for number, line in enumerate(lines, start=1):
        for what, pattern in PRIVATE.items():
            found = pattern.search(line)
            if found:
                yield f"{path}:{number}: names {what} ({found.group()!r})"


def main(root: Path) -> int:
    """Check a checkout; return the exit code."""
    found = [line for path in committed(root) for line in findings(root, path)]
    print("\n".join(found) or "tree: nothing generated, over-long or private is committed")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()))
