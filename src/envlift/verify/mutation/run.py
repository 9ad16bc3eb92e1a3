"""``envlift mutate``: plant faults in a copy of the rules and count what every level catches."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console

import envlift
from envlift.registry import make, registration
from envlift.verify.mutation.judge import LEVELS
from envlift.verify.mutation.operators import Mutant, mutants_of
from envlift.verify.run.result import EXIT_CODES, Verdict
from envlift.verify.suite.find import find_suite

PACKAGE = Path(envlift.__file__).parent
TIMEOUT = 600.0
"""Seconds for one mutant; a mutant that never ends is caught, as a person would notice it."""

BAR = 0.95
"""Share of the mutants that are not equivalent which must be caught."""


@dataclass(frozen=True)
class Judged:
    """A mutant and what each level said.

    Attributes:
        mutant: the fault.
        caught: level -> what failed first, None where the level noticed nothing.
        explained: the reason written down for a survivor, or None.
        equivalent: the explanation says that no input can tell the mutant apart.
    """

    mutant: Mutant
    caught: dict[str, str | None]
    explained: str | None = None
    equivalent: bool = False

    @property
    def killed(self) -> bool:
        """Whether any level noticed."""
        return any(self.caught.values())


@dataclass
class Result:
    """All judged mutants of one target.

    Attributes:
        name, backend: of the environment.
        judged: what was found.
        first: whether a mutant that level 1 noticed was not shown to the other levels.
        configs: names of the configurations they were judged in; empty for all.
    """

    name: str
    backend: str
    judged: list[Judged] = field(default_factory=list)
    first: bool = False
    configs: tuple[str, ...] = ()

    @property
    def score(self) -> float:
        """Share caught of the mutants that are not equivalent."""
        real = [j for j in self.judged if not j.equivalent]
        return sum(j.killed for j in real) / len(real) if real else 0.0

    def by_level(self) -> dict[str, int]:
        """Return how many mutants each level catches by itself."""
        return {level: sum(bool(j.caught.get(level)) for j in self.judged) for level in LEVELS}


def rule_files(name: str, backend: str, package: Path = PACKAGE) -> list[str]:
    """Return the files of an environment that hold rules of one target, relative to the package."""
    folder = package / "envs" / name
    others = tuple({"jax", "warp"} - {backend})
    files = [folder / "env.py", *sorted((folder / "rules").rglob("*.py"))]
    kept = [f for f in files if f.is_file() and not f.stem.startswith((*others, "__init__"))]
    return [str(f.relative_to(package)) for f in kept]


def all_mutants(name: str, backend: str, package: Path = PACKAGE) -> list[Mutant]:
    """Return every mutant of one target's rules, in the order of their files and lines."""
    return [m for file in rule_files(name, backend, package) for m in mutants_of(package, file)]


def command(
    console: Console,
    name: str,
    *,
    backend: str | None,
    limit: int | None,
    only: Collection[str] | None,
    jobs: int,
    seed: int,
    json_file: Path | None,
    first: bool = False,
    resume: bool = False,
    configs: Collection[str] = (),
) -> int:
    """Judge the mutants of a registered environment, in random order, and print the score."""
    env = make(name, **({"backend": backend} if backend else {}))
    result = Result(name, env.info.backend, first=first, configs=_known(name, configs))
    mutants = all_mutants(name, result.backend)
    total = len(mutants)
    ids = {mutant.id for mutant in mutants}
    if only:
        unknown = set(only) - ids
        if unknown:
            raise ValueError(
                f"{name} [{result.backend}] has no mutant {', '.join(sorted(unknown))}: ids change "
                "with the rules; run without --only to see them"
            )
        mutants = [mutant for mutant in mutants if mutant.id in only]
    # In this order even a run that was broken off has judged a random sample.
    random.Random(seed).shuffle(mutants)
    mutants = mutants[:limit]
    console.print(f"{len(mutants)} of {total} mutants of {name} [{result.backend}]", markup=False)
    notes = explanations(name, result.backend)
    if resume and json_file is not None and json_file.is_file():
        rows = rows_before(json_file, ids, total, result)
        known = [mutant for mutant in mutants if _place(mutant) in rows]
        result.judged += [_noted(mutant, rows[_place(mutant)], notes) for mutant in known]
        mutants = [mutant for mutant in mutants if _place(mutant) not in rows]
        console.print(f"{len(known)} of them were judged before", markup=False)
        # With the explanations of today.
        _write(json_file, result, total)
    count = len(result.judged) + len(mutants)
    if mutants:
        _without_a_fault(console, result, seed)
    try:
        for judged in _judge_all(result, mutants, jobs, seed, notes):
            result.judged.append(judged)
            _print_one(console, judged, len(result.judged), count)
            if json_file is not None:
                # After every mutant: a run takes long, and a kill must not lose it.
                _write(json_file, result, total)
    except KeyboardInterrupt:
        console.print("[yellow]interrupted: the score is of the mutants judged so far[/]")
    return _print_result(console, result)


def _known(name: str, configs: Collection[str]) -> tuple[str, ...]:
    suite, _ = find_suite(name)
    names = [config.name for config in suite.configs]
    for one in configs:
        if one not in names:
            raise ValueError(f"no configuration {one!r}; {name} has {', '.join(names)}")
    return tuple(one for one in names if one in configs)


def explanations(name: str, backend: str) -> dict[str, dict[str, str]]:
    """Read what is written down about survivors: mutant id -> ``verdict`` and ``reason``.

    An explanation with a ``backend`` holds for that target alone.
    """
    suite = registration(name).suite
    if suite is None:
        raise ValueError(f"{name} has no verification suite: there is nothing to verify")
    path = PACKAGE / "envs" / name / "verification" / "mutants.toml"
    if not path.is_file():
        return {}
    with path.open("rb") as stream:
        rows = tomllib.load(stream).get("mutant", [])
    return {row["id"]: row for row in rows if row.get("backend", backend) == backend}


def _place(mutant: Mutant) -> tuple[str, str, int]:
    """Tell two mutants of one id apart: the same change of the same line, in two places."""
    return mutant.id, mutant.file, mutant.line


def rows_before(
    path: Path, ids: Collection[str], total: int, now: Result
) -> dict[tuple[str, str, int], dict[str, str | None]]:
    """Read what an earlier run found: id, file and line of a mutant -> what each level said.

    Args:
        path: what ``--json`` wrote.
        ids: of the mutants that the rules have now.
        total: how many they are.
        now: this run, which must be made as the earlier one was.

    Raises:
        ValueError: if the file is no such result, or of other rules, or made otherwise.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        found = data["mutants"]
        rows = {(row["id"], row["file"], row["line"]): dict(row["caught"]) for row in found}
        made = data.get("first", False), tuple(data.get("configs", ()))
        same = data["of"] == total and made == (now.first, now.configs)
        same = same and {row["id"] for row in found} <= set(ids)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no result of `envlift mutate --json`: {error!r}") from None
    if not same:
        raise ValueError(
            f"{path} cannot be resumed: it is of other rules, or was made with another --first or "
            "--config; name another file"
        )
    return rows


def _noted(
    mutant: Mutant, caught: dict[str, str | None], notes: dict[str, dict[str, str]]
) -> Judged:
    note = notes.get(mutant.id)
    equivalent = note is not None and note["verdict"] == "equivalent"
    return Judged(mutant, caught, None if note is None else note["reason"], equivalent)


def _without_a_fault(console: Console, result: Result, seed: int) -> None:
    """Judge the rules as they are, for a suite that always fails catches everything.

    Raises:
        ValueError: if any level notices something.
    """
    with tempfile.TemporaryDirectory(prefix="envlift-mutate-") as folder:
        caught = _ask(result, None, Path(folder) / "none", seed)
    for level, what in caught.items():
        if what:
            raise ValueError(
                f"{result.name} fails its own verification without any fault, at {level}: {what}; "
                "no score would mean anything before that is mended"
            )
    console.print("without a fault every level passes")


def _judge_all(
    result: Result,
    mutants: list[Mutant],
    jobs: int,
    seed: int,
    notes: dict[str, dict[str, str]],
) -> Iterator[Judged]:
    with (
        tempfile.TemporaryDirectory(prefix="envlift-mutate-") as folder,
        ThreadPoolExecutor(jobs) as pool,
    ):
        waiting: set[Future[Judged]] = set()
        queue = iter(enumerate(mutants))
        done = False
        while waiting or not done:
            while not done and len(waiting) < jobs:
                try:
                    index, mutant = next(queue)
                except StopIteration:
                    done = True
                    break
                work = Path(folder) / str(index)
                waiting.add(pool.submit(_judge, result, mutant, work, seed + index, notes))
            finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in finished:
                yield future.result()


def _judge(
    result: Result, mutant: Mutant, work: Path, seed: int, notes: dict[str, dict[str, str]]
) -> Judged:
    caught = _ask(result, mutant, work, seed)
    shutil.rmtree(work, ignore_errors=True)
    return _noted(mutant, caught, notes)


def _ask(result: Result, mutant: Mutant | None, work: Path, seed: int) -> dict[str, str | None]:
    """Copy the package, plant the fault if there is one, and ask a fresh interpreter."""
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, work / "envlift", ignore=ignore)
    if mutant is not None:
        (work / "envlift" / mutant.file).write_text(mutant.source)
    request = {
        "name": result.name,
        "options": {"backend": result.backend},
        "seed": seed,
        "fixtures": str(work / "fixtures"),
        "first": result.first,
        "configs": result.configs,
    }
    environment = {
        **os.environ,
        "PYTHONPATH": str(work),
        "PYTHONDONTWRITEBYTECODE": "1",
        # Most of a mutant is the program of its neighbour: XLA need not compile that again.
        "JAX_COMPILATION_CACHE_DIR": str(work.parent / "xla"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    try:
        answer = subprocess.run(
            [sys.executable, "-m", "envlift.verify.mutation.judge", json.dumps(request)],
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            env=environment,
            cwd=work,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return dict.fromkeys(LEVELS, f"no answer in {TIMEOUT:.0f} s")
    return _answer(answer)


def _answer(answer: subprocess.CompletedProcess[str]) -> dict[str, str | None]:
    """A mutant that cannot even be imported is caught by everything."""
    if answer.returncode == 0:
        return dict(json.loads(answer.stdout.splitlines()[-1]))
    last = (answer.stderr.strip().splitlines() or ["no output"])[-1]
    return dict.fromkeys(LEVELS, f"broken: {last}")


def _print_one(console: Console, judged: Judged, done: int, total: int) -> None:
    levels = ", ".join(level for level, what in judged.caught.items() if what) or "nobody"
    colour = "green" if judged.killed else "red"
    where = f"{judged.mutant.file}:{judged.mutant.line}"
    console.print(
        f"{done:>4}/{total}  [{colour}]{judged.mutant.id}[/]  {judged.mutant.kind:<10} {where}  "
        f"[dim]caught by {levels}[/]",
        soft_wrap=True,
    )


def _print_result(console: Console, result: Result) -> int:
    real = [j for j in result.judged if not j.equivalent]
    survivors = [j for j in real if not j.killed]
    for judged in survivors:
        console.rule(f"survivor {judged.mutant.id}  {judged.mutant.file}:{judged.mutant.line}")
        console.print(judged.mutant.diff, markup=False)
        console.print(judged.explained or "not explained", style="yellow", markup=False)
    wrong = [j for j in result.judged if j.equivalent and j.killed]
    for judged in wrong:
        console.print(f"[red]{judged.mutant.id} is written down as equivalent but was caught[/]")
    console.print()
    for level, count in result.by_level().items():
        console.print(f"  {level:<10} catches {count:>4} of {len(result.judged)}")
    console.print(
        f"\n{len(real) - len(survivors)} of {len(real)} caught ({result.score:.1%}), "
        f"{len(result.judged) - len(real)} equivalent, {len(survivors)} survive"
    )
    unexplained = [j for j in survivors if j.explained is None]
    good = result.score >= BAR and not unexplained and not wrong
    return EXIT_CODES[Verdict.PASS if good else Verdict.FAIL]


def _write(path: Path, result: Result, total: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            **{k: v for k, v in asdict(j.mutant).items() if k != "source"},
            "id": j.mutant.id,
            "caught": j.caught,
            "equivalent": j.equivalent,
            "explained": j.explained,
        }
        for j in result.judged
    ]
    data = {
        "schema_version": 1,
        "name": result.name,
        "backend": result.backend,
        "score": result.score,
        "of": total,
        "first": result.first,
        "configs": result.configs,
        "by_level": result.by_level(),
        "mutants": rows,
    }
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(data, indent=1) + "\n")
    partial.replace(path)
