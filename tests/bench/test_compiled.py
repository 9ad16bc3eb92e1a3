"""The bars of a compiled environment, and that equal seeds mean equal work."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from envlift.bench.compiled import CompiledBenchmark, CompiledCase, bars, compiled_benchmark
from envlift.bench.result import Measurement
from envlift.envs.gameboy.bench import BENCH, Machines

GAME: dict[str, Any] = {"rom": "bricks", "frame_skip": 24, "render": True}


def measured(
    side: str, threads: int, rate: float, case: str = "main", batch: int = 1
) -> Measurement:
    return Measurement(
        id=f"{side}/{case}/{threads}/{batch}",
        side=side,
        kind="environment" if side == "candidate" else "loop",
        case=case,
        backend="rust",
        device="cpu",
        threads=threads,
        batch=batch,
        steps=1000,
        seconds=[1000 / rate] * 3,
    )


def bench(**changes: Any) -> CompiledBenchmark:
    case = replace(CompiledCase("main", {}, 1, ratio=(5.0, 10.0)), **changes)
    return replace(BENCH, cases=(case,))


def test_each_number_of_threads_stands_beside_as_many_processes() -> None:
    found = bars(
        [
            measured("candidate", 1, 600.0),
            measured("candidate", 1, 400.0, batch=2),
            measured("candidate", 2, 1000.0),
            measured("reference", 1, 100.0),
            measured("reference", 2, 250.0),
        ],
        bench(),
        2,
    )
    assert [(round(bar.measured or 0, 2), bar.bar, bar.met) for bar in found] == [
        (6.0, 5.0, True),
        (4.0, 5.0, False),
        (1.67, 1.8, False),
    ]


def test_without_a_reference_nothing_is_called_met() -> None:
    found = bars([measured("candidate", 1, 600.0)], bench(), 1)
    assert [(bar.measured, bar.met) for bar in found] == [(None, None)]


def test_a_rate_has_a_bar_of_its_own() -> None:
    (found,) = bars(
        [measured("candidate", 1, 99.0)], bench(ratio=None, rate=100.0, threads=False), 2
    )
    assert (found.unit, found.met, round(found.measured or 0)) == ("/s", False, 99)


def test_threads_do_not_change_what_is_played() -> None:
    seen = []
    for threads in (1, 2):
        machines = Machines(3, threads, **GAME)
        machines.begin()
        seen.append(machines.play(3, seed=1))
        machines.begin()
        assert machines.play(3, seed=1) == seen[-1]
        machines.begin()
        assert machines.play(3, seed=2)["pixels"] >= 0
    assert seen[0] == seen[1]
    machines.begin()
    longer = machines.play(6, seed=1)["cycles"] - seen[0]["cycles"]
    # Three steps of 24 frames more, to the instruction, on each of three machines.
    assert abs(longer - 3 * 3 * 24 * 70_224) < 3 * 24


def test_states_that_are_saved_and_loaded_change_nothing() -> None:
    machines = Machines(2, 1, **{**GAME, "render": False, "states": True})
    machines.begin()
    before = machines.play(1, seed=0)
    assert machines.play(5, seed=0) == before


def test_an_environment_without_a_benchmark_is_named() -> None:
    assert compiled_benchmark("gameboy") is BENCH
    with pytest.raises(ValueError, match=r"pong has no bench\.py"):
        compiled_benchmark("pong")
