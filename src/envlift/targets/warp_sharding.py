"""How a batched call is divided among devices: each plays its own environments.

XLA knows nothing of what a call does, so without this it gathers all arrays on every device, and
every device plays all environments. Axes of the batch may be divided; the rest (the numbers of a
vector, the steps of a rollout) may not.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax._src import dispatch
from jax._src.sharding_impls import ShardingContext, SPMDAxisContext
from jax.experimental.custom_partitioning import custom_partitioning
from jax.sharding import NamedSharding, PartitionSpec


def ask_for_devices(primitive: Any) -> None:
    """Have JAX tell the lowering of a primitive which devices there are, as for its own."""
    dispatch.prim_requires_devices_during_lowering.add(primitive)


def divides(context: Any) -> bool:
    """Return whether XLA divides a program of this context among devices.

    Args:
        context: ``axis_context`` of a lowering; inside ``shard_map`` all is divided already.
    """
    if isinstance(context, ShardingContext):
        return context.num_devices > 1
    if isinstance(context, SPMDAxisContext):
        return context.mesh.size > 1 and set(context.manual_axes) != set(context.mesh.axis_names)
    return False


def divide(
    function: Callable[..., Any],
    *,
    batch: int,
    arguments: Sequence[int],
    shared: Sequence[bool],
    results: Sequence[int],
    num_kept: int,
) -> Any:
    """Return a function of arrays that devices share the work of.

    Args:
        function: does the work for any batch of the same number of axes.
        batch: how many axes the batch has; they come first.
        arguments: how many axes each argument has.
        shared: whether an argument has no batch.
        results: how many axes each result has.
        num_kept: how many of the last results have an axis of steps before the batch.
    """
    lead = [0] * (len(results) - num_kept) + [1] * num_kept

    def spec(axes: Sequence[Any], ndim: int, steps: int) -> PartitionSpec:
        rest = (None,) * (ndim - steps - batch)
        return PartitionSpec(*(None,) * steps, *axes, *rest)

    def shardings(mesh: Any, result_shapes: Any) -> tuple[list[Any], list[Any]]:
        given = result_shapes[0].sharding.spec
        axes = tuple(given[:batch]) + (None,) * (batch - len(given[:batch]))
        # A batch that the devices cannot share evenly is not shared.
        for size, axis in zip(result_shapes[0].shape, axes, strict=False):
            names = (axis,) if isinstance(axis, str) else axis or ()
            count = 1
            for name in names:
                count *= mesh.shape[name]
            if size % count:
                axes = (None,) * batch
        before = [
            NamedSharding(mesh, PartitionSpec() if alone else spec(axes, ndim, 0))
            for ndim, alone in zip(arguments, shared, strict=True)
        ]
        after = [
            NamedSharding(mesh, spec(axes, ndim, steps))
            for ndim, steps in zip(results, lead, strict=True)
        ]
        return before, after

    def partition(mesh: Any, argument_shapes: Any, result_shapes: Any) -> Any:
        before, after = shardings(mesh, result_shapes)
        return mesh, function, tuple(after), tuple(before)

    def infer(mesh: Any, argument_shapes: Any, result_shapes: Any) -> Any:
        return tuple(shardings(mesh, argument_shapes)[1])

    @custom_partitioning
    def divided(*arrays: jax.Array) -> Any:
        return tuple(function(*arrays))

    rule, whole = _rule(batch, arguments, shared, results, lead)
    divided.def_partition(
        partition=partition,
        infer_sharding_from_operands=infer,
        sharding_rule=rule,
        need_replication_factors=whole,
    )
    return divided


def _rule(
    batch: int,
    arguments: Sequence[int],
    shared: Sequence[bool],
    results: Sequence[int],
    lead: Sequence[int],
) -> tuple[str, tuple[str, ...]]:
    """Return the rule as Shardy reads it, and its axes that must not be divided."""
    axes = [f"b{n}" for n in range(batch)]
    whole: list[str] = []

    def more(count: int) -> list[str]:
        new = [f"w{len(whole) + n}" for n in range(count)]
        whole.extend(new)
        return new

    before = [
        " ".join(more(ndim) if alone else [*axes, *more(ndim - batch)])
        for ndim, alone in zip(arguments, shared, strict=True)
    ]
    after = [
        " ".join([*more(steps), *axes, *more(ndim - batch - steps)])
        for ndim, steps in zip(results, lead, strict=True)
    ]
    return f"{', '.join(before)} -> {', '.join(after)}", tuple(whole)
