"""The process in which PyBoy's pure-Python form runs beside the compiled one.

It is forked: a new one would import all of envlift, which the reference's interpreter has not.
"""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor

from envlift.envs.gameboy.reference import pure
from envlift.reference.types import Array


class Traced:
    """A process with a copy of PyBoy without compiled modules."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="envlift-pyboy-")
        self._pool = ProcessPoolExecutor(
            1,
            multiprocessing.get_context("fork"),
            initializer=pure.prepare,
            initargs=(self._folder.name,),
        )

    def call(self, component: str, arguments: Mapping[str, Array]) -> dict[str, Array]:
        """Run ``pure.instructions`` or ``pure.programs``."""
        return self._pool.submit(pure.call, component, dict(arguments)).result()

    def close(self) -> None:
        """End the process."""
        self._pool.shutdown(cancel_futures=True)
        self._folder.cleanup()
