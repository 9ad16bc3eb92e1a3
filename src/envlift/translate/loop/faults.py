"""Why a turn does not count, whatever its code does.

A turn that changes nothing, touches what judges it, reaches outside its worktree, writes a secret
or lets the fast environment look at its reference is undone and reported.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable
from pathlib import Path, PurePosixPath

from envlift.translate.grading.rust import reaches_out
from envlift.translate.loop.workspace import Change
from envlift.translate.project.file import Project
from envlift.translate.project.guarded import guards

PROPOSAL = "modules.toml"
"""Where a decomposing turn writes its modules."""

STANDARD = {
    *("__future__", "abc", "collections", "dataclasses", "enum", "functools", "itertools", "math"),
    *("operator", "typing", "types", "warnings", "contextlib", "copy", "pathlib", "numbers"),
}
LIBRARIES = {
    "jax": {"jax", "numpy", "envlift", "gymnasium"},
    "warp": {"jax", "numpy", "envlift", "gymnasium", "warp"},
    "rust": {"numpy", "gymnasium", "ctypes", "sys", "os", "weakref", "platform", "atexit"},
}
OURS = ("envlift.env", "envlift.targets")
GYMNASIUM = ("gymnasium.spaces", "gymnasium.vector")
FORBIDDEN_NAMES = {"exec", "eval", "compile", "__import__", "globals", "open"}
FORBIDDEN_ATTRIBUTES = {
    *("make", "make_vec", "pure_callback", "io_callback", "system", "popen", "fork", "envs"),
    *("__subclasses__", "__globals__", "modules", "pythonapi", "PyDLL"),
}


LARGEST_FILE, LARGEST_TURN = 10_000_000, 50_000_000
"""Bytes of one file, and of all files, that a turn may leave."""

MOST_FILES = 2_000
"""That a turn may change."""


def too_large(worktree: Path, paths: Iterable[str]) -> str:
    """Say why what a turn left is not even stored, empty if it may be.

    Args:
        worktree: of the turn.
        paths: that it changed.
    """
    total = count = 0
    for path in paths:
        place = worktree / path
        size = place.lstat().st_size if place.is_symlink() or place.exists() else 0
        total, count = total + size, count + 1
        if size > LARGEST_FILE:
            return f"it left {path} of {size:,} bytes; at most {LARGEST_FILE:,} are taken"
    if total > LARGEST_TURN:
        return f"it left {total:,} bytes; at most {LARGEST_TURN:,} are taken"
    return f"it changed {count:,} files; at most {MOST_FILES:,} are" if count > MOST_FILES else ""


def fault_of(
    project: Project,
    change: Change,
    kind: str,
    tests: Iterable[str],
    written: Collection[str] = (),
) -> str:
    """Say why a change does not count, empty if it does.

    Args:
        project: whose workspace it is.
        change: what the turn left.
        kind: of the turn.
        tests: paths of tests that the turn may not change.
        written: paths that earlier turns wrote.
    """
    theirs = {module.file for module in project.modules} | set(written)
    if not change.paths:
        return "the turn changed nothing"
    if change.links:
        return f"it made a link, {change.links[0]}; only plain files are taken"
    for path, letter in change.paths.items():
        if path == PROPOSAL and kind == "decompose":
            continue
        if guards(project, path):
            return f"it changed {path}, which is protected"
        if kind == "decompose":
            return f"it changed {path}; a decomposition is written to {PROPOSAL} alone"
        places = (f"{project.name}/", "tests/")
        own = letter == "A" or path.startswith(places) or path in theirs
        if path.endswith(".py") and not own:
            return f"it changed {path}, which a person wrote and the suite may rest on"
        if path in tests and kind != "tests":
            return f"it changed {path}, whose module has passed them already"
        if kind in ("root-cause", "tests") and not _is_test(path):
            return f"it changed {path}; this turn writes tests, in tests/, and nothing else"
    return ""


def _is_test(path: str) -> bool:
    pure = PurePosixPath(path)
    return len(pure.parts) > 1 and pure.parts[0] == "tests" and pure.suffix == ".py"


def not_blind(project: Project, worktree: Path) -> str:
    """Say where the fast environment could look at its reference, empty if nowhere.

    What its Python files import is held against a list for the target; names that import or run
    code by text, start processes or call back into Python are refused. A Rust crate stands alone
    and names nothing by which it could reach outside, see ``rust.reaches_out``.
    """
    package = worktree / project.name
    for path in sorted(package.rglob("*.py")):
        where = path.relative_to(worktree).as_posix()
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, ValueError):
            continue  # The tests will say so, with the line.
        for node in ast.walk(tree):
            wrong = _forbidden(project, node)
            if wrong:
                return f"{where}:{getattr(node, 'lineno', 0)} {wrong}"
    return reaches_out(worktree) if project.target == "rust" else ""


def _forbidden(project: Project, node: ast.AST) -> str:
    names: list[str] = []
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and node.level == 0:
        module = node.module or ""
        names = [f"{module}.{alias.name}" for alias in node.names]
    elif isinstance(node, ast.Name) and node.id in FORBIDDEN_NAMES:
        return f"uses {node.id}, which a fast environment has no need of"
    elif isinstance(node, ast.Attribute) and node.attr in FORBIDDEN_ATTRIBUTES:
        return f"uses .{node.attr}, by which it could reach its reference"
    for name in names:
        if name.rpartition(".")[2] in FORBIDDEN_ATTRIBUTES:
            return f"imports {name}, by which it could reach its reference"
        if not _importable(project, name):
            return f"imports {name}; a {project.target} environment imports only {_known(project)}"
    return ""


def _importable(project: Project, name: str) -> bool:
    top = name.partition(".")[0]
    if top in STANDARD or top == project.name:
        return True
    if top not in LIBRARIES[project.target]:
        return False
    if top == "envlift":
        return any(name == ours or name.startswith(ours + ".") for ours in OURS)
    if top == "gymnasium":
        return name == top or any(name == g or name.startswith(g + ".") for g in GYMNASIUM)
    return True


def _known(project: Project) -> str:
    own = sorted(LIBRARIES[project.target] - {"envlift", "gymnasium"})
    return ", ".join([*own, *OURS, *GYMNASIUM, f"{project.name} itself", "plain standard modules"])
