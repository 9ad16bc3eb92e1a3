"""A pair of environments as a subject of the page."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import envlift
from envlift.registry import list_envs, list_vector_envs, vector_registration
from envlift.report import facts
from envlift.report.page import data, evidence, failures, frames, learned, rules, speeds
from envlift.verify.run.result import Report

ENVIRONMENTS = Path(envlift.__file__).parent / "envs"
RESULTS = Path(envlift.__file__).resolve().parents[2] / "benchmarks" / "results"
TESTS = Path(envlift.__file__).resolve().parents[2] / "tests" / "envs"
NOT_SPENT = "Nothing was spent on record: this is no translation with a ledger."


def fill(subject: data.Subject, report: Report | None, name: str | None, file: str) -> data.Subject:
    """Return a subject with what a report of the verifier says.

    Args:
        subject: what is known without it.
        report: None where there is none yet; then all levels are shown as not run.
        name: of the registered environment, None if it is none.
        file: for errors.

    Raises:
        ValueError: for a report that is not whole.
    """
    if report is None:
        nothing = Report("", "", "", 0)
        rows = evidence.levels(nothing)
        return replace(subject, levels=rows, gaps=evidence.gaps(nothing, rows))
    rows = evidence.levels(report)
    described = []
    if name is not None:
        described = facts.read_deviations(ENVIRONMENTS / name / "verification" / "deviations.toml")
    return replace(
        subject,
        reference=report.reference,
        candidate=report.candidate,
        verdict=str(report.verdict),
        why=told if (told := not_isolated(report)) else subject.why,
        levels=rows,
        gaps=evidence.gaps(report, rows),
        failures=[*subject.failures, *failures.failures(report, partial(frames.draw, name))],
        checks=evidence.check_rows(report),
        features=dict(report.features),
        reference_coverage=dict(report.reference_coverage),
        deviations=evidence.deviations(report.deviations, described),
        transfer=learned.transfer(report.transfer, file),
        curves=learned.curves(report.curves, file),
        provenance=evidence.provenance(report),
    )


def not_isolated(report: Report) -> str:
    """Say that the candidate of a report was not isolated; nothing where it was, or is ours."""
    why = report.not_isolated
    return f"The candidate was NOT ISOLATED: {why}." if why else ""


def of_file(path: Path, source: str) -> data.Subject:
    """Return the subject of one evidence file.

    Raises:
        ValueError: if it is no report of the verifier.
    """
    report = evidence.read_report(path)
    elsewhere = "An evidence file holds none; give a registered environment by its name."
    base = data.Subject(
        id=path.stem,
        title=report.suite,
        source=source,
        kind="evidence",
        reference="",
        candidate="",
        verdict="",
        missing={"speed": elsewhere, "mutation": elsewhere, "cost": NOT_SPENT},
    )
    return fill(base, report, registered(report), str(path))


def registered(report: Report) -> str | None:
    """Return the registered environment that a report speaks of; only those have source hashes."""
    known = (*list_envs(), *list_vector_envs())
    return report.suite if report.sources and report.suite in known else None


def of_environment(name: str) -> list[data.Subject]:
    """Return a subject for each target of a registered environment that has evidence.

    Raises:
        ValueError: if it has none, or a committed result cannot be read.
    """
    folder = ENVIRONMENTS / name
    known = facts.gather(name, folder, RESULTS)
    subjects = []
    for target in known.evidence:
        path = folder / "verification" / f"evidence-{target}.json"
        report = evidence.read_report(path)
        speedups, throughput = speeds.of_results(known.speeds, target)
        base = data.Subject(
            id=f"{name}-{target}",
            title=f"{name} [{target}]",
            source=name,
            kind="environment",
            reference="",
            candidate="",
            verdict="",
            speedups=speedups,
            throughput=throughput,
            mutation=_mutation(known.mutation.get(target)),
            missing={
                "speed": f"Not measured; `envlift bench {name}` does.",
                "mutation": _no_mutants(name, target),
                "cost": NOT_SPENT,
            },
        )
        filled = fill(base, report, name, str(path))
        bench = [
            data.Fact("benchmark", result.device, f"{result.date}, {result.command}")
            for result in known.speeds
        ]
        written = rules.of_environment(name, folder, TESTS / name, filled.reference_coverage)
        told = [*filled.provenance, *bench]
        subjects.append(replace(filled, rules=written, provenance=told))
    if not subjects:
        raise ValueError(f"{name} has no committed evidence; `envlift verify {name}` makes some")
    return subjects


def _no_mutants(name: str, target: str) -> str:
    if vector_registration(name) is not None:
        return "Not measured; faults are planted in rules that JAX or Warp compile alone."
    return f"Not measured; `envlift mutate {name} --backend {target}` does."


def _mutation(found: facts.Mutation | None) -> data.Mutation | None:
    if found is None:
        return None
    return data.Mutation(
        score=found.score,
        caught=found.caught,
        judged=found.judged,
        equivalent=found.equivalent,
        total=found.total,
        by_level=dict(found.by_level),
        invalid=found.invalid,
        timeouts=found.timeouts,
    )
