"""The child that measures: ``python -m envlift.bench.worker``, JSON lines in and out.

The first line says on how many CPUs it may run: it pins itself before JAX is imported, because
threads that exist already keep the CPUs they were given.

    -> {"cpus": [1], "environment": "pong"}
    <- {"cpus": 1, "platform": "cpu", "device": "...", "versions": {...}}
    -> {"prepare": "id", "kind": "api", "options": {...}, "batch": 256, "num_steps": 64, "seed": 1}
    <- {"first_seconds": 1.5, "warm_seconds": 0.1, "memory_bytes": 50000, "checksum": {...}}
    -> {"run": "id", "calls": 3}
    <- {"seconds": 0.1, "checksum": {...}}

What goes wrong is answered as ``{"error": "..."}``. The end of its input ends it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO


def pin(cpus: list[int] | None) -> int | None:
    """Allow only these CPUs and return how many this process then sees; None where unknown."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    if cpus is not None:
        os.sched_setaffinity(0, cpus)
    return len(os.sched_getaffinity(0))


class CompiledWorker:
    """Holds the machines of a compiled environment; it is asked as ``Worker`` is."""

    def __init__(self, environment: str) -> None:
        from envlift.bench.compiled import compiled_benchmark

        self._bench = compiled_benchmark(environment)
        self._loops: dict[str, tuple[Any, int, int]] = {}

    def prepare(self, request: dict[str, Any]) -> dict[str, Any]:
        """Make machines and let them play twice."""
        case = next(case for case in self._bench.cases if case.name == request["case"])
        batch = request["batch"]
        memory = self._bench.memory(batch)
        loop = self._bench.make(num_envs=batch, threads=request["threads"], **case.options)
        self._loops[request["prepare"]] = loop, request["steps"], request["seed"]
        first = self.run({"run": request["prepare"], "calls": 1})
        warm = self.run({"run": request["prepare"], "calls": 1})
        return {
            "warm_seconds": warm["seconds"],
            "memory_bytes": memory,
            "checksum": first["checksum"],
        }

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Time one repetition; going back to the first state is not timed."""
        loop, steps, seed = self._loops[request["run"]]
        seconds, checksum = 0.0, {}
        for _ in range(request["calls"]):
            loop.begin()
            started = time.perf_counter()
            checksum = dict(loop.play(steps, seed))
            seconds += time.perf_counter() - started
        return {"seconds": seconds, "checksum": checksum}


class Worker:
    """Holds the compiled programs of one process."""

    def __init__(self, environment: str) -> None:
        from envlift.bench.benchmark import benchmark_of

        self._name = environment
        self._rollout = benchmark_of(environment).rollout
        self._programs: dict[str, tuple[Any, int]] = {}

    def prepare(self, request: dict[str, Any]) -> dict[str, Any]:
        """Compile a program and run it twice."""
        from envlift.bench.programs import Program, checksum
        from envlift.registry import make

        env = make(self._name, **request["options"])  # imports its target: not compilation
        started = time.perf_counter()
        program = Program(
            env, request["kind"], self._rollout, request["batch"], request["num_steps"]
        )
        outputs = program.run(request["seed"])
        first = time.perf_counter() - started
        found = checksum(outputs)
        started = time.perf_counter()
        program.run(request["seed"])
        warm = time.perf_counter() - started
        self._programs[request["prepare"]] = program, request["seed"]
        return {
            "first_seconds": first,
            "warm_seconds": warm,
            "memory_bytes": program.memory_bytes,
            "checksum": found,
        }

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Time one repetition; the checksum is taken afterwards."""
        from envlift.bench.programs import checksum

        program, seed = self._programs[request["run"]]
        started = time.perf_counter()
        for _ in range(request["calls"]):
            outputs = program.run(seed)
        seconds = time.perf_counter() - started
        return {"seconds": seconds, "checksum": checksum(outputs)}


def introduce(request: dict[str, Any]) -> tuple[Worker | CompiledWorker, dict[str, Any]]:
    """Pin this process, then import what it measures."""
    cpus = pin(request.get("cpus"))
    import jax

    from envlift.bench.machine import versions
    from envlift.registry import vector_registration

    name = request["environment"]
    worker = Worker(name) if vector_registration(name) is None else CompiledWorker(name)
    device = jax.devices()[0]
    return worker, {
        "cpus": cpus,
        "platform": jax.default_backend(),
        "device": device.device_kind,
        "versions": versions(),
    }


def serve(requests: TextIO, answers: TextIO) -> None:
    """Answer until the input ends."""
    worker: Worker | CompiledWorker | None = None
    for line in requests:
        request = json.loads(line)
        try:
            if worker is None:
                worker, answer = introduce(request)
            else:
                operation: Callable[[dict[str, Any]], dict[str, Any]]
                operation = worker.prepare if "prepare" in request else worker.run
                answer = operation(request)
        except Exception as error:  # the parent reports it; the other programs go on
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def main() -> None:
    """Serve over stdio; whatever a library prints goes to stderr instead."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(sys.stdin, answers)


if __name__ == "__main__":
    main()
