"""Planting one fault at a time in Python source, by its syntax tree.

The text around a fault stays as it is, so that a mutant's diff shows the fault alone.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

COMPARISONS: dict[type[ast.cmpop], tuple[str, ...]] = {
    ast.Lt: ("<=", ">="),
    ast.LtE: ("<", ">"),
    ast.Gt: (">=", "<="),
    ast.GtE: (">", "<"),
    ast.Eq: ("!=",),
    ast.NotEq: ("==",),
}
OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "+",
    ast.Div: "*",
    ast.FloorDiv: "*",
    ast.Mod: "*",
    ast.BitAnd: "|",
    ast.BitOr: "&",
}
SELECTIONS = {"where", "select"}
"""Calls ``f(condition, yes, no)`` whose branches are swapped."""


@dataclass(frozen=True)
class Mutant:
    """One planted fault.

    Attributes:
        file: path relative to the package's source folder.
        line: first line changed.
        kind: operator, comparison, constant, dropped, swapped: one place; pair: two places;
            rare, history, batch, seed, end: see ``mutation/behaviour.py``; planted: written down
            for this environment.
        source: the whole file with the fault in it.
        diff: unified diff without context.
    """

    file: str
    line: int
    kind: str
    source: str
    diff: str

    @property
    def id(self) -> str:
        """Return a name that survives moves of the line: a hash of file and diff."""
        lines = [x for x in self.diff.splitlines() if not x.startswith(("@@", "---", "+++"))]
        return hashlib.sha256("\n".join([self.file, *lines]).encode()).hexdigest()[:8]


@dataclass(frozen=True)
class _Edit:
    kind: str
    start: tuple[int, int]
    end: tuple[int, int]
    text: str


NOT_RULES = (
    "__init__",
    "random_",
    "_random_",
    "make_random_",
    "default_backend",
    "observation_space",
    "_rules",
)
"""Beginnings of the names of functions left alone: no rules, so no reference has them."""

SCORE = "score"
"""Left alone too, by its whole name: what of a reward a person counts is no rule either."""


def mutants_of(root: Path, file: str) -> list[Mutant]:
    """Return every mutant of one file, in source order, each different from the original."""
    source = (root / file).read_text()
    tree = ast.parse(source)
    found: dict[str, Mutant] = {}
    for edit in sorted(_edits(tree, source), key=lambda e: (e.start, e.kind, e.text)):
        changed = _apply(source, edit)
        if _differs(tree, changed):
            mutant = Mutant(file, edit.start[0], edit.kind, changed, _diff(source, changed))
            found.setdefault(changed, mutant)
    return list(found.values())


def planted_mutants(name: str, package: Path) -> list[Mutant]:
    """Return the faults that somebody wrote down for an environment, ``planted.toml``.

    Args:
        name: of the environment.
        package: source folder of the package.

    Raises:
        ValueError: for a fault whose text does not stand exactly once in its file.
    """
    folder = package / "envs" / name
    path = folder / "verification" / "planted.toml"
    if not path.is_file():
        return []
    found = []
    for fault in tomllib.loads(path.read_text())["fault"]:
        file = f"envs/{name}/{fault['file']}"
        source, old = (package / file).read_text(), fault["old"]
        if source.count(old) != 1:
            raise ValueError(
                f"the planted fault {fault['name']!r} changes a text that stands "
                f"{source.count(old)} times in {file}, not once; correct `old` in {path.name}"
            )
        line = source[: source.index(old)].count("\n") + 1
        changed = source.replace(old, fault["new"])
        found.append(Mutant(file, line, "planted", changed, _diff(source, changed)))
    return found


NEAR = 12
"""Lines within which the second place of a pair lies."""


def pairs_of(root: Path, file: str) -> list[Mutant]:
    """Return mutants of two places near each other, where one may hide the other.

    One for every ten of a single place: which ones is decided by the text alone.
    """
    source = (root / file).read_text()
    tree = ast.parse(source)
    edits = sorted(set(_edits(tree, source)), key=lambda e: (e.start, e.kind, e.text))
    found: dict[str, Mutant] = {}
    for first in edits:
        later = [e for e in edits if e.start >= first.end and e.start[0] <= first.end[0] + NEAR]
        text = "\n".join(
            [file, first.kind, first.text, *source.splitlines()[first.start[0] - 1 :][:1]]
        )
        draw = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
        if not later or draw % 10:
            continue
        second = later[draw // 10 % len(later)]
        # From the end, so that the first place stays where it is.
        changed = _apply(_apply(source, second), first)
        if _differs(tree, changed):
            mutant = Mutant(file, first.start[0], "pair", changed, _diff(source, changed))
            found.setdefault(changed, mutant)
    return list(found.values())


def _differs(tree: ast.Module, changed: str) -> bool:
    try:
        return ast.dump(ast.parse(changed)) != ast.dump(tree)
    except SyntaxError:
        return False


def _edits(tree: ast.Module, source: str) -> Iterator[_Edit]:
    for function in _functions(tree):
        for statement in _body(function):
            yield from _statement_edits(statement, source)
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            yield from _expression_edits(statement.value, source)


def _functions(node: ast.AST) -> Iterator[ast.FunctionDef]:
    """Walk the functions that hold rules, nested ones too."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef):
            if child.name == SCORE or child.name.startswith(NOT_RULES):
                continue
            yield child
        yield from _functions(child)


def _body(function: ast.FunctionDef) -> list[ast.stmt]:
    """Return the statements without the docstring and without guards that only raise."""
    body = function.body
    if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    return [s for s in body if not (isinstance(s, ast.If) and _only_raises(s))]


def _only_raises(statement: ast.If) -> bool:
    return isinstance(statement.body[0], ast.Raise) and not statement.orelse


def _statement_edits(statement: ast.stmt, source: str) -> Iterator[_Edit]:
    if isinstance(
        statement, (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Raise)
    ):
        return
    if isinstance(statement, (ast.Assign, ast.AugAssign, ast.Expr)):
        yield _whole(statement, "dropped", "pass")
    if isinstance(statement, ast.AugAssign) and type(statement.op) in OPERATORS:
        sign = OPERATORS[type(statement.op)]
        target, value = _text(source, statement.target), _text(source, statement.value)
        yield _whole(statement, "operator", f"{target} {sign}= {value}")
    if isinstance(statement, (ast.If, ast.For, ast.While)):
        if isinstance(statement, ast.If):
            test = _text(source, statement.test)
            yield _whole(statement.test, "swapped", f"not ({test})")
            yield from _expression_edits(statement.test, source)
        for inner in (*statement.body, *statement.orelse):
            yield from _statement_edits(inner, source)
        return
    for child in ast.iter_child_nodes(statement):
        if isinstance(child, ast.expr) and not _is_target(statement, child):
            yield from _expression_edits(child, source)


def _is_target(statement: ast.stmt, child: ast.expr) -> bool:
    if isinstance(statement, ast.AnnAssign):
        return child in (statement.target, statement.annotation)
    if isinstance(statement, ast.Assign):
        return child in statement.targets
    return isinstance(statement, ast.AugAssign) and child is statement.target


def _expression_edits(expression: ast.expr, source: str) -> Iterator[_Edit]:
    for node in ast.walk(expression):
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            yield from _comparison(node, source)
        elif isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            left, right = _text(source, node.left), _text(source, node.right)
            yield _whole(node, "operator", f"{left} {OPERATORS[type(node.op)]} {right}")
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Invert, ast.Not)):
            yield _whole(node, "operator", f"({_text(source, node.operand)})")
        elif isinstance(node, ast.Constant):
            yield from _constant(node)
        elif isinstance(node, ast.IfExp):
            yes, no = _text(source, node.body), _text(source, node.orelse)
            test = _text(source, node.test)
            yield _whole(node, "swapped", f"({no} if {test} else {yes})")
        elif isinstance(node, ast.Call):
            yield from _call(node, source)


def _comparison(node: ast.Compare, source: str) -> Iterator[_Edit]:
    left, right = _text(source, node.left), _text(source, node.comparators[0])
    for sign in COMPARISONS.get(type(node.ops[0]), ()):
        yield _whole(node, "comparison", f"{left} {sign} {right}")


def _constant(node: ast.Constant) -> Iterator[_Edit]:
    value = node.value
    if isinstance(value, bool):
        yield _whole(node, "constant", str(not value))
    elif isinstance(value, int):
        yield _whole(node, "constant", str(value + 1))
    elif isinstance(value, float):
        yield _whole(node, "constant", repr(value + 1.0))


def _call(node: ast.Call, source: str) -> Iterator[_Edit]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name in SELECTIONS and len(node.args) == 3:
        condition, yes, no = (_text(source, argument) for argument in node.args)
        function = _text(source, node.func)
        yield _whole(node, "swapped", f"{function}({condition}, {no}, {yes})")
    if name == "replace":
        for keyword in node.keywords:
            if keyword.arg is not None:
                yield _dropped_keyword(node, keyword, source)


def _dropped_keyword(node: ast.Call, dropped: ast.keyword, source: str) -> _Edit:
    kept = [_text(source, argument) for argument in node.args]
    kept += [
        f"{k.arg}={_text(source, k.value)}" if k.arg else f"**{_text(source, k.value)}"
        for k in node.keywords
        if k is not dropped
    ]
    return _whole(node, "dropped", f"{_text(source, node.func)}({', '.join(kept)})")


def _whole(node: ast.expr | ast.stmt, kind: str, text: str) -> _Edit:
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return _Edit(kind, (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset), text)


def _text(source: str, node: ast.expr) -> str:
    text = ast.get_source_segment(source, node)
    assert text is not None
    return f"({text})" if "\n" in text or isinstance(node, (ast.BinOp, ast.Compare)) else text


def _apply(source: str, edit: _Edit) -> str:
    lines = source.splitlines(keepends=True)
    (first, begin), (last, end) = edit.start, edit.end
    head = lines[first - 1].encode()[:begin].decode()
    tail = lines[last - 1].encode()[end:].decode()
    return "".join([*lines[: first - 1], head + edit.text + tail, *lines[last:]])


def _diff(before: str, after: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return "\n".join(list(lines)[2:])
