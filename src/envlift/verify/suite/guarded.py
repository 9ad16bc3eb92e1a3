"""Whose error it is when code of a suite raises: the suite's, told with its file and line.

A suite's functions run in the middle of a comparison. What they raise is neither side's fault and
must not look like it.
"""

from __future__ import annotations

import functools
import linecache
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from envlift.reference.failure import SideFailure, UnknownSideError
from envlift.verify.suite.declare import Feature, PairError, Policy, Suite, Trace

_OURS = str(Path(__file__).resolve().parents[2])


class SuiteError(PairError):
    """The suite's own code is wrong; only who wrote it may mend it."""


def guarded(suite: Suite) -> Suite:
    """Return the suite with functions that raise ``SuiteError`` where they raised anything."""
    whole = functools.partial(_guard, suite.name)
    return replace(
        suite,
        features=tuple(
            replace(feature, reached=_mask(suite.name, feature)) for feature in suite.features
        ),
        policies=tuple(
            policy if policy.act is None else replace(policy, act=_act(suite.name, policy))
            for policy in suite.policies
        ),
        components=tuple(
            component
            if component.rows is None
            else replace(
                component, rows=whole(f"the rows of component {component.name!r}", component.rows)
            )
            for component in suite.components
        ),
        draw_chance=whole("draw_chance", suite.draw_chance),
        chance_outcome=whole("chance_outcome", suite.chance_outcome),
        to_candidate=_fields(suite.name, "to_candidate", suite.to_candidate),
        to_reference=_fields(suite.name, "to_reference", suite.to_reference),
        random_states=_fields(suite.name, "random_states", suite.random_states),
        prepare=whole("prepare", suite.prepare),
    )


def suite_error(suite: str, what: str, error: BaseException, function: Any = None) -> SuiteError:
    """Return the suite's error with the innermost line that is the suite's own."""
    return SuiteError(
        f"the suite {suite} is wrong: {what} raised {_kind(error)}{_place(error, function)}"
    )


def _kind(error: BaseException) -> str:
    words = error.msg if isinstance(error, SyntaxError) else str(error)
    text = words.strip().partition("\n")[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _place(error: BaseException, function: Any) -> str:
    """Return file, line and source of the innermost frame outside envlift and the libraries."""
    frames = traceback.extract_tb(error.__traceback__)
    own = getattr(getattr(function, "__code__", None), "co_filename", None)
    mine = [f for f in frames if f.filename == own] or [
        f
        for f in frames
        if not f.filename.startswith((_OURS, "<")) and "site-packages" not in f.filename
    ]
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        file, line = error.filename, error.lineno
    elif mine and mine[-1].lineno:
        file, line = mine[-1].filename, mine[-1].lineno
    else:
        return ""
    text = linecache.getline(file, line).strip()
    return f" ({file}, line {line}" + (f": {text})" if text else ")")


def _guard(suite: str, what: str, function: Callable[..., Any] | None) -> Any:
    if function is None:
        return None

    @functools.wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        try:
            return function(*arguments, **named)
        except (PairError, SideFailure, UnknownSideError):
            raise
        except (Exception, SystemExit) as error:
            # One that ends the process would end the run with whatever exit code it likes.
            raise suite_error(suite, what, error, function) from error

    return call


def _mask(suite: str, feature: Feature) -> Callable[[Trace], Any]:
    what = f"the feature {feature.name!r}"
    call = _guard(suite, what, feature.reached)

    @functools.wraps(feature.reached)
    def reached(trace: Trace) -> Any:
        mask = np.asarray(call(trace))
        if mask.shape != trace.terminated.shape or mask.dtype.kind not in "biu":
            place = _defined(feature.reached)
            raise SuiteError(
                f"the suite {suite} is wrong: {what} gives {mask.dtype} of the shape {mask.shape}; "
                f"bool of [steps, lanes] = {trace.terminated.shape} is wanted{place}"
            )
        return mask.astype(np.bool_)

    return reached


def _defined(function: Any) -> str:
    code = getattr(function, "__code__", None)
    return "" if code is None else f" ({code.co_filename}, line {code.co_firstlineno})"


def _act(suite: str, policy: Policy) -> Callable[..., Any]:
    what = f"the policy {policy.name!r}"
    assert policy.act is not None
    call = _guard(suite, what, policy.act)
    wrong = f"the suite {suite} is wrong: {what} gives"
    place = _defined(policy.act)

    @functools.wraps(policy.act)
    def act(rng: np.random.Generator, observation: Any, *others: Any, **named: Any) -> Any:
        actions = call(rng, observation, *others, **named)
        lanes = len(observation)
        try:
            numbers = np.asarray(actions)
        except ValueError:  # rows of different lengths
            numbers = np.zeros(0, dtype=object)
        if numbers.dtype.kind not in "biuf":
            shown = f"{type(actions).__name__} of the dtype {numbers.dtype}"
            raise SuiteError(f"{wrong} a {shown}; numbers of [lanes, ...] are wanted{place}")
        given = numbers.shape[0] if numbers.ndim else 0
        if given != lanes:
            raise SuiteError(
                f"{wrong} {given} actions for {lanes} lanes; one for each lane is wanted, "
                f"[lanes, ...]{place}"
            )
        return actions

    return act


def _fields(suite: str, what: str, function: Callable[..., Any] | None) -> Any:
    """Guard a function that gives named arrays."""
    if function is None:
        return None
    call = _guard(suite, what, function)

    @functools.wraps(function)
    def fields(*arguments: Any, **named: Any) -> Any:
        state = call(*arguments, **named)
        if not isinstance(state, dict) or (not state and what == "random_states"):
            shown = "no fields" if state == {} else f"a {type(state).__name__}"
            raise SuiteError(
                f"the suite {suite} is wrong: {what} gives {shown}; a dict of named arrays is "
                "wanted"
            )
        if what == "random_states":
            _check_rows(suite, state, arguments[1])
        return state

    return fields


def _check_rows(suite: str, state: dict[str, Any], wanted: Any) -> None:
    """Refuse fields of generated states that have not as many rows as were asked for."""
    for name, values in state.items():
        rows = np.shape(values)[:1]
        if rows != (wanted,):
            shown = f"{rows[0]} rows" if rows else "one number"
            raise SuiteError(
                f"the suite {suite} is wrong: random_states gives {shown} of {name!r}; {wanted} "
                "were asked for"
            )
