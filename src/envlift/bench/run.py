"""``envlift bench``: measure, write, print."""

from __future__ import annotations

import dataclasses
import datetime
import platform
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from envlift.bench import compiled, machine, plan
from envlift.bench.bars import compare
from envlift.bench.benchmark import Benchmark, ReferenceLoop, Sizes, benchmark_of
from envlift.bench.plan import Loops, Program
from envlift.bench.references import References
from envlift.bench.result import Measurement, Result, check_agreement
from envlift.bench.show import print_result, short
from envlift.bench.workers import WorkerError, WorkerProcess
from envlift.reference.failure import ReferenceFailure
from envlift.registry import make, vector_registration

SEED = 20_240_501
"""Of the random play. It is the same in every repetition, so that all checksums must agree."""

RESULTS = Path("benchmarks") / "results"


@dataclass(frozen=True)
class Settings:
    """How much is measured.

    Attributes:
        quick: a smoke run.
        repetitions: of every measurement.
        seconds: how long one repetition lasts at least.
        sizes: device -> sizes; missing ones are the built-in ones.
        reference_steps: steps of one repetition of one reference process; None for the declared.
        gpu: also measure on a GPU if JAX finds one.
        interpreter: runs the references that have pinned requirements, instead of those; for a GPU
            machine, where JAX has to be built for CUDA.
    """

    quick: bool = False
    repetitions: int = plan.REPETITIONS
    seconds: float = plan.SECONDS
    sizes: dict[str, Sizes] = field(default_factory=dict)
    reference_steps: int | None = None
    gpu: bool = True
    interpreter: Path | None = None


QUICK = Settings(True, plan.QUICK_REPETITIONS, plan.QUICK_SECONDS)


def command(
    console: Console,
    name: str,
    *,
    quick: bool,
    json_file: Path | None,
    interpreter: Path | None = None,
) -> int:
    """Measure a registered environment and print what was found.

    Without ``json_file`` a full run in a checkout is written to ``benchmarks/results``.

    Returns:
        0, or 1 if a measurement failed, or computed something else than its equals.

    Raises:
        ValueError: for an unknown environment.
    """
    if vector_registration(name) is not None:
        return compiled.command(
            console, name, quick=quick, json_file=json_file, interpreter=interpreter
        )
    settings = dataclasses.replace(QUICK if quick else Settings(), interpreter=interpreter)
    result = measure(console, name, benchmark_of(name), settings)
    path = json_file
    if path is None and not quick and not result.interrupted and RESULTS.parent.is_dir():
        path = RESULTS / f"{result.date[:10]}-{machine.slug(result.device)}-{name}.json"
    print_result(console, result)
    if path is not None:
        result.write(path)
        console.print(f"written to {path}", markup=False)
    wrong = result.failures or not all(m.consistent for m in result.measurements)
    return 1 if wrong else 0


def measure(console: Console, name: str, bench: Benchmark, settings: Settings) -> Result:
    """Measure both sides, their repetitions interleaved.

    Ctrl-C keeps what was measured.
    """
    cpus = machine.cpus()
    result = Result(
        environment=name,
        environment_version=make(name).info.version,
        command=f"envlift bench {name}{' --quick' * settings.quick}",
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        device=machine.cpu_name(),
        machine={
            "cpu": machine.cpu_name(),
            "cores": len(cpus),
            "gpu": None,
            "system": f"{platform.system()} {platform.machine()}",
        },
        versions=machine.versions(),
        quick=settings.quick,
    )
    with ExitStack() as stack:
        run = _Run(console, name, bench, settings, cpus, result, stack)
        try:
            run.prepare()
            run.repeat()
        except KeyboardInterrupt:
            result.interrupted = True
            console.print("[yellow]interrupted: this is what was measured so far[/]")
    result.measurements = [m for m in result.measurements if m.seconds]
    for sentence in check_agreement(result.measurements, bench.chaotic):
        result.failures.setdefault("unequal work", sentence)
    result.bars = compare(result.measurements, bench)
    return result


class _Run:
    """One run: its children, and what was planned."""

    def __init__(
        self,
        console: Console,
        name: str,
        bench: Benchmark,
        settings: Settings,
        cpus: list[int],
        result: Result,
        stack: ExitStack,
    ) -> None:
        self._console = console
        self._name = name
        self._bench = bench
        self._settings = settings
        self._cpus = cpus
        self._result = result
        self._stack = stack
        self._workers: dict[tuple[str, int, str], WorkerProcess] = {}
        self._references: dict[tuple[str, str], References] = {}
        self._planned: list[Program | Loops] = []

    def prepare(self) -> None:
        """Start, compile and warm up everything, on the GPU too if JAX finds one."""
        self._prepare_device("cpu")
        if self._settings.gpu and self._has_gpu():
            self._prepare_device("gpu")

    def _prepare_device(self, device: str) -> None:
        quick, steps = self._settings.quick, self._settings.reference_steps
        planned = plan.loops(self._bench, len(self._cpus), device, quick, steps)
        for reference in self._bench.references:
            if reference.device == device:
                self._prepare_reference(reference, [p for p in planned if p.reference is reference])
        if device == "cpu" and not self._references:
            reasons = (f"{name}: {why}" for name, why in self._result.unavailable.items())
            self._result.reference_missing = (
                "\n".join(reasons) or "the environment declares no reference loop"
            )
            self._console.print("measuring our side only: there will be no ratios")
        programs = self._plan(device)
        self._prepare(programs)
        for backend in self._bench.backends:
            self._compile_again([p for p in programs if p.measurement.backend == backend])

    def _prepare_reference(self, reference: ReferenceLoop, planned: list[Loops]) -> None:
        """Start and warm up one reference, or say why it cannot be had."""
        forms = (
            reference.forms[: reference.quick_forms] if self._settings.quick else reference.forms
        )
        references = References(reference, forms, self._settings.interpreter)
        self._stack.enter_context(closing(references))
        try:
            for loops in planned:
                m = loops.measurement
                self._say(f"starting {m.id}")
                trial = reference.trial_steps or loops.steps // 8
                form = references.choose(loops.case, trial, SEED)
                m.backend, m.batch = form.name, form.batch * loops.processes
                first = references.play(loops, SEED)
                m.checksum, m.compile_seconds = first.checksum, first.compile_seconds
                m.cpus = len(self._cpus)
        except ReferenceFailure as failure:
            references.close()
            where = reference.name + " on the GPU" * (reference.device == "gpu")
            self._result.unavailable[where] = str(failure)
            self._say(f"{where} is not available: {failure}", style="yellow")
            return
        self._references[reference.name, reference.device] = references
        if reference is self._bench.references[0]:
            self._result.reference = references.name
        for name, pin in references.pins.items():
            known = self._result.pins.setdefault(name, pin)
            if known != pin:
                self._result.pins[f"{name} ({reference.name})"] = pin
        self._add(planned)

    def _plan(self, device: str) -> list[Program]:
        settings = self._settings
        sizes = settings.sizes.get(device)
        return plan.programs(self._bench, len(self._cpus), device, settings.quick, sizes)

    def _prepare(self, programs: list[Program]) -> None:
        for program in programs:
            m = program.measurement
            try:
                worker = self._worker(m)
                answer = worker.ask(_request(program))
            except WorkerError as error:
                self._fail(m, str(error))
                continue
            m.compile_seconds = max(0.0, answer["first_seconds"] - answer["warm_seconds"])
            m.calls = plan.calls(answer["warm_seconds"], self._settings.seconds)
            m.checksum = answer["checksum"]
            m.cpus = worker.hello["cpus"]
            m.memory_bytes = answer["memory_bytes"]
            self._say(f"compiled {m.id} in {m.compile_seconds:.2f} s")
            self._add([program])

    def _compile_again(self, programs: list[Program]) -> None:
        """Compile the slowest program of a target in a new process that finds the old kernels."""
        prepared = [p for p in programs if p.measurement.compile_seconds is not None]
        if not prepared:
            return
        slowest = max(prepared, key=lambda p: p.measurement.compile_seconds or 0.0)
        m = slowest.measurement
        try:
            with closing(self._start_worker(m, self._worker(m).kernels)) as worker:
                answer = worker.ask(_request(slowest))
        except WorkerError as error:
            self._fail(m, str(error))
            return
        again = max(0.0, answer["first_seconds"] - answer["warm_seconds"])
        m.cached_compile_seconds = again
        self._say(f"compiled {m.id} in {again:.2f} s with the kernels of an earlier process")

    def _has_gpu(self) -> bool:
        """Ask a child what JAX runs on; it becomes the first backend's worker if it is a GPU."""
        backend = self._bench.backends[0]
        try:
            worker = WorkerProcess(self._name, self._cpus, "gpu")
        except WorkerError as error:
            self._result.failures["gpu"] = str(error)
            return False
        self._stack.callback(worker.close)
        if worker.hello["platform"] != "gpu":
            worker.close()
            return False
        self._workers["gpu", 0, backend] = worker
        self._result.machine["gpu"] = self._result.device = worker.hello["device"]
        return True

    def _worker(self, m: Measurement) -> WorkerProcess:
        key = (m.device, m.threads, m.backend)
        if key not in self._workers:
            self._workers[key] = self._start_worker(m)
            self._stack.callback(self._workers[key].close)
        return self._workers[key]

    def _start_worker(self, m: Measurement, kernels: Path | None = None) -> WorkerProcess:
        # The last CPUs: interrupts mostly go to the first.
        cpus = self._cpus if m.device == "gpu" else self._cpus[-m.threads :]
        return WorkerProcess(self._name, cpus, m.device, kernels)

    def repeat(self) -> None:
        """Time one repetition of everything, then the next: noise of the machine hits all alike."""
        for repetition in range(self._settings.repetitions):
            for planned in list(self._planned):
                try:
                    self._time(planned)
                except (WorkerError, ReferenceFailure) as error:
                    self._fail(planned.measurement, str(error))
                    self._planned.remove(planned)
            rates = [p.measurement for p in self._planned if p.measurement.seconds]
            best = max(rates, key=lambda m: m.rate.median, default=None)
            self._say(
                f"repetition {repetition + 1} of {self._settings.repetitions}"
                + (f"; fastest so far {best.id}: {short(best.rate.median)} steps/s" if best else "")
            )

    def _time(self, planned: Program | Loops) -> None:
        m = planned.measurement
        checksum: dict[str, Any]
        if isinstance(planned, Loops):
            played = self._references[m.reference, m.device].play(planned, SEED)
            seconds, checksum = played.seconds, played.checksum
        else:
            answer = self._worker(m).ask({"run": m.id, "calls": m.calls})
            seconds, checksum = answer["seconds"], answer["checksum"]
        if checksum != m.checksum:
            m.consistent = False
            self._result.failures[m.id] = (
                f"equal seeds gave different work: first {m.checksum}, then {checksum}"
            )
        m.seconds.append(seconds)

    def _add(self, planned: list[Program] | list[Loops]) -> None:
        self._planned += planned
        self._result.measurements += [p.measurement for p in planned]

    def _fail(self, m: Measurement, reason: str) -> None:
        self._result.failures[m.id] = reason
        self._console.print(f"[red]{m.id} could not be measured:[/] {reason}")

    def _say(self, text: str, style: str = "dim") -> None:
        self._console.print(text, style=style, markup=False, soft_wrap=True)


def _request(program: Program) -> dict[str, Any]:
    m = program.measurement
    return {
        "prepare": m.id,
        "kind": m.kind,
        "options": dict(program.options),
        "batch": m.batch,
        "num_steps": program.num_steps,
        "seed": SEED,
    }
