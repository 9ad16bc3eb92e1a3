"""``envlift bench`` of a compiled environment, which no JAX program can hold.

What is timed: a pool of threads that steps ``N`` machines, beside as many processes of the
reference as there are threads, all in one run with their repetitions interleaved.
"""

from __future__ import annotations

import datetime
import importlib
import importlib.util
import platform
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console

from envlift.bench import machine, plan
from envlift.bench.benchmark import Case, ReferenceLoop
from envlift.bench.plan import Loops
from envlift.bench.references import References
from envlift.bench.result import Bar, Measurement, Result
from envlift.bench.show import print_result
from envlift.bench.statistics import paired_ratio
from envlift.bench.workers import WorkerError, WorkerProcess
from envlift.reference.failure import ReferenceFailure
from envlift.registry import vector_registration

RESULTS = Path("benchmarks") / "results"
SEED = 20_240_501
BACKEND = "rust"
LINEAR = 0.9
"""Share of as many times the speed of one thread that all threads must reach."""


class Loop(Protocol):
    """Machines that play; made once, timed often."""

    def play(self, steps: int, seed: int) -> Mapping[str, int]:
        """Play steps on each machine from the first state; return a checksum."""

    def begin(self) -> None:
        """Go back to the first state; it is not timed."""


@dataclass(frozen=True)
class CompiledCase:
    """One variant.

    Attributes:
        name: for tables.
        options: of the loop, and of the reference.
        steps: of each machine, in one call.
        batches: numbers of machines.
        quick_batches: of a quick run.
        ratio: what is required of each thread beside one process of the reference, and the goal.
        rate: steps a second that one thread must reach; None for no such bar.
        threads: more than one thread is measured too.
        reference_steps: of one repetition of the reference; None for what ``ReferenceLoop`` says.
    """

    name: str
    options: Mapping[str, Any]
    steps: int
    batches: tuple[int, ...] = (64,)
    quick_batches: tuple[int, ...] = (64,)
    ratio: tuple[float, float | None] | None = None
    rate: float | None = None
    threads: bool = True
    reference_steps: int | None = None


@dataclass(frozen=True)
class CompiledBenchmark:
    """What ``envlift bench NAME`` measures of a compiled environment.

    Attributes:
        make: ``make(num_envs, threads, **options) -> Loop``.
        reference: what is measured beside it; its ``play`` is given ``steps`` of one process.
        cases: the first one is the main one.
        memory: bytes of so many machines, ``memory(num_envs)``; None where unknown.
        backends: what cards call the target.
        version: of the environment's behaviour.
    """

    make: Callable[..., Loop]
    reference: ReferenceLoop
    cases: tuple[CompiledCase, ...]
    memory: Callable[[int], int | None] = field(default=lambda _: None)
    backends: tuple[str, ...] = (BACKEND,)
    version: int = 1


@dataclass
class _Ours:
    measurement: Measurement
    worker: WorkerProcess


def compiled_benchmark(name: str) -> CompiledBenchmark:
    """Return what a compiled environment declares in its ``bench.py``.

    Raises:
        ValueError: if it declares nothing.
    """
    entry = vector_registration(name)
    module = f"{entry.factory.__module__}.bench" if entry is not None else ""
    if not module or importlib.util.find_spec(module) is None:
        raise ValueError(f"{name} has no bench.py: there is nothing to measure")
    found = importlib.import_module(module).BENCH
    if not isinstance(found, CompiledBenchmark):
        raise ValueError(f"{module}.BENCH is a {type(found).__name__}, not a CompiledBenchmark")
    return found


def command(
    console: Console,
    name: str,
    *,
    quick: bool,
    json_file: Path | None,
    interpreter: Path | None = None,
) -> int:
    """Measure a compiled environment; as ``bench.run.command``."""
    bench = compiled_benchmark(name)
    result = measure(console, name, bench, quick=quick, interpreter=interpreter)
    path = json_file
    if path is None and not quick and not result.interrupted and RESULTS.parent.is_dir():
        path = RESULTS / f"{result.date[:10]}-{machine.slug(result.device)}-{name}.json"
    print_result(console, result)
    if path is not None:
        result.write(path)
        console.print(f"written to {path}", markup=False)
    return 1 if result.failures or not all(m.consistent for m in result.measurements) else 0


def measure(
    console: Console,
    name: str,
    bench: CompiledBenchmark,
    *,
    quick: bool,
    interpreter: Path | None = None,
) -> Result:
    """Measure both sides; Ctrl-C keeps what was measured."""
    cpus = machine.cpus()
    result = Result(
        environment=name,
        environment_version=bench.version,
        command=f"envlift bench {name}{' --quick' * quick}",
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        device=machine.cpu_name(),
        machine={
            "cpu": machine.cpu_name(),
            "cores": len(cpus),
            "gpu": None,
            "system": f"{platform.system()} {platform.machine()}",
        },
        versions=machine.versions(),
        quick=quick,
    )
    repetitions = plan.QUICK_REPETITIONS if quick else plan.REPETITIONS
    with ExitStack() as stack:
        references = References(bench.reference, interpreter=interpreter)
        stack.enter_context(closing(references))
        try:
            ours = _ours(name, bench, cpus, quick, result, stack)
            theirs = _theirs(bench, references, len(cpus), quick, result, console)
            for number in range(repetitions):
                for one in ours:
                    _time(one, result)
                for loops in theirs:
                    played = references.play(loops, SEED)
                    _note(loops.measurement, played.seconds, played.checksum, result)
                console.print(f"repetition {number + 1} of {repetitions}", style="dim")
        except KeyboardInterrupt:
            result.interrupted = True
            console.print("[yellow]interrupted: this is what was measured so far[/]")
    result.measurements = [m for m in result.measurements if m.seconds]
    result.bars = bars(result.measurements, bench, len(cpus))
    return result


def _ours(
    name: str,
    bench: CompiledBenchmark,
    cpus: list[int],
    quick: bool,
    result: Result,
    stack: ExitStack,
) -> list[_Ours]:
    """Make all machines, in a process for each number of threads: as the reference's are apart."""
    workers: dict[int, WorkerProcess] = {}
    found = []
    for case in bench.cases:
        for threads in sorted({1, len(cpus)}) if case.threads else [1]:
            if threads not in workers:
                workers[threads] = WorkerProcess(name, cpus[-threads:])
                stack.callback(workers[threads].close)
            for batch in case.quick_batches if quick else case.batches:
                steps = max(1, case.steps // 4 if quick else case.steps)
                m = Measurement(
                    id=f"environment/{case.name}/{BACKEND}/{threads}t/{batch}",
                    side="candidate",
                    kind="environment",
                    case=case.name,
                    backend=BACKEND,
                    device="cpu",
                    threads=threads,
                    batch=batch,
                    steps=steps * batch,
                    cpus=workers[threads].hello["cpus"],
                )
                try:
                    answer = workers[threads].ask(
                        {
                            "prepare": m.id,
                            "case": case.name,
                            "batch": batch,
                            "threads": threads,
                            "steps": steps,
                            "seed": SEED,
                        }
                    )
                except WorkerError as error:
                    result.failures[m.id] = str(error)
                    continue
                target = plan.QUICK_SECONDS if quick else plan.SECONDS
                m.calls = plan.calls(answer["warm_seconds"], target)
                m.memory_bytes, m.checksum = answer["memory_bytes"], answer["checksum"]
                found.append(_Ours(m, workers[threads]))
    result.measurements += [one.measurement for one in found]
    return found


def _theirs(
    bench: CompiledBenchmark,
    references: References,
    cores: int,
    quick: bool,
    result: Result,
    console: Console,
) -> list[Loops]:
    found = []
    try:
        for case in bench.cases:
            variant = Case(case.name, reference=case.options)
            for processes in sorted({1, cores}) if case.threads else [1]:
                each = case.reference_steps or bench.reference.steps
                each = max(1, each // 4 if quick else each)
                m = Measurement(
                    id=f"loop/{case.name}/{bench.reference.name}/{processes}p",
                    side="reference",
                    kind="loop",
                    case=case.name,
                    backend="reference",
                    device="cpu",
                    threads=processes,
                    batch=processes,
                    steps=each * processes,
                    reference=bench.reference.name,
                    cpus=cores,
                )
                loops = Loops(m, bench.reference, variant, processes, each)
                console.print(f"starting {m.id}", style="dim", markup=False)
                references.choose(variant, each, SEED)
                references.play(loops, SEED)
                found.append(loops)
    except ReferenceFailure as failure:
        result.reference_missing = str(failure)
        result.unavailable[bench.reference.name] = str(failure)
        return []
    result.reference, result.pins = references.name, dict(references.pins)
    result.measurements += [loops.measurement for loops in found]
    return found


def _time(one: _Ours, result: Result) -> None:
    m = one.measurement
    answer = one.worker.ask({"run": m.id, "calls": m.calls})
    _note(m, answer["seconds"], answer["checksum"], result)


def _note(m: Measurement, seconds: float, checksum: Mapping[str, int], result: Result) -> None:
    m.seconds.append(seconds)
    if m.checksum is None:
        m.checksum = dict(checksum)
    elif m.checksum != dict(checksum):
        m.consistent = False
        result.failures[m.id] = (
            f"equal seeds gave different work: first {m.checksum}, then {dict(checksum)}"
        )


def bars(measurements: list[Measurement], bench: CompiledBenchmark, cores: int) -> list[Bar]:
    """Return what is required and what was measured: beside the reference, over cores, a second."""
    found = []
    for case in bench.cases:
        mine = [m for m in measurements if m.case == case.name and m.side == "candidate"]
        theirs = {
            m.threads: m
            for m in measurements
            if m.case == case.name and m.side == "reference" and m.seconds
        }
        best = {
            threads: max(
                (m for m in mine if m.threads == threads), key=lambda m: m.rate.median, default=None
            )
            for threads in (sorted({1, cores}) if case.threads else [1])
        }
        if case.ratio is not None:
            for threads, ours in best.items():
                unit = "thread" if threads == 1 else "threads"
                found.append(
                    _ratio(
                        f"{case.name}, {threads} {unit} beside as many {bench.reference.name} "
                        f"process{'es' * (threads > 1)}",
                        case.ratio,
                        ours,
                        theirs.get(threads),
                    )
                )
            if cores > 1:
                name = f"{case.name}, {cores} threads beside one"
                found.append(_ratio(name, (LINEAR * cores, None), best[cores], best[1]))
        if case.rate is not None:
            one = best[1]
            rate = None if one is None else one.rate
            found.append(
                Bar(
                    f"{case.name}, one thread",
                    case.rate,
                    None,
                    rate.median if rate else None,
                    rate.low if rate else None,
                    rate.high if rate else None,
                    rate.median >= case.rate if rate else None,
                    "/s",
                    one.id if one else None,
                )
            )
    return found


def _ratio(
    name: str,
    required: tuple[float, float | None],
    ours: Measurement | None,
    theirs: Measurement | None,
) -> Bar:
    bar, goal = required
    if ours is None or theirs is None:
        return Bar(name, bar, goal, None, None, None, None, "x")
    ratio = ours.rate.median / theirs.rate.median
    pairs = paired_ratio(ours.rates, theirs.rates)
    return Bar(name, bar, goal, ratio, pairs.low, pairs.high, ratio >= bar, "x", ours.id, theirs.id)
