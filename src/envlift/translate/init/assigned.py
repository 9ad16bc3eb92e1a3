"""Which attributes an environment's own methods assign: its state, what seldom changes too."""

from __future__ import annotations

import ast
from collections.abc import Iterator

_NOT_PLAY = ("__init__", "render", "close", "__str__", "__repr__", "__del__")


def assigned(source: str, first: int, last: int) -> tuple[str, ...]:
    """Return the attributes of ``self`` that methods of a class assign, in order.

    Args:
        source: Python text.
        first, last: lines of the class.

    Its constructor and what draws pictures are left out: what is assigned there alone is no state.
    Nor is what is given one and the same constant wherever it is assigned.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return ()
    found: dict[str, set[str]] = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and first <= node.lineno <= last:
            for part in node.body:
                if isinstance(part, ast.FunctionDef) and _plays(part.name):
                    for name, constant in _assignments(part):
                        found.setdefault(name, set()).add(constant)
    return tuple(name for name, given in found.items() if len(given) > 1 or "" in given)


def _plays(name: str) -> bool:
    return name not in _NOT_PLAY and "render" not in name


def _assignments(method: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """Yield attributes and the constants that they are given, "" for anything else."""
    for node in ast.walk(method):
        targets: list[ast.expr] = []
        constant = ""
        if isinstance(node, ast.Assign):
            targets = node.targets
            constant = repr(node.value.value) if isinstance(node.value, ast.Constant) else ""
        elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
            targets = [node.target]
        for target in targets:
            for inner in ast.walk(target):
                if (
                    isinstance(inner, ast.Attribute)
                    and isinstance(inner.value, ast.Name)
                    and inner.value.id == "self"
                ):
                    yield inner.attr, constant if inner is target else ""
