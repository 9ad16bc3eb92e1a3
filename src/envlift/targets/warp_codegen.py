"""Generate the Warp kernel that applies a rule to a batch.

The kernel is written as text because its arguments depend on the rule, and Warp compiles source.
Arrays are passed flat and read through plain pointers: Warp's own indexing multiplies by strides
known only at run time, behind which LLVM cannot see that neighbouring lanes are neighbours.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import warp as wp

from envlift.targets import warp_init
from envlift.targets.warp_memory import load, store

warp_init.init()

WARP_DTYPES: dict[str, Any] = {
    "float32": wp.float32,
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
        dtype: ``float32``, ``int32``, ``uint32`` or ``bool``.
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
        state: read and written in place.
        inputs: read; those in ``shared`` hold one value for all lanes.
        outputs: written; in a rollout they are sums over the steps (of a bool: a count).
        kept: state fields that a rollout also writes at every step, as [T, B, ...].
        written: state fields that a rollout writes in place at every step, whatever the form.
        shared: names of inputs without a lane axis.
        steps: whether the kernel is a rollout.
    """

    state: tuple[Field, ...]
    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...]
    kept: tuple[Field, ...] = ()
    written: tuple[str, ...] = ()
    shared: frozenset[str] = frozenset()
    steps: bool = False


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


def _load(argument: str, field: Field, lane: str) -> str:
    if field.size is None:
        return f"load({argument}, {lane})"
    items = (f"load({argument}, {lane} * {field.size} + {i})" for i in range(field.size))
    return f"vector_{field.dtype}_{field.size}({', '.join(items)})"


def _store(argument: str, field: Field, lane: str, value: str) -> list[str]:
    if field.size is None:
        return [f"store({argument}, {lane}, {value})"]
    return [
        f"store({argument}, {lane} * {field.size} + {i}, {value}[{i}])" for i in range(field.size)
    ]


def _summed(field: Field) -> Field:
    return Field(field.name, "int32" if field.dtype == "bool" else field.dtype, field.size)


def output_fields(layout: Layout) -> tuple[Field, ...]:
    """Return the output arrays as they are stored: in a rollout a bool becomes a count."""
    return tuple(map(_summed, layout.outputs)) if layout.steps else layout.outputs


def _indent(lines: list[str], levels: int) -> list[str]:
    return ["    " * levels + line for line in lines]


def source(layout: Layout, registers: bool) -> str:
    """Return the source of the kernel.

    Args:
        layout: its arguments.
        registers: keep the state of a lane in registers during a rollout (one lane per thread, for
            CUDA) instead of passing over a block of lanes step by step (for CPUs).
    """
    arguments = [f"state_{f.name}" for f in layout.state] + [
        f"input_{f.name}" for f in layout.inputs
    ]
    arguments += list(COUNTS)
    arguments += [f"output_{f.name}" for f in layout.outputs] + [
        f"kept_{f.name}" for f in layout.kept
    ]
    load_state = ["state = State()"]
    load_state += [f"state.{f.name} = {_load('state_' + f.name, f, 'lane')}" for f in layout.state]
    store_state = [
        line
        for f in layout.state
        for line in _store(f"state_{f.name}", f, "lane", f"state.{f.name}")
    ]
    # With a prefix: a rule may name an input as the kernel names something of its own.
    inputs = []
    for f in layout.inputs:
        inputs.append(
            f"given_{f.name} = "
            + _load(f"input_{f.name}", f, "0" if f.name in layout.shared else "lane")
        )
    call_arguments = ["state"] + [f"given_{f.name}" for f in layout.inputs]
    results = ["state"] + [f"result_{f.name}" for f in layout.outputs]
    if layout.steps:
        # Step number k of a lane's key, as ``chance.at_step`` says.
        call_arguments[2] = "given_word_1 + wp.uint32(step)"
    call = [f"{', '.join(results)} = rule({', '.join(call_arguments)})"]
    if not layout.steps:
        outputs = [
            line
            for f in layout.outputs
            for line in _store(f"output_{f.name}", f, "lane", f"result_{f.name}")
        ]
        lane_body = load_state + inputs + call + store_state + outputs
        body = [*_lane_loop(lane_body)]
    elif registers:
        body = _register_rollout(layout, load_state, inputs, call, store_state)
    else:
        body = _block_rollout(layout, load_state, inputs, call, store_state)
    head = [
        "block = wp.tid()",
        "low = first_lane + block * lanes_per_thread",
        "high = wp.min(low + lanes_per_thread, end_lane)",
    ]
    return "\n".join([f"def kernel({', '.join(arguments)}):", *_indent(head + body, 1)]) + "\n"


def _lane_loop(body: list[str]) -> list[str]:
    # ``while``, not ``range``: Warp's range carries a step whose sign LLVM cannot see.
    return ["lane = wp.int32(low)", "while lane < high:", *_indent([*body, "lane += 1"], 1)]


def _keep(layout: Layout) -> list[str]:
    return [
        line
        for f in layout.kept
        for line in _store(f"kept_{f.name}", f, "(step * num_lanes + lane)", f"state.{f.name}")
    ]


def _number(field: Field) -> str:
    return f"wp.int32(result_{field.name})" if field.dtype == "bool" else f"result_{field.name}"


def _block_rollout(
    layout: Layout,
    load_state: list[str],
    inputs: list[str],
    call: list[str],
    store_state: list[str],
) -> list[str]:
    clear = [f"store(output_{f.name}, lane, wp.{f.dtype}(0))" for f in output_fields(layout)]
    sums = [
        f"store(output_{f.name}, lane, load(output_{f.name}, lane) + {_number(f)})"
        for f in layout.outputs
    ]
    each = load_state + inputs + call + store_state + sums + _keep(layout)
    steps = [
        "step = wp.int32(0)",
        "while step < num_steps:",
        *_indent([*_lane_loop(each), "step += 1"], 1),
    ]
    return _lane_loop(clear) + steps


def _register_rollout(
    layout: Layout,
    load_state: list[str],
    inputs: list[str],
    call: list[str],
    store_state: list[str],
) -> list[str]:
    clear = [f"sum_{f.name} = wp.{f.dtype}(0)" for f in output_fields(layout)]
    sums = [f"sum_{f.name} += {_number(f)}" for f in layout.outputs]
    written = [
        line
        for f in layout.state
        if f.name in layout.written
        for line in _store(f"state_{f.name}", f, "lane", f"state.{f.name}")
    ]
    steps = [
        "step = wp.int32(0)",
        "while step < num_steps:",
        *_indent([*call, *sums, *written, *_keep(layout), "step += 1"], 1),
    ]
    outputs = [f"store(output_{f.name}, lane, sum_{f.name})" for f in layout.outputs]
    return _lane_loop(load_state + inputs + clear + steps + store_state + outputs)


def build(name: str, rule: Any, struct: Any, layout: Layout, registers: bool = False) -> Any:
    """Return the Warp kernel that applies ``rule`` to a batch.

    Args:
        name: names the Warp module, and with it the compiled file in Warp's kernel cache.
        rule: ``@wp.func(state, *inputs) -> (state, *outputs)``.
        struct: the ``@wp.struct`` of the state.
        layout: the arguments.
        registers: see ``source``.
    """
    text = source(layout, registers)
    namespace: dict[str, Any] = {
        "wp": wp,
        "rule": rule,
        "State": struct,
        "load": load,
        "store": store,
    }
    annotations: dict[str, Any] = {}
    for prefix, fields in (("state_", layout.state), ("input_", layout.inputs)):
        annotations |= {prefix + f.name: wp.array(dtype=WARP_DTYPES[f.dtype]) for f in fields}
    annotations |= dict.fromkeys(COUNTS, wp.int32)
    for prefix, fields in (("output_", output_fields(layout)), ("kept_", layout.kept)):
        annotations |= {prefix + f.name: wp.array(dtype=WARP_DTYPES[f.dtype]) for f in fields}
    for f in layout.state + layout.inputs:
        if f.size is not None:
            namespace[f"vector_{f.dtype}_{f.size}"] = wp.types.vector(f.size, WARP_DTYPES[f.dtype])
    exec(compile(text, f"<{name}>", "exec"), namespace)
    function = namespace["kernel"]
    function.__annotations__ = annotations
    module = wp.get_module(name)
    module.options.update(warp_init.MODULE_OPTIONS)
    return wp.Kernel(function, key=name.replace(".", "_"), module=module, source=text)
