"""``python -m envlift.bench.learning``: run what is missing of the table, and show it.

One line of JSON per (task, trainer, seed) is added to the file as each run ends; what is there is
not run again, so that an interrupted table goes on where it was.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

import envlift
from envlift.bench import machine
from envlift.bench.learning.table import show
from envlift.bench.learning.tasks import TRAINERS, tasks
from envlift.bench.run import RESULTS
from envlift.train.config import Config

SOURCE = Path(envlift.__file__).parents[1]
PINNED = SOURCE.parent / "tests" / "libraries" / "requirements.txt"
"""Packages of a checkout that hold Stable-Baselines3."""
WORKERS = dict(zip(TRAINERS, ("worker", "sb3_worker"), strict=True))
TIMEOUT = 4 * 3600.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; return 0."""
    known = tasks()
    parser = argparse.ArgumentParser(prog="python -m envlift.bench.learning", description=__doc__)
    parser.add_argument("--task", action="append", choices=known, help="only this one")
    parser.add_argument("--trainer", action="append", choices=TRAINERS, help="only this one")
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="runs of each; default 5")
    parser.add_argument("--file", type=Path, help="default: benchmarks/results/DATE-CPU-learning")
    parser.add_argument(
        "--python", type=Path, metavar="PROGRAM", help="one that has Stable-Baselines3 and envlift"
    )
    parser.add_argument("--show", action="store_true", help="run nothing")
    options = parser.parse_args(arguments)
    path = options.file or default_file()
    rows = read(path)
    if not options.show:
        # All tasks of one seed before the next: an interrupted table is short, not lopsided.
        for seed in range(options.seeds):
            for name in options.task or known:
                for trainer in options.trainer or TRAINERS:
                    config = known[name].replace(seed=seed)
                    if not done(rows, name, trainer, config):
                        rows.append(run(name, trainer, config, options.python))
                        with path.open("a", encoding="utf-8") as file:
                            file.write(json.dumps(rows[-1]) + "\n")
                        print(f"{name}, {trainer}, seed {seed}: {rows[-1]['return']:.1f}")
    show(Console(highlight=False), rows)
    return 0


def default_file() -> Path:
    """Return the newest table of this machine's CPU, else a new one."""
    cpu = machine.slug(machine.cpu_name())
    there = sorted(RESULTS.glob(f"*-{cpu}-learning.jsonl"))
    today = datetime.datetime.now(datetime.UTC).date()
    return there[-1] if there else RESULTS / f"{today}-{cpu}-learning.jsonl"


def read(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a table; none if there is no such file."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def done(rows: list[dict[str, Any]], task: str, trainer: str, config: Config) -> bool:
    """Tell whether a table holds a run with exactly these settings."""
    wanted = (task, trainer, config.to_dict())
    return any((row["task"], row["trainer"], row["settings"]) == wanted for row in rows)


def run(task: str, trainer: str, config: Config, python: Path | None) -> dict[str, Any]:
    """Train once in a process of its own; return its row.

    Raises:
        RuntimeError: with the end of what it said, if it failed.
    """
    program = Path(sys.executable)
    if trainer != TRAINERS[0]:
        program = python or pinned()
    answer = subprocess.run(
        [str(program), "-m", f"{__package__}.{WORKERS[trainer]}", json.dumps(config.to_dict())],
        env={**os.environ, "PYTHONPATH": str(SOURCE), "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    if answer.returncode != 0:
        raise RuntimeError(f"{task} by {trainer} failed: {answer.stderr.strip()[-2000:]}")
    return {
        "task": task,
        "trainer": trainer,
        "seed": config.seed,
        **json.loads(answer.stdout.splitlines()[-1]),
        "cpu": machine.cpu_name(),
        "cpus": len(machine.cpus()),
        "load": os.getloadavg()[0],
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "settings": config.to_dict(),
    }


def pinned() -> Path:
    """Return the interpreter of the pinned packages, made the first time.

    Raises:
        ValueError: outside a checkout.
    """
    from envlift.reference.processes.venv import environment

    if not PINNED.is_file():
        raise ValueError(
            f"{PINNED} is not there: name an interpreter with Stable-Baselines3 by --python"
        )
    return environment(PINNED)


if __name__ == "__main__":
    sys.exit(main())
