"""Rules that iterate, phase by phase, so that a CPU still plays 8 or 16 lanes per instruction.

LLVM turns an innermost loop over lanes into vector instructions, but only if its body never
branches. A solver branches: each lane needs another number of iterations. So a rule is cut into
phases without branches, and the kernel passes over a small block of lanes phase by phase; what one
phase leaves for the next (the ``work``) lies lane beside lane in a cache near by. The block
iterates until its last lane has converged, which costs little, since a converged lane only repeats
its result. On CUDA each thread plays one lane through all phases and stops when its lane is done.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from typing import Any

import warp as wp

from envlift.targets import warp_codegen, warp_fields, warp_private
from envlift.targets.warp import BatchedRule
from envlift.targets.warp_codegen import Access, Field, Layout, indent, lane_loop

BLOCK = 32
"""Lanes of a block: two vectors of 16 numbers; 16 or 64 lanes were slower (docs/targets.md)."""


@dataclass(frozen=True)
class Phases:
    """A rule in phases; all are ``@wp.func`` on one lane.

    ``begin`` and ``end`` see the state and the inputs, whatever lies between only the work. For
    each of ``repeats``: all of ``prepare``, then each of ``iterate`` until ``work.pending`` is 0
    (at least once, at most ``max_iterations`` times), all of ``advance``.

    Attributes:
        work: ``@wp.struct``, with an int32 ``pending``; it may hold structs.
        begin: ``(state, *inputs) -> work``.
        prepare, advance: functions ``(work) -> work``, one pass each; one that branches plays one
            lane at a time. What computes in two precisions is better cut in two: a pass takes as
            many lanes as its widest numbers allow.
        iterate: functions ``(work) -> work``; each must leave a work that it is done with as it is,
            also to the last bit: how often it is applied depends on the other lanes of a block.
        end: ``(state, work, *inputs) -> (state, *outputs)``.
        restart: ``(state, *inputs) -> state``, applied after the end, or None; it may branch.
        repeats, max_iterations: static, at least 1.
    """

    work: Any
    begin: Any
    prepare: tuple[Any, ...]
    iterate: tuple[Any, ...]
    advance: tuple[Any, ...]
    end: Any
    repeats: int
    max_iterations: int
    restart: Any = None


class PhasedRule(BatchedRule):
    """``BatchedRule`` for a rule in phases; it is called in the same way."""

    cost = 128

    def __init__(
        self,
        phases: Phases,
        state: Any,
        outputs: dict[str, str],
        name: str,
        shared: tuple[str, ...] = (),
    ) -> None:
        super().__init__(phases.begin, state, outputs, name)
        self.phases = phases
        self.shared = shared

    def build(self, name: str, layout: Layout, registers: bool) -> Any:
        """Return the kernel of a layout."""
        text = source(self.phases, layout, registers)
        names = ("begin", "end", "restart")
        namespace = {name: getattr(self.phases, name) for name in names}
        namespace |= _numbered("prepare", self.phases.prepare)
        namespace |= _numbered("iterate", self.phases.iterate)
        namespace |= _numbered("advance", self.phases.advance)
        namespace |= {constructor_name(kind): kind for kind in structs_of(self.phases.work)}
        leaves = tuple(field for _, field in work_fields(self.phases.work))
        if not registers:
            namespace |= _passes(name, self.phases, namespace, leaves)
        return warp_codegen.compile_kernel(name, text, self.struct, layout, namespace, leaves)


def work_fields(struct: Any, prefix: str = "work") -> list[tuple[str, Field]]:
    """Return the leaves of a struct with their paths, in order; structs in it are followed."""
    leaves: list[tuple[str, Field]] = []
    for name, variable in struct.vars.items():
        path = f"{prefix}.{name}"
        if warp_private.is_struct(variable.type):
            leaves += work_fields(variable.type, path)
        else:
            leaves.append((path, warp_codegen.field_of(path.replace(".", "_"), variable.type)))
    return leaves


def structs_of(struct: Any) -> list[Any]:
    """Return a struct and all structs in it."""
    inner = [v.type for v in struct.vars.values() if warp_private.is_struct(v.type)]
    return [struct, *(kind for part in inner for kind in structs_of(part))]


def constructor_name(struct: Any) -> str:
    """Return how a kernel's source names a struct."""
    return f"Struct_{struct.native_name}"


class _Scratch:
    """Where the work of a block lies: one array per dtype, entry k of lane i at k * BLOCK + i."""

    def __init__(self, struct: Any) -> None:
        self.struct = struct
        self.places: dict[str, int] = {}
        self.sizes: dict[str, int] = {}
        for path, field in work_fields(struct):
            self.places[path] = self.sizes.get(field.dtype, 0)
            self.sizes[field.dtype] = self.places[path] + (field.size or 1)

    def declare(self) -> list[str]:
        return [
            f"scratch_{dtype} = wp.zeros(shape=({size * BLOCK},), dtype=wp.{dtype})"
            for dtype, size in self.sizes.items()
        ]

    def arguments(self) -> dict[str, Any]:
        """Return the arrays as arguments of a function, with their types."""
        kinds = warp_codegen.WARP_DTYPES
        return {f"scratch_{dtype}": wp.array(dtype=kinds[dtype]) for dtype in self.sizes}

    def _place(self, path: str) -> str:
        return f"{self.places[path] * BLOCK} + i"

    def load(self, only: Set[str]) -> list[str]:
        """Return the lines that load ``work``, as far as its fields are in ``only``."""
        return self._load_struct(self.struct, "work", only)

    def _load_struct(self, struct: Any, path: str, only: Set[str]) -> list[str]:
        # A struct inside another is filled on its own and then put in its place.
        local = path.replace(".", "_")
        lines = [f"{local} = {constructor_name(struct)}()"]
        for name in (name for name in struct.vars if name in only):
            kind = struct.vars[name].type
            inner = f"{path}.{name}"
            if warp_private.is_struct(kind):
                lines += self._load_struct(kind, inner, kind.vars.keys())
                value = inner.replace(".", "_")
            else:
                field = warp_codegen.field_of(inner.replace(".", "_"), kind)
                array = f"scratch_{field.dtype}"
                value = warp_codegen.load_field(array, field, self._place(inner), BLOCK)
            lines.append(f"{local}.{name} = {value}")
        return lines

    def store(self, only: Set[str]) -> list[str]:
        """Return the lines that store ``work``, as far as its fields are in ``only``."""
        return [
            warp_codegen.store_field(f"scratch_{f.dtype}", f, self._place(path), path, BLOCK)
            for path, f in work_fields(self.struct)
            if path.split(".")[1] in only
        ]


def read_first(phases: Phases) -> frozenset[str]:
    """Return the fields of the work that some phase reads before any phase has written them."""
    found: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()
    for phase in (*phases.prepare, *phases.iterate, *phases.advance):
        uses = warp_fields.uses(phase)
        found |= uses.read - written
        written |= uses.written
    return found | (warp_fields.uses(phases.end, 1).read - written)


def source(phases: Phases, layout: Layout, registers: bool) -> str:
    """Return the source of the kernel; see ``warp_codegen.source``."""
    body = _one_lane(phases, layout) if registers else _blocks(phases, layout)
    return warp_codegen.function_source(layout, body)


def _numbered(name: str, rules: tuple[Any, ...]) -> dict[str, Any]:
    return {f"{name}_{k}": rule for k, rule in enumerate(rules)}


def _call(function: str, arguments: list[str], results: list[str]) -> list[str]:
    return [f"{', '.join(results)} = {function}({', '.join(arguments)})"]


def _over(lines: list[str], count: str | int = BLOCK) -> list[str]:
    return ["i = wp.int32(0)", f"while i < {count}:", *indent([*lines, "i += 1"])]


def _passes(
    name: str, phases: Phases, names: dict[str, Any], leaves: tuple[Field, ...]
) -> dict[str, Any]:
    """Return a function for each phase that passes over a block, and may count who is pending.

    They are never inlined: LLVM's time grows faster than the code that it sees at once.
    """
    scratch = _Scratch(phases.work)
    arguments = {f"given_{name}": kind for name, kind in scratch.arguments().items()}
    passes = {}
    repeated = _numbered("iterate", phases.iterate)
    once = _numbered("prepare", phases.prepare) | _numbered("advance", phases.advance)
    for phase in once | repeated:
        uses = warp_fields.uses(names[phase])
        each = [*scratch.load(uses.read), f"work = {phase}(work)", *scratch.store(uses.written)]
        # A copy of its own: what is stored could else move the array under the loop, for all LLVM
        # knows, and nothing would be vectorised.
        own = [f"{array} = given_{array}" for array in scratch.arguments()]
        body = [*own, *_over(each)]
        if phase in repeated:
            body = [*own, "left = wp.int32(0)", *_over([*each, "left += work.pending"])]
            body.append("return left")
        head = f"def pass_{phase}({', '.join(arguments)}):"
        text = "\n".join([head, *indent(body)]) + "\n"
        function = warp_codegen.define(f"{name}.{phase}", text, names, leaves)
        function.__annotations__ = arguments
        passes[function.__name__] = wp.func(function, inline=False)
    return passes


def _until_done(phases: Phases, *step: str) -> list[str]:
    """Repeat lines that set ``left`` until that is 0."""
    return [
        "left = wp.int32(1)",
        "tries = wp.int32(0)",
        f"while left > 0 and tries < {phases.max_iterations}:",
        *indent([*step, "tries += 1"]),
    ]


def _blocks(phases: Phases, layout: Layout) -> list[str]:
    """Pass over a block of lanes phase by phase."""
    scratch, access = _Scratch(phases.work), Access(layout)
    given = ", ".join(scratch.arguments())
    arrays = ["lane = base + i", *access.load_state, *access.load_inputs]
    # The last block is filled up with its last lane, so that a pass always has as many: else LLVM
    # would compile each of them a second time, for what is left over.
    repeated = ["lane = wp.min(base + i, high - 1)", *arrays[1:]]

    begin = _call("begin", ["state", *access.arguments], ["work"])
    end = _call("end", ["state", "work", *access.arguments], ["state", *access.results])
    outputs = access.add_outputs if layout.steps else access.put_outputs
    turn = [
        *(f"pass_{name}({given})" for name in _numbered("prepare", phases.prepare)),
        *(
            line
            for name in _numbered("iterate", phases.iterate)
            for line in _until_done(phases, f"left = pass_{name}({given})")
        ),
        *(f"pass_{name}({given})" for name in _numbered("advance", phases.advance)),
        "turn += 1",
    ]
    read_last = scratch.load(warp_fields.uses(phases.end, 1).read)
    once = [
        *_over([*repeated, *begin, *scratch.store(read_first(phases))]),
        "turn = wp.int32(0)",
        f"while turn < {phases.repeats}:",
        *indent(turn),
        *_over([*arrays, *read_last, *end, *access.store_state, *outputs], "count"),
    ]
    if phases.restart is not None:
        restart = _call("restart", ["state", *access.arguments], ["state"])
        once += _over([*arrays, *restart, *access.store_state], "count")
    if layout.steps:
        once += _over([*arrays, *access.keep], "count") if access.keep else []
        clear = _over(["lane = base + i", *access.clear_outputs], "count")
        once = clear + warp_codegen.step_loop(once)
    return [
        *scratch.declare(),
        "base = wp.int32(low)",
        "while base < high:",
        *indent([f"count = wp.min(high - base, {BLOCK})", *once, f"base += {BLOCK}"]),
    ]


def _one_lane(phases: Phases, layout: Layout) -> list[str]:
    """Play one lane through all phases, in registers."""
    access = Access(layout)
    turn = [
        *(f"work = {name}(work)" for name in _numbered("prepare", phases.prepare)),
        *(
            line
            for name in _numbered("iterate", phases.iterate)
            for line in _until_done(phases, f"work = {name}(work)", "left = work.pending")
        ),
        *(f"work = {name}(work)" for name in _numbered("advance", phases.advance)),
        "turn += 1",
    ]
    once = [
        *_call("begin", ["state", *access.arguments], ["work"]),
        "turn = wp.int32(0)",
        f"while turn < {phases.repeats}:",
        *indent(turn),
        *_call("end", ["state", "work", *access.arguments], ["state", *access.results]),
    ]
    if phases.restart is not None:
        once += _call("restart", ["state", *access.arguments], ["state"])
    start = access.load_state + access.load_inputs
    if not layout.steps:
        return lane_loop(start + once + access.store_state + access.put_outputs)
    clear, add, put = warp_codegen.sums_in_registers(layout)
    steps = [*once, *add, *warp_codegen.write_each_step(layout), *access.keep]
    return lane_loop(start + clear + warp_codegen.step_loop(steps) + access.store_state + put)
