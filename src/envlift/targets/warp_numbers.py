"""Rules over one array of numbers per environment, for games of many fields and many functions.

As a struct, a state of a hundred fields would be copied by every one of the many calls of a step.
So a rule copies the state's fields into an array of int32 in the kernel's own memory once, and
passes on where that begins. A function made by ``rule`` reads ``b[i]`` and writes ``b[i] = x``; an
``IntEnum`` of the environment says what lies where.
"""

# mypy: ignore-errors
# ruff: noqa: D103
# No deferred annotations: Warp reads those of functions made here.

import ast
import hashlib
import inspect
import linecache
import math
import textwrap
import types
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import warp as wp

from envlift.targets import warp_init
from envlift.targets.warp_codegen import WARP_DTYPES, define

warp_init.init()

Numbers = wp.uint64
"""Where numbers begin, int32 in the kernel's own memory."""

CONTAINERS = ("b", "lists", "out")
"""Arguments of these names are ``Numbers``."""


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


def rule(function: Callable[..., Any], inline: bool = True) -> Any:
    """Return a Warp function in which ``b[i]`` is a number of the environment.

    As an array of Warp's, it would be passed on as 56 bytes by each of the many calls of a step,
    and each index multiplied by a stride that the compiler does not know.
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
    return wp.func(made, inline=None if inline else False)


def cold_rule(function: Callable[..., Any]) -> Any:
    """Return what ``rule`` does, never inlined: LLVM's time grows faster than what it sees."""
    return rule(function, inline=False)


def lookup(rows: Sequence[Sequence[int]]) -> Any:
    """Return a Warp function ``(row, column) -> int32``: a constant table in the compiled code."""
    columns = len(rows[0])
    snippet = f"{constant_array(rows)} return table[row * {columns} + column];"
    # Warp knows functions by name: two tables must not share one.
    name = f"look_up_{hashlib.sha256(snippet.encode()).hexdigest()[:16]}"
    head = f"def {name}(row: wp.int32, column: wp.int32) -> wp.int32: ..."
    return define(name, f"@wp.func_native(snippet)\n{head}\n", {"snippet": snippet}, ())


KEYWORDS = {"new", "delete", "default", "switch", "operator", "private", "public", "register"}
"""Of C++: no field of a struct can be called so there."""


@dataclass(frozen=True)
class Place:
    """A field of the state: where it begins, how long it is (None: one number), its dtype."""

    name: str
    start: int
    size: int | None
    dtype: str

    @property
    def variable(self) -> str:
        """Its name in compiled code."""
        return f"{self.name}_" if self.name in KEYWORDS else self.name


def places(fields: Iterable[Any]) -> tuple[Place, ...]:
    """Return where fields lie, one behind the other; each has ``name``, ``dtype``, ``shape``."""
    found, start = [], 0
    for field in fields:
        size = math.prod(field.shape) if field.shape else None
        found.append(Place(field.name, start, size, field.dtype))
        start += size or 1
    return tuple(found)


def offsets(state: Sequence[Place], scratch: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return name in capitals -> where it begins, for an ``IntEnum``; ``END`` comes last.

    Args:
        state: the fields of the state.
        scratch: name and length of what lives only within a step, behind the state.
    """
    found = {p.name.upper(): p.start for p in state}
    start = sum(p.size or 1 for p in state)
    for name, size in scratch:
        found[name.upper()] = start
        start += size
    return found | {"END": start}


def kind_of(size: int | None, dtype: str) -> Any:
    """Return Warp's type of a field."""
    scalar = WARP_DTYPES[dtype]
    return scalar if size is None else wp.types.vector(length=size, dtype=scalar)


def struct_of(name: str, fields: Iterable[Place]) -> Any:
    """Return the ``@wp.struct`` of fields, in their order, flat."""
    annotations = {p.variable: kind_of(p.size, p.dtype) for p in fields}
    return wp.struct(type(name, (), {"__annotations__": annotations}))


def accesses(fields: Iterable[Place]) -> dict[str, Any]:
    """Return functions that copy one field into ``b`` (``put_...``) and out of it (``get_...``)."""
    names = {}
    for p in fields:
        scalar = "bool" if p.dtype == "bool" else f"wp::{p.dtype}"
        put, get = _access(kind_of(p.size, p.dtype), p.size, scalar)
        names |= {f"put_{p.dtype}_{p.size or 0}": put, f"get_{p.dtype}_{p.size or 0}": get}
    return names


def copies(name: str, struct: Any, fields: Sequence[Place]) -> tuple[Any, Any]:
    """Return functions that copy a state into ``b``, and out of it.

    Args:
        name: for tracebacks, one of a kind.
        struct: of the state, see ``struct_of``.
        fields: those of the struct.

    Returns:
        ``copy_in(b, state)`` and ``copy_out(b, state) -> state``.
    """
    names, load, save = accesses(fields), [], []
    for p in fields:
        key = f"{p.dtype}_{p.size or 0}"
        load.append(f"    put_{key}(b, {p.start}, state.{p.variable})")
        save.append(f"    state.{p.variable} = get_{key}(b, {p.start})")
    names |= {"State": struct, "Numbers": Numbers}
    head = "(b: Numbers, state: State):"
    into = define(f"{name}.load", "\n".join([f"def copy_in{head}", *load, ""]), names, ())
    lines = [f"def copy_out{head}", *save, "    return state", ""]
    out_of = define(f"{name}.save", "\n".join(lines), names, ())
    for function in (into, out_of):
        function.__annotations__ = {"b": Numbers, "state": struct}
    return wp.func(into), wp.func(out_of)


def looking(name: str, fields: Sequence[Place], size: int, seen: Any, shown: Place, look: Any):
    """Return ``(seen, *fields of a state) -> seen``, a rule that only reads the state.

    Args:
        name: for tracebacks, one of a kind.
        fields: of the state.
        size: how many numbers ``b`` has.
        seen: the struct of what is returned, with the one field ``shown``.
        shown: that field.
        look: ``(b, out)``, which writes what is shown into ``out``, numbers that are 0.
    """
    load = [f"    put_{p.dtype}_{p.size or 0}(b, {p.start}, {p.variable})" for p in fields]
    lines = [
        f"def see(seen: Seen, {', '.join(p.variable for p in fields)}):",
        f"    numbers = wp.zeros(shape={size}, dtype=wp.int32)",
        f"    written = wp.zeros(shape={shown.size}, dtype=wp.int32)",
        "    b = place_of(numbers)",
        "    out = place_of(written)",
        *load,
        "    look(b, out)",
        f"    seen.{shown.name} = get_{shown.dtype}_{shown.size}(out, 0)",
        "    return seen",
        "",
    ]
    names = {**accesses([*fields, shown]), "Seen": seen, "place_of": place_of, "look": look}
    see = define(f"{name}.see", "\n".join(lines), names, ())
    see.__annotations__ = {"seen": seen, **{p.variable: kind_of(p.size, p.dtype) for p in fields}}
    return wp.func(see)


def _access(kind: Any, size: int | None, scalar: str) -> tuple[Any, Any]:
    each = f"for (int k = 0; k < {size}; ++k)"
    convert = f"({scalar})((int*)b)[place + k]"
    if size is None:
        put_text = "((int*)b)[place] = (wp::int32)value;"
        get_text = f"return ({scalar})((int*)b)[place];"
    else:
        put_text = f"{each} ((int*)b)[place + k] = (wp::int32)value.c[k];"
        get_text = f"wp::vec_t<{size}, {scalar}> read; {each} read.c[k] = {convert}; return read;"

    @wp.func_native(put_text)
    def put(b: Numbers, place: wp.int32, value: kind): ...

    @wp.func_native(get_text)
    def get(b: Numbers, place: wp.int32) -> kind: ...

    return put, get


def constant_array(rows: Iterable[Iterable[int]], kind: str = "short") -> str:
    """Return the C++ of a constant array ``table``, row after row, int16 by default.

    Raises:
        ValueError: for a number that an int16 does not hold.
    """
    flat = [int(n) for row in rows for n in row]
    wrong = [n for n in flat if kind == "short" and not -(2**15) <= n < 2**15]
    if wrong:
        raise ValueError(f"{wrong[0]} does not fit into a table of int16")
    return f"static const {kind} table[] = {{{','.join(map(str, flat))}}};"
