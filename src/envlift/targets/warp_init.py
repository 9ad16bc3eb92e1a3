"""Start Warp once, quietly, and say how many CPU threads its launches may use."""

# mypy: allow-untyped-calls, allow-untyped-decorators

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator

import warp as wp

from envlift.targets import warp_private

THREADS_VARIABLE = "ENVLIFT_NUM_THREADS"

# Adjoints double the code and the compile time and no environment here is differentiated.
# FMA contraction is off because a reference compiled without it rounds twice.
MODULE_OPTIONS = {"enable_backward": False, "fuse_fp": False, "max_unroll": 16}


@contextlib.contextmanager
def _captured_stderr() -> Iterator[None]:
    """Hold back what native code prints to descriptor 2, which no Python setting reaches.

    Whatever is not about a missing CUDA driver is passed on afterwards.
    """
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            held.seek(0)
            kept = [line for line in held if b"Could not find or load the NVIDIA CUDA" not in line]
            if kept:
                os.write(2, b"".join(kept))


@warp_private.made_once
def init() -> None:
    """Initialise Warp without its banner and without a warning that a machine has no CUDA."""
    wp.config.log_level = max(wp.config.log_level, wp.LOG_WARNING)
    with _captured_stderr():
        warp_private.init()


def cpu_threads() -> int:
    """Return how many threads a CPU launch may use: the cores of this process, or the variable's.

    Raises:
        ValueError: if the environment variable ``ENVLIFT_NUM_THREADS`` is not a positive number.
    """
    setting = os.environ.get(THREADS_VARIABLE)
    if setting is None:
        affinity = getattr(os, "sched_getaffinity", None)
        return len(affinity(0)) if affinity else os.cpu_count() or 1
    if not setting.isdecimal() or int(setting) < 1:
        raise ValueError(f"{THREADS_VARIABLE}={setting!r} is not a positive whole number")
    return int(setting)
