"""``envlift bench``: measure, write, print."""

from __future__ import annotations

import datetime
import platform
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from envlift.bench import machine, plan
from envlift.bench.bars import compare
from envlift.bench.benchmark import Benchmark, benchmark_of
from envlift.bench.plan import Loops, Program, Sizes
from envlift.bench.references import References
from envlift.bench.result import Measurement, Result, check_agreement
from envlift.bench.show import print_result, short
from envlift.bench.workers import WorkerError, WorkerProcess
from envlift.reference.failure import ReferenceFailure
from envlift.registry import make

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
    """

    quick: bool = False
    repetitions: int = plan.REPETITIONS
    seconds: float = plan.SECONDS
    sizes: dict[str, Sizes] = field(default_factory=dict)
    reference_steps: int | None = None
    gpu: bool = True


QUICK = Settings(True, plan.QUICK_REPETITIONS, plan.QUICK_SECONDS)


def command(console: Console, name: str, *, quick: bool, json_file: Path | None) -> int:
    """Measure a registered environment and print what was found.

    Without ``json_file`` a full run in a checkout is written to ``benchmarks/results``.

    Returns:
        0, or 1 if a measurement failed, or computed something else than its equals.

    Raises:
        ValueError: for an unknown environment.
    """
    settings = QUICK if quick else Settings()
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
            run.prepare_reference()
            run.prepare_candidate()
            run.repeat()
        except KeyboardInterrupt:
            result.interrupted = True
            console.print("[yellow]interrupted: this is what was measured so far[/]")
    result.measurements = [m for m in result.measurements if m.seconds]
    for sentence in check_agreement(result.measurements):
        result.failures.setdefault("unequal work", sentence)
    result.bars = compare(result.measurements, bench.bars, bench.cases[0].name)
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
        self._references: References | None = None
        self._planned: list[Program | Loops] = []

    def prepare_reference(self) -> None:
        """Start and warm up the reference, or say why there is none."""
        if self._bench.reference is None:
            self._result.reference_missing = "the environment declares no reference loop"
            return
        references = self._stack.enter_context(closing(References(self._bench.reference)))
        planned = plan.loops(
            self._bench, len(self._cpus), self._settings.quick, self._settings.reference_steps
        )
        try:
            for loops in planned:
                m = loops.measurement
                self._say(f"starting {m.id}")
                form = references.choose(loops.case, loops.steps // 8, SEED)
                m.backend, m.batch = form.name, form.batch * m.threads
                m.checksum = references.play(loops, SEED)[1]
                m.cpus = len(self._cpus)
        except ReferenceFailure as failure:
            self._result.reference_missing = str(failure)
            self._console.print(f"[yellow]no reference:[/] {failure}")
            self._console.print("measuring our side only: there will be no ratios")
            return
        self._references = references
        self._result.reference, self._result.pins = references.name, references.pins
        self._add(planned)

    def prepare_candidate(self) -> None:
        """Compile every program, on the GPU too if JAX finds one."""
        self._prepare(self._plan("cpu"))
        if self._settings.gpu and self._has_gpu():
            self._prepare(self._plan("gpu"))

    def _plan(self, device: str) -> list[Program]:
        settings = self._settings
        sizes = settings.sizes.get(device)
        return plan.programs(self._bench, len(self._cpus), device, settings.quick, sizes)

    def _prepare(self, programs: list[Program]) -> None:
        for program in programs:
            m = program.measurement
            request = {
                "prepare": m.id,
                "kind": m.kind,
                "options": dict(program.options),
                "batch": m.batch,
                "num_steps": program.num_steps,
                "seed": SEED,
            }
            try:
                worker = self._worker(m)
                answer = worker.ask(request)
            except WorkerError as error:
                self._fail(m, str(error))
                continue
            m.compile_seconds = max(0.0, answer["first_seconds"] - answer["warm_seconds"])
            m.calls = plan.calls(answer["warm_seconds"], self._settings.seconds)
            m.checksum = answer["checksum"]
            m.cpus = worker.hello["cpus"]
            self._say(f"compiled {m.id} in {m.compile_seconds:.2f} s")
            self._add([program])

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
            # The last CPUs: interrupts mostly go to the first.
            cpus = self._cpus if m.device == "gpu" else self._cpus[-m.threads :]
            self._workers[key] = WorkerProcess(self._name, cpus, m.device)
            self._stack.callback(self._workers[key].close)
        return self._workers[key]

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
            assert self._references is not None
            seconds, checksum = self._references.play(planned, SEED)
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

    def _say(self, text: str) -> None:
        self._console.print(text, style="dim", markup=False, soft_wrap=True)
