"""Many runs in one compiled program: seeds, and settings that are numbers.

The runs are a batch axis of the fused trainer's program, so that a device that one run does not
fill takes several in about the time of one. Every run is what ``train`` would make of its settings,
up to the order of sums, and is kept like one: it can be resumed, played and exported.

Shape letters: ``M`` runs.
"""

# mypy: allow-untyped-calls

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec

from envlift.registry import AnyEnv
from envlift.train import checkpoint
from envlift.train.config import Config, ConfigError
from envlift.train.fused import Fused, TrainState
from envlift.train.metrics import Recorder
from envlift.train.policy import Policy
from envlift.train.ppo import AXIS
from envlift.train.trainer import Recent, Row, check_finite, compiled_env, row_of

TRACED = (
    *("learning_rate", "gamma", "gae_lambda", "clip", "value_coefficient", "entropy_coefficient"),
    *("max_gradient_norm", "adam_epsilon", "reward_scale"),
)
"""Settings that may differ between the runs of one program, beside ``seed``."""


class _With:
    """A configuration in which some settings are numbers that are not known yet."""

    def __init__(self, config: Config, traced: Mapping[str, jax.Array]) -> None:
        self._config, self._traced = config, traced

    def __getattr__(self, name: str) -> Any:
        return self._traced[name] if name in self._traced else getattr(self._config, name)


@dataclass
class Swept:
    """What came of the runs, each list [M] in the order of ``configs``.

    Attributes:
        configs: of each run.
        policies: the last of each.
        histories: one row of metrics per update of each, as of ``train``; ``sps`` are the steps of
            all runs together.
        compile_seconds: time until the first update could start.
        seconds: time of the updates.
    """

    configs: list[Config]
    policies: list[Policy]
    histories: list[list[Row]] = field(default_factory=list)
    compile_seconds: float = 0.0
    seconds: float = 0.0


def grid(config: Config, values: Mapping[str, Sequence[Any]]) -> list[Config]:
    """Return a configuration for every combination of values.

    Args:
        config: the rest.
        values: of ``seed`` and of ``TRACED`` settings, by name.

    Raises:
        ConfigError: for another setting, an empty list, or a value that is not allowed.
    """
    for name, several in values.items():
        if name not in ("seed", *TRACED):
            raise ConfigError(
                f"{name} cannot differ within a sweep, it changes the program: use one of seed, "
                f"{', '.join(TRACED)}, or several runs"
            )
        if not len(several):
            raise ConfigError(f"a sweep over {name} needs at least one value")
    return [
        config.replace(**dict(zip(values, combination, strict=True)))
        for combination in itertools.product(*values.values())
    ]


def folder_of(config: Config, values: Mapping[str, Sequence[Any]]) -> str:
    """Return the name of one run's folder, from what differs: ``seed=3,learning_rate=0.001``."""
    return ",".join(f"{name}={getattr(config, name)}" for name in values) or "run"


def sweep(
    config: Config,
    values: Mapping[str, Sequence[Any]],
    *,
    env: AnyEnv | None = None,
    out: Path | None = None,
    told: Callable[[int, int, list[Row]], None] | None = None,
) -> Swept:
    """Train a policy for every combination of values, all in one program.

    Args:
        config: the settings that all have; the collector must be ``fused``, ``devices`` 1.
        values: see ``grid``.
        env: made with ``autoreset="same_step"``; by default ``config.env``.
        out: folder in which each run gets one of its own, with settings, metrics and a checkpoint
            at the end. None keeps none.
        told: called after each update with its number, how many there are, and the rows [M].

    Raises:
        ConfigError: for settings that do not fit each other, the environment, or a sweep.
        DivergedError: if a number of any run became NaN or infinite.
        MetricsError: if a folder holds a run already.
    """
    if config.collector != "fused" or config.devices != 1:
        raise ConfigError(
            f"a sweep is one program on one device: collector = {config.collector!r}, devices = "
            f"{config.devices} are not allowed; give fused and 1"
        )
    if config.examined_every or config.self_play:
        raise ConfigError(
            f"evaluate_every = {config.evaluate_every}, self_play = {config.self_play} are not "
            "allowed in a sweep: give 0 and false, and play what came out of it"
        )
    configs = grid(config, values)
    collector = Fused(config, env or compiled_env(config))
    traced = {
        name: jnp.asarray([getattr(one, name) for one in configs], jnp.float32)
        for name in values
        if name != "seed"
    }
    begun = time.perf_counter()
    states = [Fused(one, collector.env).start() for one in configs]
    state: TrainState = jax.tree.map(lambda *leaves: jnp.stack(leaves), *states)
    del states
    step = _compile(collector, state, traced)
    found = Swept(configs, [], [[] for _ in configs], time.perf_counter() - begun)
    recorders = [
        None if out is None else Recorder(out / folder_of(one, values), one) for one in configs
    ]
    recents = [Recent() for _ in configs]
    begun, last = time.perf_counter(), 0.0
    try:
        for update in range(1, config.updates + 1):
            state, metrics = step(state, traced)
            numbers = jax.device_get(metrics)
            seconds = time.perf_counter() - begun
            rows = []
            for number, recent in enumerate(recents):
                own = {name: value[number].item() for name, value in numbers.items()}
                check_finite(own, update, update * config.batch)
                row = row_of(own, recent, update, config.batch, seconds)
                row["sps"] = len(configs) * config.batch / max(seconds - last, 1e-9)
                found.histories[number].append(row)
                recorder = recorders[number]
                if recorder is not None:
                    recorder.record(row)
                rows.append(row)
            last = seconds
            if told is not None:
                told(update, config.updates, rows)
    finally:
        for recorder in recorders:
            if recorder is not None:
                recorder.close()
    found.seconds = time.perf_counter() - begun
    for number, one in enumerate(configs):
        own_state: Any = jax.tree.map(lambda leaf, at=number: leaf[at], state)
        params = jax.tree.map(jax.device_get, own_state.learner.params)
        found.policies.append(Policy(one, collector.head, collector.reading, params))
        if out is not None:
            about = found.policies[-1].about() | {
                "update": config.updates,
                "steps": config.updates * config.batch,
                "recent": recents[number].to_list(),
            }
            checkpoint.save(out / folder_of(one, values), config.updates, own_state, about)
    return found


def _compile(collector: Fused, state: TrainState, traced: Mapping[str, jax.Array]) -> Any:
    """Return one update of all runs: ``state, traced -> state, metrics``, leaves [M, ...]."""
    base = collector.config

    def update(state: TrainState, traced: Mapping[str, jax.Array]) -> Any:
        config: Any = _With(base, traced)
        collector.config = config
        try:
            return collector.update(state)
        finally:
            collector.config = base

    mesh = Mesh(np.array(jax.devices()[:1]), (AXIS,))
    whole = PartitionSpec()
    mapped = jax.shard_map(
        jax.vmap(update), mesh=mesh, in_specs=whole, out_specs=whole, check_vma=False
    )
    return jax.jit(mapped, donate_argnums=0).lower(state, traced).compile()


def best(found: Swept, metric: str = "return") -> list[int]:
    """Return the numbers of the runs, the best last value of a metric first, unknown ones last."""

    def value(number: int) -> float:
        last = found.histories[number][-1][metric]
        return -math.inf if last is None or math.isnan(last) else last

    return sorted(range(len(found.configs)), key=value, reverse=True)
