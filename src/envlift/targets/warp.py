"""Warp rules as batched JAX functions.

An environment writes its rules as ``@wp.func`` on ONE environment's state, a ``@wp.struct``.
``BatchedRule`` turns such a function into a JAX function for one state, and so for batches: under
``vmap`` (nested too), ``jit`` and ``lax.scan``, on CPU and CUDA.

How it is fast on a CPU:

- The generated kernel passes over the lanes in one loop of plain loads and stores. If the rule
  selects instead of branching, LLVM plays 8 or 16 lanes per instruction.
- State is updated in place: inside ``scan`` XLA hands the same buffers on and copies nothing.
- A large batch is cut into slices that a thread pool launches at once.

Shapes: ``B`` lanes of a batch, ``T`` steps.
"""

# mypy: allow-untyped-calls, allow-untyped-decorators

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.extend.mlir.dialects import stablehlo
from jax.interpreters import ad, batching, mlir

from envlift.targets import warp_codegen, warp_cpu, warp_cuda, warp_private, warp_sharding
from envlift.targets.warp_call import Launch
from envlift.targets.warp_codegen import Field, Layout

made_once = warp_private.made_once
"""For functions of an environment that make Warp functions or a ``BatchedRule``; see there."""

MAX_ELEMENTS = 2**31 - 2**16
"""Kernels index with int32, which both targets compute fastest; they may count a block further."""


class BatchedRule:
    """A Warp rule as a JAX function.

    ``batched(*state, *inputs)`` returns ``(*state, *outputs)``; the state's arrays are those of
    the struct's fields, in order.
    """

    cost = 1
    """How many steps of a small game (some 5 ns) one application is worth: decides from which batch
    on a CPU uses a second thread."""

    shared: tuple[str, ...] = ()
    """Inputs that a batch usually shares; a call without a batch is compiled as if it did."""

    def __init__(
        self, rule: Any, state: Any, outputs: dict[str, str], name: str | None = None
    ) -> None:
        """Wrap a rule; nothing is compiled before it is used.

        Args:
            rule: ``@wp.func(state, *inputs) -> (state, *outputs)`` with annotated arguments.
            state: the ``@wp.struct`` of the state.
            outputs: name and dtype of each scalar that follows the state in the result.
            name: names the compiled module; by default the rule's name and place.

        Raises:
            TypeError: for an argument that cannot cross to JAX.
        """
        self.rule = rule
        self.struct = state
        self.name = name or f"{rule.func.__module__}.{rule.func.__qualname__}"
        self.state = warp_codegen.state_fields(state)
        arguments = list(rule.input_types.items())[1:]
        self.inputs = tuple(warp_codegen.field_of(name, kind) for name, kind in arguments)
        self.outputs = tuple(Field(name, dtype) for name, dtype in outputs.items())
        self._kernels: dict[tuple[Layout, bool], Any] = {}

    def __call__(self, *operands: jax.Array) -> list[jax.Array]:
        """Apply the rule to one state; ``vmap`` makes the batch.

        Raises:
            TypeError: for a wrong number of arrays, or a wrong shape or dtype, by name.
        """
        return _call(self, None, (), (), operands)

    def rollout(
        self,
        *operands: jax.Array,
        num_steps: int,
        keep: tuple[str, ...] = (),
        written: tuple[str, ...] = (),
    ) -> list[jax.Array]:
        """Apply the rule ``num_steps`` times inside one kernel.

        The rule's first two inputs must be ``word_0`` and ``word_1``, a lane's key; at step k the
        second is ``word_1 + k`` (``chance.at_step``). Call it under ``vmap``.

        Args:
            operands: as for a call.
            num_steps: steps, at least 1.
            keep: state fields to return for every step.
            written: state fields that are written to memory at every step, over the last one.

        Returns:
            ``(*state, *sums, *kept)``: the last state, each output summed over the steps (of a
            bool: counted), and the kept fields with a leading axis ``T``.
        """
        if num_steps < 1:
            raise ValueError(f"num_steps={num_steps} is out of range: it must be at least 1")
        return _call(self, num_steps, keep, written, operands)

    def kernel(self, layout: Layout, registers: bool) -> Any:
        """Return the kernel of a layout; built once."""
        key = (layout, registers)
        with warp_private.LOCK:
            if key not in self._kernels:
                parts = [self.name, "rollout" if layout.steps else "step"]
                parts += sorted(layout.shared) + [f.name for f in layout.kept]
                parts += ["registers"] if registers else []
                self._kernels[key] = self.build(".".join(parts), layout, registers)
            return self._kernels[key]

    def launch(self, layout: Layout, num_steps: int, num_lanes: int, registers: bool) -> Launch:
        """Return the launch of a layout over a batch.

        Args:
            layout: of the arguments.
            num_steps: steps of a rollout; 1 for a step.
            num_lanes: the batch.
            registers: the form for CUDA: a lane per thread, and the state after the step in arrays
                of its own. The form for CPUs updates the state in place, since LLVM could not
                tell else that neighbouring lanes do not overlap.
        """
        layout = dataclasses.replace(layout, in_place=not registers)
        outputs = len(layout.outputs) + len(layout.kept)
        return Launch(
            kernel=self.kernel(layout, registers),
            num_arrays_in=len(self.state) + len(self.inputs),
            num_arrays_out=outputs if layout.in_place else outputs + len(self.state),
            state_bytes=tuple(
                num_lanes * (f.size or 1) * jnp.dtype(f.dtype).itemsize for f in self.state
            ),
            in_place=layout.in_place,
            num_lanes=num_lanes,
            num_steps=num_steps,
            cost=self.cost,
        )

    def build(self, name: str, layout: Layout, registers: bool) -> Any:
        """Return a new kernel."""
        return warp_codegen.build(name, self.rule, self.struct, layout, registers)


def _call(
    rule: BatchedRule,
    num_steps: int | None,
    keep: tuple[str, ...],
    written: tuple[str, ...],
    operands: tuple[jax.Array, ...],
) -> list[jax.Array]:
    fields = rule.state + rule.inputs
    if len(operands) != len(fields):
        names = ", ".join(f.name for f in fields)
        raise TypeError(f"{rule.name} takes {len(fields)} arrays ({names}), got {len(operands)}")
    arrays = [jnp.asarray(a) if not hasattr(a, "dtype") else a for a in operands]
    for field, array in zip(fields, arrays, strict=True):
        if array.shape != field.shape or array.dtype != field.dtype:
            raise TypeError(
                f"{rule.name}: {field.name} must be {field.dtype}{list(field.shape)}, "
                f"got {array.dtype}{list(array.shape)}"
            )
    results: list[jax.Array] = _primitive.bind(
        *arrays, rule=rule, num_steps=num_steps, keep=keep, written=written
    )
    return results


_primitive = Primitive("envlift_warp_rule")
_primitive.multiple_results = True
# What one device does of it: the same, compiled without a look at the other devices.
_local = Primitive("envlift_warp_rule_local")
_local.multiple_results = True
warp_sharding.ask_for_devices(_primitive)


@cache
def _jitted(**params: Any) -> Any:
    return jax.jit(partial(_primitive.bind, **params))


@_primitive.def_impl
def _impl(*operands: jax.Array, **params: Any) -> Any:
    # Under jax.disable_jit the compiled form would only call this one again.
    with jax.disable_jit(False):
        return _jitted(**params)(*operands)


def _abstract_eval(*operands: Any, rule: BatchedRule, **params: Any) -> list[Any]:
    shape = _batch(rule, operands)
    layout = _layout(rule, operands, **params)
    for f, array in zip(rule.state + rule.inputs, operands, strict=True):
        _check_index(rule, f.name, array.shape, "play fewer environments per call")
    results = [jax.core.ShapedArray(a.shape, a.dtype) for a in operands[: len(rule.state)]]
    for f in warp_codegen.output_fields(layout):
        results.append(jax.core.ShapedArray(shape, jnp.dtype(f.dtype)))
    for f in layout.kept:
        kept = (params["num_steps"], *shape, *f.shape)
        _check_index(rule, f.name, kept, "keep fewer steps per call")
        results.append(jax.core.ShapedArray(kept, jnp.dtype(f.dtype)))
    return results


def _check_index(rule: BatchedRule, name: str, shape: tuple[int, ...], remedy: str) -> None:
    if math.prod(shape) > MAX_ELEMENTS:
        raise ValueError(
            f"{rule.name}: {name} of shape {shape} has more than {MAX_ELEMENTS} numbers, which "
            f"the kernel cannot index; {remedy}"
        )


def _batch(rule: BatchedRule, operands: Any) -> tuple[int, ...]:
    """Return the batch shape: that of the state, which always has all of it."""
    first = operands[0].shape
    return tuple(first[: len(first) - len(rule.state[0].shape)])


def _layout(
    rule: BatchedRule,
    operands: Any,
    num_steps: int | None,
    keep: tuple[str, ...],
    written: tuple[str, ...],
) -> Layout:
    shape = _batch(rule, operands)
    inputs = operands[len(rule.state) :]
    shared: Iterable[str] = rule.shared
    if shape:
        shared = (f.name for f, a in zip(rule.inputs, inputs, strict=True) if a.shape == f.shape)
    return Layout(
        state=rule.state,
        inputs=rule.inputs,
        outputs=rule.outputs,
        kept=tuple(f for f in rule.state if f.name in keep),
        written=written,
        shared=frozenset(shared),
        steps=num_steps is not None,
    )


def _batch_rule(
    operands: Any, axes: Any, *, rule: BatchedRule, num_steps: int | None, **params: Any
) -> tuple[Any, list[int]]:
    size = next(a.shape[axis] for a, axis in zip(operands, axes, strict=True) if axis is not None)
    fields = rule.state + rule.inputs
    moved = []
    for number, (field, array, axis) in enumerate(zip(fields, operands, axes, strict=True)):
        if axis is not None:
            array = jnp.moveaxis(array, axis, 0)
        elif number < len(rule.state) or array.shape != field.shape:
            # An input without any batch axis stays as it is: the kernel shares it.
            array = jnp.broadcast_to(array, (size, *array.shape))
        moved.append(array)
    # An input may have been batched now and not before: give it the axes of the state.
    shape = tuple(_batch(rule, moved))
    for number in range(len(rule.state), len(moved)):
        field, array = fields[number], moved[number]
        have = array.shape[: array.ndim - len(field.shape)]
        if have and have != shape:
            expanded = array.reshape(size, *(1 for _ in shape[1:]), *field.shape)
            moved[number] = jnp.broadcast_to(expanded, (*shape, *field.shape))
    results = _primitive.bind(*moved, rule=rule, num_steps=num_steps, **params)
    num_kept = len(params["keep"])
    return results, [0] * (len(results) - num_kept) + [1] * num_kept


_primitive.def_abstract_eval(_abstract_eval)
_local.def_abstract_eval(_abstract_eval)
batching.primitive_batchers[_primitive] = _batch_rule


def _refuse_gradient(primals: Any, tangents: Any, *, rule: BatchedRule, **params: Any) -> Any:
    raise NotImplementedError(
        f"{rule.name} has no gradient: its Warp code is compiled without an adjoint. Keep the step "
        "out of what jax.grad differentiates, with jax.lax.stop_gradient on the state and the "
        "action, or use an estimator that needs no gradient of the environment (PPO does not)"
    )


ad.primitive_jvps[_primitive] = _refuse_gradient


def _lower(
    ctx: Any,
    *operands: Any,
    platform: str,
    rule: BatchedRule,
    num_steps: int | None,
    **params: Any,
) -> Any:
    layout = _layout(rule, ctx.avals_in, num_steps, **params)
    target: Any = warp_cuda if platform == "cuda" else warp_cpu
    launch = rule.launch(
        layout, num_steps or 1, math.prod(_batch(rule, ctx.avals_in)), registers=platform == "cuda"
    )
    aliases = {i: i for i in range(len(rule.state))}
    lowering = jax.ffi.ffi_lowering(target.register(launch), operand_output_aliases=aliases)
    results: Any = lowering(ctx, *operands)
    if platform == "cuda":
        # XLA would fuse the call with the stacking of its results by ``scan``. Such a call works,
        # but takes four times as long: it waits for the place in the stack to reach the host.
        results = stablehlo.OptimizationBarrierOp(results).results
    return results


def _lower_for_devices(
    lower: Any, ctx: Any, *operands: Any, rule: BatchedRule, **params: Any
) -> Any:
    """Lower a call so that each device plays its own environments, and only those.

    XLA does not look into a call: it would gather all environments on every device.
    """
    if not warp_sharding.divides(ctx.module_context.axis_context):
        return lower(ctx, *operands, rule=rule, **params)
    inputs = zip(rule.inputs, ctx.avals_in[len(rule.state) :], strict=True)
    divided = warp_sharding.divide(
        partial(_local.bind, rule=rule, **params),
        batch=len(_batch(rule, ctx.avals_in)),
        arguments=[a.ndim for a in ctx.avals_in],
        shared=[False] * len(rule.state) + [a.shape == f.shape for f, a in inputs],
        results=[a.ndim for a in ctx.avals_out],
        num_kept=len(params["keep"]),
    )
    return mlir.lower_fun(divided, multiple_results=True)(ctx, *operands)


for _platform in ("cpu", "cuda"):
    _lowering = partial(_lower, platform=_platform)
    mlir.register_lowering(_local, _lowering, platform=_platform)
    mlir.register_lowering(_primitive, partial(_lower_for_devices, _lowering), platform=_platform)
