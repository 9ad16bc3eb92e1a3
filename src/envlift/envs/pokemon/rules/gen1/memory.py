"""Where each field of the state lies in a battle's array ``b``, and what else lies there.

``b[At.HP + m]`` is ``state.hp.flat[m]``; so ``At.BOOSTS + s * 6`` is where side ``s``'s begin.
"""

# mypy: ignore-errors
# ruff: noqa: D103

from __future__ import annotations

import ast
import dataclasses
import inspect
import linecache
import math
import textwrap
import types
from collections.abc import Callable
from enum import IntEnum
from typing import Any

import warp as wp

from envlift.envs.pokemon.state import FIELDS, VOLATILES
from envlift.targets import warp_init

warp_init.init()

Battle = wp.uint64
"""One battle: where its numbers begin, int32 in the kernel's own memory."""

Numbers = wp.uint64
"""Where other numbers begin."""

CONTAINERS = ("b", "lists", "out")
"""Arguments of these names are ``Battle`` or ``Numbers``."""


@wp.func_native("return ((const int*)numbers)[place];")
def read_number(numbers: Numbers, place: wp.int32) -> wp.int32: ...


@wp.func_native("((int*)numbers)[place] = value;")
def write_number(numbers: Numbers, place: wp.int32, value: wp.int32): ...


@wp.func_native("return (wp::uint64)numbers.data;")
def place_of(numbers: wp.array(dtype=wp.int32)) -> Numbers: ...


class _Access(ast.NodeTransformer):
    """Turns ``b[i]`` into a call of ``read_number``, ``b[i] = x`` into one of ``write_number``."""

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        if not _is_container(node):
            return node
        return _call("read_number", node.value, node.slice)

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        target, value = node.targets[0], self.visit(node.value)
        if not _is_container(target):
            node.value = value
            return node
        place = self.visit(target.slice)
        return ast.Expr(_call("write_number", target.value, place, value))


def _is_container(node: ast.AST) -> bool:
    named = isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name)
    return named and node.value.id in CONTAINERS


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def rule(function: Callable[..., Any]) -> Any:
    """Return a Warp function in which ``b[i]`` is a number of the battle.

    As an array of Warp's, a battle would be passed on as 56 bytes by each of the many calls of a
    step, and each index multiplied by a stride that the compiler does not know.
    """
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    tree.body[0].decorator_list = []
    text = ast.unparse(ast.fix_missing_locations(_Access().visit(tree))) + "\n"
    file = f"<{function.__module__}.{function.__qualname__}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    code = compile(text, file, "exec")
    body = next(c for c in code.co_consts if isinstance(c, types.CodeType))
    function.__globals__.update(read_number=read_number, write_number=write_number)
    made = types.FunctionType(body, function.__globals__, function.__name__)
    made.__annotations__, made.__module__ = function.__annotations__, function.__module__
    made.__qualname__, made.__doc__ = function.__qualname__, function.__doc__
    return wp.func(made)


QUEUE_PLACES = 8
"""Actions that can wait at once: BeforeTurn, two moves, two switches in, the end, and room."""

ACTION_FIELDS = ("kind", "mon", "arg", "order", "priority", "speed")

SCRATCH = (
    ("fainted", 12),  # faintMessages has been; at a request, who has no HP
    ("switch_flag", 2),  # has to be replaced before the next action
    ("clauses", 1),  # whether Sleep Clause and Freeze Clause are on
    ("fainting", 2),  # who lost the last HP, until faintMessages
    ("hit", 1),  # which hit of a move this is, from 1
    ("last_hit", 1),  # whether it is the last
    ("hit_damage", 1),  # what the first one did, -1 before it; the others repeat it
    ("queue_length", 1),
    ("queue", QUEUE_PLACES * len(ACTION_FIELDS)),
)
"""What lives only within a step, behind the state."""


@dataclasses.dataclass(frozen=True)
class Place:
    """A field of the state: where it begins, how long it is, its dtype."""

    name: str
    start: int
    size: int | None
    dtype: str


def _places() -> tuple[Place, ...]:
    places, start = [], 0
    for field in FIELDS:
        size = math.prod(field.shape) if field.shape else None
        places.append(Place(field.name, start, size, field.dtype))
        start += size or 1
    return tuple(places)


PLACES = _places()
STATE_SIZE = sum(p.size or 1 for p in PLACES)


def _offsets() -> dict[str, int]:
    found = {p.name.upper(): p.start for p in PLACES}
    start = STATE_SIZE
    for name, size in SCRATCH:
        found[name.upper()] = start
        start += size
    found["END"] = start
    return found


At = IntEnum("At", _offsets())  # type: ignore[misc]
SIZE = int(At.END)

FIRST_VOLATILE = int(At[VOLATILES[0].upper()])
NUM_VOLATILES = len(VOLATILES)
