"""Which target suits a reference, and why: counted facts, not a guess of an agent's.

The rules are those of the measurements in docs/targets.md: XLA runs every branch for every lane
and fuses what has none; Warp compiles real branches and loops to native code; what is large and
strictly sequential belongs into Rust.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass

from envlift.reference.types import SideSpec
from envlift.translate.project.file import Target

FEW_BRANCHES = 30
MANY_LINES = 3_000
LARGE_STATE = 4_096
"""Numbers of state per lane, from which copying it at every step costs more than the rules."""

_BRANCH = re.compile(r"\b(if|case|elif)\b|\?[^?.]")
_LOOP = re.compile(r"\b(while|for|loop)\b")
_OPEN_LOOP = re.compile(r"\b(while|loop)\b")
_NOT_RULES = ("render", "close", "__repr__", "__str__", "__del__")


@dataclass(frozen=True)
class Facts:
    """What is known of a reference.

    Attributes:
        state: numbers of state per lane, None where the state cannot be read.
        continuous: whether state, observation or action hold floats; None where nothing runs.
        lines, branches, loops, open_loops: of its source, comments, docstrings and rendering left
            out; loops that run until something happens are ``open_loops``.
    """

    state: int | None = None
    continuous: bool | None = None
    lines: int = 0
    branches: int = 0
    loops: int = 0
    open_loops: int = 0


@dataclass(frozen=True)
class Advice:
    """One target.

    Attributes:
        target: its name.
        points: the more, the better it suits.
        reasons: what speaks for it, and what against it, one sentence each.
    """

    target: Target
    points: int
    reasons: tuple[str, ...]


def count(texts: Iterable[tuple[str, str]]) -> Facts:
    """Count lines, branches and loops of sources, each a language name and its text."""
    totals = [0, 0, 0, 0]
    for language, text in texts:
        counted = _count_python(text) if language == "python" else None
        for place, number in enumerate(counted or _count_text(text)):
            totals[place] += number
    return Facts(None, None, *totals)


def facts_of(spec: SideSpec | None, counted: Facts) -> Facts:
    """Join what the reference says of itself with what was counted in its source."""
    if spec is None:
        return counted
    arrays = [spec.observation, *spec.state.values()]
    if spec.num_actions is None:
        arrays.append(spec.action)
    size = 0
    for array in spec.state.values():
        numbers = 1
        for length in array.shape:
            numbers *= length
        size += numbers
    return Facts(
        size if spec.state else None,
        any(array.dtype.startswith("float") for array in arrays),
        counted.lines,
        counted.branches,
        counted.loops,
        counted.open_loops,
    )


def advise(facts: Facts) -> tuple[Advice, ...]:
    """Return all targets, best first, each with its reasons. Equal facts give equal advice."""
    large = facts.state is not None and facts.state > LARGE_STATE
    long = facts.lines > MANY_LINES
    light = facts.branches <= FEW_BRANCHES
    known = facts.lines > 0
    jax: list[tuple[int, str]] = []
    warp: list[tuple[int, str]] = [(1, "one source for CPUs and CUDA, usable inside jit and scan")]
    rust: list[tuple[int, str]] = [(-1, "not usable inside jit: training crosses to Python")]
    if known and light:
        jax.append((3, f"{facts.branches} branches: XLA can run them all and select"))
    elif not known:
        warp.append((1, "nothing is known of the rules' size: most environments suit it"))
    else:
        jax.append((-3, f"{facts.branches} branches: under vmap every one runs for every lane"))
        warp.append((3, f"{facts.branches} branches: Warp compiles them as real branches"))
    if facts.open_loops:
        loops = f"{facts.open_loops} loop{'s' if facts.open_loops > 1 else ''} of unknown length"
        jax.append((-2, f"{loops}: under vmap all lanes wait for the slowest"))
        warp.append((2, f"{loops}: each lane leaves its own as soon as it is done"))
    elif known and not facts.loops:
        jax.append((1, "no loops: straight-line code, which XLA fuses"))
    if facts.continuous is False:
        jax.append((1, "all numbers are integers: small tables and exact comparisons"))
    elif facts.continuous:
        warp.append((1, "floats: native arithmetic in the order it is written, easier to compare"))
        if facts.loops:
            warp.append((1, "arithmetic in loops (an integrator or solver) stays in registers"))
    if facts.state is not None and not large:
        words = "1 number" if facts.state == 1 else f"{facts.state} numbers"
        jax.append((1, f"{words} of state: cheap to copy at every step"))
    if large:
        jax.append((-3, f"{facts.state:,} numbers of state would be copied at every step"))
        warp.append((-3, f"{facts.state:,} numbers of state do not fit into registers"))
        rust.append((5, f"{facts.state:,} numbers of state are changed in place"))
    if long:
        jax.append((-2, f"{facts.lines:,} lines: compile times grow with the program"))
        rust.append((4, f"{facts.lines:,} lines: a large machine, compiled apart"))
    elif known:
        rust.append((0, f"{facts.lines} lines are few for a crate of their own"))
    made = [_advice("jax", jax), _advice("warp", warp), _advice("rust", rust)]
    # Sorting keeps the order of equals: where nothing is known, most environments suit Warp.
    return tuple(sorted(made, key=lambda advice: (-advice.points, advice.target != "warp")))


def _advice(target: Target, found: list[tuple[int, str]]) -> Advice:
    reasons = tuple(f"{'+' if points > 0 else '-' if points < 0 else ' '} {text}"
                    for points, text in found)  # fmt: skip
    return Advice(target, sum(points for points, _ in found), reasons)


def _count_python(text: str) -> tuple[int, int, int, int] | None:
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return None
    branches = loops = open_loops = 0
    lines: set[int] = set()
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        named = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        if named and (node.name in _NOT_RULES or "render" in node.name):  # type: ignore[attr-defined]
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.stmt):
            lines.add(node.lineno)
        branches += isinstance(node, (ast.If, ast.IfExp, ast.match_case))
        loops += isinstance(node, (ast.For, ast.While))
        open_loops += isinstance(node, ast.While)
        waiting.extend(ast.iter_child_nodes(node))
    return len(lines), branches, loops, open_loops


def _count_text(text: str) -> tuple[int, int, int, int]:
    """Count in a language that looks like C, roughly."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    rows = [row.partition("//")[0].strip() for row in text.splitlines()]
    rows = [row for row in rows if row and not row.startswith("#")]
    code = "\n".join(rows)
    found = (len(pattern.findall(code)) for pattern in (_BRANCH, _LOOP, _OPEN_LOOP))
    return (len(rows), *found)  # type: ignore[return-value]
