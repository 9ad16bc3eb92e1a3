"""A Warp kernel as a function that XLA calls from inside a compiled program.

XLA calls a Python function that it knows by name (its foreign function interface). Everything but
the buffers' addresses is known when the program is compiled, so a call only copies addresses into
an argument block. ``warp_cpu`` and ``warp_cuda`` say how a block is launched.

The state is an input that is also a result. XLA is told that both may share one buffer, and inside
``scan`` they do, so that nothing is copied. It does not promise it: on a GPU a result that is
stacked by ``scan`` may be written straight into the stack. So no kernel may take the input's
buffer for the result's: the results are where the results belong.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import _thread
import ctypes
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass
from types import FrameType
from typing import Any

import jax

from envlift.targets import warp_codegen, warp_private

_callbacks: list[Any] = []  # XLA holds bare addresses: these must live as long as the process.
_names: Counter[str] = Counter()


@dataclass(frozen=True)
class Launch:
    """One kernel over one batch size.

    Attributes:
        kernel: the Warp kernel.
        num_arrays_in: array arguments before the counts.
        num_arrays_out: array arguments after the counts.
        state_bytes: how large each state array is. They come first among the arguments and among
            XLA's results.
        in_place: whether the kernel updates the state where it lies; if not, the state after the
            step comes first among the arrays after the counts.
        num_lanes: the batch.
        num_steps: steps of a rollout; 1 for a step.
        cost: of one application, in steps of a small game; see ``BatchedRule.cost``.
    """

    kernel: Any
    num_arrays_in: int
    num_arrays_out: int
    state_bytes: tuple[int, ...]
    in_place: bool
    num_lanes: int
    num_steps: int
    cost: int = 1


class Callback:
    """What XLA calls; a subclass says how to launch.

    Attributes:
        recordable: whether XLA may record the launch in a CUDA graph and replay it without a call.
    """

    recordable = False

    def __init__(self, launch: Launch) -> None:
        self.launch = launch
        self.block = warp_private.argument_block(
            launch.num_arrays_in, warp_codegen.COUNTS, launch.num_arrays_out
        )
        arrays = [n for n, kind in self.block._fields_ if kind is not ctypes.c_int32]
        data = warp_private.DATA_OFFSET
        self.places = [(getattr(self.block, name).offset + data) // 8 for name in arrays]
        self.words = ctypes.sizeof(self.block) // 8

    def template(self, first: int, end: int, per_thread: int) -> Any:
        """Return an argument block for the lanes ``[first, end)`` without addresses."""
        block = self.block()
        for name, kind in self.block._fields_:
            if kind is not ctypes.c_int32:
                setattr(block, name, warp_private.empty_array())
        block.first_lane, block.end_lane, block.lanes_per_thread = first, end, per_thread
        block.num_lanes, block.num_steps = self.launch.num_lanes, self.launch.num_steps
        return block

    def run(self, pointers: list[int], frame: Any) -> None:
        """Launch.

        Args:
            pointers: addresses of the kernel's arrays, in order.
            frame: of XLA's call.
        """
        raise NotImplementedError

    def copy(self, target: int, origin: int, size: int, frame: Any) -> None:
        """Copy bytes from a buffer to another."""
        raise NotImplementedError

    def pointers(self, arguments: list[int], results: list[int], frame: Any) -> list[int]:
        """Return the addresses of the kernel's arrays.

        A kernel that works in place is given the result's buffer, after the state was copied there
        if it lay elsewhere.
        """
        if not self.launch.in_place:
            return arguments + results
        for number, size in enumerate(self.launch.state_bytes):
            if arguments[number] != results[number]:
                self.copy(results[number], arguments[number], size, frame)
        num_state = len(self.launch.state_bytes)
        return results[:num_state] + arguments[num_state:] + results[num_state:]

    def __call__(self, call_frame: Any) -> Any:
        """Answer XLA's call; return an error for XLA to raise, or None."""
        frame = call_frame.contents
        try:
            if warp_private.answered_metadata(frame, self.recordable):
                return None
            arguments = warp_private.buffers(frame.args.args, frame.args.size)
            results = warp_private.buffers(frame.rets.rets, frame.rets.size)
            self.run(self.pointers(arguments, results, frame), frame)
            if _interrupts.waiting and _interrupts.take():
                raise KeyboardInterrupt
        except BaseException as error:  # XLA is C: nothing may pass through it
            message = f"{self.launch.kernel.key}: {type(error).__name__}: {error}"
            return warp_private.error(frame, message)
        return None


class _Interrupts:
    """Ctrl-C while XLA calls: C code has to be left before Python may raise anything.

    An exception that Python raises as it enters the callback cannot be caught there: XLA would take
    what was never computed for a result, or abort.
    """

    def __init__(self) -> None:
        self.waiting = False

    def install(self) -> None:
        """Take the place of Python's own handler, if it is that; only the main thread may."""
        main = threading.current_thread() is threading.main_thread()
        if main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        inner = frame
        while inner is not None and inner.f_code is not Callback.__call__.__code__:
            inner = inner.f_back
        if inner is None:
            signal.default_int_handler(number, frame)
        self.waiting = True

    def take(self) -> bool:
        """Return whether there was one, which is then raised again once XLA has been left."""
        waiting, self.waiting = self.waiting, False
        if waiting:
            threading.Thread(target=self._raise_again, daemon=True).start()
        return waiting

    def _raise_again(self) -> None:
        time.sleep(0.02)
        main = threading.main_thread().ident
        if main is not None and hasattr(signal, "pthread_kill"):
            signal.pthread_kill(main, signal.SIGINT)
        else:
            _thread.interrupt_main()


_interrupts = _Interrupts()


def register(callback: Callback, platform: str) -> str:
    """Make a callback known to XLA and return its name there.

    The name is the same in every run, so that JAX's cache of compiled programs knows it again.
    """
    _interrupts.install()
    prototype = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.POINTER(warp_private.CallFrame))
    function = prototype(callback)
    _callbacks.append(function)
    launch = callback.launch
    name = f"envlift_{launch.kernel.key}_{launch.num_lanes}_{launch.num_steps}"
    _names[name] += 1
    if _names[name] > 1:
        name = f"{name}_{_names[name]}"
    address = ctypes.cast(function, ctypes.c_void_p).value
    jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(address), platform=platform)
    return name
