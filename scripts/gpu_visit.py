"""One visit to a GPU machine: tests that touch JAX, bench, training, then a short table.

    python scripts/gpu_visit.py [--env NAME] [--full] [--json FILE] [--python VENV] [--skip-tests]
                               [--skip-training]

Training (``bench --train --gpu``, ``bench --breakdown --gpu``) is measured with ``--full`` only.

Needs only Python with envlift's dependencies and a CUDA build of JAX (``pip install '.[cuda]'``);
the package itself may be a plain checkout. Ends with 1 if JAX sees no GPU, a test fails or a
measurement fails; the table is printed last in every case.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = (
    "tests/contract",
    "tests/targets",
    "tests/envs",
    "tests/bench/test_programs.py",
    "tests/train",
)
PROBE = "import jax; d = jax.devices()[0]; print(jax.default_backend(), d.device_kind, sep='|')"


def run(*arguments: str) -> int:
    """Run this interpreter in the checkout; its output is shown as it comes."""
    print("+ python", *arguments, flush=True)
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, check=False).returncode


def probe() -> str:
    """Return ``backend|device`` as JAX sees it."""
    asked = subprocess.run(
        [sys.executable, "-c", PROBE], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() or f"none|{asked.stderr.strip().splitlines()[-1:]}"


def summary(path: Path) -> None:
    """Print one line per measurement, for a log of which only the end is kept."""
    from envlift.bench.result import Result
    from envlift.bench.show import short

    result = Result.read(path)
    print(f"\n{result.environment} on {result.device}, {result.date}, {result.versions}")
    for m in result.measurements:
        spread = f"{short(m.rate.low)}..{short(m.rate.high)}"
        compiled = "" if m.compile_seconds is None else f"compile {m.compile_seconds:.1f} s"
        agree = "" if m.consistent else "UNEQUAL WORK"
        print(f"{m.id:<48} {short(m.rate.median):>7} steps/s  {spread:<15} {compiled} {agree}")
    for name, reason in result.unavailable.items():
        print(f"NOT AVAILABLE {name}: {reason.splitlines()[0]}")
    for where, reason in result.failures.items():
        print(f"FAILED {where}: {reason}")


def main() -> int:
    """Run everything; return the exit code."""
    parser = argparse.ArgumentParser(description="Tests and bench on a GPU machine.")
    parser.add_argument("--full", action="store_true", help="the full bench, not the quick one")
    parser.add_argument("--json", type=Path, help="default: $OUT/bench.json, or gpu-bench.json")
    parser.add_argument("--env", default="pong", help="what is measured")
    parser.add_argument("--python", help="an environment with MJX and Brax on CUDA, for the bench")
    parser.add_argument("--skip-tests", action="store_true")
    parser.add_argument("--skip-training", action="store_true")
    options = parser.parse_args()
    os.environ["PYTHONPATH"] = str(ROOT / "src")
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    sys.path.insert(0, str(ROOT / "src"))
    default = Path(os.environ.get("OUT", ".")) / "bench.json"
    path = (options.json or default).resolve()
    backend, _, device = probe().partition("|")
    codes = {"gpu": 0 if backend == "gpu" else 1}
    if not options.skip_tests:
        tests = [test for test in TESTS if (ROOT / test).exists()]
        codes["tests"] = run("-m", "pytest", "-q", "-x", *tests)
    quick = () if options.full else ("--quick",)
    path.unlink(missing_ok=True)
    named = ("--python", options.python) if options.python else ()
    bench = ("-m", "envlift.cli", "bench", options.env)
    codes["bench"] = run(*bench, *quick, *named, "--json", str(path))
    if options.full and not options.skip_training:
        for what in ("train", "breakdown"):
            file = str(path.with_name(f"{path.stem}-{what}.json"))
            codes[what] = run(*bench, f"--{what}", "--gpu", "--json", file)
    if path.is_file():
        summary(path)
    print(f"JAX runs on {backend} ({device}); exit codes: {codes}")
    return 1 if any(codes.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
