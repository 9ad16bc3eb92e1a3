"""What an environment declares to be measured: ``BENCH`` in ``envs/<name>/bench.py``."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from envlift.reference.types import Array
from envlift.registry import registration


class ReferenceChild(Protocol):
    """What the bench needs of a reference in its process."""

    def call(self, component: str, arguments: dict[str, Array]) -> dict[str, Array]:
        """Evaluate a component of the reference."""


@dataclass(frozen=True)
class Loop:
    """What the reference's own loop did.

    Attributes:
        seconds: its time by the reference's own clock, without the exchange of messages.
        checksum: numbers that show the steps were played.
    """

    seconds: float
    checksum: dict[str, int]


@dataclass(frozen=True)
class Form:
    """One way to run the reference's loop; a short trial chooses the fastest.

    Attributes:
        name: how it was built, for tables.
        batch: games that one process plays in turn.
        arguments: what ``ReferenceLoop.play`` needs to know.
    """

    name: str = "reference"
    batch: int = 1
    arguments: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ReferenceLoop:
    """The reference in its fastest honest form: a loop inside its own process.

    Attributes:
        launch: launch string, see ``envlift.reference.launch``.
        play: ``play(child, form, steps, seed) -> Loop`` plays random actions, no message per
            step; ``steps`` is over all games of the form.
        steps: steps of one repetition; half a second or so.
        forms: what the trial chooses from.
    """

    launch: str
    play: Callable[[ReferenceChild, Form, int, int], Loop]
    steps: int = 1 << 24
    forms: tuple[Form, ...] = (Form(),)


@dataclass(frozen=True)
class Case:
    """One variant that is measured on both sides.

    Attributes:
        name: for tables.
        reference: configuration of the reference.
        candidate: options of the environment.
        cost: how many times longer a step takes than one of the first case; divides the steps.
        short: measured only in the environment alone, and not in a quick run.
    """

    name: str
    reference: Mapping[str, Any] = field(default_factory=dict)
    candidate: Mapping[str, Any] = field(default_factory=dict)
    cost: int = 1
    short: bool = False


@dataclass(frozen=True)
class Bars:
    """What speed is required, and what is hoped for, as multiples of the reference.

    Attributes:
        environment, environment_goal: environment alone, beside as many reference processes as
            the environment has threads.
        api, api_goal: through the JAX API, beside one reference process.
        compile_seconds: longest time until a program's first result, its run not counted.
    """

    environment: float = 5.0
    environment_goal: float = 10.0
    api: float = 2.0
    api_goal: float = 4.0
    compile_seconds: float = 5.0


@dataclass(frozen=True)
class Training:
    """What ``envlift bench NAME --train`` measures: learning in both, and beside recorded figures.

    Attributes:
        launch: launch string of the reference.
        draw_chance: ``draw_chance(rng, shape)``, the reference's chance; None if it draws its own.
        reference: configuration of the reference.
        candidate: options of the environment.
        settings: fields of ``train.Config`` that hold for every measurement.
        target_score: how far ``envlift train NAME``, with its own settings, is timed; None: not.
        recorded: figures of another trainer, which it is too hard to install to run beside.
    """

    launch: str
    draw_chance: Callable[[Any, tuple[int, ...]], Array] | None = None
    reference: Mapping[str, Any] = field(default_factory=dict)
    candidate: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    target_score: float | None = None
    recorded: tuple[Recorded, ...] = ()


@dataclass(frozen=True)
class Recorded:
    """A speed of another trainer, as measured before.

    Attributes:
        name: of the trainer and its policy.
        sps: environment steps a second, on one core.
        settings: fields of ``train.Config`` that make ours do the same work.
        bar: how many times as fast ours must be on two cores.
        source: where the figure stands.
    """

    name: str
    sps: float
    settings: Mapping[str, Any]
    bar: float
    source: str


@dataclass(frozen=True)
class Benchmark:
    """What ``envlift bench NAME`` measures.

    Attributes:
        rollout: ``rollout(env, key, state, num_steps) -> outputs``, random play of a batch in one
            program which writes every step's observation to memory; None for a ``scan`` that
            carries the last observation. ``outputs`` are the arrays the checksum is taken of.
        reference: None if there is nothing to measure beside.
        backends: targets, the values of the option ``backend``.
        cases: the first one is the default configuration.
        bars: see there.
        training: what of learning is measured; None for nothing.
    """

    rollout: Callable[[Any, Any, Any, int], Any] | None = None
    reference: ReferenceLoop | None = None
    backends: tuple[str, ...] = ("jax",)
    cases: tuple[Case, ...] = (Case("default"),)
    bars: Bars = Bars()
    training: Training | None = None


def benchmark_of(name: str) -> Benchmark:
    """Return what an environment declares, or the default if it declares nothing.

    Raises:
        ValueError: for an unknown environment.
    """
    package = registration(name).factory.__module__
    module = f"{package}.bench"
    if importlib.util.find_spec(package) is None or not _has(package, module):
        return Benchmark()
    found = importlib.import_module(module).BENCH
    if not isinstance(found, Benchmark):
        raise ValueError(f"{module}.BENCH is a {type(found).__name__}, it must be a Benchmark")
    return found


def _has(package: str, module: str) -> bool:
    # Asking for a submodule of a plain module raises instead of answering None.
    parent = importlib.import_module(package)
    return hasattr(parent, "__path__") and importlib.util.find_spec(module) is not None
