"""``envlift bench NAME --train`` and ``--breakdown``: how fast one learns, and what takes the time.

The fused trainer and the host trainer over the reference do the same work: equal networks, equal
hyperparameters, in turn in one process. The reference is driven in its faster form, called in the
trainer's own process where that can import it; through the pipe it is shown beside it.
"""

from __future__ import annotations

import datetime
import json
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from envlift.bench import machine
from envlift.bench.benchmark import Recorded, Training, benchmark_of
from envlift.bench.breakdown import PARTS
from envlift.bench.run import RESULTS
from envlift.bench.show import print_table, short
from envlift.bench.workers import child_environment

LANES = (64, 4096)
BARS = {64: 2.0, 4096: 1.2}
"""How many times as fast the fused trainer must be as the host trainer over the reference."""
GOAL = 5.0
SIZES = (134_000, 2_000_000)
GPU_SIZES = (20_000_000, 200_000_000)
GPU_LANES = (4_096, 16_384, 65_536)
TIMEOUT = 3600.0


def command(
    console: Console,
    name: str,
    *,
    parts: bool,
    quick: bool,
    gpu: bool,
    json_file: Path | None,
) -> int:
    """Measure training and print what was found; ``parts`` divides the time instead.

    Without ``json_file`` a full run in a checkout is written to ``benchmarks/results``.

    Returns:
        0, or 1 if a bar was missed.

    Raises:
        ValueError: for an environment that declares no training.
    """
    training = benchmark_of(name).training
    if training is None:
        raise ValueError(f"{name} declares no training to measure: see Benchmark.training")
    what = "breakdown" if parts else "training"
    measure = measure_parts if parts else measure_speed
    result = measure(console, name, training, quick, gpu)
    result |= {
        "schema_version": 1,
        "environment": name,
        "what": what,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "cpu": machine.cpu_name(),
        "cpus": len(machine.cpus()),
        "versions": machine.versions(),
    }
    path = json_file
    if path is None and not quick and RESULTS.parent.is_dir():
        device = machine.slug(result["device"] if gpu else result["cpu"])
        path = RESULTS / f"{result['date'][:10]}-{device}-{name}-{what}.json"
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(result, indent=1) + "\n")
        console.print(f"written to {path}", markup=False)
        if parts:
            from envlift.bench.breakdown_plot import draw

            draw(result, path.with_suffix(".png"))
            console.print(f"drawn in {path.with_suffix('.png')}", markup=False)
    return 0 if all(bar["met"] for bar in result.get("bars", [])) else 1


def ask(request: dict[str, Any], threads: int, device: str) -> dict[str, Any]:
    """Run one request in a measuring child.

    Raises:
        RuntimeError: with the end of what the child said, if it failed.
    """
    with tempfile.TemporaryDirectory(prefix="envlift-bench-") as kernels:
        answer = subprocess.run(
            [sys.executable, "-m", "envlift.bench.training_worker", json.dumps(request)],
            env=child_environment(threads, device, Path(kernels)),
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    if answer.returncode != 0:
        raise RuntimeError(f"the measuring process failed: {answer.stderr.strip()[-2000:]}")
    found: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return found


def measure_speed(
    console: Console, name: str, training: Training, quick: bool, gpu: bool
) -> dict[str, Any]:
    """Measure steps per second of both trainers, and the time until a game is won."""
    cpus = machine.cpus()[:2]
    base = {
        "environment": name,
        "repetitions": 3 if quick else 7,
        "seconds": 0.3 if quick else 1.5,
    }
    if gpu:
        cases = [
            {
                "id": f"fused {backend} gru 2M, {lanes} envs",
                "collector": "fused",
                "config": {"num_envs": lanes, "network": "gru", "parameters": 2_000_000},
                "options": {"backend": backend, **training.gpu},
            }
            for backend in benchmark_of(name).backends
            for lanes in GPU_LANES
        ]
        found = ask({**base, "cpus": None, "cases": cases}, len(machine.cpus()), "gpu")
        show(console, name, found["cases"], {})
        return {"device": found["device"], "measurements": found["cases"], "bars": []}
    cases = []
    for lanes in LANES:
        config = {"num_envs": lanes, "minibatches": max(1, lanes * 64 // 8192)}
        for collector in collectors(training):
            label = f"{collector}, {lanes} envs"
            cases.append({"id": label, "collector": collector, "config": config})
    equal = [
        {"id": equal_work(recorded), "collector": "fused", "config": dict(recorded.settings)}
        for recorded in training.recorded
    ]
    two = ask({**base, "cpus": cpus, "cases": cases + equal}, len(cpus), "cpu")
    if equal:
        one = ask({**base, "cpus": cpus[:1], "cases": equal}, 1, "cpu")
        for label, case in one["cases"].items():
            two["cases"][f"{label}, one core"] = case
    won = {} if training.target_score is None else win(name, training)
    bars = bars_of(two["cases"], training, won)
    show(console, name, two["cases"], won)
    for bar in bars:
        mark = "[green]met[/]" if bar["met"] else "[red]missed[/]"
        console.print(f"  {bar['name']}: {bar['value']:.2f} {bar['unit']}, bar {bar['bar']} {mark}")
    return {
        "device": two["device"],
        "measurements": two["cases"],
        "won": won,
        "bars": bars,
        "recorded": [{"name": r.name, "sps": r.sps, "source": r.source} for r in training.recorded],
    }


def collectors(training: Training) -> tuple[str, ...]:
    """Return what is trained with: fused, and the host over the reference in one or two ways."""
    return ("fused", *(("host-direct",) if training.direct else ()), "host-process")


def equal_work(recorded: Recorded) -> str:
    """Name our own trainer at the work of a recorded one."""
    return f"fused, the work of {recorded.name}"


def win(name: str, training: Training) -> dict[str, Any]:
    """Run ``envlift train`` until the target score; return the wall clock from process start."""
    with tempfile.TemporaryDirectory(prefix="envlift-bench-") as folder:
        out = Path(folder) / "run"
        variables = child_environment(len(machine.cpus()), "cpu", Path(folder) / "kernels")
        started = time.perf_counter()
        answer = subprocess.run(
            [
                sys.executable,
                "-m",
                "envlift.cli",
                "train",
                name,
                "--quiet",
                "--out",
                str(out),
                f"--target-score={training.target_score}",
            ],
            env=variables,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        seconds = time.perf_counter() - started
        if answer.returncode != 0:
            raise RuntimeError(f"training failed: {answer.stderr.strip()[-2000:]}")
        rows = (out / "metrics.jsonl").read_text().splitlines()
        last, config = json.loads(rows[-1]), (out / "config.toml").read_text()
    return {
        "seconds": seconds,
        "steps": last["steps"],
        "score": last["score"],
        "target": training.target_score,
        "config": tomllib.loads(config),
    }


def bars_of(cases: dict[str, Any], training: Training, won: dict[str, Any]) -> list[dict[str, Any]]:
    """Compare what was measured with what is required."""

    def median(label: str) -> float:
        return statistics.median(cases[label]["sps"])

    bars = []
    for lanes, bar in BARS.items():
        host = max(median(f"{form}, {lanes} envs") for form in collectors(training)[1:])
        ratio = median(f"fused, {lanes} envs") / host
        bars.append(_bar(f"fused beside host, {lanes} envs", ratio, bar, "x", GOAL))
    for recorded in training.recorded:
        ratio = median(equal_work(recorded)) / recorded.sps
        bars.append(_bar(f"beside {recorded.name}", ratio, recorded.bar, "x", None))
    if won:
        reached = won["score"] is not None and won["score"] >= won["target"]
        most, goal = training.win_seconds
        found = _bar("won, from process start", won["seconds"], most, "s", goal)
        found["met"] = reached and won["seconds"] <= most
        bars.append(found)
    return bars


def _bar(name: str, value: float, bar: float, unit: str, goal: float | None) -> dict[str, Any]:
    return {
        "name": name,
        "value": value,
        "bar": bar,
        "goal": goal,
        "unit": unit,
        "met": value >= bar,
    }


def measure_parts(
    console: Console, name: str, training: Training, quick: bool, gpu: bool
) -> dict[str, Any]:
    """Divide the time of both collectors at several sizes of the network."""
    sizes = SIZES[:1] if quick else SIZES + (GPU_SIZES if gpu else ())
    lanes = GPU_LANES[0] if gpu else 1024
    cases = [
        {
            "id": f"{collector} {network} {short(size)}",
            "collector": collector,
            "config": {
                "num_envs": lanes,
                # Short stretches: a large network on a CPU takes long, and shares stay as they are.
                "horizon": 16,
                "network": network,
                "parameters": size,
                "layers": 1 if network == "gru" else 2,
            },
        }
        for size in sizes
        for network in ("mlp", "gru")
        for collector in ("host-direct" if training.direct else "host-process", "fused")
    ]
    request = {
        "environment": name,
        "cpus": None if gpu else machine.cpus()[:2],
        "cases": cases,
        "seconds": 0.5 if quick else 3.0,
        "breakdown": True,
    }
    found = ask(request, len(machine.cpus()), "gpu" if gpu else "cpu")
    table = Table(box=None, title=f"{name}: share of training time on {found['device']}")
    table.add_column("trainer", no_wrap=True)
    for part in PARTS:
        table.add_column(part, justify="right")
    for label, case in found["cases"].items():
        whole = sum(case["seconds"].values())
        case["shares"] = {part: seconds / whole for part, seconds in case["seconds"].items()}
        table.add_row(label, *(f"{case['shares'][part]:.1%}" for part in PARTS))
    print_table(console, table)
    return {"device": found["device"], "measurements": found["cases"]}


def show(console: Console, name: str, cases: dict[str, Any], won: dict[str, Any]) -> None:
    """Print what was measured."""
    table = Table(box=None, title=f"training {name}")
    table.add_column("trainer", no_wrap=True)
    for heading in ("parameters", "steps/s", "min..max", "until first update"):
        table.add_column(heading, justify="right", no_wrap=True)
    for label, case in cases.items():
        low, high = short(min(case["sps"])), short(max(case["sps"]))
        table.add_row(
            label,
            f"{case['parameters']:,}",
            short(statistics.median(case["sps"])),
            f"{low}..{high}",
            f"{case['first_seconds']:.1f} s",
        )
    print_table(console, table)
    if won:
        console.print(
            f"score {won['score']:.2f} after {won['steps']:,} steps, "
            f"{won['seconds']:.1f} s from the start of the process",
            markup=False,
        )
