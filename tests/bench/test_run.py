import dataclasses
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from envlift.bench.benchmark import Benchmark, benchmark_of
from envlift.bench.plan import QUICK_REPETITIONS, REPETITIONS, Sizes, loops, programs
from envlift.bench.result import Result
from envlift.bench.run import Settings, _Run, measure
from envlift.bench.show import print_result

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
    assert "no reference" in printed(console)
    assert [bar.met for bar in result.bars[:2]] == [None] * 2


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
    assert [one.measurement.threads for one in loops(bench, 2, quick=False)] == [1, 2, 1, 2]
    assert min(REPETITIONS, QUICK_REPETITIONS) >= 5


def test_an_environment_without_a_declaration_is_measured_through_the_api() -> None:
    assert Benchmark().reference is None
    found = programs(Benchmark(), 2, "cpu", quick=True)
    assert {p.measurement.kind for p in found} == {"environment", "api"}
