"""The child that measures training: ``python -m envlift.bench.training_worker REQUEST``.

It pins itself to CPUs before JAX is imported. All cases live side by side and are run in turn, so
that whatever else the machine does slows them alike. REQUEST is JSON: ``environment``, ``cpus``,
``cases`` (each ``id``, ``collector``, ``config``), ``repetitions``, ``seconds``, ``breakdown``.
The answer is one JSON line.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

TIMEOUT = 600.0
"""Seconds for one message: thousands of slow environments are made in the first one."""


class Direct:
    """A reference that is called in this process: for its speed as a baseline, never for evidence.

    PufferLib's own trainer calls its C like this, without a pipe.
    """

    def __init__(self, launch: str, num_lanes: int, config: dict[str, Any]) -> None:
        import importlib

        module, _, name = launch.removeprefix("python:").rpartition(":")
        self._reference = getattr(importlib.import_module(module), name)(num_lanes, **config)
        self.spec = self._reference.spec()
        self.num_lanes = num_lanes

    def reset(self, seeds: Any, chance: Any = None) -> Any:
        """See ``Side``."""
        from envlift.reference.types import Record

        return Record(state={}, **self._reference.reset(seeds, chance, ()))

    def step(self, actions: Any, chance: Any = None, reset_seeds: Any = None) -> Any:
        """See ``Side``."""
        from envlift.reference.types import Record

        return Record(state={}, **self._reference.step(actions, chance, reset_seeds, ()))

    def close(self) -> None:
        """See ``Side``."""
        self._reference.close()


class Case:
    """One compiled trainer and where its run stands."""

    def __init__(self, environment: str, case: dict[str, Any], host: Any = None) -> None:
        from envlift.bench.benchmark import benchmark_of
        from envlift.registry import make
        from envlift.train.config import Config
        from envlift.train.learning.fused import Fused
        from envlift.train.learning.host import Host

        host = host or Host
        training = benchmark_of(environment).training
        assert training is not None
        self.id = case["id"]
        self.config = Config(**{"total_steps": 10**10, **training.settings, **case["config"]})
        options = {**training.candidate, **case.get("options", {})}
        started = time.perf_counter()
        self.collector: Any
        if case["collector"] == "fused":
            self.collector = Fused(self.config, make(environment, **options))
        else:
            self.config = self.config.replace(collector="host")
            vector = reference_vector(training, self.config.num_envs, case["collector"])
            self.collector = host(self.config, vector)
        self.state = self.collector.start()
        self.step = self.collector.compile(self.state)
        self.run(1)
        self.first_seconds = time.perf_counter() - started

    def run(self, updates: int) -> float:
        """Play updates and return the seconds they took."""
        import jax

        started = time.perf_counter()
        for _ in range(updates):
            self.state, metrics = self.step(self.state)
        jax.block_until_ready((metrics, self.state.learner))
        return time.perf_counter() - started


def reference_vector(training: Any, num_envs: int, collector: str) -> Any:
    """Return the reference as a ``VectorEnv``: ``host-direct``, or ``host-process`` by a pipe."""
    from envlift.adapters.reference import RETURNS, ReferenceVectorEnv
    from envlift.reference.launch import open_reference

    config = dict(training.reference)
    if collector == "host-direct":
        side: Any = Direct(training.launch, num_envs, config)
    else:
        side = open_reference(
            training.launch, num_lanes=num_envs, config=config, timeout=TIMEOUT, returns=RETURNS
        )
    return ReferenceVectorEnv(side, training.draw_chance, seed=0)


def measure(request: dict[str, Any]) -> dict[str, Any]:
    """Measure all cases of a request, interleaved."""
    cases = [Case(request["environment"], case) for case in request["cases"]]
    updates = {}
    for case in cases:
        case.run(1)
        updates[case.id] = max(1, round(request["seconds"] / case.run(1)))
    rates: dict[str, list[float]] = {case.id: [] for case in cases}
    for _ in range(request["repetitions"]):
        for case in cases:
            seconds = case.run(updates[case.id])
            rates[case.id].append(updates[case.id] * case.config.batch / seconds)
    return {
        case.id: {
            "sps": rates[case.id],
            "first_seconds": case.first_seconds,
            "parameters": parameters(case),
            "config": case.config.to_dict(),
        }
        for case in cases
    }


def parameters(case: Case) -> int:
    """Count the numbers a case learns."""
    import jax

    return sum(int(leaf.size) for leaf in jax.tree.leaves(case.state.learner.params))


def breakdown(request: dict[str, Any]) -> dict[str, Any]:
    """Divide the time of every case, one after the other."""
    from envlift.bench import breakdown as parts

    found = {}
    for described in request["cases"]:
        case = Case(request["environment"], described, parts.TimedHost)
        of = parts.of_fused if described["collector"] == "fused" else parts.of_host
        updates = max(1, round(request["seconds"] / case.run(1)))
        case.state, seconds = of(case.collector, case.state, updates)
        found[case.id] = {"seconds": seconds, "updates": updates, "parameters": parameters(case)}
    return found


def main() -> None:
    """Answer one request."""
    request = json.loads(sys.argv[1])
    if request["cpus"] is not None:
        os.sched_setaffinity(0, request["cpus"])
    answer = (breakdown if request.get("breakdown") else measure)(request)
    import jax

    device = jax.devices()[0]
    print(json.dumps({"cases": answer, "device": device.device_kind, "platform": device.platform}))


if __name__ == "__main__":
    main()
