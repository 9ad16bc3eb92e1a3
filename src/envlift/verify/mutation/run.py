"""``envlift mutate``: plant faults in a copy of the rules and count how many are noticed."""

from __future__ import annotations

import random
import tempfile
import tomllib
from collections import Counter
from collections.abc import Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

import envlift
from envlift.registry import make, registration
from envlift.sources import hashes
from envlift.verify.mutation.behaviour import behaviour_mutants
from envlift.verify.mutation.operators import Mutant, mutants_of, pairs_of, planted_mutants
from envlift.verify.mutation.prove import compare
from envlift.verify.mutation.result import REAL, Judged, Outcome, Proof, Result, place, rows_before
from envlift.verify.mutation.show import print_one, print_result
from envlift.verify.mutation.workers import Answer, Workers
from envlift.verify.run.provenance import versions
from envlift.verify.suite.find import find_suite

PACKAGE = Path(envlift.__file__).parent

LEAST, FACTOR, ALONE = 180.0, 8.0, 4.0
"""Seconds for one mutant: so many times what the rules without a fault took, which pass every
level, and at least so many. A mutant that runs out of them is judged once more, alone, and has so
many times as long."""
PROVING = 1800.0
"""Seconds for the answers that tell whether a mutant is equivalent."""
FIRST = 7200.0
"""Seconds for the rules without a fault."""


@dataclass(frozen=True)
class Plan:
    """What is asked of every mutant.

    Attributes:
        name, backend: of the environment.
        every_level, configs, seed: see ``Result``.
        notes: id -> row of ``mutants.toml``.
    """

    name: str
    backend: str
    every_level: bool
    configs: tuple[str, ...]
    seed: int
    notes: dict[str, dict[str, str]]


def rule_files(name: str, backend: str, package: Path = PACKAGE) -> list[str]:
    """Return the files of an environment that hold rules of one target, relative to the package."""
    folder = package / "envs" / name
    others = tuple({"jax", "warp"} - {backend})
    files = [folder / "env.py", *sorted((folder / "rules").rglob("*.py"))]
    kept = [f for f in files if f.is_file() and not f.stem.startswith((*others, "__init__"))]
    return [str(f.relative_to(package)) for f in kept]


def one_place_mutants(name: str, backend: str, package: Path = PACKAGE) -> list[Mutant]:
    """Return the mutants of one place of one target's rules, by files and lines."""
    return [m for file in rule_files(name, backend, package) for m in mutants_of(package, file)]


def all_mutants(name: str, backend: str, package: Path = PACKAGE) -> list[Mutant]:
    """Return every mutant of one target: of one place, of two places, of behaviour, planted."""
    pairs = [m for file in rule_files(name, backend, package) for m in pairs_of(package, file)]
    behaviour = behaviour_mutants(name, backend, package)
    planted = planted_mutants(name, package)
    return one_place_mutants(name, backend, package) + pairs + behaviour + planted


def command(
    console: Console,
    name: str,
    *,
    backend: str | None,
    limit: int | None,
    only: Collection[str] | None,
    kinds: Collection[str] = (),
    jobs: int,
    seed: int,
    json_file: Path | None,
    every_level: bool = False,
    resume: bool = False,
    configs: Collection[str] = (),
) -> int:
    """Judge the mutants of a registered environment, in random order, and print the score.

    Args:
        console: where it is printed.
        name: a registered environment.
        backend: its target, None for the default one.
        limit: stop after so many real mutants, those that are caught or survive.
        only: ids of the mutants to judge.
        kinds: kinds of the mutants to judge; empty for all but planted ones.
        jobs: mutants judged side by side.
        seed: of the order and of all judging.
        json_file: where the result is written, after every mutant.
        every_level: show each mutant to all levels.
        resume: judge what the file does not hold.
        configs: names of the configurations to judge in; empty for all.

    Raises:
        ValueError: for an unknown name, id or configuration, a file that cannot be resumed, or
            rules that fail without a fault.
    """
    env = make(name, **({"backend": backend} if backend else {}))
    backend = env.info.backend
    plan = Plan(
        name, backend, every_level, _known(name, configs), seed, explanations(name, backend)
    )
    mutants = all_mutants(name, backend)
    result = Result(
        name,
        backend,
        every_level=every_level,
        configs=plan.configs,
        seed=seed,
        of=dict(sorted(Counter(mutant.kind for mutant in mutants).items())),
        sources={k: v for k, v in hashes(PACKAGE / "envs" / name).items() if k != "trainer"},
        versions=versions(),
    )
    chosen = _chosen(mutants, only, plan)
    if not only:
        chosen = _of_kinds(chosen, kinds, result.of)
    # In this order even a run that was broken off has judged a random sample.
    random.Random(seed).shuffle(chosen)
    console.print(f"{len(mutants)} mutants of {name} [{backend}]", markup=False)
    if resume and json_file is not None and json_file.is_file():
        result.judged = rows_before(json_file, mutants, result, plan.notes)
        console.print(f"{len(result.judged)} of them were judged before", markup=False)
        # With the explanations of today.
        result.write(json_file)
    before = {place(judged.mutant) for judged in result.judged}
    left = [mutant for mutant in chosen if place(mutant) not in before]
    if left and (limit is None or result.real < limit):
        with tempfile.TemporaryDirectory(prefix="envlift-mutate-") as folder:
            modules = ("warp",) if backend == "warp" else ()
            workers = Workers(PACKAGE, Path(folder), jobs, modules)
            try:
                seconds = _without_a_fault(console, workers, plan)
                for judged in _judge_all(workers, plan, left, jobs, seconds, limit, result):
                    result.judged.append(judged)
                    print_one(console, judged, result, len(chosen))
                    if json_file is not None:
                        # After every mutant: a run takes long, and a kill must not lose it.
                        result.write(json_file)
            except KeyboardInterrupt:
                console.print("[yellow]interrupted: the score is of the mutants judged so far[/]")
            finally:
                workers.close()
    return print_result(console, result)


def _known(name: str, configs: Collection[str]) -> tuple[str, ...]:
    suite, _ = find_suite(name)
    names = [config.name for config in suite.configs]
    for one in configs:
        if one not in names:
            raise ValueError(f"no configuration {one!r}; {name} has {', '.join(names)}")
    return tuple(one for one in names if one in configs)


def _chosen(mutants: list[Mutant], only: Collection[str] | None, plan: Plan) -> list[Mutant]:
    if not only:
        return list(mutants)
    unknown = set(only) - {mutant.id for mutant in mutants}
    if unknown:
        raise ValueError(
            f"{plan.name} [{plan.backend}] has no mutant {', '.join(sorted(unknown))}: ids change "
            "with the rules; run without --only to see them"
        )
    return [mutant for mutant in mutants if mutant.id in only]


def _of_kinds(
    mutants: list[Mutant], kinds: Collection[str], known: Collection[str]
) -> list[Mutant]:
    for kind in kinds:
        if kind not in known:
            raise ValueError(f"no mutant is of the kind {kind!r}; there are {', '.join(known)}")
    if kinds:
        return [mutant for mutant in mutants if mutant.kind in kinds]
    # Chosen by hand, they would make a score out of taste.
    return [mutant for mutant in mutants if mutant.kind != "planted"]


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


def _request(plan: Plan, seed: int) -> dict[str, Any]:
    return {
        "name": plan.name,
        "options": {"backend": plan.backend},
        "seed": seed,
        "every_level": plan.every_level,
        "configs": plan.configs,
    }


def _without_a_fault(console: Console, workers: Workers, plan: Plan) -> float:
    """Judge the rules as they are, for a suite that always fails catches everything.

    Returns:
        The seconds it took.

    Raises:
        ValueError: if any level notices something.
    """
    answer = workers.ask(None, _request(plan, plan.seed), FIRST)
    judged = judged_by(answer, Mutant("", 0, "", "", ""), None)
    noticed = next((f"at {k}: {v}" for k, v in judged.caught.items() if v), judged.reason)
    if noticed is not None:
        raise ValueError(
            f"{plan.name} fails its own verification without any fault, {noticed}; no score would "
            "mean anything before that is mended"
        )
    console.print(f"without a fault every level passes ({answer.cpu:.0f} CPU seconds)")
    return answer.seconds


def _judge_all(
    workers: Workers,
    plan: Plan,
    mutants: list[Mutant],
    jobs: int,
    seconds: float,
    limit: int | None,
    result: Result,
) -> Iterator[Judged]:
    """Judge side by side; then, one by one, those for which the time was too short."""
    allowed = max(LEAST, FACTOR * seconds)
    late: list[Mutant] = []
    queue = iter(mutants)
    real = result.real
    pool = ThreadPoolExecutor(jobs)
    try:
        waiting: dict[Future[Judged], Mutant] = {}
        while True:
            while len(waiting) < jobs and (limit is None or real + len(waiting) < limit):
                mutant = next(queue, None)
                if mutant is None:
                    break
                waiting[pool.submit(_judge, workers, plan, mutant, allowed)] = mutant
            if not waiting:
                break
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                mutant, judged = waiting.pop(future), future.result()
                if judged.outcome is Outcome.TIMEOUT:
                    late.append(mutant)
                    continue
                real += judged.outcome in REAL
                yield judged
    except BaseException:
        # Whoever waits for an answer gets none, and the pool can be left.
        workers.stop()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
    for mutant in late:
        yield _judge(workers, plan, mutant, ALONE * allowed)


def _judge(workers: Workers, plan: Plan, mutant: Mutant, limit: float) -> Judged:
    # Chance of its own for every mutant, whatever the order.
    seed = plan.seed + int(mutant.id, 16)
    answer = workers.ask(mutant, _request(plan, seed), limit)
    judged = judged_by(answer, mutant, plan.notes.get(mutant.id))
    if judged.outcome is not Outcome.SURVIVED:
        return judged
    return replace(judged, proof=_prove(workers, plan, mutant))


def judged_by(answer: Answer, mutant: Mutant, note: dict[str, str] | None) -> Judged:
    """Say what an answer means for a mutant.

    Args:
        answer: of the process that held it.
        mutant: the fault.
        note: its row of ``mutants.toml``, if there is one.
    """
    judged = Judged(mutant, note=note, seconds=answer.seconds, cpu=answer.cpu)
    if answer.status is None:
        return replace(judged, timeout=True, reason=f"no answer in {answer.seconds:.0f} s")
    last = answer.lines[-1] if answer.lines else {}
    if "caught" in last:
        if last["invalid"] is not None:
            return replace(judged, reason=last["invalid"])
        if last["unjudged"] is not None:
            return replace(judged, timeout=True, reason=last["unjudged"])
        return replace(judged, caught=last["caught"])
    died = f"the process ended with {answer.status}: {answer.log}"
    if "begun" in last:
        # It had been built and traced, and died while it was played.
        return replace(judged, caught={last["begun"]: died})
    return replace(judged, reason=died)


def _prove(workers: Workers, plan: Plan, mutant: Mutant) -> Proof:
    """Compare what the mutant answers with what the rules as they are answer."""
    folder = workers.folder / "proof"
    original = folder / "original"
    with workers.proving:
        if not original.is_dir():
            wrong = _answers(workers, plan, None, original)
            if wrong is not None:
                raise ValueError(f"the rules as they are gave no answers to compare with: {wrong}")
    mine = folder / f"{mutant.id}-{mutant.line}"
    wrong = _answers(workers, plan, mutant, mine)
    return Proof(0, wrong) if wrong is not None else compare(original, mine)


def _answers(workers: Workers, plan: Plan, mutant: Mutant | None, out: Path) -> str | None:
    """Let a process write its answers; return why there are none, None if there are."""
    arguments = {
        "name": plan.name,
        "options": {"backend": plan.backend},
        "configs": plan.configs,
        "seed": plan.seed,
        "given": str(workers.folder / "proof" / "given"),
        "out": str(out),
    }
    answer = workers.ask(mutant, {"proof": arguments}, PROVING)
    if answer.status == 0:
        return None
    return "it gave no answers: " + (answer.log if answer.status else "no time was left")
