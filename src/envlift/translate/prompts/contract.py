"""The contract that a candidate implements, as text for an agent that has never seen envlift.

It is cut out of the source that defines it, so that a prompt cannot say anything else than the
code does. Nothing is imported for it: Warp and JAX need not start to write a prompt.
"""

from __future__ import annotations

import ast
import importlib.util
from functools import cache
from pathlib import Path


@cache
def module_text(name: str) -> str:
    """Return the source of a module by its dotted name, without running it."""
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).read_text(encoding="utf-8")


def module_doc(name: str) -> str:
    """Return a module's docstring."""
    return ast.get_docstring(ast.parse(module_text(name))) or ""


def definition(module: str, name: str, methods: tuple[str, ...] | None = None) -> str:
    """Return the source of a class or function, decorators included.

    Args:
        module: dotted name.
        name: of the class or function.
        methods: of a class: keep only these, beside its docstring and attributes. A method that is
            followed by ``...`` in the list keeps its signature and docstring alone.

    Raises:
        ValueError: if there is no such thing; it was renamed, and this text with it must be.
    """
    text = module_text(module)
    lines = text.splitlines()
    node = _find(ast.parse(text).body, module, name)
    if methods is None or not isinstance(node, ast.ClassDef):
        return _lines(lines, node)
    kept = []
    first = node.body[0]
    kept.append("\n".join(lines[_start(node) - 1 : first.lineno - 1]))
    for part in node.body:
        if not isinstance(part, ast.FunctionDef):
            apart = "" if lines[part.lineno - 2].strip() else "\n"
            kept.append(apart + _lines(lines, part))
        elif part.name in methods:
            kept.append("\n" + _lines(lines, part))
        elif f"{part.name}..." in methods:
            kept.append("\n" + _signature(lines, part))
    wanted = {method.removesuffix("...") for method in methods}
    missing = wanted - {part.name for part in node.body if isinstance(part, ast.FunctionDef)}
    if missing:
        raise ValueError(f"{module}.{name} has no {', '.join(sorted(missing))}")
    return "\n".join(kept)


def environment() -> str:
    """Return what a candidate in JAX or Warp implements: the classes of ``envlift.env``."""
    implemented = (
        "__init__", "default_params", "observation_space", "action_space", "sample_initial",
        "initial", "sample", "transition", "observe", "legal_actions", "reset...", "step...",
    )  # fmt: skip
    return "\n\n\n".join(
        (
            'Autoreset = Literal["same_step", "disabled"]',
            definition("envlift.env", "Transition"),
            definition("envlift.env", "EnvInfo"),
            definition("envlift.env", "Env", implemented),
        )
    )


def warp_rule() -> str:
    """Return how a Warp function becomes a JAX function: ``BatchedRule``."""
    return definition("envlift.targets.warp", "BatchedRule", ("__init__...", "__call__..."))


def vector() -> str:
    """Return how the verifier drives a candidate that is a Gymnasium ``VectorEnv``."""
    driven = ("__init__", "reset", "_one", "_reset", "get_state", "set_state", "call")
    return definition("envlift.candidate.vector_side", "VectorSide", driven)


def module_table() -> str:
    """Return what stands in a ``[[module]]`` table: the attributes of ``project.Module``."""
    tree = ast.parse(module_text("envlift.translate.project.file"))
    node = _find(tree.body, "envlift.translate.project.file", "Module")
    assert isinstance(node, ast.ClassDef)
    return (ast.get_docstring(node) or "").partition("Attributes:\n")[2]


def _find(body: list[ast.stmt], module: str, name: str) -> ast.ClassDef | ast.FunctionDef:
    for node in body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name == name:
            return node
    raise ValueError(f"{module} has no {name!r}")


def _start(node: ast.ClassDef | ast.FunctionDef) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _lines(lines: list[str], node: ast.stmt) -> str:
    start = _start(node) if isinstance(node, (ast.ClassDef, ast.FunctionDef)) else node.lineno
    return "\n".join(lines[start - 1 : node.end_lineno])


def _signature(lines: list[str], node: ast.FunctionDef) -> str:
    """Return signature and docstring; the body is ``...``."""
    text = "\n".join(lines[_start(node) - 1 : node.body[0].end_lineno])
    return f"{text}\n{' ' * (node.col_offset + 4)}..."
