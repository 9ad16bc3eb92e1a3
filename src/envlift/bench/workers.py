"""The parent's end of ``bench.worker``: one child per set of CPUs and target."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import envlift


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

    Attributes:
        hello: what it said of itself: ``cpus``, ``platform``, ``device``, ``versions``.

    Raises:
        WorkerError: if it does not start.
    """

    def __init__(self, environment: str, cpus: list[int], device: str = "cpu") -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="envlift-bench-")
        folder = Path(self._folder.name)
        self._errors = (folder / "stderr").open("w+b")
        self._child = subprocess.Popen(
            [sys.executable, "-m", "envlift.bench.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=child_environment(len(cpus), device, folder / "kernels"),
            text=True,
        )
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
            WorkerError: if the child ended, or answered an error.
        """
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        try:
            self._child.stdin.write(json.dumps(request) + "\n")
            self._child.stdin.flush()
            line = self._child.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self._errors.seek(0)
            tail = self._errors.read().decode(errors="replace").strip().splitlines()[-5:]
            said = "\n".join(tail) or "it printed nothing"
            raise WorkerError(f"the measuring process ended: {said}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer

    def close(self) -> None:
        """End the child; it is gone afterwards. May be called again."""
        if self._child.poll() is None:
            self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None and not pipe.closed:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue
        if not self._errors.closed:
            self._errors.close()
            self._folder.cleanup()

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
