"""Everything that envlift takes from Warp's private modules, in one place.

Warp promises nothing about these names. They were tried with Warp 1.19.0, and pyproject allows that
minor version alone; for another one, read this file beside Warp's ``_src/context.py`` and
``_src/jax/ffi.py`` and run ``tests/targets``.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import ctypes
import shutil
import threading
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import warp as wp
from warp._src import context
from warp._src.codegen import Struct
from warp._src.jax import xla_ffi
from warp._src.types import array_t

TRIED_WITH = "1.19.0"

LOCK = threading.RLock()
"""Held while Warp functions and kernels are made, compiled and loaded: Warp does none of it twice
at once. Launching needs no lock."""

P = ParamSpec("P")
R = TypeVar("R")


def made_once(make: Callable[P, R]) -> Callable[P, R]:
    """Remember what a function made for each set of arguments; threads wait for one another.

    ``functools.cache`` lets two threads make the same Warp function at once, and the second takes
    the place of the first inside Warp while the first is being compiled.
    """
    made: dict[Any, R] = {}

    @wraps(make)
    def once(*args: P.args, **kwargs: P.kwargs) -> R:
        key = (args, tuple(sorted(kwargs.items())))
        try:
            return made[key]
        except KeyError:
            with LOCK:
                if key not in made:
                    made[key] = make(*args, **kwargs)
                return made[key]

    return once


def is_struct(annotation: Any) -> bool:
    """Return whether a Warp annotation is a ``@wp.struct``."""
    return isinstance(annotation, Struct)


def argument_block(arrays_before: int, counts: Sequence[str], arrays_after: int) -> Any:
    """Return the ctypes structure of a kernel's arguments: arrays, int32 counts, arrays."""
    fields: list[tuple[str, Any]] = [(f"before_{i}", array_t) for i in range(arrays_before)]
    fields += [(name, ctypes.c_int32) for name in counts]
    fields += [(f"after_{i}", array_t) for i in range(arrays_after)]
    return type("Arguments", (ctypes.Structure,), {"_fields_": fields})


def empty_array() -> Any:
    """Return an array argument without data; kernels here read ``data`` alone."""
    return array_t(0, 0, 1, (0,), (0,))


DATA_OFFSET: int = array_t.data.offset  # type: ignore[misc]


def launch_bounds(kernel: Any, threads: int, block_dim: int) -> Any:
    """Return the first argument of every kernel: how many threads there are."""
    return context._build_kernel_launch_bounds(threads, kernel, block_dim)


def load(kernel: Any, device: Any, block_dim: int) -> Any:
    """Compile a kernel's module or take it from Warp's cache, and return what launches it.

    A file in the cache that cannot be loaded (cut off by a full disk or a killed process) is
    deleted and compiled anew, once.

    Raises:
        ValueError: if the cache's folder cannot be written.
        RuntimeError: if the kernel cannot be compiled or loaded; it names the folder.
    """
    with LOCK:
        folder = _folder(kernel, block_dim)
        was_cached = folder.exists()
        try:
            return _hooks(kernel, device, block_dim)
        except OSError as error:
            raise ValueError(_cannot_write(error)) from error
        except Exception as error:
            if not was_cached:
                raise RuntimeError(_cannot_load(kernel, device, error, folder)) from error
        shutil.rmtree(folder, ignore_errors=True)
        kernel.module.unload()
        try:
            return _hooks(kernel, device, block_dim)
        except Exception as error:
            raise RuntimeError(_cannot_load(kernel, device, error, folder)) from error


def _cannot_load(kernel: Any, device: Any, error: Exception, folder: Path) -> str:
    return (
        f"Warp could not compile or load {kernel.key} for {device}: {error}. If this repeats, "
        f"delete the folder {folder}"
    )


def _folder(kernel: Any, block_dim: int) -> Path:
    return Path(wp.config.kernel_cache_dir or "") / kernel.module.get_module_identifier(block_dim)


def _hooks(kernel: Any, device: Any, block_dim: int) -> Any:
    executable = kernel.module.load(device, block_dim)
    if executable is None:
        raise RuntimeError("an earlier compilation failed; the log above says why")
    hooks = executable.get_kernel_hooks(kernel)
    if not hooks.forward:
        raise RuntimeError("the compiled file does not hold the kernel")
    return hooks


def _cannot_write(error: OSError) -> str:
    return (
        f"Warp's kernel cache cannot be used: {error}. Set the environment variable "
        "WARP_CACHE_PATH to a folder that can be written"
    )


def init() -> None:
    """Initialise Warp.

    Raises:
        ValueError: if its cache folder cannot be made.
    """
    try:
        wp.init()
    except OSError as error:
        raise ValueError(_cannot_write(error)) from error


def launch_on_cuda(
    kernel: Any, device: Any, hooks: Any, threads: int, block_dim: int, parameters: Any, stream: Any
) -> None:
    """Launch a kernel on a CUDA stream that is not Warp's.

    Args:
        kernel: the Warp kernel.
        device: the Warp device.
        hooks: of ``load``.
        threads: how many threads have work.
        block_dim: threads of a block.
        parameters: array of pointers to the launch bounds and to each argument.
        stream: the CUDA stream, as XLA gives it.

    Raises:
        RuntimeError: if CUDA refuses.
    """
    runtime: Any = context.runtime
    failed = runtime.core.wp_cuda_launch_kernel(
        device.context,
        hooks.forward,
        threads,
        0,  # as many blocks as there is work for
        block_dim,
        int(kernel.grid_stride),
        hooks.cluster_dim,
        hooks.forward_smem_bytes,
        parameters,
        stream,
        None,  # nothing is recorded
    )
    if failed:
        context._raise_cuda_launch_error(kernel, device, hooks, False)


# XLA's foreign function interface, as ctypes structures.

CallFrame = xla_ffi.XLA_FFI_CallFrame
_DATA_WORD = xla_ffi.XLA_FFI_Buffer.data.offset // 8


def buffers(pointers: Any, size: int) -> list[int]:
    """Return the data addresses of XLA's buffers, read as words: four times faster than fields."""
    table = (ctypes.c_uint64 * size).from_address(ctypes.cast(pointers, ctypes.c_void_p).value or 0)
    words = ctypes.c_uint64 * (_DATA_WORD + 1)
    return [words.from_address(address)[_DATA_WORD] for address in table]


def answered_metadata(frame: Any, recordable: bool) -> bool:
    """Answer XLA's question for the version of its interface, if the call is one."""
    start = frame.extension_start
    if not start or start.contents.type != xla_ffi.XLA_FFI_Extension_Type.Metadata:
        return False
    extension = ctypes.cast(start, ctypes.POINTER(xla_ffi.XLA_FFI_Metadata_Extension))
    metadata = extension.contents.metadata.contents
    metadata.api_version.major_version, metadata.api_version.minor_version = 0, 1
    if recordable:
        metadata.traits = xla_ffi.XLA_FFI_Handler_TraitsBits.COMMAND_BUFFER_COMPATIBLE
    return True


def error(frame: Any, message: str) -> Any:
    """Return an error for XLA to raise."""
    return xla_ffi.create_ffi_error(frame.api, xla_ffi.XLA_FFI_Error_Code.UNKNOWN, message)


def cuda_stream(frame: Any) -> Any:
    """Return the CUDA stream of a call."""
    return xla_ffi.get_stream_from_callframe(frame)


def device_ordinal(frame: Any) -> int:
    """Return which CUDA device a call is for."""
    return int(xla_ffi.get_device_ordinal_from_callframe(frame))
