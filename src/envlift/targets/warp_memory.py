"""Plain loads and stores for Warp kernels: what Warp's own indexing does, without the strides.

They let LLVM see that neighbouring lanes are neighbours in memory. The index counts elements from
the start of the array; nothing is checked.
"""

# mypy: ignore-errors
# ruff: noqa: D103, F811
# Warp's kernel language looks like Python; a function may have one definition per type.

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
def store(values: wp.array(dtype=wp.bool), index: wp.int32, value: wp.bool): ...
