"""L1: does each component compute what the reference's component computes?

Inputs are generated and shrunk by Hypothesis; a component without inputs is a table, read from the
running reference and compared once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from envlift.reference.types import Array
from envlift.verify.compare import compare_field
from envlift.verify.context import Context
from envlift.verify.env_side import env_of
from envlift.verify.guard import judged
from envlift.verify.lockstep import describe
from envlift.verify.result import Divergence, Verdict
from envlift.verify.suite import Component, PairError, applies

ROWS = 64
"""Rows per Hypothesis example; calls are padded to it, so that one compilation serves all."""

FEWEST = 8
"""Rows of the smallest example: by itself Hypothesis likes short lists, which reach little."""

Function = Callable[[dict[str, Array]], dict[str, Array]]


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
            "shape of an observation": (ours.observation.shape, theirs.observation.shape),
            "dtype of an observation": (ours.observation.dtype, theirs.observation.dtype),
        }
        env = env_of(context.candidate)
        if env is not None:
            # JAX holds 64-bit numbers in 32 bits unless told otherwise; values are compared anyway.
            held = jax.dtypes.canonicalize_dtype(ours.observation.dtype).name
            told["dtype of an observation"] = (held, theirs.observation.dtype)
            declared = env.observation_space().shape
            told["declared shape of an observation"] = (ours.observation.shape, declared)
        told = {name: pair for name, pair in told.items() if None not in pair}
        wrong = [name for name, (one, other) in told.items() if one != other]
        check.counts = {"facts": len(told)}
        check.verdict = Verdict.FAIL if wrong else Verdict.PASS
        check.detail = "what both sides say of them"
        if wrong:
            one, other = told[wrong[0]]
            check.detail = f"{wrong[0]}: the reference has {one}, the candidate {other}"


def candidate_function(context: Context, component: Component) -> Function:
    """Return the candidate's side of a component."""
    if component.candidate is None:
        return lambda arguments: context.candidate.call(component.name, arguments)
    return component.candidate(getattr(context.candidate, "env", context.candidate))


def compare_component(context: Context, component: Component) -> None:
    """Compare one component with the reference's, as a check of level 1."""
    with context.check("L1", component.name) as check:
        with judged(component.name):
            function = candidate_function(context, component)
        counts = {"rows": 0, "fields": len(component.fields)}
        worst: list[Divergence] = []

        def compare(rows: list[dict[str, Any]]) -> None:
            arguments = _arguments(component, rows)
            with judged(component.name):
                theirs = function({name: value.copy() for name, value in arguments.items()})
            answers = context.reference.call(component.name, arguments)
            n = len(rows) if component.row is not None else 1
            counts["rows"] += n
            context.progress.advance(counts["rows"], context.effort.examples * ROWS // 2)
            divergence = _difference(component, answers, theirs, n, rows)
            if divergence is not None:
                worst[:] = [divergence]
                raise _DifferenceError

        try:
            if component.row is None:
                compare([{}])
            else:
                _search(component, compare, context)
        except _DifferenceError:
            context.fail(check, worst[0], None)
            check.detail = f"{worst[0].field} differs for {_row_text(worst[0].before)}"
        else:
            check.verdict = Verdict.PASS
            check.detail = "table" if component.row is None else "generated inputs"
        check.counts = counts


def _search(
    component: Component, compare: Callable[[list[dict[str, Any]]], None], context: Context
) -> None:
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
        compare(rows)

    search()


def _arguments(component: Component, rows: list[dict[str, Any]]) -> dict[str, Array]:
    """Stack rows into arrays [ROWS, ...]; the last row is repeated as padding."""
    if component.row is None:
        return {}
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
    rows: list[dict[str, Any]],
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
    if not found:
        return None
    row = int(np.argwhere(np.any([m.bad[0] for m in found], axis=0))[0, 0])
    before = {} if component.row is None else rows[row]
    return describe(found, 0, row, 0, [], before, {}, {})


def _row_text(row: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in row.items()) or "the table"
