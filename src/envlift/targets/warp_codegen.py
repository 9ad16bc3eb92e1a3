"""Generate the Warp kernel that applies a rule to a batch.

The kernel is written as text because its arguments depend on the rule, and Warp compiles source.
Arrays are passed flat and read through plain pointers: Warp's own indexing multiplies by strides
known only at run time, behind which LLVM cannot see that neighbouring lanes are neighbours.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import linecache
from dataclasses import dataclass
from typing import Any

import warp as wp

from envlift.targets import warp_init
from envlift.targets.warp_memory import load, store, vector_access

warp_init.init()

WARP_DTYPES: dict[str, Any] = {
    "float32": wp.float32,
    "float64": wp.float64,
    "int8": wp.int8,
    "uint8": wp.uint8,
    "int16": wp.int16,
    "uint16": wp.uint16,
    "int32": wp.int32,
    "uint32": wp.uint32,
    "bool": wp.bool,
}
_DTYPE_NAMES = {dtype: name for name, dtype in WARP_DTYPES.items()} | {
    float: "float32",
    int: "int32",
    bool: "bool",
}


@dataclass(frozen=True)
class Field:
    """One array of a kernel, as seen from one lane.

    Attributes:
        name: the name of the argument.
        dtype: a name in ``WARP_DTYPES``.
        size: None for a scalar, else the length of a vector.
    """

    name: str
    dtype: str
    size: int | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one lane: () or (size,)."""
        return () if self.size is None else (self.size,)


@dataclass(frozen=True)
class Layout:
    """The arguments of a generated kernel, in this order, with the counts between ``inputs`` and
    ``outputs``.

    Attributes:
        state: read, and written in place or to arrays that come first after the counts.
        inputs: read; those in ``shared`` hold one value for all lanes.
        outputs: written; in a rollout they are sums over the steps (of a bool: a count).
        kept: state fields that a rollout also writes at every step, as [T, B, ...].
        written: state fields that a rollout writes in place at every step, whatever the form.
        shared: names of inputs without a lane axis.
        steps: whether the kernel is a rollout.
        in_place: whether the state is written where it was read.
    """

    state: tuple[Field, ...]
    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...]
    kept: tuple[Field, ...] = ()
    written: tuple[str, ...] = ()
    shared: frozenset[str] = frozenset()
    steps: bool = False
    in_place: bool = True

    def written_to(self, field: Field) -> str:
        """Return the array to which a field of the state is written."""
        return f"state_{field.name}" if self.in_place else f"after_{field.name}"


COUNTS = ("first_lane", "end_lane", "lanes_per_thread", "num_lanes", "num_steps")


def field_of(name: str, annotation: Any) -> Field:
    """Return the field of a Warp annotation: a scalar or a vector of scalars.

    Raises:
        TypeError: for any other annotation.
    """
    if annotation in _DTYPE_NAMES:
        return Field(name, _DTYPE_NAMES[annotation])
    scalar = getattr(annotation, "_wp_scalar_type_", None)
    if scalar in _DTYPE_NAMES and len(annotation._shape_) == 1:
        return Field(name, _DTYPE_NAMES[scalar], annotation._shape_[0])
    raise TypeError(
        f"{name}: {annotation!r} cannot cross to JAX; use one of {', '.join(WARP_DTYPES)} or a "
        "Warp vector of one of them"
    )


def state_fields(struct: Any) -> tuple[Field, ...]:
    """Return the fields of a ``@wp.struct``, in order."""
    return tuple(field_of(name, variable.type) for name, variable in struct.vars.items())


def load_field(array: str, field: Field, place: str, stride: int = 1) -> str:
    """Return the expression that reads a field; its numbers lie ``stride`` apart from ``place``."""
    if field.size is None:
        return f"load({array}, {place})"
    return f"load_{field.dtype}_{field.size}({array}, {place}, {stride})"


def store_field(array: str, field: Field, place: str, value: str, stride: int = 1) -> str:
    """Return the statement that writes a field."""
    if field.size is None:
        return f"store({array}, {place}, {value})"
    return f"store_{field.dtype}_{field.size}({array}, {place}, {stride}, {value})"


def _load(array: str, field: Field, lane: str) -> str:
    return load_field(array, field, lane if field.size is None else f"{lane} * {field.size}")


def _store(array: str, field: Field, lane: str, value: str) -> str:
    place = lane if field.size is None else f"{lane} * {field.size}"
    return store_field(array, field, place, value)


def _summed(field: Field) -> Field:
    return Field(field.name, "int32" if field.dtype == "bool" else field.dtype, field.size)


def output_fields(layout: Layout) -> tuple[Field, ...]:
    """Return the output arrays as they are stored: in a rollout a bool becomes a count."""
    return tuple(map(_summed, layout.outputs)) if layout.steps else layout.outputs


def indent(lines: list[str], levels: int = 1) -> list[str]:
    """Return the lines, ``levels`` deeper."""
    return ["    " * levels + line for line in lines]


class Access:
    """How a kernel's source reads and writes the arrays of one lane, ``lane``.

    Attributes:
        load_state, store_state: the struct ``state``.
        load_inputs: ``given_<name>``; with a prefix, since a rule may name an input as the kernel
            names something of its own.
        arguments: the inputs as a rule takes them, in a rollout with the key of the step.
        results: what a rule returns after the state.
        put_outputs: store the results. clear_outputs, add_outputs: sum them, for rollouts.
        keep: store the kept state fields of the step.
    """

    def __init__(self, layout: Layout) -> None:
        self.load_state = ["state = State()"]
        self.load_state += [
            f"state.{f.name} = {_load(f'state_{f.name}', f, 'lane')}" for f in layout.state
        ]
        self.store_state = [
            _store(layout.written_to(f), f, "lane", f"state.{f.name}") for f in layout.state
        ]
        self.load_inputs = []
        for f in layout.inputs:
            lane = "0" if f.name in layout.shared else "lane"
            self.load_inputs.append(f"given_{f.name} = {_load(f'input_{f.name}', f, lane)}")
        self.arguments = [f"given_{f.name}" for f in layout.inputs]
        if layout.steps:
            # Step number k of a lane's key, as ``chance.at_step`` says.
            self.arguments[1] = "given_word_1 + wp.uint32(step)"
        self.results = [f"result_{f.name}" for f in layout.outputs]
        self.put_outputs = [
            _store(f"output_{f.name}", f, "lane", f"result_{f.name}") for f in layout.outputs
        ]
        self.clear_outputs = [
            f"store(output_{f.name}, lane, wp.{f.dtype}(0))" for f in output_fields(layout)
        ]
        self.add_outputs = [
            f"store(output_{f.name}, lane, load(output_{f.name}, lane) + {_number(f)})"
            for f in layout.outputs
        ]
        self.keep = [
            _store(f"kept_{f.name}", f, "(step * num_lanes + lane)", f"state.{f.name}")
            for f in layout.kept
        ]


def source(layout: Layout, registers: bool) -> str:
    """Return the source of the kernel.

    Args:
        layout: its arguments.
        registers: keep the state of a lane in registers during a rollout (one lane per thread, for
            CUDA) instead of passing over a block of lanes step by step (for CPUs).
    """
    access = Access(layout)
    call = [
        f"{', '.join(['state', *access.results])} = rule({', '.join(['state', *access.arguments])})"
    ]
    if not layout.steps:
        each = access.load_state + access.load_inputs + call
        body = lane_loop(each + access.store_state + access.put_outputs)
    elif registers:
        body = _register_rollout(layout, access, call)
    else:
        each = access.load_state + access.load_inputs + call + access.store_state
        each += access.add_outputs + access.keep
        body = lane_loop(access.clear_outputs) + step_loop(lane_loop(each))
    return function_source(layout, body)


def function_source(layout: Layout, body: list[str]) -> str:
    """Return the source of a kernel with the arguments of a layout; ``low``, ``high`` are lanes."""
    arguments = [f"state_{f.name}" for f in layout.state]
    arguments += [f"input_{f.name}" for f in layout.inputs]
    arguments += list(COUNTS)
    arguments += [] if layout.in_place else [f"after_{f.name}" for f in layout.state]
    arguments += [f"output_{f.name}" for f in layout.outputs]
    arguments += [f"kept_{f.name}" for f in layout.kept]
    head = [
        "block = wp.tid()",
        "low = first_lane + block * lanes_per_thread",
        "high = wp.min(low + lanes_per_thread, end_lane)",
    ]
    return "\n".join([f"def kernel({', '.join(arguments)}):", *indent(head + body)]) + "\n"


def lane_loop(body: list[str]) -> list[str]:
    """Return a loop over the lanes of the block."""
    # ``while``, not ``range``: Warp's range carries a step whose sign LLVM cannot see.
    return ["lane = wp.int32(low)", "while lane < high:", *indent([*body, "lane += 1"])]


def step_loop(body: list[str]) -> list[str]:
    """Return a loop over the steps of a rollout."""
    return ["step = wp.int32(0)", "while step < num_steps:", *indent([*body, "step += 1"])]


def _number(field: Field) -> str:
    return f"wp.int32(result_{field.name})" if field.dtype == "bool" else f"result_{field.name}"


def sums_in_registers(layout: Layout) -> tuple[list[str], list[str], list[str]]:
    """Return the lines that clear, add to and store the summed outputs of one lane."""
    fields = output_fields(layout)
    clear = [f"sum_{f.name} = wp.{f.dtype}(0)" for f in fields]
    add = [f"sum_{f.name} += {_number(f)}" for f in layout.outputs]
    return clear, add, [f"store(output_{f.name}, lane, sum_{f.name})" for f in fields]


def write_each_step(layout: Layout) -> list[str]:
    """Return the lines that write, at every step, the state fields that have to be in memory."""
    return [
        _store(layout.written_to(f), f, "lane", f"state.{f.name}")
        for f in layout.state
        if f.name in layout.written
    ]


def _register_rollout(layout: Layout, access: Access, call: list[str]) -> list[str]:
    clear, add, put = sums_in_registers(layout)
    steps = step_loop([*call, *add, *write_each_step(layout), *access.keep])
    start = access.load_state + access.load_inputs + clear
    return lane_loop(start + steps + access.store_state + put)


def build(name: str, rule: Any, struct: Any, layout: Layout, registers: bool = False) -> Any:
    """Return the Warp kernel that applies ``rule`` to a batch.

    Args:
        name: names the Warp module, and with it the compiled file in Warp's kernel cache.
        rule: ``@wp.func(state, *inputs) -> (state, *outputs)``.
        struct: the ``@wp.struct`` of the state.
        layout: the arguments.
        registers: see ``source``.
    """
    return compile_kernel(name, source(layout, registers), struct, layout, {"rule": rule})


def compile_kernel(
    name: str,
    text: str,
    struct: Any,
    layout: Layout,
    names: dict[str, Any],
    more_fields: tuple[Field, ...] = (),
) -> Any:
    """Return the Warp kernel of a source; it is compiled when it is first launched.

    Args:
        name: names the Warp module, and with it the compiled file in Warp's kernel cache.
        text: the source, see ``function_source``.
        struct: the ``@wp.struct`` of the state.
        layout: the arguments.
        names: what the source names besides.
        more_fields: vectors of other structs that the source loads or stores.
    """
    annotations: dict[str, Any] = {}
    for prefix, fields in (("state_", layout.state), ("input_", layout.inputs)):
        annotations |= {prefix + f.name: wp.array(dtype=WARP_DTYPES[f.dtype]) for f in fields}
    annotations |= dict.fromkeys(COUNTS, wp.int32)
    after = () if layout.in_place else layout.state
    for prefix, fields in (
        ("after_", after),
        ("output_", output_fields(layout)),
        ("kept_", layout.kept),
    ):
        annotations |= {prefix + f.name: wp.array(dtype=WARP_DTYPES[f.dtype]) for f in fields}
    fields = (*layout.state, *layout.inputs, *layout.outputs, *more_fields)
    function = define(name, text, {"State": struct, **names}, fields)
    function.__annotations__ = annotations
    module = wp.get_module(name)
    module.options.update(warp_init.MODULE_OPTIONS)
    return wp.Kernel(function, key=name.replace(".", "_"), module=module, source=text)


def define(name: str, text: str, names: dict[str, Any], fields: tuple[Field, ...]) -> Any:
    """Return the one function that a generated source defines.

    Args:
        name: for tracebacks; Warp finds the source by it.
        text: the source.
        names: what it names besides the loads and stores.
        fields: those that are vectors get their ``load_<dtype>_<size>`` and ``store_...``.
    """
    namespace: dict[str, Any] = {"wp": wp, "load": load, "store": store, **names}
    for f in fields:
        if f.size is not None:
            kind = f"{f.dtype}_{f.size}"
            both = vector_access(WARP_DTYPES[f.dtype], f.size)
            namespace[f"load_{kind}"], namespace[f"store_{kind}"] = both
    before, file = set(namespace), f"<{name}>"
    # Before it runs: a decorator in the text reads the source at once.
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    exec(compile(text, file, "exec"), namespace)
    (defined,) = set(namespace) - before - {"__builtins__"}
    return namespace[defined]
