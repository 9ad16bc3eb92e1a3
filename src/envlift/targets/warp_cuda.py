"""Run a Warp kernel from inside an XLA program on CUDA, one lane per thread.

Warp's own bridge hands a kernel the INPUT's buffer where an argument is input and result at once,
and never looks at the result's. XLA may give the result a buffer of its own: then nothing was
written there, and all of Pong's observations were 0. Here a kernel reads the state from the input's
buffers and writes it to the result's, be they one or two.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import ctypes
from typing import Any

import jax
import warp as wp

from envlift.targets import warp_call, warp_private
from envlift.targets.warp_call import Launch

BLOCK_DIM = 256


class _Arguments:
    """One argument block; CUDA reads it during the launch call, not later."""

    def __init__(self, template: bytes, block: Any, words: int, bounds: Any) -> None:
        self.block = block.from_buffer_copy(template)
        self.words = (ctypes.c_uint64 * words).from_buffer(self.block)
        start = ctypes.addressof(self.block)
        places = [start + getattr(block, name).offset for name, _ in block._fields_]
        self.parameters = (ctypes.c_void_p * (1 + len(places)))(ctypes.addressof(bounds), *places)


class Callback(warp_call.Callback):
    """Launches on CUDA."""

    recordable = True

    def __init__(self, launch: Launch) -> None:
        if launch.in_place:
            raise ValueError("a kernel for CUDA takes the state before and after as two arrays")
        super().__init__(launch)
        self._loaded: dict[int, tuple[Any, Any]] = {}
        # Before the first launch: loading a module may not happen inside a graph that is recorded.
        self._load(jax.devices("cuda")[0].local_hardware_id or 0)
        self._bounds = warp_private.launch_bounds(launch.kernel, launch.num_lanes, BLOCK_DIM)
        self._threads = self._bounds.size
        self._template = bytes(self.template(0, launch.num_lanes, 1))
        # Blocks that no call uses: XLA may call from several threads at once.
        self._free: list[_Arguments] = []

    def _load(self, ordinal: int) -> tuple[Any, Any]:
        with warp_private.LOCK:
            device = wp.get_cuda_device(ordinal)
            hooks = warp_private.load(self.launch.kernel, device, BLOCK_DIM)
            self._loaded[ordinal] = device, hooks
            return device, hooks

    def run(self, pointers: list[int], frame: Any) -> None:
        """Launch on XLA's stream; nothing waits."""
        ordinal = warp_private.device_ordinal(frame)
        device, hooks = self._loaded.get(ordinal) or self._load(ordinal)
        try:
            arguments = self._free.pop()
        except IndexError:
            arguments = _Arguments(self._template, self.block, self.words, self._bounds)
        words = arguments.words
        for place, pointer in zip(self.places, pointers, strict=True):
            words[place] = pointer
        warp_private.launch_on_cuda(
            self.launch.kernel,
            device,
            hooks,
            self._threads,
            BLOCK_DIM,
            arguments.parameters,
            warp_private.cuda_stream(frame),
        )
        self._free.append(arguments)


@warp_private.made_once
def register(launch: Launch) -> str:
    """Compile a launch, make it known to XLA on CUDA, and return its name there."""
    return warp_call.register(Callback(launch), "CUDA")
