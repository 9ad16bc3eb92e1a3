"""One run of ``envlift verify``: open both sides, run the levels, collect the report."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from envlift.adapters.reference import RETURNS
from envlift.candidate.isolation import Isolation
from envlift.reference.client import START_TIMEOUT
from envlift.reference.failure import (
    CandidateFailure,
    ReferenceFailure,
    ReferenceUnavailable,
    UnknownSideError,
)
from envlift.reference.launch import HASH_SEED, open_reference
from envlift.reference.types import Side
from envlift.verify.engine.actions import Counted
from envlift.verify.engine.again import NotRestoredError
from envlift.verify.engine.contract import close as list_what_is_left
from envlift.verify.engine.play import First
from envlift.verify.levels.asking import agreement, contract
from envlift.verify.levels.draws import level as draws
from envlift.verify.levels.itself import level as itself
from envlift.verify.levels.play import rollouts
from envlift.verify.levels.steps import corpus, interactions, properties
from envlift.verify.levels.transfer import level as transfer
from envlift.verify.levels.transfer import training
from envlift.verify.run.context import Context, Effort, Progress
from envlift.verify.run.provenance import sources, versions
from envlift.verify.run.result import NO_SUITE, Check, Report, Verdict
from envlift.verify.run.speed import first_episodes, fitting, measure
from envlift.verify.run.trouble import bug, is_a_sentence, refuse_unknown_option
from envlift.verify.sides.candidates import Limits, arithmetic, open_candidate
from envlift.verify.sides.guard import CandidateViolation
from envlift.verify.sides.own import Own
from envlift.verify.sides.strangers import left_alone
from envlift.verify.suite import Config, PairError, Suite, default_suite
from envlift.verify.suite.guarded import guarded

OpenSides = Callable[[int], contextlib.AbstractContextManager[tuple[Side, Side]]]

LAST_OBSERVATION = "the last observation of an episode"
RELY = ("L2", "L3", "resets", "L4")
"""Levels that rely on a reference that agrees with itself."""

LANES_PATIENCE = 60.0
"""Seconds of making lanes after which a pair goes on with those it has."""

PROBED = 2
"""Lanes of a reference that is asked questions beside the play."""

LEVELS = ("L1", "L2", "L3", "resets", "transforms", "L4")


@dataclass(frozen=True)
class Request:
    """What a person asked for.

    Attributes:
        suite: what is compared, None for a pair without one.
        suite_source: name or path by which ``envlift repro`` finds the suite.
        reference, candidate: what replaces the suite's.
        options: candidate options added to every configuration's, for example a backend.
        configs: names of the configurations to run; empty for all.
        levels: names of the levels to run; empty for all.
        state_attributes: of both Gymnasium environments, instead of what the suite says.
        seed: of the run; None draws one.
        effort: how much, where a configuration does not say it.
        asked: numbers of the effort that were asked for; they stand above a configuration's.
        fixtures: folder for minimised failures.
        timeout: seconds a side may take for one answer.
        start_timeout: seconds a side may take to start.
        apart: run the candidate in a process of its own where that can be done.
        minimise: shorten failures to fixtures.
        ask_reference: ask the reference whether it agrees with itself.
        stop_at_failure: skip what is left after the first failed configuration.
        stop_at_level: skip what is left of a configuration after the first failed level.
        place: where a candidate runs that nobody trusts; it is then never opened in this process.
        suite_place: where the suite's own functions ask it, if that is another.
        not_isolated: why a candidate that is not envlift's own is not isolated, else empty.
    """

    suite: Suite | None
    suite_source: str
    effort: Effort
    fixtures: Path
    reference: str | None = None
    candidate: str | Callable[..., Any] | None = None
    asked: Mapping[str, int] = field(default_factory=dict)
    options: dict[str, Any] | None = None
    configs: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    state_attributes: tuple[str, ...] = ()
    seed: int | None = None
    timeout: float = 60.0
    start_timeout: float = START_TIMEOUT
    minimise: bool = True
    apart: bool = True
    ask_reference: bool = True
    stop_at_failure: bool = False
    stop_at_level: bool = False
    place: Isolation | None = None
    suite_place: Isolation | None = None
    not_isolated: str = ""


STAGES = {
    "corpus": corpus.run,
    "L1": properties.run,
    "L2": interactions.run,
    "resets": draws.run,
    "transforms": itself.run,
    "L3": rollouts.run,
    "L4": transfer.run,
}


def verify(request: Request, progress: Progress) -> Report:
    """Run the levels; Ctrl-C returns what was found so far, marked as interrupted.

    Raises:
        ValueError: for a suite, name or option that makes no sense, or raises (``SuiteError``).
        InternalError: a bug of envlift's. Both only where nothing failed: a FAIL is returned.
    """
    seed = secrets.randbits(48) if request.seed is None else request.seed
    for level in request.levels:
        if level not in LEVELS:
            raise ValueError(f"no level {level!r}; the levels are {', '.join(LEVELS)}")
    with contextlib.ExitStack() as stack:
        try:
            suite, probe = _suite(request, stack)
        except UnknownSideError:
            raise  # a slip in a name is no verdict
        except ReferenceFailure as error:
            return _nothing_to_compare(request, seed, error, progress)
        return _run(request, suite, probe, seed, progress)


def _run(
    request: Request, suite: Suite, probe: Side | None, seed: int, progress: Progress
) -> Report:
    """Run the levels of every configuration."""
    report = Report(
        suite=suite.name,
        reference=suite.reference,
        candidate=str(suite.candidate),
        seed=seed,
        not_verified=[*suite.not_verified, *left_alone(request.not_isolated)],
        versions=versions(),
        deviations={deviation.id: 0 for deviation in suite.deviations},
        sources=sources(suite, request.suite_source, request.reference),
        not_isolated=request.not_isolated,
    )
    left_out = [level for level in LEVELS if level not in request.levels]
    if request.levels and left_out:
        report.not_verified.insert(0, f"levels left out on request: {', '.join(left_out)}")
    configs = _chosen(suite, request.configs)
    _check_attributes(request, suite)
    no_transfer = _no_transfer(request, suite, configs)
    reasons: dict[str, str] = {}
    try:
        for config in [c for c in configs if no_transfer is None or not c.transfer_only]:
            rng = np.random.default_rng([seed, *config.name.encode()])
            with arithmetic(config):
                config = _with_attributes(request, suite, config)
                own = suite.of_config(config)
                _run_config(request, own, config, rng, report, progress, reasons, probe)
            if request.stop_at_failure and report.verdict is Verdict.FAIL:
                break
    except KeyboardInterrupt:
        report.interrupted = True
    except (Exception, SystemExit) as error:
        told = error if is_a_sentence(error) else bug(error)
        if report.verdict is not Verdict.FAIL:
            raise told from error
        # A difference that was found is not lost because something else went wrong after it.
        report.not_verified.append(f"what follows; the run ended early: {told}")
    list_what_is_left(report, reasons)
    contract.finish_run(report, bool(suite.features))
    if report.level_verdict("L4") is None:
        reason = no_transfer or "something went wrong before it; --level L4 runs it all the same"
        report.checks.append(Check("L4", "policy transfer", Verdict.SKIPPED, reason))
        progress.end(report.checks[-1])
        # Left out for want of a package alone: the suite asks for it.
        if no_transfer is not None and no_transfer == training.missing():
            report.unanswered.append(f"the suite asks for L4: {no_transfer}")
    _note_skipped(request, report)
    return report


def _note_skipped(request: Request, report: Report) -> None:
    """A level that was asked for by name and did not run leaves the question open."""
    for level in request.levels:
        skipped = [c.detail for c in report.checks if c.level == level]
        if report.level_verdict(level) is Verdict.SKIPPED:
            report.unanswered.append(f"{level} was asked for and did not run: {skipped[0]}")


def _suite(request: Request, stack: contextlib.ExitStack) -> tuple[Suite, Side | None]:
    """Return the suite, and the reference that was opened to describe it where there was none."""
    if request.suite is not None:
        return guarded(request.suite.with_pair(request.reference, request.candidate)), None
    assert request.reference is not None
    side = open_reference(
        request.reference,
        num_lanes=PROBED,
        config=_attributes(request, request.reference),
        timeout=request.timeout,
        start_timeout=request.start_timeout,
    )
    stack.callback(side.close)
    return default_suite(request.reference, request.candidate, side.spec), side


def _attributes(request: Request, launch: object) -> dict[str, Any]:
    """Return what tells a Gymnasium side where its state is, nothing for other sides."""
    given = list(request.state_attributes)
    return {"state_attributes": given} if given and _takes_attributes(launch) else {}


def _takes_attributes(launch: object) -> bool:
    return isinstance(launch, str) and launch.startswith(("gymnasium:", "vector:"))


def _check_attributes(request: Request, suite: Suite) -> None:
    """Refuse names of attributes that nobody would look for."""
    sides, given = (suite.reference, suite.candidate), request.state_attributes
    if given and not any(map(_takes_attributes, sides)):
        raise PairError(
            f"--state-attributes {','.join(given)} is for gymnasium: and vector: sides; neither "
            f"{sides[0]} nor {sides[1]} is one: give their classes get_state and set_state instead"
        )


def _with_attributes(request: Request, suite: Suite, config: Config) -> Config:
    return replace(
        config,
        reference={**config.reference, **_attributes(request, suite.reference)},
        candidate={**config.candidate, **_attributes(request, suite.candidate)},
    )


def _nothing_to_compare(
    request: Request, seed: int, error: ReferenceFailure, progress: Progress
) -> Report:
    """The reference of a pair without a suite does not start: the question stays open."""
    names = str(request.reference), str(request.candidate)
    report = Report(NO_SUITE, *names, seed=seed, versions=versions())
    _note_failure("L1", Config("default"), error, report, progress)
    return report


def _chosen(suite: Suite, names: tuple[str, ...]) -> list[Config]:
    known = {config.name: config for config in suite.configs}
    for name in names:
        if name not in known:
            raise PairError(f"no configuration {name!r}; {suite.name} has {', '.join(known)}")
    return [known[name] for name in names] if names else list(suite.configs)


def _run_config(
    request: Request,
    suite: Suite,
    config: Config,
    rng: np.random.Generator,
    report: Report,
    progress: Progress,
    reasons: dict[str, str],
    probe: Side | None,
) -> None:
    options = {**config.candidate, **(request.options or {})}
    effort = request.effort.of_config(config.effort, request.asked)
    limits = Limits(request.timeout, request.start_timeout, LANES_PATIENCE, request.place)
    asking = replace(limits, place=request.suite_place or request.place)

    def open_sides(lanes: int) -> contextlib.AbstractContextManager[tuple[Side, Side]]:
        return _open_sides(suite, config, options, lanes, limits, request.apart)

    unused = [] if probe is None else [probe]

    def alone(lanes: int, **more: Any) -> Side:
        return _reference(suite, config, limits, lanes, **more)

    def open_probe() -> Side:
        return unused.pop() if unused else alone(PROBED)

    with contextlib.ExitStack() as stack:
        try:
            effort, reference, candidate, firsts = _open_fitting(
                stack, open_sides, suite, config, effort, request.asked, report
            )
        except ReferenceUnavailable as error:
            _without_reference(suite, config, options, limits, error, report, progress)
            return
        except UnknownSideError:
            raise
        except (ReferenceFailure, CandidateViolation, CandidateFailure) as error:
            mine = config.reference if isinstance(error, ReferenceFailure) else options
            refuse_unknown_option(suite, config, mine, error)
            _note_failure("L1", config, error, report, progress)
            return
        report.reference, report.candidate = reference.spec.name, candidate.spec.name
        if reason := getattr(candidate, "together", ""):
            line = (
                f"a candidate apart from the verifier: it runs in the same process, since {reason}"
            )
            report.not_verified += [line] * (line not in report.not_verified)
        report.pins |= reference.spec.pins
        left = sorted(set(reference.spec.state) - {field.name for field in suite.state})
        lines = [f"state field {name}" for name in left]
        resetting = [side.spec.name for side in (reference, candidate) if side.spec.self_reset]
        lines += [f"{LAST_OBSERVATION} ({name} does not show it)" for name in resetting]
        report.not_compared += [line for line in lines if line not in report.not_compared]
        context = Context(
            suite=suite,
            config=config,
            suite_source=request.suite_source,
            rng=rng,
            effort=effort,
            reference=reference,
            candidate=candidate,
            open_sides=open_sides,
            open_reference=lambda lanes: alone(lanes, returns=RETURNS),
            open_candidate=lambda lanes: open_candidate(
                suite.candidate, options, lanes, limits, request.apart
            ),
            open_stranger=lambda lanes, hash_seed: alone(
                lanes, env={**os.environ, HASH_SEED: hash_seed}
            ),
            report=report,
            progress=progress,
            fixtures=request.fixtures,
            pair=(request.reference, request.candidate),
            minimises=request.minimise,
            asks=request.ask_reference,
            options={**(request.options or {}), **_attributes(request, suite.candidate)},
            own=Own(request.suite_source, suite, config, options, asking, request.apart, stack),
            reasons=reasons,
            firsts=firsts,
            open_probe=open_probe,
        )
        outset, not_restored = (context, len(report.checks)), ""
        already_listed = list(report.not_compared)
        while True:
            if request.ask_reference and (not request.levels or set(request.levels) & set(RELY)):
                settled = _settle(context, stack, report, progress, not_restored)
                if settled is None:
                    return
                context = settled
            contract.begin(context)
            try:
                survived = _run_stages(
                    request, context, report, progress, _restarting(context, limits, request, stack)
                )
                break
            except NotRestoredError as told:
                # What was compared by copied states is compared anew, without them.
                context, kept = outset
                del report.checks[kept:]
                report.not_compared[:] = already_listed
                not_restored = str(told)
        contract.finish(context, {level: _due(level, request, context) for level in ("L2", "L3")})
        if not survived:
            return
        _note_not_finite(context.reference, report)
        for place, count in context.reference.coverage().items():
            report.reference_coverage[place] = report.reference_coverage.get(place, 0) + count


def _open_fitting(
    stack: contextlib.ExitStack,
    open_sides: OpenSides,
    suite: Suite,
    config: Config,
    effort: Effort,
    asked: Mapping[str, int],
    report: Report,
) -> tuple[Effort, Side, Side, tuple[First | None, First | None]]:
    """Open both sides with as many lanes, and return an effort, as their speed allows.

    The last thing returned is what both played first when they were new.
    """
    inner = stack.enter_context(contextlib.ExitStack())
    pair = inner.enter_context(open_sides(effort.lanes))
    wanted, why = effort.lanes, "making them takes long"
    firsts, speed = (first_episodes(pair[0]), first_episodes(pair[1])), measure(suite, pair)
    # A chance of its own: how fast a machine is must not change what is drawn.
    few = pair[0].num_lanes if "lanes" in asked else speed.lanes(pair[0].num_lanes)
    broken = not all(getattr(side, "alive", True) for side in pair)
    if few < pair[0].num_lanes or broken:
        why = f"a step takes {speed.step * 1e3:.2g} ms" if few < pair[0].num_lanes else why
        inner.close()
        pair, firsts = inner.enter_context(open_sides(few)), (None, None)
    if pair[0].num_lanes < wanted:
        report.not_verified.append(
            f"more than {pair[0].num_lanes} episodes side by side, of {wanted} [{config.name}]: "
            f"{why} (--lanes asks for more)"
        )
        report.repeat_with.append(f"--lanes {pair[0].num_lanes}")
    effort, lowered = fitting(replace(effort, lanes=pair[0].num_lanes), speed, asked)
    if lowered:
        report.not_verified.append(f"{lowered} [{config.name}]")
    return effort, *pair, firsts


def _restarting(
    context: Context, limits: Limits, request: Request, stack: contextlib.ExitStack
) -> Callable[[], None]:
    """Return what gives a context a new process of its candidate, where the old one ended."""

    def restart() -> None:
        suite, lanes = context.suite, context.reference.num_lanes
        options = {**context.config.candidate, **(request.options or {})}
        few = replace(limits, lanes=None)
        again = open_candidate(suite.candidate, options, lanes, few, request.apart)
        stack.callback(again.close)
        counted = context.played
        context.candidate = again if counted is None else Counted(again, counted)

    return restart


def _settle(
    context: Context,
    stack: contextlib.ExitStack,
    report: Report,
    progress: Progress,
    not_restored: str,
) -> Context | None:
    """Ask the reference whether it agrees with itself; None where nothing can be compared."""
    try:
        return agreement.settle(context, stack, not_restored)
    except (ReferenceFailure, CandidateViolation, CandidateFailure) as error:
        _note_failure("agreement", context.config, error, report, progress)
        return None


def _note_not_finite(reference: Side, report: Report) -> None:
    """Say where the reference answers NaN or infinity; only the same is equal to them."""
    for name, count in getattr(reference, "not_finite", {}).items():
        report.not_verified.append(f"{name}: the reference answered NaN or infinity {count} times")


def _run_stages(
    request: Request,
    context: Context,
    report: Report,
    progress: Progress,
    restart: Callable[[], None],
) -> bool:
    """Run the levels; tell whether both sides survived them.

    The others still run, with a new candidate, after one in which it raised. A hang ends them all.
    """
    for level, stage in STAGES.items():
        if not _due(level, request, context):
            continue
        # A level's chance does not depend on how much the levels before it compared.
        context.rng = np.random.default_rng(
            [report.seed, *context.config.name.encode(), *level.encode()]
        )
        try:
            stage(context)
        except ReferenceFailure as error:
            _note_failure(level, context.config, error, report, progress)
            return False
        except (CandidateViolation, CandidateFailure) as error:
            _note_failure(level, context.config, error, report, progress)
            if isinstance(error, CandidateFailure) and error.hung:
                report.not_verified.append(f"what follows {level}: the candidate hangs")
                return False
        try:
            if not getattr(context.candidate, "alive", True):
                restart()
        except CandidateFailure as error:
            _note_failure(level, context.config, error, report, progress)
            return False
        if request.stop_at_level and report.level_verdict(level) is Verdict.FAIL:
            break
    return True


def _due(level: str, request: Request, context: Context) -> bool:
    """Whether a level runs in this configuration."""
    if level != "L4":
        asked = not request.levels or level in request.levels or level == "corpus"
        return asked and not context.config.transfer_only
    if _no_transfer(request, context.suite, [context.config]) is not None:
        return False
    # Training takes long, and a fault that is known already does not need it.
    return level in request.levels or context.report.verdict is not Verdict.FAIL


def _no_transfer(request: Request, suite: Suite, configs: list[Config]) -> str | None:
    return training.left_out(suite, configs, request.levels, request.effort.transfer)


def _reference(suite: Suite, config: Config, limits: Limits, lanes: int, **more: Any) -> Side:
    """Open the reference alone, as a configuration has it."""
    return open_reference(
        suite.reference,
        num_lanes=lanes,
        config=dict(config.reference),
        timeout=limits.answer,
        start_timeout=limits.start,
        **more,
    )


@contextlib.contextmanager
def _open_sides(
    suite: Suite, config: Config, options: dict[str, Any], lanes: int, limits: Limits, apart: bool
) -> Iterator[tuple[Side, Side]]:
    """Open both, with as many lanes as the slower one makes within ``limits.lanes``."""
    if suite.prepare is not None:
        suite.prepare()

    def reference_of(lanes: int) -> Side:
        return _reference(suite, config, limits, lanes, patience=limits.lanes)

    with contextlib.ExitStack() as stack:
        reference = stack.enter_context(contextlib.closing(reference_of(lanes)))
        candidate = open_candidate(suite.candidate, options, reference.num_lanes, limits, apart)
        stack.callback(candidate.close)
        if candidate.num_lanes < reference.num_lanes:
            reference.close()
            again = reference_of(candidate.num_lanes)
            reference = stack.enter_context(contextlib.closing(again))
            if reference.num_lanes < candidate.num_lanes:
                few = replace(limits, lanes=None)
                candidate.close()
                lanes = reference.num_lanes
                candidate = open_candidate(suite.candidate, options, lanes, few, apart)
                stack.callback(candidate.close)
        _check_shapes(suite, reference, candidate)
        yield reference, candidate


def _check_shapes(suite: Suite, reference: Side, candidate: Side) -> None:
    """Refuse pairs that cannot play the same actions."""
    ours, theirs = reference.spec, candidate.spec
    for spec in (ours, theirs):
        if spec.chance is not None and suite.start != "chance":
            raise PairError(
                f"{spec.name} is given its chance (shape {spec.chance.shape}, "
                f"{spec.chance.dtype}): give the suite start='chance' and a draw_chance"
            )
    if ours.num_actions != theirs.num_actions or ours.action.shape != theirs.action.shape:

        def text(spec: Any) -> str:
            n = spec.num_actions
            return f"Discrete({n})" if n is not None else f"{spec.action.shape} floats"

        raise PairError(
            f"the actions differ: {ours.name} takes {text(ours)}, {theirs.name} takes "
            f"{text(theirs)}; choose matching options in the suite's configuration"
        )


def _without_reference(
    suite: Suite,
    config: Config,
    options: dict[str, Any],
    limits: Limits,
    error: ReferenceUnavailable,
    report: Report,
    progress: Progress,
) -> None:
    """The recorded corpus still runs; nothing is concluded from it alone."""
    report.checks.append(
        Check("L3", f"reference [{config.name}]", Verdict.INCONCLUSIVE, str(error))
    )
    progress.end(report.checks[-1])
    corpus.run_recorded(suite, config, options, limits, report, progress)


def _note_failure(
    level: str, config: Config, error: Exception, report: Report, progress: Progress
) -> None:
    """A candidate that cheats or breaks has failed; a broken reference leaves the question open."""
    reference = isinstance(error, ReferenceFailure)
    verdict = Verdict.INCONCLUSIVE if reference else Verdict.FAIL
    who = "reference" if reference else "candidate"
    report.checks.append(Check(level, f"{who} [{config.name}]", verdict, str(error)))
    progress.end(report.checks[-1])
