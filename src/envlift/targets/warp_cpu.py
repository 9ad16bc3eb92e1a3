"""Run a Warp kernel from inside an XLA program on the CPU, over several threads.

Warp's own bridge launches on one thread; this one cuts a large batch into slices and launches them
at once: a launch releases Python's lock, so plain threads scale.
"""

# mypy: allow-untyped-calls, allow-untyped-decorators

from __future__ import annotations

import ctypes
import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import warp as wp

from envlift.targets import warp_call, warp_init, warp_private
from envlift.targets.warp_call import Launch

MIN_SLICE = 8192
"""Lane steps of a slice below which a second thread costs more than it saves (about 20 us)."""

ALIGN = 64
"""Slices start at multiples of this, so that two threads never write one cache line."""

ROLLOUT_BLOCK = 256
"""Lanes that one pass of a rollout covers: their state stays in the first-level cache."""


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


class Callback(warp_call.Callback):
    """Launches on the CPU. It holds one argument block per slice as a template."""

    def __init__(self, launch: Launch) -> None:
        super().__init__(launch)
        self._forward = warp_private.load(launch.kernel, wp.get_device("cpu"), 1).forward
        per_thread = ROLLOUT_BLOCK if launch.num_steps > 1 else launch.num_lanes
        self._slices = []
        for first, end in slices(
            launch.num_lanes, warp_init.cpu_threads(), launch.num_steps * launch.cost
        ):
            blocks = max(1, -(-(end - first) // per_thread))
            bounds = warp_private.launch_bounds(launch.kernel, blocks, 1)
            self._slices.append((bounds, bytes(self.template(first, end, per_thread))))

    def copy(self, target: int, origin: int, size: int, frame: Any) -> None:
        """Copy bytes from a buffer to another."""
        ctypes.memmove(target, origin, size)

    def run(self, pointers: list[int], frame: Any) -> None:
        """Launch every slice and wait."""
        waiting = []
        if len(self._slices) > 1:
            pool = _pool(len(self._slices) - 1, os.getpid())
            waiting = [pool.submit(self._run_slice, *item, pointers) for item in self._slices[1:]]
        try:
            self._run_slice(*self._slices[0], pointers)
        finally:
            # Also after Ctrl-C: XLA may free the buffers as soon as this returns.
            for future in waiting:
                future.result()

    def _run_slice(self, bounds: Any, template: bytes, pointers: list[int]) -> None:
        # A fresh block per call: XLA may run two programs at once.
        arguments = self.block.from_buffer_copy(template)
        words = (ctypes.c_uint64 * self.words).from_buffer(arguments)
        for place, pointer in zip(self.places, pointers, strict=True):
            words[place] = pointer
        self._forward(ctypes.byref(bounds), ctypes.byref(arguments))


@warp_private.made_once
def register(launch: Launch) -> str:
    """Compile a launch, make it known to XLA on the CPU, and return its name there."""
    return warp_call.register(Callback(launch), "cpu")
