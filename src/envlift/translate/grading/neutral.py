"""Changing how a module is written without changing what it does."""

from __future__ import annotations

import ast


def neutral(source: str, target: str) -> str:
    """Return Python source that does the same: other layout, no comments, names nobody uses.

    Args:
        source: of a module.
        target: of the project; Warp compiles the bodies of functions, which stay as they are.

    Raises:
        SyntaxError: if it is no Python.
    """
    tree = ast.parse(source)
    if target != "warp":
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                documented = ast.get_docstring(node) is not None
                node.body[documented:documented] = ast.parse("unused_ = 0").body
    tree.body += ast.parse("unused_ = 0").body
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def neutral_rust(source: str) -> str:
    """Return Rust source that does the same and is built into other bytes."""
    return source + "\n#[used]\nstatic UNUSED_BYTE: u8 = 1;\n"
