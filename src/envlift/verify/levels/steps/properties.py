"""L1: does each component compute what the reference's component computes?

Inputs are generated and shrunk by Hypothesis, or drawn by the suite, many at a time, where a row is
large; a component without inputs is a table, read from the running reference and compared once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from envlift.reference.failure import CandidateFailure, CandidateViolation, ReferenceFailure
from envlift.reference.spaces import differences
from envlift.reference.types import Array, Side, SideSpec
from envlift.verify.engine.compare import compare_field, refuse_nan_of_reference
from envlift.verify.engine.lockstep import describe
from envlift.verify.run.context import Context
from envlift.verify.run.result import Divergence, Verdict
from envlift.verify.sides.guard import blamed
from envlift.verify.sides.probing import can_probe
from envlift.verify.suite import Component, PairError, applies

ROWS = 64
"""Rows per Hypothesis example; calls are padded to it, so that one compilation serves all."""

DRAWN = 1_024
"""Rows of one call where the suite draws them."""

FEWEST = 8
"""Rows of the smallest example: by itself Hypothesis likes short lists, which reach little."""

Function = Callable[[dict[str, Array]], dict[str, Array]]
Row = dict[str, Any]
Rows = Callable[[np.random.Generator, int], Mapping[str, Array]]
Compare = Callable[[dict[str, Array], int, Callable[[int], Row]], None]


class _DifferenceError(AssertionError):
    """Raised into Hypothesis so that it shrinks the rows."""


def run(context: Context) -> None:
    """Compare the spaces, then every component of the suite."""
    _spaces(context)
    for component in context.suite.components:
        if applies(component, context.config):
            compare_component(context, component)


def _spaces(context: Context) -> None:
    """Compare what both sides say of their actions and observations, where both say it."""
    ours, theirs = context.reference.spec, context.candidate.spec
    with context.check("L1", "spaces") as check:
        told = {
            "number of actions": (ours.num_actions, theirs.num_actions),
            "shape of an action": (ours.action.shape, theirs.action.shape),
            "lowest action": (ours.action_low, theirs.action_low),
            "highest action": (ours.action_high, theirs.action_high),
            "time limit": (ours.time_limit, theirs.time_limit),
            "shape of an observation": (ours.observation.shape, theirs.observation.shape),
            "dtype of an observation": (ours.observation.dtype, theirs.observation.dtype),
        }
        jax_env = can_probe(context.candidate)
        if jax_env:
            # JAX holds 64-bit numbers in 32 bits unless told otherwise; values are compared anyway.
            held = jax.dtypes.canonicalize_dtype(ours.observation.dtype).name
            told["dtype of an observation"] = (held, theirs.observation.dtype)
            told["declared shape of an observation"] = (
                ours.observation.shape,
                _declared_shape(theirs),
            )
        if _only_wider(context, ours, theirs):
            del told["dtype of an observation"]
        elif not _as_declared(ours) and _as_declared(theirs):
            # The reference does not keep to its own space; that is noticed elsewhere.
            del told["dtype of an observation"]
        told = {name: pair for name, pair in told.items() if None not in pair}
        wrong = _described(context, ours, theirs, narrow=jax_env)
        wrong += [
            f"{name}: the reference has {one}, the candidate {other}"
            for name, (one, other) in told.items()
            if one != other
        ]
        check.counts = {"facts": len(told)}
        check.verdict = Verdict.FAIL if wrong else Verdict.PASS
        check.detail = wrong[0] if wrong else "what both sides say of them"


def _declared_shape(spec: SideSpec) -> tuple[int, ...] | None:
    """Return the shape that a space declares, None where it has none."""
    shape = None if spec.observation_space is None else spec.observation_space.get("shape")
    return None if shape is None else tuple(shape)


def _only_wider(context: Context, ours: SideSpec, theirs: SideSpec) -> bool:
    """Whether the suite lets observations be integers of any width, and both sides' are."""
    kinds = {np.dtype(spec.observation.dtype).kind for spec in (ours, theirs)}
    return context.suite.observation.any_integer and kinds <= {"i", "u"}


def _as_declared(spec: SideSpec) -> bool:
    """Whether observations have the dtype of their space, where that is one."""
    space = spec.observation_space
    return space is None or "dtype" not in space or space["dtype"] == spec.observation.dtype


def _described(context: Context, ours: SideSpec, theirs: SideSpec, narrow: bool) -> list[str]:
    """Say where the spaces differ: kinds, bounds, dtypes, keys, first actions.

    A difference for which the suite has a deviation of the field ``action space`` or
    ``observation space`` is counted there instead.
    """
    found = []
    for what in ("action space", "observation space"):
        name = what.replace(" ", "_")
        mine, other = getattr(ours, name), getattr(theirs, name)
        wrong = [] if mine is None or other is None else differences(mine, other, narrow)
        if not context.suite.described and what == "observation space":
            # Bounds that are declared wider change no number; a suite may insist on them.
            bounds = [one for one in wrong if one.startswith(("low", "high"))]
            wrong = [one for one in wrong if one not in bounds]
            context.report.not_compared += [f"{what}, {sentence}" for sentence in bounds]
        if what == "observation space" and _only_wider(context, ours, theirs):
            wrong = [one for one in wrong if not one.startswith("dtype")]
        allowed = [one.id for one in context.suite.deviations if one.field == what]
        if wrong and allowed:
            counts = context.report.deviations
            counts[allowed[0]] = counts.get(allowed[0], 0) + len(wrong)
            continue
        found += [f"{what}, {sentence}" for sentence in wrong]
    return found


def candidate_function(context: Context, component: Component) -> Function:
    """Return the candidate's side of a component."""
    if component.candidate is None:
        return lambda arguments: context.candidate.call(component.name, arguments)
    there = context.own.component(component) if context.own is not None else None
    if there is not None:
        return there
    if context.own is not None and can_probe(context.candidate) and _elsewhere(context.candidate):
        _note_here(context)
        env: Any = context.own.env_here()
    else:
        env = getattr(context.candidate, "env", context.candidate)
    with blamed(component.name):
        return component.candidate(env)


def _elsewhere(side: Side) -> bool:
    return not hasattr(side, "env")


def _note_here(context: Context) -> None:
    line = "components apart from the verifier: their suite cannot be found in another process"
    if line not in context.report.not_verified:
        context.report.not_verified.append(line)


def compare_component(context: Context, component: Component) -> None:
    """Compare one component with the reference's, as a check of level 1."""
    with context.check("L1", component.name) as check:
        function = candidate_function(context, component)
        counts = {"rows": 0, "fields": len(component.fields)}
        worst: list[Divergence] = []
        broke: list[Exception] = []

        def compare(arguments: dict[str, Array], n: int, row: Callable[[int], Row]) -> None:
            try:
                with blamed(component.name):
                    theirs = function({name: value.copy() for name, value in arguments.items()})
            except (CandidateFailure, CandidateViolation) as error:
                _refuse_unanswered(context, component, arguments, error)
                broke.append(error)
                raise
            answers = context.reference.call(component.name, arguments)
            counts["rows"] += n
            context.progress.advance(counts["rows"], _expected(context))
            divergence = _difference(component, answers, theirs, n, row)
            if divergence is not None:
                worst[:] = [divergence]
                raise _DifferenceError

        try:
            if component.rows is not None:
                _draw(component, component.rows, compare, context)
            elif component.row is not None:
                _search(component, compare, context)
            else:
                compare({}, 1, lambda _: {})
        except _DifferenceError:
            context.fail(check, worst[0], None)
            check.detail = f"{worst[0].field} differs for {_row_text(worst[0].before)}"
        except ExceptionGroup:
            # A process that has ended fails in another way when it is asked again, and Hypothesis
            # tells all of them, or calls that flaky.
            if broke:
                raise broke[0] from None
            raise
        else:
            check.verdict = Verdict.PASS
            table = component.row is None and component.rows is None
            check.detail = "table" if table else "generated inputs"
        check.counts = counts


def _refuse_unanswered(
    context: Context, component: Component, arguments: dict[str, Array], error: Exception
) -> None:
    """A component that the reference does not answer either is a slip of the suite."""
    try:
        context.reference.call(component.name, arguments)
    except ReferenceFailure as own:
        raise PairError(
            f"neither side answers the component {component.name!r}; correct its name or its rows "
            f"in the suite. The reference: {own}. The candidate: {error}"
        ) from error


def _expected(context: Context) -> int:
    """Return about how many rows Hypothesis generates, and how many are drawn without it."""
    return context.effort.examples * ROWS // 2


def _draw(component: Component, rows: Rows, compare: Compare, context: Context) -> None:
    """Compare rows that the suite draws, many at a time."""
    done, total = 0, max(1, _expected(context) // component.cost)
    n = DRAWN if component.cost == 1 else min(DRAWN, total)
    while done < total:
        drawn = rows(context.rng, n)
        if set(drawn) != set(component.dtypes):
            raise PairError(
                f"the rows of component {component.name!r} hold {sorted(drawn)}, its dtypes "
                f"{sorted(component.dtypes)}"
            )
        arguments = {
            name: np.asarray(drawn[name], dtype) for name, dtype in component.dtypes.items()
        }
        lengths = {name: len(values) for name, values in arguments.items()}
        if set(lengths.values()) != {n}:
            raise PairError(
                f"the rows of component {component.name!r} have the lengths {lengths}; "
                f"{n} were asked for"
            )
        compare(
            arguments,
            n,
            lambda row, given=arguments: {k: v[row].tolist() for k, v in given.items()},  # type: ignore[misc]
        )
        done += n


def _search(component: Component, compare: Compare, context: Context) -> None:
    """Let Hypothesis look for rows that differ; the smallest it finds are raised."""

    @seed(int(context.rng.integers(2**62)))
    @settings(
        max_examples=context.effort.examples,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(st.lists(component.row, min_size=FEWEST, max_size=ROWS))
    def search(rows: list[dict[str, Any]]) -> None:
        compare(_arguments(component, rows), len(rows), rows.__getitem__)

    search()


def _arguments(component: Component, rows: list[dict[str, Any]]) -> dict[str, Array]:
    """Stack rows into arrays [ROWS, ...]; the last row is repeated as padding."""
    padded = rows + [rows[-1]] * (ROWS - len(rows))
    return {
        name: np.asarray([row[name] for row in padded], dtype=dtype)
        for name, dtype in component.dtypes.items()
    }


def _difference(
    component: Component,
    answers: dict[str, Array],
    theirs: dict[str, Array],
    n: int,
    row: Callable[[int], Row],
) -> Divergence | None:
    found = []
    for field in component.fields:
        for side, values in (("reference", answers), ("candidate", theirs)):
            if field.name not in values:
                raise PairError(
                    f"the {side}'s component {component.name!r} gives no {field.name!r}; it gives "
                    f"{', '.join(sorted(values)) or 'nothing'}"
                )
        rows_given = [len(np.atleast_1d(side[field.name])) for side in (answers, theirs)]
        if rows_given[0] != rows_given[1]:
            raise PairError(
                f"the reference's component {component.name!r} gives {rows_given[0]} rows of "
                f"{field.name!r}, the candidate {rows_given[1]}; a result has a row for "
                "each row of arguments, and a table has one: [1, ...]"
            )
        reference = np.atleast_1d(np.asarray(answers[field.name]))[:n][None]
        candidate = np.atleast_1d(np.asarray(theirs[field.name]))[:n][None]
        mismatch = compare_field(reference, candidate, field)
        if mismatch.bad.any():
            found.append(mismatch)
    refuse_nan_of_reference(found, f"call of {component.name}")
    if not found:
        return None
    first = int(np.argwhere(np.any([m.bad[0] for m in found], axis=0))[0, 0])
    return describe(found, 0, first, 0, [], row(first), {}, {})


def _row_text(row: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in row.items()) or "the table"
