"""A checkout with made-up evidence, mutants and speeds, and its cards."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from envlift.bench.bars import compare
from envlift.bench.benchmark import Case, benchmark_of
from envlift.bench.result import Measurement, Result
from envlift.report.cards import BEGIN, END, main
from envlift.sources import hashes
from envlift.verify.run.result import Check, Report, Verdict

VERSIONS = {"jax": "1.2", "jaxlib": "1.2", "numpy": "2.1", "scipy": "1.0", "warp-lang": "1.9"}
LOCK = """
jax==1.2 \\
    --hash=sha256:00
jaxlib==1.2
numpy==2.1 ; python_full_version < '3.12'
numpy==2.5 ; python_full_version >= '3.12'
scipy==1.0
warp-lang==1.9
flax==0.1
optax==0.2
"""
README = f"# envlift\n\n{BEGIN}\n{END}\n\nand more\n"


def verification(checkout: Path) -> Path:
    return checkout / "src" / "envlift" / "envs" / "pong" / "verification"


def report(**changes: Any) -> Report:
    return Report(
        suite="pong",
        reference="PufferLib's C",
        candidate="pong [warp]",
        seed=1,
        pins={"pong.h": "sha256 abc"},
        checks=[
            Check("L3", "random", Verdict.PASS, counts={"steps": 700_000, "episodes": 40}),
            Check("L3", "keen", Verdict.PASS, counts={"steps": 534_567, "episodes": 2}),
            Check("L2", "single", Verdict.PASS, counts={"transitions": 99, "steps": 5}),
            Check("L1", "frame", Verdict.PASS, counts={"rows": 1_000}),
            Check("resets", "seeds", Verdict.PASS),
            Check("transforms", "one trace", Verdict.PASS),
            Check("L4", "policy transfer", Verdict.SKIPPED),
        ],
        features={"upper wall": 12, "lower wall": 3, "terminal": 0},
        deviations={"win-after-reset": 77},
        not_verified=["rendering"],
        **({"versions": VERSIONS} | changes),
    )


def write_evidence(checkout: Path, **changes: Any) -> None:
    folder = verification(checkout)
    report(sources=hashes(folder.parent), **changes).write(folder / "evidence-warp.json")


def write_speed(checkout: Path, file: str = "one", **changes: Any) -> None:
    def one(kind: str, backend: str, threads: int, seconds: float) -> Measurement:
        side = "reference" if kind == "loop" else "candidate"
        name = f"{kind}/{backend}/{threads}"
        return Measurement(
            name, side, kind, "plain", backend, "cpu", threads, 64, 10**8, 1, [seconds] * 5
        )

    measured = [one("loop", "c", 1, 2.0), one("environment", "warp", 1, 0.25)]
    measured.append(one("api", "warp", 2, 0.5))
    values: dict[str, Any] = {
        "environment": "pong",
        "environment_version": 1,
        "command": "envlift bench pong",
        "date": "2026-01-02T00:00:00+00:00",
        "device": "a chip",
        "machine": {"cpu": "a chip", "cores": 2, "gpu": None, "system": "Linux"},
        "versions": {"python": "3.11"},
        "quick": False,
        "measurements": measured,
        "bars": compare(measured, replace(benchmark_of("pong"), cases=(Case("plain"),))),
    }
    result = Result(**(values | changes))
    result.write(checkout / "benchmarks" / "results" / f"{file}.json")


def write_sample(checkout: Path, **changes: Any) -> None:
    """A result of ``envlift mutate`` as it is written today."""
    data = {
        "schema_version": 2,
        "date": "2026-11-28",
        "every_level": False,
        "configs": [],
        "of": {"constant": 900, "batch": 5},
        "counts": {"caught": 96, "survived": 4, "equivalent": 3, "invalid": 9, "timeout": 1},
        "score": 0.96,
        "interval": [0.9016, 0.9843],
        "by_level": {"L1": 60, "L3": 36},
        "sources": hashes(verification(checkout).parent),
    }
    path = verification(checkout) / "mutation-warp.json"
    path.write_text(json.dumps(data | changes))


def generate(checkout: Path) -> tuple[str, str]:
    assert main(["--root", str(checkout)]) == 0
    matrix = (checkout / "docs" / "matrix.md").read_text()
    return matrix, (verification(checkout).parent / "CARD.md").read_text()


def row(matrix: str, target: str) -> list[str]:
    lines = [line for line in matrix.splitlines() if line.startswith(f"| pong | {target} |")]
    assert len(lines) == 1
    return [cell.strip() for cell in lines[0].strip("|").split("|")]


def transferred(candidate: str = "PASS", reference: str = "PASS") -> dict[str, Any]:
    """What level 4 leaves in a report."""

    def direction(verdict: str, effect: float, policies: int) -> dict[str, Any]:
        iqm = {"value": 20.5, "low": 20.25, "high": 20.75, "n": policies}
        return {
            "policies": policies,
            "episode_pairs": 100 * policies,
            "equal_episode_pairs": 97 * policies,
            "training_steps": 8_000_000 * policies,
            "verdict": verdict,
            "n": policies,
            "margin": 1.0,
            "effect": effect,
            "deviation": 0.1,
            "low": effect - 0.0625,
            "high": effect + 0.0625,
            "p_low": 0.0,
            "p_high": 0.0,
            "power": 0.9987,
            "needed": 3,
            "iqm": {"candidate": iqm, "reference": {**iqm, "value": 20.125}},
        }

    both = {"candidate": direction(candidate, 0.03, 10), "reference": direction(reference, 0.0, 4)}
    return {
        "config": "frameskip8",
        "margin": 1.0,
        "reason": "a point",
        "training": {"horizon": 64, "gamma": 0.995},
        "directions": both,
        "pooled": direction("PASS", 0.02, 14),
    }
