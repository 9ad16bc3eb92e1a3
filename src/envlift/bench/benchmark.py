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
        compile_seconds: how long its program was compiled, before the clock; None if it was not.
    """

    seconds: float
    checksum: dict[str, int]
    compile_seconds: float | None = None


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
class Bars:
    """What speed is required, and what is hoped for, as multiples of one reference.

    A pair is what is required and the goal, which may be None. A missing pair is no bar.

    Attributes:
        environment: environment alone, beside as many reference processes (or threads, where it
            is ``threaded``) as the environment has threads.
        api: through the JAX API on the reference's kind of device, beside one reference process.
    """

    environment: tuple[float, float | None] | None = None
    api: tuple[float, float | None] | None = None


@dataclass(frozen=True)
class ReferenceLoop:
    """A reference in its fastest honest form: a loop inside its own process.

    Attributes:
        launch: launch string, see ``envlift.reference.launch``.
        play: ``play(child, form, steps, seed) -> Loop`` plays random actions, no message per
            step; ``steps`` is over all games of the form.
        steps: steps of one repetition; half a second or so.
        forms: what the trial chooses from.
        trial_steps: steps of one trial; None for an eighth of a repetition.
        quick_forms: how many of ``forms``, the first ones, a quick run tries; None for all.
        name: for tables and ids; name and device are unique in a ``Benchmark``.
        device: ``cpu``, or ``gpu`` for what is measured only where JAX finds a GPU.
        threaded: one process uses all cores (or the GPU) by itself. Otherwise one uses one core,
            and one process, two, and one per core are measured.
        config: for every case, besides the case's own ``reference``.
        bars: how many times as fast the environment must be.
    """

    launch: str
    play: Callable[[ReferenceChild, Form, int, int], Loop]
    steps: int = 1 << 24
    forms: tuple[Form, ...] = (Form(),)
    trial_steps: int | None = None
    quick_forms: int | None = None
    name: str = "reference"
    device: str = "cpu"
    threaded: bool = False
    config: Mapping[str, Any] = field(default_factory=dict)
    bars: Bars = Bars((5.0, 10.0), (2.0, 4.0))


@dataclass(frozen=True)
class Sizes:
    """How much work of the candidate is timed on one kind of device.

    Attributes:
        environment_batches: lanes, environment alone.
        environment_steps: steps over all lanes of one call of it.
        api_batches: lanes, through the API.
        api_steps: steps over all lanes of one call of it; all their observations are kept.
    """

    environment_batches: tuple[int, ...]
    environment_steps: int
    api_batches: tuple[int, ...]
    api_steps: int


@dataclass(frozen=True)
class Case:
    """One variant that is measured on both sides.

    Attributes:
        name: for tables.
        reference: configuration of every reference.
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
class Training:
    """What ``envlift bench NAME --train`` measures: learning in both, and beside recorded figures.

    Attributes:
        launch: launch string of the reference.
        draw_chance: ``draw_chance(rng, shape)``, the reference's chance; None if it draws its own.
        reference: configuration of the reference.
        candidate: options of the environment.
        settings: fields of ``train.Config`` that hold for every measurement.
        target_score: how far ``envlift train NAME``, with its own settings, is timed; None: not.
        win_seconds: how long that may take from the start of the process, and the goal.
        gpu: options of the environment on a GPU, besides ``candidate``.
        direct: whether the reference can be called in the trainer's own process, which needs all it
            imports; otherwise it is driven through the pipe only.
        recorded: figures of another trainer, which it is too hard to install to run beside.
    """

    launch: str
    draw_chance: Callable[[Any, tuple[int, ...]], Array] | None = None
    reference: Mapping[str, Any] = field(default_factory=dict)
    candidate: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    target_score: float | None = None
    win_seconds: tuple[float, float | None] = (100.0, 30.0)
    gpu: Mapping[str, Any] = field(default_factory=dict)
    direct: bool = True
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
        references: what is measured beside it; ratios in tables stand beside the first.
        backends: targets, the values of the option ``backend``.
        cases: the first one is the default configuration.
        sizes: device -> sizes, where the built-in ones are too large or too small.
        compile_seconds: longest time until a program's first result, its run not counted.
        linear_memory: whether memory per lane may not grow with the batch.
        chaotic: a last bit grows to another game, so devices do not compute the same.
        training: what of learning is measured; None for nothing.
    """

    rollout: Callable[[Any, Any, Any, int], Any] | None = None
    references: tuple[ReferenceLoop, ...] = ()
    backends: tuple[str, ...] = ("jax",)
    cases: tuple[Case, ...] = (Case("default"),)
    sizes: Mapping[str, Sizes] = field(default_factory=dict)
    compile_seconds: float = 5.0
    linear_memory: bool = False
    chaotic: bool = False
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
