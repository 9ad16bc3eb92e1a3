import json
from dataclasses import replace
from pathlib import Path

import pytest

from envlift.bench.bars import compare
from envlift.bench.benchmark import Bars, Benchmark, Case, Loop, ReferenceLoop
from envlift.bench.result import Measurement, Result, check_agreement


def play(child: object, form: object, steps: int, seed: int) -> Loop:
    raise NotImplementedError


BENCH = Benchmark(references=(ReferenceLoop("", play),), cases=(Case("plain"),))


def measurement(kind: str, backend: str, threads: int, seconds: list[float]) -> Measurement:
    side = "reference" if kind == "loop" else "candidate"
    name = f"{kind}/{backend}/{threads}"
    return Measurement(
        name, side, kind, "plain", backend, "cpu", threads, 8, 1000, 1, seconds, 1.0, {"sum": 1}
    )


def result(*measurements: Measurement) -> Result:
    return Result(
        environment="pong",
        environment_version=1,
        command="envlift bench pong",
        date="2026-01-02T03:04:05+00:00",
        device="a chip",
        machine={"cpu": "a chip", "cores": 2, "gpu": None, "system": "Linux"},
        versions={"python": "3.11"},
        quick=False,
        reference="toy",
        pins={"toy.c": "abc"},
        measurements=list(measurements),
        bars=compare(list(measurements), BENCH),
    )


MEASURED = (
    measurement("loop", "c", 1, [1.0, 1.0, 1.0]),
    measurement("loop", "c", 2, [0.5, 0.5, 0.5]),
    measurement("environment", "warp", 1, [0.1, 0.1, 0.1]),
    measurement("environment", "warp", 2, [0.25, 0.25, 0.25]),
    measurement("api", "jax", 2, [0.5, 0.5, 0.5]),
)


def test_json_keeps_everything(tmp_path: Path) -> None:
    written = result(*MEASURED)
    written.write(tmp_path / "deep" / "one.json")
    assert Result.read(tmp_path / "deep" / "one.json") == written


def test_json_shows_rates_and_the_schema(tmp_path: Path) -> None:
    data = result(*MEASURED).to_json()
    assert data["schema_version"] == 1
    assert data["measurements"][2]["steps_per_second"]["median"] == 10_000.0
    assert data["measurements"][2]["seconds"] == [0.1, 0.1, 0.1]


@pytest.mark.parametrize("change", [{"schema_version": 99}, {"bars": 3}, {"surprise": 1}])
def test_a_foreign_file_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    path = tmp_path / "one.json"
    path.write_text(json.dumps(result(*MEASURED).to_json() | change))
    with pytest.raises(ValueError, match=r"one\.json is no benchmark result"):
        Result.read(path)


def test_bars_compare_equal_threads() -> None:
    bars = {bar.name.split(",")[-1].split()[0]: bar for bar in result(*MEASURED).bars[:2]}
    assert bars["1"].measured == pytest.approx(10.0)
    assert bars["1"].met is True
    # Two threads beside TWO processes: 4000 steps/s beside 2000, not beside 1000.
    assert bars["2"].measured == pytest.approx(2.0)
    assert bars["2"].met is False


def test_the_api_bar_stands_beside_one_process() -> None:
    bar = result(*MEASURED).bars[2]
    assert (bar.measured, bar.met, bar.reference) == (pytest.approx(2.0), True, "loop/c/1")


def test_calls_count_as_work() -> None:
    twice = replace(MEASURED[2], calls=2)
    assert twice.rate.median == 2 * MEASURED[2].rate.median
    assert twice.rates == [20_000.0] * 3


def test_without_a_reference_nothing_is_claimed() -> None:
    bars = result(*MEASURED[2:]).bars
    assert [bar.met for bar in bars[:3]] == [None, None, None]


def test_slow_compilation_misses_its_bar() -> None:
    slow = replace(MEASURED[4], compile_seconds=5.1)
    bar = next(b for b in result(*MEASURED[:4], slow).bars if b.name.endswith("jax"))
    assert bar.met is False


def test_a_goal_may_be_missing_and_a_bar_too() -> None:
    loop = replace(BENCH.references[0], bars=Bars(environment=(5.0, None)))
    bars = compare(list(MEASURED), replace(BENCH, references=(loop,)))
    assert [bar.goal for bar in bars[:2]] == [None, None]
    assert bars[0].wanted.endswith("reference processes: at least 5 x")
    assert not any("JAX API" in bar.name for bar in bars)


def test_memory_that_grows_faster_than_the_batch_misses_its_bar() -> None:
    for large, met in ((4000, True), (8000, False)):
        measured = [
            replace(MEASURED[2], batch=batch, memory_bytes=memory)
            for batch, memory in ((10, 1000), (40, large))
        ]
        bar = compare(measured, replace(BENCH, linear_memory=True))[-1]
        assert (bar.measured, bar.met) == (large / 4000, met)
        assert "at most 1.05 x" in bar.wanted
    bar = compare(measured[:1], replace(BENCH, linear_memory=True))[-1]
    assert bar.met is None


def test_chaos_may_differ_between_devices_but_not_on_one() -> None:
    one = measurement("api", "warp", 2, [1.0])
    gpu = replace(one, device="gpu", threads=0, checksum={"sum": 2})
    assert len(check_agreement([one, gpu])) == 1
    assert check_agreement([one, gpu], chaotic=True) == []
    other = replace(one, threads=1, checksum={"sum": 3})
    assert len(check_agreement([one, other], chaotic=True)) == 1


def test_unequal_work_is_noticed() -> None:
    jax = measurement("environment", "jax", 1, [1.0])
    jax.checksum = {"sum": 2}
    warp = measurement("environment", "warp", 1, [1.0])
    assert len(check_agreement([warp, jax])) == 1
    assert not warp.consistent
    assert not jax.consistent


def test_work_of_another_size_is_not_compared() -> None:
    jax = measurement("environment", "jax", 1, [1.0])
    jax.checksum, jax.batch = {"sum": 2}, 16
    assert check_agreement([measurement("environment", "warp", 1, [1.0]), jax]) == []
