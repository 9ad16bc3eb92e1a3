"""The parent's end of ``bench.worker``: one child per set of CPUs and target."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import envlift
from envlift.reference import wire
from envlift.reference.processes.child import ChildProcess, ChildTrouble

TIMEOUT = 3600.0
"""Seconds for one answer. Programs that took minutes to compile are known, none that took longer
than this."""


class WorkerError(RuntimeError):
    """A measuring child ended or answered an error."""


def child_environment(threads: int, device: str, kernels: Path) -> dict[str, str]:
    """Return the environment variables of a child.

    Args:
        threads: CPU threads it may use.
        device: ``cpu`` or ``gpu``.
        kernels: an empty folder for Warp's kernels, so that compilation is measured and not
            found in a cache.
    """
    variables = dict(os.environ)
    root = str(Path(envlift.__file__).parent.parent)
    variables["PYTHONPATH"] = os.pathsep.join(
        part for part in (root, variables.get("PYTHONPATH")) if part
    )
    variables["WARP_CACHE_PATH"] = str(kernels)
    variables["ENVLIFT_NUM_THREADS"] = str(threads)
    variables["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
    variables.pop("JAX_COMPILATION_CACHE_DIR", None)
    if device == "cpu":
        variables["JAX_PLATFORMS"] = "cpu"
    if threads == 1:
        flags = "--xla_cpu_multi_thread_eigen=false"
        variables["XLA_FLAGS"] = f"{variables.get('XLA_FLAGS', '')} {flags}".strip()
        variables |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return variables


class WorkerProcess:
    """A measuring child.

    Args:
        environment: registered name.
        cpus: numbers of the CPUs it may run on.
        device: ``cpu`` or ``gpu``.
        kernels: where another worker left compiled kernels; None for an empty folder of its own.

    Attributes:
        hello: what it said of itself: ``cpus``, ``platform``, ``device``, ``versions``.
        kernels: where its compiled kernels lie.

    Raises:
        WorkerError: if it does not start.
    """

    def __init__(
        self, environment: str, cpus: list[int], device: str = "cpu", kernels: Path | None = None
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="envlift-bench-")
        self.kernels = kernels or Path(self._folder.name)
        variables = child_environment(len(cpus), device, self.kernels)
        command = [sys.executable, "-m", "envlift.bench.worker"]
        try:
            self._child = ChildProcess(command, env=variables)
        except ChildTrouble as trouble:
            raise WorkerError(f"the measuring process failed: {trouble}") from None
        try:
            self.hello = self.ask({"cpus": cpus, "environment": environment})
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """The process id of the child."""
        return self._child.pid

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Send one request and wait for its answer.

        Raises:
            WorkerError: if the child ended, wrote something else than an answer, or answered an
                error.
        """
        if not self._child.alive:
            raise WorkerError("the measuring process was closed, or ended by an earlier failure")
        frames = wire.Frames()
        try:
            self._child.exchange(wire.pack(request, binary=False), frames, TIMEOUT)
        except (ChildTrouble, wire.WireError) as trouble:
            self._child.kill()
            said = self._child.stderr_tail() or "nothing"
            raise WorkerError(
                f"the measuring process failed: {trouble}\nlast lines of its stderr:\n{said}"
            ) from None
        if "error" in frames.header:
            raise WorkerError(frames.header["error"])
        return frames.header

    def close(self) -> None:
        """End the child; it is gone afterwards. May be called again."""
        self._child.kill()
        self._folder.cleanup()
