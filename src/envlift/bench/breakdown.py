"""Where the time of training goes: environment, transfer, forward, backward.

Every share is measured inside the program it belongs to. Of the fused program, JAX's profiler times
each operation, and the scope that the operation was traced in says which part it belongs to. The
host collector is timed by the clock around each of its parts; only its learning step, one program,
is divided by the profiler as well. To be timed apart, its parts wait for one another, which costs a
little: speed is measured without that (``bench --train``).

An operation that XLA fused out of several belongs to the scope of the last of them.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from envlift.train.learning.fused import ENVIRONMENT, POLICY
from envlift.train.learning.host import Host

PARTS = ("environment", "transfer", "forward", "backward", "other")
"""``forward``: the policy while it plays and the losses. ``backward``: gradients. ``other``: Adam,
advantages, shuffles, and copies between the parts."""

CONTAINERS = ("while", "call", "conditional", "async")
"""Operations that only hold others, whose time would be counted twice."""

INSTRUCTION = re.compile(r"^\s*(?:ROOT )?%?([\w.\-]+) = .*?metadata=\{[^}]*op_name=\"([^\"]*)\"")


def part_of(scope: str) -> str:
    """Return the part an operation belongs to, by the path of scopes it was traced in."""
    if f"/{ENVIRONMENT}/" in scope:
        return "environment"
    if "transpose(" in scope:
        return "backward"
    if f"/{POLICY}/" in scope or "jvp(" in scope:
        return "forward"
    return "other"


def scopes_of(program: str) -> dict[str, str]:
    """Read from a compiled program's text the scope of every instruction that has one."""
    found = (INSTRUCTION.match(line) for line in program.splitlines())
    return {match.group(1): match.group(2) for match in found if match}


def profiled(run: Callable[[], Any], program: str) -> dict[str, float]:
    """Run something under the profiler; return the seconds of a program's operations by part.

    Args:
        run: calls the program and returns arrays to wait for.
        program: the compiled program's text.

    Raises:
        RuntimeError: if the profiler saw no operation of it.
    """
    scopes, module = scopes_of(program), program.split(None, 2)[1].rstrip(",")
    seconds: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="envlift-profile-") as folder:
        with jax.profiler.trace(folder):
            jax.block_until_ready(run())
        files = sorted(Path(folder).rglob("*.xplane.pb"))
        for file in files:
            _add(jax.profiler.ProfileData.from_file(str(file)), module, scopes, seconds)
    if not seconds:
        raise RuntimeError("the profiler recorded no operation of the program")
    return {part: seconds.get(part, 0.0) for part in PARTS}


def _add(profile: Any, module: str, scopes: dict[str, str], seconds: Counter[str]) -> None:
    for plane in profile.planes:
        for line in plane.lines:
            for event in line.events:
                name = event.name
                # Only executed operations carry this; "end:" marks and Python calls do not.
                stats = dict(event.stats)
                if name.startswith(CONTAINERS) or "hlo_op" not in stats:
                    continue
                if stats.get("hlo_module") != module:
                    continue
                seconds[part_of(scopes.get(name, ""))] += event.duration_ns * 1e-9


def of_fused(collector: Any, state: Any, updates: int) -> tuple[Any, dict[str, float]]:
    """Return the state one update more than ``updates`` later, and the seconds by part."""
    step = collector.compile(state)
    state, _ = step(state)

    def run() -> Any:
        nonlocal state
        for _ in range(updates):
            state, metrics = step(state)
        return metrics

    seconds = profiled(run, step.as_text())
    return state, seconds


class TimedHost(Host):
    """A host collector that keeps the time of its parts and of the copies between them.

    Attributes:
        seconds: wall-clock time since the start, by part; the first of each includes compiling.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.seconds = {"act": 0.0, "transfer": 0.0, "environment": 0.0, "learn": 0.0}

    def ask(self, *arguments: Any) -> tuple[Any, Any, Any, Any, Any]:
        """Copy to the device, ask, copy back."""
        given = self._timed("transfer", jax.device_put, arguments)
        memory, action, played, log_prob, value = self._timed("act", self._act, *given)
        return memory, action, self._timed("transfer", np.asarray, played), log_prob, value

    def step(self, played: Any) -> tuple[Any, ...]:
        """Play one step in all environments."""
        stepped: tuple[Any, ...] = self._timed("environment", super().step, played)
        return stepped

    def learn(self, learn: Any, learner: Any, rollout: Any, key: jax.Array) -> Any:
        """Copy the rollout to the device, then learn."""
        given = self._timed("transfer", jax.device_put, rollout)
        return self._timed("learn", super().learn, learn, learner, given, key)

    def _timed(self, part: str, run: Callable[..., Any], *arguments: Any) -> Any:
        begun = time.perf_counter()
        done = jax.block_until_ready(run(*arguments))
        self.seconds[part] += time.perf_counter() - begun
        return done


def of_host(collector: TimedHost, state: Any, updates: int) -> tuple[Any, dict[str, float]]:
    """Return the state after ``updates`` updates and two more, and the seconds by part."""
    step = collector.compile(state)
    state, _ = step(state)
    before = dict(collector.seconds)
    for _ in range(updates):
        state, _ = step(state)
    spent = {part: collector.seconds[part] - before[part] for part in before}

    def run() -> Any:
        nonlocal state
        state, metrics = step(state)
        return metrics

    learning = profiled(run, collector.program.as_text())
    whole = sum(learning.values())
    seconds = {part: spent["learn"] * share / whole for part, share in learning.items()}
    seconds["environment"] += spent["environment"]
    seconds["transfer"] += spent["transfer"]
    seconds["forward"] += spent["act"]
    return state, seconds
