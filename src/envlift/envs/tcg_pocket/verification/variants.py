"""``envlift verify`` on variants of the game: ``python -m ...verification.variants SEED ...``.

Each seed is judged by ``envlift verify tcg_pocket --variant SEED``, since a process plays one
variant. ``--write`` keeps what came of it in ``variants.jsonl``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("variants.jsonl")
LEVELS = ("L2", "L3", "resets")
"""What a variant is asked: the others look at how rules are driven, not at what they are."""


def judge(seed: int, quick: bool) -> dict[str, Any]:
    """Run ``envlift verify`` on a variant; return the row that is kept of it.

    Raises:
        RuntimeError: if it ended without a report; with what it said.
    """
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.json"
        command = [sys.executable, "-m", "envlift.cli", "verify", "tcg_pocket"]
        command += ["--variant", str(seed)]
        command += [part for level in LEVELS for part in ("--level", level)]
        command += ["--json", str(report), "--fixtures", scratch, *(["--quick"] if quick else [])]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if not report.is_file():
            raise RuntimeError(f"variant {seed} was not judged: {ended.stderr[-2000:]}")
        return row(seed, quick, json.loads(report.read_text("utf-8")))


def row(seed: int, quick: bool, report: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is kept of a report."""
    checks = report["checks"]
    open_or_wrong = [
        f"{check['verdict']} {check['level']} {check['name']}: {check['detail']}"
        for check in checks
        if check["verdict"] in ("FAIL", "INCONCLUSIVE")
    ]

    def total(level: str, count: str) -> int:
        return sum(one["counts"].get(count, 0) for one in checks if one["level"] == level)

    return {
        "variant": seed,
        "verdict": report["verdict"],
        "quick": quick,
        "seed": report["seed"],
        "lockstep steps": total("L3", "steps"),
        "games ended": total("L3", "episodes"),
        "single transitions": total("L2", "transitions"),
        "open or wrong": open_or_wrong,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge variants; 1 if one fails."""
    parser = argparse.ArgumentParser(description="Do both engines agree on other games?")
    parser.add_argument("seeds", nargs="+", type=int, help="seeds of variants, from 1 on")
    parser.add_argument("--write", action="store_true", help=f"keep the results in {RESULTS.name}")
    parser.add_argument("--quick", action="store_true", help="as of envlift verify")
    options = parser.parse_args(arguments)
    failed = 0
    for seed in options.seeds:
        found = judge(seed, options.quick)
        print(json.dumps(found), flush=True)
        failed += found["verdict"] == "FAIL"
        if options.write:
            keep(found)
    return int(failed > 0)


def keep(found: Mapping[str, Any]) -> None:
    """Put a result into the file, in the place of an older one of its seed."""
    lines = RESULTS.read_text("utf-8").splitlines() if RESULTS.exists() else []
    rows = {json.loads(one)["variant"]: one for one in [*lines, json.dumps(found)]}
    RESULTS.write_text("".join(f"{rows[k]}\n" for k in sorted(rows)), "utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
