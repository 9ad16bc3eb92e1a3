"""Learning beside learning: what is compared, and that the reference without a pipe is the same."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from envlift.bench import training
from envlift.bench.benchmark import benchmark_of
from envlift.bench.training_worker import measure, reference_vector

PONG = benchmark_of("pong").training


def cases(**sps):
    return {name: {"sps": [value]} for name, value in sps.items()}


def measured(fused, direct, process, mlp=512e3, lstm=84e3):
    found = {}
    for lanes in training.LANES:
        found |= cases(
            **{
                f"fused, {lanes} envs": fused,
                f"host-direct, {lanes} envs": direct,
                f"host-process, {lanes} envs": process,
            }
        )
    names = [training.equal_work(recorded) for recorded in PONG.recorded]
    return found | cases(**dict(zip(names, (mlp, lstm), strict=True)))


def won(seconds=50.0, score=20.5):
    return {"seconds": seconds, "score": score, "target": 20.0}


def test_bars_are_met_beside_the_faster_reference():
    bars = training.bars_of(measured(300.0, 100.0, 10.0), PONG, won())
    assert [bar["met"] for bar in bars] == [True] * 5
    assert [round(bar["value"], 2) for bar in bars] == [3.0, 3.0, 2.0, 2.0, 50.0]
    # Whichever way of driving the reference is faster counts.
    slower = training.bars_of(measured(150.0, 10.0, 100.0), PONG, won())
    assert [bar["met"] for bar in slower] == [False, True, True, True, True]


def test_a_reference_that_cannot_be_imported_here_is_driven_through_the_pipe():
    piped = replace(PONG, direct=False, win_seconds=(40.0, None))
    found = measured(300.0, 1e9, 100.0)
    for lanes in training.LANES:
        del found[f"host-direct, {lanes} envs"]
    assert training.collectors(piped) == ("fused", "host-process")
    bars = training.bars_of(found, piped, won(seconds=50.0))
    assert [bar["met"] for bar in bars] == [True, True, True, True, False]


@pytest.mark.parametrize(
    ("changes", "missed"),
    [
        ({"won": won(seconds=101.0)}, "won, from process start"),
        ({"won": won(score=19.9)}, "won, from process start"),
        ({"mlp": 511e3}, "beside PufferLib 3.0, MLP"),
        ({"lstm": 83e3}, "beside PufferLib 3.0, LSTM"),
    ],
)
def test_a_bar_is_missed(changes, missed):
    victory = changes.pop("won", won())
    bars = training.bars_of(measured(300.0, 100.0, 10.0, **changes), PONG, victory)
    assert [bar["name"] for bar in bars if not bar["met"]] == [missed]


def test_the_reference_without_a_pipe_plays_the_same():
    rng = np.random.default_rng(0)
    actions = rng.integers(0, 3, size=(200, 4))
    seen = []
    for collector in ("host-direct", "host-process"):
        with closing(reference_vector(PONG, 4, collector)) as vector:
            first, _ = vector.reset(seed=5)
            steps = [vector.step(row)[:4] for row in actions]
        seen.append([np.array(first), *(np.stack(part) for part in zip(*steps, strict=True))])
    for one, other in zip(*seen, strict=True):
        np.testing.assert_array_equal(one, other)
    assert np.abs(seen[0][2]).sum() > 0


def test_both_trainers_are_measured_on_equal_work():
    config = {"num_envs": 8, "horizon": 4, "minibatches": 2, "hidden": 8}
    request = {
        "environment": "pong",
        "cases": [{"id": c, "collector": c, "config": config} for c in ("fused", "host-direct")],
        "repetitions": 2,
        "seconds": 0.01,
    }
    found = measure(request)
    assert all(len(case["sps"]) == 2 and min(case["sps"]) > 0 for case in found.values())
    one, other = (found[name]["config"] for name in ("fused", "host-direct"))
    assert one | {"collector": "host"} == other
    assert found["fused"]["parameters"] == found["host-direct"]["parameters"]
    json.dumps(found)


def test_an_environment_without_training_is_refused(monkeypatch):
    monkeypatch.setattr(training, "benchmark_of", lambda name: type("None", (), {"training": None}))
    with pytest.raises(ValueError, match="declares no training"):
        training.command(Console(), "pong", parts=False, quick=True, gpu=False, json_file=None)
