"""Run a Warp kernel from inside an XLA program on the CPU, over several threads.

XLA calls a Python function that it knows by name (its foreign function interface). Warp's own
bridge launches on one thread; this one cuts a large batch into slices and launches them at once:
a launch releases Python's lock, so plain threads scale. Everything but the buffers' addresses is
known when the program is compiled, so a call only copies addresses into an argument block.
"""

# mypy: allow-untyped-calls, allow-untyped-decorators

from __future__ import annotations

import ctypes
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any

import jax
import warp as wp
from warp._src.context import _build_kernel_launch_bounds
from warp._src.jax import xla_ffi
from warp._src.types import array_t

from envlift.targets import warp_codegen, warp_init

MIN_SLICE = 8192
"""Lane steps of a slice below which a second thread costs more than it saves (about 20 us)."""

ALIGN = 64
"""Slices start at multiples of this, so that two threads never write one cache line."""

ROLLOUT_BLOCK = 256
"""Lanes that one pass of a rollout covers: their state stays in the first-level cache."""

_names = count()
_callbacks: list[Any] = []  # XLA holds bare addresses: these must live as long as the process.


@dataclass(frozen=True)
class Launch:
    """One kernel over one batch size.

    Attributes:
        kernel: the Warp kernel.
        num_arrays_in: array arguments before the counts.
        num_arrays_out: array arguments after the counts.
        num_state: how many of the first are in place: XLA also lists them first in its results.
        num_lanes: the batch.
        num_steps: steps of a rollout; 1 for a step.
        cost: of one application, in steps of a small game; see ``BatchedRule.cost``.
    """

    kernel: Any
    num_arrays_in: int
    num_arrays_out: int
    num_state: int
    num_lanes: int
    num_steps: int
    cost: int = 1


def slices(num_lanes: int, threads: int, num_steps: int = 1) -> list[tuple[int, int]]:
    """Cut a batch into ``[first, end)`` slices, at most one per thread.

    Unless it is the only one, a slice has at least ``MIN_SLICE`` lanes times steps, and its
    lanes fill cache lines.
    """
    pieces = max(1, min(threads, num_lanes * num_steps // MIN_SLICE, num_lanes // ALIGN))
    size = -(-num_lanes // pieces // ALIGN) * ALIGN
    size = max(size, ALIGN)
    return [(first, min(first + size, num_lanes)) for first in range(0, num_lanes, size)]


@cache
def _pool(threads: int, process: int) -> ThreadPoolExecutor:
    # ``process`` makes a forked child build its own: threads do not survive a fork.
    return ThreadPoolExecutor(threads, thread_name_prefix="envlift-warp")


def _argument_block(launch: Launch) -> Any:
    fields: list[tuple[str, Any]] = []
    fields += [(f"in_{i}", array_t) for i in range(launch.num_arrays_in)]
    fields += [(name, ctypes.c_int32) for name in warp_codegen.COUNTS]
    fields += [(f"out_{i}", array_t) for i in range(launch.num_arrays_out)]
    return type("Arguments", (ctypes.Structure,), {"_fields_": fields})


class Callback:
    """What XLA calls. It holds one argument block per slice as a template."""

    def __init__(self, launch: Launch) -> None:
        self._launch = launch
        executable = launch.kernel.module.load(wp.get_device("cpu"), 1)
        if executable is None:
            raise RuntimeError(f"Warp could not compile {launch.kernel.key}; see the log above")
        self._forward = executable.get_kernel_hooks(launch.kernel).forward
        block = _argument_block(launch)
        self._block = block
        names_in = [f"in_{i}" for i in range(launch.num_arrays_in)]
        names_out = [f"out_{i}" for i in range(launch.num_arrays_out)]
        data = array_t.data.offset  # type: ignore[misc]
        self._places = [(getattr(block, n).offset + data) // 8 for n in names_in + names_out]
        self._words = ctypes.sizeof(block) // 8
        per_thread = ROLLOUT_BLOCK if launch.num_steps > 1 else launch.num_lanes
        self._slices = []
        for first, end in slices(
            launch.num_lanes, warp_init.cpu_threads(), launch.num_steps * launch.cost
        ):
            template = block()
            for name in names_in + names_out:
                setattr(template, name, array_t(0, 0, 1, (0,), (0,)))
            template.first_lane, template.end_lane = first, end
            template.lanes_per_thread = per_thread
            template.num_lanes, template.num_steps = launch.num_lanes, launch.num_steps
            blocks = max(1, -(-(end - first) // per_thread))
            bounds = _build_kernel_launch_bounds(blocks, launch.kernel, 1)
            self._slices.append((bounds, bytes(template)))

    def run(self, pointers: list[int]) -> None:
        """Launch every slice and wait.

        Args:
            pointers: addresses of the arrays, inputs first (state in place), then outputs.
        """
        waiting = []
        if len(self._slices) > 1:
            pool = _pool(len(self._slices) - 1, os.getpid())
            waiting = [pool.submit(self._run_slice, *item, pointers) for item in self._slices[1:]]
        self._run_slice(*self._slices[0], pointers)
        for future in waiting:
            future.result()

    def _run_slice(self, bounds: Any, template: bytes, pointers: list[int]) -> None:
        # A fresh block per call: XLA may run two programs at once.
        arguments = self._block.from_buffer_copy(template)
        words = (ctypes.c_uint64 * self._words).from_buffer(arguments)
        for place, pointer in zip(self._places, pointers, strict=True):
            words[place] = pointer
        self._forward(ctypes.byref(bounds), ctypes.byref(arguments))

    def __call__(self, call_frame: Any) -> Any:
        """Answer XLA's call; return an error for XLA to raise, or None."""
        frame = call_frame.contents
        try:
            if frame.extension_start:
                kind = frame.extension_start.contents.type
                if kind == xla_ffi.XLA_FFI_Extension_Type.Metadata:
                    _answer_metadata(frame)
                    return None
            arguments = _buffers(frame.args.args, frame.args.size)
            results = _buffers(frame.rets.rets, frame.rets.size)
            self.run(arguments + results[self._launch.num_state :])
        except Exception as error:  # XLA is C: nothing may pass through it
            message = f"{self._launch.kernel.key}: {type(error).__name__}: {error}"
            return xla_ffi.create_ffi_error(frame.api, xla_ffi.XLA_FFI_Error_Code.UNKNOWN, message)
        return None


_DATA_WORD = xla_ffi.XLA_FFI_Buffer.data.offset // 8


def _buffers(pointers: Any, size: int) -> list[int]:
    """Return the data addresses of XLA's buffers, read as words: four times faster than fields."""
    table = (ctypes.c_uint64 * size).from_address(ctypes.cast(pointers, ctypes.c_void_p).value or 0)
    words = ctypes.c_uint64 * (_DATA_WORD + 1)
    return [words.from_address(address)[_DATA_WORD] for address in table]


def _answer_metadata(frame: Any) -> None:
    extension = ctypes.cast(
        frame.extension_start, ctypes.POINTER(xla_ffi.XLA_FFI_Metadata_Extension)
    )
    version = extension.contents.metadata.contents.api_version
    version.major_version, version.minor_version = 0, 1


@cache
def register(launch: Launch) -> str:
    """Compile a launch, make it known to XLA on the CPU, and return its name there."""
    callback = Callback(launch)
    prototype = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.POINTER(xla_ffi.XLA_FFI_CallFrame))
    function = prototype(callback)
    _callbacks.append(function)
    name = f"envlift_{launch.kernel.key}_{launch.num_lanes}_{next(_names)}"
    address = ctypes.cast(function, ctypes.c_void_p).value
    jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(address), platform="cpu")
    return name
