"""Plain loads and stores for Warp kernels: what Warp's own indexing does, without the strides.

They let LLVM see that neighbouring lanes are neighbours in memory. The index counts elements from
the start of the array; nothing is checked.
"""

# mypy: ignore-errors
# ruff: noqa: D103, F811
# Warp's kernel language looks like Python; a function may have one definition per type.

from functools import cache
from typing import Any

import warp as wp


@wp.func_native("return values.data[index];")
def load(values: wp.array(dtype=wp.float32), index: wp.int32) -> wp.float32: ...


@wp.func_native("return values.data[index];")
def load(values: wp.array(dtype=wp.float64), index: wp.int32) -> wp.float64: ...


@wp.func_native("return values.data[index];")
def load(values: wp.array(dtype=wp.int32), index: wp.int32) -> wp.int32: ...


@wp.func_native("return values.data[index];")
def load(values: wp.array(dtype=wp.uint32), index: wp.int32) -> wp.uint32: ...


@wp.func_native("return values.data[index];")
def load(values: wp.array(dtype=wp.int8), index: wp.int32) -> wp.int8: ...


@wp.func_native("return values.data[index];")
def load(values: wp.array(dtype=wp.uint8), index: wp.int32) -> wp.uint8: ...


@wp.func_native("return values.data[index];")
def load(values: wp.array(dtype=wp.int16), index: wp.int32) -> wp.int16: ...


@wp.func_native("return values.data[index];")
def load(values: wp.array(dtype=wp.uint16), index: wp.int32) -> wp.uint16: ...


@wp.func_native("return values.data[index];")
def load(values: wp.array(dtype=wp.bool), index: wp.int32) -> wp.bool: ...


@wp.func_native("values.data[index] = value;")
def store(values: wp.array(dtype=wp.float32), index: wp.int32, value: wp.float32): ...


@wp.func_native("values.data[index] = value;")
def store(values: wp.array(dtype=wp.float64), index: wp.int32, value: wp.float64): ...


@wp.func_native("values.data[index] = value;")
def store(values: wp.array(dtype=wp.int32), index: wp.int32, value: wp.int32): ...


@wp.func_native("values.data[index] = value;")
def store(values: wp.array(dtype=wp.uint32), index: wp.int32, value: wp.uint32): ...


@wp.func_native("values.data[index] = value;")
def store(values: wp.array(dtype=wp.int8), index: wp.int32, value: wp.int8): ...


@wp.func_native("values.data[index] = value;")
def store(values: wp.array(dtype=wp.uint8), index: wp.int32, value: wp.uint8): ...


@wp.func_native("values.data[index] = value;")
def store(values: wp.array(dtype=wp.int16), index: wp.int32, value: wp.int16): ...


@wp.func_native("values.data[index] = value;")
def store(values: wp.array(dtype=wp.uint16), index: wp.int32, value: wp.uint16): ...


@wp.func_native("values.data[index] = value;")
def store(values: wp.array(dtype=wp.bool), index: wp.int32, value: wp.bool): ...


@cache
def vector_access(dtype: Any, size: int) -> tuple[Any, Any]:
    """Return functions ``(values, index, stride)`` and ``(values, index, stride, vector)``.

    They load and store a vector whose numbers lie ``stride`` elements apart. One call for all of
    them, since LLVM takes each call apart: number by number, a kernel compiles for twice as long.
    """
    array, vector = wp.array(dtype=dtype), wp.types.vector(length=size, dtype=dtype)
    # One pointer and constant distances: LLVM sees how it moves from lane to lane.
    each = f"auto* first = values.data + index; for (wp::int64 k = 0; k < {size}; ++k)"
    scalar = "bool" if dtype is wp.bool else f"wp::{dtype.__name__}"
    read = f"wp::vec_t<{size}, {scalar}> read; "

    @wp.func_native(f"{read}{each} read.c[k] = first[k * stride]; return read;")
    def load_vector(values: array, index: wp.int32, stride: wp.int32) -> vector: ...

    @wp.func_native(f"{each} first[k * stride] = vector.c[k];")
    def store_vector(values: array, index: wp.int32, stride: wp.int32, vector: vector): ...

    return load_vector, store_vector
