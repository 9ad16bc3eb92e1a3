"""Which fields of a struct a Warp function reads and writes, told from its source.

A generated kernel loads and stores only those: LLVM's time, and whether it vectorises a loop at
all, hang on how many there are.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import ast
import inspect
import textwrap
from dataclasses import dataclass
from typing import Any

import warp as wp


@dataclass(frozen=True)
class Uses:
    """Names of fields.

    Attributes:
        read: whose value on entry may matter; one that is written in part, or perhaps, counts.
        written: whose value may have changed in what the function returns.
        returned: whether it returns the struct, with what it did not write.
    """

    read: frozenset[str]
    written: frozenset[str]
    returned: bool


def uses(function: Any, argument: int = 0) -> Uses:
    """Return what a ``@wp.func`` does with the fields of one of its arguments, a struct.

    Where the source does more with the struct than to name its fields, to return it or to pass it
    on to another ``@wp.func``, all fields are taken to be read and written; where it returns
    anything else, all are taken to be written.

    Args:
        function: ``@wp.func``.
        argument: which of its arguments.
    """
    tree = ast.parse(textwrap.dedent(inspect.getsource(function.func))).body[0]
    assert isinstance(tree, ast.FunctionDef)
    name = tree.args.args[argument].arg
    everything = frozenset(function.input_types[name].vars)
    visitor = _Visitor(name, function.func)
    for statement in tree.body:
        visitor.visit(statement)
    if visitor.lost:
        return Uses(everything, everything, returned=True)
    written = everything if visitor.returns_more else frozenset(visitor.written)
    kept = written if visitor.returns_early else frozenset()
    return Uses(frozenset(visitor.read) | kept, written, visitor.returned)


class _Visitor(ast.NodeVisitor):
    """Collects what is done with the fields of the struct called ``name``."""

    def __init__(self, name: str, function: Any) -> None:
        self.name = name
        known = inspect.getclosurevars(function)
        self.names = {**known.globals, **known.nonlocals}
        self.read: set[str] = set()
        self.written: set[str] = set()
        self.lost = False
        self.returned = False
        self.returns_more = False
        self.returns_early = False
        self.depth = 0

    def visit_Name(self, node: ast.Name) -> None:
        # Every use that the other methods understand stops before it comes here.
        self.lost |= node.id == self.name

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if not self._is_struct(node.value):
            self.generic_visit(node)
        elif isinstance(node.ctx, ast.Load):
            self.read.add(node.attr)
        else:
            self._write(node.attr, whole=self.depth == 0)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self._part(target)
            self.visit(target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.visit(node.value)
        self._part(node.target)
        if isinstance(node.target, ast.Attribute) and self._is_struct(node.target.value):
            self.read.add(node.target.attr)
        self.visit(node.target)

    def visit_Return(self, node: ast.Return) -> None:
        self.returns_early |= self.depth > 0
        if node.value is not None and self._is_struct(node.value):
            self.returned = True
        elif node.value is not None:
            self.returns_more = True
            self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        called = self.names.get(node.func.id) if isinstance(node.func, ast.Name) else None
        for place, argument in enumerate(node.args):
            if self._is_struct(argument) and isinstance(called, wp.Function):
                # By value: what the other function writes stays there.
                passed = uses(called, place)
                self.read |= passed.read
                self.lost |= passed.returned
            else:
                self.visit(argument)
        for keyword in node.keywords:
            self.visit(keyword.value)

    def visit_If(self, node: ast.If) -> None:
        self._perhaps(node)

    def visit_For(self, node: ast.For) -> None:
        self._perhaps(node)

    def visit_While(self, node: ast.While) -> None:
        self._perhaps(node)

    def _perhaps(self, node: ast.AST) -> None:
        """Visit what may be left out."""
        self.depth += 1
        self.generic_visit(node)
        self.depth -= 1

    def _write(self, field: str, whole: bool) -> None:
        self.written.add(field)
        if not whole:
            self.read.add(field)

    def _is_struct(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Name) and node.id == self.name

    def _part(self, target: ast.AST) -> None:
        """Note a field of which only a part is assigned."""
        if isinstance(target, ast.Tuple | ast.List):
            for element in target.elts:
                self._part(element)
        inner = target
        while isinstance(inner, ast.Attribute | ast.Subscript):
            if isinstance(inner, ast.Attribute) and self._is_struct(inner.value):
                if inner is not target:
                    self._write(inner.attr, whole=False)
                return
            inner = inner.value
