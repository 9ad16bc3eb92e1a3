"""A translated project made up for tests: a git repository, a ledger and evidence."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from envlift.translate.loop.ledger import Ledger
from envlift.verify.run.result import Check, Divergence, Report, Verdict

PROJECT = """
format = 1
name = "taxi"
target = "jax"

[reference]
launch = "gymnasium:Taxi-v3"
"""

IDENTITY = {
    "GIT_AUTHOR_NAME": "t",
    "GIT_AUTHOR_EMAIL": "t@example.org",
    "GIT_COMMITTER_NAME": "t",
    "GIT_COMMITTER_EMAIL": "t@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
}


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *words],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **IDENTITY},
    )
    return done.stdout.strip()


def commits(folder: Path, texts: list[str]) -> list[str]:
    """Make a repository with one commit for each text of ``rules.py``; return their names."""
    git(folder, "init", "--quiet")
    names = []
    for text in texts:
        (folder / "rules.py").write_text(text)
        git(folder, "add", "rules.py")
        git(folder, "commit", "--quiet", "--allow-empty", "-m", "a turn")
        names.append(git(folder, "rev-parse", "HEAD"))
    return names


def divergence(**changes: Any) -> Divergence:
    values: dict[str, Any] = {
        "step": 7,
        "lane": 2,
        "field": "state.taxi_row",
        "reference": 3,
        "candidate": 4,
        "difference": 1.0,
        "allowed": "exact",
        "actions": [1, 0, 5],
        "before": {"taxi_row": 3, "taxi_column": 1},
        "reference_state": {"taxi_row": 3, "taxi_column": 1},
        "candidate_state": {"taxi_row": 4, "taxi_column": 1},
    }
    return Divergence(**(values | changes))


def report(failing: bool = False, **changes: Any) -> Report:
    """A report of the verifier on the made-up Taxi."""
    failed = Check(
        "L3",
        "lockstep: random play",
        Verdict.FAIL if failing else Verdict.PASS,
        "state.taxi_row differs at step 7" if failing else "at least 3 episode ends in every lane",
        {"steps": 12_345, "episodes": 67, "lanes": 64, "fields": 5},
        divergence(field="taxi_row") if failing else None,
        "fixtures/taxi-row.jsonl" if failing else None,
        2.5,
    )
    values: dict[str, Any] = {
        "suite": "taxi",
        "reference": "gymnasium:Taxi-v3",
        "candidate": "env:taxi.env:make",
        "seed": 4711,
        "pins": {"gymnasium": "1.3.0"},
        "checks": [
            Check("L1", "spaces", Verdict.PASS, "", {"facts": 4}),
            Check("L2", "transitions", Verdict.PASS, "", {"transitions": 8_192, "fields": 5}),
            failed,
            Check("L4", "policy transfer", Verdict.SKIPPED, "the suite names no margin"),
        ],
        "features": {"drop-off": 321, "illegal pick-up": 45_678, "time is up": 0},
        "deviations": {"reward-order": 12},
        "not_verified": ["rendering"],
        "not_compared": ["state field lastaction"],
        "versions": {"jax": "0.10.2"},
    }
    return Report(**(values | changes))


SHAPES: list[dict[str, Any]] = [
    {"kind": "translate", "module": "rules", "level": "L1", "failing": 3, "kept": True},
    {"kind": "repair", "module": "rules", "level": "L1", "failing": 1, "kept": True},
    {"kind": "repair", "module": "rules", "level": "L1", "failing": 5, "kept": False},
    {"kind": "repair", "module": "rules", "level": "L1", "failing": 0, "kept": True},
    {"kind": "translate", "module": "reset", "level": "L1", "failing": 0, "kept": True},
    {"kind": "root-cause", "module": None, "level": "L3", "failing": 2, "kept": True},
    {"kind": "repair", "module": "rules", "level": "L3", "failing": 0, "kept": True},
    {"kind": "optimise", "module": None, "level": "L3", "failing": 0, "kept": True},
]


def project(folder: Path, turns: int = len(SHAPES), texts: list[str] | None = None) -> Path:
    """Write a project with a ledger of so many turns and the evidence of the last one."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "envlift.toml").write_text(PROJECT)
    if texts is None:
        texts = [
            "".join(f"RULE_{line} = {line * version}\n" for line in range(12 + 4 * version))
            for version in range(5)
        ]
    names = commits(folder, texts)
    ledger = Ledger(folder / ".envlift" / "ledger.jsonl")
    ledger.append("run", command="envlift translate")
    for number in range(1, turns + 1):
        place = (number - 1) % (len(names) - 1)
        _turn(ledger, number, names[place], names[place + 1])
    path = folder / ".envlift" / "evidence" / f"{turns:04}.json"
    report().write(path)
    return folder


def _turn(ledger: Ledger, number: int, base: str, commit: str) -> None:
    shape = SHAPES[(number - 1) % len(SHAPES)]
    level, failing, kept = shape["level"], shape["failing"], shape["kept"]
    ledger.append(
        "asked",
        number=number,
        kind=shape["kind"],
        module=shape["module"],
        level=level,
        base=base,
        prompt_sha256=f"{number:064x}",
        agent="command",
    )
    priced = number % 7 != 3
    ledger.append(
        "answered",
        number=number,
        status="done",
        detail="I changed rules.py",
        model="some-model-1",
        usage={"input_tokens": 1_000 * number, "cached_tokens": 400, "output_tokens": 90 + number},
        cost={"dollars": 0.01 * number, "source": "priced"} if priced else None,
        seconds=30.0 + number,
        commit=commit,
        files=1,
        added=10 + number,
        removed=number,
    )
    fast = shape["kind"] == "optimise"
    ledger.append(
        "judged",
        number=number,
        verdicts={level: "FAIL" if failing else "PASS"},
        failing=[f"test_{shape['module']}_{n}" for n in range(failing)],
        kept=kept,
        reason="" if kept else "more tests fail than before",
        head=commit if kept else base,
        fixtures=["taxi-row.jsonl"] if shape["kind"] == "root-cause" else [],
        speed={"32": 1e6, "512": 9e6, "8192": 5e7, "reference": 2e5} if fast else {},
        judging_seconds=12.0,
    )
