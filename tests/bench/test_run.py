import dataclasses
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from envlift.bench import machine, references, run
from envlift.bench.benchmark import Bars, Benchmark, Case, Sizes, benchmark_of
from envlift.bench.plan import QUICK_REPETITIONS, REPETITIONS, loops, programs
from envlift.bench.references import References
from envlift.bench.result import Result
from envlift.bench.run import Settings, _Run, measure
from envlift.bench.show import print_result
from envlift.bench.workers import WorkerProcess
from envlift.reference.failure import ReferenceFailure

Toy = Callable[..., Benchmark]


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=200)


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_both_sides_are_measured_in_one_run(
    console: Console, toy: Toy, small: Settings, tmp_path: Path
) -> None:
    settings = dataclasses.replace(small, sizes={"cpu": Sizes((64,), 1 << 10, (64,), 1 << 10)})
    result = measure(console, "pong", toy(), settings)
    assert result.failures == {}
    assert {m.kind for m in result.measurements} == {"loop", "environment", "api"}
    assert all(len(m.seconds) == 5 for m in result.measurements)
    assert all(m.consistent and m.checksum for m in result.measurements)
    assert (result.reference, result.pins) == ("toy", {"toy.c": "abc"})
    single = [m for m in result.measurements if m.kind == "environment" and m.threads == 1]
    assert [m.cpus for m in single] == [1]
    result.write(tmp_path / "result.json")
    assert Result.read(tmp_path / "result.json") == result
    print_result(console, result)
    assert "x ref" in printed(console)
    assert json.loads((tmp_path / "result.json").read_text())["bars"]


def test_the_fastest_form_of_the_reference_counts(
    console: Console, toy: Toy, tiny: Settings
) -> None:
    result = measure(console, "pong", toy(), tiny)
    found = [m for m in result.measurements if m.side == "reference"]
    assert {m.backend for m in found} == {"fast"}
    # The toy's clock: 1e-8 seconds per step, in every process at once.
    assert [m.rate.median for m in found[:2]] == pytest.approx([1e8, 2e8])
    assert [m.batch for m in found[:2]] == [8, 16]


def test_without_a_reference_ours_is_measured(console: Console, toy: Toy, small: Settings) -> None:
    result = measure(console, "pong", toy("python:no.such.module:Toy"), small)
    assert {m.side for m in result.measurements} == {"candidate"}
    assert "no module 'no" in (result.reference_missing or "")
    assert "reference is not available" in printed(console)
    assert result.unavailable.keys() == {"reference"}
    assert [bar.met for bar in result.bars[:2]] == [None] * 2


def several(toy: Toy) -> Benchmark:
    """Return three references: a toy, one that uses all cores by itself, one that is not there."""
    (first,) = toy().references
    second = dataclasses.replace(first, name="second", threaded=True, bars=Bars(api=(3.0, None)))
    third = dataclasses.replace(second, name="third", launch="python:no.such.module:Toy")
    return dataclasses.replace(toy(), references=(first, second, third))


def test_several_references_are_measured_in_one_run(
    console: Console, toy: Toy, small: Settings
) -> None:
    result = measure(console, "pong", several(toy), small)
    cores = len(machine.cpus())
    found = [(m.reference, m.kind, m.threads) for m in result.measurements if m.side == "reference"]
    loops = [("reference", "loop", n) for n in sorted({1, 2, cores})]
    assert found == [*loops, ("second", "threads", cores)]
    (api,) = [m for m in result.measurements if m.kind == "api"]
    threaded = next(m for m in result.measurements if m.reference == "second")
    assert (threaded.batch, threaded.steps, threaded.compile_seconds) == (8, 1 << 20, 1.5)
    bar = next(bar for bar in result.bars if "second" in bar.name)
    assert bar.measured == pytest.approx(api.rate.median / 1e8)
    assert (bar.bar, bar.reference) == (3.0, threaded.id)
    # What is not there is said, with its bar, and fails nothing.
    assert list(result.unavailable) == ["third"]
    assert "no module 'no" in result.unavailable["third"]
    assert [bar.met for bar in result.bars if "third" in bar.name] == [None]
    assert result.reference_missing is None
    assert result.failures == {}
    print_result(console, result)
    assert "third is not available: the reference failed" in printed(console)


def test_a_quick_run_tries_the_first_forms_only(console: Console, toy: Toy, tiny: Settings) -> None:
    (first,) = toy().references
    bench = dataclasses.replace(toy(), references=(dataclasses.replace(first, quick_forms=1),))
    for quick, form in ((True, "slow"), (False, "fast")):
        result = measure(console, "pong", bench, dataclasses.replace(tiny, quick=quick))
        assert {m.backend for m in result.measurements} == {form}


def test_a_named_python_runs_what_has_pinned_packages(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def refuse(launch: str, **options: Any) -> None:
        asked.append(options["config"])
        raise ReferenceFailure("seen enough")

    monkeypatch.setattr(references, "open_reference", refuse)
    (first,) = toy().references
    pinned = dataclasses.replace(first, config={"requirements": "a:b.txt", "x": 1})
    for reference in (pinned, first):
        for interpreter in (None, Path("venv")):
            with pytest.raises(ReferenceFailure):
                References(reference, interpreter=interpreter).open(Case("plain", {"y": 2}), 1)
    assert asked == [
        {"requirements": "a:b.txt", "x": 1, "y": 2},
        {"interpreter": "venv", "x": 1, "y": 2},
        {"y": 2},
        {"y": 2},
    ]


def test_a_reference_of_the_gpu_is_planned_there_only(toy: Toy) -> None:
    (first,) = toy().references
    bench = dataclasses.replace(
        toy(), references=(first, dataclasses.replace(first, device="gpu", threaded=True))
    )
    on_cpu, on_gpu = (
        [(one.measurement.id, one.measurement.threads) for one in loops(bench, 2, device, False)]
        for device in ("cpu", "gpu")
    )
    assert on_cpu == [("loop/plain/reference/1p", 1), ("loop/plain/reference/2p", 2)]
    assert on_gpu == [("threads/plain/reference/gpu", 0)]


def test_declared_sizes_are_taken_and_cut_for_a_quick_run() -> None:
    bench = Benchmark(sizes={"cpu": Sizes((4, 8), 800, (16, 32, 64), 6400)})
    for quick, expected in (
        (False, {("environment", 4, 800), ("environment", 8, 800), *_api(16, 32, 64)}),
        (True, {("environment", 8, 200), ("api", 32, 1600), ("api", 64, 1600)}),
    ):
        found = [p.measurement for p in programs(bench, 1, "cpu", quick)]
        assert {(m.kind, m.batch, m.steps) for m in found} == expected
    assert max(p.measurement.batch for p in programs(bench, 1, "gpu", quick=False)) == 1 << 20


def _api(*batches: int) -> set[tuple[str, int, int]]:
    return {("api", batch, 6400) for batch in batches}


def test_the_slowest_program_is_compiled_again_with_its_kernels(
    console: Console, toy: Toy, small: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[int | None] = []

    class Noted(WorkerProcess):
        def __init__(
            self, name: str, cpus: list[int], device: str = "cpu", kernels: Path | None = None
        ) -> None:
            found.append(None if kernels is None else len(list(kernels.rglob("*.o"))))
            super().__init__(name, cpus, device, kernels)

    monkeypatch.setattr(run, "WorkerProcess", Noted)
    bench = dataclasses.replace(toy(), references=(), backends=("warp",))
    (m,) = measure(console, "pong", bench, small).measurements
    assert m.compile_seconds is not None
    assert m.cached_compile_seconds is not None
    first, second = found
    assert first is None
    assert second, "no kernel lay there"
    assert m.memory_bytes is not None
    assert m.memory_bytes > m.steps * 8 * 4  # every observation is eight float32


def test_a_reference_that_does_other_work_is_noticed(
    console: Console, toy: Toy, tiny: Settings
) -> None:
    result = measure(console, "pong", toy(drifts=True), tiny)
    assert any("different work" in reason for reason in result.failures.values())
    assert not all(m.consistent for m in result.measurements)


def test_ctrl_c_keeps_what_was_measured(
    console: Console, toy: Toy, tiny: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed = []
    original = _Run._time

    def interrupted(self: _Run, planned: object) -> None:
        timed.append(planned)
        if len(timed) == 3:
            raise KeyboardInterrupt
        original(self, planned)  # type: ignore[arg-type]

    monkeypatch.setattr(_Run, "_time", interrupted)
    result = measure(console, "pong", toy(), tiny)
    assert result.interrupted
    assert len(result.measurements) == 2


def test_repetitions_are_interleaved(
    console: Console, toy: Toy, small: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    original = _Run._time

    def noted(self: _Run, planned: object) -> None:
        order.append(planned.measurement.id)  # type: ignore[attr-defined]
        original(self, planned)  # type: ignore[arg-type]

    monkeypatch.setattr(_Run, "_time", noted)
    measure(console, "pong", toy(), small)
    rounds = len(order) // 5
    assert len(set(order[:rounds])) == rounds >= 3
    assert order == order[:rounds] * 5


def test_what_pong_measures() -> None:
    bench = benchmark_of("pong")
    full = [p.measurement for p in programs(bench, 2, "cpu", quick=False)]
    assert len({m.id for m in full}) == len(full)
    assert {m.batch for m in full if m.kind == "api"} == {256, 1024, 4096, 16384, 65536}
    assert {m.threads for m in full if m.kind == "environment"} == {1, 2}
    assert {m.case for m in full} == {"frameskip 1", "frameskip 8"}
    assert {m.backend for m in full} == {"jax", "warp"}
    assert max(p.measurement.batch for p in programs(bench, 2, "gpu", quick=False)) == 1 << 20
    assert [one.measurement.threads for one in loops(bench, 2, "cpu", quick=False)] == [1, 2, 1, 2]
    assert min(REPETITIONS, QUICK_REPETITIONS) >= 5


def test_an_environment_without_a_declaration_is_measured_through_the_api() -> None:
    assert Benchmark().references == ()
    found = programs(Benchmark(), 2, "cpu", quick=True)
    assert {p.measurement.kind for p in found} == {"environment", "api"}
