"""Level 1, the reference's half, while there is no environment yet: functions side by side."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np

from envlift.candidate.isolation import Isolation
from envlift.reference.failure import CandidateFailure
from envlift.reference.launch import open_reference
from envlift.reference.types import Array, Side
from envlift.translate.project.file import Project, ProjectError
from envlift.verify.levels.steps.properties import compare_component
from envlift.verify.run.context import Context, Effort
from envlift.verify.run.progress import Silent
from envlift.verify.run.result import Check, Report, Verdict
from envlift.verify.sides.candidates import Limits, load
from envlift.verify.sides.guard import CandidateViolation
from envlift.verify.sides.own import Own
from envlift.verify.suite import applies
from envlift.verify.suite.find import find_suite

HOST = "envlift.translate.grading.component_host"
"""What answers for the candidate's functions, in a process of its own."""


class Nothing:
    """Stands for the candidate's environment, which nobody has written yet."""

    @property
    def env(self) -> Nothing:
        """What a component's ``candidate`` is given."""
        return self

    def __getattr__(self, name: str) -> Any:
        raise CandidateFailure(
            "the component's candidate asked for the environment, but its module is judged before "
            "there is one; in the suite, let it use the module's function (from_function, "
            "from_arrays)"
        )


def from_function(name: str) -> Callable[[Any], Callable[[dict[str, Array]], dict[str, Array]]]:
    """Return a suite component's ``candidate``: a JAX function ``package.module:name``.

    It takes a component's arguments by keyword, for one row, and is mapped over the rows; what it
    gives is called ``result`` unless it is a dict. For a table, a component without arguments, it
    may be a constant just as well.
    """

    def candidate(env: Any) -> Callable[[dict[str, Array]], dict[str, Array]]:
        import jax

        function = jax.jit(jax.vmap(lambda row: load(name)(**row)))

        def call(arguments: dict[str, Array]) -> dict[str, Array]:
            given = function(arguments) if arguments else table()
            found = given if isinstance(given, dict) else {"result": given}
            return {key: np.asarray(value) for key, value in found.items()}

        def table() -> Any:
            value = load(name)
            # One row, as the reference gives it; there is nothing to map over.
            value = value() if callable(value) else value
            return jax.tree.map(lambda leaf: np.asarray(leaf)[None], value)

        return call

    return candidate


def _never(lanes: int) -> contextlib.AbstractContextManager[tuple[Side, Side]]:
    raise CandidateFailure("no environment is opened while only functions are compared")


def from_arrays(name: str) -> Callable[[Any], Callable[[dict[str, Array]], dict[str, Array]]]:
    """Return a suite component's ``candidate``: a function ``package.module:name`` of arrays.

    For what is not JAX, such as a library called with ctypes. It takes a component's arguments by
    keyword, each [N, ...], and gives an array [N, ...] (called ``result``) or a dict of them; a
    table has no arguments and no N.
    """

    def candidate(env: Any) -> Callable[[dict[str, Array]], dict[str, Array]]:
        def call(arguments: dict[str, Array]) -> dict[str, Array]:
            given = load(name)(**arguments)
            found = given if isinstance(given, dict) else {"result": given}
            return {key: np.asarray(value) for key, value in found.items()}

        return call

    return candidate


def compare(
    project: Project, names: Collection[str], place: Isolation | None = None
) -> list[Check]:
    """Compare components of the suite by name.

    Args:
        project: as the rules say it; its folder is the working directory.
        names: of components.
        place: where the candidate's functions run; None for this process, if they are trusted.

    Raises:
        ProjectError: if the suite has no component of a name.
    """
    suite, source = find_suite(str(project.folder / project.suite))
    config = suite.configs[0]
    known = {one.name: one for one in suite.components if applies(one, config)}
    missing = [name for name in names if name not in known]
    if missing:
        raise ProjectError(
            f"a module names the component {missing[0]!r}, which {project.suite} does not have; "
            f"it has: {', '.join(known) or 'none'}"
        )
    seed = secrets.randbits(48)
    report = Report(suite.name, suite.reference, str(suite.candidate), seed)
    with contextlib.ExitStack() as stack:
        reference = open_reference(suite.reference, num_lanes=1, config=dict(config.reference))
        stack.callback(reference.close)
        limits = Limits(project.verification.timeout, place=place)
        own = None
        if place is not None:
            own = Own(source, suite, config, {}, limits, True, stack, HOST)
        context = Context(
            suite=suite,
            config=config,
            suite_source=source,
            rng=np.random.default_rng(seed),
            # Functions are quick to compare, so a quick project compares them in full as well.
            effort=Effort(),
            reference=reference,
            candidate=Nothing(),
            open_sides=_never,
            open_reference=lambda lanes: reference,
            open_candidate=lambda lanes: Nothing(),
            open_stranger=lambda lanes, hash_seed: reference,
            report=report,
            progress=Silent(),
            fixtures=Path("fixtures"),
            minimises=False,
            own=own,
        )
        for name in names:
            try:
                compare_component(context, known[name])
            except (CandidateFailure, CandidateViolation) as error:
                report.checks[-1].verdict = Verdict.FAIL
                report.checks[-1].detail = str(error)
    return report.checks
